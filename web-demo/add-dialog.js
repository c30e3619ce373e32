// The dialog for adding a work: it opens, lets the visitor decide, and reports the decision to a callback. It does not
// touch the store.

import { dateOf } from './cards.js';
import { showFingerprint } from './pictures.js';

const SUGGESTIONS = 12;

const $ = (id) => document.getElementById(id);

/** How a work is named in the "like" fields: readable, and with its id so that it can be found again. */
const labelOf = (work) => `${[work.title, work.artist, dateOf(work)].filter(Boolean).join(', ')} [${work.id}]`;

const idIn = (label) => label.match(/\[([^\]]+)\]\s*$/)?.[1];

/** `works` is the page's map of works, `onAdd({ metadata, like, share })` may reject with a reason. */
export class AddDialog {
  #works;
  #onAdd;
  #dialog = $('add');

  constructor(works, onAdd) {
    this.#works = works;
    this.#onAdd = onAdd;
    for (const input of [$('add-like-1'), $('add-like-2')]) {
      input.addEventListener('input', () => {
        this.#suggest(input.value);
        this.#preview();
      });
    }
    $('add-share').addEventListener('input', () => this.#preview());
    $('add-form').addEventListener('submit', (event) => this.#submit(event));
  }

  open(likeId) {
    $('add-form').reset();
    $('add-error').textContent = '';
    $('add-like-1').value = likeId ? labelOf(this.#works.get(likeId)) : '';
    const departments = [...new Set([...this.#works.values()].map((work) => work.department))].filter(Boolean).sort();
    $('add-department').replaceChildren(...departments.map((name) => new Option(name)));
    if (likeId) $('add-department').value = this.#works.get(likeId).department;
    this.#preview();
    this.#dialog.showModal();
  }

  #suggest(typed) {
    const wanted = typed.toLowerCase();
    const options = [];
    for (const work of this.#works.values()) {
      if (options.length === SUGGESTIONS) break;
      if (work.key.includes(wanted)) options.push(new Option('', labelOf(work)));
    }
    $('like-options').replaceChildren(...options);
  }

  #chosen() {
    return [$('add-like-1'), $('add-like-2')].map((input) => this.#works.get(idIn(input.value)));
  }

  #share() {
    return Number($('add-share').value) / 100;
  }

  /** The fingerprint is linear in the vector but for its length, so the blend of two prints is a fair preview. */
  #preview() {
    const [first, second] = this.#chosen();
    $('share-field').hidden = !(first && second);
    $('add-print').hidden = !first;
    if (!first) return;
    const share = this.#share();
    const print = first.print && second?.print
      ? first.print.map((x, i) => x * (1 - share) + second.print[i] * share) : first.print;
    showFingerprint($('add-print'), print);
  }

  async #submit(event) {
    if (event.submitter?.value === 'cancel') return;
    event.preventDefault();
    const [first, second] = this.#chosen();
    if (!first || ($('add-like-2').value.trim() && !second)) {
      $('add-error').textContent = 'Choose the work it is like from the suggestions.';
      $(first ? 'add-like-2' : 'add-like-1').focus();
      return;
    }
    const year = $('add-year').value.trim();
    const metadata = {
      title: $('add-name').value.trim(), artist: $('add-artist').value.trim(), date: '', year: year ? Number(year) : null,
      department: $('add-department').value, medium: '', culture: '', classification: '', tags: [],
    };
    try {
      await this.#onAdd({ metadata, like: [first, second].filter(Boolean).map((work) => work.id), share: this.#share() });
      this.#dialog.close();
    } catch (error) {
      $('add-error').textContent = `${error.code ?? 'ERROR'}: ${error.message}`;
    }
  }
}
