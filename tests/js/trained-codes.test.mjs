// Codes that are trained, of one bit per dimension and of products: recall floors per metric against exact search,
// through changes, conversions and reopening; options; refusal where they would lose too much; memory; damage.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const N = 1500;
const DIM = 96;
const QUERIES = 60;
const SEED = 20261123;

const dir = mkdtempSync(join(tmpdir(), 'vecstore-trained-'));
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

async function recallAt10(store, queries, options) {
  let found = 0;
  let all = 0;
  for (const vector of queries) {
    const truth = new Map((await store.query({ vector, exact: true, include: [] })).map(({ id, distance }) => [id, distance]));
    all += truth.size;
    for (const { id, distance } of await store.query({ vector, include: [], ...options })) {
      if (!truth.has(id)) continue;
      found++;
      if (options.rescore !== 0) assert.equal(distance, truth.get(id), 'distances are exact');
    }
  }
  return found / all;
}

const answers = (store, queries) => store.queryBatch(queries.map((vector) => ({ vector, k: 20, include: [] })));
const rows = (point, n, first = 0) => Array.from({ length: n }, (_, i) => ({ id: first + i, vector: point() }));

const MODES = [
  ['binary', 'binary'],
  ['pq', { type: 'pq', centroids: 64 }],
  ['pq', { type: 'pq', subvectors: 24, centroids: 64, residual: true }],
];
for (const metric of ['cosine', 'dot', 'euclidean']) {
  for (const [kind, quantization] of metric === 'cosine' ? MODES : MODES.slice(0, 2)) {
    const name = `${metric}, ${JSON.stringify(quantization)}`;
    test(`${name}: recall, changes, reopening (seed ${SEED})`, async (t) => {
      const path = join(dir, name.replace(/\W+/g, '-'));
      const point = clustered(DIM, SEED);
      const queries = Array.from({ length: QUERIES }, point);
      let store = await VecStore.open({ path, storage: 'fs', metric, quantization, index: { type: 'hnsw' } });
      await store.upsertMany(rows(point, N));
      await store.checkpoint();
      let stats = await store.stats();
      assert.equal(stats.quantization, kind);
      assert.equal(stats.index.refused, undefined);
      assert.ok(stats.memory.codes > 0);
      const wide = await recallAt10(store, queries, { ef: 100 });
      const usual = await recallAt10(store, queries, {});
      const few = await recallAt10(store, queries, { ef: 100, rescore: 10 });
      const none = await recallAt10(store, queries, { ef: 100, rescore: 0 });
      t.diagnostic(`recall@10 at ef 100 ${wide}, at 50 ${usual}; at 100, 10 rescored: ${few}, none: ${none}`);
      assert.ok(wide >= 0.96, `recall ${wide}`);
      assert.ok(usual >= 0.87, `recall ${usual} at ef 50`);
      assert.ok(none <= few && few < wide, 'rescoring is what makes it');

      await store.delete(Array.from({ length: N / 5 }, (_, i) => i * 5));
      await store.upsertMany(Array.from({ length: N / 2 }, (_, i) => ({ id: 2 * i, vector: point() })));
      await store.checkpoint();
      await store.upsertMany(rows(point, 40, N));
      assert.deepEqual((await store.verify()).errors, []);
      const later = await recallAt10(store, queries, { ef: 100 });
      assert.ok(later >= 0.95, `recall ${later} after changes`);
      const expected = await answers(store, queries);
      await store.close();

      store = await VecStore.open({ path, storage: 'fs' });
      stats = await store.stats();
      assert.equal(stats.quantization, kind);
      assert.deepEqual(await answers(store, queries), expected);
      const half = await store.query({ vector: queries[0], filter: 'half = 1' });
      assert.equal(half.length, 0);
      await store.close();
    });
  }
}

test('filters find what matches', async () => {
  for (const quantization of ['binary', 'pq']) {
    const point = clustered(DIM, SEED);
    const store = await VecStore.open({ quantization, index: { type: 'hnsw' } });
    await store.upsertMany(rows(point, N).map((row) => ({ ...row, metadata: { part: row.id % 3 } })));
    await store.checkpoint();
    let found = 0;
    for (let i = 0; i < QUERIES; i++) {
      const vector = point();
      const truth = new Set((await store.query({ vector, filter: 'part = 1', exact: true })).map(({ id }) => id));
      const hits = await store.query({ vector, filter: 'part = 1', ef: 80 });
      assert.ok(hits.length === 10 && hits.every(({ id }) => id % 3 === 1));
      found += hits.filter(({ id }) => truth.has(id)).length;
    }
    assert.ok(found >= 0.97 * 10 * QUERIES, `${found} of ${10 * QUERIES} with ${quantization}`);
    await store.close();
  }
});

