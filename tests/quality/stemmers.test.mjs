// Each language's stemmer equals Debian's stemwords: on every word of the shared collections, and on random words.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LANGUAGES, collectionWords, hasStemwords, randomWords, stemwords } from './stemmers.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RANDOM = 100_000;
const SEED = 20261123;

/** What this project's engine makes of words: the C program of the unit test stems the lines it is given. */
function ours(language, words) {
  const { status, stdout, stderr } = spawnSync(`${ROOT}build/native/asan/tests/unit/text/words_lose_their_endings`,
    [`${ROOT}dist/lang.bin`, language], { input: `${words.join('\n')}\n`, maxBuffer: 1 << 28 });
  assert.equal(status, 0, stderr?.toString());
  return stdout.toString().split('\n').slice(0, words.length);
}

function compare(language, words) {
  const [want, found] = [stemwords(language, words), ours(language, words)];
  const wrong = words.flatMap((word, i) => (want[i] === found[i] ? [] : [`${word}: ${found[i]}, not ${want[i]}`]));
  assert.equal(wrong.length, 0, `${wrong.length} of ${words.length}, seed ${SEED}: ${wrong.slice(0, 5).join('; ')}`);
}

const skip = !hasStemwords() && "stemwords is absent (Debian's package libstemmer-tools)";
const collections = skip ? null : collectionWords();

for (const language of LANGUAGES) {
  test(`${language} stems as stemwords does: random words`, { skip }, (t) => {
    const words = randomWords(language, RANDOM, SEED);
    t.diagnostic(`${words.length} words`);
    compare(language, words);
  });
  test(`${language} stems as stemwords does: the collections' words`, { skip: skip || (!collections && '../shared/data is absent') }, (t) => {
    t.diagnostic(`${collections.length} words`);
    compare(language, collections);
  });
}
