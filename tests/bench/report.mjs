// report.mjs - what was measured, as Markdown and plots. RESULTS.md is only written for the standard set.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BUILD, NEW_NODE, REFERENCE } from './engines.mjs';
import { plot } from './plot.mjs';
import { median, percentile, queriesPerSecond, ratioAt, speedAt } from './stats.mjs';

const PLOTS = fileURLToPath(new URL('plots/', import.meta.url));
const TARGETS = [0.95, 0.99, 0.995];

const fixed = (x, digits) => (x === undefined || !Number.isFinite(x) ? '–' : x.toFixed(digits));
const whole = (x) => (Number.isFinite(x) ? Math.round(x).toLocaleString('en-US') : '–');
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

function versionOf(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0].trim();
  } catch {
    return 'none';
  }
}

/** Each round as points { recall, qps, p99 } by rising ef. */
const curves = (engine, efs) => engine.rounds.map((round) => efs.filter((ef) => round.has(ef)).map((ef) => ({
  ef, recall: engine.recall.get(ef), qps: queriesPerSecond(round.get(ef)), p99: percentile(round.get(ef), 0.99) / 1000,
})));

/** The median of the rounds, point by point. */
const middle = (rounds) => rounds[0].map((point, i) => ({
  ...point, qps: median(rounds.map((r) => r[i].qps)), p99: median(rounds.map((r) => r[i].p99)),
}));

function machine() {
  const [cpu] = cpus();
  return [
    `- Machine: ${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ` +
      `${process.platform} ${process.arch}; load average of the last 15 minutes ${loadavg()[2].toFixed(1)}`,
    `- Node ${process.versions.node} for SIMD128, ${versionOf(NEW_NODE, '--version').slice(1)} for relaxed SIMD; ` +
      `${versionOf('g++', '--version')}`,
  ].join('\n');
}

function buildTable(engines) {
  const reference = engines.find((engine) => engine.name === REFERENCE)?.build;
  const head = ['engine', 'vectors', 'build CPU s', '× CPU of reference', 'build wall s', 'index MB'];
  return table(head, engines.map((engine) => [
    engine.name, whole(engine.n), fixed(engine.build.cpu, 1),
    engine.spec.exact || !reference ? '–' : fixed(engine.build.cpu / reference.cpu, 2), fixed(engine.build.wall, 1),
    fixed(engine.build.mb, 0),
  ]));
}

function keepTable(engines) {
  const kept = engines.filter((engine) => engine.kept);
  const head = ['engine', 'save s', 'file MB', 'open s', 'reading the files s', 'open ÷ read', 'the same in CPU time',
    'import to first result ms'];
  return table(head, kept.map(({ name, kept: k }) => [name, fixed(k.save, 2), fixed(k.fileMb, 0), fixed(k.open, 3),
    fixed(k.read, 3), fixed(k.openToRead, 2), fixed(k.openToReadCpu, 2), fixed(k.firstMs, 0)]));
}

function speedTable(engines, efs) {
  const searched = engines.filter((engine) => !engine.spec.exact);
  return table(['engine', ...efs.map((ef) => `ef ${ef}`)], searched.map((engine) => [engine.name,
    ...middle(curves(engine, efs)).map((p) => `${p.recall.toFixed(4)} / ${whole(p.qps)} / ${whole(p.p99)}`)]));
}

function ratioTable(engines, efs) {
  const reference = engines.find((engine) => engine.name === REFERENCE);
  const searched = engines.filter((engine) => !engine.spec.exact);
  return table(['engine', ...TARGETS.flatMap((t) => [`QPS @${t}`, `ratio @${t}`])], searched.map((engine) => {
    const mine = curves(engine, efs);
    return [engine.name, ...TARGETS.flatMap((target) => {
      const speed = whole(median(mine.map((points) => speedAt(points, target))));
      if (!reference) return [speed, '–'];
      const { median: mid, min, max, rounds } = ratioAt(mine, curves(reference, efs), target);
      return [speed, rounds ? `${mid.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})` : '–'];
    })];
  }));
}

