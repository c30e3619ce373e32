// host.js - a small WASI preview1 host over synchronous node:fs, one file for Node, Deno and Bun.
//
// No library covers these three runtimes, and the engine needs little: open,
// read, append, list, unlink, sync. In browsers and workerd there is no `fs`:
// every path call answers ENOTCAPABLE and the engine keeps its files elsewhere.
//
// CAPABILITIES. The guest sees one directory, as /store. Paths are taken
// below it; a ".." part is ENOTCAPABLE. Symbolic links inside the directory
// are followed: it belongs to the application, not to an attacker.
//
// Calls not listed here answer ENOSYS. No view of the heap outlives a call.

import { Heap } from '../engine/memory.js';
import { decodeUtf8 } from '../engine/value.js';

/** Where the guest finds the directory. */
export const GUEST_ROOT = '/store';

const SUCCESS = 0, EBADF = 8, EINVAL = 28, EIO = 29, ENOSYS = 52, ENOTDIR = 54, ESPIPE = 70, ENOTCAPABLE = 76;
const ERRNO = /** @type {Record<string, number>} */ ({
  EACCES: 2, EBADF, EBUSY: 10, EDQUOT: 19, EEXIST: 20, EFBIG: 22, EINVAL, EIO, EISDIR: 31, ELOOP: 32, EMFILE: 33,
  ENAMETOOLONG: 37, ENFILE: 41, ENOENT: 44, ENOSPC: 51, ENOSYS, ENOTDIR, ENOTEMPTY: 55, EPERM: 63, EROFS: 69,
});

const TYPE_UNKNOWN = 0, TYPE_CHARACTER = 2, TYPE_DIRECTORY = 3, TYPE_FILE = 4, TYPE_LINK = 7;
const O_CREAT = 1, O_DIRECTORY = 2, O_EXCL = 4, O_TRUNC = 8, FD_APPEND = 1, FOLLOW_LINKS = 1;
const RIGHT_READ = 2n, RIGHT_WRITE = 64n, ALL_RIGHTS = (1n << 30n) - 1n;
const PREOPEN = 3, FIRST_FREE = 4;
const DIRENT_BYTES = 24;

/** @typedef {import('node:fs')} NodeFs */

/**
 * An open file (real descriptor `fd`) or directory (`fd` -1).
 * @typedef {{ path: string, fd: number, append: boolean, at: number, entries: import('node:fs').Dirent[] | null }} Open
 */

/** The guest ended itself; only a failed assertion does. */
export class WasiExit extends Error {}

export class WasiHost {
  /** @type {Map<number, Open>} */
  #open = new Map();
  #next = FIRST_FREE;
  #heap = new Heap(new WebAssembly.Memory({ initial: 0 }));
  #fs;
  #rootName = new TextEncoder().encode(GUEST_ROOT);

  /** @param {{ fs: NodeFs, root: string } | null} files null where there is no file system */
  constructor(files) {
    this.#fs = files?.fs;
    if (files) this.#open.set(PREOPEN, { path: files.root, fd: -1, append: false, at: 0, entries: null });
  }

  /** Must be called before the guest runs. @param {WebAssembly.Memory} memory */
  attach(memory) {
    this.#heap = new Heap(memory);
  }

  /** Closes what the guest left open. */
  destroy() {
    for (const { fd } of this.#open.values()) if (fd >= 0) this.#fs?.closeSync(fd);
    this.#open.clear();
  }

  /**
   * The function for one import of the guest.
   * @param {string} name
   * @returns {(...args: any[]) => number}
   */
  import(name) {
    const call = this.#calls[name];
    if (!call) return () => ENOSYS;
    return (...args) => {
      try {
        // Pointers and lengths come as signed numbers.
        return call(...args.map((arg) => (typeof arg === 'number' ? arg >>> 0 : arg))) ?? SUCCESS;
      } catch (error) {
        if (error instanceof WasiExit) throw error;
        return ERRNO[/** @type {any} */ (error)?.code] ?? EIO;
      }
    };
  }

  /** @param {number} fd */
  #file(fd) {
    const file = this.#open.get(fd);
    if (!file || file.fd < 0) throw { code: 'EBADF' };
    return file;
  }

