// storage-cases.js - what storages.test.mjs does in a page or a worker; the store stays here between two calls.
import { VecStore } from '/js/src/index.js';

let store;

export async function openAndTell(options) {
  store = await VecStore.open(options);
  const { storage, count } = await store.stats();
  return [storage.kind, storage.persistent, count];
}

export const close = () => store.close();
export const write = (id) => store.upsert({ id, vector: [1, 2, 3] });

/** Bytes handed to the storage by each of 20 upserts into a store of 3,000. */
export async function costs(options) {
  let written = 0;
  const { put } = IDBObjectStore.prototype;
  const { write: writeFile } = FileSystemSyncAccessHandle.prototype;
  IDBObjectStore.prototype.put = function counted(value, key) {
    written += value.byteLength;
    return put.call(this, value, key);
  };
  FileSystemSyncAccessHandle.prototype.write = function counted(data, at) {
    written += data.byteLength;
    return writeFile.call(this, data, at);
  };
  store = await VecStore.open(options);
  const vector = (i) => Float32Array.from({ length: 384 }, (_, j) => Math.sin(i * 384 + j));
  await store.upsert(Array.from({ length: 3000 }, (_, id) => ({ id, vector: vector(id) })));
  await store.checkpoint();
  const costs = [];
  for (let i = 0; i < 20; i++) {
    written = 0;
    await store.upsert({ id: i, vector: vector(i + 9000), metadata: { changed: i } });
    costs.push(written);
  }
  await store.close();
  return costs;
}

/** Writes while IndexedDB aborts every transaction, and after reopening. */
export async function abort() {
  const options = { path: 'aborting', storage: 'idb' };
  store = await VecStore.open(options);
  await store.upsert({ id: 1, vector: [1, 2] });
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function aborting(...args) {
    const made = transaction.apply(this, args);
    if (args[1] === 'readwrite') made.commit = () => made.abort();
    return made;
  };
  const codes = [];
  for (const id of [2, 3]) codes.push(await store.upsert({ id, vector: [1, 2] }).catch((error) => error.code));
  IDBDatabase.prototype.transaction = transaction;
  await store.close();
  store = await VecStore.open(options);
  codes.push(await store.count(), (await store.verify()).errors.length);
  await store.upsert({ id: 4, vector: [1, 2] });
  await store.close();
  return codes;
}

/** A file with half a header lies among the pool. */
export async function tear() {
  const options = { path: 'torn', storage: 'opfs' };
  store = await VecStore.open(options);
  await store.upsert({ id: 1, vector: [1, 2] });
  await store.close();
  const root = await navigator.storage.getDirectory();
  const directory = await (await root.getDirectoryHandle('vecstore')).getDirectoryHandle('torn');
  const torn = await (await directory.getFileHandle('999', { create: true })).createSyncAccessHandle();
  torn.write(new TextEncoder().encode('VSopfs1\0garbage'), { at: 0 });
  torn.close();
  const before = [];
  for await (const name of directory.keys()) before.push(name);
  store = await VecStore.open(options);
  const result = [await store.count(), (await store.verify()).errors.length, before.every((name) => /^\d+$/.test(name))];
  await store.close();
  return result;
}
