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
 * @property {'fast' | 'balanced' | 'high' | 'max'} [preset] efSearch 20, 50, 100 or 200
 */

/**
 * What an embedder is told beside the texts.
 * @typedef {object} EmbedOptions
 * @property {'query' | 'document'} [kind] what the texts are; some models treat the two differently. 'document'
 * @property {AbortSignal} [signal]
 * @property {(share: number) => void} [onProgress] is told the share done, 0 to 1
 */

/**
 * Makes vectors of texts. A store remembers name and dimension of the one that made its vectors.
 * @typedef {object} Embedder
 * @property {string} name of model and settings, 1 to 96 bytes: another name means other vectors
 * @property {number} dimension
 * @property {(texts: string[], options: EmbedOptions) => Promise<VectorInput[]> | VectorInput[]} embed one vector per
 *   text, in their order
 */

/**
 * @typedef {object} OpenOptions
 * @property {string} [path] a directory (fs) or plain name [A-Za-z0-9._-]{1,128}; ':memory:' or absent = not persisted
 * @property {'auto' | 'memory' | 'fs' | 'opfs' | 'idbfs' | 'idb' | import('./storage/host.js').StorageHost} [storage] 'auto'
 * @property {number} [dimension] absent: the first insert fixes it; 0 = records without vectors
 * @property {Metric} [metric] 'cosine'
 * @property {IndexOptions} [index]
 * @property {'auto' | 'none'} [quantization]
 * @property {number} [memoryBudget] bytes, 0 = no limit
 * @property {'strict' | 'relaxed'} [durability] strict: acknowledged = synced; relaxed: synced in the background
 * @property {false} [worker]
 * @property {false} [multiTab]
 * @property {'auto' | 'off'} [gpu]
 * @property {boolean} [requirePersistence] refuse to fall back to memory
 * @property {Embedder} [embedder] makes the vectors of records and queries that come with text only
 * @property {URL | Response | BufferSource | WebAssembly.Module} [wasm] the engine, if not next to this package
 * @property {AbortSignal} [signal]
 * @property {(share: number) => void} [onProgress]
 */

/**
 * A record to write; it replaces the whole record of that id.
 * @typedef {object} RecordInput
 * @property {Id} id
 * @property {VectorInput} [vector] made of the text by the store's embedder when absent; without one required unless
 *   the store has dimension 0
 * @property {Record<string, any>} [metadata] JSON-like, with exact integers (bigint too); {} when absent
 * @property {Text} [text] fields are embedded as one text: their values, a blank line between them
 */

/**
 * @typedef {object} StoredRecord
 * @property {Id} id
 * @property {Float32Array} [vector]
 * @property {Record<string, any>} [metadata]
 * @property {Text} [text]
 */

/**
 * What a query looks near to: a vector, or a text that the store's embedder makes one of.
 * @typedef {{ vector: VectorInput, text?: undefined } | { text: string, vector?: undefined }} QueryPoint
 */

/**
 * @typedef {object} QueryOptions
 * @property {number} [k] 10
 * @property {number} [ef] candidates; raised to k when below
 * @property {boolean} [exact] compare with every record
 * @property {number} [maxDistance]
 * @property {number} [minScore]
 * @property {Part[]} [include] ['metadata']
 * @property {AbortSignal} [signal]
 */

/** @typedef {QueryPoint & QueryOptions} Query */

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
 * @typedef {object} ReembedOptions
 * @property {number} [batchSize] texts per call of the embedder; 256
 * @property {'error' | 'keep'} [missing] records without text: an error, or they keep their vectors, which is possible
 *   only when the dimension stays. 'error'
 * @property {(progress: { done: number, total: number }) => void} [onProgress] is told after each batch how many of the
 *   records have their new vector
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} ReembedResult
 * @property {number} embedded texts embedded by this call
 * @property {number} kept records without text that keep their vectors
 * @property {number} resumed records that an earlier, interrupted call had done
 */

/**
 * @typedef {object} VerifyResult
 * @property {boolean} ok
 * @property {{ file: string, what: string }[]} errors
 * @property {boolean} repaired
 */

/**
 * @typedef {object} Snapshot
 * @property {string} name
 * @property {number} createdAt milliseconds since 1970
 * @property {number} count records it holds
 * @property {number} bytes of its files, most of which it shares with the store
 */

/**
 * @typedef {object} Stats
 * @property {number} count live records
 * @property {number | null} dimension null until the first insert
 * @property {Metric} metric
 * @property {{ type: string, M: number, efConstruction: number, efSearch: number, [key: string]: any }} index
 * @property {'none'} quantization
 * @property {{ name: string, dimension: number } | null} embedder what made the vectors; null while not known
 * @property {{ name: string, dimension: number, done: number } | null} reembedding an unfinished re-embedding
 * @property {'strict' | 'relaxed'} durability
 * @property {{ total: number, wasm: number, [part: string]: number }} memory bytes; total is WASM memory and
 *   what the storage keeps in memory
 * @property {{ kind: 'memory' | 'fs' | 'opfs' | 'idbfs' | 'idb' | 'host', persistent: boolean, path?: string, [key: string]: any }} storage
 * @property {{ simd: string, version: string }} engine
 * @property {string | null} lastError what went wrong in the background
 */

export {};
