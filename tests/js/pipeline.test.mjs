// Pipelines (js/src/pipeline.js, src/query/mmr.c): stages, what is refused with which stage, MMR against a naive count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { random, randomVector } from './behaviour/expect.mjs';
import { DISTANCE } from './behaviour/scores.mjs';

const ids = (hits) => hits.map(({ id }) => id);

async function filled(t, options = {}, n = 60, dimension = 7) {
  const store = await VecStore.open(options);
  t.after(() => store.close());
  const next = random(11);
  const records = Array.from({ length: n }, (_, id) => ({ id, vector: randomVector(next, dimension).map(Math.abs), metadata: { n: id } }));
  await store.upsert(records);
  return { store, records, vector: randomVector(next, dimension).map(Math.abs) };
}

/** Each pick maximises lambda * score - (1 - lambda) * its greatest similarity to a pick before it. */
function isMmr(hits, candidates, vectors, similarity, k, lambda) {
  assert.equal(hits.length, Math.min(k, candidates.length));
  const left = new Map(candidates.map((hit) => [hit.id, hit]));
  hits.forEach((hit, i) => {
    const worth = (one) => (i === 0 ? one.score
      : lambda * one.score - (1 - lambda) * Math.max(...hits.slice(0, i).map(({ id }) => similarity(vectors[one.id], vectors[id]))));
    assert.ok(left.has(hit.id), `${hit.id} twice`);
    const best = Math.max(...[...left.values()].map(worth));
    assert.ok(worth(hit) >= best - 1e-4 * Math.max(1, Math.abs(best)), `pick ${i}: ${worth(hit)}, best ${best}`);
    left.delete(hit.id);
  });
}

for (const [metric, [distanceOf, scoreOf]] of Object.entries(DISTANCE)) {
  test(`MMR under ${metric}`, async (t) => {
    const { store, records, vector } = await filled(t, { metric });
    const vectors = records.map((record) => [...record.vector]);
    const candidates = await store.query({ vector, k: 40 });
    for (const lambda of [0, 0.3, 0.7, 1]) {
      const hits = await store.pipeline([{ search: { vector, k: 40 } }, { mmr: { k: 12, lambda } }]);
      isMmr(hits, candidates, vectors, (a, b) => scoreOf(distanceOf(a, b)), 12, lambda);
      if (lambda === 1) assert.deepEqual(hits, candidates.slice(0, 12));
    }
  });
}

test('MMR: k of 0 and above what there is, few candidates, deleted ones', async (t) => {
  const { store, vector } = await filled(t);
  const stages = (k) => [{ search: { vector, k: 20 } }, { mmr: { k, lambda: 0.5 } }];
  assert.deepEqual(await store.pipeline(stages(0)), []);
  assert.equal((await store.pipeline(stages(1000))).length, 20);
  assert.equal((await store.pipeline([{ search: { vector, k: 3, filter: 'n = 5' } }, { mmr: {} }])).length, 1);
  const hits = await store.pipeline([
    { search: { vector, k: 20 } },
    { rerank: async (given) => {
      await store.delete(given.slice(0, 5).map(({ id }) => id));
      return given;
    } },
    { mmr: { k: 20, lambda: 1 } },
  ]);
  assert.equal(hits.length, 15);
});