function exactTable(engines) {
  if (!engines.some((engine) => engine.spec.exact)) return 'Not measured.';
  return table(['engine', 'vectors', 'QPS'], engines.filter((engine) => engine.spec.exact).map((engine) => [
    engine.name, whole(engine.n), fixed(queriesPerSecond([...engine.rounds[0].values()][0]), 1)]));
}

/** The goals this project has set itself for the standard set. */
function goals(engines, sizes, efs) {
  const ours = engines.find((engine) => engine.name === 'vecstore-simd');
  const reference = engines.find((engine) => engine.name === REFERENCE);
  if (!ours || !reference) return '';
  const ratio = ratioAt(curves(ours, efs), curves(reference, efs), 0.99).median;
  const rows = [
    ['QPS at recall 0.99, SIMD128, to native hnswlib without -march', fixed(ratio, 2), '≥ 0.65, aim 0.85', ratio >= 0.65],
    ['build CPU time to the same', fixed(ours.build.cpu / reference.build.cpu, 2), '≤ 1.5',
      ours.build.cpu <= 1.5 * reference.build.cpu],
    ['opening a saved store to reading its files', fixed(ours.kept?.openToRead, 2), '≤ 3',
      ours.kept?.openToRead <= 3],
    ['import to first result in Node, ms', fixed(ours.kept?.firstMs, 0), '≤ 50', ours.kept?.firstMs <= 50],
    ...sizes.map(({ name, gzip }) => [`${name}, KB gzip`, fixed(gzip / 1024, 1), '≤ 60', gzip <= 60 * 1024]),
  ];
  return table(['goal', 'measured', 'wanted', 'met'], rows.map((row) => [...row.slice(0, 3), row[3] ? 'yes' : '**no**']));
}

/** @returns {string} the report; also writes the plot, and for the standard set RESULTS.md */
export function report({ set, engines, sizes, efs, k, options, minutes }) {
  const ran = engines.filter((engine) => !engine.skipped && engine.rounds.length > 0);
  const skipped = engines.filter((engine) => engine.skipped);
  const rounds = Math.max(0, ...ran.map((engine) => engine.rounds.length));
  const isStandard = set.n === 100_000 && set.dim === 384 && set.seed !== undefined;
  const own = process.argv.slice(2).join(' ');
  const command = own ? `node tests/bench/run.mjs ${own}` : 'npm run bench';
  const svg = plot(ran.filter((engine) => !engine.spec.exact).map((engine) => ({
    name: engine.name, points: middle(curves(engine, efs)),
  })), `${set.name}: recall@${k} and queries per second`);
  const folder = isStandard ? PLOTS : BUILD;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${set.name}.svg`), svg);
  const text = `# Benchmark results

Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}, in ${minutes.toFixed(1)} minutes.

${machine()}
- Data: ${set.name}, ${whole(set.n)} vectors of ${set.dim} dimensions, ${set.metric}; 1,000 queries
- Local intrinsic dimension of the data: ${fixed(set.lid, 1)}
- M = 16, ef_construction = 200, k = ${k}, one thread each
- ${rounds} interleaved rounds, ${options.jobs} builds at a time
- ours through its public API, \`storage: 'memory'\`; times of a query include everything a caller waits for

Queries per second come from the least time of each query within a round; tables show the median of the rounds. A
ratio compares two engines within one round at equal recall (interpolated between ef values); median (least–greatest).

## Goals

${goals(ran, sizes, efs)}

## Building

${buildTable(ran)}

## Speed at equal recall, and its ratio to ${REFERENCE}

${ratioTable(ran, efs)}

![recall and speed](plots/${set.name}.svg)

## All points: recall@${k} / queries per second / 99th percentile in µs

${speedTable(ran, efs)}

## Keeping: saving, opening, size

${keepTable(ran)}

## Exact search

${exactTable(ran)}

## Not measured

${skipped.length ? skipped.map((engine) => `- ${engine.name}: ${engine.skipped}`).join('\n') : 'Every engine ran.'}

## Engines

${engines.map((engine) => `- ${engine.name}: ${engine.spec.about}`).join('\n')}

${['WRITES.md', 'TRIED.md', '../quality/EMBEDDER.md', '../quality/TEXT.md'].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8')).join('\n')}`;
  if (isStandard) writeFileSync(new URL('RESULTS.md', import.meta.url), text);
  return text;
}
