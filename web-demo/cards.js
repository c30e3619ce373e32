// Grids of work cards: building them, keeping those already on the page, and moving among them with the arrow keys.
// Knows nothing of the store.

import { showFingerprint } from './pictures.js';

const template = document.getElementById('card');

export const hrefOf = (id) => `#/artwork/${encodeURIComponent(id)}`;

/** "1892" or the museum's longer wording; years before our era come as negative numbers. */
export const dateOf = ({ date, year }) => date || (year == null ? '' : year < 0 ? `${-year} BCE` : String(year));

function buildCard(work) {
  const card = template.content.firstElementChild.cloneNode(true);
  card.dataset.id = work.id;
  const part = (name) => card.querySelector(name);
  part('a').href = hrefOf(work.id);
  part('.title').textContent = work.title;
  part('.artist').textContent = [work.artist, dateOf(work)].filter(Boolean).join(', ');
  part('.place').textContent = work.department;
  showFingerprint(part('canvas'), work.print);
  return card;
}

function showScore(card, rank, score) {
  card.querySelector('.likeness-row').hidden = false;
  card.querySelector('.rank').textContent = rank;
  const data = card.querySelector('.score');
  data.value = score;
  data.textContent = score.toFixed(3);
  data.style.setProperty('--score', Math.max(0, score));
}

/** Shows `works` in `grid`; cards that stay are kept with their pictures. `scores` adds a rank and a score to each. */
export function showCards(grid, works, scores) {
  const kept = new Map([...grid.children].map((card) => [card.dataset.id, card]));
  const cards = works.map((work) => kept.get(work.id) ?? buildCard(work));
  if (scores) cards.forEach((card, i) => showScore(card, i + 1, scores[i]));
  const same = cards.length === grid.children.length && cards.every((card, i) => card === grid.children[i]);
  if (!same) grid.replaceChildren(...cards);
}

/** How many cards stand in the first row: those with the first card's top edge. */
function columnsOf(cards) {
  const top = cards[0].offsetTop;
  const next = cards.findIndex((card) => card.offsetTop > top);
  return next < 0 ? cards.length : next;
}

/** Arrow keys, Home and End move the focus from card to card. Tab goes through them too. */
export function enableArrowKeys(grid) {
  grid.addEventListener('keydown', (event) => {
    const cards = [...grid.children];
    const at = cards.findIndex((card) => card.contains(document.activeElement));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const columns = columnsOf(cards);
    const moves = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: cards.length - 1,
    };
    const target = cards[moves[event.key]];
    if (!target) return;
    event.preventDefault();
    target.querySelector('a').focus();
  });
}
