// codes.mjs - recall at ef and bytes per vector of each kind of codes, on one graph.
//
// METHOD. The data of gen.mjs, or of --data. One store is built on full vectors, and every mode is an import of its
// export with another quantization, optimized: so all walk the same graph but for refining. Recall@10 against exact
// search over --queries queries. Bytes are stats().memory.index + codes, divided by the number of vectors, without
// the full vectors. Recall does not depend on what else the machine does. The CPU time of a query is of this process,
// with all modes asked in turn in each of --rounds rounds, the least of the rounds.
//
// node tests/bench/codes.mjs [--n 20000] [--dim 384] [--metric cosine] [--data FILE] [--queries 300] [--rounds 3]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VecStore } from '../../js/src/index.node.js';
import { BUILD, compile } from './engines.mjs';
import { dataset } from './gen.mjs';

const K = 10;
const EFS = [20, 50, 100, 200];
const { values: args } = parseArgs({ options: {
  n: { type: 'string', default: '20000' }, dim: { type: 'string', default: '384' },
  metric: { type: 'string', default: 'cosine' }, data: { type: 'string' },
  queries: { type: 'string', default: '300' }, rounds: { type: 'string', default: '3' },
} });
const dim = Number(args.dim);
const exact = compile('exact.c', 'exact', 'cc', ['-std=c11', '-O3', '-march=native', '-ffast-math']);
const set = dataset({ root: BUILD, exact, n: Number(args.n), dim, metric: args.metric, data: args.data });
const floats = (name) => {
  const bytes = readFileSync(join(set.dir, name));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};
const base = floats('base.f32');
const asked = floats('queries.f32');
const queries = Array.from({ length: Number(args.queries) }, (_, i) => asked.subarray(i * dim, (i + 1) * dim));

const MODES = [
  'none', 'int8', 'binary', 'pq',
  { type: 'pq', subvectors: Math.ceil(dim / 4) }, { type: 'pq', subvectors: Math.ceil(dim / 16) }, { type: 'pq', residual: true },
];

const first = await VecStore.open({ metric: args.metric, quantization: 'none', index: { type: 'hnsw' } });
for (let at = 0; at < set.n; at += 1000) {
  const length = Math.min(1000, set.n - at);
  await first.upsert(Array.from({ length }, (_, i) => ({ id: at + i, vector: base.subarray((at + i) * dim, (at + i + 1) * dim) })));
}
const truth = [];
for (const vector of queries) truth.push(new Set((await first.query({ vector, k: K, exact: true, include: [] })).map(({ id }) => id)));
const bytes = await first.export();
await first.close();

const stores = [];
for (const quantization of MODES) {
  const store = await VecStore.import(bytes, { quantization });
  const begun = process.cpuUsage();
  await store.optimize();
  const used = process.cpuUsage(begun);
  // Until all codes are made and all lists lie beside them.
  for (let i = 0; i < set.n / 16; i++) await store.query({ vector: queries[i % queries.length], include: [] });
  const { memory, quantization: now, index } = await store.stats();
  stores.push({
    store, name: JSON.stringify(quantization).replaceAll('"', ''), now, refused: index.refused,
    bytes: (memory.index + memory.codes) / set.n, seconds: (used.user + used.system) / 1e6,
    recall: EFS.map(() => 0), us: EFS.map(() => Infinity),
  });
}
for (let round = 0; round < Number(args.rounds); round++) {
  for (const one of stores) {
    for (const [i, ef] of EFS.entries()) {
      let found = 0;
      const begun = process.cpuUsage();
      for (const [q, vector] of queries.entries()) {
        for (const { id } of await one.store.query({ vector, k: K, ef, include: [] })) found += truth[q].has(id) ? 1 : 0;
      }
      const used = process.cpuUsage(begun);
      one.us[i] = Math.min(one.us[i], (used.user + used.system) / queries.length);
      one.recall[i] = found / (K * queries.length);
    }
  }
}
console.log(`${set.name}: recall@${K} (least CPU us per query)\n`);
console.log(`| quantization | bytes per vector | ${EFS.map((ef) => `ef ${ef}`).join(' | ')} | optimize, CPU s |`);
console.log(`|---|---|${EFS.map(() => '---|').join('')}---|`);
for (const one of stores) {
  const cells = EFS.map((_, i) => `${one.recall[i].toFixed(4)} (${one.us[i].toFixed(0)})`);
  const name = one.refused ? `${one.name} → ${one.now}` : one.name;
  console.log(`| ${name} | ${one.bytes.toFixed(0)} | ${cells.join(' | ')} | ${one.seconds.toFixed(1)} |`);
}
for (const { refused } of stores.filter((one) => one.refused)) console.log(`\n${refused}`);
await Promise.all(stores.map(({ store }) => store.close()));
