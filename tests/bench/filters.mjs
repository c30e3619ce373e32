// filters.mjs - filtered queries through the public interface, beside hnswlib-node with its filter callback.
//
//   node tests/bench/filters.mjs [--n 100000] [--dim 384] [--metric cosine] [--queries 100] [--no-peer]
//
// METHOD. The data of gen.mjs. `any` is a permutation of 0 .. n - 1, so `any < s * n` matches a share s anywhere;
// `near` is the rank by distance from one query, the pivot, so `near < s * n` matches what lies around it: asked by
// the queries nearest to the pivot (correlated) and farthest from it (anti-correlated). In each of the rounds every
// way of answering makes one pass over all queries of the cell; a query's time is its least. The truth is the exact
// scan over the matches. `scan` is that scan with the matches remembered, `plain` the query without filter: the speed
// wanted is 0.7 of the better of both (of the scan, where anti-correlated).
//
// JSON lines go to stdout as they are measured, a Markdown table after them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VecStore } from '../../js/src/index.node.js';
import { BUILD, compile } from './engines.mjs';
import { dataset } from './gen.mjs';

const K = 10;
const EF = 50;
const ROUNDS = 2;
const PIVOT = 97;
const SHARES = [0.0001, 0.001, 0.005, 0.02, 0.1, 0.5];

const { values: args } = parseArgs({ options: {
  n: { type: 'string', default: '100000' }, dim: { type: 'string', default: '384' }, metric: { type: 'string', default: 'cosine' },
  queries: { type: 'string', default: '100' }, 'no-peer': { type: 'boolean' },
} });
const dim = Number(args.dim);
const set = dataset({ root: BUILD, exact: compile('exact.c', 'exact', 'cc', ['-std=c11', '-O3', '-march=native', '-ffast-math']), n: Number(args.n), dim, metric: args.metric });
const n = set.n;
const floats = (name) => {
  const bytes = readFileSync(join(set.dir, name));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};
const base = floats('base.f32');
const row = (of, i) => of.subarray(i * dim, (i + 1) * dim);
const allQueries = floats('queries.f32');
const queries = Array.from({ length: allQueries.length / dim }, (_, i) => row(allQueries, i));

function distance(a, b) {
  let sum = 0;
  for (let j = 0; j < dim; j++) sum += (a[j] - b[j]) ** 2;
  return sum;
}
const byDistance = (rows) => rows.map((x, i) => [distance(x, queries[PIVOT]), i]).sort((a, b) => a[0] - b[0]).map(([, i]) => i);

const any = Uint32Array.from({ length: n }, (_, i) => i);
let state = 7;
for (let i = n - 1; i > 0; i--) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const j = Math.floor((state / 2 ** 32) * (i + 1));
  [any[i], any[j]] = [any[j], any[i]];
}
const near = new Uint32Array(n);
byDistance(Array.from({ length: n }, (_, i) => row(base, i))).forEach((i, rank) => (near[i] = rank));
const order = byDistance(queries);
const count = Number(args.queries);
const CELLS = {
  independent: { field: 'any', of: any, asked: order.filter((_, i) => i % Math.ceil(order.length / count) === 0) },
  correlated: { field: 'near', of: near, asked: order.slice(1, count + 1) },
  'anti-correlated': { field: 'near', of: near, asked: order.slice(-count) },
};

async function openStore() {
  const store = await VecStore.open({ metric: args.metric, storage: 'memory' });
  for (let first = 0; first < n; first += 1000) {
    const length = Math.min(1000, n - first);
    await store.upsert(Array.from({ length }, (_, i) => {
      const id = first + i;
      return { id, vector: row(base, id), metadata: { title: `record ${id}`, any: any[id], near: near[id] } };
    }));
  }
  return store;
}

async function openPeer() {
  if (args['no-peer']) return undefined;
  const { default: hnswlib } = await import('hnswlib-node');
  const index = new hnswlib.HierarchicalNSW({ cosine: 'cosine', euclidean: 'l2', dot: 'ip' }[args.metric], dim);
  index.initIndex(n, 16, 200);
  for (let i = 0; i < n; i++) index.addPoint(Array.from(row(base, i)), i);
  index.setEf(EF);
  return index;
}

/** Least time of each query, in µs on average, and the answers of the last pass. */
async function pass(asked, ask) {
  const least = asked.map(() => Infinity);
  const answers = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let q = 0; q < asked.length; q++) {
      const start = performance.now();
      answers[q] = await ask(queries[asked[q]]);
      least[q] = Math.min(least[q], (performance.now() - start) * 1000);
    }
  }
  return { us: least.reduce((a, b) => a + b, 0) / asked.length, answers };
}

function judge(answers, truth, matches) {
  let found = 0;
  let wanted = 0;
  let full = 0;
  answers.forEach((ids, q) => {
    const right = new Set(truth[q]);
    found += ids.filter((id) => right.has(id)).length;
    wanted += right.size;
    full += ids.length === Math.min(K, matches) ? 1 : 0;
  });
  return { returned: full / answers.length, recall: found / wanted };
}

const store = await openStore();
const peer = await openPeer();
const lines = [];
const ids = (hits) => hits.map(({ id }) => id);
for (const [name, { field, of, asked }] of Object.entries(CELLS)) {
  for (const share of SHARES) {
    const matches = Math.round(share * n);
    const filter = `${field} < ${matches}`;
    const plain = await pass(asked, (vector) => store.query({ vector, k: K, include: [] }));
    const scan = await pass(asked, (vector) => store.query({ vector, k: K, filter, exact: true, include: [] }));
    const ours = await pass(asked, (vector) => store.query({ vector, k: K, filter, include: [] }));
    const truth = scan.answers.map(ids);
    const wanted = name === 'anti-correlated' ? scan.us : Math.min(scan.us, plain.us);
    const line = { cell: name, share, ...judge(ours.answers.map(ids), truth, matches), qps: 1e6 / ours.us, scanQps: 1e6 / scan.us,
      plainQps: 1e6 / plain.us, ratio: wanted / ours.us };
    if (peer) {
      const theirs = await pass(asked, (vector) => peer.searchKnn(Array.from(vector), Math.min(K, n), (id) => of[id] < matches));
      line.peer = { ...judge(theirs.answers.map(({ neighbors }) => neighbors), truth, matches), qps: 1e6 / theirs.us };
    }
    console.log(JSON.stringify(line));
    lines.push(line);
  }
}
await store.close();

const fixed = (x, digits) => (x === undefined ? '–' : x.toFixed(digits));
console.log(`\n| ${set.name}, k = ${K}, ef = ${EF} | share | returned | recall | QPS | scan | plain | ratio | hnswlib-node: returned | recall | QPS |`);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const l of lines) {
  console.log(`| ${l.cell} | ${l.share * 100} % | ${fixed(l.returned, 3)} | ${fixed(l.recall, 4)} | ${fixed(l.qps, 0)} | ${fixed(l.scanQps, 0)} | ` +
    `${fixed(l.plainQps, 0)} | ${fixed(l.ratio, 2)} | ${fixed(l.peer?.returned, 3)} | ${fixed(l.peer?.recall, 4)} | ${fixed(l.peer?.qps, 0)} |`);
}
