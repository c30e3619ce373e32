// Queries by several sides, sparse vectors and the vectors of tokens, each against a count of its own.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

/** Numbers from 0 to 1, the same in every run. */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = ['red', 'green', 'blue', 'wine', 'sea', 'sky', 'dog', 'cat', 'tree', 'house'];

function recordsOf(random, n, { dims = 30, signs = false } = {}) {
  const below = (most) => Math.floor(random() * most);
  return Array.from({ length: n }, (_, id) => {
    const indices = [...new Set(Array.from({ length: below(8) }, () => below(dims)))];
    return {
      id,
      vector: Array.from({ length: 4 }, () => random() * 2 - 1),
      text: Array.from({ length: 1 + below(12) }, () => WORDS[Math.floor(below(WORDS.length) * random())]).join(' '),
      metadata: { even: id % 2 === 0 },
      ...(random() < 0.8 && { sparse: { indices, values: indices.map(() => Math.fround(below(20) / 4 * (signs && random() < 0.3 ? -1 : 1))) } }),
      ...(random() < 0.7 && { multivector: Array.from({ length: 1 + below(5) }, () => Array.from({ length: 3 }, () => Math.fround(random() - 0.5))) }),
    };
  });
}

const FUSIONS = [
  {}, { alpha: 0.3 }, { fusion: 'rrf' }, { fusion: 'rrf', alpha: 0.3 }, { fusion: 'rrf', weights: { vector: 2, text: 0.5 }, rrfK: 5 },
  ...['minmax', 'zscore', 'distribution'].flatMap((normalize) => ['weighted', 'max', 'min', 'harmonic', 'geometric'].map((fusion) => ({ fusion, normalize }))),
  { fusion: 'relative' }, { fusion: 'relative', alpha: 0.7 }, { filter: 'even = true' }, { fusion: 'rrf', filter: 'even = true' },
  { k: 130 }, { k: 3, fusion: 'weighted', normalize: 'zscore', filter: 'even = true' },
];

test('the fused first k are those of both sides in full, for every fusion', async () => {
  for (const seed of [1, 2, 3]) {
    const random = randomOf(seed);
    const n = 620;
    const store = await VecStore.open({ dimension: 4, index: { type: 'flat' } });
    await store.upsert(recordsOf(random, n));
    const sides = [{ text: 'red sea' }, { text: 'dog', sparse: { indices: [1, 3, 7], values: [1, 2, 0.5] } }, { text: 'tree', vector: undefined, sparse: { indices: [2], values: [1] } }];
    for (const side of sides) {
      for (const options of FUSIONS) {
        const query = { vector: [0.3, -0.2, 0.5, 0.1], exact: true, k: 10, include: [], ...side, ...options };
        if (query.vector === undefined) {
          delete query.exact;
          if (options.alpha !== undefined || options.weights) continue;
        }
        const ids = (hits) => hits.map(({ id }) => id);
        assert.deepEqual(ids(await store.hybridQuery(query)), ids(await store.hybridQuery({ ...query, depth: n })), JSON.stringify({ seed, side, options }));
      }
    }
    await store.close();
  }
});

test('parts and explanation say what each side gave', async () => {
  const store = await VecStore.open({ dimension: 4 });
  await store.upsert(recordsOf(randomOf(5), 50));
  const asked = { vector: [1, 0, 0, 0], text: 'red dog', sparse: { indices: [4, 5, 6], values: [1, 1, 1] } };
  const sides = {
    vector: await store.query({ vector: asked.vector, k: 50 }), text: await store.textQuery({ text: asked.text, k: 50 }),
    sparse: await store.query({ sparse: asked.sparse, k: 50 }),
  };
  const hits = await store.hybridQuery({ ...asked, fusion: 'rrf', weights: { vector: 1, text: 2, sparse: 3 }, k: 50, explain: true });
  for (const [i, { id, score, parts, explanation }] of hits.entries()) {
    assert.equal(explanation.rank, i + 1);
    let sum = 0;
    for (const [side, weight] of [['vector', 1], ['text', 2], ['sparse', 3]]) {
      const at = sides[side].findIndex((hit) => hit.id === id);
      assert.equal(parts[side], at < 0 ? null : sides[side][at].score);
      if (at < 0) {
        assert.equal(explanation[side], null);
        continue;
      }
      sum += weight / (60 + at + 1);
      assert.deepEqual([explanation[side].rank, explanation[side].score], [at + 1, parts[side]]);
      assert.ok(Math.abs(explanation[side].share - weight / (60 + at + 1)) < 1e-12);
    }
    assert.ok(Math.abs(score - sum) < 1e-12);
    assert.match(explanation.summary, /rrf.*vector: .*text: .*sparse: /);
  }
  await store.close();
});

