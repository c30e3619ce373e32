// store.js - the VecStore class: checks what it is given, keeps the order of calls, turns records into results.
//
// Every method copies and checks its arguments within the call, then takes its
// turn in the queue (queue.js). No logic that the engine could own lives here.
/// <reference lib="esnext.disposable" preserve="true" />

import { ABI } from './engine/abi.gen.js';
import { MARKS } from './engine/engine.js';
import { atRow, checkName, withoutIndex } from './checks.js';
import { decodeValue, show } from './engine/value.js';
import { VecStoreError, invalid, throwIfAborted } from './errors.js';
import { openParts } from './open.js';
import { snapshot, withMore } from './lazy.js';
import { upsertMany } from './many.js';
import { readGetOptions, readOperationOptions, readQuery, readUpsertManyOptions, readVerifyOptions } from './options.js';
import { Packer, encodeId, strip } from './records.js';
import { VERSION } from './version.js';

/** @import { Completion, Correction, Embedder, Estimate, Explanation, Hit, Hits, HybridHit, HybridQuery, Id, JsonlOptions, OpenOptions, OperationOptions, Part, Patch, PipelineStage, Query,
 *   QueryCost, RecordInput, ReembedOptions, ReembedResult, Scan, ScanOptions, Selection, Snapshot, StagedHit, Stats,
 *   StoredRecord, TextHit, TextQuery, UpsertManyOptions, VerifyResult } from './types.js' */
/** @import { CheckedQuery } from './options.js' */
/** @import { SchemaCheck } from './schema.js' */
/** @import { Engine, Operation } from './engine/engine.js' */
/** @import { CallQueue, OperationRunner } from './queue.js' */
/** @import { Embedding } from './embedding.js' */
/** @import { Parts } from './open.js' */
/** @import { ByteSource } from './source.js' */
/** @import { Backend } from './storage/backend.js' */
/** @import { Platform } from './platform/platform.js' */

/** Keeps the constructor to this file. */
const INTERNAL = Symbol('internal');

/** Staged pieces between two looks at the event loop, and how long a batch of queries may go on before other tasks get a turn. */
const PIECES_PER_TURN = 8, TURN_MS = 8;

