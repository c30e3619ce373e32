// store.js - the VecStore class: checks what it is given, keeps the order of calls, turns records into results.
//
// Every method copies and checks its arguments within the call, then takes its
// turn in the queue (queue.js). No logic that the engine could own lives here.
/// <reference lib="esnext.disposable" preserve="true" />

import { ABI } from './engine/abi.gen.js';
import { decodeValue, show } from './engine/value.js';
import { VecStoreError, invalid, throwIfAborted, unsupported } from './errors.js';
import { openParts } from './open.js';
import {
  checkCountOptions, readGetOptions, readOperationOptions, readQuery, readUpsertManyOptions, readVerifyOptions,
} from './options.js';
import { Packer, encodeId } from './records.js';
import { VERSION } from './version.js';

/** @import { Hit, Id, OpenOptions, OperationOptions, Part, Query, RecordInput, Stats, StoredRecord, UpsertManyOptions,
 *   VerifyResult } from './types.js' */
/** @import { CheckedQuery } from './options.js' */
/** @import { Engine, Operation } from './engine/engine.js' */
/** @import { CallQueue, OperationRunner } from './queue.js' */
/** @import { Parts } from './open.js' */
/** @import { Backend } from './storage/backend.js' */
/** @import { Platform } from './platform/platform.js' */

/** Keeps the constructor to this file. */
const INTERNAL = Symbol('internal');

/** Staged pieces between two looks at the event loop. */
const PIECES_PER_TURN = 8;
/** How long a batch of queries may go on before other tasks get a turn. */
const TURN_MS = 8;

/** A store of vectors with metadata and text. */
export class VecStore {
  /**
   * What this runtime offers (platform/platform.js); set by the package's entries.
   * @type {any}
   */
  static platform;

  /** @type {Engine} */
  #engine;
  /** @type {Backend} */
  #backend;
  /** @type {Platform} */
  #platform;
  /** @type {CallQueue} */
  #queue;
  /** @type {OperationRunner} */
  #runner;
  #relaxed;
  /** null until the first insert fixes it. @type {number | null} */
  #dimension;
  /** Under way or over. @type {Promise<void> | undefined} */
  #closing;
  /** What went wrong in the background. @type {unknown} */
  #lastError = null;
  /** The last checkpoint or optimization called, until it is over. @type {Promise<unknown> | undefined} */
  #maintenance;
  #checkpointing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #syncTimer;

  /**
   * Use `VecStore.open`.
   * @param {symbol} token
   * @param {any} parts
   */
  constructor(token, parts) {
    if (token !== INTERNAL) throw invalid('use VecStore.open');
    const { engine, backend, platform, queue, runner, relaxed, dimension } = /** @type {Parts} */ (parts);
    this.#engine = engine;
    this.#backend = backend;
    this.#platform = platform;
    this.#queue = queue;
    this.#runner = runner;
    this.#relaxed = relaxed;
    this.#dimension = dimension;
  }

  // ============ Opening and closing ============

  /**
   * Opens a store, or makes a new one.
   * @param {OpenOptions} [options]
   * @returns {Promise<VecStore>}
   */
  static async open(options) {
    return new this(INTERNAL, await openParts(this.platform, options, undefined));
  }

  /**
   * Makes a new store from what `export` gave.
   * @param {ArrayBuffer | ArrayBufferView} bytes
   * @param {OpenOptions} [options]
   * @returns {Promise<VecStore>}
   */
  static async import(bytes, options) {
    if (!(bytes instanceof ArrayBuffer) && !ArrayBuffer.isView(bytes)) {
      throw invalid(`import needs bytes, not ${show(bytes)}`);
    }
    const image = bytes instanceof ArrayBuffer
      ? new Uint8Array(bytes)
      : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new this(INTERNAL, await openParts(this.platform, options, image));
  }

