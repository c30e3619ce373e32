// storage-host.js - what a caller's own storage must offer (host.js uses it); types only.

/**
 * One open file.
 * @typedef {object} HostFile
 * @property {(offset: number, into: Uint8Array) => number} read fills `into` with what lies from offset on; gives the
 *   number of bytes, fewer than asked for only at the file's end
 * @property {(bytes: Uint8Array) => void} append all bytes; after a failure any prefix may be there. The bytes are
 *   borrowed for the call
 * @property {() => number} size
 * @property {() => void} [close]
 */

/**
 * A place to keep one store's files, for `open({ storage })`. Paths have the form `c/1/wal-3`. Files are
 * written once, from beginning to end, and never renamed.
 * @typedef {object} StorageHost
 * @property {(path: string) => HostFile} open a file that is there, for reading; else throws NOT_FOUND
 * @property {(path: string) => HostFile} create a new file, for appending and reading; ALREADY_EXISTS where there is one
 * @property {(path: string) => void} remove NOT_FOUND where there is none
 * @property {(directory: string) => string[]} list the names directly in it, directories with '/' at the end; '' is
 *   the root; NOT_FOUND where there is none
 * @property {(directory: string) => void} mkdir no error where it is there
 * @property {(names: { files: string[], dirs: string[] }) => void | Promise<void>} sync resolves when data and sizes of the
 *   files, and creations and removals in the directories, are durable. Never called while one is under way
 * @property {boolean} [persistent] false when the store is gone with the process; true by default
 * @property {() => void | Promise<void>} [close] after the store was closed
 */

export {};
