// run.mjs - `npm run test:long`: the tiers that have no natural end, within a time budget, and a summary of what they
// did for tests/RELIABILITY-RUNS.md.
//
//   VS_MINUTES   the budget in minutes; 60. About a quarter goes to crashes, half to fuzzing, a quarter to kills
//   VS_TIERS     which of crash,fuzz,kill,filter,mutate; all but the last. `filter` is a million filters compared with
//                SQLite, some eight minutes whatever the budget; `mutate` has an end: 2,000 mutants, some hours
//   VS_MUTANTS   how many of the mutants, as a sample; all
//   VS_TARGETS   which fuzz targets; all
//
// A run may be repeated: the fuzzers' corpora in build/fuzz grow from run to run, the kills take new seeds.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
const MINUTES = Number(process.env.VS_MINUTES ?? 60);
const TIERS = (process.env.VS_TIERS ?? 'crash,fuzz,kill,filter').split(',');
const LOG = 'tests/RELIABILITY-RUNS.md';
const SHARES = { crash: 1, fuzz: 2, kill: 1, filter: 0, mutate: 0 };
const total = TIERS.reduce((sum, tier) => sum + SHARES[tier], 0) || 1;
const secondsFor = (tier) => (MINUTES * 60 * SHARES[tier]) / total;
const seed = Math.floor(Date.now() / 1000);

/** Runs a program; its whole output, and how it ended. */
function run(program, args, env = {}) {
  const began = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', (error) => resolve({ ok: false, out: String(error), seconds: 0 }));
    child.on('close', (code) => resolve({ ok: code === 0, out, seconds: (performance.now() - began) / 1000 }));
  });
}

