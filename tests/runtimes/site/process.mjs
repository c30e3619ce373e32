// process.mjs - runs the suite in Node, Deno or Bun; one line of JSON is the result.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSuite } from './run.mjs';

const root = mkdtempSync(join(tmpdir(), 'vecstore-'));
try {
  console.log(JSON.stringify(await runSuite(['fs', 'memory'], (n) => join(root, `s${n}`))));
} finally {
  rmSync(root, { recursive: true, force: true });
}