  /**
   * Waits for everything called before, makes it durable and releases the store. May be called again.
   * @returns {Promise<void>}
   */
  close() {
    return (this.#closing ??= this.#close());
  }

  async #close() {
    clearTimeout(this.#syncTimer);
    const engine = this.#engine;
    try {
      await this.#maintenance?.catch(() => {});
      await this.#runner.settled();
      await this.#runner.run(() => engine.guard(() => engine.close()), () => {});
    } catch (error) {
      // Under strict durability every acknowledged write is durable, and the others were told.
      if (this.#relaxed || /** @type {any} */ (error).code !== 'POISONED') throw error;
    } finally {
      engine.destroy();
      await this.#backend.close();
    }
  }

  /** The same as close(). */
  async [Symbol.asyncDispose]() {
    await this.close();
  }

  static {
    // Where the symbol does not exist the method above has got the name "undefined".
    if (!Symbol.asyncDispose) Reflect.deleteProperty(this.prototype, 'undefined');
  }

  #checkOpen() {
    if (this.#closing) throw new VecStoreError('CLOSED', 'the store is closed');
  }

  // ============ Writing ============

  /**
   * Writes one record, or an array of records as one atomic batch. Each replaces the whole record of its id.
   * @param {RecordInput | RecordInput[]} records
   * @param {OperationOptions} [options]
   * @returns {Promise<{ inserted: number, updated: number }>}
   */
  async upsert(records, options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('upsert', options);
    const isBatch = Array.isArray(records);
    const packer = new Packer(this.#dimension, isBatch ? records.length : 1);
    if (isBatch) {
      for (let i = 0; i < records.length; i++) packer.upsert(records[i], i);
    } else {
      packer.upsert(records);
    }
    const { inserted, updated } = await this.#commit(packer, isBatch, signal, onProgress);
    return { inserted, updated };
  }

  /**
   * Writes a stream of records in atomic batches. When it fails, the batches before have been written.
   * @param {AsyncIterable<RecordInput> | Iterable<RecordInput>} records
   * @param {UpsertManyOptions} [options]
   * @returns {Promise<{ inserted: number, updated: number }>}
   */
  async upsertMany(records, options) {
    this.#checkOpen();
    const { batchSize, onProgress, signal } = readUpsertManyOptions(options);
    const total = { inserted: 0, updated: 0 };
    let done = 0;
    /** @type {RecordInput[]} */
    let batch = [];
    const write = async () => {
      try {
        const { inserted, updated } = await this.upsert(batch, { signal });
        total.inserted += inserted;
        total.updated += updated;
      } catch (error) {
        if (error instanceof VecStoreError && error.index !== undefined) error.index += done;
        throw error;
      }
      done += batch.length;
      batch = [];
      onProgress?.({ ...total });
    };
    for await (const record of records) {
      throwIfAborted(signal);
      batch.push(record);
      if (batch.length === batchSize) await write();
    }
    if (batch.length > 0) await write();
    return total;
  }

  /**
   * Deletes one record or several, atomically; absent ids are no error.
   * @param {Id | Id[]} ids
   * @param {OperationOptions} [options]
   * @returns {Promise<{ deleted: number }>}
   */
  async delete(ids, options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('delete', options);
    if (typeof ids === 'object' && ids !== null && !Array.isArray(ids) && 'filter' in ids) {
      throw unsupported("delete: option 'filter' is not supported by this version");
    }
    const isBatch = Array.isArray(ids);
    const packer = new Packer(0, isBatch ? ids.length : 1);
    if (isBatch) {
      for (let i = 0; i < ids.length; i++) packer.delete(ids[i], i);
    } else {
      packer.delete(ids);
    }
    const { deleted } = await this.#commit(packer, isBatch, signal, onProgress);
    return { deleted };
  }

  /**
   * @param {Packer} packer
   * @param {boolean} isBatch
   * @param {AbortSignal | undefined} signal
   * @param {((share: number) => void) | undefined} onProgress
   */
  async #commit(packer, isBatch, signal, onProgress) {
    throwIfAborted(signal);
    const pieces = packer.finish();
    const none = { inserted: 0, updated: 0, deleted: 0 };
    if (pieces.length === 0) return none;
    try {
      return await this.#runner.run(() => this.#stage(pieces, signal), (op) => {
        if (packer.dimension !== null && this.#dimension === null) this.#dimension = packer.dimension;
        return this.#committed(op.result());
      }, onProgress);
    } catch (error) {
      if (!isBatch && error instanceof VecStoreError) delete error.index;
      throw error;
    }
  }

  /**
   * Hands the pieces over and begins the commit.
   * @param {Uint8Array[]} pieces
   * @param {AbortSignal | undefined} signal
   */
  #stage(pieces, signal) {
    const engine = this.#engine;
    throwIfAborted(signal);
    engine.guard(() => engine.begin(Date.now()));
    if (pieces.length > PIECES_PER_TURN) return this.#stageSlowly(pieces, signal);
    for (const piece of pieces) engine.guard(() => engine.add(piece));
    return engine.guard(() => engine.commit(this.#relaxed));
  }

  /** @param {Uint8Array[]} pieces @param {AbortSignal | undefined} signal */
  async #stageSlowly(pieces, signal) {
    const engine = this.#engine;
    for (let i = 0; i < pieces.length; i++) {
      if (i % PIECES_PER_TURN === 0) await this.#platform.yieldToHost();
      if (signal?.aborted) {
        engine.guard(() => engine.abort());
        throwIfAborted(signal);
      }
      engine.guard(() => engine.add(pieces[i]));
    }
    return engine.guard(() => engine.commit(this.#relaxed));
  }

  /** Reads a commit's result and starts what follows from it. @param {Uint8Array} result */
  #committed(result) {
    const view = new DataView(result.buffer, result.byteOffset, ABI.COMMIT_RESULT_BYTES);
    const [inserted, updated, deleted, isDue] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
    if (this.#relaxed) this.#syncLater();
    if (isDue) this.#checkpointSoon();
    return { inserted, updated, deleted };
  }

  #syncLater() {
    if (this.#syncTimer !== undefined || this.#closing || !this.#backend.persistent) return;
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      this.#runner.syncSoon();
    }, this.#backend.syncDelayMs);
  }

  /** A checkpoint that no caller waits for; close() does. */
  #checkpointSoon() {
    if (this.#checkpointing || this.#closing) return;
    this.#checkpointing = true;
    const engine = this.#engine;
    this.#maintain(() => this.#runner.run(() => engine.guard(() => engine.checkpoint()), () => {})).catch((error) => {
      this.#lastError = error;
    }).finally(() => {
      this.#checkpointing = false;
    });
  }

