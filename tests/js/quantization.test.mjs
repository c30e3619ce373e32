// Walking on 8-bit codes: recall floors per metric, before and after deletions, on clustered and duplicate-heavy data;
// the same answers after reopening; conversion by the option and by itself; what stats say; stores of older versions.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';

const N = 3000;
const DIM = 64;
const QUERIES = 100;
const SEED = 20261123;
const METRICS = ['cosine', 'dot', 'euclidean'];

const dir = mkdtempSync(join(tmpdir(), 'vecstore-int8-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Uniform numbers in [0, 1), the same ones for a seed. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Points near 40 centres, which have a common mean, as embeddings have. */
function clustered(dim, seed) {
  const random = generator(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const centres = Array.from({ length: 40 }, () => Float32Array.from({ length: dim }, () => 0.5 + normal()));
  return () => {
    const centre = centres[Math.floor(40 * random() ** 2)];
    return centre.map((x) => x + 0.4 * normal());
  };
}

async function recallAt10(store, queries, ef = 50) {
  let found = 0;
  let all = 0;
  for (const vector of queries) {
    const truth = new Set((await store.query({ vector, exact: true, include: [] })).map(({ id }) => id));
    all += truth.size;
    for (const { id } of await store.query({ vector, ef, include: [] })) found += truth.has(id) ? 1 : 0;
  }
  return found / all;
}

const answers = (store, queries) =>
  store.queryBatch(queries.map((vector) => ({ vector, k: 20, include: [] })));

/** Deletes a fifth, replaces half, leaves some in the log, and closes; gives the answers of the end. */
async function churn(t, store, queries, point, least) {
  await store.delete(Array.from({ length: N / 5 }, (_, i) => i * 5));
  await store.upsertMany(Array.from({ length: N / 2 }, (_, i) => ({ id: 2 * i, vector: point() })));
  const later = await recallAt10(store, queries);
  t.diagnostic(`after deleting a fifth and replacing half: ${later}`);
  assert.ok(later >= least, `recall ${later}`);
  assert.deepEqual((await store.verify()).errors, []);
  // What the log holds is walked on codes too.
  await store.checkpoint();
  await store.upsertMany(Array.from({ length: 40 }, (_, i) => ({ id: N + i, vector: point() })));
  const expected = await answers(store, queries);
  await store.close();
  return expected;
}

for (const metric of METRICS) {
  test(`${metric}: recall, deletions, reopening (seed ${SEED})`, async (t) => {
    const path = join(dir, metric);
    const options = { path, storage: 'fs', metric, quantization: 'int8', index: { type: 'hnsw' } };
    const point = clustered(DIM, SEED);
    const queries = Array.from({ length: QUERIES }, point);
    let store = await VecStore.open(options);
    await store.upsertMany(Array.from({ length: N }, (_, id) => ({ id, vector: point() })));
    const before = await recallAt10(store, queries);
    const narrow = await recallAt10(store, queries, 20);
    t.diagnostic(`recall@10 at ef 50: ${before}, at ef 20: ${narrow}`);
    assert.ok(before >= 0.98, `recall ${before}`);
    assert.ok(narrow >= (metric === 'dot' ? 0.9 : 0.95), `recall ${narrow} at ef 20`);

    const expected = await churn(t, store, queries, point, 0.98);
    store = await VecStore.open({ path, storage: 'fs' });
    assert.equal((await store.stats()).quantization, 'int8');
    assert.deepEqual(await answers(store, queries), expected);
    await store.close();
  });
}

test('hits have exact distances; rescore says how many candidates are compared exactly', async () => {
  const point = clustered(DIM, SEED);
  const store = await VecStore.open({ metric: 'euclidean', quantization: 'int8', index: { type: 'hnsw' } });
  await store.upsertMany(Array.from({ length: N }, (_, id) => ({ id, vector: point() })));
  const vector = point();
  const exact = new Map((await store.query({ vector, k: N, exact: true })).map(({ id, distance }) => [id, distance]));
  for (const rescore of [undefined, true, 1, 10, 50, 2 ** 40]) {
    for (const { id, distance } of await store.query({ vector, rescore })) assert.equal(distance, exact.get(id));
  }
  const estimates = await store.query({ vector, rescore: 0 });
  assert.deepEqual(estimates, await store.query({ vector, rescore: false }));
  assert.ok(estimates.some(({ id, distance }) => distance !== exact.get(id)));
  for (const { id, distance } of estimates) assert.ok(Math.abs(distance - exact.get(id)) < 0.02 * distance);
  for (const rescore of [-1, 1.5, NaN, '10', null]) {
    await assert.rejects(store.query({ vector, rescore }), { code: 'INVALID_ARGUMENT' });
  }
  await store.close();
});

test('thousands of equal vectors, zero vectors and constants are all found', async () => {
  const point = clustered(DIM, SEED);
  const few = [...Array.from({ length: 5 }, point), new Float32Array(DIM), new Float32Array(DIM).fill(0.3)];
  for (const metric of METRICS) {
    const store = await VecStore.open({ metric, quantization: 'int8', index: { type: 'hnsw' } });
    await store.upsertMany(Array.from({ length: N }, (_, id) => ({ id, vector: id % 10 ? few[0] : few[id / 10 % 7] })));
    await store.delete(Array.from({ length: N / 3 }, (_, i) => 3 * i));
    const hits = await store.query({ vector: few[1], k: N, ef: N, include: [] });
    assert.equal(hits.length, N - N / 3);
    await store.close();
  }
});

test('the option converts a store when it is opened, either way', async () => {
  const path = join(dir, 'converted');
  const point = clustered(DIM, SEED);
  const queries = Array.from({ length: QUERIES }, point);
  const open = (quantization) => VecStore.open({ path, storage: 'fs', index: { type: 'hnsw' }, quantization });
  let store = await open('none');
  await store.upsertMany(Array.from({ length: N }, (_, id) => ({ id, vector: point() })));
  assert.equal((await store.stats()).quantization, 'none');
  for (const quantization of ['int8', undefined, 'none', 'int8', 'auto']) {
    await store.close();
    store = await open(quantization);
    const stats = await store.stats();
    // Under 'auto' codes that are there stay.
    assert.equal(stats.quantization, quantization === 'none' ? 'none' : 'int8');
    assert.equal(stats.memory.codes > 0, quantization !== 'none');
    const recall = await recallAt10(store, queries);
    assert.ok(recall >= 0.98, `recall ${recall} as ${quantization}`);
    await store.upsert({ id: 0, vector: point() });
    await store.checkpoint();
  }
  const copy = await VecStore.import(await store.export(), { quantization: 'none' });
  assert.equal((await copy.stats()).quantization, 'none');
  assert.deepEqual((await copy.verify()).errors, []);
  await copy.close();
  await store.close();
});

test('auto turns to codes at 10,000 vectors, where the metric has them', async () => {
  for (const [metric, expected] of [['euclidean', 'int8'], ['manhattan', 'none']]) {
    const point = clustered(8, SEED);
    const store = await VecStore.open({ metric, index: { M: 4, efConstruction: 16 } });
    const insert = (from, n) =>
      store.upsertMany(Array.from({ length: n }, (_, i) => ({ id: from + i, vector: point() })));
    await insert(0, 9999);
    await store.checkpoint();
    assert.equal((await store.stats()).quantization, 'none');
    await insert(9999, 2);
    await store.checkpoint();
    const stats = await store.stats();
    assert.equal(stats.quantization, expected);
    assert.equal(stats.index.quantization, 'auto');
    await insert(10_001, 100);
    assert.deepEqual((await store.verify()).errors, []);
    const [hit] = await store.query({ vector: (await store.get(10_050)).vector, ef: 100 });
    assert.equal(hit.id, 10_050);
    await store.close();
  }
});

test('a vector of 384 dimensions takes at most 600 bytes besides itself', async () => {
  const point = clustered(384, SEED);
  const store = await VecStore.open({ quantization: 'int8', index: { efConstruction: 16 } });
  const count = 1 << 11;
  await store.upsertMany(Array.from({ length: count }, (_, id) => ({ id, vector: point() })));
  const { memory } = await store.stats();
  const each = (memory.index + memory.codes) / count;
  assert.ok(each <= 600, `${each} bytes`);
  await store.close();
});

test('a store of an earlier version opens, is searched and converted', async () => {
  const path = join(dir, 'config-1');
  cpSync(fileURLToPath(new URL('golden/config-1', import.meta.url)), path, { recursive: true });
  let store = await VecStore.open({ path, storage: 'fs' });
  assert.equal(await store.count(), 197);
  const { vector } = await store.get(100);
  const before = await answers(store, [vector]);
  assert.equal(before[0][0].id, 100);
  assert.equal((await store.stats()).quantization, 'none');
  assert.equal(await store.get(9), null);
  await store.checkpoint();
  await store.close();
  store = await VecStore.open({ path, storage: 'fs', quantization: 'int8' });
  assert.equal((await store.stats()).quantization, 'int8');
  assert.deepEqual((await answers(store, [vector]))[0].slice(0, 10), before[0].slice(0, 10));
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
});

test('turbo: from optimize on, through changes and reopening', async (t) => {
  const path = join(dir, 'turbo');
  const point = clustered(DIM, SEED);
  const queries = Array.from({ length: QUERIES }, point);
  let store = await VecStore.open({ path, storage: 'fs', index: { type: 'hnsw', layout: 'turbo' } });
  await store.upsertMany(Array.from({ length: N }, (_, id) => ({ id, vector: point() })));
  let stats = await store.stats();
  assert.deepEqual([stats.index.layout, stats.quantization], ['standard', 'int8']);
  await store.optimize();
  stats = await store.stats();
  assert.equal(stats.index.layout, 'turbo');
  assert.ok(stats.memory.neighbourCodes > 1000 * N);
  const recall = await recallAt10(store, queries);
  t.diagnostic(`recall@10 at ef 50: ${recall}`);
  assert.ok(recall >= 0.96, `recall ${recall}`);

  const expected = await churn(t, store, queries, point, 0.95);

  store = await VecStore.open({ path, storage: 'fs' });
  assert.equal((await store.stats()).index.layout, 'turbo');
  assert.deepEqual(await answers(store, queries), expected);
  await store.close();
  await assert.rejects(VecStore.open({ path, storage: 'fs', quantization: 'none' }), { code: 'UNSUPPORTED' });
  store = await VecStore.open({ path, storage: 'fs', index: { layout: 'standard' }, quantization: 'none' });
  stats = await store.stats();
  assert.deepEqual([stats.index.layout, stats.quantization, stats.memory.neighbourCodes], ['standard', 'none', 0]);
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
});

test('a layout that cannot be is refused', async () => {
  for (const options of [
    { metric: 'manhattan' }, { quantization: 'none' }, { index: { type: 'flat', layout: 'turbo' } }, { dimension: 2049 },
  ]) {
    await assert.rejects(VecStore.open({ index: { layout: 'turbo' }, ...options }), { code: 'UNSUPPORTED' });
  }
  await assert.rejects(VecStore.open({ index: { layout: 'fast' } }), { code: 'INVALID_ARGUMENT' });
  const store = await VecStore.open({ index: { layout: 'turbo' } });
  await assert.rejects(store.upsert({ id: 1, vector: new Float32Array(2049) }), { code: 'UNSUPPORTED' });
  await store.upsert({ id: 1, vector: [1, 2] });
  await store.optimize();
  assert.equal((await store.query({ vector: [1, 2] })).length, 1);
  await store.close();
});
