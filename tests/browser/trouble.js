// trouble.js - what trouble.test.mjs does in a page or a worker.
import { VecStore } from '/js/src/index.js';

const answer = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Opens, writes one, closes: whether a loss was told, and how many there are. */
export async function write(options, id) {
  const store = await VecStore.open(options);
  await store.upsert({ id, vector: [1, 2] });
  const { storage, count } = await store.stats();
  await store.close();
  // The mark is made beside the first write.
  await new Promise((done) => setTimeout(done, 100));
  return [storage.vanished, count];
}

/** The browser loses the data of one store. */
export async function lose(path, storage) {
  if (storage !== 'opfs') return void await answer(indexedDB.deleteDatabase(storage === 'idb' ? `/vecstore-idb/${path}` : `/vecstore/${path}`));
  const root = await navigator.storage.getDirectory();
  await (await root.getDirectoryHandle('vecstore')).removeEntry(path, { recursive: true });
}

/** It evicts the origin. */
export async function loseAll() {
  for (const { name } of await indexedDB.databases()) await answer(indexedDB.deleteDatabase(name));
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
}

export const kindOf = (options) => VecStore.open(options).then(async (store) => {
  const { kind, persistent } = (await store.stats()).storage;
  await store.close();
  return [kind, persistent];
}, (error) => [`${error.code}: ${error.message}`]);

/** From some time on every write is refused for want of space, until there is some again. */
export async function fill(options) {
  const { commit } = IDBTransaction.prototype;
  const files = globalThis.FileSystemSyncAccessHandle?.prototype;
  const writeFile = files?.write;
  const full = () => new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  let isFull = false;
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function filling(...args) {
    const request = put.apply(this, args);
    if (isFull) {
      // As browsers do it: the transaction aborts, and says why.
      Object.defineProperty(this.transaction, 'error', { get: full });
      const { transaction: aborting } = this;
      queueMicrotask(() => {
        try {
          aborting.abort();
        } catch {
          // Another request did already.
        }
      });
    }
    return request;
  };
  IDBTransaction.prototype.commit = function filling() {
    if (isFull && this.mode === 'readwrite') this.abort();
    else commit.call(this);
  };
  if (files) files.write = function filling(...args) {
    if (isFull) throw full();
    return writeFile.apply(this, args);
  };
  let store = await VecStore.open(options);
  for (let id = 0; id < 5; id++) await store.upsert({ id, vector: [1, id] });
  isFull = true;
  const code = await store.upsert({ id: 5, vector: [1, 5] }).then(() => 'ok', (error) => error.code);
  const readable = (await store.get(3)).id === 3 && (await store.query({ vector: [1, 3], k: 2 })).length === 2;
  isFull = false;
  // Where one sync has failed the store may want to be opened anew.
  let again = await store.upsert({ id: 6, vector: [1, 6] }).then(() => 'ok', (error) => error.code);
  const wasPoisoned = again === 'POISONED';
  await store.close().catch(() => {});
  store = await VecStore.open(options);
  if (wasPoisoned) again = await store.upsert({ id: 6, vector: [1, 6] }).then(() => 'ok', (error) => error.code);
  const found = await store.get([0, 1, 2, 3, 4, 6]);
  const errors = (await store.verify()).errors.length;
  await store.close();
  IDBTransaction.prototype.commit = commit;
  IDBObjectStore.prototype.put = put;
  if (files) files.write = writeFile;
  return { code, readable, again, wasPoisoned, acknowledged: 6, kept: found.filter(Boolean).length, lost: found.filter((one) => !one).length, errors };
}

/** Every write is a year before the last. */
export async function turnBack(options) {
  const RealDate = Date;
  let now = RealDate.now();
  globalThis.Date = class extends RealDate {
    static now = () => (now -= 31_536_000_000);
    constructor(...args) {
      super(...(args.length > 0 ? args : [Date.now()]));
    }
  };
  try {
    let store = await VecStore.open(options);
    for (let id = 0; id < 20; id++) await store.upsert({ id, vector: [1, id] });
    await store.checkpoint();
    for (let id = 20; id < 30; id++) await store.upsert({ id, vector: [1, id] });
    await store.close();
    store = await VecStore.open(options);
    const found = [await store.count(), (await store.verify()).errors.length];
    await store.close();
    return found;
  } finally {
    globalThis.Date = RealDate;
  }
}

if (!globalThis.document) {
  const cases = { write, lose, loseAll, kindOf, fill, turnBack };
  onmessage = async ({ data: { name, args } }) => {
    postMessage(await cases[name](...args).then((value) => ({ value }), (error) => ({ error: String(error?.stack ?? error) })));
  };
}
