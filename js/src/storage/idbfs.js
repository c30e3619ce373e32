// idbfs.js - a store in a browser's IndexedDB, through Emscripten's memory files and IDBFS.
//
// The files live in memory; a sync copies every file whose mtime differs into
// IndexedDB, whole, in one transaction. What that does and does not promise was
// measured (killed browsers, failing puts, coarse clocks), and these rules follow:
//   R1  One mount at a time: a second one's sync would delete the first's files. An exclusive Web
//       Lock is held for the life of the mount.
//   R2  When one file's put fails the others may be committed anyway. So files are write-once and
//       generation-named, and after an error nothing is known until a sync succeeds.
//   R3  Acknowledged only after syncfs called back without an error; fsync in C does nothing. Emscripten's
//       IDBFS loses the error of a failed put and never calls back after an aborted transaction, so both are
//       listened for on the database itself, and what it holds is compared with what was to be synced.
//   R4  A file written twice in one tick of a coarse clock would never be copied again: each file
//       to be synced gets an mtime above every earlier one.
//   R5  A log file is rewritten whole on each sync, so it is short: 256 KiB.
//   R6  Never two syncs in flight, nothing deleted while one is (queue.js, Q4).
//   R7  Nothing is synced before Chromium writes to a new log (leveldb.js).

import { loadEngine } from '../engine/load.js';
import { VecStoreError } from '../errors.js';
import { newLog } from './leveldb.js';
import { plainName, takeWebLock } from './weblock.js';

const WAL_ROTATE_BYTES = 256 * 1024;
const SYNC_DELAY_MS = 250;

/** @typedef {{ FS: any, IDBFS: any }} Emscripten */
/** @typedef {(options: object) => Promise<Emscripten>} Factory */
/** @typedef {import('./backend.js').Backend} Backend */

/**
 * @param {import('./backend.js').BackendRequest} request
 * @param {Factory} factory Emscripten's glue
 * @returns {Promise<Backend>}
 */
export async function openIdbfs({ platform, path }, factory) {
  const name = plainName(path, 'idbfs');
  return new Idbfs(platform, name, await takeWebLock(name), factory);
}

/** @implements {Backend} */
class Idbfs {
  /** @type {'idbfs'} */
  kind = 'idbfs';
  persistent = true;
  syncDelayMs = SYNC_DELAY_MS;
  #platform;
  #release;
  #factory;
  /** @type {Emscripten | undefined} */
  #module;
  /** The mtime given last (R4). */
  #mtime = 0;
  /** The database that IDBFS keeps the files in. @type {IDBDatabase | undefined} */
  #database;
  /** The mtimes that IndexedDB held after the last sync. @type {Map<string, number>} */
  #held = new Map();
  /** The browser's answer to "please do not evict". @type {boolean | null} */
  #keepsData = null;
  /** R7. @type {Promise<void> | undefined} */
  #newLog;

  /**
   * @param {import('../platform/platform.js').Platform} platform
   * @param {string} path
   * @param {() => void} release
   * @param {Factory} factory
   */
  constructor(platform, path, release, factory) {
    this.#platform = platform;
    this.path = path;
    this.#release = release;
    this.#factory = factory;
    this.config = {
      storage: /** @type {const} */ ('posix'), root: `/vecstore/${path}`, walRotateBytes: WAL_ROTATE_BYTES,
    };
  }

  /** @param {unknown} wasm */
  async load(wasm) {
    // Asked, not waited for: a browser may show the question to the user.
    navigator.storage?.persist?.().then((answer) => (this.#keepsData = answer), () => {});
    const loaded = await loadEngine(this.#platform, 'vecstore.idbfs', wasm,
      (module, more) => this.#instantiate(module, more));
    await this.#mount();
    return loaded;
  }

  /**
   * @param {WebAssembly.Module} module
   * @param {import('../engine/load.js').Imports} more
   * @returns {Promise<WebAssembly.Exports>}
   */
  async #instantiate(module, more) {
    /** @type {WebAssembly.Exports | undefined} */
    let exports;
    /** @type {(reason: unknown) => void} */
    let fail;
    const failure = new Promise((_, reject) => (fail = reject));
    const ready = this.#factory({
      instantiateWasm: (/** @type {any} */ imports, /** @type {(instance: any, module: any) => void} */ done) => {
        WebAssembly.instantiate(module, { vecstore_host: {}, ...more, ...imports }).then((instance) => {
          exports = instance.exports;
          done(instance, module);
        }).catch((error) => fail(error));
        return {};
      },
      print: () => {},
      printErr: () => {},
    });
    this.#module = /** @type {Emscripten} */ (await Promise.race([ready, failure]));
    return /** @type {WebAssembly.Exports} */ (exports);
  }

  get #fs() {
    return /** @type {Emscripten} */ (this.#module).FS;
  }

