// The generated declarations compile in a strict consumer, and the package says what it holds.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../js/src/version.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pkg = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

test('a strict TypeScript consumer compiles', () => {
  const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tests/types'], { cwd: root });
  assert.equal(status, 0, String(stdout));
});

test('every file that the package exports exists, conditions are in order', () => {
  const conditions = Object.entries(pkg.exports['.']);
  for (const [, file] of conditions) assert.ok(existsSync(`${root}/${file}`), file);
  assert.deepEqual(conditions.map(([name]) => name),
    ['types', 'workerd', 'edge-light', 'deno', 'bun', 'worker', 'browser', 'node', 'default']);
  for (const file of pkg.files.filter((name) => !name.includes('*'))) assert.ok(existsSync(`${root}/${file}`), file);
  assert.equal(pkg.dependencies, undefined);
});

test('the version is the same everywhere', () => assert.equal(VERSION, pkg.version));

test('the package imports by its name', async () => {
  const code = "import { VecStore } from 'vecstore'; const s = await VecStore.open(); console.log(await s.count()); await s.close();";
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root });
  assert.equal(String(stdout), '0\n', String(stderr));
});
