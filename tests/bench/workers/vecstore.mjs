// vecstore.mjs - vecstore through its public API. Own arguments: the package's entry file, the quantization, rescored candidates
// (0 = the default), the layout.
//
// The index is built and searched in memory. `save` moves the store into a
// directory under storage 'fs' by export and import, which writes the same
// files as a checkpoint does.

import { pathToFileURL } from 'node:url';
import { parameters, readFloats, serve, timed } from './serve.mjs';

const { dir, n, dim, metric, M, efConstruction, own } = parameters();
const { VecStore } = await import(pathToFileURL(own[0]).href);
const BATCH = 1000;
const INCLUDE_NOTHING = [];
const rescore = Number(own[2]) ? Number(own[2]) : undefined;
let store;

await serve({
  async build() {
    const index = { type: 'hnsw', M, efConstruction, layout: own[3] ?? 'standard' };
    store = await VecStore.open({ storage: 'memory', dimension: dim, metric, index, quantization: own[1] });
    const base = readFloats(dir, 'base.f32', n * dim);
    const spent = await timed(async () => {
      for (let from = 0; from < n; from += BATCH) {
        const records = [];
        for (let i = from; i < Math.min(n, from + BATCH); i++) {
          records.push({ id: i, vector: base.subarray(i * dim, (i + 1) * dim) });
        }
        await store.upsert(records);
      }
      if (own[3]) await store.optimize();
    });
    const { memory, engine } = await store.stats();
    return { ...spent, mb: memory.total / 2 ** 20, used: memory.used / 2 ** 20, note: engine.simd };
  },
  search: (vector, k, ef) => store.query({ vector, k, ef, rescore, include: INCLUDE_NOTHING }),
  ids: (hits) => hits.map((hit) => hit.id),
  async save(path) {
    const start = performance.now();
    const image = await store.export();
    const exported = performance.now();
    const copy = await VecStore.import(image, { storage: 'fs', path });
    await copy.checkpoint();
    const saved = performance.now();
    await copy.close();
    return { save: (saved - exported) / 1000, export: (exported - start) / 1000, imageMb: image.length / 2 ** 20 };
  },
  close: () => store?.close(),
});
