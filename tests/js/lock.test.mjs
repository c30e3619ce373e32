// The lock file (js/src/storage/lock.js): one holder, named; stale locks taken over by exactly one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs, { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadFiles } from '../../js/src/platform/node.js';
import { takeLock } from '../../js/src/storage/lock.js';

const files = await loadFiles();
const root = mkdtempSync(join(tmpdir(), 'vecstore-lock-'));
after(() => rmSync(root, { recursive: true, force: true }));
let locks = 0;
const newLock = () => join(fs.mkdtempSync(join(root, `l${locks++}-`)), 'lock');

const take = (path) => takeLock(files, path, 'notes');
const holder = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** What remains of the lock of a process that is gone, changed as told. */
function stale(path, change = {}) {
  take(path);
  writeFileSync(path, JSON.stringify({ ...holder(path), pid: 2 ** 22 + 1, ...change }));
}

test('held: LOCKED names the process and for how long; released: free', () => {
  const path = newLock();
  const release = take(path);
  assert.equal(holder(path).pid, process.pid);
  assert.throws(() => take(path), { code: 'LOCKED', message: new RegExp(`'notes'.*process ${process.pid} since .* \\(\\d+ s\\)`) });
  release();
  assert.equal(existsSync(path), false);
  take(path)();
  assert.deepEqual(readdirSync(join(path, '..')), []);
});

test('taken over: a dead process, a reused pid, another boot', () => {
  const changes = [{}, ...(process.platform === 'linux' ? [{ pid: process.pid, start: '1' }, { pid: process.pid, boot: 'another' }] : [])];
  for (const change of changes) {
    const path = newLock();
    stale(path, change);
    const release = take(path);
    assert.equal(holder(path).pid, process.pid);
    release();
    assert.deepEqual(readdirSync(join(path, '..')), []);
  }
});

test('a lock that is being written counts as held, one cut short long ago does not', () => {
  for (const content of ['', '{"pid":', 'rubbish', '{}']) {
    const path = newLock();
    writeFileSync(path, content);
    assert.throws(() => take(path), { code: 'LOCKED' });
    utimesSync(path, 1e9, 1e9);
    take(path)();
  }
});

test('a claim left by a process that died while taking over is taken over, too', () => {
  const path = newLock();
  stale(path);
  const claim = `${path}.${holder(path).nonce}`;
  stale(claim);
  take(path)();
  assert.deepEqual(readdirSync(join(path, '..')), []);
});

test('a claim held by a live process is respected', () => {
  const path = newLock();
  stale(path);
  const release = take(`${path}.${holder(path).nonce}`);
  assert.throws(() => take(path), { code: 'LOCKED' });
  release();
  take(path)();
});

test('releasing leaves a lock alone that is no longer ours', () => {
  const path = newLock();
  const release = take(path);
  rmSync(path);
  const other = take(path);
  release();
  assert.equal(existsSync(path), true);
  other();
});

test('many processes, one stale lock: one holder at a time', { timeout: 60_000 }, async () => {
  const path = newLock();
  const log = `${path}.log`;
  const code = `
    import fs from 'node:fs';
    import { loadFiles } from ${JSON.stringify(new URL('../../js/src/platform/node.js', import.meta.url).href)};
    import { takeLock } from ${JSON.stringify(new URL('../../js/src/storage/lock.js', import.meta.url).href)};
    const files = await loadFiles();
    const until = Date.now() + 1500;
    let taken = 0;
    while (Date.now() < until) {
      let release;
      try { release = takeLock(files, ${JSON.stringify(path)}, 'x'); } catch (error) { if (error.code !== 'LOCKED') throw error; continue; }
      fs.writeFileSync(${JSON.stringify(`${path}.held`)}, '', { flag: 'wx' });
      fs.unlinkSync(${JSON.stringify(`${path}.held`)});
      taken++;
      // Half of the time the holder dies, as far as the others can tell.
      if (taken % 2) fs.writeFileSync(${JSON.stringify(path)}, JSON.stringify({ pid: ${2 ** 22 + 1}, boot: null, start: null, nonce: Math.floor(Math.random() * 2 ** 48).toString(16), time: 0 }));
      else release();
    }
    fs.appendFileSync(${JSON.stringify(log)}, taken + '\\n');
  `;
  await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
    const contender = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'inherit', 'pipe'] });
    let wrong = '';
    contender.stderr.on('data', (data) => (wrong += data));
    contender.on('close', (status) => (status === 0 ? resolve() : reject(new Error(wrong))));
  })));
  const counts = readFileSync(log, 'utf8').trim().split('\n').map(Number);
  assert.equal(counts.length, 4);
  assert.ok(counts.reduce((a, b) => a + b) > 20, `taken ${counts}`);
});
