// Marks in a found text the words that were asked for. A search by meaning often finds texts that share none of them;
// then nothing is marked.

const COMMON = new Set(('a about after all also an and any are as at be been before but by can could did do does find ' +
  'for found from get gets had has have he her his how i if in into is it its make makes me more most my no not of on ' +
  'one or our out over she so some than that the their them then there these they thing things this those to up was way ' +
  'we were what when where which who whose why will with would you your').split(' '));
const ENDINGS = /(?:ings?|ed|es|s|e|ly)$/;
const SHORTEST_STEM = 3;

const WORD = /[\p{L}\p{N}]+/gu;

/** The word without accents, case and its commonest endings, so that "sails" and "sailing" are one. */
function stem(word) {
  const plain = word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const short = plain.replace(ENDINGS, '');
  return short.length >= SHORTEST_STEM ? short : plain;
}

/** The stems worth marking in a query. */
export function stemsOf(query) {
  const words = query.match(WORD) ?? [];
  return new Set(words.filter((word) => word.length > 1 && !COMMON.has(word.toLowerCase())).map(stem));
}

/** Fills `element` with `text`, words with one of the stems within <mark>. */
export function showMarked(element, text, stems) {
  if (stems.size === 0) {
    element.textContent = text;
    return;
  }
  const parts = [];
  let end = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!stems.has(stem(word))) continue;
    const mark = document.createElement('mark');
    mark.textContent = word;
    parts.push(text.slice(end, index), mark);
    end = index + word.length;
  }
  element.replaceChildren(...parts, text.slice(end));
}
