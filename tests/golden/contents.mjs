// contents.mjs - what each golden store holds, and how it is written.
//
// Components are small dyadic fractions, so that every instruction set computes
// the same distances and the same graph. The clock stands still while a store is written.

/** @typedef {{ id: string | number, vector?: Float32Array, metadata: any, text?: any }} Golden */

export const EMBEDDER = { name: 'golden-old', dimension: 4 }, NEXT_EMBEDDER = { name: 'golden-new', dimension: 6 };

/** A vector that says where it comes from. */
export const vectorOf = (i, dimension) => Float32Array.from({ length: dimension }, (_, j) => ((i * 37 + j * j * 11 + 5) % 64) / 32 - 1);

/** A deterministic embedder of that name. */
export const embedder = ({ name, dimension }, limit = Infinity) => {
  let left = limit;
  return {
    name, dimension,
    async embed(texts) {
      if (left-- <= 0) throw new Error('interrupted');
      return texts.map((text) => vectorOf(text.length * 7 + text.charCodeAt(text.length - 1) + dimension, dimension));
    },
  };
};

const METADATA = [
  (i) => ({ i, even: i % 2 === 0 }),
  (i) => ({ i, big: 9007199254740993n + BigInt(i), negative: -(2n ** 63n), real: i + 0.5, zero: -0 }),
  (i) => ({ i, list: [1, 'two', null, [true, {}]], 'odd key.': { deep: { er: 'é😀' } } }),
  (i) => ({ i, ...JSON.parse('{"__proto__":{"x":1},"constructor":"c"}') }),
  () => ({}),
];

/** @returns {Golden} */
export const record = (i, dimension) => ({
  id: i % 3 === 0 ? i : `r${i}`,
  ...(dimension > 0 ? { vector: vectorOf(i, dimension) } : {}),
  metadata: METADATA[i % METADATA.length](i),
  ...(i % 4 === 0 ? { text: i % 8 === 0 ? `text ${i} é😀` : { title: `title ${i}`, body: `body\n${i}` } } : {}),
});
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const idOf = (i) => record(i, 0).id;
const records = (from, to, dimension) => range(from, to).map((i) => record(i, dimension));
const without = (list, gone) => list.filter(({ id }) => !gone.includes(id));
const texted = (n) => range(0, n).map((i) => ({ id: i, text: `golden text number ${i}`, metadata: { i } }));
const embedded = (list, which) => Promise.all(list.map(async (r) => ({ ...r, vector: (await embedder(which).embed([r.text]))[0] })));

/**
 * @typedef {object} GoldenStore
 * @property {any} [options] to open it with
 * @property {(store: any) => Promise<void>} write
 * @property {boolean} [unclosed] as a crash leaves it
 * @property {() => Golden[] | Promise<Golden[]>} holds
 * @property {any} stats members of stats() it has
 * @property {Record<string, () => Golden[]>} [snapshots]
 */

