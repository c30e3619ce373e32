// Texts in other languages, identifiers and pieces of words; completing, correcting, and queries as objects.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';

const LANG = new URL('../../dist/lang.bin', import.meta.url);
const ids = (hits) => hits.map(({ id }) => id).sort();
const german = [{ id: 1, text: 'Die Katzen liefen über die Wiesen und Häuser' }, { id: 2, text: 'Ein Haus in den Bergen' },
  { id: 3, text: { title: 'Maschinelles Lernen', body: 'gelernt wird aus Beispielen' } }];

async function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'vecstore-lang-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('a language stems and has stop words; places are those of the string', async () => {
  const store = await VecStore.open({ dimension: 0, text: { language: 'german' } });
  await store.upsert(german);
  const hits = await store.textQuery({ text: 'Häusern', highlight: true });
  assert.deepEqual(ids(hits), [1, 2]);
  const text = german[0].text;
  assert.deepEqual(hits.find(({ id }) => id === 1).highlights.map(([from, to]) => text.slice(from, to)), ['Häuser']);
  assert.deepEqual(await store.textQuery({ text: 'die und in' }), []);
  assert.deepEqual(ids(await store.textQuery({ text: 'kazte~1', syntax: 'query' })), [1]);
  await store.close();
});

test('every language loads, follows writes and stays with the store', async (t) => {
  const path = await folder(t);
  for (const language of ['danish', 'dutch', 'finnish', 'french', 'german', 'italian', 'norwegian', 'portuguese', 'russian', 'spanish', 'swedish']) {
    const place = { path: join(path, language), dimension: 0 };
    const store = await VecStore.open({ ...place, text: { language } });
    await store.upsert({ id: 'a', text: 'continuellements вавиловка lichamelijkheden' });
    assert.equal((await store.textQuery({ text: 'вавиловка' })).length, 1, language);
    await store.upsert({ id: 'a', text: 'другой' });
    assert.equal((await store.textQuery({ text: 'вавиловка' })).length, 0, language);
    assert.equal((await store.stats()).text.terms, 1, language);
    await store.close();
    await assert.rejects(VecStore.open({ ...place, text: { language: 'english' } }), { code: 'INVALID_ARGUMENT' });
    const again = await VecStore.open(place);
    assert.equal((await again.textQuery({ text: 'другой' })).length, 1, language);
    await again.close();
  }
});

test('a language that cannot be loaded fails text queries, by name, and nothing else', async (t) => {
  const path = await folder(t);
  const bytes = readFileSync(LANG);
  const broken = Uint8Array.from(bytes);
  broken[1000] ^= 1;
  const later = Uint8Array.from(bytes);
  later[4] = 9;
  const absent = pathToFileURL(join(path, 'no-lang.bin'));
  for (const [languages, code] of [[broken, 'CORRUPT'], [bytes.subarray(0, 500), 'CORRUPT'], [later, 'UNSUPPORTED'], [absent, 'IO'], ['x', 'INVALID_ARGUMENT']]) {
    const store = await VecStore.open({ path: join(path, 'store'), dimension: 2, text: { language: 'french', languages } });
    await store.upsert({ id: 'a', vector: [1, 0], text: 'les chevaux' });
    for (let i = 0; i < 2; i++) {
      await assert.rejects(store.textQuery({ text: 'cheval' }), (error) => {
        assert.equal(error.code, code);
        assert.ok(code === 'INVALID_ARGUMENT' || error.file === 'lang.bin', 'the error names the file');
        return true;
      });
    }
    await assert.rejects(store.suggest('cheval'), { code });
    assert.equal((await store.query({ vector: [1, 0], k: 1 }))[0].id, 'a');
    await store.close();
  }
  const url = pathToFileURL(join(path, 'copy.bin'));
  writeFileSync(url, bytes);
  for (const languages of [url, bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)]) {
    const store = await VecStore.open({ path: join(path, 'store'), text: { languages } });
    assert.deepEqual(ids(await store.textQuery({ text: 'chevaux' })), ['a']);
    await store.close();
  }
});

test('language is stemmer and stop words, each of which may be another', async () => {
  const bare = await VecStore.open({ dimension: 0, text: { language: 'german', stopwords: 'none' } });
  await bare.upsert(german);
  assert.deepEqual(ids(await bare.textQuery({ text: 'die' })), [1]);
  await bare.close();
  const unstemmed = await VecStore.open({ dimension: 0, text: { stemmer: 'none', stopwords: 'german' } });
  await unstemmed.upsert(german);
  assert.deepEqual(ids(await unstemmed.textQuery({ text: 'die Häuser' })), [1]);
  assert.deepEqual(ids(await unstemmed.textQuery({ text: 'Haus' })), [2]);
  await unstemmed.close();
  await assert.rejects(VecStore.open({ dimension: 0, text: { language: 'german', stemmer: 'french' } }), { code: 'INVALID_ARGUMENT' });
  for (const text of [{ language: 'klingon' }, { stemmer: 'klingon' }, { stopwords: 'klingon' }, { language: 7 }]) {
    await assert.rejects(VecStore.open({ dimension: 0, text }), { code: 'INVALID_ARGUMENT' });
  }
});

