// wire.js - arguments, results and errors as messages between tabs.
//
// A message is copied by the browser (structured clone), which keeps vectors,
// bigint, cycles and odd keys, but neither functions, signals and symbols nor
// what is not a plain object. Of these a packed value tells by a list of
// places beside the copy what stands there, so that no key of the user's is
// special. Packing copies at once: the caller may change its objects after the call.

import { isPlainObject, setOwn } from '../engine/value.js';
import { VecStoreError } from '../errors.js';

/**
 * What stands at a place: a function or signal by number, and what would be refused, so that it is refused there too.
 * @typedef {{ path: (string | number)[], kind: 'function' | 'signal' | 'symbol' | 'json' | 'instance', n?: number,
 *   aborted?: boolean, name?: string, value?: Packed }} Special
 */

/** @typedef {{ value: any, special: Special[] }} Packed */

/** What stays with the sender. @typedef {{ functions: Map<number, Function>, signals: Map<number, AbortSignal> }} Kept */

/** Deeper than anything that is accepted: what lies below makes no difference. */
const MAX_DEPTH = 100;

/** @param {any} value */
const isSignal = (value) => typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function';

/** Cloned by the browser as they are, and never changed here. @param {any} value */
const isNative = (value) => /^\[object (Date|RegExp|Map|Set|Boolean|Number|String|BigInt|Blob|File|DataView|SharedArrayBuffer)\]$/
  .test(Object.prototype.toString.call(value));

class Packing {
  /** @type {Special[]} */
  special = [];
  /** @type {Map<object, any>} */
  #seen = new Map();

  /** @param {Kept} kept */
  constructor(kept) {
    this.kept = kept;
  }

  /** @param {any} value @param {(string | number)[]} path @returns {any} */
  walk(value, path) {
    if (typeof value === 'function') return this.#note({ path, kind: 'function', n: keep(this.kept.functions, value) });
    if (typeof value === 'symbol') return this.#note({ path, kind: 'symbol', name: value.description });
    if (typeof value !== 'object' || value === null) return value;
    if (path.length > MAX_DEPTH) return null;
    if (this.#seen.has(value)) return this.#seen.get(value);
    if (ArrayBuffer.isView(value)) return /** @type {any} */ (value).slice?.() ?? value;
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (isSignal(value)) {
      return this.#note({ path, kind: 'signal', n: keep(this.kept.signals, value), aborted: value.aborted });
    }
    if (Array.isArray(value)) {
      // A vector: nothing in it to look at.
      if (value.length > 8 && value.every((one) => typeof one === 'number')) return value.slice();
      return this.#members(value, new Array(value.length), path);
    }
    if (isPlainObject(value)) return this.#members(value, {}, path);
    if (isNative(value)) return value;
    if (typeof value.toJSON === 'function') {
      return this.#note({ path, kind: 'json', value: pack(value.toJSON(''), this.kept) });
    }
    const name = value.constructor?.name;
    return this.#note({ path, kind: 'instance', name, value: pack({ ...value }, this.kept) });
  }

  /** @param {any} from @param {any} to @param {(string | number)[]} path */
  #members(from, to, path) {
    this.#seen.set(from, to);
    for (const key of Object.keys(from)) setOwn(to, key, this.walk(from[key], [...path, key]));
    return to;
  }

  /** @param {Special} special */
  #note(special) {
    this.special.push(special);
    return undefined;
  }
}

/** @template T @param {Map<number, T>} kept @param {T} value */
function keep(kept, value) {
  kept.set(kept.size, value);
  return kept.size - 1;
}

/**
 * @param {any} value
 * @param {Kept} [kept] takes functions and signals
 * @returns {Packed}
 */
export function pack(value, kept = { functions: new Map(), signals: new Map() }) {
  const packing = new Packing(kept);
  return { value: packing.walk(value, []), special: packing.special };
}

/**
 * The value again; what was left behind is given by the two functions.
 * @param {Packed} packed
 * @param {(n: number, path: (string | number)[]) => Function} functionOf
 * @param {(n: number, aborted: boolean) => AbortSignal} signalOf
 * @returns {any}
 */
export function unpack({ value, special }, functionOf, signalOf) {
  let whole = value;
  for (const { path, kind, n = 0, aborted = false, name, value: inner } of special) {
    const made = kind === 'function' ? functionOf(n, path)
      : kind === 'signal' ? signalOf(n, aborted)
        : kind === 'symbol' ? Symbol(name) : likeBefore(kind, name, unpack(/** @type {Packed} */ (inner), functionOf, signalOf));
    const last = path.at(-1);
    if (last === undefined) whole = made;
    else setOwn(path.slice(0, -1).reduce((at, key) => at[key], whole), String(last), made);
  }
  return whole;
}

/** @param {string} kind @param {string | undefined} name @param {any} members */
function likeBefore(kind, name, members) {
  if (kind === 'json') return new (class { toJSON = () => members; })();
  const prototype = Object.create({}, { constructor: { value: Object.defineProperty(class {}, 'name', { value: name }) } });
  return Object.assign(Object.create(Object.create(prototype)), members);
}

// ============ Errors ============

/**
 * An error of a call as a message. `ref` is the number under which the other side keeps the error it threw itself.
 * @typedef {{ name: string, message: string, code?: string, details?: Record<string, any>, cause?: WireError, ref?: number,
 *   value?: any }} WireError
 */

const DETAILS = ['index', 'file', 'offset', 'field', 'inputLine'];

/** @param {any} error @param {(error: object) => number | undefined} refOf @param {number} [depth] @returns {WireError} */
export function packError(error, refOf = () => undefined, depth = 0) {
  if (typeof error !== 'object' || error === null) return { name: '', message: String(error), value: plain(error) };
  const known = error instanceof VecStoreError;
  return {
    name: String(error.name ?? 'Error'),
    message: String(error.message ?? error),
    code: known ? error.code : undefined,
    details: known ? Object.fromEntries(DETAILS.filter((name) => name in error).map((name) => [name, /** @type {any} */ (error)[name]]))
      : undefined,
    cause: error.cause === undefined || depth > 4 ? undefined : packError(error.cause, refOf, depth + 1),
    ref: refOf(error),
  };
}

/** @param {any} value */
const plain = (value) => (['function', 'symbol'].includes(typeof value) ? String(value) : value);

/**
 * @param {WireError} packed
 * @param {(ref: number) => any} [kept] an error of this side
 * @returns {any}
 */
export function unpackError({ name, message, code, details, cause, ref, value }, kept = () => undefined) {
  const own = ref === undefined ? undefined : kept(ref);
  if (own !== undefined) return own.error;
  if (name === '') return value;
  const inner = cause && unpackError(cause, kept);
  if (code !== undefined) return new VecStoreError(/** @type {any} */ (code), message, { ...details, cause: inner });
  const error = new Error(message, inner === undefined ? undefined : { cause: inner });
  error.name = name;
  return error;
}