/** @type {Record<string, GoldenStore>} */
export const stores = {
  empty: { write: async () => {}, holds: () => [], stats: { count: 0, dimension: null, metric: 'cosine' } },
  log: {
    options: { metric: 'euclidean' },
    write: async (store) => {
      await store.upsert(records(0, 30, 5));
      await store.delete([idOf(3), idOf(4)]);
      await store.upsert({ ...record(5, 5), metadata: { replaced: true } });
    },
    holds: () => [...without(records(0, 30, 5), [idOf(3), idOf(4), idOf(5)]), { ...record(5, 5), metadata: { replaced: true } }],
    stats: { count: 28, dimension: 5, metric: 'euclidean' },
  },
  'log-unclosed': {
    unclosed: true,
    write: async (store) => {
      await store.upsert(records(0, 10, 3));
      await store.upsert(records(10, 20, 3));
    },
    holds: () => records(0, 20, 3),
    stats: { count: 20, dimension: 3 },
  },
  checkpointed: {
    options: { metric: 'dot', index: { M: 6, efConstruction: 40, efSearch: 33 } },
    write: async (store) => {
      await store.upsert(records(0, 120, 8));
      await store.checkpoint();
      await store.delete(range(0, 40).map(idOf));
      await store.checkpoint();
      await store.upsert(records(120, 130, 8));
    },
    holds: () => records(40, 130, 8),
    stats: { count: 90, dimension: 8, metric: 'dot' },
  },
  graph: {
    options: { metric: 'manhattan', index: { type: 'hnsw', M: 4, efConstruction: 20 } },
    write: async (store) => {
      await store.upsert(records(0, 100, 6));
      await store.delete(range(20, 50).map(idOf));
      await store.checkpoint();
    },
    holds: () => [...records(0, 20, 6), ...records(50, 100, 6)],
    stats: { count: 70, metric: 'manhattan' },
  },
  snapshots: {
    write: async (store) => {
      await store.upsert(records(0, 20, 4));
      await store.createSnapshot('first');
      await store.upsert(records(20, 40, 4));
      await store.delete(idOf(0));
      await store.createSnapshot('second-2.x');
      await store.delete(range(10, 30).map(idOf));
    },
    holds: () => [...records(1, 10, 4), ...records(30, 40, 4)],
    stats: { count: 19 },
    snapshots: { first: () => records(0, 20, 4), 'second-2.x': () => records(1, 40, 4) },
  },
  staged: {
    options: { embedder: embedder(EMBEDDER) },
    write: async (store) => {
      await store.upsert(texted(40));
      await store.reembed(embedder(NEXT_EMBEDDER, 2), { batchSize: 10 }).catch(() => {});
      await store.checkpoint();
      await store.reembed(embedder(NEXT_EMBEDDER, 1), { batchSize: 5 }).catch(() => {});
    },
    holds: () => embedded(texted(40), EMBEDDER),
    stats: { count: 40, embedder: EMBEDDER, reembedding: { ...NEXT_EMBEDDER, done: 25 } },
  },
  int8: {
    options: { quantization: 'int8', index: { type: 'hnsw', M: 5, efConstruction: 30 } },
    write: async (store) => {
      await store.upsert(records(0, 90, 8));
      await store.checkpoint();
    },
    holds: () => records(0, 90, 8),
    stats: { count: 90, quantization: 'int8' },
  },
  turbo: {
    options: { index: { type: 'hnsw', layout: 'turbo', M: 5, efConstruction: 30 } },
    write: async (store) => {
      await store.upsert(records(0, 300, 8));
      await store.optimize();
    },
    holds: () => records(0, 300, 8),
    stats: { count: 300, quantization: 'int8' },
  },
  filters: {
    options: { indexes: { i: 'range', even: 'value', '`odd key.`': false }, schema: { i: { type: 'number' } } },
    write: async (store) => {
      await store.upsert(records(0, 60, 4));
      await store.checkpoint();
    },
    holds: () => records(0, 60, 4),
    stats: { count: 60 },
  },
  'text-only': {
    options: { dimension: 0 },
    write: async (store) => {
      await store.upsert(records(0, 50, 0));
      await store.checkpoint();
    },
    holds: () => records(0, 50, 0),
    stats: { count: 50, dimension: 0 },
  },
};

// ============ Portable files ============

const sine = (i) => Float32Array.from({ length: 5 }, (_, j) => Math.fround(Math.sin(i * 5 + j)));

/** What the exported store is made with, what is written and deleted. */
export const exported = {
  options: { metric: 'euclidean', index: { M: 6, efConstruction: 40, efSearch: 33 }, indexes: { n: 'range' } },
  records: range(0, 60).map((i) => ({
    id: i % 3 === 0 ? i : `r${i}`, vector: sine(i),
    metadata: { n: i, big: 9007199254740993n + BigInt(i), nested: { list: [1, 'two', null, true, -0.5] } },
    ...(i % 4 === 0 ? { text: i % 8 === 0 ? `text ${i} é😀` : { title: `t${i}`, body: 'b' } } : {}),
  })),
  deleted: [0, 'r1'],
};
