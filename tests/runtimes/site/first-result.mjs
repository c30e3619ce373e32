// first-result.mjs - from nothing to the first answer, in milliseconds: before `import`, then opening a store in memory,
// inserting ten records of 384 dimensions, and the result of the first query.
const DIMENSION = 384, RECORDS = 10;

const vector = (i) => Float32Array.from({ length: DIMENSION }, (_, j) => Math.sin(i * DIMENSION + j));

export async function firstResult() {
  const start = performance.now();
  const { VecStore } = await import('vecstore');
  const store = await VecStore.open({ storage: 'memory', metric: 'cosine' });
  await store.upsert(Array.from({ length: RECORDS }, (_, id) => ({ id, vector: vector(id) })));
  const hits = await store.query({ vector: vector(7), k: 1 });
  const ms = performance.now() - start;
  await store.close();
  if (hits[0]?.id !== 7) throw new Error('a wrong answer');
  return ms;
}

/** Instantiates the engine and imports a store; `wanted` is how many records it must hold. */
export async function importStore(bytes, wanted) {
  const { VecStore } = await import('vecstore');
  const start = performance.now();
  const store = await VecStore.import(bytes, { storage: 'memory' });
  const { dimension } = await store.stats();
  await store.query({ vector: new Float32Array(dimension).fill(1) });
  const ms = performance.now() - start;
  if ((await store.count()) !== wanted) throw new Error('records are missing');
  return { ms, store };
}
