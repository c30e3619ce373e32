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
});

/** Texts of which each has some of these words, with vectors of the same numbers. */
async function worded(t, options = {}, withVectors = true) {
  const store = await VecStore.open(options);
  t.after(() => store.close());
  const words = ['red', 'green', 'blue', 'dark', 'light', 'grass', 'sky', 'sea'];
  const next = random(23);
  await store.upsert(Array.from({ length: 80 }, (_, id) => {
    const amounts = words.map(() => (next() < 0.4 ? 1 + Math.floor(next() * 3) : 0));
    return {
      id, ...(withVectors && { vector: amounts.map((n) => n + 0.01) }), metadata: { n: id },
      text: words.flatMap((word, i) => Array(amounts[i]).fill(word)).join(' ') || 'nothing',
    };
  }));
  return { store, vector: [1, 0, 0, 1, 0, 0, 2, 0] };
}

test('a text search, then a filter, a rerank function and MMR', async (t) => {
  const { store } = await worded(t);
  const textSearch = { text: 'dark sky', k: 50, highlight: true };
  const found = await store.textQuery(textSearch);
  assert.ok(found.length > 20);
  assert.deepEqual(await store.pipeline([{ textSearch }]), found);
  const kept = await store.pipeline([{ textSearch }, { filter: 'n < $n', params: { n: 40 } }]);
  assert.deepEqual(kept, found.filter(({ id }) => id < 40));
  const reranked = await store.pipeline([
    { textSearch }, { filter: { n: { $lt: 40 } } }, { rerank: async (hits) => hits.map(({ metadata }) => -metadata.n), k: 6 },
  ]);
  assert.deepEqual(ids(reranked), ids(kept).sort((a, b) => a - b).slice(0, 6));
  assert.ok(reranked.every((hit) => hit.highlights.length > 0 && !('distance' in hit)));
  const diverse = await store.pipeline([
    { textSearch }, { filter: 'n < 40' }, { rerank: (hits) => hits.map(({ score }) => score / 10), k: 10 }, { mmr: { k: 5, lambda: 0.5 } },
  ]);
  assert.equal(diverse.length, 5);
  assert.equal(diverse[0].id, kept[0].id);
  // A search inside a filter, a query's syntax, nothing found.
  assert.deepEqual(ids(await store.pipeline([{ textSearch: { text: '+sea -sky', syntax: 'query', filter: 'n >= 40' } }])),
    ids(await store.textQuery({ text: '+sea -sky', syntax: 'query', filter: 'n >= 40' })));
  assert.deepEqual(await store.pipeline([{ textSearch: { text: 'absent' } }, { rerank: () => assert.fail() }, { mmr: {} }]), []);
});

test('MMR after a search by words weighs its scores as shares of the best', async (t) => {
  const { store } = await worded(t, { metric: 'cosine' });
  const [similarity] = [(a, b) => DISTANCE.cosine[1](DISTANCE.cosine[0](a, b))];
  for (const stage of [{ textSearch: { text: 'dark sky', k: 30 } }, { hybridSearch: { text: 'dark sky', vector: [1, 0, 0, 1, 0, 0, 2, 0], k: 30 } }]) {
    const found = await store.pipeline([stage]);
    const vectors = Object.fromEntries((await store.get(ids(found))).map(({ id, vector }) => [id, [...vector]]));
    const shares = found.map((hit) => ({ ...hit, score: hit.score / found[0].score }));
    for (const lambda of [0, 0.5, 0.9, 1]) {
      const hits = await store.pipeline([stage, { mmr: { k: 8, lambda } }]);
      isMmr(hits.map(({ id }) => shares.find((one) => one.id === id)), shares, vectors, similarity, 8, lambda);
      for (const hit of hits) assert.deepEqual(hit, found.find(({ id }) => id === hit.id));
    }
  }
});

test('a hybrid search, and the one of the prefetch queries', async (t) => {
  const { store, vector } = await worded(t);
  const search = { text: 'dark sky', vector, k: 20, alpha: 0.7, filter: 'n < 60' };
  const found = await store.hybridQuery(search);
  assert.deepEqual(await store.pipeline([{ hybridSearch: search }]), found);
  assert.deepEqual(await store.pipeline([{ HybridSearch: { vector, keywords: 'dark sky', k: 20, alpha: 0.7, filter: 'n < 60' } }]), found);
  assert.ok(found.every(({ parts }) => 'vector' in parts && 'text' in parts));
  const hits = await store.pipeline([
    { HybridSearch: { vector, keywords: 'dark sky', k: 20 } }, { Filter: { expr: 'n >= 10' } },
    { Rerank: { k: 12, model: (some) => some.map(({ parts }) => parts.text ?? 0) } }, { MMR: { k: 5, lambda: 0.7 } },
  ]);
  assert.equal(hits.length, 5);
  assert.ok(hits.every(({ id }) => id >= 10));
});

