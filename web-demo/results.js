// The list of found passages: building it and moving along it with the arrow keys. Knows nothing of the store.

import { yearOf } from './format.js';
import { showMarked } from './marks.js';

const template = document.getElementById('result');

/** "Astronomy · 1610 · jupiter, telescope", of whatever is there. */
function factsOf({ category, year, tags, section }) {
  const when = typeof year === 'number' ? yearOf(year) : year;
  const about = Array.isArray(tags) ? tags.join(', ') : '';
  return [category, when, section, about].filter((part) => part !== undefined && part !== '').join(' · ');
}

let built = 0;

function buildResult(hit, rank, stems) {
  const result = template.content.firstElementChild.cloneNode(true);
  const part = (name) => result.querySelector(name);
  result.dataset.id = hit.id;
  part('.title').textContent = hit.title;
  part('.facts-line').textContent = factsOf(hit);
  part('.source').textContent = hit.source ?? '';
  part('.title').id = `title-${++built}`;
  part('.similar').setAttribute('aria-describedby', `title-${built}`);
  showMarked(part('.text'), hit.text, stems);
  if (hit.score === undefined) {
    part('.standing').remove();
    result.classList.add('unranked');
  } else {
    const score = part('.score');
    part('.rank').textContent = rank;
    score.value = hit.score;
    score.textContent = hit.score.toFixed(3);
    score.style.setProperty('--score', Math.max(0, hit.score));
  }
  return result;
}

/**
 * Shows `hits` in `list`; words with one of `stems` are marked. Hits without a score are shown without a rank. A focus in
 * the list stays with its passage, or goes to the first one.
 */
export function showResults(list, hits, stems) {
  const focused = list.contains(document.activeElement) && document.activeElement.closest('.result').dataset.id;
  list.replaceChildren(...hits.map((hit, i) => buildResult(hit, i + 1, stems)));
  if (!focused) return;
  const results = [...list.children];
  const same = results.find((result) => result.dataset.id === focused) ?? results[0];
  same?.querySelector('.similar').focus({ preventScroll: true });
}

/** The arrow keys lead from the input into the list, along it, and back; `onSimilar(id)` hears the results' buttons. */
export function enableResults(list, input, onSimilar) {
  const buttons = () => [input, ...list.querySelectorAll('.similar')];
  const step = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = buttons();
    const next = all[all.indexOf(document.activeElement) + by];
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: next !== input });
    next.closest('.result')?.scrollIntoView({ block: 'nearest' });
  };
  input.addEventListener('keydown', step);
  list.addEventListener('keydown', step);
  list.addEventListener('click', ({ target }) => {
    const button = target.closest('.similar');
    if (button) onSimilar(button.closest('.result').dataset.id);
  });
}
