// known.js - whether a browser has lost a store that was there, and whether it keeps anything at all. Loaded when needed.
//
// Browsers throw data away: under pressure, after days without a visit, by a click, and
// by damage: Chromium drops an origin's whole IndexedDB when its log is broken. Then a store
// opens empty, as if it had never been there. So the first write of a session leaves a mark in other places than
// the data's: for stores in IndexedDB a file in the private file system, for those in the private file system
// a database in IndexedDB, and for pages an entry in localStorage, which some browsers keep when they evict the rest.
// A mark without a store is a loss, which the opening then tells. Marks are hints: no failure here is one of the store.

/** @typedef {'idbfs' | 'idb' | 'opfs'} Kind */
/** @typedef {import('./backend.js').Backend} Backend */

const KINDS = /** @type {Kind[]} */ (['opfs', 'idbfs', 'idb']);
const DIRECTORY = 'vecstore-known';

/** @param {Kind} kind @param {string} path */
const markOf = (kind, path) => `${kind}-${path}`;

/** @param {Kind} kind @param {string} path */
const databaseOf = (kind, path) => `/${DIRECTORY}/${markOf(kind, path)}`;

/** What fn gives, or the other value where it fails. @template T @param {() => T | Promise<T>} fn @param {T} otherwise */
async function quietly(fn, otherwise) {
  try {
    return await fn();
  } catch {
    return otherwise;
  }
}

/** @returns {Promise<(string | undefined)[]>} */
const databases = () => quietly(async () => (await indexedDB.databases()).map(({ name }) => name), []);

/** @param {Kind} kind @param {string} path @param {(string | undefined)[]} names of databases */
async function isThere(kind, path, names) {
  if (kind !== 'opfs') return names.includes(`${kind === 'idbfs' ? '/vecstore/' : '/vecstore-idb/'}${path}`);
  return quietly(async () => {
    const root = await navigator.storage.getDirectory();
    await (await root.getDirectoryHandle('vecstore')).getDirectoryHandle(path);
    return true;
  }, false);
}

/** @param {Kind} kind @param {string} path @param {(string | undefined)[]} names */
async function isMarked(kind, path, names) {
  if (await quietly(() => localStorage.getItem(databaseOf(kind, path)) !== null, false)) return true;
  if (kind === 'opfs') return names.includes(databaseOf(kind, path));
  return quietly(async () => {
    const root = await navigator.storage.getDirectory();
    await (await root.getDirectoryHandle(DIRECTORY)).getFileHandle(markOf(kind, path));
    return true;
  }, false);
}

/**
 * Whether a store of this name was here, in one of these places, and is in none of them now.
 * @param {Kind[]} kinds
 * @param {string} path
 */
export async function hasVanished(kinds, path) {
  const names = await databases();
  for (const kind of kinds) if (await isThere(kind, path, names)) return false;
  for (const kind of kinds) if (await isMarked(kind, path, names)) return true;
  return false;
}

/** @param {Kind} kind @param {string} path */
async function remember(kind, path) {
  await quietly(() => localStorage.setItem(databaseOf(kind, path), '1'), undefined);
  await quietly(async () => {
    if (kind === 'opfs') {
      (await openDatabase(databaseOf(kind, path))).close();
      return;
    }
    const root = await navigator.storage.getDirectory();
    await (await root.getDirectoryHandle(DIRECTORY, { create: true })).getFileHandle(markOf(kind, path), { create: true });
  }, undefined);
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('probe');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
}

/** @param {string} name */
async function probeDatabase(name) {
  const database = await openDatabase(name);
  try {
    await new Promise((resolve, reject) => {
      const transaction = database.transaction('probe', 'readwrite');
      transaction.objectStore('probe').put(1, 1);
      transaction.oncomplete = () => resolve(undefined);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
    indexedDB.deleteDatabase(name);
  }
}

/** @param {string} name */
async function probeFile(name) {
  const root = await navigator.storage.getDirectory();
  const directory = await root.getDirectoryHandle(DIRECTORY, { create: true });
  const handle = await /** @type {any} */ (await directory.getFileHandle(name, { create: true })).createSyncAccessHandle();
  handle.write(new Uint8Array(1), { at: 0 });
  handle.flush();
  handle.close();
  await directory.removeEntry(name);
}

/**
 * Whether something can be kept, found out by keeping something: private windows offer storage and refuse to write.
 * @param {Kind} kind
 */
export const canKeep = (kind) => quietly(async () => {
  const name = `probe-${crypto.randomUUID?.() ?? Math.random()}`;
  await (kind === 'opfs' ? probeFile(name) : probeDatabase(`/${DIRECTORY}/${name}`));
  return true;
}, false);

/**
 * The backend, which leaves the mark after its first sync and tells of a loss in its statistics.
 * @param {Backend} backend
 * @param {Kind} kind
 * @param {string} path
 * @param {boolean} vanished
 */
export function marking(backend, kind, path, vanished) {
  const { sync, stats } = backend;
  /** @type {Promise<void> | undefined} */
  let marked;
  backend.sync = async (names) => {
    await sync.call(backend, names);
    marked ??= remember(kind, path);
  };
  backend.stats = () => {
    const told = stats.call(backend);
    return { ...told, storage: { ...told.storage, vanished } };
  };
  if (vanished) {
    console.warn(`vecstore: the store '${path}' was here and is gone: the browser has thrown its data away. A new one, ` +
      'empty, takes its place');
  }
  return backend;
}

/** Where to look for a store that 'auto' would find, or for one of a kind. @param {boolean} isAuto @param {Kind} kind */
export const placesOf = (isAuto, kind) => (isAuto ? KINDS : [kind]);
