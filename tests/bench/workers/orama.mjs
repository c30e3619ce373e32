// orama.mjs - the npm package @orama/orama: exact search in JavaScript; ef means nothing to it.

import { create, insertMultiple, searchVector } from '@orama/orama';
import { parameters, readFloats, serve, timed } from './serve.mjs';

const { dir, n, dim, metric } = parameters();
let db;

await serve({
  async build() {
    if (metric !== 'cosine') return { error: `no ${metric} metric` };
    const base = readFloats(dir, 'base.f32', n * dim);
    return timed(async () => {
      db = create({ schema: { vector: `vector[${dim}]` } });
      const documents = Array.from({ length: n }, (_, i) => ({
        id: String(i), vector: Array.from(base.subarray(i * dim, (i + 1) * dim)),
      }));
      await insertMultiple(db, documents, 5000);
    });
  },
  prepare: (query) => Array.from(query),
  search: (value, limit) => searchVector(db, { vector: { value, property: 'vector' }, limit, similarity: -1 }),
  ids: (found) => found.hits.map((hit) => Number(hit.id)),
});
