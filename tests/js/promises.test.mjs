// The rows of README's durability table that files and processes can show: when a write is acknowledged, and what is
// left of it after a kill, on a full disk and after a failed sync, under strict and relaxed durability.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { random } from './behaviour/expect.mjs';
import { contents, prefixOf } from './kill/operations.mjs';

/** The module's own object: what is replaced here, the package calls. */
const fs = createRequire(import.meta.url)('node:fs');
const real = {
  writeSync: fs.writeSync, writevSync: fs.writevSync, openSync: fs.openSync, fdatasync: fs.fdatasync, open: fs.promises.open,
};
function restore() {
  const { open, ...others } = real;
  Object.assign(fs, others);
  fs.promises.open = open;
}
afterEach(restore);
const root = mkdtempSync(join(tmpdir(), 'vecstore-promises-'));
after(() => rmSync(root, { recursive: true, force: true }));
let paths = 0;
const newPath = () => join(root, `s${paths++}`);
const record = (id) => ({ id, vector: [id, 1, 2], metadata: { id } });
const SEED = Number(process.env.VS_SEED ?? 20261122);

/** Lets every sync of a file or directory go through `around`. */
function watchSyncs(around) {
  const paths = new Map();
  fs.openSync = (path, ...rest) => {
    const fd = real.openSync(path, ...rest);
    paths.set(fd, path);
    return fd;
  };
  fs.fdatasync = (fd, done) => {
    const sync = () => new Promise((resolve, reject) => {
      real.fdatasync(fd, (error) => (error ? reject(error) : resolve()));
    });
    around(paths.get(fd), sync).then(() => done(null), done);
  };
  fs.promises.open = async (path, ...rest) => {
    const handle = await real.open.call(fs.promises, path, ...rest);
    for (const name of ['sync', 'datasync']) {
      const sync = handle[name].bind(handle);
      handle[name] = () => around(path, sync);
    }
    return handle;
  };
}
const isSettled = async (promise) => {
  await new Promise((done) => setTimeout(done, 30));
  return Promise.race([promise.then(() => true), Promise.resolve(false)]);
};

test('fs, strict: a write is acknowledged after the log has been synced, and not before', async () => {
  const path = newPath();
  const store = await VecStore.open({ path });
  const synced = [];
  let release;
  const held = new Promise((done) => {
    release = done;
  });
  watchSyncs(async (name, sync) => {
    await held;
    await sync();
    synced.push(name.slice(path.length + 1));
  });
  const written = store.upsert(record(1));
  assert.equal(await isSettled(written), false);
  assert.equal((await store.get(1)).id, 1);
  release();
  await written;
  assert.ok(synced.some((name) => /wal-\d+$/.test(name)), `${synced}`);
  await store.close();
});

test('fs: the names of a new store are synced, each directory that has one', async () => {
  const path = newPath();
  const synced = new Set();
  watchSyncs(async (name, sync) => {
    await sync();
    synced.add(name.slice(path.length + 1));
  });
  const store = await VecStore.open({ path });
  await store.upsert(record(1));
  for (const name of ['', 'c', 'c/1', 'db-1']) assert.ok(synced.has(name), `${name}: ${[...synced]}`);
  assert.ok([...synced].some((name) => /^c\/1\/manifest-\d+$/.test(name)));
  await store.close();
});

test('fs, relaxed: a write is acknowledged before; flush and close wait for the sync', async () => {
  const path = newPath();
  const store = await VecStore.open({ path, durability: 'relaxed' });
  let release;
  const held = new Promise((done) => {
    release = done;
  });
  watchSyncs(async (_, sync) => {
    await held;
    await sync();
  });
  await store.upsert(record(1));
  const flushed = store.flush();
  assert.equal(await isSettled(flushed), false);
  const closed = store.close();
  assert.equal(await isSettled(closed), false);
  release();
  await Promise.all([flushed, closed]);
  const again = await VecStore.open({ path });
  assert.equal(await again.count(), 1);
  await again.close();
});