  /**
   * The host path of a guest path, or null when it leaves the directory.
   * @param {number} dir
   * @param {number} p
   * @param {number} n
   */
  #path(dir, p, n) {
    const base = this.#open.get(dir);
    if (!base || !this.#fs) return null;
    return this.locate(base.path, decodeUtf8(this.#heap.borrow(p, n)).split('/').filter((part) => part !== '' && part !== '.'));
  }

  /**
   * Where the parts of a path lead from a directory; null: nowhere the guest may go.
   * @protected
   * @param {string} base
   * @param {string[]} parts
   * @returns {string | null}
   */
  locate(base, parts) {
    return parts.includes('..') ? null : [base, ...parts].join('/');
  }

  /** Runs fn on the host path. @param {number} dir @param {number} p @param {number} n
   * @param {(path: string, fs: NodeFs) => number | void} fn */
  #withPath(dir, p, n, fn) {
    const path = this.#path(dir, p, n);
    return path === null || !this.#fs ? ENOTCAPABLE : fn(path, this.#fs);
  }

  /** @param {Open} open */
  #add(open) {
    this.#open.set(this.#next, open);
    return this.#next++;
  }

  /**
   * Reads or writes the buffers of an iovec array, until one is not filled.
   * @param {number} iovs
   * @param {number} n
   * @param {(buffer: Uint8Array) => number} transfer
   */
  #vectored(iovs, n, transfer) {
    let total = 0;
    for (let i = 0; i < n; i++) {
      const length = this.#heap.u32(iovs + 8 * i + 4);
      if (length === 0) continue;
      const done = transfer(this.#heap.borrow(this.#heap.u32(iovs + 8 * i), length));
      total += done;
      if (done < length) break;
    }
    return total;
  }

