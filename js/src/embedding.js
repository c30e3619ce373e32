// embedding.js - vectors made of texts by the caller's embedder: called, checked, put into what waits for them.
//
// Loaded only by stores that have an embedder. What it gives is not trusted:
// count, dimension and every component are checked before anything is written.
// Its own errors become the cause of a VecStoreError; those that are one pass as
// they are.

import { VecStoreError, invalid, throwIfAborted } from './errors.js';
import { checkInteger, isVectorLike, writeVector } from './options.js';
import { show } from './engine/value.js';

/** @typedef {import('./types.js').Embedder} Embedder */
/** @typedef {import('./types.js').EmbedOptions} EmbedOptions */
/** @typedef {import('./records.js').Packer['holes']} Holes */
/** @typedef {import('./options.js').CheckedQuery} CheckedQuery */

/** The part of an upsert's progress that embedding is taken to be. */
const EMBEDDING_SHARE = 0.9;

/**
 * Embedding under way for a call that waits for its turn.
 * @template T
 * @typedef {object} Pending
 * @property {Promise<void>} ready when its turn may come, whatever the outcome
 * @property {(current: Embedding | null) => Promise<T>} take in its turn: the result, made anew if the store has
 *   changed its embedder meanwhile
 * @property {((share: number) => void) | undefined} onProgress for what follows
 */

/** An embedder and the care that its calls need. */
export class Embedding {
  #embedder;

  /** @param {unknown} embedder */
  constructor(embedder) {
    checkEmbedder(embedder);
    this.#embedder = embedder;
    // The names as they are now: the store has written them down.
    this.name = embedder.name;
    this.dimension = embedder.dimension;
  }

  /**
   * One checked vector per text.
   * @param {string[]} texts
   * @param {EmbedOptions} options
   * @param {(i: number) => number | undefined} [row] of the i-th text in the caller's batch
   * @returns {Promise<Float32Array[]>}
   */
  async embed(texts, options, row = () => undefined) {
    if (texts.length === 0) return [];
    throwIfAborted(options.signal);
    let given;
    try {
      given = await untilAborted(async () => this.#embedder.embed(texts, options), options.signal);
    } catch (/** @type {any} */ error) {
      throwIfAborted(options.signal);
      if (error instanceof VecStoreError) throw error;
      throw new VecStoreError('IO', `embedder '${this.name}' failed: ${error?.message ?? error}`, { cause: error });
    }
    throwIfAborted(options.signal);
    if (!Array.isArray(given)) {
      throw invalid(`embedder '${this.name}' must give an array of vectors, not ${show(given)}`);
    }
    if (given.length !== texts.length) {
      throw invalid(`embedder '${this.name}' gave ${given.length} vectors for ${texts.length} texts`);
    }
    return given.map((vector, i) => this.#check(vector, row(i)));
  }

  /** @param {unknown} vector @param {number | undefined} index */
  #check(vector, index) {
    const name = `a vector of embedder '${this.name}'`;
    if (!isVectorLike(vector)) {
      throw invalid(`${name} must be a Float32Array, Float64Array or array of numbers, not ${show(vector)}`, index);
    }
    if (vector.length !== this.dimension) {
      const message = `${name} has ${vector.length} dimensions, it says ${this.dimension}`;
      throw new VecStoreError('DIMENSION_MISMATCH', message, { index });
    }
    const copy = new Float32Array(this.dimension);
    writeVector(name, vector, copy, index);
    return copy;
  }

  /**
   * Begins embedding records' texts.
   * @param {Uint8Array[]} pieces packed operations
   * @param {Holes} holes where their vectors belong
   * @param {AbortSignal | undefined} signal
   * @param {((share: number) => void) | undefined} onProgress
   * @returns {Pending<Uint8Array[]>}
   */
  documents(pieces, holes, signal, onProgress) {
    const texts = holes.map(({ text }) => text);
    const report = onProgress && ((/** @type {number} */ share) => onProgress(share * EMBEDDING_SHARE));
    const vectors = (/** @type {Embedding} */ embedding) =>
      embedding.embed([...texts], { kind: 'document', signal, onProgress: report }, (i) => holes[i].index);
    return {
      ...this.#begin(vectors, (made) => fill(pieces, holes, made)),
      onProgress: onProgress && ((share) => onProgress(EMBEDDING_SHARE + share * (1 - EMBEDDING_SHARE))),
    };
  }

  /**
   * Begins embedding the queries that are by text; undefined when none is.
   * @param {CheckedQuery[]} queries
   * @returns {Pending<void> | undefined}
   */
  queries(queries) {
    const byText = queries.filter(({ text }) => text !== undefined);
    if (byText.length === 0) return undefined;
    const texts = /** @type {string[]} */ (byText.map(({ text }) => text));
    const signal = anyOf(byText.map((query) => query.signal));
    const vectors = (/** @type {Embedding} */ embedding) => embedding.embed([...texts], { kind: 'query', signal });
    return {
      ...this.#begin(vectors, (made) => byText.forEach((query, i) => {
        query.vector = made[i];
      })),
      onProgress: undefined,
    };
  }

  /**
   * @template T
   * @param {(embedding: Embedding) => Promise<Float32Array[]>} vectors
   * @param {(made: Float32Array[]) => T} use
   */
  #begin(vectors, use) {
    const made = vectors(this);
    const over = () => {};
    return {
      ready: made.then(over, over),
      take: async (/** @type {Embedding | null} */ current) =>
        use(await (current === null || current === this ? made : vectors(current))),
    };
  }
}

