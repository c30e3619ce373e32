// reembed.js - every vector made anew by another embedder, while the store goes on being used.
//
// The engine keeps the new vectors beside the present ones, as durable as
// everything else (src/db/reembed.h), and forgets one when its record changes.
// So the work is: find a record without one, embed its text, hand it over,
// until none is left; then, with all other calls waiting, once more for what
// changed in between, and let the new ones take over.

import { ABI } from './engine/abi.gen.js';
import { Embedding } from './embedding.js';
import { VecStoreError, invalid, throwIfAborted } from './errors.js';
import { PROGRESS, integer, oneOf, readOptions } from './options.js';

/** @typedef {import('./types.js').Embedder} Embedder */
/** @typedef {import('./types.js').ReembedResult} ReembedResult */

/**
 * What a store lends for it.
 * @typedef {object} Lent
 * @property {import('./engine/engine.js').Engine} engine
 * @property {import('./queue.js').CallQueue} queue
 * @property {import('./queue.js').OperationRunner} runner
 * @property {boolean} relaxed
 * @property {AbortSignal} closing fires when the store is being closed
 * @property {<T>(fn: () => Promise<T>) => Promise<T>} maintain runs fn while no checkpoint is under way
 * @property {() => void} checkpointSoon
 * @property {(embedding: Embedding) => void} adopt from now on the store uses this one
 */

/** Records looked at before other calls get a turn. */
const RECORDS_PER_TURN = 1000;
/** After so many, where records change as fast as they are embedded, the others have to wait for the rest. */
const MAX_PASSES = 8;

/** @param {unknown} given @returns {import('./types.js').ReembedOptions & { batchSize: number }} */
const readReembedOptions = (given) => ({
  batchSize: 256,
  ...readOptions('reembed', given, { ...PROGRESS, batchSize: integer(1), missing: oneOf(['error', 'keep']) }),
});

/** @typedef {{ slot: number, rev: number, text: string | undefined, vector: Float32Array | undefined }} Found */

/**
 * @param {Lent} store
 * @param {Embedder} embedder
 * @param {unknown} options
 * @returns {Promise<ReembedResult>}
 */
export async function reembed(store, embedder, options) {
  const next = new Embedding(embedder);
  const { batchSize, missing, signal, onProgress } = readReembedOptions(options);
  throwIfAborted(signal);
  const work = new Reembedding(store, next, batchSize, missing === 'keep', signal, onProgress);
  try {
    await work.begin();
    await work.passes();
    await store.maintain(() => work.takeOver());
  } catch (error) {
    // Whatever closing made fail, the reason is that.
    if (store.closing.aborted) {
      const message = 'the store was closed; reembed goes on when it is called again';
      throw new VecStoreError('CLOSED', message, { cause: error });
    }
    throw error;
  } finally {
    work.end();
  }
  return work.result;
}

class Reembedding {
  #store;
  #next;
  #batchSize;
  #keep;
  #signal;
  #onProgress;
  /** The caller's signal and the closing of the store in one. */
  #stop = new AbortController();
  #from = 0;
  /** @type {ReembedResult} */
  result = { embedded: 0, kept: 0, resumed: 0 };

