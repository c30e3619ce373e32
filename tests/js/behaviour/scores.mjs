// Decision 5: scores and distances of every metric, against plain definitions.
import { equal, near, random, randomVector } from './expect.mjs';

const sum = (a, b, f) => a.reduce((total, x, i) => total + f(x, b[i]), 0);
const root = (a, b) => Math.sqrt(sum(a, b, (x, y) => (x - y) ** 2));
const ratio = (a, b) => (b === 0 ? 0 : a / b);
const bit = (x) => (x > 0.5 ? 1 : 0);
const non = (x) => (x !== 0 ? 1 : 0);
const inverse = (d) => 1 / (1 + d);
const rest = (d) => 1 - d;

/** The distance of two arrays and the score of a distance, by metric. */
export const DISTANCE = {
  cosine: [(a, b) => 1 - ratio(sum(a, b, (x, y) => x * y), Math.sqrt(sum(a, a, (x) => x * x) * sum(b, b, (x) => x * x))), rest],
  dot: [(a, b) => -sum(a, b, (x, y) => x * y), (d) => -d],
  euclidean: [root, inverse],
  manhattan: [(a, b) => sum(a, b, (x, y) => Math.abs(x - y)), inverse],
  chebyshev: [(a, b) => Math.max(...a.map((x, i) => Math.abs(x - b[i]))), inverse],
  canberra: [(a, b) => sum(a, b, (x, y) => ratio(Math.abs(x - y), Math.abs(x) + Math.abs(y))), inverse],
  hamming: [(a, b) => sum(a, b, (x, y) => bit(x) ^ bit(y)), inverse],
  jaccard: [(a, b) => {
    const union = sum(a, b, (x, y) => non(x) | non(y));
    return union === 0 ? 0 : 1 - sum(a, b, (x, y) => non(x) & non(y)) / union;
  }, rest],
  braycurtis: [(a, b) => ratio(sum(a, b, (x, y) => Math.abs(x - y)), sum(a, b, (x, y) => Math.abs(x + y))), rest],
};

async function checkMetric(open, metric, dimension) {
  const [distanceOf, scoreOf] = DISTANCE[metric];
  const next = random(dimension);
  // Positive, with zeros, and components on both sides of a half.
  const make = () => randomVector(next, dimension).map((x) => (Math.abs(x) < 0.3 ? 0 : Math.abs(x)));
  const vectors = Array.from({ length: 30 }, make);
  const store = await open({ metric });
  await store.upsert(vectors.map((vector, id) => ({ id, vector })));
  const query = make();
  const hits = await store.query({ vector: query, k: 30 });
  equal(hits.length, 30);
  for (const [i, { id, score, distance }] of hits.entries()) {
    const d = distanceOf([...vectors[id]], [...query]);
    near(distance, d, 1e-4 * Math.max(1, Math.abs(d)), `${metric} distance`);
    near(score, scoreOf(d), 1e-4 * Math.max(1, Math.abs(d)), `${metric} score`);
    if (i > 0) equal(hits[i - 1].distance <= distance && hits[i - 1].score >= score, true, 'best first:');
  }
  const middle = hits[14];
  const near15 = await store.query({ vector: query, k: 30, maxDistance: middle.distance });
  equal(near15.every((hit) => hit.distance <= middle.distance), true);
  equal(near15.length, hits.filter((hit) => hit.distance <= middle.distance).length);
  equal((await store.query({ vector: query, k: 30, minScore: middle.score })).length,
    hits.filter((hit) => hit.score >= middle.score).length);
  await store.close();
}

export const cases = {
  ...Object.fromEntries(Object.keys(DISTANCE).map((metric) => [`${metric}: score and distance`, async ({ open }) => {
    for (const dimension of [1, 3, 16, 37]) await checkMetric(open, metric, dimension);
  }])),

  'ties: the smaller insertion sequence comes first, updates keep it': async ({ open }) => {
    const store = await open({ metric: 'euclidean' });
    const ids = ['d', 'a', 'c', 'b'];
    for (const id of ids) await store.upsert({ id, vector: [1, 1] });
    await store.upsert({ id: 'd', vector: [1, 1], metadata: { again: true } });
    equal((await store.query({ vector: [0, 0] })).map((hit) => hit.id), ids);
    equal((await store.query({ vector: [0, 0], k: 2 })).map((hit) => hit.id), ['d', 'a']);
  },

  'dot takes vectors of any length': async ({ open }) => {
    const store = await open({ metric: 'dot' });
    await store.upsert([{ id: 1, vector: [1, 0] }, { id: 2, vector: [10, 0] }, { id: 3, vector: [-5, 0] }]);
    equal((await store.query({ vector: [2, 0] })).map(({ id, score, distance }) => [id, score, distance]),
      [[2, 20, -20], [1, 2, -2], [3, -10, 10]]);
  },
};
