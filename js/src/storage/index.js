// index.js - which backend keeps a store.
//
// `auto` opens a store of that name wherever one is visible; only for a new one
// there is a preference: a directory where there are files; in browsers the
// private file system within a worker, else IndexedDB; else memory.

import { unsupported } from '../errors.js';

/** @typedef {import('../platform/platform.js').Platform} Platform */
/** @typedef {import('../platform/platform.js').Kind} Kind */

const NEEDS = {
  memory: 'memory', fs: 'a file system', idbfs: 'IndexedDB and Web Locks', idb: 'IndexedDB and Web Locks',
  opfs: "the origin's private file system", host: 'a storage host',
};

/**
 * @param {Platform} platform
 * @param {'auto' | Kind | object} storage a name, or a StorageHost
 * @param {string | undefined} path
 * @param {boolean} requirePersistence
 * @param {unknown} wasm
 */
export async function openBackend(platform, storage, path, requirePersistence, wasm) {
  if (typeof storage === 'object') return (await import('./host.js')).openHost({ platform, path, wasm }, storage);
  const kind = storage !== 'auto' ? /** @type {Kind} */ (storage) : await choose(platform, path);
  if (kind === 'memory' && requirePersistence) {
    if (path === undefined) throw unsupported('requirePersistence: true needs a path');
    const why = storage === 'auto' ? `${platform.name} offers no persistent storage` : "storage 'memory' does not last";
    throw unsupported(`requirePersistence: true, but ${why}`);
  }
  const open = platform.backends[kind];
  if (!open) throw unsupported(`storage '${kind}' needs ${NEEDS[kind]}, which ${platform.name} does not offer`);
  if (kind === 'memory' && storage === 'auto' && path !== undefined) {
    console.warn(`vecstore: no persistent storage here; '${path}' is kept in memory only`);
  }
  return open({ platform, path, wasm });
}

/** @param {Platform} platform @param {string | undefined} path @returns {Promise<Kind>} */
async function choose(platform, path) {
  if (path === undefined) return 'memory';
  return (await platform.existing?.(path)) ?? platform.preferred() ?? 'memory';
}
