// checks.js - small checks of store.js, and what its errors say of rows.

import { show } from './engine/value.js';
import { VecStoreError, invalid } from './errors.js';

/** @param {unknown} name */
export function checkName(name) {
  if (typeof name !== 'string' || !/^[\w.-]{1,128}$/.test(name)) {
    throw invalid(`a snapshot's name must be 1 to 128 letters, digits, '.', '_' or '-', not ${show(name)}`);
  }
}

/** There was one row. @param {unknown} error */
export function withoutIndex(error) {
  if (error instanceof VecStoreError) delete error.index;
  return error;
}

/**
 * Runs fn; its error says which row of a batch it was.
 * @template T
 * @param {number} index
 * @param {() => T} fn
 * @returns {T}
 */
export function atRow(index, fn) {
  try {
    return fn();
  } catch (error) {
    if (error instanceof VecStoreError) error.index ??= index;
    throw error;
  }
}
