// platform.js - what differs between runtimes; types only. One implementation per entry of the package's exports.

/**
 * @typedef {object} Platform
 * @property {string} name
 * @property {(file: string) => Promise<WebAssembly.Module>} compile one of the package's .wasm files, by name
 * @property {(url: URL) => Promise<BufferSource>} read the caller's own file
 * @property {() => Promise<void>} yieldToHost lets timers, input and I/O run
 * @property {Files | null} files the file system, where there is one
 * @property {(() => Promise<any>) | null} loadIdbfs the factory of the IDBFS build, in pages and workers
 */

/**
 * @typedef {object} Files
 * @property {typeof import('node:fs')} fs
 * @property {(path: string) => string} resolve makes a path absolute
 * @property {() => { pid: number, isAlive: (pid: number) => boolean, isWindows: boolean }} process
 */

export {};
