// errors.js - the one error class of the package, and how other failures become one.

import { ABI, STATUS } from './engine/abi.gen.js';

/**
 * What went wrong, for programs. The engine's statuses map to these one to one.
 * @typedef {'INVALID_ARGUMENT' | 'DIMENSION_MISMATCH' | 'FILTER_SYNTAX' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'CORRUPT' |
 *   'VERSION' | 'NO_SPACE' | 'OUT_OF_MEMORY' | 'LOCKED' | 'READ_ONLY' | 'SUSPENDED' | 'QUOTA_EXCEEDED' | 'CONFLICT' |
 *   'SCHEMA' | 'UNSUPPORTED' | 'ABORTED' | 'POISONED' | 'WORKER_LOST' | 'CLOSED' | 'IO'} ErrorCode
 */

/** What makes an error one of this package's, whichever of its files made it. */
const BRAND = Symbol.for('vecstore.error');

/**
 * Every failure of this package. After one the store goes on working, unless
 * the code is CORRUPT, POISONED or CLOSED.
 */
export class VecStoreError extends Error {
  /** Whatever a minifier calls the class. @internal */
  static name = 'VecStoreError';

  /**
   * The package's entries are files of their own, each with this class: an error of one is an error of all.
   * @param {any} value
   * @returns {value is VecStoreError}
   */
  static [Symbol.hasInstance](value) {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{ index?: number, file?: string, offset?: number, field?: string, inputLine?: number, cause?: unknown }} [details]
   */
  constructor(code, message, { index, file, offset, field, inputLine, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'VecStoreError';
    Object.defineProperty(this, BRAND, { value: true });
    /** @type {ErrorCode} */
    this.code = code;
    // What does not apply is absent, not undefined.
    if (index !== undefined) {
      /** The wrong row of a batch, counted from 0. @type {number | undefined} */
      this.index = index;
    }
    if (file !== undefined) {
      /** The damaged file. @type {string | undefined} */
      this.file = file;
    }
    if (offset !== undefined) {
      /** Where in the filter or query text. @type {number | undefined} */
      this.offset = offset;
    }
    if (field !== undefined) {
      /** The metadata field that does not fit the schema. @type {string | undefined} */
      this.field = field;
    }
    if (inputLine !== undefined) {
      /** The wrong line of JSON Lines, counted from 1; some engines have a `line` of their own. @type {number | undefined} */
      this.inputLine = inputLine;
    }
  }
}

/**
 * @param {string} message
 * @param {number} [index]
 */
export const invalid = (message, index) => new VecStoreError('INVALID_ARGUMENT', message, { index });

/** @param {string} message */
export const unsupported = (message) => new VecStoreError('UNSUPPORTED', message);

/**
 * The error code of an engine status; an unknown number can only come from a newer engine.
 * @param {number} status
 * @returns {ErrorCode}
 */
export const codeOf = (status) => /** @type {ErrorCode} */ (STATUS[status] ?? 'IO');

/**
 * The engine status for a failure of the host's storage.
 * @param {any} error
 * @returns {number}
 */
export function statusOfHostError(error) {
  // A DOMException says it by name; its code is a number.
  const full = [error?.code, error?.name].some((word) => ['ENOSPC', 'EDQUOT', 'QuotaExceededError'].includes(word));
  return full ? ABI.NO_SPACE : ABI.IO;
}

/**
 * Throws ABORTED once the caller's signal has fired.
 * @param {AbortSignal | undefined} signal
 */
export function throwIfAborted(signal) {
  if (signal?.aborted) {
    throw new VecStoreError('ABORTED', 'the operation was aborted by its signal', { cause: signal.reason });
  }
}
