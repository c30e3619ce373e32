// run.mjs - `npm run bench`: builds every engine's index, searches them side by side, writes RESULTS.md and plots.
//
//   node tests/bench/run.mjs [search|build|memory|open|flat|batch|scaling] [--quick] [--n 100000] [--dim 384] [--metric cosine] [--data file.f32]
//                            [--only name,name] [--rounds 3] [--jobs 2] [--minutes 18]
//
// Without a command everything is run. `search` leaves out saving and opening, `build`, `memory` and `open` leave out the
// searches and print a table of what is theirs; flat, batch and scaling are described in commands.mjs. --data takes any
// file of float32 rows, with --dim and --metric; its last 1,000 rows are the queries.
//
// METHOD. Indexes are built `jobs` at a time, each by one thread in a process of
// its own, the reference together with ours. Then the machine is left to the
// searches: in each round every engine makes PASSES passes over all queries
// for every ef, one engine after the other, so that what disturbs one disturbs
// its neighbours too. A query's time is the least of its passes within a round;
// a ratio compares two engines within one round, and its median over the rounds
// is what is reported. Rounds stop early when the minutes are up.
//
// JSON lines go to stdout as they are measured, the tables after them.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { COMMANDS } from './commands.mjs';
import { BUILD, ENGINES, Worker, compile, entryFile } from './engines.mjs';
import { QUERIES, TRUTH_K, dataset } from './gen.mjs';
import { report } from './report.mjs';
import { fastest, median, percentile, queriesPerSecond, recall } from './stats.mjs';

const K = 10;
const EFS = [10, 15, 20, 30, 40, 60, 80, 120, 160];
const PASSES = 2;
const EXACT_QUERIES = 20;
const M = 16;
const EF_CONSTRUCTION = 200;
const OPEN_PROCESS_RUNS = 5;

const PARTS = ['search', 'build', 'memory', 'open'];

const { values: args, positionals: [command] } = parseArgs({ allowPositionals: true, options: {
  quick: { type: 'boolean' }, n: { type: 'string' }, dim: { type: 'string' }, metric: { type: 'string' },
  data: { type: 'string' }, only: { type: 'string' }, rounds: { type: 'string' }, jobs: { type: 'string' },
  minutes: { type: 'string' }, largest: { type: 'string' }, layout: { type: 'string' },
} });
const options = {
  n: Number(args.n ?? (args.quick ? 20_000 : args.data ? Infinity : 100_000)),
  dim: Number(args.dim ?? (args.quick ? 128 : 384)),
  metric: args.metric ?? 'cosine',
  data: args.data,
  rounds: Number(args.rounds ?? (args.quick ? 3 : 5)),
  jobs: Number(args.jobs ?? Math.min(2, availableParallelism())),
  minutes: Number(args.minutes ?? 18),
  largest: Number(args.largest ?? 100_000),
  layout: args.layout ?? 'standard',
};
if (command !== undefined && !PARTS.includes(command) && !COMMANDS[command]) {
  throw new Error(`unknown command ${command}; there are ${[...PARTS, ...Object.keys(COMMANDS)].join(', ')}`);
}
const started = performance.now();
const minutesSpent = () => (performance.now() - started) / 60_000;
const line = (what, fields) => console.log(JSON.stringify({ what, ...fields }));

/** Builds one engine's index; leaves `skipped` with a reason where that fails. */
async function build(engine, set) {
  const { rows = Infinity, own = [] } = engine.spec;
  const command = engine.spec.prepare();
  engine.n = Math.min(set.n, rows);
  if (typeof command === 'string') {
    engine.skipped = command;
  } else {
    engine.worker = new Worker(command, [set.dir, engine.n, set.dim, set.metric, M, EF_CONSTRUCTION, ...own]);
    engine.build = await engine.worker.ask('build');
    engine.skipped = engine.build.error;
  }
  if (engine.skipped) line('skipped', { engine: engine.name, reason: engine.skipped });
  else line('build', { engine: engine.name, n: engine.n, ...engine.build });
}

async function buildAll(engines, set) {
  const waiting = [...engines];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await build(next, set);
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
}

/** One pass of one engine at one ef, into its round. */
async function pass(engine, ef, truth) {
  const exact = engine.spec.exact;
  const { ns, ids, error } = await engine.worker.ask(`search ${ef} ${K} ${exact ? EXACT_QUERIES : QUERIES}`);
  if (error) {
    engine.skipped = `search: ${error}`;
    line('skipped', { engine: engine.name, reason: engine.skipped });
    return;
  }
  const round = engine.rounds.at(-1);
  round.set(ef, fastest(round.get(ef), ns));
  // An exact engine on fewer rows has other neighbours than the truth's.
  engine.recall.set(ef, engine.n < engine.setRows ? NaN : recall(ids, truth, TRUTH_K, K));
}

