// options.js - checking what callers pass. Nothing is silently ignored: an unknown name is
// INVALID_ARGUMENT, a name of the contract that this version does not offer is UNSUPPORTED.

import { ABI } from './engine/abi.gen.js';
import { show } from './engine/value.js';
import { VecStoreError, invalid, unsupported } from './errors.js';
import { snapshot } from './lazy.js';

/** @typedef {import('./types.js').Part} Part */

const METRICS = [
  'cosine', 'euclidean', 'dot', 'manhattan', 'hamming', 'jaccard', 'chebyshev', 'canberra', 'braycurtis',
];
const INDEX_TYPES = ['auto', 'hnsw', 'flat'];
const PRESETS = /** @type {Record<string, number>} */ ({ fast: 20, balanced: 50, high: 100, max: 200 });
const PARTS = /** @type {Part[]} */ (['vector', 'metadata', 'text', 'sparse', 'multivector']);
const STORAGES = ['auto', 'memory', 'fs', 'idbfs', 'idb', 'opfs'];
const QUANTIZATIONS = ['auto', 'none', 'int8', 'binary', 'pq'];

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
export const checkInteger = (name, value, min) => {
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
export const checkSignal = (name, value) => {
  if (typeof value !== 'object' || value === null || typeof (/** @type {any} */ (value).aborted) !== 'boolean') {
    throw invalid(`${name} must be an AbortSignal, not ${show(value)}`);
  }
  return /** @type {AbortSignal} */ (value);
};

/** @param {string} name @param {unknown} value */
const later = (name, value) => unsupported(`${name}: ${show(value)} is not supported by this version`);

/** @typedef {(name: string, value: unknown) => any} Check */

/** @param {number} min @param {string} [prefix] of the name @returns {Check} */
export const integer = (min, prefix = '') => (name, value) => checkInteger(prefix + name, value, min);

/** @param {readonly string[]} allowed @param {string} [prefix] of the name @returns {Check} */
export const oneOf = (allowed, prefix = '') => (name, value) => checkOneOf(prefix + name, value, allowed);

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

export const PROGRESS = { signal: checkSignal, onProgress: checkFunction };

// ============ Opening ============

/** @param {string} name @param {unknown} value */
function checkStorage(name, value) {
  // What a StorageHost must have is checked where it is used.
  if (typeof value === 'object' && value !== null) return value;
  return checkOneOf(name, value, STORAGES);
}

const PQ = {
  type: oneOf(['pq'], 'quantization.'),
  subvectors: integer(1, 'quantization.'),
  centroids: integer(2, 'quantization.'),
  residual: checkBoolean,
};

/** What is too much the engine says. @param {string} name @param {unknown} value */
function checkQuantization(name, value) {
  if (typeof value !== 'object' || value === null) return checkOneOf(name, value, QUANTIZATIONS);
  checkOneOf(`${name}.type`, /** @type {any} */ (value).type, ['pq']);
  return readOptions(name, value, PQ);
}

/** @param {string} name @param {unknown} value */
function checkPath(name, value) {
  if (typeof value !== 'string' || value === '') {
    throw invalid(`${name} must be a non-empty string, not ${show(value)}`);
  }
  return value;
}

/** @param {string} name @param {unknown} value */
function checkWorker(name, value) {
  if (typeof value !== 'boolean' && typeof value !== 'function') {
    throw invalid(`${name} must be true, false or a function that starts a worker, not ${show(value)}`);
  }
  return value;
}

/** In thousandths, as the engine has it. @param {string} name @param {unknown} value */
function checkRecall(name, value) {
  if (!(checkNumber(name, value) >= 0.5 && /** @type {number} */ (value) <= 0.999)) {
    throw invalid(`${name} must be a number from 0.5 to 0.999, not ${show(value)}`);
  }
  return Math.round(/** @type {number} */ (value) * 1000);
}

const INDEX = {
  targetRecall: (/** @type {string} */ name, /** @type {unknown} */ value) => checkRecall(`index.${name}`, value),
  type: oneOf(INDEX_TYPES, 'index.'),
  layout: oneOf(['standard', 'turbo'], 'index.'),
  preset: oneOf(Object.keys(PRESETS), 'index.'),
  M: integer(2, 'index.'),
  efConstruction: integer(2, 'index.'),
  efSearch: integer(1, 'index.'),
};

/** @param {string} _name @param {unknown} value */
function checkIndex(_name, value) {
  const { preset, type, efSearch, ...rest } = readOptions('index', value, INDEX);
  rest.efSearch = efOf('index: ', 'efSearch', preset, efSearch);
  if (rest.targetRecall !== undefined && rest.efSearch !== undefined) {
    throw invalid('index: targetRecall chooses efSearch itself; give one of efSearch, preset and targetRecall');
  }
  if (type !== undefined) rest.indexType = type;
  return rest;
}

/** Checked where it is used. @param {string} _name @param {unknown} value */
const asItIs = (_name, value) => value;
/** @param {string} what @param {string} name @param {string | undefined} preset @param {number | undefined} ef */
function efOf(what, name, preset, ef) {
  if (preset === undefined) return ef;
  if (ef !== undefined) throw invalid(`${what}preset '${preset}' and ${name} ${ef} contradict each other; give one`);
  return PRESETS[preset];
}

/** What the engine is told for ef. @param {string} method @param {number | undefined} recall @param {number | undefined} ef */
function recallOf(method, recall, ef) {
  if (recall === undefined) return Math.min(ef ?? 0, ABI.QUERY_TARGET_RECALL - 1);
  if (ef !== undefined) throw invalid(`${method}: targetRecall chooses ef itself; give one of ef, preset and targetRecall`);
  return ABI.QUERY_TARGET_RECALL + recall;
}

/** A copy, so that the caller may change its object at once. @type {Check} */
const copyOf = (_name, value) => snapshot(value);

/** Those of dist/lang.bin. */
const LANGUAGES = 'danish dutch finnish french german italian norwegian portuguese russian spanish swedish'.split(' ');

const TEXT = {
  language: oneOf(['english', ...LANGUAGES], 'text.'),
  languages: asItIs,
  tokenizer: oneOf(['standard', 'simple', 'whitespace', 'letter', 'keyword', 'code', 'ngram'], 'text.'),
  ngram: copyOf,
  stemmer: oneOf(['none', 'porter', 'english', ...LANGUAGES], 'text.'),
  stopwords: copyOf,
  possessives: checkBoolean,
  k1: checkNumber,
  b: checkNumber,
  weights: copyOf,
};

/** What is beyond names and types the engine checks. @param {string} name @param {unknown} value */
function checkTextOptions(name, value) {
  const { language, languages, ...read } = readOptions(name, value, TEXT);
  if (language !== undefined) {
    read.stemmer ??= language;
    read.stopwords ??= language === 'english' ? 'lucene' : language;
  }
  if (read.stopwords !== undefined && !Array.isArray(read.stopwords)) checkOneOf('text.stopwords', read.stopwords, ['none', 'lucene', ...LANGUAGES]);
  return { read, languages };
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
  worker: checkWorker,
  multiTab: checkBoolean,
  gpu: oneOf(['auto', 'off']),
  requirePersistence: checkBoolean,
  repair: checkBoolean,
  embedder: asItIs,
  schema: copyOf,
  indexes: copyOf,
  text: checkTextOptions,
  wasm: asItIs,
  ...PROGRESS,
};

/** @param {unknown} given */
export function readOpenOptions(given) {
  const options = readOptions('open', given, OPEN);
  const storage = options.storage ?? 'auto';
  const path = options.path === ':memory:' ? undefined : options.path;
  if (options.path === ':memory:' && storage !== 'auto' && storage !== 'memory') {
    throw invalid(`path ':memory:' contradicts storage ${show(storage)}`);
  }
  const { dimension, metric, index, quantization, schema, indexes, text, repair } = options;
  return {
    storage: /** @type {'auto' | import('./platform/platform.js').Kind | object} */ (storage),
    path: /** @type {string | undefined} */ (path),
    relaxed: options.durability === 'relaxed',
    memoryBudget: /** @type {number} */ (options.memoryBudget ?? 0),
    requirePersistence: /** @type {boolean} */ (options.requirePersistence ?? false),
    wasm: /** @type {unknown} */ (options.wasm),
    /** What more.js has to look at, if anything. */
    lasting: schema === undefined && indexes === undefined ? undefined : { schema, indexes },
    signal: /** @type {AbortSignal | undefined} */ (options.signal),
    onProgress: /** @type {((share: number) => void) | undefined} */ (options.onProgress),
    embedder: /** @type {unknown} */ (options.embedder),
    /** Where lang.bin is, if not where it came with the package. */
    languages: /** @type {unknown} */ (text?.languages),
    /** What the engine is told; absent options are not, so that the saved ones win. */
    config: /** @type {Record<string, any>} */ ({ dimension, metric, quantization, text: text?.read, repair, ...index }),
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
  return readOptions('verify', given, { ...PROGRESS, repair: checkBoolean });
}

/** @param {unknown} given @returns {import('./types.js').UpsertManyOptions & { batchSize: number }} */
export function readUpsertManyOptions(given) {
  return { batchSize: 1000, ...readOptions('upsertMany', given, { ...PROGRESS, batchSize: integer(1) }) };
}

/** @typedef {{ filter?: unknown, params?: unknown }} SelectionInput a snapshot; asking.js checks it */

/** @typedef {{ vector: boolean, metadata: boolean, text: boolean, sparse?: boolean, multivector?: boolean }} Include */

/** @type {Include} */
export const ALL_PARTS = { vector: true, metadata: true, text: true, sparse: true, multivector: true };

/** @param {string} name @param {unknown} value @returns {Include} */
export function checkInclude(name, value) {
  if (!Array.isArray(value)) {
    throw invalid(`${name} must be an array of ${PARTS.map((part) => `'${part}'`).join(', ')}, not ${show(value)}`);
  }
  for (const part of value) checkOneOf(name, part, PARTS);
  return /** @type {any} */ (Object.fromEntries(PARTS.map((part) => [part, value.includes(part)])));
}

/** @param {unknown} given @returns {Include} */
export function readGetOptions(given) {
  return readOptions('get', given, { include: checkInclude }).include ?? ALL_PARTS;
}

/** @param {string} name @param {unknown} value */
function checkString(name, value) {
  if (typeof value !== 'string') throw invalid(`${name} must be a string, not ${show(value)}`);
  return value;
}

/** @param {string} name @param {unknown} value @returns {any} a number, or a copy of what hybrid.js reads */
function checkRescore(name, value) {
  if (typeof value === 'object' && value !== null) return snapshot(value);
  if (typeof value === 'boolean') return value ? -1 : 0;
  return checkInteger(name, value, 0);
}

const QUERY = {
  vector: copyVector,
  text: checkString,
  sparse: copyOf,
  k: integer(0),
  ef: integer(1),
  preset: oneOf(Object.keys(PRESETS)),
  targetRecall: checkRecall,
  exact: checkBoolean,
  rescore: checkRescore,
  maxDistance: checkNumber,
  minScore: checkNumber,
  filter: copyOf,
  params: copyOf,
  facets: copyOf,
  boost: copyOf,
  explain: checkBoolean,
  include: checkInclude,
  signal: checkSignal,
};

/**
 * @typedef {object} CheckedQuery
 * @property {Float32Array} vector the call's own copy; of a query by text only once that is embedded; empty where none
 *   is needed
 * @property {string | undefined} text
 * @property {number} k
 * @property {number} ef 0 = the store's
 * @property {boolean} exact
 * @property {number} rescore -1 = the engine's choice
 * @property {number} maxDistance
 * @property {number} minScore
 * @property {Include} include
 * @property {AbortSignal | undefined} signal
 * @property {SelectionInput & { facets?: unknown, boost?: unknown, explain?: boolean, sparse?: unknown,
 *   maxsim?: unknown } | undefined} asked what
 *   asking.js is for
 */

/**
 * @param {unknown} given
 * @param {boolean} embeds whether text may stand for a vector
 * @param {string} [method]
 * @returns {CheckedQuery}
 */
export function readQuery(given, embeds, method = 'query') {
  if (given === undefined) throw invalid(`${method} needs an object with a vector or text`);
  const query = readOptions(method, given, QUERY);
  const { vector, text, sparse, filter, params, facets, boost, explain, preset, include, signal } = query;
  const maxsim = typeof query.rescore === 'object' ? query.rescore : undefined;
  if ((sparse ?? maxsim) !== undefined && method !== 'query') {
    throw unsupported(`${method} takes no ${maxsim ? 'rescore.maxsim' : 'sparse vector'}`);
  }
  const points = [vector, text, sparse].filter((one) => one !== undefined).length;
  if (points > 1 || (points === 0 && method !== 'estimate')) {
    throw invalid(`${method} needs a vector, text or a sparse vector, one of them`);
  }
  if (text !== undefined && !embeds) {
    throw invalid(`${method} by text needs an embedder: open the store with one, or give a vector`);
  }
  const isPlain = [filter, params, facets, boost, explain, sparse, maxsim].every((one) => one === undefined);
  return {
    vector: vector ?? new Float32Array(0),
    text,
    k: Math.min(query.k ?? 10, MAX_U32),
    ef: recallOf(method, query.targetRecall, efOf(`${method}: `, 'ef', preset, query.ef)),
    exact: query.exact ?? false,
    rescore: Math.min(maxsim ? -1 : query.rescore ?? -1, MAX_RESCORE),
    maxDistance: query.maxDistance ?? Infinity,
    minScore: query.minScore ?? -Infinity,
    include: include ?? { vector: false, metadata: true, text: false },
    signal,
    asked: isPlain ? undefined : { filter, params, facets, boost, explain, sparse, maxsim },
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