test('a store opened with other codes is converted, without inserting again', async () => {
  const path = join(dir, 'converted');
  const point = clustered(DIM, SEED);
  const queries = Array.from({ length: QUERIES }, point);
  let store = await VecStore.open({ path, storage: 'fs', index: { type: 'hnsw' }, quantization: 'none' });
  await store.upsertMany(rows(point, N));
  const few = { type: 'pq', centroids: 32 };
  for (const quantization of ['binary', few, 'int8', 'binary', undefined, 'none', few, { ...few, subvectors: 48 }, 'binary', 'auto']) {
    await store.close();
    store = await VecStore.open({ path, storage: 'fs', quantization });
    await store.optimize();
    const kind = quantization?.type ?? quantization ?? 'binary';
    assert.equal((await store.stats()).quantization, kind === 'auto' ? 'binary' : kind);
    const recall = await recallAt10(store, queries, { ef: 80 });
    assert.ok(recall >= 0.95, `recall ${recall} as ${JSON.stringify(quantization)}`);
    assert.deepEqual((await store.verify()).errors, []);
  }
  const copy = await VecStore.import(await store.export());
  assert.equal((await copy.stats()).quantization, 'binary');
  assert.deepEqual(await answers(copy, queries), await answers(store, queries));
  await copy.close();
  await store.close();
});

test('few records have no codes yet; they come by themselves', async () => {
  const point = clustered(16, SEED);
  const store = await VecStore.open({ quantization: 'binary', index: { type: 'hnsw', M: 4, efConstruction: 16 } });
  await store.upsertMany(rows(point, 999));
  await store.optimize();
  assert.equal((await store.stats()).quantization, 'none');
  await store.upsertMany(rows(point, 600, 999));
  for (let i = 0; i < 200 && (await store.stats()).quantization === 'none'; i++) {
    await store.upsert({ id: 'one more', vector: point() });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal((await store.stats()).quantization, 'binary');
  await store.close();
});

test('codes that would lose too much are refused, and it is said', async () => {
  const path = join(dir, 'refused');
  const random = generator(SEED);
  const point = () => Float32Array.from({ length: 128 }, random);
  let store = await VecStore.open({ path, storage: 'fs', metric: 'euclidean', quantization: 'binary', index: { type: 'hnsw', M: 8, efConstruction: 40 } });
  await store.upsertMany(rows(point, N));
  await store.optimize();
  for (let i = 0; i < 2; i++) {
    const { quantization, index } = await store.stats();
    assert.deepEqual([quantization, index.quantization], ['int8', 'binary']);
    assert.match(index.refused, /'binary' would keep \d\d of 100 nearest .* int8/);
    await store.close();
    store = await VecStore.open({ path, storage: 'fs' });
  }
  await store.close();
});

test('a vector of 384 dimensions takes at most 200 bytes besides itself', async (t) => {
  const point = clustered(384, SEED);
  const store = await VecStore.open({ quantization: 'binary', index: { type: 'hnsw', efConstruction: 16 } });
  // Whole blocks of memory, so that what the next vectors will take does not count.
  const counts = [1 << 12, 3 << 12];
  const bytes = [];
  for (const [i, count] of counts.entries()) {
    const have = i > 0 ? counts[i - 1] : 0;
    await store.upsertMany(rows(point, count - have, have));
    await store.checkpoint();
    // Lists move into the blocks that have the codes while searches go on.
    for (let j = 0; j < count / 100; j++) await store.query({ vector: point() });
    const { memory, quantization } = await store.stats();
    assert.equal(quantization, 'binary');
    bytes.push(memory.index + memory.codes);
  }
  const each = (bytes[1] - bytes[0]) / (counts[1] - counts[0]);
  t.diagnostic(`${each} bytes for each further vector`);
  assert.ok(each <= 200, `${each} bytes`);
  await store.close();
});

test('a damaged model is told, and repaired', async () => {
  const path = join(dir, 'damaged');
  const point = clustered(DIM, SEED);
  const queries = Array.from({ length: 5 }, point);
  let store = await VecStore.open({ path, storage: 'fs', quantization: { type: 'pq', centroids: 32 }, index: { type: 'hnsw' } });
  await store.upsertMany(rows(point, N));
  await store.optimize();
  const expected = await answers(store, queries);
  await store.close();
  const collection = join(path, 'c', readdirSync(join(path, 'c'))[0]);
  const image = readdirSync(collection).filter((name) => name.startsWith('idx-')).sort().at(-1);
  const bytes = readFileSync(join(collection, image));
  // The model comes after the graph, so it is the last of the part.
  bytes[bytes.length - 5000] ^= 1;
  writeFileSync(join(collection, image), bytes);
  await assert.rejects(VecStore.open({ path, storage: 'fs' }), { code: 'CORRUPT' });
  store = await VecStore.open({ path, storage: 'fs', repair: true });
  await store.optimize();
  assert.equal((await store.stats()).quantization, 'pq');
  assert.equal(await store.count(), N);
  const found = await answers(store, queries);
  for (let i = 0; i < queries.length; i++) assert.deepEqual(found[i][0], expected[i][0]);
  await store.close();
});

test('what cannot be is refused', async () => {
  for (const options of [
    { metric: 'manhattan' }, { index: { type: 'flat' } }, { index: { layout: 'turbo' } },
  ]) {
    for (const quantization of ['binary', 'pq', { type: 'pq', residual: true }]) {
      await assert.rejects(VecStore.open({ quantization, ...options }), { code: 'UNSUPPORTED' });
    }
  }
  for (const quantization of [
    'bits', {}, { type: 'binary' }, { type: 'pq', subvectors: 0 }, { type: 'pq', centroids: 257 }, { type: 'pq', centroids: 1 },
    { type: 'pq', bits: 8 }, { type: 'pq', residual: 1 }, { type: 'pq', subvectors: 2 ** 40 }, ['pq'], null, 3,
  ]) {
    await assert.rejects(VecStore.open({ quantization }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(quantization));
  }
});
