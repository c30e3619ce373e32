// engine.js - one engine instance: its calls, its errors and its operation handles.
//
// Knows the ABI and nothing of records, options or storage. A trap inside the
// engine leaves its memory in an unknown state, so the first one marks the
// instance dead and every later call is POISONED.

import { VecStoreError, codeOf } from '../errors.js';
import { readExtra } from '../extra.js';
import { ABI } from './abi.gen.js';
import { Heap } from './memory.js';
import { decodeUtf8, decodeValue, encodeToBytes, encodeUtf8 } from './value.js';

/** @typedef {import('./abi.gen.js').EngineExports} EngineExports */
/** @import { Snapshot } from '../types.js' */

/** Operations are handed over in pieces of about this size. */
export const STAGING_BYTES = 1 << 20;

const NO_INDEX = 0xffffffff;
const NOTHING = new Uint8Array(0);

/** @typedef {{ client: Uint8Array, call: number }} Mark 16 bytes that name a tab, and the number of one of its writes */

/** Writes of other tabs, by the signal they were given: committed with their mark (tabs/). @type {WeakMap<AbortSignal, Mark>} */
export const MARKS = new WeakMap();

export class Engine {
  #db = 0;
  #staging = 0;
  #stagingBytes = 0;
  /** Where lang.bin comes from (text-lang.js). @type {unknown} */
  languages;
  /** The trap that killed the instance. @type {unknown} */
  #dead;

