// index.js - which backend keeps a store.
//
// `auto` opens a store of that name wherever one is visible; only for a new one
// there is a preference: a directory where there are files; in browsers the
// private file system within a worker, else IndexedDB; else memory.

import { preload } from '../engine/load.js';
import { unsupported } from '../errors.js';

/** @typedef {import('../platform/platform.js').Platform} Platform */
/** @typedef {import('../platform/platform.js').Kind} Kind */

const NEEDS = {
  memory: 'memory', fs: 'a file system', idbfs: 'IndexedDB and Web Locks', idb: 'IndexedDB and Web Locks',
  opfs: "the origin's private file system", host: 'a storage host',
};

const BROWSERS = ['idbfs', 'idb', 'opfs'];

/**
 * @param {Platform} platform
 * @param {'auto' | Kind | object} storage a name, or a StorageHost
 * @param {string | undefined} path
 * @param {boolean} requirePersistence
 * @param {unknown} wasm
 * @param {boolean} whole all of the engine will be needed
 */
export async function openBackend(platform, storage, path, requirePersistence, wasm, whole) {
  if (typeof storage === 'object') return (await import('./host.js')).openHost({ platform, path, wasm }, storage);
  const isAuto = storage === 'auto';
  let kind = isAuto ? await choose(platform, path) : /** @type {Kind} */ (storage);
  // What a browser keeps it may lose, and what it offers it may refuse: both are found out before it is opened. The
  // engine and the backend are on their way meanwhile.
  if (BROWSERS.includes(kind)) {
    preload(platform, kind === 'idbfs' ? 'vecstore.idbfs' : 'vecstore', wasm, whole);
    platform.warm?.(kind);
  }
  const known = BROWSERS.includes(kind) && path !== undefined ? await platform.known?.().catch(() => undefined) : undefined;
  const place = /** @type {import('./known.js').Kind} */ (kind);
  const vanished = await known?.hasVanished(known.placesOf(isAuto, place), /** @type {string} */ (path)) ?? false;
  const isNew = isAuto && known && !vanished && (await platform.existing?.(/** @type {string} */ (path))) === null;
  if (isNew && !(await known.canKeep(place))) kind = 'memory';
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
  const backend = await open({ platform, path, wasm });
  return known && kind !== 'memory' ? known.marking(backend, place, /** @type {string} */ (path), vanished) : backend;
}

/** @param {Platform} platform @param {string | undefined} path @returns {Promise<Kind>} */
export async function choose(platform, path) {
  if (path === undefined) return 'memory';
  return (await platform.existing?.(path)) ?? platform.preferred() ?? 'memory';
}
