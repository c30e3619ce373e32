// weblock.js - one opener of a name at a time, over all tabs and workers of a site.

import { VecStoreError, invalid } from '../errors.js';

const WAIT_MS = 2000;
const NAME = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * The name of a store of this origin, checked.
 * @param {string | undefined} path
 * @param {string} storage
 */
export function plainName(path, storage) {
  if (path === undefined) throw invalid(`storage '${storage}' needs a path`);
  if (!NAME.test(path) || path === '.' || path === '..') {
    throw invalid(`path must be a plain name of [A-Za-z0-9._-]{1,128} for storage '${storage}': ${JSON.stringify(path)}`);
  }
  return path;
}

/**
 * Holds the store's Web Lock until the function it gives is called. A reloaded page's lock lingers for a moment, so this waits.
 * @param {string} path
 * @returns {Promise<() => void>}
 */
export function takeWebLock(path) {
  return new Promise((resolve, reject) => {
    const wait = new AbortController();
    const timer = setTimeout(() => wait.abort(), WAIT_MS);
    navigator.locks.request(`vecstore:${path}`, { mode: 'exclusive', signal: wait.signal }, () => {
      clearTimeout(timer);
      return new Promise((release) => resolve(() => release(undefined)));
    }).catch((error) => {
      clearTimeout(timer);
      reject(error?.name === 'AbortError'
        ? new VecStoreError('LOCKED', `the store '${path}' is open already in another tab or worker of this site ` +
            `(waited ${WAIT_MS / 1000} s)`)
        : new VecStoreError('IO', `no lock for the store '${path}': ${error?.message}`, { cause: error }));
    });
  });
}
