// opfs.js - a store in the origin's private file system, in a worker.
//
// Reading, writing and flushing through a sync access handle is immediate, opening one is not; the
// engine creates files at once. So a pool of opened files with meaningless names waits, and which file it
// is for the engine stands in a header of its own:
//
//   offset  size
//        0     8  "VSopfs1" and a zero byte; all zeros while the file is free
//        8     4  CRC-32 of the bytes from 12 on
//       12     2  bytes of the path
//       14     n  the path, ASCII
//     4096        what the engine appended
//
//   P1  One opener at a time: a Web Lock and the handles' own exclusiveness, for the life of the store.
//   P2  A header is written when the engine creates the file and cleared when it removes it; each is durable with
//       the next flush. A header that a crash tore is one of a file nobody was promised: it counts as free.
//   P3  A removed file is used again only after its cleared header was flushed.
//   P4  The pool is filled up in the background whenever a file was taken, between the engine's steps. A step
//       creates at most a few; where it finds the pool empty it flushes what was freed, as when one attempt after the
//       other failed, and where there is nothing its operation fails and changes nothing.
//   P5  A sync here waits for nothing, so that calls that follow one another never let the worker's other tasks run, that
//       fill the pool or bring messages. So a sync waits for the pool while that is low, and for a turn of
//       the others every few milliseconds.

import { VecStoreError } from '../errors.js';
import { FlatFiles } from './flat.js';
import { hostBackend } from './host.js';
import { plainName, takeWebLock } from './weblock.js';

const HEADER_BYTES = 4096;
const MAGIC = Uint8Array.from('VSopfs1\0', (c) => c.charCodeAt(0));
const POOL_FILES = 12;
/** How long writes may follow one another before other tasks of the worker get a turn (P5). */
const TURN_MS = 8;
const SYNC_DELAY_MS = 50;
/** The handles of a worker that has just died linger. */
const BUSY_MS = 2000;

/** A FileSystemSyncAccessHandle. @typedef {any} Handle */

/** CRC-32 (IEEE) of a header, bit by bit: headers are short. @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** @param {string} path */
function encodeHeader(path) {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint16(12, path.length, true);
  header.set(Uint8Array.from(path, (c) => c.charCodeAt(0)), 14);
  view.setUint32(8, crc32(header.subarray(12)), true);
  return header;
}

/** The path a file has for the engine, or null while it is free (P2). @param {Handle} handle */
function readHeader(handle) {
  const header = new Uint8Array(HEADER_BYTES);
  if (handle.read(header, { at: 0 }) !== HEADER_BYTES || MAGIC.some((byte, i) => header[i] !== byte)) return null;
  const view = new DataView(header.buffer);
  if (view.getUint32(8, true) !== crc32(header.subarray(12))) return null;
  return String.fromCharCode(...header.subarray(14, 14 + view.getUint16(12, true)));
}

class OpfsFile {
  length;

  /** @param {Handle} handle */
  constructor(handle) {
    this.handle = handle;
    this.length = Math.max(0, handle.getSize() - HEADER_BYTES);
  }

  /** @param {number} offset @param {Uint8Array} into */
  read(offset, into) {
    const n = Math.max(0, Math.min(into.length, this.length - offset));
    return n === 0 ? 0 : this.handle.read(into.subarray(0, n), { at: HEADER_BYTES + offset });
  }

  /** @param {Uint8Array} bytes */
  append(bytes) {
    const written = this.handle.write(bytes, { at: HEADER_BYTES + this.length });
    this.length += written;
    if (written !== bytes.length) throw new VecStoreError('NO_SPACE', 'the file system took only a part');
  }

  size() {
    return this.length;
  }
}

/** @extends {FlatFiles<OpfsFile>} */
class OpfsFiles extends FlatFiles {
  #directory;
  #release;
  /** Opened, free, flushed. @type {Handle[]} */
  #pool = [];
  /** Freed since the last sync (P3). @type {Handle[]} */
  #cleared = [];
  /** The number in the next new file's name. */
  #next = 0;
  /** While the pool is being filled. @type {Promise<void> | undefined} */
  #filling;
  #isClosed = false;
  #yieldToHost;
  /** When other tasks of this worker last had a turn. */
  #turn = 0;

  /** @param {FileSystemDirectoryHandle} directory @param {() => void} release @param {() => Promise<void>} yieldToHost */
  constructor(directory, release, yieldToHost) {
    super();
    this.#directory = directory;
    this.#release = release;
    this.#yieldToHost = yieldToHost;
  }

