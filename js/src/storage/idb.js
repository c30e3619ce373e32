// idb.js - a store in IndexedDB, written by this package itself: what was appended, and nothing twice.
//
// The files live in memory, because the engine reads at once and IndexedDB cannot. Each sync writes what
// was appended since the last one as extents under [path, offset], and removes what was removed, in one
// transaction of strict durability. So a commit costs its own bytes, a sync happens whole or not at all,
// and a crash leaves the state after some sync.
//
//   B1  One opener at a time: a Web Lock is held for the life of the store.
//   B2  Extents of a file are consecutive: a gap or an overlap is CORRUPT.
//   B3  Acknowledged only at the transaction's complete event; an abort is an error, with its cause.
//   B4  Nothing is written before Chromium writes to a new log (leveldb.js).

import { VecStoreError } from '../errors.js';
import { FlatFiles } from './flat.js';
import { hostBackend } from './host.js';
import { newLog } from './leveldb.js';
import { plainName, takeWebLock } from './weblock.js';

const EXTENTS = 'extents';
const VERSION = 1;
const SYNC_DELAY_MS = 100;
/** Pieces appended between two syncs are joined up to this size. */
const EXTENT_BYTES = 1 << 20;

/** The database of a store. @param {string} path */
export const databaseName = (path) => `/vecstore-idb/${path}`;

class IdbFile {
  /** Consecutive pieces, each with the offset where it begins. @type {{ at: number, bytes: Uint8Array }[]} */
  pieces = [];
  length = 0;
  /** Bytes that IndexedDB has, or is being given. */
  stored = 0;

  /** @param {number} offset @param {Uint8Array} into */
  read(offset, into) {
    const n = Math.max(0, Math.min(into.length, this.length - offset));
    for (let done = 0, i = this.#pieceAt(offset); done < n; i++) {
      const { at, bytes } = this.pieces[i];
      const from = offset + done - at;
      const part = bytes.subarray(from, from + n - done);
      into.set(part, done);
      done += part.length;
    }
    return n;
  }

  /** The index of the piece that holds an offset. @param {number} offset */
  #pieceAt(offset) {
    let low = 0;
    let high = this.pieces.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.pieces[middle].at <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  /** @param {Uint8Array} bytes */
  append(bytes) {
    const last = this.pieces.at(-1);
    // What IndexedDB has not seen yet grows to one extent.
    if (last && last.at >= this.stored && last.bytes.length + bytes.length <= EXTENT_BYTES) {
      const joined = new Uint8Array(last.bytes.length + bytes.length);
      joined.set(last.bytes);
      joined.set(bytes, last.bytes.length);
      last.bytes = joined;
    } else {
      this.pieces.push({ at: this.length, bytes: bytes.slice() });
    }
    this.length += bytes.length;
  }

  size() {
    return this.length;
  }
}

/** @extends {FlatFiles<IdbFile>} */
class IdbFiles extends FlatFiles {
  #database;
  #release;
  /** B4. @type {Promise<void> | undefined} */
  #newLog;
  /** Paths removed since the last sync. @type {Set<string>} */
  #removed = new Set();

  /** @param {IDBDatabase} database @param {() => void} release */
  constructor(database, release) {
    super();
    this.#database = database;
    this.#release = release;
  }

  /** Reads everything (B2), then sees to the log. */
  async load() {
    const store = this.#database.transaction(EXTENTS, 'readonly').objectStore(EXTENTS);
    const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())]);
    keys.forEach((key, i) => {
      const [path, at] = /** @type {[string, number]} */ (key);
      const file = this.files.get(path) ?? new IdbFile();
      this.files.set(path, file);
      const bytes = values[i];
      if (at !== file.length || !(bytes instanceof Uint8Array)) {
        throw new VecStoreError('CORRUPT', `IndexedDB holds no continuous file ${path}`, { file: path });
      }
      file.pieces.push({ at, bytes });
      file.length += bytes.length;
      file.stored = file.length;
    });
    this.#newLog = newLog();
  }

  /** @param {string} path */
  create(path) {
    this.checkNew(path);
    const file = new IdbFile();
    this.files.set(path, file);
    return file;
  }

  /** @param {string} path */
  remove(path) {
    const file = this.open(path);
    this.files.delete(path);
    if (file.stored > 0) this.#removed.add(path);
  }

  /** Everything that changed, whatever the names (B3, B4). @returns {Promise<void>} */
  async sync() {
    await this.#newLog;
    return this.#write();
  }

  /** @returns {Promise<void>} */
  #write() {
    const removed = [...this.#removed];
    const grown = [...this.files].filter(([, file]) => file.length > file.stored);
    if (removed.length + grown.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(EXTENTS, 'readwrite', { durability: 'strict' });
      const store = transaction.objectStore(EXTENTS);
      /** @type {[IdbFile, number][]} */
      const before = [];
      for (const path of removed) store.delete(IDBKeyRange.bound([path, 0], [path, Infinity]));
      for (const [path, file] of grown) {
        for (const { at, bytes } of file.pieces) if (at >= file.stored) store.put(bytes, [path, at]);
        // What is appended from here on begins a new extent.
        before.push([file, file.stored]);
        file.stored = file.length;
      }
      transaction.oncomplete = () => {
        for (const path of removed) this.#removed.delete(path);
        resolve();
      };
      transaction.onabort = () => {
        // Nothing of it happened: the next sync offers the same again.
        for (const [file, stored] of before) file.stored = stored;
        reject(transaction.error ?? new Error('IndexedDB aborted the transaction'));
      };
      transaction.commit?.();
    });
  }

  get bytes() {
    let bytes = 0;
    for (const file of this.files.values()) bytes += file.length;
    return bytes;
  }

  close() {
    this.#database.close();
    this.#release();
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {string} path @returns {Promise<IDBDatabase>} */
function openDatabase(path) {
  const request = indexedDB.open(databaseName(path), VERSION);
  request.onupgradeneeded = () => request.result.createObjectStore(EXTENTS);
  return answer(request);
}

/**
 * @param {import('./backend.js').BackendRequest} request
 * @returns {Promise<import('./backend.js').Backend>}
 */
export async function openIdb(request) {
  const path = plainName(request.path, 'idb');
  const release = await takeWebLock(path);
  /** @type {IdbFiles | undefined} */
  let files;
  try {
    files = new IdbFiles(await openDatabase(path), release);
    await files.load();
  } catch (/** @type {any} */ error) {
    if (files) files.close();
    else release();
    if (error instanceof VecStoreError) throw error;
    throw new VecStoreError('IO', `cannot read the store '${path}' from IndexedDB: ${error?.message ?? error}`, { cause: error });
  }
  const kept = files;
  /** @type {boolean | null} */
  let keepsData = null;
  // Asked, not waited for: a browser may show the question to the user.
  navigator.storage?.persist?.().then((granted) => (keepsData = granted), () => {});
  return hostBackend(request, 'idb', kept, {
    syncDelayMs: SYNC_DELAY_MS,
    stats: () => ({ memory: { files: kept.bytes }, storage: { keepsData } }),
  });
}
