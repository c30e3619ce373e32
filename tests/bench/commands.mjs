// commands.mjs - the parts of the benchmark that need no peers' processes: flat scans, exact batches, growing n.
//
//   node tests/bench/run.mjs flat|batch|scaling [--n 100000] [--dim 384] [--metric cosine] [--data file.f32]
//                                               [--largest 100000] [--layout standard|turbo]
//
// Times are CPU time of this process (process.cpuUsage), so that a loaded machine disturbs them less; the least of
// ROUNDS rounds counts. On a loaded machine they are still too long: caches and memory are shared.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { BUILD, compile, entryFile } from './engines.mjs';
import { QUERIES, TRUTH_K, dataset } from './gen.mjs';
import { speedAt } from './stats.mjs';

const K = 10;
const ROUNDS = 3;
const BATCH = 256;
const SMALLEST = 1000;
const EFS = [10, 20, 30, 40, 60, 80, 120, 160, 240];

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The least CPU seconds of some rounds. */
async function least(fn) {
  let best = Infinity;
  for (let i = 0; i < ROUNDS; i++) {
    const from = cpuSeconds();
    await fn();
    best = Math.min(best, cpuSeconds() - from);
  }
  return best;
}

const floats = (set, name) => {
  const bytes = readFileSync(join(set.dir, name));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};

function prepare(options) {
  const exact = compile('exact.c', 'exact', 'cc', ['-std=c11', '-O3', '-march=native', '-ffast-math']);
  const set = dataset({ root: BUILD, exact, ...options });
  const all = floats(set, 'queries.f32');
  const bytes = readFileSync(join(set.dir, 'truth.u32'));
  const queries = Array.from({ length: QUERIES }, (_, i) => all.subarray(i * set.dim, (i + 1) * set.dim));
  return { set, queries, truth: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
}

async function filled(set, options) {
  const { VecStore } = await import(pathToFileURL(entryFile).href);
  const store = await VecStore.open({ storage: 'memory', dimension: set.dim, metric: set.metric, ...options });
  const base = floats(set, 'base.f32');
  const from = cpuSeconds();
  for (let i = 0; i < set.n; i += 1000) {
    await store.upsert(Array.from({ length: Math.min(1000, set.n - i) }, (_, j) => ({
      id: i + j, vector: base.subarray((i + j) * set.dim, (i + j + 1) * set.dim) })));
  }
  return { store, seconds: () => cpuSeconds() - from };
}

const recallOf = (answers, truth) => {
  let found = 0;
  answers.forEach((hits, q) => {
    const near = new Set(truth.subarray(q * TRUTH_K, q * TRUTH_K + K));
    found += hits.filter(({ id }) => near.has(id)).length;
  });
  return found / (K * answers.length);
};

/** QPS and recall of single queries. */
async function single(store, queries, truth, options) {
  const answers = [];
  const seconds = await least(async () => {
    answers.length = 0;
    for (const vector of queries) answers.push(await store.query({ vector, k: K, include: [], ...options }));
  });
  return { qps: Math.round(queries.length / seconds), recall: recallOf(answers, truth) };
}

async function flat(options) {
  const { set, queries, truth } = prepare(options);
  const { store } = await filled(set, { index: { type: 'flat' } });
  for (let i = 0; i < set.n / 1000 + 2; i++) await store.query({ vector: queries[0] });
  const { engine, memory } = await store.stats();
  console.table({
    'bits first': await single(store, queries, truth, {}),
    exact: await single(store, queries.slice(0, 50), truth, { exact: true }),
  });
  console.log(`${set.name}, ${engine.simd}; codes ${Math.round(memory.codes / set.n)} B for each vector`);
  await store.close();
}

/** CPU seconds of the peer, or why there is none. */
function sgemm(set) {
  if (set.metric !== 'cosine' || set.lid === undefined) return 'only for normalised vectors and cosine';
  try {
    const program = compile('sgemm_flat.c', 'sgemm_flat', 'cc',
      ['-std=c11', '-D_POSIX_C_SOURCE=200809L', '-O3', '-march=native', '-Wl,--no-as-needed', '-lopenblas']);
    const out = execFileSync(program, [set.dir, String(set.dim), String(BATCH), String(ROUNDS)],
      { encoding: 'utf8', env: { ...process.env, OPENBLAS_NUM_THREADS: '1' } });
    return Number(out.split(' ')[0]);
  } catch (error) {
    return `OpenBLAS (libopenblas-dev) is not there: ${String(error.stderr || error.message).split('\n')[0]}`;
  }
}

async function batch(options) {
  const { set, queries, truth } = prepare(options);
  const { store } = await filled(set, { index: { type: 'flat' } });
  const asked = queries.slice(0, BATCH).map((vector) => ({ vector, k: K, exact: true, include: [] }));
  let answers;
  const seconds = await least(async () => { answers = await store.queryBatch(asked); });
  const peer = sgemm(set);
  const { engine } = await store.stats();
  console.log(JSON.stringify({ what: 'batch', set: set.name, simd: engine.simd, queries: BATCH, seconds,
    recall: recallOf(answers, truth), openblas: peer, ratio: typeof peer === 'number' ? peer / seconds : null }));
  await store.close();
}

async function scaling(options) {
  const rows = {};
  for (let n = SMALLEST; n <= options.largest; n *= 10) {
    const { set, queries, truth } = prepare({ ...options, n });
    const index = { type: 'hnsw', layout: options.layout };
    const { store, seconds } = await filled(set, { index, quantization: 'auto' });
    if (options.layout === 'turbo') await store.optimize();
    const build = seconds();
    await store.checkpoint();
    const curve = [];
    for (const ef of EFS) curve.push(await single(store, queries, truth, { ef }));
    const { memory } = await store.stats();
    rows[n] = {
      'build s': Number(build.toFixed(1)), 'B for each vector': Math.round(memory.used / set.n),
      'QPS at 0.95': Math.round(speedAt(curve, 0.95)), 'QPS at 0.99': Math.round(speedAt(curve, 0.99)),
    };
    await store.close();
  }
  console.table(rows);
}

export const COMMANDS = { flat, batch, scaling };