  async #mount() {
    const { FS, IDBFS } = /** @type {Emscripten} */ (this.#module);
    FS.mkdirTree(this.config.root);
    FS.mount(IDBFS, {}, this.config.root);
    try {
      await this.#syncfs(true);
    } catch (/** @type {any} */ error) {
      throw new VecStoreError('IO', `cannot read the store '${this.path}' from IndexedDB: ${error?.message ?? error}`, {
        cause: error,
      });
    }
    this.#newLog = newLog();
    this.#database = IDBFS.dbs[this.config.root];
    this.#eachFile((_, stat) => {
      this.#mtime = Math.max(this.#mtime, Number(stat.mtime));
    });
  }

  /** @param {boolean} populate @returns {Promise<void>} */
  #syncfs(populate) {
    return new Promise((resolve, reject) => {
      const database = this.#database;
      /** @type {unknown} */
      let failure;
      const onError = (/** @type {any} */ event) => {
        failure ??= event.target?.error ?? new Error('IndexedDB refused a write');
      };
      const onAbort = (/** @type {any} */ event) => {
        // The transaction's own error (a full disk) says more than that of the requests it took along.
        end(event.target?.error ?? failure ?? new Error('IndexedDB aborted the transaction'));
      };
      const end = (/** @type {unknown} */ error) => {
        database?.removeEventListener('error', onError);
        database?.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      };
      database?.addEventListener('error', onError);
      database?.addEventListener('abort', onAbort);
      this.#fs.syncfs(populate, (/** @type {unknown} */ error) => end(error ?? failure));
    });
  }

  /**
   * Looks whether IndexedDB holds the files just offered: each with the mtime it was offered with, or a later one when
   * it was appended to meanwhile (R3).
   * @param {Map<string, number>} offered
   * @returns {Promise<void>}
   */
  #confirm(offered) {
    return new Promise((resolve, reject) => {
      const store = /** @type {IDBDatabase} */ (this.#database).transaction('FILE_DATA', 'readonly')
        .objectStore('FILE_DATA');
      /** @type {Map<string, number>} */
      const held = new Map();
      const request = store.index('timestamp').openKeyCursor();
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor) {
          held.set(String(cursor.primaryKey), Number(cursor.key));
          cursor.continue();
          return;
        }
        const lost = [...offered].find(([path, mtime]) => !this.#isKept(path, mtime, held.get(path)))?.[0];
        this.#held = held;
        // A file appended to meanwhile has the clock's time; the next one offered must be later (R4).
        this.#mtime = Math.max(this.#mtime, ...held.values());
        if (lost === undefined) resolve();
        else reject(new VecStoreError('IO', `IndexedDB did not keep the file ${lost}`));
      };
    });
  }

  /** @param {string} path @param {number} offered @param {number | undefined} held */
  #isKept(path, offered, held) {
    if (held === undefined) return false;
    // An append between the offer and the copy sets the clock's time, which may lie before the offered mtime.
    return held >= offered || held !== this.#held.get(path) || held === Number(this.#fs.stat(path).mtime);
  }

  /** @param {import('./backend.js').SyncNames} names */
  async sync({ files }) {
    await this.#newLog;
    try {
      await this.#offer(files);
    } catch {
      // State unknown (R2): everything is offered once more before the store is given up.
      await this.#offer(files);
    }
  }

  /** @param {string[]} files */
  async #offer(files) {
    const offered = this.#touch(files);
    await this.#syncfs(false);
    await this.#confirm(offered);
  }

  /** Gives each file a new mtime (R4), and tells which. @param {string[]} files @returns {Map<string, number>} */
  #touch(files) {
    const offered = new Map();
    for (const name of files) {
      const path = `${this.config.root}/${name}`;
      this.#mtime = Math.max(this.#mtime + 1, Date.now());
      this.#fs.utime(path, this.#mtime, this.#mtime);
      offered.set(path, this.#mtime);
    }
    return offered;
  }

  /** @param {(path: string, stat: { size: number, mtime: Date }) => void} fn */
  #eachFile(fn) {
    const FS = this.#fs;
    const walk = (/** @type {string} */ dir) => {
      for (const name of FS.readdir(dir)) {
        if (name === '.' || name === '..') continue;
        const stat = FS.stat(`${dir}/${name}`);
        if (FS.isDir(stat.mode)) walk(`${dir}/${name}`);
        else fn(`${dir}/${name}`, stat);
      }
    };
    walk(this.config.root);
  }

  stats() {
    let files = 0;
    this.#eachFile((_, stat) => {
      files += stat.size;
    });
    return { memory: { files }, storage: { keepsData: this.#keepsData } };
  }

  async close() {
    try {
      if (this.#module) this.#fs.unmount(this.config.root);
    } catch {
      // Not mounted yet: the opening failed before.
    } finally {
      this.#module = undefined;
      this.#release();
    }
  }
}
