// lengths.mjs - files stay below 900 lines, C functions below 100.
//
// The sources are formatted: a function's body is what lies between a line at
// the margin ending in '{' and the next '}' at the margin.
import { existsSync, readFileSync } from 'node:fs';
import { conclude, filesBelow } from './files.mjs';

const FILE_LINES = 900;
const FUNCTION_LINES = 100;

const roots = ['src', 'js', 'web-demo', 'tests', 'wasm'].filter((root) => existsSync(root));
const wrong = [];
for (const file of roots.flatMap((root) => filesBelow(root, '.c', '.h', '.js', '.mjs', '.ts', '.css', '.html'))) {
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines.length > FILE_LINES && !file.includes('.gen.')) wrong.push(`${file}: ${lines.length} lines`);
  if (!/\.[ch]$/.test(file)) continue;
  let start = -1;
  lines.forEach((line, i) => {
    if (/^[a-zA-Z ].*\) \{$/.test(line)) start = i;
    if (line !== '}' || start < 0) return;
    if (i - start + 1 > FUNCTION_LINES) wrong.push(`${file}:${start + 1}: a function of ${i - start + 1} lines`);
    start = -1;
  });
}
conclude(wrong);