const rows = [];
let failed = false;
function note(what, how, { ok, out, seconds }, figures) {
  failed ||= !ok;
  const wrong = out.split('\n').filter((line) => /^not ok|^# VS_|SUMMARY|Test unit written|Assertion|✖/.test(line)).slice(0, 4).join('; ');
  const row = `| ${what} | ${figures} | ${ok ? '0' : `**failed**: ${wrong.replaceAll('|', '/').slice(0, 300)}`} | ${Math.round(seconds)} s | \`${how}\` |`;
  rows.push(row);
  console.log(row);
  if (!ok) console.log(out.slice(-4000));
}
const number = (text) => Number(text ?? 0).toLocaleString('en');

// ============ Crashes, failing calls, refused memory ============

/** What the programs count: lines "# states: 12, of them nested: 3". */
const counted = (out) => [...out.matchAll(/^# ((?:states|runs|injections).*)$/gm)].map(([, text]) => text.replace(/\d{4,}/g, number)).join('; ') || 'passed';

/** Programs whose work grows with a variable: a first run tells how much of it fits. */
const GROWING = [
  ['db_crash', 'VS_CRASH_SEEDS', 6], ['store_crash', 'VS_CRASH_STATES', 2000], ['import_crash', 'VS_CRASH_SEEDS', 6],
];
const FIXED = ['crash/db_io_errors', 'crash/db_oom', 'unit/db/no_memory_changes_nothing', 'unit/db/damage_is_detected', 'unit/store/every_flip_is_noticed'];

async function crashes() {
  const end = performance.now() + secondsFor('crash') * 1000;
  const programs = GROWING.filter(([name]) => existsSync(`build/native/asan/tests/crash/${name}`));
  for (const name of FIXED) {
    const result = await run(`build/native/asan/tests/${name}`, [], { VS_LONG: '1' });
    note(name, `VS_LONG=1 build/native/asan/tests/${name}`, result, counted(result.out));
  }
  for (const [i, [name, variable, start]] of programs.entries()) {
    const program = `build/native/asan/tests/crash/${name}`;
    const first = await run(program, [], { [variable]: String(start) });
    const left = (end - performance.now()) / 1000 / (programs.length - i);
    const amount = Math.floor((start * left) / Math.max(first.seconds, 0.01));
    const [used, result] = first.ok && amount > start ? [amount, await run(program, [], { [variable]: String(amount) })] : [start, first];
    note(name, `${variable}=${used} ${program}`, result, counted(result.out));
  }
}

// ============ Fuzzing ============

async function fuzz() {
  const wanted = process.env.VS_TARGETS?.split(',');
  const targets = readdirSync('tests/fuzz').filter((name) => name.endsWith('_fuzz.c')).map((name) => name.slice(0, -7))
    .filter((name) => !wanted || wanted.includes(name));
  const seconds = Math.max(5, Math.floor(secondsFor('fuzz') / targets.length));
  for (const name of targets) {
    const grown = `build/fuzz/${name}`;
    mkdirSync(grown, { recursive: true });
    const how = [`-max_total_time=${seconds}`, '-timeout=30', '-rss_limit_mb=4096', '-print_final_stats=1', `-artifact_prefix=build/fuzz/${name}-`];
    const program = `build/native/fuzz/tests/fuzz/${name}_fuzz`;
    const result = await run(program, [...how, grown, `tests/fuzz/corpus/${name}`]);
    const executed = /stat::number_of_executed_units:\s*(\d+)/.exec(result.out)?.[1];
    const coverage = [...result.out.matchAll(/cov: (\d+)/g)].at(-1)?.[1];
    note(`fuzz ${name}`, `${program} ${how[0]}`, result, `${number(executed)} inputs, ${number(coverage)} edges`);
  }
}

// ============ Kills ============

async function kills() {
  const budget = secondsFor('kill');
  // A process' kill takes about a quarter of a second, a browser's three.
  const inNode = Math.max(20, Math.floor(budget / 4 / 0.25)), inBrowser = Math.max(2, Math.floor((budget * 3) / 4 / 3 / 4));
  for (const [what, file, env] of [
    ['kill -9 of Node', 'tests/js/kill.test.mjs', { VS_KILLS: String(inNode) }],
    ['kill of Chromium on idbfs, idb, opfs', 'tests/browser/kill.test.mjs', { VS_BROWSER_KILLS: String(inBrowser) }],
  ]) {
    const variables = { ...env, VS_SEED: String(seed) };
    const result = await run(process.execPath, ['--test', '--test-reporter=spec', file], variables);
    const said = [...result.out.matchAll(/^[✔✖] (.*?) \(/gm)].map(([, name]) => name).concat([...result.out.matchAll(/ℹ (.*acknowledged.*)/g)].map(([, text]) => text));
    note(what, `${Object.entries(variables).map((pair) => pair.join('=')).join(' ')} node --test ${file}`, result, said.join('; ') || 'passed');
  }
}

// ============ Filters ============

async function filters() {
  const file = 'tests/filter/filter_equals_sqlite.test.mjs';
  const variables = { VS_FILTER_EXPRESSIONS: '1000000', VS_SEED: String(seed) };
  const result = await run(process.execPath, ['--test', '--test-reporter=spec', file], variables);
  const said = /ℹ (.* as objects too.*)/.exec(result.out)?.[1];
  note('filters against SQLite', `${Object.entries(variables).map((pair) => pair.join('=')).join(' ')} node --test ${file}`, result,
    `1,000,000 expressions over 24 documents each${said ? `; ${said}` : ''}`);
}

// ============ Mutants of the store ============

async function mutants() {
  const args = ['tests/long/mutate.mjs', ...(process.env.VS_MUTANTS ? ['--sample', process.env.VS_MUTANTS] : [])];
  const result = await run(process.execPath, args);
  note('mutants of src/store', `node ${args.join(' ')}`, result, /^# (mutants: .*)$/m.exec(result.out)?.[1] ?? 'none');
}

const began = Date.now();
const WORK = { crash: crashes, fuzz, kill: kills, filter: filters, mutate: mutants };
for (const [tier, work] of Object.entries(WORK)) if (TIERS.includes(tier)) await work();

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const commit = `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' and uncommitted changes'}`;
appendFileSync(LOG, `
## ${new Date(began).toISOString().slice(0, 16).replace('T', ' ')} UTC, ${Math.round((Date.now() - began) / 60_000)} minutes

Commit ${commit}; ${cpus().length} cores, Node ${process.versions.node}; \`VS_MINUTES=${MINUTES} VS_TIERS=${TIERS} npm run test:long\`

| what | checked | findings | time | alone |
|---|---|---|---|---|
${rows.join('\n')}
`);
console.log(`written to ${LOG}`);
process.exitCode = failed ? 1 : 0;