async function searchAll(engines, truth) {
  const from = minutesSpent();
  for (let round = 0; round < options.rounds; round++) {
    const perRound = (minutesSpent() - from) / round;
    if (round > 0 && minutesSpent() + perRound > options.minutes) break;
    const now = engines.filter((engine) => !engine.skipped);
    for (const engine of now) engine.rounds.push(new Map());
    for (const ef of EFS) {
      for (let i = 0; i < PASSES; i++) {
        for (const engine of now) {
          const once = engine.spec.exact && (ef !== EFS[0] || round > 0);
          if (!once && !engine.skipped) await pass(engine, ef, truth);
        }
      }
      for (const engine of now) {
        const ns = engine.rounds.at(-1).get(ef);
        if (ns) {
          line('search', { engine: engine.name, round, ef, recall: engine.recall.get(ef),
            qps: Math.round(queriesPerSecond(ns)), p99us: percentile(ns, 0.99) / 1000 });
        }
      }
    }
  }
}

const sizeOf = (path) => (statSync(path).isDirectory()
  ? readdirSync(path, { recursive: true }).reduce((sum, name) => {
    const stat = statSync(join(path, name));
    return sum + (stat.isFile() ? stat.size : 0);
  }, 0)
  : statSync(path).size);

/** Runs opening.mjs in a fresh process of the engine's own Node. */
function inFreshProcess(node, ...own) {
  const script = new URL('opening.mjs', import.meta.url).pathname;
  return JSON.parse(execFileSync(node, [script, entryFile, ...own], { encoding: 'utf8' }));
}

/** Saving, size on disk, opening; for ours also the first result of a fresh process. */
async function keep(engine) {
  const path = join(BUILD, `saved-${engine.name}`);
  rmSync(path, { recursive: true, force: true });
  const saved = await engine.worker.ask(`save ${path}`);
  if (saved.error) return;
  engine.kept = { ...saved, fileMb: sizeOf(path) / 2 ** 20 };
  if (engine.spec.ours) {
    const { open, read, openCpu, readCpu } = inFreshProcess(engine.spec.ours, path);
    const firsts = Array.from({ length: OPEN_PROCESS_RUNS }, () => inFreshProcess(engine.spec.ours).first);
    Object.assign(engine.kept, {
      open: Math.min(...open), read: Math.min(...read),
      openToRead: median(open.map((seconds, i) => seconds / read[i])),
      openToReadCpu: median(openCpu) / median(readCpu), firstMs: median(firsts),
    });
  } else {
    Object.assign(engine.kept, await engine.worker.ask(`open ${path}`));
  }
  line('keep', { engine: engine.name, ...engine.kept });
  rmSync(path, { recursive: true, force: true });
}

function wasmSizes() {
  const dist = new URL('./', `file://${entryFile}`);
  return ['vecstore.simd.wasm', 'vecstore.relaxed.wasm'].map((name) => {
    const bytes = readFileSync(new URL(name, dist));
    return { name, bytes: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
  });
}

/** What one part of the benchmark found, as a table. */
function partTable(engines) {
  const columns = { build: ['cpu', 'seconds'], memory: ['mb', 'used'],
    open: ['save', 'open', 'read', 'openToRead', 'fileMb', 'firstMs'] }[command];
  const rows = engines.map((engine) => {
    const found = { ...engine.build, ...engine.kept };
    return [engine.name, engine.skipped ? { skipped: engine.skipped }
      : Object.fromEntries(columns.filter((name) => name in found).map((name) => [name, found[name]]))];
  });
  console.table(Object.fromEntries(rows));
}

mkdirSync(BUILD, { recursive: true });
if (COMMANDS[command]) {
  await COMMANDS[command](options);
  process.exit(0);
}
const exact = compile('exact.c', 'exact', 'cc', ['-std=c11', '-O3', '-march=native', '-ffast-math']);
const set = dataset({ root: BUILD, exact, ...options });
line('data', set);
const bytes = readFileSync(join(set.dir, 'truth.u32'));
const truth = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const only = args.only?.split(',');
const engines = ENGINES.map((spec) => ({
  name: spec.name, spec, setRows: set.n, rounds: [], recall: new Map(),
  skipped: only && !only.includes(spec.name) ? 'left out of this run' : undefined,
}));
await buildAll(engines.filter((engine) => !engine.skipped), set);
const running = engines.filter((engine) => !engine.skipped);
if (command === undefined || command === 'search') await searchAll(running, truth);
if (command === undefined || command === 'open') for (const engine of running) if (!engine.skipped) await keep(engine);
for (const engine of engines) engine.worker?.quit();
if (PARTS.includes(command) && command !== 'search') {
  partTable(engines);
  process.exit(0);
}
const sizes = wasmSizes();
for (const size of sizes) line('wasm', size);
const text = report({ set, engines, sizes, efs: EFS, k: K, options, minutes: minutesSpent() });
console.log(`\n${text}`);
writeFileSync(join(BUILD, 'last.md'), text);