  /**
   * Runs fn after the checkpoints and optimizations called before; other calls go on meanwhile.
   * @template T
   * @param {() => Promise<T>} fn
   * @returns {Promise<T>}
   */
  #maintain(fn) {
    const done = this.#maintenance ? this.#maintenance.then(fn, fn) : fn();
    this.#maintenance = done;
    const over = () => {
      if (this.#maintenance === done) this.#maintenance = undefined;
    };
    done.then(over, over);
    return done;
  }

  // ============ Reading ============

  /**
   * @overload
   * @param {Id} ids
   * @param {{ include?: Part[] }} [options]
   * @returns {Promise<StoredRecord | null>}
   */
  /**
   * @overload
   * @param {Id[]} ids
   * @param {{ include?: Part[] }} [options]
   * @returns {Promise<(StoredRecord | null)[]>}
   */
  /**
   * The record of an id, or null; for an array of ids an array aligned with it.
   * @param {Id | Id[]} ids
   * @param {{ include?: Part[] }} [options] everything by default
   * @returns {Promise<StoredRecord | null | (StoredRecord | null)[]>}
   */
  async get(ids, options) {
    this.#checkOpen();
    const include = readGetOptions(options);
    const isMany = Array.isArray(ids);
    const encoded = isMany ? ids.map((id, i) => encodeId(id, i)) : [encodeId(ids)];
    const engine = this.#engine;
    const records = await this.#queue.run(() => engine.guard(() => encoded.map((id) => {
      const slot = engine.find(id);
      return slot < 0 ? null : strip(engine.record(slot, include), {});
    })));
    return isMany ? records : records[0];
  }

  /**
   * The nearest records, best first.
   * @param {Query} query
   * @returns {Promise<Hit[]>}
   */
  async query(query) {
    this.#checkOpen();
    const checked = readQuery(query);
    throwIfAborted(checked.signal);
    return this.#queue.run(() => this.#search(checked));
  }

  /**
   * Several queries at once; the results are aligned with them.
   * @param {Query[]} queries
   * @returns {Promise<Hit[][]>}
   */
  async queryBatch(queries) {
    this.#checkOpen();
    if (!Array.isArray(queries)) throw invalid(`queryBatch needs an array of queries, not ${show(queries)}`);
    const checked = queries.map((query, i) => atRow(i, () => readQuery(query)));
    return this.#queue.run(async () => {
      /** @type {Hit[][]} */
      const results = [];
      let turnEnds = performance.now() + TURN_MS;
      for (const [i, query] of checked.entries()) {
        if (performance.now() > turnEnds) {
          await this.#platform.yieldToHost();
          turnEnds = performance.now() + TURN_MS;
        }
        results.push(atRow(i, () => this.#search(query)));
      }
      return results;
    });
  }

  /** @param {CheckedQuery} query @returns {Hit[]} */
  #search(query) {
    throwIfAborted(query.signal);
    const engine = this.#engine;
    return engine.guard(() => engine.query(query.vector, query).map(([slot, score, distance]) => {
      const record = engine.record(slot, query.include);
      return /** @type {Hit} */ (strip(record, { id: record.id, score, distance }));
    }));
  }

  /**
   * How many records there are.
   * @param {{}} [options]
   * @returns {Promise<number>}
   */
  async count(options) {
    this.#checkOpen();
    checkCountOptions(options);
    return this.#queue.run(() => this.#engine.guard(() => this.#engine.count()));
  }

  /** @returns {Promise<Stats>} */
  async stats() {
    this.#checkOpen();
    const engine = this.#engine;
    const stats = await this.#queue.run(() => engine.guard(() => engine.stats()));
    const host = this.#backend.stats();
    const wasm = engine.heap.byteLength;
    const { total: used, ...parts } = stats.memory;
    return {
      count: stats.count,
      dimension: stats.dimension,
      metric: stats.metric,
      index: stats.index,
      quantization: stats.quantization,
      durability: this.#relaxed ? 'relaxed' : 'strict',
      memory: { total: wasm + (host.memory?.files ?? 0), wasm, used, ...parts, ...host.memory },
      storage: {
        kind: this.#backend.kind, persistent: this.#backend.persistent, path: this.#backend.path, ...stats.storage,
        ...host.storage,
      },
      engine: { simd: engine.simd, version: VERSION },
      lastError: this.#lastError === null ? null : String(/** @type {any} */ (this.#lastError).message),
    };
  }

  // ============ Keeping ============

  /**
   * Waits until everything written before is durable.
   * @returns {Promise<void>}
   */
  async flush() {
    this.#checkOpen();
    return this.#runner.run(() => this.#engine.guard(() => this.#engine.flush()), () => {});
  }

  /**
   * Writes the state as it is now, so that the next opening need not replay the log.
   * @param {OperationOptions} [options]
   * @returns {Promise<void>}
   */
  async checkpoint(options) {
    this.#checkOpen();
    return this.#maintain(() => this.#operate('checkpoint', options, () => this.#engine.checkpoint(), () => {}));
  }

  /**
   * Rewrites what deleted records still occupy.
   * @param {OperationOptions} [options]
   * @returns {Promise<void>}
   */
  async optimize(options) {
    this.#checkOpen();
    return this.#maintain(() => this.#operate('optimize', options, () => this.#engine.optimize(), () => {}));
  }

  /**
   * Checks every byte stored and the agreement of all parts.
   * @param {OperationOptions & { repair?: false }} [options]
   * @returns {Promise<VerifyResult>}
   */
  async verify(options) {
    this.#checkOpen();
    const { repair: _, ...rest } = readVerifyOptions(options);
    return this.#operate('verify', rest, () => this.#engine.verify(), (op) => {
      const errors = decodeValue(op.result());
      return { ok: errors.length === 0, errors, repaired: false };
    });
  }

  /**
   * The whole store as bytes for `VecStore.import`.
   * @param {OperationOptions} [options]
   * @returns {Promise<Uint8Array>}
   */
  async export(options) {
    this.#checkOpen();
    return this.#operate('export', options, () => this.#engine.export(), (op) => op.chunks());
  }

  /**
   * @template T
   * @param {string} method
   * @param {unknown} options
   * @param {() => Operation} begin
   * @param {(op: Operation) => T} finish
   * @returns {Promise<T>}
   */
  async #operate(method, options, begin, finish) {
    const { signal, onProgress } = readOperationOptions(method, options);
    throwIfAborted(signal);
    return this.#runner.run(() => {
      throwIfAborted(signal);
      return this.#engine.guard(begin);
    }, finish, onProgress);
  }
}

/**
 * Copies the parts that are there onto `to`.
 * @param {{ id: Id, vector?: Float32Array, metadata?: Record<string, any>, text?: any }} record
 * @param {Record<string, any>} to
 * @returns {any}
 */
function strip({ id, vector, metadata, text }, to) {
  to.id = id;
  if (vector !== undefined) to.vector = vector;
  if (metadata !== undefined) to.metadata = metadata;
  if (text !== undefined) to.text = text;
  return to;
}

/**
 * Runs fn; its error says which row of a batch it was.
 * @template T
 * @param {number} index
 * @param {() => T} fn
 * @returns {T}
 */
function atRow(index, fn) {
  try {
    return fn();
  } catch (error) {
    if (error instanceof VecStoreError) error.index ??= index;
    throw error;
  }
}