test('autocut ends where the scores drop', async () => {
  const store = await VecStore.open({ dimension: 1, metric: 'dot' });
  await store.upsert([100, 99, 98, 60, 59, 20].map((x, id) => ({ id, vector: [x], text: 'w' })));
  const lengths = [];
  for (const autocut of [undefined, 1, 2, 3]) {
    lengths.push((await store.hybridQuery({ vector: [1], text: 'w', fusion: 'weighted', alpha: 1, ...(autocut && { autocut }) })).length);
  }
  assert.deepEqual(lengths, [6, 3, 5, 6]);
  await store.close();
});

test('wrong hybrid queries are refused', async () => {
  const store = await VecStore.open({ dimension: 2 });
  await store.upsert({ id: 1, vector: [1, 0], text: 'x' });
  const sparse = { indices: [1], values: [1] }, both = { text: 'x', vector: [1, 0] };
  for (const wrong of [{ sparse }, { text: 'x' }, { vector: [1, 0] }, { text: 'x', sparse, exact: true }, { text: 'x', sparse, alpha: 0.5 },
    { ...both, fusion: 'max', alpha: 0.5 }, { ...both, alpha: 0.5, weights: { text: 1 } }, { ...both, weights: { text: 0, vector: 0 } },
    { ...both, weights: { words: 1 } }, { ...both, weights: { text: -1 } }, { ...both, weights: 3 }, { ...both, rrfK: 3, fusion: 'max' },
    { ...both, normalize: 'zscore', fusion: 'rrf' }, { ...both, normalize: 'softmax' }, { ...both, autocut: 0 },
    { ...both, sparse: { indices: [1, 1], values: [1, 1] } }, { ...both, rescore: { maxsim: [] } }, { ...both, rescore: {} },
    { ...both, rescore: { maxsim: [[1], [1, 2]] } }, { ...both, rescore: { maxsim: [[1]], candidates: 0 } }]) {
    await assert.rejects(store.hybridQuery(wrong), { code: 'INVALID_ARGUMENT' }, JSON.stringify(wrong));
  }
  await store.close();
});

// ============ Sparse ============

function naiveSparse(records, { indices, values }) {
  const weights = new Map(indices.map((index, i) => [index, Math.fround(values[i])]));
  const rows = [];
  for (const { id, sparse } of records) {
    const shared = sparse ? sparse.indices.map((index, i) => [index, sparse.values[i]]).filter(([index]) => weights.get(index)).sort(([a], [b]) => a - b) : [];
    if (shared.length > 0) rows.push([id, shared.reduce((sum, [index, value]) => sum + weights.get(index) * value, 0)]);
  }
  return rows.sort(([a, x], [b, y]) => y - x || a - b);
}

test('sparse queries find what comparing every record finds, through writes, reopening and repacking', async () => {
  const path = mkdtempSync(join(tmpdir(), 'vecstore-sparse-'));
  try {
    const random = randomOf(11);
    const queries = Array.from({ length: 12 }, () => ({ indices: [...new Set(Array.from({ length: 6 }, () => Math.floor(random() * 30)))] }))
      .map(({ indices }) => ({ indices, values: indices.map(() => random() * 2 - 0.5) }));
    let store = await VecStore.open({ path, storage: 'fs', dimension: 4 });
    const kept = new Map(recordsOf(random, 400, { signs: true }).map((record) => [record.id, record]));
    await store.upsert([...kept.values()]);
    const check = async (what, options = {}, allowed = () => true) => {
      const records = [...kept.values()].filter(allowed);
      for (const sparse of queries) {
        const want = naiveSparse(records, sparse);
        for (const k of [5, 1000]) {
          const hits = await store.query({ sparse, k, include: [], ...options });
          assert.deepEqual(hits.map(({ id, score }) => [id, score]), want.slice(0, k), what);
          assert.ok(hits.every((hit) => !('distance' in hit)));
        }
      }
      assert.deepEqual((await store.verify()).errors, []);
    };
    await check('at first');
    await check('with a filter', { filter: 'even = true' }, ({ metadata }) => metadata.even);
    // The index is there: it follows.
    for (const record of recordsOf(random, 100, { signs: true })) {
      kept.set(record.id, record);
      await store.upsert(record);
    }
    for (const id of [3, 50, 51, 52, 399]) kept.delete(id);
    await store.delete([3, 50, 51, 52, 399]);
    await store.updateMetadata(60, { more: true });
    await check('after writes');
    await store.close();
    store = await VecStore.open({ path, storage: 'fs' });
    await check('out of the log');
    await store.optimize();
    await store.close();
    store = await VecStore.open({ path, storage: 'fs' });
    await check('out of segments');
    const copy = await VecStore.import(await store.export());
    for (const id of [0, 60, 70]) assert.deepEqual(await copy.get(id), await store.get(id));
    await copy.close();
    const lines = await VecStore.open({ dimension: 4 });
    await lines.importJsonl(await store.exportJsonl());
    for (const id of kept.keys()) assert.deepEqual(await lines.get(id), await store.get(id));
    await lines.close();
    const batch = await store.queryBatch([{ sparse: queries[0], k: 3 }, { vector: [1, 0, 0, 0], k: 2 }]);
    assert.deepEqual(batch.map((hits) => hits.length), [Math.min(3, naiveSparse([...kept.values()], queries[0]).length), 2]);
    await store.close();
  } finally {
    rmSync(path, { recursive: true });
  }
});

