// Flat stores and exact answers: bits first or not, one query or many, the same hits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const DIM = 72;
const N = 5000;

function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function made(n, seed) {
  const uniform = generator(seed);
  return Array.from({ length: n }, () => {
    const away = Math.floor(uniform() * 12);
    return Float32Array.from({ length: DIM }, (_, i) => uniform() + uniform() - 1 + (i % 12 === away ? 1.5 : 0.2));
  });
}

const fill = async (options) => {
  const store = await VecStore.open({ dimension: DIM, ...options });
  await store.upsert(made(N, 5).map((vector, id) => ({ id, vector, metadata: { id } })));
  return store;
};

const plain = (hits) => hits.map(({ id, score, distance }) => ({ id, score, distance }));

for (const metric of ['cosine', 'euclidean', 'dot']) {
  test(`a flat store finds by bits what is nearest: ${metric}`, async () => {
    const store = await fill({ metric, index: { type: 'flat' } });
    const queries = made(60, 6);
    let same = 0;
    for (const vector of queries) {
      const want = new Set((await store.query({ vector, exact: true })).map(({ id }) => id));
      same += (await store.query({ vector })).filter(({ id }) => want.has(id)).length;
    }
    assert.ok(same >= 0.999 * 600, `${same} of 600`);
    const { memory } = await store.stats();
    assert.ok(memory.codes > N * DIM / 8, 'their memory is told');
    const explained = await store.explain({ vector: queries[0] });
    assert.ok(explained.fullDistances < N / 4, `${explained.fullDistances} in full`);
    const filtered = await store.query({ vector: queries[0], filter: 'id < 4000', k: 5 });
    assert.deepEqual(plain(filtered), plain(await store.query({ vector: queries[0], filter: 'id < 4000', k: 5, exact: true })));
    await store.close();
  });
}

test('none of it with quantization none', async () => {
  const store = await fill({ index: { type: 'flat' }, quantization: 'none' });
  await store.query({ vector: made(1, 6)[0] });
  assert.equal((await store.stats()).memory.codes, 0);
  await store.close();
});

for (const options of [{ index: { type: 'flat' } }, { index: { type: 'hnsw' }, metric: 'euclidean' }, { metric: 'manhattan' }]) {
  test(`exact queries together are those one by one: ${JSON.stringify(options)}`, async () => {
    const store = await fill(options);
    const queries = made(23, 9).map((vector, i) => ({
      vector, exact: i !== 7, k: i < 12 ? 10 : 3, include: i % 2 ? ['metadata'] : [],
      ...(i === 9 ? { filter: 'id < 9' } : {}), ...(i > 15 && i < 19 ? { maxDistance: 3 } : {}),
    }));
    const one = [];
    for (const query of queries) one.push(await store.query(query));
    assert.deepEqual((await store.queryBatch(queries)).map(plain), one.map(plain));
    assert.deepEqual(await store.queryBatch(queries.slice(0, 2)), one.slice(0, 2));
    const none = await store.queryBatch([1, 2, 3].map(() => ({ vector: queries[0].vector, exact: true, k: 0 })));
    assert.deepEqual(none, [[], [], []]);
    const wrong = store.queryBatch([{ vector: [1], exact: true }, { vector: [2], exact: true }]);
    await assert.rejects(wrong, { code: 'DIMENSION_MISMATCH', index: 0 });
    await store.close();
  });
}

test('of fewer records than are asked for, all', async () => {
  const store = await VecStore.open({ dimension: 2 });
  const both = [{ vector: [1, 0], exact: true }, { vector: [0, 1], exact: true }];
  assert.deepEqual(await store.queryBatch(both), [[], []]);
  await store.upsert([{ id: 1, vector: [1, 0] }, { id: 2, vector: [0, 1] }]);
  assert.deepEqual((await store.queryBatch(both)).map((hits) => hits.map(({ id }) => id)), [[1, 2], [2, 1]]);
  await store.close();
});
