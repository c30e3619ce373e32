// first-result.mjs - from nothing to the first answer: how long `import` and a first search take, in milliseconds.
export async function firstResult() {
  const start = performance.now();
  const { VecStore } = await import('vecstore');
  const store = await VecStore.open({ storage: 'memory' });
  await store.upsert({ id: 1, vector: [1, 2, 3] });
  const hits = await store.query({ vector: [1, 2, 3] });
  const ms = performance.now() - start;
  await store.close();
  if (hits[0]?.id !== 1) throw new Error('a wrong answer');
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
