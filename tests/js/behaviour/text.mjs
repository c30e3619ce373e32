// Search by words: both syntaxes, fields, filters, places of words, following every write, reopening, and with vectors.
import { equal, fails, near, ok } from './expect.mjs';

const BOOKS = [
  { id: 1, text: 'The quick brown fox jumps over the lazy dog', metadata: { kind: 'pangram' } },
  { id: 2, text: 'A brown dog sleeps. The dog dreams of foxes', metadata: { kind: 'story' } },
  { id: 3, text: 'Receiving letters is quick; writing them takes time', metadata: { kind: 'story' } },
  { id: 4, text: 'Élan vital, 中国人 and CO₂ in one text about AB-1234', metadata: { kind: 'odd' } },
  { id: 5, metadata: { kind: 'silent' } },
];
const filled = async (open, options = {}) => {
  const store = await open({ dimension: 0, ...options });
  await store.upsert(BOOKS);
  return store;
};
const found = async (store, text, options = {}) => (await store.textQuery({ text, syntax: 'query', ...options })).map(({ id }) => id);
const sorted = async (...args) => (await found(...args)).sort((a, b) => a - b);
const bm25 = (n, df, tf, length, average, k1 = 1.2, b = 0.75) =>
  Math.log(1 + (n - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * length / average));