test('fs, relaxed: a killed process loses nothing that was acknowledged, and no part of a write', async () => {
  const path = newPath(), next = random(SEED), kills = Number(process.env.VS_KILLS ?? 12);
  const child = fileURLToPath(new URL('kill/child.mjs', import.meta.url));
  let model = new Map(), first = 0, acknowledged = 0;
  for (let i = 0; i < kills; i++) {
    const said = await new Promise((resolve, reject) => {
      const writer = spawn(process.execPath, [child, path, SEED, first, 'relaxed'], { stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '', wrong = '';
      writer.stdout.on('data', (data) => {
        if (text === '') setTimeout(() => writer.kill('SIGKILL'), next() * 80);
        text += data;
      });
      writer.stderr.on('data', (data) => (wrong += data));
      writer.on('close', (_, signal) => {
        if (signal !== 'SIGKILL') return reject(new Error(wrong));
        const numbers = (letter) => text.split('\n').slice(0, -1).filter((line) => line[0] === letter).map((line) => Number(line.slice(1)));
        acknowledged += numbers('a').length;
        resolve({ issued: Math.max(first - 1, ...numbers('i')), acknowledged: Math.max(first - 1, ...numbers('a')) });
      });
    });
    const store = await VecStore.open({ path });
    const state = await contents(store);
    assert.notEqual(prefixOf(state, model, SEED, first, said), null, `seed ${SEED}, kill ${i}: ${JSON.stringify(said)}`);
    assert.deepEqual((await store.verify()).errors, []);
    await store.close();
    model = state;
    first = said.issued + 1;
  }
  assert.ok(acknowledged > kills);
});

for (const durability of ['strict', 'relaxed']) {
  test(`fs, ${durability}: a full disk is NO_SPACE, reads go on, and writes too once there is room, without reopening`, async () => {
    const path = newPath();
    const store = await VecStore.open({ path, durability });
    await store.upsert([1, 2, 3].map(record));
    let refused = 0;
    const kept = new Set([1, 2, 3]);
    for (let room = 0; room < 600; room += 23) {
      let left = room;
      const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' });
      // As a disk does: what fits is written, then nothing.
      fs.writeSync = (fd, buffer, offset = 0, length = buffer.byteLength - offset, ...rest) => {
        if (left <= 0) throw full();
        const written = real.writeSync(fd, buffer, offset, Math.min(length, left), ...rest);
        left -= written;
        return written;
      };
      fs.writevSync = (fd, buffers, ...rest) => {
        if (left <= 0) throw full();
        const size = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
        if (size > left) {
          const whole = Buffer.concat(buffers.map((b) => Buffer.from(b.buffer, b.byteOffset, b.byteLength)));
          return fs.writeSync(fd, whole, 0, left, ...rest);
        }
        left -= size;
        return real.writevSync(fd, buffers, ...rest);
      };
      const id = 100 + room;
      const error = await store.upsert([record(id), record(id + 1000)]).then(() => null, (thrown) => thrown);
      if (error) {
        refused++;
        assert.equal(error.code, 'NO_SPACE', error.message);
      } else {
        kept.add(id).add(id + 1000);
      }
      assert.equal(await store.count(), kept.size);
      assert.equal((await store.query({ vector: [2, 1, 2], k: 1, exact: true })).length, 1);
      Object.assign(fs, { writeSync: real.writeSync, writevSync: real.writevSync });
      await store.upsert(record(room + 5000));
      kept.add(room + 5000);
    }
    assert.ok(refused >= 3, `${refused} writes met the full disk`);
    assert.deepEqual((await store.verify()).errors, []);
    await store.close();
    const again = await VecStore.open({ path });
    assert.equal(await again.count(), kept.size);
    assert.ok((await again.get([...kept])).every((found) => found !== null));
    assert.deepEqual((await again.verify()).errors, []);
    await again.close();
  });
}

test('fs, strict: a sync that fails is told, and the store is POISONED until it is opened again', async () => {
  const path = newPath();
  const store = await VecStore.open({ path });
  await store.upsert(record(1));
  watchSyncs(async () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  });
  await assert.rejects(store.upsert(record(2)), (error) => ['IO', 'POISONED'].includes(error.code));
  restore();
  await assert.rejects(store.upsert(record(3)), { code: 'POISONED' });
  assert.equal((await store.get(1)).id, 1);
  await store.close();
  const again = await VecStore.open({ path });
  const count = await again.count();
  assert.ok(count === 1 || count === 2, `${count}`);
  await again.upsert(record(3));
  assert.equal((await again.get(3)).id, 3);
  await again.close();
});
