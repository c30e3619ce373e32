// Decision 4: reads.
import { equal, fails } from './expect.mjs';

async function filled(open) {
  const store = await open();
  await store.upsert([
    { id: 1, vector: [1, 0], metadata: { a: 1 }, text: 'one' },
    { id: 2, vector: [0, 1] },
  ]);
  return store;
}

export const cases = {
  'get: the record or null, arrays aligned': async ({ open }) => {
    const store = await filled(open);
    equal(await store.get(3), null);
    equal(await store.get([]), []);
    equal(await store.get([3, 2, 1, 2]), [
      null,
      { id: 2, vector: Float32Array.of(0, 1), metadata: {} },
      { id: 1, vector: Float32Array.of(1, 0), metadata: { a: 1 }, text: 'one' },
      { id: 2, vector: Float32Array.of(0, 1), metadata: {} },
    ]);
    equal((await fails('INVALID_ARGUMENT', store.get([1, '']))).index, 1);
  },

  'include': async ({ open }) => {
    const store = await filled(open);
    equal(await store.get(1, { include: [] }), { id: 1 });
    equal(await store.get(1, { include: ['text'] }), { id: 1, text: 'one' });
    equal(await store.get(1, { include: ['vector', 'metadata'] }), { id: 1, vector: Float32Array.of(1, 0), metadata: { a: 1 } });
    const vector = [1, 0];
    equal(await store.query({ vector, k: 1 }), [{ id: 1, score: 1, distance: 0, metadata: { a: 1 } }]);
    equal(await store.query({ vector, k: 1, include: [] }), [{ id: 1, score: 1, distance: 0 }]);
    equal(await store.query({ vector, k: 1, include: ['text', 'vector'] }),
      [{ id: 1, score: 1, distance: 0, vector: Float32Array.of(1, 0), text: 'one' }]);
    for (const include of ['metadata', ['meta'], [1], {}, null]) {
      await fails('INVALID_ARGUMENT', store.get(1, { include }), 'include');
      await fails('INVALID_ARGUMENT', store.query({ vector, include }), 'include');
    }
  },

  'queryBatch aligns its results; a wrong query is named': async ({ open }) => {
    const store = await filled(open);
    const results = await store.queryBatch([{ vector: [1, 0], k: 1 }, { vector: [0, 1], k: 1 }, { vector: [0, 1], k: 0 }]);
    equal(results.map((hits) => hits.map((hit) => hit.id)), [[1], [2], []]);
    equal(await store.queryBatch([]), []);
    equal((await fails('INVALID_ARGUMENT', store.queryBatch([{ vector: [1, 0] }, { vector: [NaN, 0] }]))).index, 1);
    equal((await fails('DIMENSION_MISMATCH', store.queryBatch([{ vector: [1, 0] }, { vector: [1, 0, 0] }]))).index, 1);
    await fails('INVALID_ARGUMENT', store.queryBatch({ vector: [1, 0] }));
  },

  'count counts live records': async ({ open }) => {
    const store = await filled(open);
    equal(await store.count(), 2);
    equal(await store.count({}), 2);
    await store.delete(1);
    equal(await store.count(), 1);
  },

  'stats': async ({ open, storage }) => {
    const store = await filled(open);
    const stats = await store.stats();
    equal([stats.count, stats.dimension, stats.metric, stats.quantization], [2, 2, 'cosine', 'none']);
    equal([stats.index.type, stats.index.M, stats.index.efConstruction, stats.index.efSearch], ['auto', 16, 200, 50]);
    equal(stats.storage.kind, storage);
    equal(stats.storage.persistent, storage !== 'memory');
    equal(stats.memory.total >= stats.memory.wasm && stats.memory.wasm > 0, true);
    equal(['simd', 'relaxed'].includes(stats.engine.simd), true);
    equal(stats.lastError, null);
    if (storage === 'idbfs') equal(stats.memory.files > 0 && stats.memory.total === stats.memory.wasm + stats.memory.files, true);
  },

  'verify finds nothing wrong': async ({ open }) => {
    const store = await filled(open);
    equal(await store.verify(), { ok: true, errors: [], repaired: false });
    await store.checkpoint();
    equal(await store.verify(), { ok: true, errors: [], repaired: false });
  },
};
