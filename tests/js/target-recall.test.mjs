// targetRecall: the store finds out by itself which ef gives the recall asked for, keeps it, and tells.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const DIM = 32;
const N = 2500;
const dir = mkdtempSync(join(tmpdir(), 'vecstore-target-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Points of 20 clusters, the same for a seed. */
function points(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const centres = Array.from({ length: 20 }, () => Float32Array.from({ length: DIM }, normal));
  return () => centres[Math.floor(20 * uniform())].map((x) => x + 0.7 * normal());
}

const options = { storage: 'fs', path: join(dir, 'store'), dimension: DIM, metric: 'euclidean',
  index: { type: 'hnsw', M: 8, efConstruction: 60, targetRecall: 0.95 } };
const next = points(7);
const queries = Array.from({ length: 150 }, points(7));

async function recall(store) {
  let found = 0;
  for (const vector of queries) {
    const got = await store.query({ vector });
    const want = await store.query({ vector, exact: true });
    found += got.filter(({ distance }) => distance <= want.at(-1).distance).length;
  }
  return found / (10 * queries.length);
}

async function settle(store) {
  for (let i = 0; i < 2000 && (await store.stats()).index.calibration?.due !== false; i++) {
    await store.query({ vector: queries[i % queries.length] });
  }
  return (await store.stats()).index.calibration;
}

const grow = (store, n, from) =>
  store.upsert(Array.from({ length: n }, (_, i) => ({ id: from + i, vector: next() })));

test('a target recall is measured, kept, told, reached, and measured again after growth', async () => {
  let store = await VecStore.open(options);
  await grow(store, N, 0);
  assert.equal((await store.stats()).index.calibration, null);
  const first = await store.explain({ vector: queries[0] });
  assert.deepEqual([first.targetRecall, first.measuredRecall], [0.95, null]);
  assert.match(first.text, /not measured yet/);
  const calibration = await settle(store);
  assert.deepEqual([calibration.records, calibration.due], [N, false]);
  assert.ok(calibration.recall >= 0.95, `measured ${calibration.recall}`);
  const reached = await recall(store);
  assert.ok(reached >= 0.94, `recall ${reached} at ef ${calibration.ef}`);
  const told = await store.explain({ vector: queries[0] });
  assert.equal(told.ef, calibration.ef);
  assert.match(told.text, /for recall 0.95, measured 0.9|for recall 0.95, measured 1/);
  const higher = await store.explain({ vector: queries[0], targetRecall: 0.99 });
  assert.ok(higher.ef >= told.ef && higher.targetRecall === 0.99);
  assert.equal((await store.explain({ vector: queries[0], ef: 33 })).targetRecall, null);
  await store.checkpoint();
  await store.close();

  store = await VecStore.open({ storage: 'fs', path: options.path });
  const again = (await store.stats()).index;
  assert.equal(again.targetRecall, 0.95);
  assert.deepEqual(again.calibration, calibration);
  await grow(store, N, N);
  assert.equal((await store.stats()).index.calibration.due, true);
  assert.equal((await settle(store)).records, 2 * N);
  assert.ok(await recall(store) >= 0.94);
  await store.close();

  store = await VecStore.open({ storage: 'fs', path: options.path, index: { efSearch: 40 } });
  assert.equal((await store.stats()).index.targetRecall, null, 'an efSearch takes the place of the target');
  await store.close();
});

test('what is no recall, or one of two ways to say it, is refused', async () => {
  for (const index of [{ targetRecall: 1 }, { targetRecall: 0.4 }, { targetRecall: '0.95' }, { targetRecall: NaN },
    { targetRecall: 0.95, efSearch: 50 }, { targetRecall: 0.95, preset: 'high' }]) {
    await assert.rejects(VecStore.open({ index }), { code: 'INVALID_ARGUMENT' });
  }
  const store = await VecStore.open({ dimension: 2 });
  await assert.rejects(store.query({ vector: [1, 2], ef: 10, targetRecall: 0.9 }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(store.query({ vector: [1, 2], targetRecall: 95 }), { code: 'INVALID_ARGUMENT' });
  assert.deepEqual(await store.query({ vector: [1, 2], targetRecall: 0.95 }), []);
  await store.close();
});
