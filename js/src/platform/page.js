// page.js - what every page or worker of a browser offers, wherever the engine's files come from.

import { preload } from '../engine/load.js';
import { VecStoreError, unsupported } from '../errors.js';
import { openMemory } from '../storage/memory.js';

/** @typedef {import('../storage/backend.js').BackendRequest} BackendRequest */

/** Where a page cannot say that it is idle, as in workers. */
const IDLE_MS = 500;

/** Whether this page or worker can keep a store in IndexedDB. */
function hasIdbfs() {
  return typeof indexedDB !== 'undefined' && typeof navigator !== 'undefined' && navigator.locks !== undefined;
}

const idbfsCode = () => Promise.all([import('../storage/idbfs.js'), import('./glue.mjs')]);

/** The IDBFS backend: its code, Emscripten's glue and the engine, loaded at once and only here.
 * @param {BackendRequest} request */
async function openIdbfs(request) {
  if (!hasIdbfs()) throw unsupported("storage 'idbfs' needs IndexedDB and Web Locks, which this page has not");
  preload(request.platform, 'vecstore.idbfs', request.wasm);
  const [{ openIdbfs: open }, { default: factory }] = await idbfsCode().catch((error) => {
    throw new VecStoreError('IO', `cannot load the IDBFS build: ${error?.message}`, { cause: error });
  });
  return open(request, factory);
}

/** Whether this is a dedicated worker with the private file system's synchronous handles. */
function hasOpfs() {
  return typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype &&
    typeof navigator !== 'undefined' && navigator.locks !== undefined;
}

/** @param {string} path whether the private file system holds a store of that name */
async function isInOpfs(path) {
  try {
    const root = await navigator.storage.getDirectory();
    await (await root.getDirectoryHandle('vecstore')).getDirectoryHandle(path);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} path @returns {Promise<import('./platform.js').Kind | null>} */
async function existing(path) {
  // From a page it can be seen but not opened, which is then said: better than a second, empty store of the name.
  if (await isInOpfs(path)) return 'opfs';
  const databases = hasIdbfs() ? await indexedDB.databases?.().catch(() => []) ?? [] : [];
  const names = databases.map(({ name }) => name);
  return names.includes(`/vecstore/${path}`) ? 'idbfs' : names.includes(`/vecstore-idb/${path}`) ? 'idb' : null;
}

/** @param {URL} url */
export async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** @type {Omit<import('./platform.js').Platform, 'compile' | 'name'>} */
export const page = {
  whenIdle(fn) {
    if (typeof requestIdleCallback === 'function') requestIdleCallback(fn);
    else setTimeout(fn, IDLE_MS);
  },
  read: async (url) => (await get(url)).arrayBuffer(),
  yieldToHost: () => new Promise((done) => {
    // setTimeout waits 4 ms when nested; a message does not.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  }),
  backends: {
    memory: openMemory,
    idbfs: openIdbfs,
    async idb(request) {
      if (!hasIdbfs()) throw unsupported("storage 'idb' needs IndexedDB and Web Locks, which this page has not");
      return (await import('../storage/idb.js')).openIdb(request);
    },
    async opfs(request) {
      if (!hasOpfs()) {
        throw unsupported("storage 'opfs' needs a dedicated worker: open the store in one, or with worker: true");
      }
      return (await import('../storage/opfs.js')).openOpfs(request);
    },
  },
  existing,
  startWorker: async (make) => (await import('../worker/spawn.js')).spawn(make),
  known: () => import('../storage/known.js'),
  warm(kind) {
    if (kind === 'idbfs') idbfsCode().catch(() => {}); // Its failure is openIdbfs's to tell.
  },
  preferred: () => (hasOpfs() ? 'opfs' : hasIdbfs() ? 'idbfs' : null),
};
