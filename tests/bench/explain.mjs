// explain.mjs - the three accounts of queries that README.md shows, as the program prints them.
//
//   node tests/bench/explain.mjs
//
// The data of gen.mjs, 20,000 x 128, with metadata of a seeded generator: all but the times comes out the same each time.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VecStore } from '../../js/src/index.node.js';
import { BUILD, compile } from './engines.mjs';
import { dataset } from './gen.mjs';

const N = 20_000;
const DIM = 128;
const KINDS = ['paper', 'note', 'book', 'talk'];
const ROUNDS = 5;

const set = dataset({ root: BUILD, exact: compile('exact.c', 'exact', 'cc', ['-std=c11', '-O3', '-march=native', '-ffast-math']), n: N, dim: DIM, metric: 'cosine' });
const floats = (name) => {
  const bytes = readFileSync(join(set.dir, name));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};
const base = floats('base.f32');
const vector = floats('queries.f32').subarray(0, DIM);
let state = 7;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};

const store = await VecStore.open({ metric: 'cosine', storage: 'memory' });
await store.upsertMany(Array.from({ length: N }, (_, id) => ({
  id, vector: base.subarray(id * DIM, (id + 1) * DIM),
  metadata: { year: 1990 + below(35), kind: KINDS[below(KINDS.length)], title: `Record ${id}` },
})));
for (const filter of ["year = 2024 AND kind = 'paper'", 'year >= 1992', "kind = 'note' AND title LIKE '%77'"]) {
  let account;
  for (let round = 0; round < ROUNDS; round++) {
    // A filter is kept with its matches until the next write.
    await store.upsert({ id: 'other', vector, metadata: {} });
    await store.delete('other');
    const again = await store.explain({ vector, filter });
    if (!account || again.us < account.us) account = again;
  }
  console.log(`(await store.explain({ vector, filter: ${filter.includes("'") ? JSON.stringify(filter) : `'${filter}'`} })).text\n\n${account.text}\n`);
}
await store.close();
