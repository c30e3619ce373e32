// options.js - checking what callers pass. Nothing is silently ignored: an unknown name is
// INVALID_ARGUMENT, a name of the contract that this version does not offer is UNSUPPORTED.

import { show } from './engine/value.js';
import { VecStoreError, invalid, unsupported } from './errors.js';

/** @typedef {import('./types.js').Part} Part */

const METRICS = [
  'cosine', 'euclidean', 'dot', 'manhattan', 'hamming', 'jaccard', 'chebyshev', 'canberra', 'braycurtis',
];
const INDEX_TYPES = ['auto', 'hnsw', 'flat'];
const PRESETS = /** @type {Record<string, number>} */ ({ fast: 20, balanced: 50, high: 100, max: 200 });
const PARTS = /** @type {Part[]} */ (['vector', 'metadata', 'text']);
const STORAGES = ['auto', 'memory', 'fs', 'idbfs'];
const LATER_STORAGES = ['idb', 'opfs'];
const QUANTIZATIONS = ['auto', 'none', 'int8'];

const MAX_U32 = 0xffffffff;
/** What the engine can be told; more candidates than a search ever has. */
const MAX_RESCORE = 0xfffffe;

// ============ One value ============

/** @param {string} name @param {unknown} value */
const checkBoolean = (name, value) => {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false, not ${show(value)}`);
  return value;
};

/** @param {string} name @param {unknown} value @param {number} min @returns {number} */
const checkInteger = (name, value, min) => {
  if (!Number.isSafeInteger(value) || /** @type {number} */ (value) < min) {
    throw invalid(`${name} must be an integer of at least ${min}, not ${show(value)}`);
  }
  return /** @type {number} */ (value);
};

/** @param {string} name @param {unknown} value @returns {number} */
const checkNumber = (name, value) => {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalid(`${name} must be a number, not ${show(value)}`);
  return value;
};

/** @template {string} T @param {string} name @param {unknown} value @param {readonly T[]} allowed @returns {T} */
const checkOneOf = (name, value, allowed) => {
  if (!allowed.includes(/** @type {T} */ (value))) {
    throw invalid(`${name} must be ${allowed.map((one) => `'${one}'`).join(', ')}, not ${show(value)}`);
  }
  return /** @type {T} */ (value);
};

/** @param {string} name @param {unknown} value */
const checkFunction = (name, value) => {
  if (typeof value !== 'function') throw invalid(`${name} must be a function, not ${show(value)}`);
  return /** @type {any} */ (value);
};

/** @param {string} name @param {unknown} value @returns {AbortSignal} */
const checkSignal = (name, value) => {
  if (typeof value !== 'object' || value === null || typeof (/** @type {any} */ (value).aborted) !== 'boolean') {
    throw invalid(`${name} must be an AbortSignal, not ${show(value)}`);
  }
  return /** @type {AbortSignal} */ (value);
};

/** @param {string} name @param {unknown} value */
const later = (name, value) => unsupported(`${name}: ${show(value)} is not supported by this version`);

/** @typedef {(name: string, value: unknown) => any} Check */

/** @param {number} min @param {string} [prefix] of the name @returns {Check} */
const integer = (min, prefix = '') => (name, value) => checkInteger(prefix + name, value, min);

/** @param {readonly string[]} allowed @param {string} [prefix] of the name @returns {Check} */
const oneOf = (allowed, prefix = '') => (name, value) => checkOneOf(prefix + name, value, allowed);

// ============ One object of options ============

/**
 * The given options, each checked; absent (undefined) ones are left out.
 * @param {string} what how the options are called in messages
 * @param {unknown} given
 * @param {Record<string, Check>} known
 * @param {string[]} [notYet] names of the contract that this version does not offer
 * @returns {Record<string, any>}
 */
export function readOptions(what, given, known, notYet = []) {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid(`${what} must be an object, not ${show(given)}`);
  }
  /** @type {Record<string, any>} */
  const read = {};
  for (const name of Object.keys(given)) {
    const value = /** @type {any} */ (given)[name];
    if (Object.hasOwn(known, name)) {
      if (value !== undefined) read[name] = known[name](name, value);
    } else if (!notYet.includes(name)) {
      throw invalid(`${what}: unknown option '${name}'`);
    } else if (value !== undefined) {
      throw unsupported(`${what}: option '${name}' is not supported by this version`);
    }
  }
  return read;
}

const PROGRESS = { signal: checkSignal, onProgress: checkFunction };

// ============ Opening ============

/** @param {string} name @param {unknown} value */
function checkStorage(name, value) {
  if (typeof value === 'object' && value !== null) {
    throw unsupported(`${name}: custom storage hosts are not supported by this version`);
  }
  if (LATER_STORAGES.includes(/** @type {string} */ (value))) throw later(name, value);
  return checkOneOf(name, value, STORAGES);
}

/** @param {string} name @param {unknown} value */
function checkQuantization(name, value) {
  const type = typeof value === 'object' && value !== null ? /** @type {any} */ (value).type : value;
  if (type === 'binary' || (type === 'pq' && type !== value)) throw later(name, type);
  return checkOneOf(name, value, QUANTIZATIONS);
}

/** @param {string} name @param {unknown} value */
function checkPath(name, value) {
  if (typeof value !== 'string' || value === '') {
    throw invalid(`${name} must be a non-empty string, not ${show(value)}`);
  }
  return value;
}

/** @param {string} name @param {unknown} value */
function checkNotYetTrue(name, value) {
  if (checkBoolean(name, value)) throw later(name, value);
  return value;
}

const INDEX = {
  type: oneOf(INDEX_TYPES, 'index.'),
  layout: oneOf(['standard', 'turbo'], 'index.'),
  preset: oneOf(Object.keys(PRESETS), 'index.'),
  M: integer(2, 'index.'),
  efConstruction: integer(2, 'index.'),
  efSearch: integer(1, 'index.'),
};

/** @param {string} _name @param {unknown} value */
function checkIndex(_name, value) {
  const { preset, type, ...rest } = readOptions('index', value, INDEX, ['targetRecall']);
  if (preset !== undefined && rest.efSearch !== undefined) {
    throw invalid(`index: preset '${preset}' and efSearch ${rest.efSearch} contradict each other; give one`);
  }
  if (preset !== undefined) rest.efSearch = PRESETS[preset];
  if (type !== undefined) rest.indexType = type;
  return rest;
}

const OPEN = {
  path: checkPath,
  storage: checkStorage,
  dimension: integer(0),
  metric: oneOf(METRICS),
  index: checkIndex,
  quantization: checkQuantization,
  memoryBudget: integer(0),
  durability: oneOf(['strict', 'relaxed']),
  worker: checkNotYetTrue,
  multiTab: checkNotYetTrue,
  gpu: oneOf(['auto', 'off']),
  requirePersistence: checkBoolean,
  wasm: (/** @type {string} */ _name, /** @type {unknown} */ value) => value,
  ...PROGRESS,
};

/** @param {unknown} given */
export function readOpenOptions(given) {
  const options = readOptions('open', given, OPEN, ['text', 'schema', 'indexes', 'embedder']);
  const storage = options.storage ?? 'auto';
  const path = options.path === ':memory:' ? undefined : options.path;
  if (options.path === ':memory:' && storage !== 'auto' && storage !== 'memory') {
    throw invalid(`path ':memory:' contradicts storage '${storage}'`);
  }
  const { dimension, metric, index, quantization } = options;
  return {
    storage: /** @type {'auto' | 'memory' | 'fs' | 'idbfs'} */ (storage),
    path: /** @type {string | undefined} */ (path),
    relaxed: options.durability === 'relaxed',
    memoryBudget: /** @type {number} */ (options.memoryBudget ?? 0),
    requirePersistence: /** @type {boolean} */ (options.requirePersistence ?? false),
    wasm: /** @type {unknown} */ (options.wasm),
    signal: /** @type {AbortSignal | undefined} */ (options.signal),
    onProgress: /** @type {((share: number) => void) | undefined} */ (options.onProgress),
    /** What the engine is told; absent options are not, so that the saved ones win. */
    config: /** @type {Record<string, any>} */ ({ dimension, metric, quantization, ...index }),
  };
}

// ============ Calls ============

/**
 * @param {string} method
 * @param {unknown} given
 * @returns {import('./types.js').OperationOptions}
 */
export const readOperationOptions = (method, given) => readOptions(method, given, PROGRESS);

/** @param {unknown} given */
export function readVerifyOptions(given) {
  return readOptions('verify', given, { ...PROGRESS, repair: checkNotYetTrue });
}

/** @param {unknown} given @returns {import('./types.js').UpsertManyOptions & { batchSize: number }} */
export function readUpsertManyOptions(given) {
  return { batchSize: 1000, ...readOptions('upsertMany', given, { ...PROGRESS, batchSize: integer(1) }) };
}

/** @param {unknown} given */
export const checkCountOptions = (given) => void readOptions('count', given, {}, ['filter', 'params']);

/** @typedef {{ vector: boolean, metadata: boolean, text: boolean }} Include */

/** @param {string} name @param {unknown} value @returns {Include} */
function checkInclude(name, value) {
  if (!Array.isArray(value)) {
    throw invalid(`${name} must be an array of 'vector', 'metadata', 'text', not ${show(value)}`);
  }
  for (const part of value) checkOneOf(name, part, PARTS);
  return { vector: value.includes('vector'), metadata: value.includes('metadata'), text: value.includes('text') };
}

/** @param {unknown} given @returns {Include} */
export function readGetOptions(given) {
  return readOptions('get', given, { include: checkInclude }).include ?? { vector: true, metadata: true, text: true };
}

/** @param {string} name @param {unknown} value @returns {number} */
function checkRescore(name, value) {
  if (typeof value === 'boolean') return value ? -1 : 0;
  return checkInteger(name, value, 0);
}

const QUERY = {
  vector: copyVector,
  k: integer(0),
  ef: integer(1),
  exact: checkBoolean,
  rescore: checkRescore,
  maxDistance: checkNumber,
  minScore: checkNumber,
  include: checkInclude,
  signal: checkSignal,
};
const QUERY_LATER = ['text', 'filter', 'params', 'facets', 'boost'];

/**
 * @typedef {object} CheckedQuery
 * @property {Float32Array} vector the call's own copy
 * @property {number} k
 * @property {number} ef 0 = the store's
 * @property {boolean} exact
 * @property {number} rescore -1 = the engine's choice
 * @property {number} maxDistance
 * @property {number} minScore
 * @property {Include} include
 * @property {AbortSignal | undefined} signal
 */

/** @param {unknown} given @returns {CheckedQuery} */
export function readQuery(given) {
  if (given === undefined) throw invalid('query needs an object with a vector');
  const query = readOptions('query', given, QUERY, QUERY_LATER);
  if (query.vector === undefined) throw invalid('query needs a vector');
  return {
    vector: query.vector,
    k: Math.min(query.k ?? 10, MAX_U32),
    ef: Math.min(query.ef ?? 0, MAX_U32),
    exact: query.exact ?? false,
    rescore: Math.min(query.rescore ?? -1, MAX_RESCORE),
    maxDistance: query.maxDistance ?? Infinity,
    minScore: query.minScore ?? -Infinity,
    include: query.include ?? { vector: false, metadata: true, text: false },
    signal: query.signal,
  };
}

// ============ Vectors ============

/** True for the three forms in which vectors are taken, of any realm. @param {unknown} value
 * @returns {value is Float32Array | Float64Array | number[]} */
export function isVectorLike(value) {
  if (Array.isArray(value)) return true;
  if (!ArrayBuffer.isView(value)) return false;
  const tag = /** @type {any} */ (value)[Symbol.toStringTag];
  return tag === 'Float32Array' || tag === 'Float64Array';
}

/**
 * Writes a vector as f32 and checks every component.
 * @param {string} name how it is called in messages
 * @param {Float32Array | Float64Array | number[]} from
 * @param {Float32Array} to of the same length
 * @param {number} [index] the row of a batch
 */
export function writeVector(name, from, to, index) {
  // Converting an array would take strings, booleans and null for numbers.
  if (Array.isArray(from)) {
    const wrong = from.findIndex((component) => typeof component !== 'number');
    if (wrong >= 0) throw invalid(`${name}[${wrong}] must be a number, not ${show(from[wrong])}`, index);
  }
  to.set(from);
  // x - x is 0 for finite numbers and NaN for all others; no branch inside the loop.
  let sum = 0;
  for (let i = 0; i < to.length; i++) sum += to[i] - to[i];
  if (sum === 0) return;
  const wrong = to.findIndex((component) => !Number.isFinite(component));
  const value = from[wrong];
  throw invalid(Number.isFinite(value)
    ? `${name}[${wrong}] does not fit a 32-bit float: ${value}`
    : `${name}[${wrong}] must be a finite number, not ${value}`, index);
}

/** @param {string} name @param {unknown} value */
function copyVector(name, value) {
  if (!isVectorLike(value)) {
    throw invalid(`${name} must be a Float32Array, Float64Array or array of numbers, not ${show(value)}`);
  }
  const copy = new Float32Array(value.length);
  writeVector(name, value, copy);
  return copy;
}

/**
 * The dimensions do not match.
 * @param {number} given
 * @param {number} expected
 * @param {number} [index]
 */
export const wrongDimension = (given, expected, index) =>
  new VecStoreError('DIMENSION_MISMATCH', `the vector has ${given} dimensions, the store has ${expected}`, { index });
