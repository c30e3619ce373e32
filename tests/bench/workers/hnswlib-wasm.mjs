// hnswlib-wasm.mjs - the npm package hnswlib-wasm. It is made for pages only: outside of one it needs
// to be told that it is in one, and to be imported by its file's name.

import { parameters, readFloats, serve, timed } from './serve.mjs';

globalThis.window ??= globalThis;
globalThis.document ??= { currentScript: null, baseURI: 'http://localhost/' };
globalThis.location ??= new URL('http://localhost/');
const { dir, n, dim, metric, M, efConstruction } = parameters();
const space = { cosine: 'cosine', euclidean: 'l2', dot: 'ip' }[metric];
const file = new URL('../node_modules/hnswlib-wasm/dist/hnswlib.js', import.meta.url);
let index;
let ef = 0;

await serve({
  async build() {
    if (!space) return { error: `no ${metric} metric` };
    const { loadHnswlib } = await import(file.href);
    const lib = await loadHnswlib();
    const base = readFloats(dir, 'base.f32', n * dim);
    return timed(() => {
      index = new lib.HierarchicalNSW(space, dim, '');
      index.initIndex(n, M, efConstruction, 100);
      for (let i = 0; i < n; i++) index.addPoint(Array.from(base.subarray(i * dim, (i + 1) * dim)), i, false);
    });
  },
  prepare: (query) => Array.from(query),
  search(query, k, wanted) {
    if (wanted !== ef) index.setEfSearch((ef = wanted));
    return index.searchKnn(query, k, undefined);
  },
  ids: (found) => found.neighbors,
});
