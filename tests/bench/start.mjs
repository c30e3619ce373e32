// start.mjs ROUNDS ENTRY... - import to first result of several builds of the package side by side.
//
// An entry is a file to import (dist/node.mjs). Each round starts one fresh process per entry, in turn, so that a busy
// machine slows all of them; opening.mjs says what is measured. Prints median, least and most milliseconds.

import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const [rounds, ...entries] = process.argv.slice(2);
const opening = fileURLToPath(new URL('opening.mjs', import.meta.url));
const taken = entries.map(() => []);
for (let round = 0; round < Number(rounds); round++) {
  entries.forEach((entry, i) => {
    taken[i].push(JSON.parse(execFileSync(process.execPath, [opening, entry], { encoding: 'utf8' })).first);
  });
}
entries.forEach((entry, i) => {
  const sorted = taken[i].sort((a, b) => a - b);
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((at) => sorted[at].toFixed(1));
  console.log(`${entry}: ${median} ms (${least} to ${most})`);
});
