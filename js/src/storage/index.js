// index.js - which backend keeps a store.
//
// `auto` opens a store of that name wherever one is visible; only for a new one
// there is a preference: a directory where there are files, IndexedDB in
// browsers, else memory.

import { unsupported } from '../errors.js';
import { openFs } from './fs.js';
import { hasIdbfs, openIdbfs } from './idbfs.js';
import { openMemory } from './memory.js';

/** @typedef {import('../platform/platform.js').Platform} Platform */
/** @typedef {'memory' | 'fs' | 'idbfs'} Kind */

const OPEN = { memory: openMemory, fs: openFs, idbfs: openIdbfs };

/**
 * The backend that `auto` stands for here. Every place that can hold a store
 * in this version is alone in its runtime, so there is nothing to look through.
 * @param {Platform} platform
 * @param {string | undefined} path
 * @returns {Kind}
 */
function chooseAuto(platform, path) {
  if (path === undefined) return 'memory';
  if (platform.files) return 'fs';
  return hasIdbfs(platform) ? 'idbfs' : 'memory';
}

/**
 * @param {Platform} platform
 * @param {'auto' | Kind} storage
 * @param {string | undefined} path
 * @param {boolean} requirePersistence
 */
export async function openBackend(platform, storage, path, requirePersistence) {
  const kind = storage === 'auto' ? chooseAuto(platform, path) : storage;
  if (kind === 'memory' && requirePersistence) {
    throw unsupported(path === undefined
      ? 'requirePersistence: true needs a path'
      : `requirePersistence: true, but ${storage === 'auto' ? `${platform.name} offers no` : "storage 'memory' is no"} ` +
        'persistent storage');
  }
  if (kind === 'memory' && storage === 'auto' && path !== undefined) {
    console.warn(`vecstore: no persistent storage here; '${path}' is kept in memory only`);
  }
  return OPEN[kind]({ platform, path });
}
