// hnswlib-node.mjs - the npm package hnswlib-node (native, compiled at installation).

import hnswlib from 'hnswlib-node';
import { parameters, readFloats, serve, timed } from './serve.mjs';

const { dir, n, dim, metric, M, efConstruction } = parameters();
const space = { cosine: 'cosine', euclidean: 'l2', dot: 'ip' }[metric];
let index;
let ef = 0;

await serve({
  async build() {
    if (!space) return { error: `no ${metric} metric` };
    const base = readFloats(dir, 'base.f32', n * dim);
    return timed(() => {
      index = new hnswlib.HierarchicalNSW(space, dim);
      index.initIndex(n, M, efConstruction);
      // The package takes plain arrays only.
      for (let i = 0; i < n; i++) index.addPoint(Array.from(base.subarray(i * dim, (i + 1) * dim)), i);
    });
  },
  prepare: (query) => Array.from(query),
  search(query, k, wanted) {
    if (wanted !== ef) index.setEf((ef = wanted));
    return index.searchKnn(query, k);
  },
  ids: (found) => found.neighbors,
  async save(path) {
    const start = performance.now();
    index.writeIndexSync(path);
    return { save: (performance.now() - start) / 1000 };
  },
  async open(path) {
    const start = performance.now();
    new hnswlib.HierarchicalNSW(space, dim).readIndexSync(path);
    return { open: (performance.now() - start) / 1000 };
  },
});
