// The engine in two parts: what the core does without the other, what loads it, and what happens when that fails.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { platform } from '../../js/src/platform/node.js';
import { random, randomVector } from './behaviour/expect.mjs';

const MORE = 'vecstore.more.wasm';
const DIMENSION = 16;

/** VecStore whose second part comes from `compile`; `asked` counts. There is no loading it within a call. */
function storeWith(compile) {
  const counted = {
    asked: 0,
    Store: class extends VecStore {
      static platform = {
        ...platform,
        compile: async (file) => {
          if (file !== MORE) return platform.compile(file);
          counted.asked++;
          return compile(file);
        },
        compileNow: undefined,
      };
    },
  };
  return counted;
}
const refuse = async () => {
  throw new Error('answered 404');
};
const withoutPart = () => storeWith(refuse);
const withPart = () => storeWith((file) => platform.compile(file));

const next = random(7);
const record = (i) => ({ id: i, vector: randomVector(next, DIMENSION), metadata: { n: i, tag: `t${i % 3}` }, text: `word${i} and more` });
const folder = (t) => {
  const path = mkdtempSync(join(tmpdir(), 'vecstore-parts-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'store');
};

/** Everything the core promises, on an open store. */
async function coreWork(store, from) {
  const records = Array.from({ length: 700 }, (_, i) => record(from + i));
  await store.upsert(records);
  await store.upsert({ id: 'one', vector: records[0].vector });
  await store.delete([from + 1, from + 2]);
  await store.updateMetadata(from + 3, { n: -1 });
  assert.equal((await store.get(from + 3)).metadata.n, -1);
  for (const options of [{}, { exact: true }, { ef: 100, rescore: 20 }, { maxDistance: 1 }, { minScore: -1 }]) {
    const hits = await store.query({ vector: records[5].vector, k: 10, ...options });
    assert.equal(hits[0].id, from + 5);
  }
  await store.queryBatch([{ vector: records[5].vector, k: 3 }, { vector: records[6].vector, k: 3 }]);
  await store.flush();
  await store.checkpoint();
  await store.upsert({ id: 'two', vector: records[9].vector, metadata: { big: 2n ** 60n }, text: { title: 'a', body: 'b' } });
  await store.optimize();
  await store.delete('one');
  assert.ok((await store.stats()).count > 0);
  assert.ok((await store.count()) > 0);
}

const KINDS = {
  'default options': {}, 'HNSW, full vectors': { index: { type: 'hnsw' }, quantization: 'none' },
  'HNSW, 8-bit codes': { index: { type: 'hnsw' }, quantization: 'int8' }, euclidean: { metric: 'euclidean', index: { type: 'hnsw' } },
  schema: { schema: { type: 'object' } }, 'relaxed durability': { durability: 'relaxed' },
};
for (const [name, options] of Object.entries(KINDS)) {
  test(`the core alone: ${name}`, async (t) => {
    const { Store } = withoutPart();
    const counted = withoutPart();
    const path = folder(t);
    for (const place of [{}, { path }]) {
      const store = await counted.Store.open({ dimension: DIMENSION, ...options, ...place });
      await coreWork(store, 0);
      await store.close();
    }
    for (let round = 1; round < 3; round++) {
      const store = await counted.Store.open({ path, ...options });
      assert.equal(await store.count(), 699 * 1 + (round - 1) * 698 + 0, 'what was written is there');
      await coreWork(store, round * 1000);
      await store.close();
    }
    void Store;
    assert.equal(counted.asked, 0);
  });
}

test('a log that was not saved is replayed by the core', async (t) => {
  const path = folder(t);
  const { Store } = withoutPart();
  const store = await Store.open({ path, dimension: DIMENSION });
  await store.upsert(Array.from({ length: 50 }, (_, i) => record(i)));
  await store.delete(7);
  await store.close();
  const again = await Store.open({ path });
  assert.equal(await again.count(), 49);
  await again.close();
});

const vector = randomVector(next, DIMENSION);
const embedder = { name: 'new', dimension: 4, embed: async (texts) => texts.map(() => new Float32Array([1, 2, 3, 4])) };
const GROUPS = {
  'a filter': (store) => store.query({ vector, filter: 'n > 5' }),
  facets: (store) => store.query({ vector, facets: ['tag'] }),
  'a batch with a filter': (store) => store.queryBatch([{ vector }, { vector, filter: 'n > 5' }]),
  'deleting by filter': (store) => store.delete({ filter: 'n > 5' }),
  'updating by filter': (store) => store.updateMetadata({ filter: 'n > 5' }, { seen: true }),
  'counting by filter': (store) => store.count({ filter: 'n > 5' }),
  scanning: async (store) => {
    for await (const one of store.scan()) void one;
  },
  'text search': (store) => store.textQuery({ text: 'word5' }),
  'hybrid search': (store) => store.hybridQuery({ text: 'word5', vector }),
  explaining: (store) => store.explain({ vector }),
  estimating: (store) => store.estimate({ k: 3 }),
  'a pipeline': (store) => store.pipeline([{ search: { vector, k: 9 } }, { mmr: { k: 3, lambda: 0.5 } }]),
  snapshots: async (store) => {
    await store.createSnapshot('a');
    assert.equal((await store.listSnapshots()).length, 1);
    await store.restoreSnapshot('a');
    await store.deleteSnapshot('a');
  },
  'an exact batch': (store) => store.queryBatch([{ vector, exact: true }, { vector, exact: true }]),
  'a target recall': (store) => store.query({ vector, targetRecall: 0.9 }),
  'a sparse query': async (store) => {
    await store.upsert({ id: 'sparse', vector, sparse: { indices: [1, 7], values: [1, 2] } });
    assert.equal((await store.query({ sparse: { indices: [7], values: [1] } })).length, 1);
  },
  suggesting: (store) => store.suggest('txt'),
  completing: (store) => store.autocomplete('te'),
  'listing snapshots': (store) => store.listSnapshots(),
  exporting: (store) => store.export(),
  'a stream of it': async (store) => {
    for await (const piece of await store.exportStream()) void piece;
  },
  'JSON Lines': async (store) => {
    for await (const piece of await store.exportJsonl()) void piece;
  },
  verifying: async (store) => assert.equal((await store.verify()).ok, true),
  repairing: (store) => store.verify({ repair: true }),
  're-embedding': (store) => store.reembed(embedder),
};
for (const [name, run] of Object.entries(GROUPS)) {
  test(`loaded when needed: ${name}`, async (t) => {
    const counted = withPart();
    const store = await counted.Store.open({ path: folder(t), dimension: DIMENSION });
    await store.upsert(Array.from({ length: 20 }, (_, i) => record(i)));
    assert.equal(counted.asked, 0);
    await run(store);
    assert.equal(counted.asked, 1);
    await store.upsert({ id: 'after', vector: (await store.stats()).dimension === 4 ? [1, 2, 3, 4] : vector, text: 'and more' });
    await store.close();
  });
}

const OPENINGS = {
  'text options': { text: { stemmer: 'none' } }, indexes: { indexes: { n: 'range' } },
  'a flat index': { index: { type: 'flat' } }, 'one bit per component': { index: { type: 'hnsw' }, quantization: 'binary' },
  'a target recall': { index: { type: 'hnsw', targetRecall: 0.9 } }, 'the turbo layout': { index: { type: 'hnsw', layout: 'turbo' }, quantization: 'int8' }, repair: { repair: true },
};
for (const [name, options] of Object.entries(OPENINGS)) {
  test(`opening loads what it needs: ${name}`, async (t) => {
    const path = folder(t);
    const first = withPart();
    const store = await first.Store.open({ path, dimension: DIMENSION, ...options });
    await store.upsert(Array.from({ length: 300 }, (_, i) => record(i)));
    await store.optimize();
    await store.close();
    assert.equal(first.asked, 1);
    const second = withPart();
    const again = await second.Store.open({ path });
    assert.equal(await again.count(), 300);
    assert.equal((await again.query({ vector, k: 3 })).length, 3);
    await again.close();
    assert.equal(second.asked, options.repair ? 0 : 1);
  });
}

test('a store that kept its text index', async (t) => {
  const path = folder(t);
  const store = await VecStore.open({ path, dimension: DIMENSION });
  await store.upsert(Array.from({ length: 200 }, (_, i) => ({ ...record(i), text: `text number ${i}` })));
  assert.equal((await store.textQuery({ text: 'number', k: 3 })).length, 3);
  await store.checkpoint();
  await store.close();
  const counted = withPart();
  const again = await counted.Store.open({ path });
  await again.upsert({ ...record(500), text: 'another text' });
  await again.checkpoint();
  assert.equal((await again.textQuery({ text: 'another', k: 3 })).length, 1);
  await again.close();
  assert.equal(counted.asked, 1);
});

test('opening a store whose re-embedding was broken off', async (t) => {
  const path = folder(t);
  const store = await VecStore.open({ path, dimension: DIMENSION });
  await store.upsert(Array.from({ length: 200 }, (_, i) => record(i)));
  const failing = { ...embedder, embed: (() => {
    let calls = 0;
    return async (texts) => {
      if (++calls > 1) throw new Error('enough');
      return embedder.embed(texts);
    };
  })() };
  await assert.rejects(store.reembed(failing, { batchSize: 50 }));
  await store.close();
  for (const between of [() => {}, (open) => open.checkpoint()]) {
    const counted = withPart();
    const again = await counted.Store.open({ path });
    assert.equal(await again.count(), 200);
    assert.equal(counted.asked, 1);
    await between(again);
    await again.close();
  }
});

test('importing', async () => {
  const store = await VecStore.open({ dimension: DIMENSION });
  await store.upsert(record(1));
  const bytes = await store.export();
  await store.close();
  const counted = withPart();
  const copy = await counted.Store.import(bytes);
  assert.equal(await copy.count(), 1);
  await copy.close();
});

test('a part that cannot be loaded: an error that names it, the store goes on, and a later try works', async () => {
  let fails = true;
  const counted = storeWith((file) => (fails ? refuse() : platform.compile(file)));
  const store = await counted.Store.open({ dimension: DIMENSION });
  await store.upsert(Array.from({ length: 20 }, (_, i) => record(i)));
  for (let i = 0; i < 2; i++) {
    await assert.rejects(store.query({ vector, filter: 'n > 5' }), (error) =>
      error.name === 'VecStoreError' && error.code === 'IO' && error.file === MORE && error.message.includes(MORE));
    assert.equal((await store.query({ vector, k: 5 })).length, 5);
    await store.upsert(record(100 + i));
  }
  await assert.rejects(counted.Store.open({ indexes: { n: 'range' } }), { code: 'IO', file: MORE });
  fails = false;
  assert.equal((await store.query({ vector, k: 5, filter: 'n < 3' })).length, 3);
  await store.close();
});

test('a part of another build is refused', async () => {
  // Another part whose imports the core has not: that of the Emscripten build.
  const counted = storeWith(() => platform.compile('vecstore.idbfs.more.wasm'));
  const store = await counted.Store.open({ dimension: DIMENSION });
  await store.upsert(record(1));
  await assert.rejects(store.count({ filter: 'n = 1' }), { code: 'VERSION' });
  assert.equal(await store.count(), 1);
  await store.close();
});

test('the caller hands over an engine by its address: the part is beside it', async () => {
  const wasm = new URL('../../dist/vecstore.simd.wasm', import.meta.url);
  const store = await VecStore.open({ wasm, dimension: DIMENSION });
  await store.upsert(record(1));
  assert.equal(await store.count({ filter: 'n = 1' }), 1);
  await store.close();
  const bytes = await VecStore.open({ wasm: readFileSync(wasm), dimension: DIMENSION });
  assert.equal(await bytes.count({ filter: 'n = 1' }), 0);
  await bytes.close();
});

test('a call that nobody foresaw loads the part within it where the runtime can, and stops the engine where not', async () => {
  const unforeseen = async (Store) => {
    const exports = [];
    const { TEST_SEAM } = await import('../../js/src/open.js');
    const store = await Store.open({ dimension: DIMENSION, [TEST_SEAM]: { instrument: (given) => {
      exports.push(given);
      // The count is asked of a filter, behind the back of the store.
      return { ...given, memory: given.memory, vs_count: (db) => given.vs_count_filter(db, 0) };
    } } });
    await store.upsert(record(1));
    return store;
  };
  const store = await unforeseen(VecStore);
  assert.equal(await store.count(), 1);
  await store.close();
  const { Store } = withPart();
  const stopped = await unforeseen(Store);
  await assert.rejects(stopped.count(), (error) => error.code === 'POISONED' && error.cause.message.includes(MORE));
  await assert.rejects(stopped.upsert(record(2)), { code: 'POISONED' });
  await stopped.close();
});