test('rerank: scores of every kind, hits in a new order, some of them', async (t) => {
  const { store, vector } = await filled(t);
  const search = { search: { vector, k: 6 } };
  const plain = await store.pipeline([search]);
  assert.deepEqual(plain, await store.query({ vector, k: 6 }));
  const backwards = ids(plain).reverse();
  for (const rerank of [
    (hits) => hits.map((_, i) => i), async (hits) => Float32Array.from(hits, (_, i) => i), (hits) => hits.reverse(),
    (hits) => hits.toSorted?.((a, b) => a.score - b.score) ?? hits.reverse(), async (hits) => hits.map((hit) => ({ ...hit })).reverse(),
  ]) {
    assert.deepEqual(ids(await store.pipeline([search, { rerank }])), backwards);
  }
  const scored = await store.pipeline([search, { rerank: (hits) => hits.map(({ metadata }) => metadata.n), k: 2 }]);
  assert.deepEqual(scored.map(({ score }) => score), [...scored.map(({ id }) => id)]);
  assert.equal(scored.length, 2);
  assert.deepEqual(ids(await store.pipeline([search, { rerank: (hits) => hits.slice(1, 3) }])), ids(plain).slice(1, 3));
  assert.deepEqual(await store.pipeline([search, { rerank: () => [] }]), []);
  // Equal scores keep the order.
  assert.deepEqual(ids(await store.pipeline([search, { rerank: (hits) => hits.map(() => 1) }])), ids(plain));
  assert.equal(plain[0].score !== 0, true, 'the hits given away are copies');
  for (const [answer, message] of [
    [undefined, /undefined/], ['x', /"x"/], [[1], /1 scores for 6/], [[1, 2, 3, 4, 5, NaN], /\[5\].*NaN/], [[1, 2, 3, 4, 5, '6'], /\[5\]/],
    [[1, 2, 3, 4, 5, 6, 7], /more than 6/], [[{ id: 'other' }], /none of those/], [[plain[0], plain[0]], /twice/], [[Infinity, 1, 1, 1, 1, 1], /Infinity/],
  ]) {
    await assert.rejects(store.pipeline([search, { rerank: () => answer }]), (error) => {
      assert.deepEqual([error.code, error.index], ['INVALID_ARGUMENT', 1]);
      assert.match(error.message, message);
      assert.match(error.message, /^pipeline\[1\]: /);
      return true;
    });
  }
  const mine = new Error('mine');
  await assert.rejects(store.pipeline([search, { rerank: () => { throw mine; } }]), mine);
  await assert.rejects(store.pipeline([search, { rerank: async () => { throw mine; } }]), mine);
});

test('rerank may call the store', async (t) => {
  const { store, vector } = await filled(t);
  const hits = await store.pipeline([{ search: { vector, k: 5 } }, { rerank: async (given) => {
    const others = await store.query({ vector, k: 5, filter: { n: { $in: given.map(({ id }) => id) } } });
    return others.reverse();
  } }]);
  assert.equal(hits.length, 5);
});

