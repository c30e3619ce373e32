// host.js - the engine's files in the hands of JavaScript: what src/base/io_host.c imports, over a StorageHost.
//
// The engine reads and writes synchronously, so a StorageHost answers at once; only `sync`, which makes
// things durable, may take its time. Whatever it throws becomes a status: a VecStoreError its own, a
// full disk NO_SPACE, everything else IO.

import { STATUS } from '../engine/abi.gen.js';
import { loadEngine, wasiInstantiate } from '../engine/load.js';
import { VecStoreError, invalid, statusOfHostError } from '../errors.js';
import { WasiHost } from '../wasi/host.js';

/** @import { HostFile, StorageHost } from './storage-host.js' */

const ROOT = '/store';
const METHODS = /** @type {const} */ (['open', 'create', 'remove', 'list', 'mkdir', 'sync']);

/** @param {unknown} value @returns {value is StorageHost} */
export function isStorageHost(value) {
  return typeof value === 'object' && value !== null && METHODS.every((name) => typeof (/** @type {any} */ (value)[name]) === 'function');
}

/** Status of a failure, negated as the engine wants it. @param {any} error */
function refusal(error) {
  const own = error instanceof VecStoreError ? STATUS.indexOf(error.code) : -1;
  return -(own > 0 ? own : statusOfHostError(error));
}

/** The imported functions of one engine instance. */
class HostImports {
  #host;
  /** @type {(HostFile | undefined)[]} by descriptor */
  #open = [];
  /** @type {WebAssembly.Memory | undefined} */
  #memory;

  /** @param {StorageHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {WebAssembly.Memory} memory */
  attach(memory) {
    this.#memory = memory;
  }

  /** @param {number} at @param {number} n */
  #bytes(at, n) {
    return new Uint8Array(/** @type {WebAssembly.Memory} */ (this.#memory).buffer, at >>> 0, n >>> 0);
  }

  /** A path without the root. @param {number} at @param {number} n */
  #path(at, n) {
    return String.fromCharCode(...this.#bytes(at, n)).slice(ROOT.length + 1);
  }

  /** @param {number} fd */
  #file(fd) {
    const file = this.#open[fd];
    if (!file) throw new VecStoreError('IO', `no file is open as ${fd}`);
    return file;
  }

  /** @param {() => number | void} fn */
  static #answer(fn) {
    try {
      return fn() ?? 0;
    } catch (error) {
      return refusal(error);
    }
  }

  /** The imported function of this name. @param {string} name @returns {(...args: number[]) => number} */
  import(name) {
    const functions = /** @type {Record<string, (...args: number[]) => number | void>} */ ({
      host_open: (path, n, creates) => {
        const file = creates ? this.#host.create(this.#path(path, n)) : this.#host.open(this.#path(path, n));
        const free = this.#open.indexOf(undefined);
        const fd = free < 0 ? this.#open.length : free;
        this.#open[fd] = file;
        return fd;
      },
      host_read: (fd, offset, at, n) => this.#file(fd).read(offset, this.#bytes(at, n)),
      host_append: (fd, at, n) => this.#file(fd).append(this.#bytes(at, n)),
      host_size: (fd) => this.#file(fd).size(),
      host_close: (fd) => {
        this.#open[fd]?.close?.();
        this.#open[fd] = undefined;
      },
      host_remove: (path, n) => this.#host.remove(this.#path(path, n)),
      host_mkdir: (path, n) => this.#host.mkdir(this.#path(path, n)),
      host_list: (path, n, at, cap) => this.#list(this.#path(path, n), at, cap),
      // Durability is asked for by the wrapper, which can wait: see Backend.sync.
      host_sync: () => 0,
      host_sync_dir: () => 0,
    });
    const call = functions[name];
    return (...args) => HostImports.#answer(() => call(...args));
  }

  /** @param {string} directory @param {number} at @param {number} cap */
  #list(directory, at, cap) {
    const text = this.#host.list(directory).map((name) => `${name}\0`).join('');
    if (text.length <= cap >>> 0) this.#bytes(at, text.length).set(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    return text.length;
  }
}

/**
 * A backend whose files a StorageHost keeps.
 * @template {import('./backend.js').Backend['kind']} K
 * @param {import('./backend.js').BackendRequest} request
 * @param {K} kind
 * @param {StorageHost} host
 * @param {{ syncDelayMs: number, stats?: import('./backend.js').Backend['stats'], walRotateBytes?: number }} details
 * @returns {import('./backend.js').Backend}
 */
export function hostBackend({ platform, path }, kind, host, { syncDelayMs, stats, walRotateBytes }) {
  return {
    kind,
    persistent: host.persistent ?? true,
    path,
    config: { storage: 'host', root: ROOT, ...(walRotateBytes ? { walRotateBytes } : {}) },
    load: (wasm) => loadEngine(platform, 'vecstore', wasm, wasiInstantiate(new WasiHost(null), new HostImports(host))),
    sync: async (names) => host.sync(names),
    syncDelayMs,
    stats: stats ?? (() => ({})),
    async close() {
      try {
        await host.close?.();
      } catch {
        // Everything was durable before; what cannot be released is released with the page.
      }
    },
  };
}

/**
 * A backend over the caller's own StorageHost.
 * @param {import('./backend.js').BackendRequest} request
 * @param {unknown} host
 */
export function openHost(request, host) {
  if (!isStorageHost(host)) throw invalid(`a storage host needs the functions ${METHODS.join(', ')}`);
  return hostBackend(request, 'host', host, { syncDelayMs: 50 });
}
