// coverage.mjs - the coverage of src/ by the C tests, by layer, and the floors under which `make cover` fails.
//
//   llvm-cov export -summary-only ... | node tests/tools/coverage.mjs
//
// Counted with assertions compiled out: what an assertion refuses must never happen, so no test can take that branch.
import { readFileSync } from 'node:fs';

/** Files whose bytes come from outside. */
const CODECS = ['base/bytes.c', 'base/value.c', 'db/catalog.c', 'db/config.c', 'db/image_load.c', 'db/pack.c', 'db/record.c'];
/** Share of branches, in percent: what is aimed at, and what is reached, under which it must not fall. */
const AIMS = { 'src/store': 98, codecs: 98, 'all of src': 92 };
const FLOORS = { 'src/store': 90, codecs: 83 };

const files = JSON.parse(readFileSync(0, 'utf8')).data[0].files
  .map(({ filename, summary }) => ({ name: filename.replace(/^.*src\//, ''), summary }))
  .filter(({ name }) => name.endsWith('.c'));
if (files.length === 0) throw new Error('no file was measured');

const percent = ({ covered, count }) => (count === 0 ? 100 : (100 * covered) / count);
const share = (part) => `${percent(part).toFixed(2)} %`.padStart(9);
const sum = (members, what) => members.reduce((all, { summary }) => ({
  covered: all.covered + summary[what].covered, count: all.count + summary[what].count,
}), { covered: 0, count: 0 });

const groups = new Map();
for (const file of files) {
  const layer = `src/${file.name.split('/')[0]}`;
  groups.set(layer, [...groups.get(layer) ?? [], file]);
}
groups.set('codecs', files.filter(({ name }) => CODECS.includes(name)));
groups.set('all of src', files);

let low = false;
console.log(`  ${'layer'.padEnd(14)} ${'lines'.padStart(9)} ${'branches'.padStart(9)}   not taken  floor   aim`);
for (const [name, members] of groups) {
  const branches = sum(members, 'branches'), floor = FLOORS[name], fails = floor !== undefined && percent(branches) < floor;
  low ||= fails;
  console.log(`  ${name.padEnd(14)} ${share(sum(members, 'lines'))} ${share(branches)} ${String(branches.count - branches.covered).padStart(11)}${
    name in AIMS ? `  ${floor === undefined ? '    ' : `${floor} %`}  ${AIMS[name]} %${fails ? '  below the floor' : ''}` : ''}`);
}
const worst = files.filter(({ summary }) => summary.branches.count > summary.branches.covered)
  .sort((a, b) => (b.summary.branches.count - b.summary.branches.covered) - (a.summary.branches.count - a.summary.branches.covered));
console.log('  most branches not taken:');
for (const { name, summary: { branches } } of worst.slice(0, 12)) {
  console.log(`    ${name.padEnd(26)} ${share(branches)} ${branches.count - branches.covered}`);
}
process.exitCode = low ? 1 : 0;
