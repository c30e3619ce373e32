// A run of `vecstore index` that is killed loses nothing that it has written, and the next one goes on.
import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../js/behaviour/expect.mjs';
import { CommandHost } from '../../js/src/wasi/command.js';
import { root } from '../runtimes/project.mjs';
import { hosts, scratchFolder, start } from './run.mjs';
import { tinyModel } from './tiny-model.mjs';

const { folder, remove } = scratchFolder();
after(remove);
const { run } = hosts['npx, Node'];
const env = { VECSTORE_MODEL: 'tiny.model' };

/** Some files of many passages, one of them longer than a batch. */
function fill() {
  const next = random(5), words = 'whale ocean river stone garden music paper light snow bread'.split(' ');
  const sentence = () => `${Array.from({ length: 12 }, () => words[Math.floor(next() * words.length)]).join(' ')}.`;
  mkdirSync(join(folder, 'docs'), { recursive: true });
  writeFileSync(join(folder, 'tiny.model'), tinyModel());
  for (let i = 0; i < 40; i++) writeFileSync(join(folder, `docs/${i}.txt`), Array.from({ length: 400 }, sentence).join('\n\n'));
  writeFileSync(join(folder, 'docs/long.txt'), Array.from({ length: 14_000 }, sentence).join('\n\n'));
}

const bytesWritten = (store) => {
  const walk = (path) => readdirSync(path, { withFileTypes: true })
    .reduce((sum, e) => sum + (e.isDirectory() ? walk(join(path, e.name)) : statSync(join(path, e.name)).size), 0);
  try {
    return existsSync(store) ? walk(store) : 0;
  } catch {
    return 0;
  }
};

/** Starts indexing and kills it when the store has grown by so much; false when it was done before. */
async function killAt(store, growth, signal) {
  const child = start(folder, ['index', 'docs', '--store', store, '--size', '200'], env);
  const over = new Promise((done) => {
    child.on('exit', (code, ended) => done(ended));
  });
  const path = join(folder, store), before = bytesWritten(path);
  while (child.exitCode === null && child.signalCode === null && bytesWritten(path) - before < growth) await sleep(5);
  child.kill(signal);
  return (await over) === signal;
}

const all = (store) => JSON.parse(run(folder, ['search', store, 'whale', '-k', '10000', '--json'], env).stdout);
const content = (store) => all(store).map(({ id, text, metadata }) => [id, text, { ...metadata, file: undefined }])
  .sort(([a], [b]) => (a < b ? -1 : 1));

test('killed in the middle, again and again, then let be: the store is that of a run in peace', async () => {
  fill();
  const peace = run(folder, ['index', 'docs', '--store', 'peace', '--size', '200'], env);
  assert.equal(peace.status, 0, peace.stderr);
  let kills = 0, kept = 0;
  for (let i = 0; i < 6; i++) {
    if (await killAt('killed', 200_000 + i * 300_000, i % 2 ? 'SIGKILL' : 'SIGINT')) kills++;
    const verify = run(folder, ['verify', 'killed'], env);
    if (verify.status === 0) {
      const { count } = JSON.parse(run(folder, ['stats', 'killed'], env).stdout);
      assert.ok(count >= kept, `${count} passages after ${kept}`);
      kept = count;
    } else {
      assert.equal(kept, 0, verify.stderr);
    }
  }
  assert.ok(kills >= 2, `${kills} kills were in time`);
  const last = run(folder, ['index', 'docs', '--store', 'killed', '--size', '200'], env);
  assert.equal(last.status, 0, last.stderr);
  assert.equal(run(folder, ['verify', 'killed'], env).stdout, 'ok\n');
  assert.equal(JSON.parse(run(folder, ['stats', 'killed'], env).stdout).count, JSON.parse(run(folder, ['stats', 'peace'], env).stdout).count);
  assert.deepEqual(content('killed'), content('peace'));
  const again = run(folder, ['index', 'docs', '--store', 'killed', '--size', '200'], env);
  assert.match(again.stdout, /41 unchanged/);
});

test('on a terminal progress is a bar as wide as it, which is wiped at the end; memory stays below 4 times the store', async (t) => {
  const streams = { 1: '', 2: '' };
  const writeSync = (fd, bytes, ...rest) => {
    if (fd > 2) return fs.writeSync(fd, bytes, ...rest);
    streams[fd] += Buffer.from(bytes).toString();
    return bytes.length;
  };
  const places = new Map(['docs', 'bar', 'tiny.model'].map((name) => [name, join(folder, name)]));
  const host = new CommandHost({
    fs: { ...fs, writeSync }, args: ['vecstore', 'index', 'docs', '--store', 'bar'], places,
    env: { VECSTORE_MODEL: 'tiny.model', COLUMNS: '64' }, terminals: [false, false, true],
  });
  const module = await WebAssembly.compile(readFileSync(join(root, 'dist/vecstore-cli.wasm')));
  const imports = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, host.import(name)]));
  // A clock that runs fast, so that there is time to draw on any machine.
  let nanoseconds = 0n;
  let exports;
  imports.clock_time_get = (_id, _precision, at) => {
    new DataView(exports.memory.buffer).setBigUint64(at, nanoseconds += 50_000_000n, true);
    return 0;
  };
  ({ exports } = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: imports }));
  host.attach(exports.memory);
  exports._start();
  host.destroy();
  assert.match(streams[1], /^41 files: 41 new/);
  const memory = exports.memory.buffer.byteLength, stored = bytesWritten(join(folder, 'bar'));
  t.diagnostic(`${memory} bytes of memory for a store of ${stored}`);
  assert.ok(memory <= 4 * stored, `${memory} > 4 * ${stored}`);
  const drawn = streams[2].split('\r').slice(1);
  assert.equal(drawn.pop(), '\x1b[K');
  assert.ok(drawn.length > 0);
  for (const line of drawn) {
    assert.match(line, /^\[#*\.*\] +\d+ % {2}\d+ of 41 files {2}\d+\.\d MB\/s {2}ETA [-\d:]+\x1b\[K$/);
    assert.ok(line.length - 3 < 64, line);
  }
});

test('a command reaches nothing but what its arguments name', async () => {
  const host = new CommandHost({ fs, args: [], env: {}, places: new Map([['docs', join(folder, 'docs')]]), terminals: [] });
  assert.equal(host.locate('\0', ['docs', '1.txt']), join(folder, 'docs/1.txt'));
  for (const path of ['tiny.model', 'docs/../tiny.model', '../docs', '', 'docs2']) assert.equal(host.locate('\0', path.split('/')), null, path);
});

test('progress is told in lines where there is no terminal, and not with --quiet', async () => {
  assert.ok(readFileSync(join(folder, 'docs/long.txt')).length > 1e6);
  const quiet = run(folder, ['index', 'docs', '--store', 'quiet', '--quiet', '--ext', 'none'], env);
  assert.equal(quiet.stderr, '');
  assert.match(quiet.stdout, /^0 files/);
});
