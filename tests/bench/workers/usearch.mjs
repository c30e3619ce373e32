// usearch.mjs - the npm package usearch (native, prebuilt), f32 vectors.

import { Index, MetricKind } from 'usearch';
import { parameters, readFloats, serve, timed } from './serve.mjs';

const { dir, n, dim, metric, M, efConstruction } = parameters();
const kind = { cosine: MetricKind.Cos, euclidean: MetricKind.L2sq, dot: MetricKind.IP }[metric];
const BATCH = 1000;
// The expansion of searches is fixed when an index is made: another ef needs a
// fresh index, which reads back what this one wrote; that falls into one query of
// the first pass and so not into the least of the passes.
const make = (ef) => new Index({
  dimensions: dim, metric: kind, quantization: 'f32', connectivity: M, expansion_add: efConstruction,
  expansion_search: ef,
});
let file;
const byEf = new Map();

await serve({
  async build() {
    if (!kind) return { error: `no ${metric} metric` };
    const base = readFloats(dir, 'base.f32', n * dim);
    const index = make(64);
    const spent = await timed(() => {
      for (let from = 0; from < n; from += BATCH) {
        const count = Math.min(BATCH, n - from);
        const keys = BigUint64Array.from({ length: count }, (_, i) => BigInt(from + i));
        index.add(keys, base.subarray(from * dim, (from + count) * dim), 1);
      }
    });
    file = `${dir}/usearch.index`;
    index.save(file);
    return spent;
  },
  search(query, k, ef) {
    let index = byEf.get(ef);
    if (!index) {
      byEf.clear();
      index = make(ef);
      index.load(file);
      byEf.set(ef, index);
    }
    return index.search(query, k, 1);
  },
  ids: (found) => Array.from(found.keys, Number),
});
