// The graph finds what an exact scan finds, before and after deletions.
import { equal, ok, random, randomVector } from './expect.mjs';

const N = 10_000, DIMENSION = 32, K = 10;

export const slow = true;

/** Points around 40 centres, as embeddings are. */
function clustered(seed, n) {
  const next = random(seed);
  const centres = Array.from({ length: 40 }, () => randomVector(next, DIMENSION));
  return Array.from({ length: n }, () => {
    const centre = centres[Math.floor(next() * centres.length)];
    return randomVector(next, DIMENSION).map((x, i) => centre[i] + 0.3 * x);
  });
}

async function recall(store, queries) {
  const approximate = await store.queryBatch(queries.map((vector) => ({ vector, k: K, include: [] })));
  const exact = await store.queryBatch(queries.map((vector) => ({ vector, k: K, exact: true, include: [] })));
  let found = 0;
  exact.forEach((hits, i) => {
    const ids = new Set(approximate[i].map((hit) => hit.id));
    found += hits.filter((hit) => ids.has(hit.id)).length;
  });
  return found / (queries.length * K);
}

export const cases = {
  'recall@10 of 10,000 records at default settings, before and after deleting a tenth': async ({ open }) => {
    const store = await open({ index: { type: 'hnsw' } });
    const vectors = clustered(1, N + 100);
    const queries = vectors.slice(N);
    await store.upsertMany(vectors.slice(0, N).map((vector, id) => ({ id, vector })), { batchSize: 2500 });
    const before = await recall(store, queries);
    ok(before >= 0.95, `recall ${before}`);
    await store.delete(Array.from({ length: N / 10 }, (_, i) => i * 10));
    equal(await store.count(), N - N / 10);
    const after = await recall(store, queries);
    ok(after >= 0.95, `recall ${after} after deletions`);
    equal((await store.verify()).errors, []);
  },
};
