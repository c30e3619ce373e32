// platform.js - what differs between runtimes; types only. One implementation per entry of the package's exports.

/** @typedef {import('../storage/backend.js').Backend} Backend */
/** @typedef {import('../storage/backend.js').BackendRequest} BackendRequest */
/** @typedef {Backend['kind']} Kind */

/**
 * @typedef {object} Platform
 * @property {string} name
 * @property {(file: string) => Promise<WebAssembly.Module>} compile one of the package's .wasm files, by name
 * @property {(file: string) => WebAssembly.Module} [compileNow] the same within the call, where that can be done
 * @property {(fn: () => void) => void} [whenIdle] where files come from afar: calls fn once there is nothing better to do
 * @property {(url: URL) => Promise<BufferSource>} read the caller's own file
 * @property {() => Promise<BufferSource>} [languages] dist/lang.bin, where it can be found
 * @property {() => Promise<void>} yieldToHost lets timers, input and I/O run
 * @property {Partial<Record<Kind, (request: BackendRequest) => Promise<Backend>>>} backends where stores can be kept
 * @property {(path: string) => Promise<Kind | null>} [existing] where a store of that name is already; absent where there
 *   is but one place for it
 * @property {(path: string) => Omit<import('../tabs/member.js').Environment, 'options' | 'open' | 'check'>} [tabs] for tests: what
 *   several tabs have in place of the browser's locks and channels
 * @property {() => Promise<typeof import('../storage/known.js')>} [known] where stores may vanish
 * @property {(kind: Kind) => void} [warm] begins to load the code that a backend of this kind will want
 * @property {(make?: () => any) => Promise<import('../worker/spawn.js').Endpoint>} [startWorker] a worker that runs
 *   `vecstore/worker`; absent where there are none
 * @property {(mine: string | undefined, dead: string[]) => Promise<void>} [succeed] says which worker this is, if it is one, and which have died
 *   whose locks are free
 * @property {() => Kind | null} preferred where a new store with a path goes, if it can last
 */

/**
 * A file system and what locks need to know of processes.
 * @typedef {object} Files
 * @property {typeof import('node:fs')} fs
 * @property {(path: string) => string} resolve makes a path absolute
 * @property {() => { pid: number, isAlive: (pid: number) => boolean, isWindows: boolean }} process
 */

export {};
