// types.js - the types of the public interface; no code.

/** @typedef {import('./errors.js').ErrorCode} ErrorCode */

/**
 * A string of 1 to 1,024 UTF-8 bytes or a safe integer >= 0. `1` and `'1'` are different ids.
 * @typedef {string | number} Id
 */

/**
 * What a vector may be given as; it is copied during the call.
 * @typedef {Float32Array | Float64Array | number[]} VectorInput
 */

/** @typedef {'cosine' | 'euclidean' | 'dot' | 'manhattan' | 'hamming' | 'jaccard' | 'chebyshev' | 'canberra' |
 *   'braycurtis'} Metric */

/**
 * Text stored with a record: a string, or named strings.
 * @typedef {string | Record<string, string>} Text
 */

/** @typedef {'vector' | 'metadata' | 'text'} Part */

/**
 * How the index is built and searched. `auto` scans small sets and builds a graph for larger ones.
 * @typedef {object} IndexOptions
 * @property {'auto' | 'hnsw' | 'flat'} [type]
 * @property {number} [M] links per node; 16
 * @property {number} [efConstruction] candidates when building; 200
 * @property {number} [efSearch] candidates when searching; 50
 * @property {'standard' | 'turbo'} [layout] turbo: each node has its neighbours' 4-bit codes beside it, from the first
 *   optimize() on: several times the memory of the standard layout, and faster searching. Implies int8
 * @property {'fast' | 'balanced' | 'high' | 'max'} [preset] efSearch 20, 50, 100 or 200
 */

/**
 * @typedef {object} OpenOptions
 * @property {string} [path] a directory (fs) or plain name [A-Za-z0-9._-]{1,128}; ':memory:' or absent = not persisted
 * @property {'auto' | 'memory' | 'idbfs' | 'fs'} [storage] 'auto'
 * @property {number} [dimension] absent: the first insert fixes it; 0 = records without vectors
 * @property {Metric} [metric] 'cosine'
 * @property {IndexOptions} [index]
 * @property {'auto' | 'none' | 'int8'} [quantization] what the index is walked on. `int8` (metric cosine, dot or
 *   euclidean, with a graph): codes of one byte per component, the nearest candidates compared in full precision;
 *   `auto`: that from 10,000 records on where it is possible; may be changed when a store is opened
 * @property {number} [memoryBudget] bytes, 0 = no limit
 * @property {'strict' | 'relaxed'} [durability] strict: acknowledged = synced; relaxed: synced in the background
 * @property {false} [worker]
 * @property {false} [multiTab]
 * @property {'auto' | 'off'} [gpu]
 * @property {boolean} [requirePersistence] refuse to fall back to memory
 * @property {URL | Response | BufferSource | WebAssembly.Module} [wasm] the engine, if not next to this package
 * @property {AbortSignal} [signal]
 * @property {(share: number) => void} [onProgress]
 */

/**
 * A record to write; it replaces the whole record of that id.
 * @typedef {object} RecordInput
 * @property {Id} id
 * @property {VectorInput} [vector] required unless the store has dimension 0
 * @property {Record<string, any>} [metadata] JSON-like, with exact integers (bigint too); {} when absent
 * @property {Text} [text]
 */

/**
 * @typedef {object} StoredRecord
 * @property {Id} id
 * @property {Float32Array} [vector]
 * @property {Record<string, any>} [metadata]
 * @property {Text} [text]
 */

/**
 * @typedef {object} Query
 * @property {VectorInput} vector
 * @property {number} [k] 10
 * @property {number} [ef] candidates; raised to k when below
 * @property {boolean} [exact] compare with every record
 * @property {number | boolean} [rescore] with int8: how many of the nearest candidates are compared in full
 *   precision, at least k; true: enough to lose nothing that matters; 0, false: none, distances are those of the codes
 * @property {number} [maxDistance]
 * @property {number} [minScore]
 * @property {Part[]} [include] ['metadata']
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} Hit
 * @property {Id} id
 * @property {number} score higher is better
 * @property {number} distance lower is nearer
 * @property {Record<string, any>} [metadata]
 * @property {Float32Array} [vector]
 * @property {Text} [text]
 */

/**
 * For whatever can take longer than 50 ms.
 * @typedef {object} OperationOptions
 * @property {AbortSignal} [signal] an aborted write changed nothing
 * @property {(share: number) => void} [onProgress] is told the share done, 0 to 1
 */

/**
 * @typedef {object} UpsertManyOptions
 * @property {number} [batchSize] records per atomic batch; 1,000
 * @property {(progress: { inserted: number, updated: number }) => void} [onProgress] is told after each batch
 * @property {AbortSignal} [signal] stops before the next batch
 */

/**
 * @typedef {object} VerifyResult
 * @property {boolean} ok
 * @property {{ file: string, what: string }[]} errors
 * @property {boolean} repaired
 */

/**
 * @typedef {object} Stats
 * @property {number} count live records
 * @property {number | null} dimension null until the first insert
 * @property {Metric} metric
 * @property {{ type: string, M: number, efConstruction: number, efSearch: number, [key: string]: any }} index
 * @property {'none' | 'int8'} quantization what the index is walked on now
 * @property {'strict' | 'relaxed'} durability
 * @property {{ total: number, wasm: number, [part: string]: number }} memory bytes; total is WASM memory and
 *   what the storage keeps in memory
 * @property {{ kind: 'memory' | 'fs' | 'idbfs', persistent: boolean, path?: string, [key: string]: any }} storage
 * @property {{ simd: string, version: string }} engine
 * @property {string | null} lastError what went wrong in the background
 */

export {};