test('identifiers are found however they are written', async () => {
  const store = await VecStore.open({ dimension: 0, text: { tokenizer: 'code', stemmer: 'none', stopwords: 'none' } });
  await store.upsert([{ id: 'a', text: 'return getUserName(id)' }, { id: 'b', text: 'user_name = HTTPServer2.get()' }, { id: 'c', text: 'username' }]);
  const find = async (text, syntax = 'query') => ids(await store.textQuery({ text, syntax }));
  assert.deepEqual(await find('userName'), ['a', 'b']);
  assert.deepEqual(await find('user_name'), ['a', 'b']);
  assert.deepEqual(await find('"user name"'), ['a', 'b']);
  assert.deepEqual(await find('getusername'), ['a']);
  assert.deepEqual(await find('http AND server'), ['b']);
  assert.deepEqual(await find('getUser*'), ['a']);
  assert.deepEqual(await find('gteusername~1'), ['a']);
  const [hit] = await store.textQuery({ text: 'name', highlight: true, k: 1 });
  assert.ok(['a', 'b'].includes(hit.id));
  await store.close();
});

test('pieces of words find what they are within', async () => {
  const store = await VecStore.open({ dimension: 0, text: { tokenizer: 'ngram', ngram: [2, 3], stemmer: 'none' } });
  await store.upsert([{ id: 'a', text: 'Donaudampfschiff' }, { id: 'b', text: 'Dampf der Schiffe' }, { id: 'c', text: 'Dom' }]);
  const find = async (text) => ids(await store.textQuery({ text, syntax: 'query' }));
  assert.deepEqual(await find('dampfsch'), ['a']);
  assert.deepEqual(await find('schiff'), ['a', 'b']);
  assert.deepEqual(await find('do'), ['a', 'c']);
  assert.deepEqual(await find('fder'), []);
  await store.close();
  for (const ngram of [[3, 2], [0, 1], [1, 17], [2], 'x', 3]) {
    await assert.rejects(VecStore.open({ dimension: 0, text: { tokenizer: 'ngram', ngram } }), { code: 'INVALID_ARGUMENT' });
  }
});

test('autocomplete gives words as they are written, the most frequent first', async () => {
  const store = await VecStore.open({ dimension: 0 });
  await store.upsert([{ id: 1, text: 'Machine learning, learned machines' }, { id: 2, text: { title: 'Learning to cook', body: 'lemon' } },
    { id: 3, text: 'happiness' }, { id: 4, text: 'a machine' }]);
  assert.deepEqual(await store.autocomplete('le'), [{ text: 'learning', word: 'learning', records: 2 }, { text: 'lemon', word: 'lemon', records: 1 }]);
  assert.deepEqual((await store.autocomplete('deep lear')).map(({ text }) => text), ['deep learning']);
  assert.deepEqual((await store.autocomplete('😀 mach')).map(({ text }) => text), ['😀 machine']);
  // Longer than its stem.
  assert.deepEqual((await store.autocomplete('happines')).map(({ word }) => word), []);
  assert.deepEqual((await store.autocomplete('happ')).map(({ word }) => word), ['happiness']);
  assert.deepEqual((await store.autocomplete('le', { limit: 1 })).length, 1);
  for (const text of ['', 'learning ', '  ', 'zz']) assert.deepEqual(await store.autocomplete(text), [], text);
  assert.deepEqual(await store.autocomplete('laern'), []);
  assert.deepEqual((await store.autocomplete('laern', { fuzzy: true })).map(({ word }) => word), ['learning']);
  for (const [text, options] of [[7], ['a', { limit: 0 }], ['a', { limit: 1.5 }], ['a', { fuzzy: 1 }], ['a', { nope: 1 }], ['\ud800']]) {
    await assert.rejects(store.autocomplete(text, options), { code: 'INVALID_ARGUMENT' });
  }
  await store.close();
});