/** @param {any} embedder @returns {asserts embedder is Embedder} */
function checkEmbedder(embedder) {
  if (typeof embedder?.embed !== 'function') {
    throw invalid(`embedder must be { name, dimension, embed(texts, options) }, not ${show(embedder)}`);
  }
  if (typeof embedder.name !== 'string' || embedder.name === '') {
    throw invalid(`embedder.name must be a non-empty string, not ${show(embedder.name)}`);
  }
  checkInteger('embedder.dimension', embedder.dimension, 1);
}

/**
 * A store's embedder; completes what the engine is told.
 * @param {unknown} embedder
 * @param {Record<string, any>} config
 */
export function embeddingFor(embedder, config) {
  const embedding = new Embedding(embedder);
  const { name, dimension } = embedding;
  config.embedder = name;
  config.dimension ??= dimension;
  if (config.dimension === dimension) return embedding;
  throw invalid(`dimension ${config.dimension} contradicts the ${dimension} of embedder '${name}'`);
}

/**
 * What fn gives, or the end of waiting for it once the signal fires: an embedder need not look at its signal.
 * @template T
 * @param {() => Promise<T>} fn
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
async function untilAborted(fn, signal) {
  if (!signal) return fn();
  /** @type {() => void} */
  let stop = () => {};
  const aborted = new Promise((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([fn(), /** @type {Promise<never>} */ (aborted)]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** One signal for several. @param {(AbortSignal | undefined)[]} signals */
function anyOf(signals) {
  const distinct = [...new Set(signals)].filter((signal) => signal !== undefined);
  // Where several cannot be joined, each query still looks at its own when its turn comes.
  return distinct.length < 2 ? distinct[0] : AbortSignal.any?.(distinct);
}

/**
 * The pieces with every vector in its place (layout: vs_tx_add in src/api/vs_abi.def).
 * @param {Uint8Array[]} pieces
 * @param {Holes} holes in their order
 * @param {Float32Array[]} vectors
 */
function fill(pieces, holes, vectors) {
  let next = 0;
  return pieces.map((piece, p) => {
    const first = next;
    while (next < holes.length && holes[next].piece === p) next++;
    if (next === first) return piece;
    const floats = vectors[first].length;
    const filled = new Uint8Array(piece.length + (next - first) * floats * 4);
    const view = new DataView(filled.buffer);
    let from = 0, to = 0;
    for (let i = first; i < next; i++) {
      const { start, at } = holes[i];
      filled.set(piece.subarray(from, at), to);
      view.setUint32(to + start - from + 4, floats, true);
      to += at - from;
      new Float32Array(filled.buffer, to, floats).set(vectors[i]);
      to += floats * 4;
      from = at;
    }
    filled.set(piece.subarray(from), to);
    return filled;
  });
}