export const cases = {
  'scores are BM25 with exact lengths, over the records that have text': async ({ open }) => {
    const store = await open({ dimension: 0, text: { stemmer: 'none', stopwords: 'none' } });
    await store.upsert([{ id: 'a', text: 'x y' }, { id: 'b', text: 'x x y z' }, { id: 'c', text: 'z z z' }, { id: 'd' }]);
    const hits = await store.textQuery({ text: 'X' });
    equal(hits.map(({ id }) => id), ['b', 'a']);
    near(hits[0].score, bm25(3, 2, 2, 4, 3));
    near(hits[1].score, bm25(3, 2, 1, 2, 3));
    equal(hits[0].metadata, {});
    const twice = await store.textQuery({ text: 'x x z', minScore: hits[0].score });
    near(twice[0].score, 2 * bm25(3, 2, 2, 4, 3) + bm25(3, 2, 1, 4, 3));
    equal((await store.textQuery({ text: 'q' })), []);
    equal((await store.textQuery({ text: '' })), []);
    equal((await store.textQuery({ text: 'x', k: 0 })), []);
  },

  'plain text is words and quoted phrases, nothing else': async ({ open }) => {
    const store = await filled(open);
    const plain = async (text) => (await store.textQuery({ text })).map(({ id }) => id).sort();
    equal(await plain('fox'), [1, 2]);
    equal(await plain('-fox +dog (AND)'), [1, 2]);
    equal(await plain('"brown dog" letters'), [2]);
    equal(await plain('"dog brown"'), []);
    equal(await plain('an "unbalanced fox'), [1, 2]);
    equal(await plain('received a letter'), [3]);
    equal(await plain('ÉLAN'), [4]);
    equal(await plain('中国'), [4]);
    equal(await plain('co₂'), [4]);
  },

  'operators, groups, slop, beginnings and misspellings': async ({ open }) => {
    const store = await filled(open);
    equal(await sorted(store, '+dog -quick'), [2]);
    equal(await sorted(store, 'dog AND NOT quick OR letters'), [2, 3]);
    equal(await sorted(store, '(fox OR letters) AND quick'), [1, 3]);
    equal(await sorted(store, 'fox && (sleep || jump)'), [1, 2]);
    equal(await sorted(store, '"quick fox"'), []);
    equal(await sorted(store, '"quick fox"~1'), [1]);
    equal(await sorted(store, '"fox quick"~1'), []);
    equal(await sorted(store, '"fox quick"~3'), [1]);
    equal(await sorted(store, 'dre*'), [2]);
    equal(await sorted(store, 'sleeping*'), [2]);
    equal(await sorted(store, 'recieve~1'), [3]);
    equal(await sorted(store, 'lettrs~'), [3]);
    equal(await sorted(store, 'lettrs'), []);
    equal(await sorted(store, 'AB-1234'), [4]);
    equal(await sorted(store, '1234-AB'), []);
    equal(await sorted(store, '-dog'), []);
    equal(await sorted(store, '\\-dog'), [1, 2]);
    equal((await found(store, 'fox letters^50'))[0], 3);
  },

  'a query that is none says where': async ({ open }) => {
    const store = await filled(open);
    for (const [text, offset] of [['é (dog', 2], ['dog)', 3], ['"dog', 0], ['dog AND', 7], ['OR dog', 2], ['dog~5', 3], ['a^', 1],
      ['title:)', 6], ['*', 0]]) {
      const error = await fails('INVALID_ARGUMENT', store.textQuery({ text, syntax: 'query' }), 'at character');
      equal(error.offset, offset, text);
    }
    for (const wrong of [undefined, {}, { text: 5 }, { text: 'x', syntax: 'sql' }, { text: 'x', k: -1 }, { text: 'x', fields: [] },
      { text: 'x', nonsense: 1 }, { text: '\ud800' }, { text: 'x', filter: 5 }]) {
      await fails('INVALID_ARGUMENT', store.textQuery(wrong));
    }
    await fails('FILTER_SYNTAX', store.textQuery({ text: 'x', filter: 'a =' }));
  },

  'a filter decides which records count': async ({ open }) => {
    const store = await filled(open);
    equal((await store.textQuery({ text: 'quick dog', filter: "kind = 'story'" })).map(({ id }) => id).sort(), [2, 3]);
    equal((await store.textQuery({ text: 'quick dog', filter: { kind: 'none' } })), []);
    equal((await store.textQuery({ text: 'quick', filter: 'kind = $k', params: { k: 'pangram' }, include: ['text'] })).map(({ id, text }) => [id, text]),
      [[1, BOOKS[0].text]]);
  },

  'named texts are fields with weights': async ({ open }) => {
    const store = await open({ dimension: 0, text: { weights: { title: 5 } } });
    await store.upsert([
      { id: 1, text: { title: 'Cats', body: 'Dogs and more dogs' } },
      { id: 2, text: { title: 'Dogs', body: 'Cats and more cats' } },
      { id: 3, text: 'Neither fish nor dogs' },
    ]);
    equal((await store.textQuery({ text: 'dogs' })).map(({ id }) => id)[0], 2);
    equal(await sorted(store, 'title:dogs'), [2]);
    equal(await sorted(store, 'body:(dogs OR fish)'), [1]);
    equal(await sorted(store, 'nowhere:dogs'), []);
    equal(await sorted(store, 'dogs', { fields: ['body'] }), [1]);
    equal(await sorted(store, '"more cats"'), [2]);
    equal(await sorted(store, '"cats dogs"'), []);
    equal(await sorted(store, 'dogs'), [1, 2, 3]);
  },

  'highlights are exact places in the string': async ({ open }) => {
    const store = await open({ dimension: 0 });
    await store.upsert([{ id: 1, text: '😀 Ünïcode foxes, a FOX and 中国人' }, { id: 2, text: { title: 'One fox', body: 'none' } }]);
    const marked = (text, spans) => spans.map(([from, to]) => text.slice(from, to));
    const [hit, named] = (await store.textQuery({ text: 'fox 中国人', highlight: true, include: ['text'] })).sort((a, b) => a.id - b.id);
    equal(marked(hit.text, hit.highlights), ['foxes', 'FOX', '中国人']);
    equal(Object.keys(named.highlights), ['title']);
    equal(marked(named.text.title, named.highlights.title), ['fox']);
    const [bare] = await store.textQuery({ text: 'ünïcode', highlight: true });
    equal([bare.highlights, bare.text], [[[3, 10]], undefined]);
    const [begun] = await store.textQuery({ text: 'ünï* -one', syntax: 'query', highlight: true });
    equal(begun.highlights, [[3, 10]]);
  },

  'the index follows every write': async ({ open }) => {
    const store = await filled(open);
    equal(await sorted(store, 'dog'), [1, 2]);
    await store.upsert([{ id: 6, text: 'one more dog' }, { id: 1, text: 'now a cat' }, { id: 5, text: 'a dog speaks' }]);
    equal(await sorted(store, 'dog'), [2, 5, 6]);
    await store.delete(2);
    await store.updateMetadata(6, { x: 1 });
    equal(await sorted(store, 'dog'), [5, 6]);
    equal(await sorted(store, 'cat fox'), [1]);
    await store.upsert({ id: 5 });
    equal(await sorted(store, 'dog'), [6]);
    const fresh = await open({ dimension: 0 });
    for (const id of [1, 3, 4, 5, 6]) await fresh.upsert(await store.get(id));
    for (const text of ['dog', 'cat', 'one more time']) {
      const scores = async (of) => (await of.textQuery({ text })).map(({ id, score }) => [id, score]).sort((a, b) => a[0] - b[0]);
      equal(await scores(store), await scores(fresh), text);
    }
    const { text } = await store.stats();
    equal([text.ready, text.records], [true, 4]);
  },

  'options are checked': async ({ tryOpen }) => {
    for (const text of [{ tokenizer: 'none' }, { stemmer: 'klingon' }, { stopwords: 'all' }, { stopwords: [1] }, { k1: -1 }, { b: 2 },
      { k1: 'x' }, { weights: { title: 0 } }, { weights: 5 }, { nonsense: 1 }, 'standard', { possessives: 1 }]) {
      await fails('INVALID_ARGUMENT', tryOpen({ text }));
    }
  },

  'stop words of one\'s own, and none': async ({ open }) => {
    const store = await open({ dimension: 0, text: { stopwords: ['Fox', 'LAZY'], stemmer: 'none' } });
    await store.upsert(BOOKS);
    equal(await sorted(store, 'fox lazy'), []);
    equal(await sorted(store, 'the'), [1, 2]);
    equal(await sorted(store, '"over the dog"'), []);
    equal(await sorted(store, '"over the lazy dog"'), [1]);
  },

  'words and vectors together': async ({ open }) => {
    const store = await open({ dimension: 2 });
    await store.upsert([
      { id: 'a', vector: [1, 0], text: 'red apple' }, { id: 'b', vector: [0.9, 0.1], text: 'green pear' },
      { id: 'c', vector: [0, 1], text: 'red red wine' }, { id: 'd', vector: [0.1, 0.9], text: 'white wine' },
    ]);
    const vector = [1, 0];
    const hits = await store.hybridQuery({ vector, text: 'red', fusion: 'rrf', explain: true });
    equal(hits.map(({ id }) => id), ['a', 'c', 'b', 'd']);
    near(hits[0].score, 1 / 61 + 1 / 62);
    near(hits[1].score, 1 / 61 + 1 / 64);
    equal(hits[2].parts.text, null);
    near(hits[0].parts.vector, 1);
    equal([hits[0].explanation.vector.rank, hits[0].explanation.text.rank], [1, 2]);
    ok(hits[0].explanation.summary.includes('rrf'));
    const ids = async (options) => (await store.hybridQuery({ vector, text: 'red', ...options })).map(({ id }) => id);
    equal(await ids({ alpha: 0 }), ['c', 'a']);
    equal(await ids({ alpha: 1 }), ['a', 'b', 'd', 'c']);
    equal(await ids({ k: 1 }), ['a']);
    equal(await ids({}), ['a', 'c', 'b', 'd']);
    equal(await ids({ k: 0 }), []);
    equal(await ids({ fusion: 'weighted', alpha: 0.1 }), ['c', 'a', 'b', 'd']);
    equal(await ids({ fusion: 'weighted', alpha: 0.5 }), ['a', 'c', 'b', 'd']);
    equal(await ids({ syntax: 'query', text: '+red -wine', alpha: 0 }), ['a']);
    for (const wrong of [{ text: 'x' }, { vector }, { vector, text: 'x', fusion: 'magic' }, { vector, text: 'x', alpha: 2 },
      { vector, text: 'x', rrfK: 0 }, { vector: ['x'], text: 'x' }, undefined]) {
      await fails('INVALID_ARGUMENT', store.hybridQuery(wrong));
    }
    await fails('DIMENSION_MISMATCH', store.hybridQuery({ vector: [1], text: 'x' }));
  },

  'a fused result is the same however deep the sides are asked': async ({ open }) => {
    const store = await open({ dimension: 2 });
    const n = 700;
    await store.upsert(Array.from({ length: n }, (_, i) => ({
      id: i, vector: [Math.cos(i), Math.sin(i)], text: `${'w '.repeat(1 + (i * 37) % 11)}${'v '.repeat((i * 53) % 17)}`, metadata: { even: i % 2 === 0 },
    })));
    for (const options of [{}, { alpha: 0.3 }, { filter: 'even = true' }, { k: 60 }]) {
      const query = { vector: [1, 0], text: 'w', k: 10, exact: true, ...options };
      const want = await store.hybridQuery({ ...query, depth: n });
      equal((await store.hybridQuery(query)).map(({ id, score }) => [id, score]), want.map(({ id, score }) => [id, score]));
    }
  },

  'the order of calls holds for text queries': async ({ open }) => {
    const store = await open({ dimension: 0 });
    const first = store.textQuery({ text: 'dog' });
    const write = store.upsert({ id: 1, text: 'dog' });
    const second = store.textQuery({ text: 'dog' });
    const removal = store.delete(1);
    const both = await Promise.all([first, write, second, removal]);
    equal([both[0].length, both[2].length], [0, 1]);
    const controller = new AbortController();
    controller.abort();
    await fails('ABORTED', store.textQuery({ text: 'dog', signal: controller.signal }));
  },
};
