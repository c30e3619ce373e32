// Decision 6: numbers and option names; nothing is silently ignored.
import { equal, fails } from './expect.mjs';

const vector = [1, 0];

async function filled(open, options) {
  const store = await open(options);
  await store.upsert(Array.from({ length: 20 }, (_, id) => ({ id, vector: [1, id] })));
  return store;
}

export const cases = {
  'k: default 10, 0 gives [], more than there are gives all': async ({ open }) => {
    const store = await filled(open);
    equal((await store.query({ vector })).length, 10);
    equal(await store.query({ vector, k: 0 }), []);
    equal((await store.query({ vector, k: 1e15 })).length, 20);
    equal((await store.query({ vector, k: 15, ef: 1 })).length, 15);
    equal((await store.query({ vector, k: undefined, ef: undefined, include: undefined })).length, 10);
    for (const k of [-1, 1.5, NaN, Infinity, '5', null, 5n]) await fails('INVALID_ARGUMENT', store.query({ vector, k }), 'k must');
    for (const ef of [0, -1, 1.5, NaN, '5']) await fails('INVALID_ARGUMENT', store.query({ vector, ef }), 'ef must');
    for (const maxDistance of [NaN, '1', null]) await fails('INVALID_ARGUMENT', store.query({ vector, maxDistance }), 'maxDistance');
    for (const exact of [1, 'yes', null]) await fails('INVALID_ARGUMENT', store.query({ vector, exact }), 'exact');
    await fails('INVALID_ARGUMENT', store.query({ vector, signal: {} }), 'signal');
    await fails('INVALID_ARGUMENT', store.query(), 'vector');
    await fails('INVALID_ARGUMENT', store.query({}), 'vector');
    await fails('INVALID_ARGUMENT', store.query([1, 0]), 'object');
  },

  'options of open that are wrong, with name and value': async ({ tryOpen }) => {
    for (const [options, ...parts] of [
      [{ metric: 'cosin' }, 'metric', 'cosin', 'euclidean'],
      [{ dimension: -1 }, 'dimension', '-1'],
      [{ dimension: 1.5 }, 'dimension', '1.5'],
      [{ dimension: '3' }, 'dimension', '"3"'],
      [{ dimension: 1e7 }, 'dimension'],
      [{ index: { type: 'ivf' } }, 'index.type', 'ivf'],
      [{ index: { M: 1 } }, 'M'],
      [{ index: { M: 1000 } }, 'M'],
      [{ index: { efConstruction: 0 } }, 'efConstruction'],
      [{ index: { efSearch: 0 } }, 'efSearch'],
      [{ index: { efsearch: 10 } }, 'index', 'efsearch'],
      [{ index: { preset: 'fastest' } }, 'preset', 'fastest'],
      [{ index: { preset: 'fast', efSearch: 5 } }, 'preset', 'efSearch'],
      [{ index: 'hnsw' }, 'index'],
      [{ quantization: 'int4' }, 'quantization', 'int4'],
      [{ durability: 'none' }, 'durability', 'none'],
      [{ memoryBudget: -1 }, 'memoryBudget'],
      [{ memoryBudget: '1GB' }, 'memoryBudget'],
      [{ worker: 'yes' }, 'worker'],
      [{ gpu: 'fast' }, 'gpu'],
      [{ requirePersistence: 1 }, 'requirePersistence'],
      [{ dimensions: 3 }, 'dimensions'],
      [{ path: '' }, 'path'],
      [{ path: 5 }, 'path'],
      [{ storage: 'disk' }, 'storage', 'disk'],
      [{ storage: 'fs', path: ':memory:' }, ':memory:', 'fs'],
      [{ wasm: 'x.wasm' }, 'wasm'],
      [{ schema: 'strict' }, 'schema', 'strict'],
      [{ indexes: { year: 'btree' } }, 'indexes', 'year', 'btree'],
      [{ indexes: ['year'] }, 'indexes'],
      ['notes', 'object'],
    ]) {
      await fails('INVALID_ARGUMENT', tryOpen(options), ...parts);
    }
  },

  'what this version does not offer is UNSUPPORTED': async ({ open, tryOpen }) => {
    for (const options of [
      { quantization: 'int8', metric: 'manhattan' }, { quantization: 'int8', index: { type: 'flat' } },
      { storage: 'memory', requirePersistence: true },
    ]) {
      await fails('UNSUPPORTED', tryOpen(options));
    }
    const store = await filled(open);
    await fails('INVALID_ARGUMENT', store.verify({ repair: 1 }));
  },

  'unknown names are INVALID_ARGUMENT everywhere': async ({ open }) => {
    const store = await filled(open);
    const wrong = { nonsense: 1 };
    for (const call of [
      () => store.query({ vector, nonsense: 1 }), () => store.get(1, wrong), () => store.count(wrong), () => store.verify(wrong),
      () => store.upsert({ id: 1, vector }, wrong), () => store.upsert({ id: 1, vector, nonsense: 1 }), () => store.delete(1, wrong),
      () => store.upsertMany([], wrong), () => store.checkpoint(wrong), () => store.optimize(wrong), () => store.export(wrong),
      () => store.scan(wrong).next(), () => store.delete({ filter: {}, nonsense: 1 }), () => store.explain({ vector, nonsense: 1 }),
      () => store.estimate(wrong), () => store.updateMetadata(1, {}, wrong), () => store.pipeline([{ search: { vector, nonsense: 1 } }]),
      () => store.query({ vector, boost: { field: 'a', scale: 1, nonsense: 1 } }),
    ]) {
      await fails('INVALID_ARGUMENT', call, 'nonsense');
    }
  },

  'values that mean the default are accepted': async ({ open }) => {
    const store = await open({
      quantization: 'none', worker: false, multiTab: false, gpu: 'auto', requirePersistence: false, memoryBudget: 0,
      metric: undefined, index: { type: 'auto', M: undefined }, durability: 'strict', text: undefined,
    });
    equal((await store.stats()).index.efSearch, 50);
  },

  'presets set efSearch': async ({ open }) => {
    for (const [preset, ef] of Object.entries({ fast: 20, balanced: 50, high: 100, max: 200 })) {
      const store = await open({ index: { preset } });
      equal((await store.stats()).index.efSearch, ef);
      await store.upsert({ id: 1, vector });
      equal((await store.query({ vector, preset })).length, 1);
      await fails('INVALID_ARGUMENT', store.query({ vector, preset, ef: 7 }), preset, 'ef 7');
      await store.close();
    }
    const store = await filled(open);
    await fails('INVALID_ARGUMENT', store.query({ vector, preset: 'slow' }), 'preset', 'slow');
  },

  'the constructor is not for users': async ({ VecStore }) => {
    await fails('INVALID_ARGUMENT', () => new VecStore(), 'VecStore.open');
  },

  'a memory budget that is too small is OUT_OF_MEMORY and changes nothing': async ({ open, persistent }) => {
    let store = await open({ path: 'budget', memoryBudget: 6_000_000, dimension: 256 });
    await store.upsert({ id: 'first', vector: new Float32Array(256) });
    let full;
    for (let i = 0; !full && i < 100; i++) {
      const batch = Array.from({ length: 100 }, (_, j) => ({ id: i * 100 + j, vector: Float32Array.from({ length: 256 }, (_, c) => c + i + j) }));
      const before = await store.count();
      await store.upsert(batch).catch((error) => {
        full = error;
      });
      if (full) equal(await store.count(), before);
    }
    equal(full?.code, 'OUT_OF_MEMORY');
    equal((await store.get('first')).id, 'first');
    const count = await store.count();
    if (persistent) {
      await store.close();
      store = await open({ path: 'budget' });
    }
    equal(await store.count(), count);
    equal((await store.verify()).errors, []);
  },
};
