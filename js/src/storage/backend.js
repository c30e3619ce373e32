// backend.js - what every place to keep a store offers; types only.

/**
 * Names relative to the store's root, as the engine wants them made durable:
 * the files' data first, then the directories' entries ('' is the root).
 * @typedef {{ files: string[], dirs: string[] }} SyncNames
 */

/**
 * A place to keep one store, open and locked for this process or page.
 * @typedef {object} Backend
 * @property {'memory' | 'fs' | 'idbfs' | 'idb' | 'opfs' | 'host'} kind
 * @property {boolean} persistent whether the store is there after this process
 * @property {string | undefined} path as the caller gave it
 * @property {{ storage: 'memory' | 'posix' | 'host', root?: string, walRotateBytes?: number }} config the engine's part of it
 * @property {(wasm: unknown) => Promise<{ exports: import('../engine/abi.gen.js').EngineExports, simd: string, part: import('../engine/part.js').Part }>} load
 *   an engine that reaches these files
 * @property {(names: SyncNames) => Promise<void>} sync resolves when they are durable. Never called while one is under
 *   way. After a failure the engine refuses to write until the store is opened anew
 * @property {number} syncDelayMs under relaxed durability: how long writes are gathered before a sync
 * @property {() => { memory?: Record<string, number>, storage?: Record<string, unknown> }} stats
 * @property {() => Promise<void>} close releases everything; also after a failed opening. Never rejects
 */

/**
 * What a backend is opened with.
 * @typedef {object} BackendRequest
 * @property {import('../platform/platform.js').Platform} platform
 * @property {string | undefined} path
 * @property {unknown} wasm the caller's own engine, which `load` is given too, or undefined
 */

export {};