test('suggest corrects words that no record has, by distance and frequency', async () => {
  const store = await VecStore.open({ dimension: 0 });
  await store.upsert([{ id: 1, text: 'the weather is fine' }, { id: 2, text: 'weather and leather' }, { id: 3, text: 'weather' }, { id: 4, text: 'feather' }]);
  const { text, words } = await store.suggest('Fine 😀 waether, xeather and the');
  assert.equal(text, 'Fine 😀 weather, weather and the');
  assert.deepEqual(words.map(({ word, start, end }) => [word, start, end]), [['waether', 8, 15], ['xeather', 17, 24]]);
  assert.deepEqual(words[1].suggestions[0], { word: 'weather', records: 3, distance: 1 });
  assert.deepEqual(words[1].suggestions.slice(1).map(({ word }) => word).sort(), ['feather', 'leather']);
  assert.deepEqual((await store.suggest('xeather', { limit: 1 })).words[0].suggestions.length, 1);
  assert.deepEqual(await store.suggest('fine weather'), { text: null, words: [] });
  assert.deepEqual(await store.suggest('qqqqqqqq'), { text: null, words: [] });
  for (const [given, options] of [[undefined], ['a', { limit: 0 }], ['a', 3]]) {
    await assert.rejects(store.suggest(given, options), { code: 'INVALID_ARGUMENT' });
  }
  await store.close();
});

test('queries as objects are those as text', async () => {
  const store = await VecStore.open({ dimension: 2, text: { stemmer: 'none', stopwords: 'none' } });
  const odd = 'AND OR a:b (c) "d" e~1 f* +g -h i^2 \\j';
  await store.upsert([{ id: 1, vector: [1, 0], text: { title: 'new york', body: 'the city' } }, { id: 2, vector: [0, 1], text: { title: 'old', body: 'york new the city' } },
    { id: 3, vector: [1, 1], text: 'begin beginning wrod' }, { id: 4, vector: [1, 1], text: odd }]);
  const pairs = [
    [{ term: 'york' }, 'york'], ['york', 'york'], [{ term: 'new york' }, '"new york"'],
    [{ and: ['city', { not: { term: 'old' } }] }, 'city AND NOT (old)'],
    [{ or: [{ term: 'york', field: 'title', boost: 2.5 }, 'old'] }, '(title:york^2.5 OR old)'],
    [{ phrase: { terms: ['york', 'new'] } }, '"york new"'], [{ phrase: 'new york', field: 'title' }, 'title:"new york"'],
    [{ phrase: { terms: 'york the', slop: 1 } }, '"york the"~1'],
    [{ prefix: 'beg' }, 'beg*'], [{ fuzzy: 'word' }, 'word~'], [{ fuzzy: { term: 'word', distance: 1, prefixLength: 1 } }, 'word~1,1'],
    [{ fuzzy: { term: 'word', distance: 1, prefixLength: 2 } }, 'word~1,2'],
    [{ and: [{ or: ['new', 'begin'] }, { prefix: 'york' }], boost: 2 }, '((new OR begin) AND york*)^2'],
  ];
  for (const [text, written] of pairs) {
    const query = { k: 10, include: [] };
    const [a, b] = [await store.textQuery({ ...query, text }), await store.textQuery({ ...query, text: written, syntax: 'query' })];
    assert.deepEqual(a, b, written);
  }
  assert.deepEqual(ids(await store.textQuery({ text: { fuzzy: { term: 'word', distance: 1, prefixLength: 1 } } })), [3]);
  assert.deepEqual(ids(await store.textQuery({ text: { fuzzy: { term: 'word', distance: 1, prefixLength: 2 } } })), []);
  // Nothing in a word means anything.
  for (const word of odd.split(' ')) {
    if (!/\w/.test(word)) continue;
    assert.deepEqual(ids(await store.textQuery({ text: { and: [{ term: word }, { term: 'AND' }] } })), [4], word);
  }
  assert.deepEqual(ids(await store.hybridQuery({ text: { term: 'wrod' }, vector: [1, 0], k: 1, alpha: 0 })), [3]);
  const deep = (n) => (n === 0 ? 'a' : { not: deep(n - 1) });
  for (const text of [{}, [], null, 7, { term: '' }, { term: 7 }, { and: [] }, { and: 'a' }, { and: ['a', ''] }, { term: 'a', prefix: 'b' }, { nope: 1 },
    { term: 'a', slop: 1 }, { term: 'a', boost: 0 }, { term: 'a', boost: NaN }, { term: 'a', field: '' }, { phrase: { terms: [] } },
    { phrase: { terms: ['a'], slop: -1 } }, { phrase: { terms: ['a'], slop: 1001 } }, { phrase: { words: 'a' } }, { fuzzy: { term: 'a', distance: 3 } },
    { fuzzy: { term: 'a', prefixLength: -1 } }, { not: null }, { term: '\udfff' }, deep(16)]) {
    await assert.rejects(store.textQuery({ text }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(text));
  }
  await assert.rejects(store.textQuery({ text: { term: 'a' }, syntax: 'query' }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(store.hybridQuery({ text: { term: 'a' } }), { code: 'INVALID_ARGUMENT' });
  await store.close();
});
