// lazy.js - parts of the package that few calls need: loaded on first use, without losing the order of calls.
//
// A method that needs such a part takes its turn in the queue at once and loads
// within it, so that later calls stay later; until then it works on a snapshot of
// its arguments, as if it had read them during the call.

import { isPlainObject, setOwn } from './engine/value.js';
import { VecStoreError } from './errors.js';

/** Deeper than anything that is accepted, so that what lies below need not be copied. */
const MAX_DEPTH = 80;

/**
 * A copy of plain objects, arrays and vectors; of what has a toJSON its JSON; functions and others are as given.
 * @param {any} value
 * @param {Map<object, any>} [seen]
 * @param {number} [depth]
 * @returns {any}
 */
export function snapshot(value, seen = new Map(), depth = 0) {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (seen.has(value)) return seen.get(value);
  if (ArrayBuffer.isView(value)) return /** @type {any} */ (value).slice?.() ?? value;
  const isArray = Array.isArray(value);
  if (!isArray && !isPlainObject(value)) {
    return typeof value.toJSON === 'function' ? snapshot(value.toJSON(''), seen, depth + 1) : value;
  }
  const copy = isArray ? new Array(value.length) : {};
  seen.set(value, copy);
  for (const key of Object.keys(value)) setOwn(copy, key, snapshot(value[key], seen, depth + 1));
  return copy;
}

/** @typedef {typeof import('./more.js')} More */

/** @type {More | undefined} */
let loaded;

/** @returns {Promise<More>} */
async function load() {
  try {
    // The address is written out so that bundlers find it.
    return (loaded = await import('./more.js'));
  } catch (error) {
    throw new VecStoreError('IO', `cannot load a part of the package: ${/** @type {any} */ (error)?.message ?? error}`, {
      cause: error,
    });
  }
}

/**
 * Runs fn with what more.js offers: at once when it has been loaded before.
 * @template T
 * @param {(more: More) => T} fn
 * @returns {T | Promise<Awaited<T>>}
 */
export function withMore(fn) {
  return loaded ? fn(loaded) : /** @type {any} */ (load().then(fn));
}