  /**
   * @param {Lent} store
   * @param {Embedding} next
   * @param {number} batchSize
   * @param {boolean} keep
   * @param {AbortSignal | undefined} signal
   * @param {((progress: { done: number, total: number }) => void) | undefined} onProgress
   */
  constructor(store, next, batchSize, keep, signal, onProgress) {
    this.#store = store;
    this.#next = next;
    this.#batchSize = batchSize;
    this.#keep = keep;
    this.#signal = signal;
    this.#onProgress = onProgress;
    for (const one of [signal, store.closing]) one?.addEventListener('abort', this.#abort);
  }

  #abort = () => this.#stop.abort(this.#signal?.reason);

  end() {
    for (const one of [this.#signal, this.#store.closing]) one?.removeEventListener('abort', this.#abort);
  }

  /** Says what cannot be done before any work is, then begins or goes on with what was interrupted. */
  async begin() {
    const { engine, queue } = this.#store;
    const { dimension, slots } = await queue.run(() => engine.guard(() => engine.stats()));
    if (this.#keep && dimension !== null && dimension !== this.#next.dimension) {
      throw invalid(`reembed: records can keep their vectors only when the dimension stays; the store has ` +
        `${dimension}, embedder '${this.#next.name}' has ${this.#next.dimension}`);
    }
    if (!this.#keep) await this.#refuseMissing(slots);
    const { staged } = await this.#stage([], [], false);
    this.result.resumed = staged;
  }

  /** @param {number} slots */
  async #refuseMissing(slots) {
    const { engine, queue } = this.#store;
    let without = 0;
    for (let from = 0; from < slots; from += RECORDS_PER_TURN) {
      this.#check();
      without += await queue.run(() => engine.guard(() => {
        let n = 0;
        for (let slot = from; slot < Math.min(slots, from + RECORDS_PER_TURN); slot++) {
          if (engine.hasText(slot) === false) n++;
        }
        return n;
      }));
    }
    if (without > 0) throw noText(without);
  }

  #check() {
    throwIfAborted(this.#stop.signal);
  }

  /** Through all records, and again through those that changed meanwhile, until few are left. */
  async passes() {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const before = this.result.embedded + this.result.kept;
      this.#from = 0;
      while (await this.batch(false));
      if (this.result.embedded + this.result.kept - before <= this.#batchSize) return;
    }
  }

  /**
   * Embeds the next records that have no new vector; false when there are none.
   * @param {boolean} held all other calls wait for this one
   */
  async batch(held) {
    this.#check();
    const found = await this.#store.queue.run(() => this.#find(), held);
    if (found.length === 0) return false;
    const signal = this.#stop.signal;
    const toEmbed = found.filter(({ text }) => text !== undefined);
    const texts = /** @type {string[]} */ (toEmbed.map(({ text }) => text));
    const made = await this.#next.embed(texts, { kind: 'document', signal });
    toEmbed.forEach((record, i) => {
      record.vector = made[i];
    });
    this.#check();
    const { staged, live } = await this.#stage(found, /** @type {Float32Array[]} */ (found.map((f) => f.vector)), held);
    this.result.embedded += texts.length;
    this.result.kept += found.length - texts.length;
    this.#onProgress?.({ done: staged, total: live });
    return true;
  }

  /** In its turn: records without a new vector, up to a batch. */
  #find() {
    const { engine } = this.#store;
    return engine.guard(() => {
      /** @type {Found[]} */
      const found = [];
      while (found.length < this.#batchSize) {
        const slot = engine.unstaged(this.#from);
        if (slot < 0) break;
        this.#from = slot + 1;
        const hasText = engine.hasText(slot);
        if (!hasText && !this.#keep) throw noText(1);
        const { rev, text, vector } = engine.record(slot, { vector: !hasText, metadata: false, text: true });
        found.push({ slot, rev, text: text === undefined ? undefined : joinText(text), vector });
      }
      return found;
    });
  }

  /**
   * Hands vectors over; they are durable after it, as commits are.
   * @param {Found[]} found
   * @param {Float32Array[]} vectors
   * @param {boolean} held
   */
  async #stage(found, vectors, held) {
    const { engine, runner, relaxed, checkpointSoon } = this.#store;
    const bytes = pack(this.#next, found, vectors);
    return runner.run(() => engine.guard(() => engine.stageVectors(bytes, relaxed)), (op) => {
      const result = op.result();
      const view = new DataView(result.buffer, result.byteOffset, ABI.STAGE_RESULT_BYTES);
      const [staged, unindexed, live, isDue] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
      if (isDue && !held) checkpointSoon();
      return { staged, unindexed, live };
    }, undefined, undefined, held);
  }

  /** The rest, with all other calls waiting; then the new vectors are the store's. */
  async takeOver() {
    const { engine, queue, runner, adopt } = this.#store;
    // What an opening found staged joins the index a little at a time, before anybody has to wait.
    for (let left = 1; left > 0;) {
      this.#check();
      left = (await this.#stage([], [], false)).unindexed;
    }
    await queue.run(() => queue.hold(true));
    try {
      this.#from = 0;
      while (await this.batch(true));
      while ((await this.#stage([], [], true)).unindexed > 0) this.#check();
      this.#check();
      await runner.run(() => engine.guard(() => engine.reembed()), () => adopt(this.#next), undefined, undefined, true);
    } finally {
      queue.hold(false);
    }
  }
}

/** @param {number} n */
const noText = (n) => invalid(`reembed: ${n} ${n === 1 ? 'record has' : 'records have'} no text to embed; give them ` +
  "some, delete them, or let them keep their vectors with missing: 'keep', which needs the same dimension");

/** As records.js does it. @param {import('./types.js').Text} text */
const joinText = (text) => (typeof text === 'string' ? text : Object.values(text).join('\n\n'));

/**
 * The layout of vs_op_stage.
 * @param {Embedding} embedding
 * @param {Found[]} found
 * @param {Float32Array[]} vectors
 */
function pack({ name, dimension }, found, vectors) {
  const nameBytes = new TextEncoder().encode(name);
  const head = 8 + Math.ceil(nameBytes.length / 4) * 4;
  const entry = 16 + dimension * 4;
  const bytes = new Uint8Array(head + found.length * entry);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, dimension, true);
  view.setUint32(4, nameBytes.length, true);
  bytes.set(nameBytes, 8);
  found.forEach(({ slot, rev }, i) => {
    const at = head + i * entry;
    view.setUint32(at, slot, true);
    view.setFloat64(at + 8, rev, true);
    new Float32Array(bytes.buffer, at + 16, dimension).set(vectors[i]);
  });
  return bytes;
}
