// A caller's own StorageHost: the behaviour suite on one that keeps files in a map, and one that fails.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VecStore, VecStoreError } from '../../js/src/index.node.js';
import { TEST_SEAM } from '../../js/src/open.js';
import { suite } from './behaviour/index.mjs';

/** What README shows in short: files in a map, durable at once. */
class MapHost {
  files = new Map();
  directories = new Set(['']);
  syncs = [];
  isOpen = false;

  open(path) {
    const file = this.files.get(path);
    if (!file) throw new VecStoreError('NOT_FOUND', path);
    return {
      read(offset, into) {
        const bytes = file.bytes.subarray(offset, offset + into.length);
        into.set(bytes);
        return bytes.length;
      },
      append: (bytes) => this.append(file, bytes),
      size: () => file.bytes.length,
    };
  }

  append(file, bytes) {
    file.bytes = Buffer.concat([file.bytes, bytes]);
  }

  create(path) {
    if (this.files.has(path)) throw new VecStoreError('ALREADY_EXISTS', path);
    this.files.set(path, { bytes: Buffer.alloc(0) });
    return this.open(path);
  }

  remove(path) {
    if (!this.files.delete(path)) throw new VecStoreError('NOT_FOUND', path);
  }

  list(directory) {
    if (!this.directories.has(directory)) throw new VecStoreError('NOT_FOUND', directory);
    const inside = (path) => path !== '' && path.slice(0, Math.max(0, path.lastIndexOf('/'))) === directory;
    const last = (path) => path.slice(path.lastIndexOf('/') + 1);
    return [...[...this.files.keys()].filter(inside).map(last), ...[...this.directories].filter(inside).map((d) => `${last(d)}/`)];
  }

  mkdir(directory) {
    this.directories.add(directory);
  }

  async sync(names) {
    this.syncs.push(names);
    await new Promise(setImmediate);
  }

  close() {
    this.isOpen = false;
  }
}

let paths = 0;
const hosts = new Map();
const newPath = () => `h${paths++}`;

/** VecStore whose stores of a path lie in a host of that path; one opener at a time, as the locks of real places see to. */
class Hosted extends VecStore {
  static async open(options) {
    const { host, given } = Hosted.at(options);
    const store = await VecStore.open(given);
    host.isOpen = true;
    return store;
  }

  static import(bytes, options) {
    return VecStore.import(bytes, options?.storage === 'host' ? Hosted.at(options).given : options);
  }

  static at(options) {
    if (options?.storage !== 'host') return { host: {}, given: options };
    if (!hosts.has(options.path)) hosts.set(options.path, new MapHost());
    const host = hosts.get(options.path);
    if (host.isOpen) throw new VecStoreError('LOCKED', 'open already');
    return { host, given: { ...options, storage: host } };
  }
}

describe('storage: a host of the caller', () => {
  for (const [name, run] of suite({ VecStore: Hosted, storage: 'host', newPath, seam: TEST_SEAM, slow: false })) test(name, run);
});

test('only files that changed are named to the host, and a commit costs little', async () => {
  const host = new MapHost();
  const store = await VecStore.open({ storage: host, dimension: 8 });
  await store.upsert({ id: 1, vector: new Float32Array(8) });
  const bytes = () => [...host.files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
  const before = bytes();
  host.syncs.length = 0;
  await store.upsert({ id: 2, vector: new Float32Array(8) });
  assert.equal(host.syncs.length, 1);
  assert.deepEqual(host.syncs[0].files.map((name) => name.replace(/\d+$/, '')), ['c/1/wal-']);
  assert.ok(bytes() - before < 500);
  const { storage } = await store.stats();
  assert.deepEqual([storage.kind, storage.persistent], ['host', true]);
  await store.close();
});

test('what a host throws is told, and nothing is lost', async () => {
  const host = new MapHost();
  const store = await VecStore.open({ storage: host });
  await store.upsert({ id: 1, vector: [1, 2] });
  const { append } = host;
  for (const [thrown, code] of [
    [new VecStoreError('NO_SPACE', 'full'), 'NO_SPACE'], [Object.assign(new Error('full'), { code: 'ENOSPC' }), 'NO_SPACE'],
    [new TypeError('a mistake'), 'IO'], ['a string', 'IO'],
  ]) {
    host.append = () => {
      throw thrown;
    };
    await assert.rejects(store.upsert({ id: 2, vector: [1, 2] }), { code });
    host.append = append;
    assert.equal(await store.count(), 1);
    await store.upsert({ id: 3, vector: [3, 4] });
    await store.delete(3);
  }
  host.sync = async () => {
    throw new Error('the place is gone');
  };
  await assert.rejects(store.upsert({ id: 4, vector: [1, 2] }), { code: 'IO' });
  await assert.rejects(store.upsert({ id: 5, vector: [1, 2] }), { code: 'POISONED' });
  delete host.sync;
  await store.close();
  const again = await VecStore.open({ storage: host });
  assert.equal((await again.get(1)).id, 1);
  await again.close();
});

test('an object that is no host is refused by what it lacks', async () => {
  for (const storage of [{}, { open() {} }, [], { ...new MapHost() }]) {
    await assert.rejects(VecStore.open({ storage }), { code: 'INVALID_ARGUMENT', message: /open, create, remove, list, mkdir, sync/ });
  }
});