  /** Opens every file there is. */
  async load() {
    /** @type {[string, any][]} */
    const entries = [];
    for await (const entry of /** @type {any} */ (this.#directory).entries()) entries.push(entry);
    for (const [name, file] of entries) {
      if (!/^\d+$/.test(name)) continue;
      this.#next = Math.max(this.#next, Number(name) + 1);
      const handle = await openHandle(file);
      const path = readHeader(handle);
      if (path === null || this.files.has(path)) this.#free(handle);
      else this.files.set(path, new OpfsFile(handle));
    }
    this.#flushCleared();
    await this.#addFiles();
  }

  /** Clears the header. @param {Handle} handle */
  #free(handle) {
    handle.truncate(0);
    this.#cleared.push(handle);
  }

  #flushCleared() {
    for (const handle of this.#cleared.splice(0)) {
      handle.flush();
      this.#pool.push(handle);
    }
  }

  /** Fills the pool in the background (P4). */
  #fill() {
    // A failure shows where a file is wanted and none is there.
    this.#filling ??= this.#addFiles().catch(() => {}).finally(() => {
      this.#filling = undefined;
    });
  }

  async #addFiles() {
    while (this.#pool.length < POOL_FILES && !this.#isClosed) {
      const file = await this.#directory.getFileHandle(String(this.#next++), { create: true });
      this.#pool.push(await openHandle(file));
    }
  }

  /** @param {string} path */
  create(path) {
    this.checkNew(path);
    if (this.#pool.length === 0) this.#flushCleared();
    const handle = this.#pool.pop();
    this.#fill();
    if (!handle) throw new VecStoreError('IO', 'too many files were created at once');
    try {
      if (handle.write(encodeHeader(path), { at: 0 }) !== HEADER_BYTES) throw new VecStoreError('NO_SPACE', 'no space for a file');
    } catch (error) {
      this.#free(handle);
      throw error;
    }
    const file = new OpfsFile(handle);
    this.files.set(path, file);
    return file;
  }

  /** @param {string} path */
  remove(path) {
    const { handle } = this.open(path);
    this.files.delete(path);
    this.#free(handle);
  }

  /** @param {import('./backend.js').SyncNames} names */
  async sync({ files }) {
    try {
      for (const path of files) this.files.get(path)?.handle.flush();
      this.#flushCleared();
    } finally {
      // Also after a failure: the next attempt wants new files.
      this.#fill();
      if (this.#pool.length < POOL_FILES / 2) await this.#filling;
      if (performance.now() - this.#turn >= TURN_MS) {
        await this.#yieldToHost();
        this.#turn = performance.now();
      }
    }
  }

  async close() {
    this.#isClosed = true;
    await this.#filling;
    const handles = [...[...this.files.values()].map(({ handle }) => handle), ...this.#pool, ...this.#cleared];
    for (const handle of handles) {
      try {
        handle.close();
      } catch {
        // The others are closed all the same.
      }
    }
    this.#release();
  }
}

/** @param {any} file @returns {Promise<Handle>} */
async function openHandle(file) {
  for (const until = Date.now() + BUSY_MS; ;) {
    try {
      return await file.createSyncAccessHandle();
    } catch (/** @type {any} */ error) {
      if (error?.name !== 'NoModificationAllowedError' || Date.now() > until) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/**
 * @param {import('./backend.js').BackendRequest} request
 * @returns {Promise<import('./backend.js').Backend>}
 */
export async function openOpfs(request) {
  const path = plainName(request.path, 'opfs');
  const release = await takeWebLock(path);
  /** @type {OpfsFiles | undefined} */
  let files;
  try {
    const root = await navigator.storage.getDirectory();
    const all = await root.getDirectoryHandle('vecstore', { create: true });
    files = new OpfsFiles(await all.getDirectoryHandle(path, { create: true }), release, request.platform.yieldToHost);
    await files.load();
  } catch (/** @type {any} */ error) {
    if (files) await files.close();
    else release();
    if (error instanceof VecStoreError) throw error;
    throw new VecStoreError('IO', `cannot open the store '${path}' in the private file system: ${error?.message ?? error}`, {
      cause: error,
    });
  }
  /** @type {boolean | null} */
  let keepsData = null;
  // Asked, not waited for: a browser may show the question to the user.
  navigator.storage?.persist?.().then((granted) => (keepsData = granted), () => {});
  return hostBackend(request, 'opfs', files, { syncDelayMs: SYNC_DELAY_MS, stats: () => ({ storage: { keepsData } }) });
}