  /** @param {number} p @param {import('node:fs').Stats} stat */
  #writeStat(p, stat) {
    const ns = (/** @type {number} */ ms) => BigInt(Math.round(ms * 1e3)) * 1000n;
    const type = stat.isDirectory() ? TYPE_DIRECTORY : stat.isFile() ? TYPE_FILE : stat.isSymbolicLink() ? TYPE_LINK :
      TYPE_UNKNOWN;
    const fields = [stat.dev, stat.ino, type, stat.nlink, stat.size].map((n) => BigInt.asUintN(64, BigInt(n)));
    [...fields, ns(stat.atimeMs), ns(stat.mtimeMs), ns(stat.ctimeMs)].forEach((field, i) => {
      this.#heap.setU64(p + 8 * i, field);
    });
  }

  /** @type {Record<string, (...args: any[]) => number | void>} */
  #calls = {
    args_sizes_get: (count, size) => this.#none(count, size),
    args_get: () => SUCCESS,
    environ_sizes_get: (count, size) => this.#none(count, size),
    environ_get: () => SUCCESS,

    clock_time_get: (id, _precision, out) => {
      // Clock 0 tells the time, the others measure.
      this.#heap.setU64(out, id === 0 ? BigInt(Date.now()) * 1_000_000n : BigInt(Math.round(performance.now() * 1e6)));
    },
    random_get: (p, n) => {
      // The platform gives at most 64 KiB at a time.
      for (let at = 0; at < n; at += 65536) {
        const random = crypto.getRandomValues(new Uint8Array(Math.min(65536, n - at)));
        this.#heap.write(p + at, random);
      }
    },
    proc_exit: (code) => {
      throw new WasiExit(`the engine ended with exit code ${code}`);
    },

    fd_prestat_get: (fd, out) => {
      if (fd !== PREOPEN || !this.#open.has(fd)) return EBADF;
      this.#heap.setU32(out, 0);
      this.#heap.setU32(out + 4, this.#rootName.length);
    },
    fd_prestat_dir_name: (fd, p, n) => {
      if (fd !== PREOPEN || !this.#open.has(fd)) return EBADF;
      if (n < this.#rootName.length) return EINVAL;
      this.#heap.write(p, this.#rootName);
    },
    fd_fdstat_get: (fd, out) => {
      const open = this.#open.get(fd);
      if (!open && fd >= PREOPEN) return EBADF;
      const type = !open ? TYPE_CHARACTER : open.fd < 0 ? TYPE_DIRECTORY : TYPE_FILE;
      this.#heap.setU32(out, type | ((open?.append ? FD_APPEND : 0) << 16));
      this.#heap.setU32(out + 4, 0);
      this.#heap.setU64(out + 8, ALL_RIGHTS);
      this.#heap.setU64(out + 16, ALL_RIGHTS);
    },

    path_open: (dir, _dirflags, p, n, oflags, rights, _inheriting, fdflags, out) =>
      this.#withPath(dir, p, n, (path, fs) => {
        const open = oflags & O_DIRECTORY ? this.#openDirectory(fs, path) : this.#openFile(fs, path, oflags, rights,
          fdflags);
        if (open === null) return ENOTDIR;
        this.#heap.setU32(out, this.#add(open));
      }),
    fd_close: (fd) => {
      const open = this.#open.get(fd);
      if (!open || fd === PREOPEN) return EBADF;
      this.#open.delete(fd);
      if (open.fd >= 0) this.#fs?.closeSync(open.fd);
    },
    fd_read: (fd, iovs, n, out) => {
      const file = this.#file(fd);
      this.#heap.setU32(out, this.#vectored(iovs, n, (buffer) => {
        const got = /** @type {NodeFs} */ (this.#fs).readSync(file.fd, buffer, 0, buffer.length, file.at);
        file.at += got;
        return got;
      }));
    },
    fd_pread: (fd, iovs, n, offset, out) => {
      const file = this.#file(fd);
      let at = Number(offset);
      this.#heap.setU32(out, this.#vectored(iovs, n, (buffer) => {
        const got = /** @type {NodeFs} */ (this.#fs).readSync(file.fd, buffer, 0, buffer.length, at);
        at += got;
        return got;
      }));
    },
    fd_write: (fd, iovs, n, out) => {
      // Standard output and error: nothing of the engine's is for people's eyes.
      if (fd === 1 || fd === 2) return this.#heap.setU32(out, this.#vectored(iovs, n, (buffer) => buffer.length));
      const file = this.#file(fd);
      this.#heap.setU32(out, this.#vectored(iovs, n, (buffer) => {
        const at = file.append ? null : file.at;
        const done = /** @type {NodeFs} */ (this.#fs).writeSync(file.fd, buffer, 0, buffer.length, at);
        file.at += done;
        return done;
      }));
    },
    fd_pwrite: (fd, iovs, n, offset, out) => {
      const file = this.#file(fd);
      let at = Number(offset);
      this.#heap.setU32(out, this.#vectored(iovs, n, (buffer) => {
        const done = /** @type {NodeFs} */ (this.#fs).writeSync(file.fd, buffer, 0, buffer.length, at);
        at += done;
        return done;
      }));
    },
    fd_seek: (fd, offset, whence, out) => {
      if (fd < PREOPEN) return ESPIPE;
      const file = this.#file(fd);
      const base = whence === 0 ? 0 : whence === 1 ? file.at : this.#fs?.fstatSync(file.fd).size ?? 0;
      const at = base + Number(BigInt.asIntN(64, offset));
      if (whence > 2 || at < 0) return EINVAL;
      file.at = at;
      this.#heap.setU64(out, BigInt(at));
    },
    fd_sync: (fd) => this.#sync(fd),
    fd_datasync: (fd) => this.#fs?.fdatasyncSync(this.#file(fd).fd),
    fd_filestat_get: (fd, out) => {
      const open = this.#open.get(fd);
      if (!open || !this.#fs) return EBADF;
      this.#writeStat(out, open.fd < 0 ? this.#fs.statSync(open.path) : this.#fs.fstatSync(open.fd));
    },
    path_filestat_get: (dir, flags, p, n, out) => this.#withPath(dir, p, n, (path, fs) =>
      this.#writeStat(out, flags & FOLLOW_LINKS ? fs.statSync(path) : fs.lstatSync(path))),
    path_create_directory: (dir, p, n) => this.#withPath(dir, p, n, (path, fs) => void fs.mkdirSync(path)),
    path_remove_directory: (dir, p, n) => this.#withPath(dir, p, n, (path, fs) => fs.rmdirSync(path)),
    path_unlink_file: (dir, p, n) => this.#withPath(dir, p, n, (path, fs) => fs.unlinkSync(path)),

    fd_readdir: (fd, p, size, cookie, out) => {
      const dir = this.#open.get(fd);
      if (!dir || dir.fd >= 0 || !this.#fs) return EBADF;
      // A listing is one snapshot, taken when it starts.
      if (cookie === 0n || !dir.entries) dir.entries = this.#fs.readdirSync(dir.path, { withFileTypes: true });
      this.#heap.setU32(out, this.#writeEntries(dir.entries, Number(cookie), p, size));
    },
  };

  /** @param {number} fd */
  #sync(fd) {
    const open = this.#open.get(fd);
    if (!this.#fs || !open) return EBADF;
    if (open.fd >= 0) return this.#fs.fsyncSync(open.fd);
    // A directory is open by its name only.
    const real = this.#fs.openSync(open.path, 'r');
    try {
      this.#fs.fsyncSync(real);
    } finally {
      this.#fs.closeSync(real);
    }
  }

  /** @param {number} count @param {number} size */
  #none(count, size) {
    this.#heap.setU32(count, 0);
    this.#heap.setU32(size, 0);
  }

  /** @param {NodeFs} fs @param {string} path @returns {Open | null} */
  #openDirectory(fs, path) {
    if (!fs.statSync(path).isDirectory()) return null;
    return { path, fd: -1, append: false, at: 0, entries: null };
  }

  /** @param {NodeFs} fs @param {string} path @param {number} oflags @param {bigint} rights @param {number} fdflags
   * @returns {Open} */
  #openFile(fs, path, oflags, rights, fdflags) {
    const { constants } = fs;
    const append = (fdflags & FD_APPEND) !== 0;
    let flags = constants.O_RDONLY;
    if (rights & RIGHT_WRITE) flags = rights & RIGHT_READ ? constants.O_RDWR : constants.O_WRONLY;
    if (oflags & O_CREAT) flags |= constants.O_CREAT;
    if (oflags & O_EXCL) flags |= constants.O_EXCL;
    if (oflags & O_TRUNC) flags |= constants.O_TRUNC;
    if (append) flags |= constants.O_APPEND;
    return { path, fd: fs.openSync(path, flags, 0o666), append, at: 0, entries: null };
  }

  /**
   * Writes directory entries from `first` on; the last may be cut off, which tells the guest to ask again.
   * @param {import('node:fs').Dirent[]} entries
   * @param {number} first
   * @param {number} p
   * @param {number} size
   */
  #writeEntries(entries, first, p, size) {
    const encoder = new TextEncoder();
    let used = 0;
    for (let i = first; i < entries.length && used < size; i++) {
      const name = encoder.encode(entries[i].name);
      const entry = new Uint8Array(DIRENT_BYTES + name.length);
      const view = new DataView(entry.buffer);
      view.setBigUint64(0, BigInt(i + 1), true);
      view.setUint32(16, name.length, true);
      entry[20] = entries[i].isDirectory() ? TYPE_DIRECTORY : entries[i].isFile() ? TYPE_FILE : TYPE_UNKNOWN;
      entry.set(name, DIRENT_BYTES);
      const part = entry.subarray(0, size - used);
      this.#heap.write(p + used, part);
      used += part.length;
    }
    return used;
  }
}
