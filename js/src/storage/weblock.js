// weblock.js - one opener of a name at a time, over all tabs and workers of a site.
//
// The lock `vecstore:<path>` is what counts. A second one tells since when it is held, by its name
// alone, `vecstore:<path>@<milliseconds since 1970>`: it can be read while the holder is frozen, and goes with it.

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
 * Since when the store is held, for people; undefined where that is not known.
 * @param {string} path
 * @returns {Promise<string | undefined>}
 */
export async function holderAge(path) {
  const { held = [] } = await navigator.locks.query().catch(() => ({ held: [] }));
  const prefix = `vecstore:${path}@`;
  const since = Number(held.find(({ name }) => name?.startsWith(prefix))?.name?.slice(prefix.length));
  if (!(since > 0 && since < 8.64e15)) return undefined;
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  const age = seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
  return `${new Date(since).toISOString()} (${age})`;
}

/** @param {string} path @param {any} error */
async function refusal(path, error) {
  if (error?.name !== 'AbortError') return new VecStoreError('IO', `no lock for the store '${path}': ${error?.message}`, { cause: error });
  const age = await holderAge(path);
  return new VecStoreError('LOCKED', `the store '${path}' is open already in another tab or worker of this site` +
    `${age === undefined ? '' : `, since ${age}`} (waited ${WAIT_MS / 1000} s)`);
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
      return new Promise((release) => {
        /** @type {(value?: unknown) => void} */
        let forget = () => {};
        const held = new Promise((done) => (forget = done));
        navigator.locks.request(`vecstore:${path}@${Date.now()}`, { mode: 'shared' }, () => held).catch(() => {});
        resolve(() => {
          forget();
          release(undefined);
        });
      });
    }).catch((error) => {
      clearTimeout(timer);
      refusal(path, error).then(reject);
    });
  });
}
