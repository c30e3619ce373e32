// Filtered queries at 20,000 x 128: min(k, matches) rows at every share of matches, whether those are near the query,
// far from it or anywhere, and a floor under the recall of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const N = 20_000;
const DIM = 128;
const CLUSTERS = 100;
const QUERIES = 40;
const SEED = 7;
const SHARES = [0.0001, 0.001, 0.005, 0.02, 0.1, 0.5];

let state = SEED;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: DIM }, normal));
const point = () => centres[Math.floor(CLUSTERS * random() ** 2)].map((x) => x + 0.35 * normal());
const distance = (a, b) => a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0);

/** The place of every point in the order of distance from one. */
function ranks(points, from) {
  const order = points.map((p, i) => [distance(p, from), i]).sort((a, b) => a[0] - b[0]);
  const rank = new Uint32Array(points.length);
  order.forEach(([, i], place) => (rank[i] = place));
  return rank;
}

test(`filters at every share and correlation, ${N} x ${DIM} (seed ${SEED})`, async (t) => {
  const points = Array.from({ length: N }, point);
  const pivot = point();
  const near = ranks(points, pivot);
  const store = await VecStore.open({ metric: 'euclidean' });
  for (let first = 0; first < N; first += 1000) {
    await store.upsert(Array.from({ length: 1000 }, (_, i) => {
      const id = first + i;
      return { id, vector: points[id], metadata: { any: (id * 7919) % N, near: near[id] } };
    }));
  }
  const queries = Array.from({ length: 400 }, point).map((vector) => ({ vector, d: distance(vector, pivot) })).sort((a, b) => a.d - b.d);
  const cells = {
    independent: ['any', queries.filter((_, i) => i % 10 === 0)],
    correlated: ['near', queries.slice(0, QUERIES)],
    'anti-correlated': ['near', queries.slice(-QUERIES)],
  };
  for (const [name, [field, asked]] of Object.entries(cells)) {
    for (const share of SHARES) {
      const matches = Math.round(share * N);
      const filter = `${field} < ${matches}`;
      let found = 0;
      let wanted = 0;
      for (const { vector } of asked) {
        const truth = new Set((await store.query({ vector, filter, exact: true, include: [] })).map(({ id }) => id));
        const hits = await store.query({ vector, filter, include: [] });
        assert.equal(hits.length, Math.min(10, matches), `${name} ${share}`);
        wanted += hits.length;
        for (const { id } of hits) found += truth.has(id) ? 1 : 0;
      }
      const recall = found / wanted;
      t.diagnostic(`${name} ${share}: ${recall.toFixed(4)}`);
      assert.ok(recall >= 0.95, `${name} ${share}: recall ${recall}`);
    }
  }
  await store.close();
});
