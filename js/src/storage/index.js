// index.js - which backend keeps a store.
//
// `auto` opens a store of that name wherever one is visible; only for a new one
// there is a preference: a directory where there are files, IndexedDB in
// browsers, else memory.

import { unsupported } from '../errors.js';

/** @typedef {import('../platform/platform.js').Platform} Platform */
/** @typedef {import('../platform/platform.js').Kind} Kind */

const NEEDS = { memory: 'memory', fs: 'a file system', idbfs: 'IndexedDB and Web Locks' };

/**
 * @param {Platform} platform
 * @param {'auto' | Kind} storage
 * @param {string | undefined} path
 * @param {boolean} requirePersistence
 */
export async function openBackend(platform, storage, path, requirePersistence) {
  // Every place that can hold a store in this version is alone in its runtime, so `auto` has
  // nothing to look through: an existing store of the name is where a new one would go.
  const kind = storage !== 'auto' ? storage : path === undefined ? 'memory' : platform.preferred() ?? 'memory';
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
  return open({ platform, path });
}
