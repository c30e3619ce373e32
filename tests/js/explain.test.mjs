// explain, estimate and per-result explanations: real counters, readable text, hints that help when followed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { random, randomVector } from './behaviour/expect.mjs';

const N = 6000;
const next = random(4);
const records = Array.from({ length: N }, (_, id) => ({
  id, vector: randomVector(next, 16), metadata: { n: id, third: id % 3, rare: id % 1000 === 0, code: `c${id}`, tags: [`t${id % 7}`] },
}));
const vector = randomVector(next, 16);

let store;
before(async () => {
  store = await VecStore.open({ index: { type: 'hnsw' }, indexes: { code: false } });
  await store.upsert(records);
});
after(() => store.close());

const PLANS = ['nothing', 'plain', 'scan', 'graph', 'post-filter'];

test('an explanation has what the query did, and its hits', async () => {
  for (const [filter, matches] of [[undefined, N], ['TRUE', N], ['n < 30', 30], ['third = 1', 2000], ['rare', 6], ["code LIKE '%77'", 60], ['n < 0', 0],
    ['n < 3000 AND third != 0', 2000], ["tags CONTAINS 't3' OR n IN (1, 2, 3)", 859], [{ n: { $gte: 5900 } }, 100]]) {
    for (const k of [1, 10, 500]) {
      const query = { vector, k, ...(filter !== undefined && { filter }) };
      const e = await store.explain(query);
      const what = `${JSON.stringify(filter)}, k ${k}: ${e.text}`;
      const hits = await store.query(query);
      assert.equal(hits.length, Math.min(k, matches), what);
      assert.equal(e.returned, hits.length, what);
      assert.deepEqual([e.records, e.k], [N, k]);
      assert.ok(PLANS.includes(e.plan), what);
      assert.equal(e.plan === 'plain', filter === undefined, what);
      if (e.matches !== null && filter !== undefined) assert.equal(e.matches, matches, what);
      if (e.exact) assert.equal(e.estimated, matches, what);
      const sum = (name) => e.steps.reduce((total, step) => total + step[name], 0);
      assert.equal(sum('distances'), e.distances, what);
      assert.equal(sum('hops'), e.hops, what);
      assert.ok(sum('evaluated') <= e.evaluated, what);
      assert.equal(e.rounds, e.steps.filter(({ op }) => op === 'search').length, what);
      assert.ok(e.steps.every(({ us }) => us >= 0) && e.us >= 0, what);
      if (e.plan === 'scan' && !e.fellBack) assert.equal(e.distances, matches, what);
      if (matches > 0) assert.ok(e.distances >= hits.length, what);
      assert.equal(String(e), e.text);
      assert.ok(e.text.includes(e.plan) && e.text.includes(`${hits.length} hit`), what);
      if (typeof filter === 'string') assert.equal(e.terms.length > 0, !['TRUE'].includes(filter), what);
      for (const { term, index } of e.terms) assert.ok(e.text.includes(`${term}: ${index ? `${index} index` : 'read from the metadata'}`), what);
      for (const { plan, why } of e.rejected) assert.ok(e.text.includes(`not ${plan}`) && e.text.includes(why) && plan !== e.plan, what);
    }
  }
});

test('the filter is shown as it was understood, in a form that compiles to the same', async () => {
  for (const filter of ['n<5 and not(third=1 or rare)', { tags: { $any: ['t1', 't2'] }, n: { $between: [1, 2000] } }, "`code` ilike 'C_7%'"]) {
    const e = await store.explain({ vector, filter });
    assert.equal(await store.count({ filter: e.filter }), await store.count({ filter }), e.filter);
    assert.equal((await store.explain({ vector, filter: e.filter })).filter, e.filter);
  }
  assert.equal((await store.explain({ vector })).filter, null);
});

