// Stores in directories: two processes, 'auto', directories that cannot be used, what lies on the disk.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const root = mkdtempSync(join(tmpdir(), 'vecstore-fs-'));
after(() => rmSync(root, { recursive: true, force: true }));
let dirs = 0;
const newPath = () => join(root, `d${dirs++}`, 'nested', 'store');
const entry = new URL('../../js/src/index.node.js', import.meta.url).href;

test('auto with a path is fs, without one memory; the directory is made, relative paths work', async () => {
  const path = newPath();
  for (const given of [path, relative(process.cwd(), path)]) {
    const store = await VecStore.open({ path: given, requirePersistence: true });
    const { storage } = await store.stats();
    assert.deepEqual([storage.kind, storage.persistent, storage.path], ['fs', true, given]);
    assert.ok(existsSync(join(path, 'lock')));
    await store.close();
    assert.ok(!existsSync(join(path, 'lock')));
  }
  for (const options of [undefined, {}, { path: ':memory:' }]) {
    const store = await VecStore.open(options);
    assert.equal((await store.stats()).storage.kind, 'memory');
    await store.close();
  }
});

test('what storages need is said', async () => {
  await assert.rejects(VecStore.open({ storage: 'fs' }), { code: 'INVALID_ARGUMENT', message: /path/ });
  await assert.rejects(VecStore.open({ storage: 'fs', path: 'a\0b' }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(VecStore.open({ storage: 'idbfs', path: 'x' }), { code: 'UNSUPPORTED', message: /IndexedDB/ });
  await assert.rejects(VecStore.open({ requirePersistence: true }), { code: 'UNSUPPORTED', message: /path/ });
});

test('another process that holds the store is named; when it is killed the store opens', { timeout: 30_000 }, async () => {
  const path = newPath();
  const code = `import { VecStore } from ${JSON.stringify(entry)}; const s = await VecStore.open({ path: ${JSON.stringify(path)} });
    await s.upsert({ id: 1, vector: [1] }); console.log('open'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => {
    holder.stdout.once('data', resolve);
  });
  await assert.rejects(VecStore.open({ path }), { code: 'LOCKED', message: new RegExp(`process ${holder.pid} since`) });
  const gone = new Promise((resolve) => {
    holder.once('close', resolve);
  });
  holder.kill('SIGKILL');
  await gone;
  const store = await VecStore.open({ path });
  assert.equal(await store.count(), 1);
  await store.close();
});

test('a path that cannot be a directory', async () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  await assert.rejects(VecStore.open({ path: file }), { name: 'VecStoreError', code: 'IO', message: /file/ });
  await assert.rejects(VecStore.open({ path: join(file, 'below') }), { name: 'VecStoreError', code: 'IO' });
  if (process.getuid?.() === 0) return;
  const dir = mkdtempSync(join(root, 'readonly-'));
  chmodSync(dir, 0o500);
  await assert.rejects(VecStore.open({ path: join(dir, 'x') }), { code: 'READ_ONLY' });
});

test('a damaged file is CORRUPT and named, and nothing is written to the store', async () => {
  const path = newPath();
  let store = await VecStore.open({ path });
  await store.upsert(Array.from({ length: 100 }, (_, id) => ({ id, vector: [id, 1], text: 'some text' })));
  await store.checkpoint();
  await store.close();
  const segment = readdirSync(path, { recursive: true }).find((name) => /seg-\d+$/.test(name));
  const whole = readFileSync(join(path, segment));
  const damaged = Buffer.from(whole);
  damaged[damaged.length >> 1] ^= 1;
  writeFileSync(join(path, segment), damaged);
  const error = await VecStore.open({ path }).then((s) => s.close(), (e) => e);
  assert.equal(error?.code, 'CORRUPT', String(error));
  assert.ok(segment.endsWith(error.file.split('/').at(-1)), error.file);
  assert.ok(!existsSync(join(path, 'lock')));
  writeFileSync(join(path, segment), whole);
  store = await VecStore.open({ path });
  assert.equal(await store.count(), 100);
  const open = readFileSync(join(path, segment));
  open[open.length >> 1] ^= 1;
  writeFileSync(join(path, segment), open);
  const { ok, errors } = await store.verify();
  assert.equal(ok, false);
  assert.match(errors[0].file, /seg-/);
  await store.close();
});

test('the engine can be given: bytes, URL, Response, module; a wrong one is refused', async () => {
  const url = new URL('../../dist/vecstore.simd.wasm', import.meta.url);
  const bytes = readFileSync(url);
  for (const wasm of [bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), url,
    new Response(bytes, { headers: { 'content-type': 'application/wasm' } }), new WebAssembly.Module(bytes)]) {
    const store = await VecStore.open({ wasm });
    assert.equal((await store.stats()).engine.simd, 'custom');
    await store.close();
  }
  const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  await assert.rejects(VecStore.open({ wasm: empty }), { code: 'INVALID_ARGUMENT', message: /not an engine/ });
  await assert.rejects(VecStore.open({ wasm: new Uint8Array(5) }), { code: 'IO', message: /cannot load/ });
  await assert.rejects(VecStore.open({ wasm: new URL('file:///none.wasm') }), { code: 'IO' });
});

test('a large write leaves the event loop alive', async () => {
  const store = await VecStore.open({ index: { type: 'hnsw' } });
  const batch = Array.from({ length: 4000 }, (_, id) => ({ id, vector: Float32Array.from({ length: 64 }, () => Math.random()) }));
  const writing = store.upsert(batch);
  let last = performance.now(), turns = 0;
  const gaps = [];
  let over = false;
  const look = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    turns++;
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  await writing;
  over = true;
  gaps.sort((a, b) => a - b);
  assert.ok(turns > 10, `${turns} turns`);
  // Other processes share the machine: the median says what a step takes.
  assert.ok(gaps[gaps.length >> 1] < 50, `median gap ${gaps[gaps.length >> 1]} ms`);
  await store.close();
});