test('sparse vectors come back in order; wrong ones and wrong queries are refused', async () => {
  const store = await VecStore.open({ dimension: 0 });
  await store.upsert([{ id: 1, sparse: { indices: [4294967294, 0, 7], values: [1, 2, 3] } }, { id: 2, sparse: { indices: [], values: [] } }, { id: 3 }]);
  assert.deepEqual(await store.get(1), { id: 1, metadata: {}, sparse: { indices: Uint32Array.of(0, 7, 4294967294), values: Float32Array.of(2, 3, 1) } });
  assert.deepEqual((await store.get(2)).sparse, { indices: new Uint32Array(0), values: new Float32Array(0) });
  assert.ok(!('sparse' in await store.get(3)) && !('sparse' in await store.get(1, { include: ['metadata'] })));
  assert.deepEqual((await store.query({ sparse: { indices: Uint32Array.of(7), values: Float32Array.of(-2) }, include: ['sparse'] }))[0].score, -6);
  assert.deepEqual(await store.query({ sparse: { indices: [7], values: [0] } }), []);
  assert.deepEqual(await store.query({ sparse: { indices: [7], values: [1] }, minScore: 4 }), []);
  for (const sparse of [3, [], { indices: [1] }, { indices: [1], values: [1, 2] }, { indices: [1.5], values: [1] }, { indices: [-1], values: [1] },
    { indices: [4294967295], values: [1] }, { indices: [1, 1], values: [1, 2] }, { indices: [1], values: [NaN] }, { indices: [1], values: ['1'] },
    { indices: 'ab', values: [1, 2] }, { indices: [1], values: [1e39] }, { indices: [1], values: [1], more: 1 }, null]) {
    await assert.rejects(store.upsert([{ id: 9 }, { id: 4, sparse }]), { code: 'INVALID_ARGUMENT', index: 1 }, JSON.stringify(sparse));
    await assert.rejects(store.query({ sparse }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(sparse));
  }
  const sparse = { indices: [1], values: [1] };
  for (const wrong of [{ sparse, ef: 5 }, { sparse, exact: true }, { sparse, facets: ['a'] }, { sparse, maxDistance: 1 }, { sparse, vector: [1] }, { sparse, text: 'x' }]) {
    await assert.rejects(store.query(wrong), { code: 'INVALID_ARGUMENT' }, JSON.stringify(wrong));
  }
  await assert.rejects(store.explain({ sparse }), { code: 'UNSUPPORTED' });
  assert.equal(await store.count(), 3);
  await store.close();
});

// ============ Tokens ============

const maxsim = (query, tokens) => query.reduce((sum, q) =>
  sum + Math.max(...tokens.map((t) => q.reduce((dot, x, i) => dot + x * t[i], 0))), 0);

test('MaxSim is the sum over the query of the best token, for vector, sparse and hybrid queries', async () => {
  const random = randomOf(21);
  const store = await VecStore.open({ dimension: 4 });
  const records = recordsOf(random, 150);
  for (const record of records) if (record.multivector && random() < 0.5) record.multivector = { type: 'int8', vectors: record.multivector };
  await store.upsert(records);
  const kept = new Map((await store.get(records.map(({ id }) => id))).map((record) => [record.id, record]));
  const tokensOf = (id) => kept.get(id).multivector?.vectors ?? kept.get(id).multivector;
  const query = Array.from({ length: 5 }, () => Array.from({ length: 3 }, () => Math.fround(random() - 0.5)));
  const sparse = { indices: [1, 2, 3, 4, 5], values: [1, 1, 1, 1, 1] };
  const point = { vector: [1, 0.5, 0, 0] };
  for (const [ask, base] of [[(o) => store.query({ ...point, ...o }), point], [(o) => store.query({ sparse, ...o }), sparse], [(o) => store.hybridQuery({ ...point, text: 'red', ...o }), {}]]) {
    for (const candidates of [20, 60]) {
      const before = await ask({ k: candidates });
      const hits = await ask({ k: 20, rescore: { maxsim: query, candidates } });
      const want = before.filter(({ id }) => tokensOf(id)).map(({ id }) => [id, maxsim(query, tokensOf(id))]).sort(([, a], [, b]) => b - a)
        .concat(before.filter(({ id }) => !tokensOf(id)).map(({ id }) => [id, -Infinity])).slice(0, 20);
      assert.deepEqual(hits.map(({ id }) => id), want.map(([id]) => id), JSON.stringify(base));
      hits.forEach(({ score, parts }, i) => {
        assert.ok(score === want[i][1] || Math.abs(score - want[i][1]) < 1e-5);
        assert.equal(parts.maxsim, score === -Infinity ? null : score);
      });
      const least = want[4][1];
      assert.ok((await ask({ k: 20, rescore: { maxsim: query, candidates }, minScore: least - 1e-6 })).length >= 5);
    }
  }
  await store.close();
});

test('MaxSim is a stage of a pipeline', async () => {
  const store = await VecStore.open({ dimension: 4 });
  await store.upsert(recordsOf(randomOf(41), 60));
  const vector = [1, 0.5, 0, 0], query = [[0.2, 0.1, -0.4], [0, 1, 0.3]];
  const want = await store.query({ vector, k: 7, rescore: { maxsim: query, candidates: 25 }, include: [] });
  const hits = await store.pipeline([{ search: { vector, k: 25, include: [] } }, { maxsim: query, k: 7 }]);
  assert.deepEqual(hits.map(({ id, score }) => [id, score]), want.map(({ id, score }) => [id, score]));
  for (const wrong of [{ maxsim: [] }, { maxsim: 3 }, { maxsim: query, k: -1 }, { maxsim: query, lambda: 1 }]) {
    await assert.rejects(store.pipeline([{ search: { vector } }, wrong]), { code: 'INVALID_ARGUMENT' }, JSON.stringify(wrong));
  }
  await assert.rejects(store.pipeline([{ search: { vector } }, { maxsim: [[1]] }]), { code: 'DIMENSION_MISMATCH' });
  await store.close();
});

test('token vectors come back as given; bytes are within half a step and stay the same', async () => {
  const random = randomOf(31);
  const store = await VecStore.open({ dimension: 0 });
  const vectors = Array.from({ length: 7 }, (_, i) => Float32Array.from({ length: 5 }, () => (i === 3 ? 0 : (random() - 0.5) * 10 ** (i - 3))));
  await store.upsert([{ id: 1, multivector: vectors }, { id: 2, multivector: { vectors, type: 'int8' }, sparse: { indices: [1], values: [1] } }]);
  assert.deepEqual((await store.get(1)).multivector, vectors);
  const coded = (await store.get(2)).multivector;
  assert.equal(coded.type, 'int8');
  coded.vectors.forEach((vector, i) => {
    const most = Math.max(...vectors[i].map(Math.abs));
    vector.forEach((x, j) => assert.ok(Math.abs(x - vectors[i][j]) <= most / 127 * 0.501, `${x} for ${vectors[i][j]}`));
  });
  await store.upsert(await store.get(2));
  assert.deepEqual((await store.get(2)).multivector, coded);
  for (const multivector of [[], 3, 'x', [[]], [[1], [1, 2]], [['1']], [[NaN]], { vectors: [] }, { vectors: [[1]], type: 'f16' }, { vectors: [[1]], more: 1 }, null]) {
    await assert.rejects(store.upsert({ id: 3, multivector }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(multivector));
  }
  await assert.rejects(store.query({ sparse: { indices: [1], values: [1] }, rescore: { maxsim: [[1, 2]] } }), { code: 'DIMENSION_MISMATCH' });
  await store.close();
});