test('wrong pipelines say which stage', async (t) => {
  const { store, vector } = await filled(t);
  const search = { search: { vector } };
  for (const [stages, index, message] of [
    [undefined, undefined, /array/], [{}, undefined, /array/], [[], undefined, /at least one/], [Array(65).fill(search), undefined, /64/],
    [[{ filter: 'n = 1' }], 0, /first stage must be a search, not filter/], [[{ mmr: {} }], 0, /first stage/], [[search, search], 1, /only the first/],
    [[null], 0, /null/], [[search, 5], 1, /5/], [[search, {}], 1, /nothing/], [[search, { limit: 5 }], 1, /"limit"/], [[search, { filter: 'TRUE', mmr: {} }], 1, /filter and mmr/],
    [[search, { filter: 'TRUE', k: 5 }], 1, /unknown option 'k'/], [[search, { rerank: 'x' }], 1, /function/], [[search, { rerank() {}, k: -1 }], 1, /k must/],
    [[search, { mmr: 5 }], 1, /mmr/], [[search, { mmr: { k: 1.5 } }], 1, /mmr.k/], [[search, { mmr: { lambda: -0.1 } }], 1, /lambda/], [[search, { mmr: { lambda: 'x' } }], 1, /lambda/],
    [[search, { mmr: { diversity: 1 } }], 1, /diversity/], [[{ search: { k: 5 } }], 0, /vector/], [[{ search: { vector, limit: 5 } }], 0, /limit/],
    [[{ search: { vector, facets: ['n'] } }], 0, /facets/], [[{ search: undefined }], 0, /search/], [[search, { filter: 5 }], 1, /filter/],
    [[search, { filter: { n: 1 }, params: {} }], 1, /params/],
  ]) {
    let called = false;
    const last = { rerank: (hits) => { called = true; return hits; } };
    await assert.rejects(store.pipeline(Array.isArray(stages) && stages.length > 0 && stages.length < 9 ? [...stages, last] : stages), (error) => {
      assert.deepEqual([error.code, error.index], ['INVALID_ARGUMENT', index], error.message);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(called, false, 'nothing runs before all stages were checked');
  }
  await assert.rejects(store.pipeline([search, { filter: 'n = = 1' }]), { code: 'FILTER_SYNTAX', index: 1, offset: 4, message: /^pipeline\[1\]: / });
  await assert.rejects(store.pipeline([{ search: { vector, filter: 'n = = 1' } }]), { code: 'FILTER_SYNTAX', index: 0, offset: 4 });
  await assert.rejects(store.pipeline([{ search: { vector: [1] } }]), { code: 'DIMENSION_MISMATCH', index: 0 });
  await assert.rejects(store.pipeline([{ search: { text: 'x' } }]), { code: 'UNSUPPORTED', index: 0 });
});

test("the predecessor's prefetch stages", async (t) => {
  const { store, vector } = await filled(t);
  const model = (hits) => hits.map(({ metadata }) => metadata.n);
  const former = [
    { VectorSearch: { vector, k: 40, filter: 'n < 50' } }, { Filter: { expr: 'n >= 10' } }, { Rerank: { k: 12, model } }, { MMR: { k: 5, lambda: 0.7 } },
  ];
  const ours = [
    { search: { vector, k: 40, filter: 'n < 50' } }, { filter: 'n >= 10' }, { rerank: model, k: 12 }, { mmr: { k: 5, lambda: 0.7 } },
  ];
  const hits = await store.pipeline(former);
  assert.equal(hits.length, 5);
  assert.deepEqual(hits, await store.pipeline(ours));
  for (const [stages, code, index, message] of [
    [[{ HybridSearch: { vector, keywords: 'x', k: 5, alpha: 0.7 } }], 'UNSUPPORTED', 0, /HybridSearch/], [[{ MMR: { k: 5 } }], 'INVALID_ARGUMENT', 0, /first stage/],
    [[former[0], { Rerank: { k: 5, model: 'cross-encoder' } }], 'INVALID_ARGUMENT', 1, /function/], [[former[0], { Rerank: { k: 5 } }], 'INVALID_ARGUMENT', 1, /function/],
    [[former[0], { Filter: 'n = 1' }], 'INVALID_ARGUMENT', 1, /Filter must be an object/], [[former[0], { Filter: { expr: 'n = 1', k: 1 } }], 'INVALID_ARGUMENT', 1, /'k'/],
    [[former[0], { Filter: {} }], 'INVALID_ARGUMENT', 1, /filter/], [[{ VectorSearch: null }], 'INVALID_ARGUMENT', 0, /null/], [[former[0], former[0]], 'INVALID_ARGUMENT', 1, /first/],
  ]) {
    await assert.rejects(store.pipeline(stages), (error) => {
      assert.deepEqual([error.code, error.index], [code, index], error.message);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('a signal stops between stages and is handed to rerank', async (t) => {
  const { store, vector } = await filled(t);
  const controller = new AbortController();
  const search = { search: { vector } };
  await assert.rejects(store.pipeline([search, { rerank: (hits, { signal }) => {
    assert.equal(signal, controller.signal);
    controller.abort();
    return hits;
  } }, { rerank: () => assert.fail('went on') }], { signal: controller.signal }), { code: 'ABORTED' });
  await assert.rejects(store.pipeline([search], { signal: AbortSignal.abort() }), { code: 'ABORTED' });
});

test('what the stages were is read during the call', async (t) => {
  const { store, vector } = await filled(t);
  const stages = [{ search: { vector: [...vector], k: 30 } }, { filter: { n: { $lt: 10 } } }];
  const promise = store.pipeline(stages);
  stages[0].search.vector.fill(0);
  stages[1].filter.n = { $gte: 10 };
  stages.length = 1;
  const hits = await promise;
  assert.deepEqual(ids(hits), ids(await store.query({ vector, k: 30 })).filter((id) => id < 10));
});