test('an estimate runs nothing and agrees with the plan', async () => {
  for (const filter of ['n < 30', 'third = 1', "code LIKE '%77'", 'n < 0', 'rare']) {
    const estimate = await store.estimate({ filter, k: 7 });
    const e = await store.explain({ filter, k: 7, vector });
    assert.equal(estimate.plan, e.plan, `${estimate.text}\n${e.text}`);
    assert.deepEqual([estimate.k, estimate.filter, estimate.records], [7, e.filter, N]);
    assert.equal('steps' in estimate, false);
    assert.ok(estimate.text.includes(estimate.plan) && !estimate.text.includes('hit'));
  }
  assert.equal((await store.estimate()).plan, 'plain');
  assert.equal((await store.estimate({ exact: true, vector })).k, 10);
  assert.equal((await (await VecStore.open()).estimate({ filter: 'n = 1', k: 1e15 })).records, 0);
  await assert.rejects(store.estimate({ k: -1 }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(store.estimate({ filter: 'n =' }), { code: 'FILTER_SYNTAX', offset: 3 });
  await assert.rejects(store.estimate({ nonsense: 1 }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(store.explain({ filter: 'n = 1' }), { code: 'INVALID_ARGUMENT', message: /vector/ });
  await assert.rejects(store.explain({ vector: [1] }), { code: 'DIMENSION_MISMATCH' });
  await assert.rejects(store.explain(), { code: 'INVALID_ARGUMENT' });
});

/**
 * Whether the query gets this hint; following it must make the counter it names smaller.
 * @param {string} kind
 * @param {any} store
 * @param {object} query
 * @param {(hint: any) => any} follow gives the explanation after that
 */
async function followed(kind, store, query, follow) {
  const e = await store.explain(query);
  const hint = e.hints.find((one) => one.do === kind);
  if (!hint) return false;
  assert.ok(e.text.includes('hint: ') && e.text.includes(hint.why), e.text);
  const better = await follow(hint);
  assert.ok(better[hint.improves] < e[hint.improves], `${hint.improves} went from ${e[hint.improves]} to ${better[hint.improves]}`);
  return true;
}

const temporary = async (t, options, all) => {
  const made = await VecStore.open(options);
  t.after(() => made.close());
  await made.upsert(all);
  return made;
};

test('the hint to add an index', async (t) => {
  const query = { vector, filter: "code = 'c77' AND n >= 0" };
  assert.ok(await followed('index', store, query, async ({ field }) =>
    (await temporary(t, { index: { type: 'hnsw' }, indexes: { [field]: 'value' } }, records)).explain(query)));
});

test('the hint to use a flat index', async (t) => {
  const few = records.slice(0, 300);
  const query = { vector, ef: 300 };
  assert.ok(await followed('flat', await temporary(t, { index: { type: 'hnsw' } }, few), query, async () =>
    (await temporary(t, { index: { type: 'flat' } }, few)).explain(query)));
});

test('the hint to raise ef', async (t) => {
  const cosine = (a, b) => {
    const dot = (x, y) => x.reduce((sum, v, i) => sum + v * y[i], 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  // Nearly all match, only the nearest do not.
  const all = records.map((record) => ({ ...record, metadata: { nearness: cosine(record.vector, vector) } }));
  const made = await temporary(t, { index: { type: 'hnsw' } }, all);
  let found = 0;
  for (const limit of [0.4, 0.45, 0.5, 0.55]) {
    const query = { vector, filter: `nearness < ${limit}` };
    found += await followed('ef', made, query, ({ value }) => made.explain({ ...query, ef: value }));
  }
  assert.ok(found > 0, 'no query got the hint');
});

test('the hint to quantize', async (t) => {
  const all = Array.from({ length: 3000 }, (_, id) => ({ id, vector: randomVector(next, 16), metadata: { half: id % 2 } }));
  let found = 0;
  const made = await temporary(t, { index: { type: 'hnsw' } }, all);
  const coded = await temporary(t, { index: { type: 'hnsw' }, quantization: 'int8' }, all);
  for (const query of [{ vector, ef: 100 }, { vector, filter: 'half = 1', ef: 100 }, { vector, filter: 'half = 1', k: 30 }]) {
    assert.equal((await coded.explain(query)).hints.some((hint) => hint.do === 'quantize'), false);
    found += await followed('quantize', made, query, () => coded.explain(query));
  }
  assert.ok(found > 1, `${found} queries got the hint`);
  const manhattan = await temporary(t, { index: { type: 'hnsw' }, metric: 'manhattan' }, all);
  assert.deepEqual((await manhattan.explain({ vector, ef: 100 })).hints, [], 'there are no codes for this metric');
  assert.equal((await made.explain({ vector, exact: true })).hints.some((hint) => hint.do === 'quantize'), false);
});

test('each hit says why it is there', async () => {
  const filter = "third = 1 AND (n < 3000 OR code LIKE 'c5%') AND nothing IS NULL";
  const query = { vector, k: 20, filter };
  const hits = await store.query({ ...query, explain: true });
  const plain = await store.query(query);
  assert.deepEqual(hits.map(({ id, score, distance }) => [id, score, distance]), plain.map(({ id, score, distance }) => [id, score, distance]));
  hits.forEach(({ score, metadata, explanation }, i) => {
    assert.equal(explanation.rank, i + 1);
    assert.deepEqual(explanation.parts, { vector: score });
    assert.deepEqual(explanation.filter.map(({ matched }) => matched),
      [metadata.third === 1, metadata.n < 3000, metadata.code.startsWith('c5'), true]);
    assert.ok(explanation.text.startsWith(`#${i + 1}: score`));
    for (const { term } of explanation.filter) assert.ok(explanation.text.includes(term), explanation.text);
  });
  const [unknown] = await store.query({ vector, k: 1, filter: 'nothing = 1 OR n >= 0', explain: true });
  assert.deepEqual(unknown.explanation.filter.map(({ matched }) => matched), [null, true]);
  const [first] = await store.query({ vector, k: 1, explain: true });
  assert.deepEqual(first.explanation.filter, []);
  const { explanation } = (await store.pipeline([{ search: { vector, explain: true } }, { mmr: { k: 1 } }]))[0];
  assert.equal(explanation.rank, 1);
});
