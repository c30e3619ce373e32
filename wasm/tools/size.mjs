// size.mjs FILE... - raw and gzip size of each artifact.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

for (const file of process.argv.slice(2)) {
  const bytes = readFileSync(file);
  const kb = (n) => `${(n / 1000).toFixed(1).padStart(7)} KB`;
  console.log(`  ${file.padEnd(34)}${kb(bytes.length)} ${kb(gzipSync(bytes, { level: 9 }).length)} gzip`);
}