/**
 * A store of vectors with metadata and text.
 * @template {object} [M=Record<string, any>] what the metadata is
 */
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
  /** @type {SchemaCheck | undefined} */
  #schema;
  /** null until the first insert fixes it. @type {number | null} */
  #dimension;
  /** Makes vectors of texts. @type {Embedding | null} */
  #embedding;
  /** Stops the re-embedding under way. @type {AbortController | undefined} */
  #reembedding;
  /** Under way or over. @type {Promise<void> | undefined} */
  #closing;
  /** What opening for repair found. @type {Parts['repair']} */
  #repair;
  /** Ends the streams that hold the store's turn. */
  #whenClosing = new AbortController();
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
    const { engine, backend, platform, queue, runner, relaxed, dimension, embedding, schema, repair } =
      /** @type {Parts} */ (parts);
    this.#engine = engine;
    this.#backend = backend;
    this.#platform = platform;
    this.#queue = queue;
    this.#runner = runner;
    this.#relaxed = relaxed;
    this.#dimension = dimension;
    this.#embedding = embedding;
    this.#schema = schema;
    this.#repair = repair;
  }

  // ============ Opening and closing ============

  /**
   * Opens a store, or makes a new one.
   * @template {object} [M=Record<string, any>]
   * @param {OpenOptions<M>} [options]
   * @returns {Promise<VecStore<M>>}
   */
  static async open(options) {
    return openAs(this, options, undefined);
  }

  /**
   * Makes a new store from what `export` or `exportStream` gave: bytes, a Blob, a Response, a stream, or an iterable
   * of pieces. When it fails, also half-way in a crash, there is no store.
   * @template {object} [M=Record<string, any>]
   * @param {Exclude<ByteSource, string>} source
   * @param {OpenOptions<M>} [options]
   * @returns {Promise<VecStore<M>>}
   */
  static async import(source, options) {
    if (typeof source !== 'object' || source === null) throw invalid(`import needs bytes, not ${show(source)}`);
    return openAs(this, options, source);
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
    this.#reembedding?.abort();
    this.#whenClosing.abort();
    const engine = this.#engine;
    try {
      await this.#maintenance?.catch(() => {});
      await this.#runner.settled();
      await this.#runner.run(() => engine.guard(() => engine.close()), () => {});
    } catch (error) {
      // Under strict durability every acknowledged write is durable, and the others were told.
      if (this.#relaxed || !['POISONED', 'NO_SPACE'].includes(/** @type {any} */ (error).code)) throw error;
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
   * @param {RecordInput<M> | RecordInput<M>[]} records
   * @param {OperationOptions} [options]
   * @returns {Promise<{ inserted: number, updated: number }>}
   */
  async upsert(records, options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('upsert', options);
    const isBatch = Array.isArray(records);
    const rules = { embeds: this.#embedding !== null, schema: this.#schema };
    const packer = new Packer(this.#dimension, isBatch ? records.length : 1, rules);
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
   * @param {AsyncIterable<RecordInput<M>> | Iterable<RecordInput<M>>} records
   * @param {UpsertManyOptions} [options]
   * @returns {Promise<{ inserted: number, updated: number }>}
   */
  async upsertMany(records, options) {
    this.#checkOpen();
    return upsertMany(this, records, readUpsertManyOptions(options));
  }

  /**
   * Deletes one record or several, or all that match a filter, atomically; absent ids are no error.
   * @param {Id | Id[] | (Selection<M> & Required<Pick<Selection<M>, 'filter'>>)} target
   * @param {OperationOptions} [options]
   * @returns {Promise<{ deleted: number }>}
   */
  async delete(target, options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('delete', options);
    if (typeof target === 'object' && target !== null && !Array.isArray(target)) {
      const copy = snapshot(target);
      const { deleted } = await this.#write(() => this.#more((more) =>
        more.deletion(this.#engine, more.selectionOf('delete', copy, true), this.#relaxed, signal)), signal, onProgress);
      return { deleted };
    }
    const ids = /** @type {Id | Id[]} */ (target);
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
   * Merges members into the metadata of one record, which must be there, or of all that match a filter, atomically:
   * a member replaces that of the same name, null is stored, an undefined member is removed.
   * @param {Id | (Selection<M> & Required<Pick<Selection<M>, 'filter'>>)} target
   * @param {Patch<M>} patch
   * @param {OperationOptions} [options]
   * @returns {Promise<{ updated: number }>}
   */
  async updateMetadata(target, patch, options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('updateMetadata', options);
    const [to, copy] = [snapshot(target), snapshot(patch)];
    // One record's metadata are merged by the core.
    const stage = (/** @type {import('./lazy.js').More} */ more) =>
      this.#stage(more.patches(this.#engine, to, copy, this.#schema), signal);
    const { updated } = await this.#write(() => (typeof to === 'object' ? this.#more(stage) : withMore(stage)), signal, onProgress).catch((error) => {
      throw withoutIndex(error);
    });
    return { updated };
  }

  /**
   * Runs a transaction.
   * @param {() => Operation | Promise<Operation>} begin
   * @param {AbortSignal | undefined} signal
   * @param {((share: number) => void) | undefined} onProgress
   */
  async #write(begin, signal, onProgress) {
    throwIfAborted(signal);
    return this.#runner.run(() => {
      throwIfAborted(signal);
      return begin();
    }, (op) => this.#committed(op.result()), onProgress);
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
    // Embedding begins at once, several calls' at the same time; the call keeps its turn meanwhile.
    const { holes } = packer;
    const embedded = holes.length > 0 ? this.#embedding?.documents(pieces, holes, signal, onProgress) : undefined;
    const begin = embedded
      ? () => embedded.take(this.#embedding).then((filled) => this.#stage(filled, signal))
      : () => this.#stage(pieces, signal);
    try {
      return await this.#runner.run(begin, (op) => {
        // A deletion has none, which fixes nothing.
        if (packer.dimension && this.#dimension === null) this.#dimension = packer.dimension;
        return this.#committed(op.result());
      }, embedded?.onProgress ?? onProgress, embedded?.ready);
    } catch (error) {
      throw isBatch ? error : withoutIndex(error);
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
    engine.guard(() => engine.begin(Date.now(), MARKS.get(/** @type {any} */ (signal))));
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
   * @returns {Promise<StoredRecord<M> | null>}
   */
  /**
   * @overload
   * @param {Id[]} ids
   * @param {{ include?: Part[] }} [options]
   * @returns {Promise<(StoredRecord<M> | null)[]>}
   */
  /**
   * The record of an id, or null; for an array of ids an array aligned with it.
   * @param {Id | Id[]} ids
   * @param {{ include?: Part[] }} [options] everything by default
   * @returns {Promise<StoredRecord<M> | null | (StoredRecord<M> | null)[]>}
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
   * The nearest records, best first; with a filter the nearest of those that match, always min(k, matches).
   * @template {string} [F=never] the facets asked for
   * @param {Query<M, F>} query
   * @returns {Promise<Hits<M, F>>}
   */
  async query(query) {
    this.#checkOpen();
    const checked = readQuery(query, this.#embedding !== null);
    throwIfAborted(checked.signal);
    if (checked.text === undefined) return this.#queue.run(() => this.#search(checked));
    return this.#embedded([checked], () => this.#search(checked));
  }

  /**
   * Several queries at once; the results are aligned with them.
   * @template {string} [F=never]
   * @param {Query<M, F>[]} queries
   * @returns {Promise<Hits<M, F>[]>}
   */
  async queryBatch(queries) {
    this.#checkOpen();
    if (!Array.isArray(queries)) throw invalid(`queryBatch needs an array of queries, not ${show(queries)}`);
    const checked = queries.map((query, i) => atRow(i, () => readQuery(query, this.#embedding !== null)));
    return this.#embedded(checked, async () => {
      /** @type {any[]} */
      const results = [];
      const exact = checked.some((query) => query.exact) ? await this.#more((more) => more) : null;
      if (checked.some(({ asked }) => asked)) await this.#more(() => {});
      let turnEnds = performance.now() + TURN_MS;
      for (let i = 0; i < checked.length;) {
        if (performance.now() > turnEnds) {
          await this.#platform.yieldToHost();
          turnEnds = performance.now() + TURN_MS;
        }
        const n = exact?.together(this.#engine, checked, i) ?? 0;
        if (exact && n > 1) {
          results.push(...atRow(i, () => exact.askMany(this.#engine, checked.slice(i, i + n))));
          i += n;
        } else {
          const query = checked[i];
          results.push(await atRow(i++, () => this.#search(query)));
        }
      }
      return results;
    });
  }

  /**
   * Runs fn in its turn, the queries by text having got their vectors.
   * @template T
   * @param {CheckedQuery[]} queries
   * @param {() => T | Promise<T>} fn
   * @returns {Promise<T>}
   */
  #embedded(queries, fn) {
    const embedded = this.#embedding?.queries(queries);
    if (!embedded) return this.#queue.run(fn);
    return this.#queue.run(() => embedded.take(this.#embedding).then(fn), false, embedded.ready);
  }

  /**
   * Runs fn with what more.js offers and all of the engine: at once when both are loaded.
   * @template T
   * @param {(more: import('./lazy.js').More) => T} fn
   * @returns {T | Promise<Awaited<T>>}
   */
  #more(fn) {
    const engine = this.#engine;
    engine.part.fetch();
    return withMore((more) => engine.whole(() => fn(more)));
  }

  /** @param {CheckedQuery} query @returns {any} a promise only before all has been loaded */
  #search(query) {
    throwIfAborted(query.signal);
    const engine = this.#engine;
    if (query.asked) return this.#more((more) => more.ask(engine, query, this.#platform.yieldToHost));
    const search = () => engine.guard(() => engine.query(query.vector, query).map(([slot, score, distance]) => {
      const record = engine.record(slot, query.include);
      return strip(record, { id: record.id, score, distance });
    }));
    return query.ef >= ABI.QUERY_TARGET_RECALL ? engine.whole(search) : search();
  }

  /**
   * The records whose text fits best by BM25, best first: of a plain text the words, of which any may match, and its
   * "quoted phrases", which must; with `syntax: 'query'` operators. The first text query of an opened store builds the
   * index.
   * @param {TextQuery<M>} query
   * @returns {Promise<TextHit<M>[]>}
   */
  async textQuery(query) {
    this.#checkOpen();
    const copy = snapshot(query);
    throwIfAborted(copy?.signal);
    return this.#queue.run(() => this.#more(async (more) => {
      const checked = more.readTextQuery(copy);
      await more.prepareText(this.#engine, this.#platform.yieldToHost, checked.signal);
      return /** @type {any} */ (more.askText(this.#engine, checked));
    }));
  }

  /**
   * The best records by two or three of vector, text and sparse vector together. Without a vector the store's embedder,
   * if it has one, makes one of the text.
   * @param {HybridQuery<M>} query
   * @returns {Promise<HybridHit<M>[]>}
   */
  async hybridQuery(query) {
    this.#checkOpen();
    const copy = snapshot(query);
    throwIfAborted(copy?.signal);
    return this.#queue.run(() => this.#more(async (more) => {
      const checked = more.readHybridQuery(copy, this.#embedding !== null);
      if (checked.vector) await this.#embedding?.queries([checked.vector])?.take(this.#embedding);
      await more.prepareSides(this.#engine, checked, this.#platform.yieldToHost);
      return /** @type {any} */ (more.askFused(this.#engine, checked));
    }));
  }

  /**
   * What the word at a text's end may become by the records' texts, the most frequent first; with `fuzzy` also if misspelt.
   * @param {string} text @param {{ limit?: number, fuzzy?: boolean }} [options] limit: 10, at most 50
   * @returns {Promise<Completion[]>}
   */
  async autocomplete(text, options) {
    this.#checkOpen();
    const copy = snapshot(options);
    return this.#queue.run(() => this.#more((more) => more.autocomplete(this.#engine, this.#platform.yieldToHost, text, copy)));
  }

  /**
   * Did you mean: for each word that no record has those of the records like it, the nearest first, then the most frequent.
   * @param {string} text @param {{ limit?: number }} [options] limit: words for each; 5, at most 50
   * @returns {Promise<Correction>}
   */
  async suggest(text, options) {
    this.#checkOpen();
    const copy = snapshot(options);
    return this.#queue.run(() => this.#more((more) => more.suggest(this.#engine, this.#platform.yieldToHost, text, copy)));
  }

  /**
   * Runs a query and says how: which plan and why, what was estimated and what happened, what would help.
   * @param {Query<M>} query
   * @returns {Promise<Explanation>}
   */
  async explain(query) {
    this.#checkOpen();
    const checked = readQuery(query, this.#embedding !== null, 'explain');
    throwIfAborted(checked.signal);
    return this.#embedded([checked], () => this.#more((more) => more.explain(this.#engine, checked)));
  }

  /**
   * What a query would do, without running it.
   * @param {QueryCost<M>} [query]
   * @returns {Promise<Estimate>}
   */
  async estimate(query = {}) {
    this.#checkOpen();
    const checked = readQuery(query, true, 'estimate');
    return this.#queue.run(() => this.#more((more) => more.estimate(this.#engine, checked)));
  }

  /**
   * A search and what is done with its hits, stage by stage: { search } by vector, { textSearch } or { hybridSearch },
   * with the options of query, textQuery and hybridQuery, then any of { filter, params }, { rerank, k } and
   * { mmr: { k, lambda } }.
   * @template {StagedHit<M>} [H=Hit<M>]
   * @param {PipelineStage<M, H>[]} stages
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<H[]>}
   */
  async pipeline(stages, options) {
    this.#checkOpen();
    const { signal } = readOperationOptions('pipeline', options);
    throwIfAborted(signal);
    const copy = snapshot(stages);
    const engine = this.#engine;
    // The search takes its turn now, and what it needs comes within that turn.
    const rest = await this.#queue.run(() => this.#more((more) => more.beginPipeline(engine, copy, signal, {
      embedding: this.#embedding, yieldToHost: this.#platform.yieldToHost,
    })));
    return /** @type {any} */ (rest((fn) => this.#queue.run(fn)));
  }

  /**
   * How many records there are, or match a filter.
   * @param {Selection<M>} [options]
   * @returns {Promise<number>}
   */
  async count(options) {
    this.#checkOpen();
    const engine = this.#engine;
    const copy = snapshot(options);
    return this.#queue.run(() => (copy === undefined
      ? engine.guard(() => engine.count())
      : this.#more((more) => more.count(engine, more.selectionOf('count', copy)))));
  }

  /**
   * All records, or those that match a filter, one after the other and in no particular order. Other calls may go on
   * meanwhile: records that are there all the time come once, those inserted later do not. `cursor` says where another
   * scan would go on; it is null at the end.
   * @param {ScanOptions<M>} [options]
   * @returns {Scan<M>}
   */
  scan(options) {
    const scan = this.#scan(options?.signal, snapshot(options), (cursor) => {
      place.cursor = cursor;
    });
    const place = /** @type {any} */ (Object.assign(scan, { cursor: options?.cursor }));
    return place;
  }

  /**
   * @param {AbortSignal | undefined} signal
   * @param {any} given
   * @param {(cursor: string | null) => void} moved
   */
  async *#scan(signal, given, moved) {
    for (let cursor = given?.cursor; cursor !== null;) {
      this.#checkOpen();
      throwIfAborted(signal);
      const { page, next } = await this.#queue.run(() =>
        this.#more((more) => more.scanPage(this.#engine, more.scanStart(given), cursor)));
      for (const { record, cursor: behind } of page) {
        moved(behind);
        yield record;
      }
      cursor = next;
    }
    moved(null);
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
      indexes: stats.metadataIndexes,
      text: stats.text,
      quantization: stats.quantization,
      embedder: stats.embedder,
      reembedding: stats.reembedding,
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
   * Makes the vector of every record anew, from its text, by another embedder, whose dimension may differ. The old
   * vectors answer until all are made; then the new ones and their embedder take over at once. Interrupted by
   * its signal, by close() or by a crash it goes on where it stopped when it is called again with the same embedder.
   * @param {Embedder} embedder
   * @param {ReembedOptions} [options]
   * @returns {Promise<ReembedResult>}
   */
  async reembed(embedder, options) {
    this.#checkOpen();
    const [{ reembed }] = await Promise.all([import('./reembed.js'), this.#engine.whole(() => {})]);
    this.#checkOpen();
    if (this.#reembedding) throw new VecStoreError('CONFLICT', 'a re-embedding is under way');
    this.#reembedding = new AbortController();
    try {
      return await reembed({
        engine: this.#engine, queue: this.#queue, runner: this.#runner, relaxed: this.#relaxed,
        closing: this.#reembedding.signal,
        maintain: (fn) => this.#maintain(fn),
        checkpointSoon: () => this.#checkpointSoon(),
        adopt: (embedding) => {
          this.#embedding = embedding;
          this.#dimension = embedding.dimension;
        },
      }, embedder, options);
    } finally {
      this.#reembedding = undefined;
    }
  }

  /**
   * Checks every byte stored and the agreement of all parts. With `repair` what is damaged is written anew from what is
   * in memory, and the result tells too what opening with `repair` found and could not save.
   * @param {OperationOptions & { repair?: boolean }} [options]
   * @returns {Promise<VerifyResult>}
   */
  async verify(options) {
    this.#checkOpen();
    const { repair, ...rest } = readVerifyOptions(options);
    const engine = this.#engine;
    const verify = () => this.#operate('verify', rest, () => engine.verify(), (op) => decodeValue(op.result()));
    const rewrite = () => this.#maintain(() =>
      this.#alone('verify', rest, () => engine.repair(), (op) => decodeValue(op.result())));
    if (repair) return withMore((more) => more.repair(this.#repair, verify, rewrite));
    const errors = await verify();
    return { ok: errors.length === 0, errors, repaired: false };
  }

  // ============ Snapshots ============

  /**
   * Keeps the present state under a name. It shares its files with the store until those are rewritten.
   * @param {string} name 1 to 128 letters, digits, '.', '_' or '-'
   * @param {OperationOptions} [options]
   * @returns {Promise<void>} ALREADY_EXISTS where the name is taken; UNSUPPORTED where nothing is stored
   */
  async createSnapshot(name, options) {
    this.#checkOpen();
    checkName(name);
    return this.#alone('createSnapshot', options, () => this.#engine.snapshot(name, Date.now()), () => {});
  }

  /** The snapshots, newest first. @returns {Promise<Snapshot[]>} */
  async listSnapshots() {
    this.#checkOpen();
    return this.#queue.run(() => this.#engine.whole(() => this.#engine.guard(() => this.#engine.snapshots())));
  }

  /**
   * Puts the records of a snapshot in the place of all present ones. Atomic: after a crash either state is whole. Where
   * their vectors are another embedder's, texts are not embedded until the store is opened with that one.
   * @param {string} name
   * @param {OperationOptions} [options]
   * @returns {Promise<void>} NOT_FOUND where there is none
   */
  async restoreSnapshot(name, options) {
    this.#checkOpen();
    checkName(name);
    return this.#alone('restoreSnapshot', options, () => this.#engine.restoreSnapshot(name), (op) => {
      const { dimension, embedder } = decodeValue(op.result());
      this.#dimension = dimension;
      if (embedder !== undefined && embedder !== this.#embedding?.name) this.#embedding = null;
    });
  }

  /**
   * Forgets a snapshot and gives back the space only it took.
   * @param {string} name
   * @param {OperationOptions} [options]
   * @returns {Promise<void>} NOT_FOUND where there is none
   */
  async deleteSnapshot(name, options) {
    this.#checkOpen();
    checkName(name);
    return this.#alone('deleteSnapshot', options, () => this.#engine.dropSnapshot(name), () => {});
  }

  /**
   * An operation in its turn, with none beside it.
   * @param {string} method
   * @param {unknown} options
   * @template T
   * @param {() => Operation} begin
   * @param {(op: Operation) => T} finish
   * @returns {Promise<T>}
   */
  async #alone(method, options, begin, finish) {
    const { signal, onProgress } = readOperationOptions(method, options);
    throwIfAborted(signal);
    return this.#runner.runAlone(() => {
      throwIfAborted(signal);
      return this.#engine.whole(() => this.#engine.guard(begin));
    }, finish, onProgress);
  }

  // ============ Moving ============

  /**
   * The whole store as bytes for `VecStore.import`.
   * @param {OperationOptions} [options]
   * @returns {Promise<Uint8Array>}
   */
  async export(options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('export', options);
    throwIfAborted(signal);
    return this.#queue.run(async () => {
      const [{ exportBytes }] = await Promise.all([import('./portable.js'), this.#engine.whole(() => {})]);
      return exportBytes(this.#engine, this.#platform.yieldToHost, signal, onProgress);
    });
  }

  /**
   * The same as a stream, of which no more than one piece (16 MiB) is held. It is the state at the first read; from
   * then on to the stream's end or cancel() other calls wait, so do not wait for one between two reads.
   * @param {OperationOptions} [options]
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  async exportStream(options) {
    this.#checkOpen();
    const { signal, onProgress } = readOperationOptions('exportStream', options);
    const [{ exportStream }] = await Promise.all([import('./portable.js'), this.#engine.whole(() => {})]);
    const [engine, queue, { yieldToHost }] = [this.#engine, this.#queue, this.#platform];
    return exportStream({ engine, queue, yieldToHost, closing: this.#whenClosing.signal }, signal, onProgress);
  }

  /**
   * Records as JSON Lines, `{"id":…,"vector":[…],"text":…,"metadata":{…}}` each, as scan() finds them. Integers
   * keep their digits.
   * @param {JsonlOptions<M>} [options]
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  async exportJsonl(options) {
    this.#checkOpen();
    const { exportJsonl } = await import('./jsonl.js');
    return exportJsonl((given) => this.scan(given), options);
  }

  /**
   * Writes records from JSON Lines in atomic batches. A wrong line is INVALID_ARGUMENT, or what else is wrong with it,
   * with its number in `inputLine`; the batches before it have been written.
   * @param {ByteSource} source the text, or what gives it piece by piece
   * @param {UpsertManyOptions} [options]
   * @returns {Promise<{ inserted: number, updated: number }>}
   */
  async importJsonl(source, options) {
    this.#checkOpen();
    const { importJsonl } = await import('./jsonl.js');
    return importJsonl(source, options, (records, given) => this.upsertMany(records, given));
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
      const start = () => this.#engine.guard(begin);
      return method === 'verify' ? this.#engine.whole(start) : start();
    }, finish, onProgress);
  }
}

/** For the package's own modules. @param {any} Store @param {any} parts */
export const makeStore = (Store, parts) => new Store(INTERNAL, parts);

/**
 * @param {typeof VecStore} Store
 * @param {OpenOptions<any> | undefined} options
 * @param {Exclude<ByteSource, string> | undefined} image to import
 * @returns {Promise<any>}
 */
async function openAs(Store, options, image) {
  if (options?.worker) return (await import('./worker/client.js')).openInWorker(Store, options, image);
  if (options?.multiTab === true) return (await import('./tabs/tabs.js')).openTabs(Store, options, image, makeStore);
  return makeStore(Store, await openParts(Store.platform, options, image));
}