  /**
   * @param {EngineExports} exports of an initialized instance
   * @param {string} simd which kernels it has
   * @param {import('./part.js').Part} part what else there is of it
   */
  constructor(exports, simd, part) {
    this.exports = exports;
    this.simd = simd;
    this.part = part;
    this.heap = new Heap(exports.memory);
    const version = exports.vs_abi_version();
    if (version !== ABI.ABI_VERSION) {
      throw new VecStoreError('VERSION', `the engine speaks ABI ${version}, this wrapper ABI ${ABI.ABI_VERSION}`);
    }
    this.#db = exports.vs_db_new() >>> 0;
    if (this.#db === 0) throw new VecStoreError('OUT_OF_MEMORY', 'no memory for a new database');
    if (!part.there) exports.vs_db_part(this.#db, 0);
  }

  /**
   * Runs fn when all of the engine is loaded, at once where it is: before every call that the core alone cannot answer.
   * @template T
   * @param {() => T} fn
   * @returns {T | Promise<Awaited<T>>}
   */
  whole(fn) {
    return this.part.there ? fn() : /** @type {any} */ (this.part.load().then(fn));
  }

  /** Whether an opening failed because it needs all of the engine; there will be all for the next. */
  async lackedPart() {
    if (this.dead || this.part.there || this.exports.vs_db_part(this.#db, 0) === 0) return false;
    await this.part.load();
    return this.exports.vs_db_part(this.#db, 1) === 1;
  }

  get dead() {
    return this.#dead !== undefined;
  }

  /** The database's handle, for the calls in filters.js. */
  get db() {
    return this.#db;
  }

  /**
   * Runs fn, which calls the engine. A trap in it kills the instance.
   * @template T
   * @param {() => T} fn
   * @returns {T}
   */
  guard(fn) {
    if (this.dead) throw this.#deadError();
    try {
      return fn();
    } catch (error) {
      if (error instanceof VecStoreError) throw error;
      this.#dead = error;
      throw this.#deadError();
    }
  }

  /** Runs fn for its effect where a failure changes nothing for the caller. @param {() => void} fn */
  guardQuietly(fn) {
    if (this.dead) return;
    try {
      this.guard(fn);
    } catch {
      // A trap is remembered; a refusal has no consequence here.
    }
  }

  #deadError() {
    const message = 'the engine stopped on an internal error; close the store and open it again';
    return new VecStoreError('POISONED', message, { cause: this.#dead });
  }

  /** The error that the last failed call described. */
  error() {
    const p = this.exports.vs_db_error(this.#db) >>> 0;
    const status = this.heap.u32(p);
    const index = this.heap.u32(p + 4);
    const file = decodeUtf8(this.heap.borrowCString(p + ABI.ERROR_FILE_OFFSET));
    const message = decodeUtf8(this.heap.borrowCString(p + ABI.ERROR_MSG_OFFSET));
    const code = codeOf(status);
    return new VecStoreError(code, message || code, {
      index: index === NO_INDEX ? undefined : index,
      file: file === '' ? undefined : file,
    });
  }

  /** @param {number} status */
  check(status) {
    if (status !== ABI.OK) throw this.error();
  }

  /** @param {number} bytes */
  setBudget(bytes) {
    this.exports.vs_db_set_budget(this.#db, bytes);
  }

  /** Scratch memory of at least n bytes, good until the next call of this method. @param {number} n */
  staging(n) {
    if (n <= this.#stagingBytes) return this.#staging;
    if (this.#staging !== 0) this.exports.vs_buf_free(this.#db, this.#staging);
    this.#stagingBytes = 0;
    const wanted = n <= 4096 ? 4096 : Math.max(n, STAGING_BYTES);
    this.#staging = this.exports.vs_buf_alloc(this.#db, wanted) >>> 0;
    if (this.#staging === 0) throw new VecStoreError('OUT_OF_MEMORY', `no memory for ${wanted} bytes of input`);
    this.#stagingBytes = wanted;
    return this.#staging;
  }

  /** Copies bytes in; gives their address. @param {Uint8Array} bytes */
  #stage(bytes) {
    const p = this.staging(bytes.length);
    this.heap.write(p, bytes);
    return p;
  }

  /** The value at an address where its length comes first. @param {number} p @returns {any} */
  valueAt(p) {
    if (p === 0) throw this.error();
    return decodeValue(this.heap.borrow((p >>> 0) + 4, this.heap.u32(p >>> 0)));
  }

  // ============ Operations ============

  /**
   * @param {number} handle
   * @returns {Operation}
   */
  #operation(handle) {
    if (handle === 0) throw this.error();
    return new Operation(this, handle >>> 0);
  }

  /** @param {object} config */
  open(config) {
    const bytes = encodeToBytes(config, 'config');
    return this.#operation(this.exports.vs_op_open(this.#db, this.#stage(bytes), bytes.length));
  }

  /** Hands over an exported store. @param {Uint8Array} bytes */
  importAdd(bytes) {
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + STAGING_BYTES);
      this.check(this.exports.vs_import_add(this.#db, this.#stage(piece), piece.length));
      at += STAGING_BYTES;
    } while (at < bytes.length);
  }

  /** @param {boolean} relaxed */
  commit(relaxed) {
    return this.#operation(this.exports.vs_op_commit(this.#db, relaxed ? ABI.COMMIT_RELAXED : 0));
  }

  flush() {
    return this.#operation(this.exports.vs_op_flush(this.#db));
  }

  checkpoint() {
    return this.#operation(this.exports.vs_op_checkpoint(this.#db));
  }

  optimize() {
    return this.#operation(this.exports.vs_op_optimize(this.#db));
  }

  /** Takes vectors of another embedder. @param {Uint8Array} vectors @param {boolean} relaxed */
  stageVectors(vectors, relaxed) {
    const flags = relaxed ? ABI.COMMIT_RELAXED : 0;
    return this.#operation(this.exports.vs_op_stage(this.#db, this.#stage(vectors), vectors.length, flags));
  }

  /** Those vectors take over. */
  reembed() {
    return this.#operation(this.exports.vs_op_reembed(this.#db));
  }

  verify() {
    return this.#operation(this.exports.vs_op_verify(this.#db));
  }

  repair() {
    return this.#operation(this.exports.vs_op_repair(this.#db));
  }

  /** @param {string} name @param {number} now milliseconds since 1970 */
  snapshot(name, now) {
    const bytes = encodeUtf8(name);
    return this.#operation(this.exports.vs_op_snapshot(this.#db, this.#stage(bytes), bytes.length, now));
  }

  /** @param {string} name */
  dropSnapshot(name) {
    const bytes = encodeUtf8(name);
    return this.#operation(this.exports.vs_op_snapshot_drop(this.#db, this.#stage(bytes), bytes.length));
  }

  /** @param {string} name */
  restoreSnapshot(name) {
    const bytes = encodeUtf8(name);
    return this.#operation(this.exports.vs_op_snapshot_restore(this.#db, this.#stage(bytes), bytes.length));
  }

  export() {
    return this.#operation(this.exports.vs_op_export(this.#db));
  }

  close() {
    return this.#operation(this.exports.vs_op_close(this.#db));
  }

  // ============ Syncing ============

  /** What must be made durable now, or null when nothing. */
  syncBegin() {
    let p = this.exports.vs_sync_begin(this.#db) >>> 0;
    if (p === 0) return null;
    const nFiles = this.heap.u32(p);
    const nDirs = this.heap.u32(p + 4);
    p += 8;
    const names = [];
    for (let i = 0; i < nFiles + nDirs; i++) {
      const name = this.heap.borrowCString(p);
      p += name.length + 1;
      names.push(decodeUtf8(name));
    }
    return { files: names.slice(0, nFiles), dirs: names.slice(nFiles) };
  }

  /** @param {number} status */
  syncEnd(status) {
    this.exports.vs_sync_end(this.#db, status);
  }

  // ============ Writing ============

  /** @param {number} now milliseconds since 1970 @param {Mark} [mark] */
  begin(now, mark) {
    this.check(this.exports.vs_tx_begin(this.#db, now));
    if (mark) this.check(this.exports.vs_tx_mark(this.#db, this.#stage(mark.client), mark.call));
  }

  /** @param {Uint8Array} operations */
  add(operations) {
    this.check(this.exports.vs_tx_add(this.#db, this.#stage(operations), operations.length));
  }

  abort() {
    this.exports.vs_tx_abort(this.#db);
  }

  // ============ Reading ============

  /**
   * Nearest records; the hits are [slot, score, distance].
   * @param {ArrayLike<number>} vector
   * @param {{ k: number, ef: number, exact: boolean, rescore: number, maxDistance: number, minScore: number }} options
   * @param {number} [filter] its handle
   * @param {Uint8Array} [extra] what else is asked, encoded
   * @param {number} [flags]
   * @returns {[number, number, number][]}
   */
  query(vector, { k, ef, exact, rescore, maxDistance, minScore }, filter = 0, extra = NOTHING, flags = 0) {
    const p = this.staging(vector.length * 4 + extra.length);
    this.heap.writeF32(p, vector);
    const q = p + vector.length * 4;
    this.heap.write(q, extra);
    flags |= (exact ? ABI.QUERY_EXACT : 0) | ((rescore + 1) << ABI.QUERY_RESCORE_SHIFT);
    const n = this.exports.vs_query(
      this.#db, p, vector.length, k, ef, flags, maxDistance, minScore, filter, q, extra.length,
    );
    if (n < 0) throw this.error();
    const hits = this.exports.vs_query_hits(this.#db) >>> 0;
    const result = /** @type {[number, number, number][]} */ (new Array(n));
    const view = this.heap.borrowView();
    for (let i = 0, at = hits; i < n; i++, at += ABI.HIT_BYTES) {
      result[i] = [view.getUint32(at, true), view.getFloat32(at + 4, true), view.getFloat32(at + 8, true)];
    }
    return result;
  }

  /** What the transaction of that mark did, or null. @param {Mark} mark */
  marked({ client, call }) {
    const p = this.exports.vs_mark(this.#db, this.#stage(client), call) >>> 0;
    if (p === 0) return null;
    const [inserted, updated, deleted] = [0, 4, 8].map((at) => this.heap.u32(p + at));
    return { inserted, updated, deleted };
  }

  /** The slot of an encoded id, or -1. @param {Uint8Array} id */
  find(id) {
    const slot = this.exports.vs_find(this.#db, this.#stage(id), id.length) >>> 0;
    return slot === NO_INDEX ? -1 : slot;
  }

  /**
   * The parts of the record at a slot that are asked for.
   * @param {number} slot
   * @param {{ vector: boolean, metadata: boolean, text: boolean, sparse?: boolean, multivector?: boolean }} parts
   */
  record(slot, parts) {
    const p = this.exports.vs_record(this.#db, slot) >>> 0;
    if (p === 0) throw this.error();
    const { heap } = this;
    const view = heap.borrowView();
    const id = decodeId(heap, view, view.getUint32(p, true), view.getUint32(p + 4, true));
    const floats = view.getUint32(p + 12, true);
    const metadataBytes = view.getUint32(p + 20, true);
    const textBytes = view.getUint32(p + 28, true);
    const extraBytes = parts.sparse || parts.multivector ? view.getUint32(p + 76, true) : 0;
    const extra = extraBytes > 0 ? readExtra(heap.borrow(heap.u32(p + 72), extraBytes).slice()) : undefined;
    return {
      id,
      rev: heap.f64(p + 64),
      vector: parts.vector && floats > 0 ? heap.readF32(heap.u32(p + 8), floats) : undefined,
      metadata: !parts.metadata
        ? undefined
        : metadataBytes === 0 ? {} : decodeValue(heap.borrow(heap.u32(p + 16), metadataBytes)),
      text: parts.text && textBytes > 0 ? decodeValue(heap.borrow(heap.u32(p + 24), textBytes)) : undefined,
      sparse: parts.sparse ? extra?.sparse : undefined,
      multivector: parts.multivector ? extra?.multivector : undefined,
    };
  }

  /** The next slot whose record has no staged vector, or -1. @param {number} from */
  unstaged(from) {
    const slot = this.exports.vs_unstaged(this.#db, from) >>> 0;
    return slot === NO_INDEX ? -1 : slot;
  }

  /** Whether the record at a slot has text; undefined where there is no record. @param {number} slot */
  hasText(slot) {
    const p = this.exports.vs_record(this.#db, slot) >>> 0;
    return p === 0 ? undefined : this.heap.u32(p + 28) > 0;
  }

  count() {
    return this.exports.vs_count(this.#db) >>> 0;
  }

  /** The engine's own statistics. @returns {Record<string, any>} */
  stats() {
    return this.valueAt(this.exports.vs_stats(this.#db));
  }

  /** Newest first. @returns {Snapshot[]} */
  snapshots() {
    return this.valueAt(this.exports.vs_snapshots(this.#db));
  }

  /** Frees the database; the instance is of no use afterwards. */
  destroy() {
    if (this.#db !== 0 && !this.dead) this.exports.vs_db_free(this.#db);
    this.#db = 0;
    this.#dead ??= new Error('the store was closed');
  }
}

/**
 * A tag byte and the key. A number is read without a view of its own: ten hits' views take a tenth of a query's time.
 * @param {Heap} heap
 * @param {DataView} view the heap's
 * @param {number} p
 * @param {number} n
 * @returns {string | number}
 */
function decodeId(heap, view, p, n) {
  if (view.getUint8(p) === 0x73) return decodeUtf8(heap.borrow(p + 1, n - 1));
  return view.getUint32(p + 1, true) + view.getUint32(p + 5, true) * 2 ** 32;
}

/** A handle of one operation under way; free() exactly once. */
export class Operation {
  #engine;
  #handle;

  /** @param {Engine} engine @param {number} handle */
  constructor(engine, handle) {
    this.#engine = engine;
    this.#handle = handle;
  }

  /** Goes on for about `budget` units of work; gives one of ABI.STEP_*. @param {number} budget */
  step(budget) {
    return this.#engine.exports.vs_op_step(this.#handle, budget);
  }

  /** @param {number} status */
  resume(status) {
    return this.#engine.exports.vs_op_resume(this.#handle, status);
  }

  /** Share of the work done, 0..1. */
  get progress() {
    return this.#engine.exports.vs_op_progress(this.#handle);
  }

  /** A copy of the result. */
  result() {
    const { exports, heap } = this.#engine;
    return heap.read(exports.vs_op_result(this.#handle) >>> 0, exports.vs_op_result_bytes(this.#handle) >>> 0);
  }

  /** What an export's last step finished, joined. */
  chunks() {
    const { exports, heap } = this.#engine;
    /** @type {number[]} */
    const sizes = [];
    let total = 0;
    for (let i = 0; exports.vs_op_chunk(this.#handle, i) !== 0; i++) {
      sizes.push(exports.vs_op_chunk_bytes(this.#handle, i) >>> 0);
      total += sizes[i];
    }
    const all = new Uint8Array(total);
    let at = 0;
    sizes.forEach((size, i) => {
      all.set(heap.borrow(exports.vs_op_chunk(this.#handle, i) >>> 0, size), at);
      at += size;
    });
    return all;
  }

  free() {
    if (this.#handle !== 0 && !this.#engine.dead) this.#engine.exports.vs_op_free(this.#handle);
    this.#handle = 0;
  }
}
