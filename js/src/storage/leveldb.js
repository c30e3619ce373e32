// leveldb.js - keeps Chromium from losing an origin's IndexedDB after it was killed in mid-write.
//
// Chromium keeps IndexedDB in LevelDB and lets it go on with the log of the last run. Where that log ends in
// a record cut short by a kill or a power failure, the next run's records land behind the cut one, none of
// them can be read again, and the run after that drops every database of the origin
// (github.com/google/leveldb/issues/1287). Opening a database is a write already.
//
// The remedy: more is written than LevelDB keeps in one log (4 MiB), overwriting the same two values. It then
// turns to a new log, and the old one goes with what could be read of it in a table. No write may be
// acknowledged before, and it begins once the store has been read, so that no opening waits for it. It takes some
// 70 ms; the other browsers use SQLite and need none of it. What remains is a kill in mid-write and a second one in the
// first tenths of a second of the next run.

const NAME = 'vecstore-new-log';
const VALUES = 'values';
/** 54 KiB: larger values lie outside the log. */
const VALUE_BYTES = 54 << 10;
const VALUES_PER_TRANSACTION = 20;
/** 6.3 MiB in all: a new log, and time for the old one's table to be written. */
const TRANSACTIONS = 6;

/** @returns {boolean} */
const isChromium = () => /Chrom(e|ium)\//.test(globalThis.navigator?.userAgent ?? '');

/** Resolves once what is written to IndexedDB goes to a new log; never rejects. @returns {Promise<void>} */
export async function newLog() {
  if (!isChromium()) return;
  try {
    const database = await open();
    try {
      const value = new Uint8Array(VALUE_BYTES);
      for (let i = 0; i < TRANSACTIONS; i++) {
        await write(database, (values) => {
          for (let n = 0; n < VALUES_PER_TRANSACTION; n++) values.put(value, n % 2);
        });
      }
      await write(database, (values) => values.clear());
    } finally {
      database.close();
    }
  } catch {
    // No room for it, most likely: then the store's own writes say so.
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(VALUES);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBDatabase} database @param {(values: IDBObjectStore) => void} fill @returns {Promise<void>} */
function write(database, fill) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(VALUES, 'readwrite');
    fill(transaction.objectStore(VALUES));
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
