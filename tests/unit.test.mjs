// The C tests: each program of tests/unit, tests/crash and tests/fuzz is one
// test here. They are built under the address and undefined-behaviour
// sanitizers and print TAP (tests/unit/tap.h).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { filesBelow } from './tools/files.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const environment = { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1' };

/** @returns {Promise<{ code: number | null, signal: string | null, out: string, err: string }>} */
function run(program) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
  });
}

/** A program passed when it exits with 0 and every claim of its plan is there and holds. */
function checkTap({ code, signal, out, err }) {
  const failed = out.split('\n').filter((line) => /^(not ok|# )/.test(line));
  assert.equal(code, 0, `exit ${code ?? signal}\n${failed.join('\n')}\n${err}`);
  assert.equal(failed.filter((line) => line.startsWith('not ok')).length, 0, failed.join('\n'));
  const plan = Number(/^1\.\.(\d+)$/m.exec(out)?.[1]);
  assert.equal(out.match(/^ok /gm)?.length, plan, 'every planned claim is reported');
}

for (const folder of ['tests/unit', 'tests/crash', 'tests/fuzz'].filter((path) => existsSync(path))) {
  for (const source of filesBelow(folder, '.c')) {
    const name = source.slice('tests/'.length, -'.c'.length);
    test(name.replaceAll('_', ' '), async () => checkTap(await run(`build/native/asan/tests/${name}`)));
  }
}
