// command.js - the WASI host of the command line: arguments, environment, standard streams, and the user's own files.
//
// CAPABILITIES. The guest sees what the arguments name and what lies below,
// nothing else: `places` has, for each path as the guest writes it, where it
// really is. wasi-libc drops a leading slash before it asks, so '/tmp/x' is
// asked for as 'tmp/x'; the longest place that a path begins with counts.
//
// Not part of what a page loads: js/bin/vecstore.mjs imports it.

import { Heap } from '../engine/memory.js';
import { WasiExit, WasiHost } from './host.js';

const SUCCESS = 0, EBADF = 8, EINVAL = 28;
const TYPE_CHARACTER = 2, TYPE_UNKNOWN = 0, ALL_RIGHTS = (1n << 30n) - 1n, SEEK_AND_TELL = 4n | 32n;
const PREOPEN = 3, WAIT_MS = 5;
/** The directory that holds all places. No path begins with a NUL, so it is never taken for a real one. */
const TOP = '\0';

/** The command ended with an exit status. */
export class CommandExit extends WasiExit {
  /** @param {number} status */
  constructor(status) {
    super(`the command ended with exit status ${status}`);
    this.status = status;
  }
}

/** The parts of a path as the guest's libc asks for them. @param {string} path */
export const partsOf = (path) => path.split('/').filter((part) => part !== '' && part !== '.');

/**
 * @typedef {object} Command
 * @property {typeof import('node:fs')} fs
 * @property {string[]} args the program's name first
 * @property {Record<string, string>} env
 * @property {Map<string, string>} places guest path (parts joined by '/') to host path
 * @property {boolean[]} terminals whether streams 0, 1 and 2 are terminals
 */

export class CommandHost extends WasiHost {
  #command;
  #heap = new Heap(new WebAssembly.Memory({ initial: 0 }));
  #args;
  #environment;

  /** @param {Command} command */
  constructor(command) {
    super({ fs: command.fs, root: TOP });
    this.#command = command;
    this.#args = encodeList(command.args);
    this.#environment = encodeList(Object.entries(command.env).map(([name, value]) => `${name}=${value}`));
  }

  /** @override @param {WebAssembly.Memory} memory */
  attach(memory) {
    super.attach(memory);
    this.#heap = new Heap(memory);
  }

  /** @override @protected @param {string} base @param {string[]} parts @returns {string | null} */
  locate(base, parts) {
    if (base !== TOP) return super.locate(base, parts);
    for (let n = parts.length; n >= 0; n--) {
      const place = this.#command.places.get(parts.slice(0, n).join('/'));
      if (place !== undefined) return super.locate(place, parts.slice(n));
    }
    return null;
  }

  /** @override @param {string} name @returns {(...args: any[]) => number} */
  import(name) {
    const call = this.#calls[name], inherited = super.import(name);
    if (!call) return inherited;
    return (...args) => {
      const plain = args.map((arg) => (typeof arg === 'number' ? arg >>> 0 : arg));
      const answer = call(...plain);
      return answer === undefined ? inherited(...args) : answer;
    };
  }

  /** What a command has besides a reactor's calls; undefined: as the reactor's. @type {Record<string, (...args: any[]) => number | undefined>} */
  #calls = {
    args_sizes_get: (count, size) => this.#sizes(this.#args, count, size),
    args_get: (pointers, bytes) => this.#list(this.#args, pointers, bytes),
    environ_sizes_get: (count, size) => this.#sizes(this.#environment, count, size),
    environ_get: (pointers, bytes) => this.#list(this.#environment, pointers, bytes),
    proc_exit: (status) => {
      throw new CommandExit(status);
    },
    fd_prestat_get: (fd, out) => {
      if (fd !== PREOPEN) return EBADF;
      this.#heap.setU32(out, 0);
      this.#heap.setU32(out + 4, 1);
      return SUCCESS;
    },
    fd_prestat_dir_name: (fd, p, n) => {
      if (fd !== PREOPEN || n < 1) return fd === PREOPEN ? EINVAL : EBADF;
      this.#heap.write(p, new Uint8Array([46]));
      return SUCCESS;
    },
    fd_fdstat_get: (fd, out) => {
      if (fd >= PREOPEN) return undefined;
      const terminal = this.#command.terminals[fd];
      this.#heap.setU32(out, terminal ? TYPE_CHARACTER : TYPE_UNKNOWN);
      this.#heap.setU32(out + 4, 0);
      this.#heap.setU64(out + 8, ALL_RIGHTS & ~SEEK_AND_TELL);
      this.#heap.setU64(out + 16, 0n);
      return SUCCESS;
    },
    fd_read: (fd, _iovs, _n, out) => {
      if (fd !== 0) return undefined;
      // No command reads standard input.
      this.#heap.setU32(out, 0);
      return SUCCESS;
    },
    fd_write: (fd, iovs, n, out) => {
      if (fd !== 1 && fd !== 2) return undefined;
      let total = 0;
      for (let i = 0; i < n; i++) {
        const bytes = this.#heap.borrow(this.#heap.u32(iovs + 8 * i), this.#heap.u32(iovs + 8 * i + 4));
        if (!writeAll(this.#command.fs, fd, bytes)) return EBADF;
        total += bytes.length;
      }
      this.#heap.setU32(out, total);
      return SUCCESS;
    },
  };

  /** @param {Uint8Array[]} list @param {number} count @param {number} size */
  #sizes(list, count, size) {
    this.#heap.setU32(count, list.length);
    this.#heap.setU32(size, list.reduce((sum, { length }) => sum + length, 0));
    return SUCCESS;
  }

  /** @param {Uint8Array[]} list @param {number} pointers @param {number} at */
  #list(list, pointers, at) {
    list.forEach((bytes, i) => {
      this.#heap.setU32(pointers + 4 * i, at);
      this.#heap.write(at, bytes);
      at += bytes.length;
    });
    return SUCCESS;
  }
}

/** NUL-terminated strings. @param {string[]} list */
function encodeList(list) {
  return list.map((text) => new TextEncoder().encode(`${text}\0`));
}

/** false when nobody reads any more. @param {typeof import('node:fs')} fs @param {number} fd @param {Uint8Array} bytes */
function writeAll(fs, fd, bytes) {
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(fd, bytes, at, bytes.length - at);
    } catch (/** @type {any} */ error) {
      // A pipe that is full: its reader is slower than we are.
      if (error?.code !== 'EAGAIN') return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    }
  }
  return true;
}