test('a search by text is by its vector where the store has an embedder, else by words', async (t) => {
  const { store } = await worded(t);
  assert.deepEqual(await store.pipeline([{ search: { text: 'dark sky', k: 5 } }]), await store.textQuery({ text: 'dark sky', k: 5 }));
  const asked = [];
  const embedder = {
    name: 'counting', dimension: 2,
    embed: async (texts, { kind }) => texts.map((text) => {
      asked.push(kind);
      return Float32Array.of(text.length, 1);
    }),
  };
  const embedding = await VecStore.open({ embedder });
  t.after(() => embedding.close());
  await embedding.upsert([{ id: 1, text: 'short' }, { id: 2, text: 'a much longer text' }]);
  asked.length = 0;
  assert.deepEqual(await embedding.pipeline([{ search: { text: 'small' } }]), await embedding.query({ text: 'small' }));
  assert.deepEqual(await embedding.pipeline([{ hybridSearch: { text: 'short' } }]), await embedding.hybridQuery({ text: 'short' }));
  assert.deepEqual(ids(await embedding.pipeline([{ textSearch: { text: 'longer' } }])), [2]);
  assert.deepEqual(asked, Array(4).fill('query'));
});

test('a store of texts alone: MMR has nothing to compare and says so', async (t) => {
  const { store } = await worded(t, { dimension: 0 }, false);
  assert.equal((await store.pipeline([{ textSearch: { text: 'sky' } }, { filter: 'n < 40' }])).every(({ id }) => id < 40), true);
  await assert.rejects(store.pipeline([{ textSearch: { text: 'sky' } }, { mmr: { k: 3 } }]), { code: 'INVALID_ARGUMENT', index: 1, message: /the store has none/ });
});

test('wrong searches by words say which stage', async (t) => {
  const { store, vector } = await worded(t);
  for (const [stages, index, message] of [
    [[{ textSearch: {} }], 0, /text/], [[{ textSearch: { text: 5 } }], 0, /text must be a string/], [[{ textSearch: { text: 'x', vector } }], 0, /unknown option 'vector'/],
    [[{ textSearch: null }], 0, /null/], [[{ textSearch: { text: 'x' }, k: 5 }], 0, /unknown option 'k'/],
    [[{ textSearch: { text: 'x' }, search: { vector } }], 0, /search and textSearch/], [[{ search: { vector } }, { textSearch: { text: 'x' } }], 1, /only the first/],
    [[{ hybridSearch: { vector } }], 0, /text/], [[{ hybridSearch: { text: 'x' } }], 0, /embedder/], [[{ hybridSearch: { text: 'x', vector, alpha: 2 } }], 0, /alpha/],
    [[{ HybridSearch: { vector, k: 5 } }], 0, /text/], [[{ HybridSearch: { vector, keywords: 'x', fuse: 1 } }], 0, /fuse/],
    [[{ search: { text: 'x', vector } }], 0, /one of them/], [[{ search: { text: 'x', ef: 5 } }], 0, /unknown option 'ef'/],
    [[{ textSearch: { text: '(x', syntax: 'query' } }], 0, /\(/],
  ]) {
    await assert.rejects(store.pipeline(stages), (error) => {
      assert.deepEqual([error.code, error.index], ['INVALID_ARGUMENT', index], error.message);
      assert.match(error.message, message);
      assert.match(error.message, new RegExp(`^pipeline\\[${index}\\]: `));
      return true;
    });
  }
  await assert.rejects(store.pipeline([{ textSearch: { text: 'x', filter: 'n = = 1' } }]), { code: 'FILTER_SYNTAX', index: 0, offset: 4 });
  await assert.rejects(store.pipeline([{ hybridSearch: { text: 'x', vector: [1] } }]), { code: 'DIMENSION_MISMATCH', index: 0 });
  await assert.rejects(store.pipeline([{ textSearch: { text: 'x' } }], { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  await assert.rejects(store.pipeline([{ textSearch: { text: 'x', signal: AbortSignal.abort() } }]), { code: 'ABORTED' });
});

test('calls made after a pipeline by words come after it', async (t) => {
  const { store } = await worded(t);
  const before = store.pipeline([{ textSearch: { text: 'sky', k: 100 } }]);
  const gone = store.delete({ filter: 'n < 1000' });
  assert.ok((await before).length > 0);
  await gone;
  assert.deepEqual(await store.pipeline([{ textSearch: { text: 'sky' } }]), []);
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
    [[{ HybridSearch: 5 }], 'INVALID_ARGUMENT', 0, /HybridSearch must be an object/], [[{ MMR: { k: 5 } }], 'INVALID_ARGUMENT', 0, /first stage/],
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
