// The list of documents beside the results. Knows nothing of the store; the corpus is a document without a path.

import { counted, fileSize, grouped } from './format.js';

const SHOWN = 100; // More at a press of a button, so that a folder of thousands does not hold up the page.

const $ = (id) => document.getElementById(id);
const template = $('document');

let byName; // Made when first needed, as it takes its time.

let shown = SHOWN;
let documents = [];

const nameOf = ({ path }) => path ?? 'The corpus of this page';

function buildDocument(entry, busy) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.id = entry.id;
  item.querySelector('.name').textContent = nameOf(entry);
  item.querySelector('.note').textContent = [
    counted(entry.passages, 'passage'), entry.bytes !== undefined && fileSize(entry.bytes), entry.kind,
  ].filter(Boolean).join(' · ');
  const remove = item.querySelector('.remove');
  item.querySelector('.name').id = `name-${entry.id}`;
  remove.setAttribute('aria-describedby', `name-${entry.id}`);
  remove.disabled = busy;
  return item;
}

/** Shows the list, newest first and the corpus last. While `busy` nothing can be deleted. */
export function showDocuments(all, busy) {
  documents = all.filter(({ phase, path }) => phase === 'kept' || !path).sort((a, b) => (
    (b.added ?? 0) - (a.added ?? 0) || (byName ??= new Intl.Collator('en', { numeric: true })).compare(a.path, b.path)));
  $('documents').replaceChildren(...documents.slice(0, shown).map((entry) => buildDocument(entry, busy)));
  const hidden = documents.length - shown;
  $('more-documents').hidden = hidden <= 0;
  $('more-documents').textContent = `Show ${grouped(Math.min(hidden, SHOWN))} of ${grouped(hidden)} more`;
}

/** `onRemove(id, name)` hears the delete buttons. */
export function enableDocuments(onRemove) {
  $('documents').addEventListener('click', ({ target }) => {
    const item = target.closest('.remove') && target.closest('.document');
    if (!item) return;
    const entry = documents.find(({ id }) => id === item.dataset.id);
    onRemove(entry.id, nameOf(entry));
  });
  $('more-documents').addEventListener('click', () => {
    shown += SHOWN;
    showDocuments(documents, $('documents').querySelector('.remove')?.disabled ?? false);
  });
}

/** Puts the focus where the deleted document was: on the next one's button, or on the heading of the list. */
export function focusAt(position) {
  const buttons = $('documents').querySelectorAll('.remove');
  (buttons[Math.min(position, buttons.length - 1)] ?? $('choose-files')).focus();
}

export const positionOf = (id) => [...$('documents').children].findIndex((item) => item.dataset.id === id);
