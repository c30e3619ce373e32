// Recall at default settings on clustered data, before and after deleting a tenth, and the same answers after
// reopening: 20,000 vectors of 128 dimensions, through the public interface, on files.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const N = 20_000;
const DIM = 128;
const CLUSTERS = 100;
const QUERIES = 200;
const SEED = 20261122;

const dir = mkdtempSync(join(tmpdir(), 'vecstore-recall-'));
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

const random = generator(SEED);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: DIM }, normal));

/** A point near a centre; small clusters are as likely to be drawn as their share says. */
function point() {
  const centre = centres[Math.floor(CLUSTERS * random() ** 2)];
  return centre.map((x) => x + 0.35 * normal());
}

async function recallAt10(store, queries) {
  let found = 0;
  for (const vector of queries) {
    const truth = new Set((await store.query({ vector, exact: true, include: [] })).map(({ id }) => id));
    for (const { id } of await store.query({ vector, include: [] })) found += truth.has(id) ? 1 : 0;
  }
  return found / (queries.length * 10);
}

test(`recall@10 is at least 0.95 on clustered data at default settings (seed ${SEED})`, async (t) => {
  const queries = Array.from({ length: QUERIES }, point);
  let store = await VecStore.open({ path: join(dir, 'db'), storage: 'fs', metric: 'euclidean' });
  for (let first = 0; first < N; first += 1000) {
    await store.upsert(Array.from({ length: 1000 }, (_, i) => ({ id: first + i, vector: point() })));
  }
  const before = await recallAt10(store, queries);
  t.diagnostic(`recall@10 of ${N} x ${DIM}: ${before}`);
  assert.ok(before >= 0.95, `recall ${before}`);

  const deleted = Array.from({ length: N / 10 }, (_, i) => i * 10 + 3);
  assert.deepEqual(await store.delete(deleted), { deleted: N / 10 });
  const later = await recallAt10(store, queries);
  t.diagnostic(`after deleting a tenth: ${later}`);
  assert.ok(later >= 0.95, `recall ${later} after deleting`);

  const answers = await store.queryBatch(queries.map((vector) => ({ vector, k: 20 })));
  await store.close();
  store = await VecStore.open({ path: join(dir, 'db') });
  assert.equal(await store.count(), N - deleted.length);
  assert.deepEqual(await store.queryBatch(queries.map((vector) => ({ vector, k: 20 }))), answers);
  await store.close();
});
