// stemmers.mjs - what the stemmers are compared on: Debian's `stemwords`, the words of the shared collections, and random
// words on which rules fire: pieces of real words and of the endings that a language's rules name.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

const RULES = new URL('../../src/text/lang/', import.meta.url);
const DATA = new URL('../../../shared/data/retrieval/', import.meta.url);

export const LANGUAGES = readdirSync(RULES).filter((file) => file.endsWith('.stem')).map((file) => file.slice(0, -5)).sort();

/** Whether Debian's program is here (package libstemmer-tools). */
export const hasStemwords = () => !spawnSync('stemwords', ['-h']).error;

/** What stemwords makes of words. @param {string} language @param {string[]} words */
export function stemwords(language, words) {
  const { status, stdout, stderr } = spawnSync('stemwords', ['-l', language], { input: `${words.join('\n')}\n`, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`stemwords failed: ${stderr}`);
  return stdout.toString().split('\n').slice(0, words.length);
}

/** A stream of numbers below n, the same each time. @param {number} seed */
export function random(seed) {
  let state = seed >>> 0;
  return (/** @type {number} */ n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(((state >>> 4) / 2 ** 28) * n);
  };
}

/** @param {string} language @param {number} count @param {number} seed */
export function randomWords(language, count, seed) {
  const [rules, stops] = readFileSync(new URL(`${language}.stem`, RULES), 'utf8').split(/^stops = /m);
  const words = stops.split(/\s+/).filter(Boolean);
  const endings = [...new Set([...rules.replace(/^#.*$|^\s+#.*$/gm, '').matchAll(/'([^']+)'/g)].map(([, one]) => one.toLowerCase()))];
  const latin = 'abcdefghijklmnopqrstuvwxyz';
  const letters = [...new Set(words.join('') + endings.join('') + (language === 'russian' ? '' : latin))];
  const below = random(seed);
  const pick = (/** @type {string[]} */ list) => list[below(list.length)];
  const made = new Set([...words, ...endings]);
  for (let i = 0; made.size < count && i < count * 10; i++) {
    let word = '';
    const onlyLetters = below(4) === 0;
    for (let n = below(8); n >= 0; n--) word += onlyLetters || below(3) > 0 ? pick(letters) : pick(words);
    for (let n = onlyLetters ? 0 : 1 + below(3); n > 0; n--) word += pick(endings);
    made.add([...word].slice(0, 60).join(''));
  }
  return [...made].slice(0, count);
}

/** Every word of lower-case letters in the shared collections; null where they are absent. */
export function collectionWords() {
  if (!existsSync(DATA)) return null;
  const words = new Set();
  for (const name of readdirSync(DATA)) {
    for (const file of readdirSync(new URL(`${name}/`, DATA), { recursive: true })) {
      if (!/\.(jsonl|tsv|txt|json)$/.test(String(file))) continue;
      const text = readFileSync(new URL(`${name}/${file}`, DATA), 'utf8').toLowerCase();
      for (const [word] of text.matchAll(/\p{L}+/gu)) if (word.length <= 60) words.add(word);
    }
  }
  return words.size > 0 ? [...words] : null;
}
