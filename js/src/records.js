// records.js - checking records and packing them for the engine (layout: vs_tx_add in src/api/vs_abi.def).
//
// Packing copies everything during the call, so that the caller may change its
// objects at once, and finds every fault before anything is written.

import { ABI } from './engine/abi.gen.js';
import { STAGING_BYTES } from './engine/engine.js';
import { ByteWriter, decodeValue, encodeValue, isPlainObject, isWellFormed, show } from './engine/value.js';
import { VecStoreError, invalid } from './errors.js';
import { writeExtra } from './extra.js';
import { isVectorLike, writeVector, wrongDimension } from './options.js';

/** @import { Id } from './types.js' */
/** @import { SchemaCheck } from './schema.js' */

const MAX_ID_BYTES = 1024;
const TAG_STRING = 0x73, TAG_INTEGER = 0x69;
const FIELDS = ['id', 'vector', 'metadata', 'text', 'sparse', 'multivector'];

/**
 * Appends a checked id: tag and key.
 * @param {ByteWriter} w
 * @param {unknown} id
 * @param {number} [index] the row of a batch
 */
function writeId(w, id, index) {
  if (typeof id === 'string') {
    if (id === '') throw invalid('an id must not be empty', index);
    if (!isWellFormed(id)) throw invalid(`an id must not hold a lone surrogate: ${show(id)}`, index);
    if (id.length > MAX_ID_BYTES) throw tooLong(id, index);
    w.u8(TAG_STRING);
    if (w.utf8(id) > MAX_ID_BYTES) throw tooLong(id, index);
  } else if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) {
    w.u8(TAG_INTEGER);
    w.reserve(8);
    w.view.setUint32(w.length, id % 2 ** 32, true);
    w.view.setUint32(w.length + 4, Math.floor(id / 2 ** 32), true);
    w.length += 8;
  } else {
    throw invalid(`an id must be a string or a safe integer >= 0, not ${show(id)}`, index);
  }
}

/** @param {string} id @param {number | undefined} index */
const tooLong = (id, index) => invalid(`an id has at most ${MAX_ID_BYTES} bytes of UTF-8: ${show(id)}`, index);

/**
 * @param {unknown} id
 * @param {number} [index]
 */
export function encodeId(id, index) {
  const w = new ByteWriter(typeof id === 'string' ? id.length + 16 : 16);
  writeId(w, id, index);
  return w.finish();
}

/**
 * Copies the parts that are there onto `to`.
 * @param {{ id: Id, vector?: Float32Array, metadata?: Record<string, any>, text?: any, sparse?: any, multivector?: any }} record
 * @param {Record<string, any>} to
 * @returns {any}
 */
export function strip({ id, vector, metadata, text, sparse, multivector }, to) {
  to.id = id;
  if (vector !== undefined) to.vector = vector;
  if (metadata !== undefined) to.metadata = metadata;
  if (text !== undefined) to.text = text;
  if (sparse !== undefined) to.sparse = sparse;
  if (multivector !== undefined) to.multivector = multivector;
  return to;
}

/** Operations of one transaction, packed into pieces of about STAGING_BYTES. */
export class Packer {
  /** @type {Uint8Array[]} */
  #full = [];
  #w;
  #dimension;
  #embeds;
  /** Bytes that the texts of the last piece will become. */
  #toCome = 0;
  /**
   * Records whose vector is still to be made of their text: the piece and where in it the record and its vector
   * begin. @type {{ piece: number, start: number, at: number, text: string, index: number | undefined }[]}
   */
  holes = [];
  #schema;

  /**
   * @param {number | null} dimension of the store; null: the first vector decides
   * @param {number} count about how many operations come
   * @param {{ embeds?: boolean, schema?: SchemaCheck }} [rules] whether text may stand for a vector; what metadata must be
   */
  constructor(dimension, count, { embeds = false, schema } = {}) {
    this.#dimension = dimension;
    this.#embeds = embeds;
    this.#schema = schema;
    const bytes = count * ((dimension ?? 256) * 4 + 256);
    this.#w = new ByteWriter(Math.min(STAGING_BYTES + STAGING_BYTES / 8, bytes));
  }

  /** The dimension of the vectors so far. */
  get dimension() {
    return this.#dimension;
  }

  /** @param {unknown} record @param {number} [index] */
  upsert(record, index) {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw invalid(`a record must be an object, not ${show(record)}`, index);
    }
    for (const name of Object.keys(record)) {
      if (!FIELDS.includes(name)) throw invalid(`a record has no field '${name}'`, index);
    }
    const { id, vector, metadata, text, sparse, multivector } = /** @type {Record<string, unknown>} */ (record);
    if (id === undefined) throw invalid('a record needs an id', index);
    const start = this.#begin(ABI.TX_UPSERT, id, index);
    const isHole = this.#embeds && vector === undefined && text !== undefined;
    const at = this.#w.length;
    const floats = isHole ? 0 : this.#vector(vector, index);
    const metadataBytes = this.#value(() => this.#metadata(metadata), index);
    const textBytes = this.#value(() => this.#text(text), index);
    const hasExtra = this.#value(() => writeExtra(this.#w, sparse, multivector), index) > 0;
    this.#end(start, floats, metadataBytes, textBytes);
    if (hasExtra) this.#w.bytes[start + 1] = 1;
    if (!isHole) return;
    this.#toCome += (this.#dimension ?? 0) * 4;
    // Named fields are embedded as one text, a blank line between them.
    const whole = typeof text === 'string' ? text : Object.values(/** @type {{}} */ (text)).join('\n\n');
    this.holes.push({ piece: this.#full.length, start, at, text: whole, index });
  }

  /** @param {unknown} id @param {number} [index] */
  delete(id, index) {
    this.#end(this.#begin(ABI.TX_DELETE, id, index), 0, 0, 0);
  }

  /** The pieces. */
  finish() {
    if (this.#w.length > 0) this.#full.push(this.#w.finish());
    return this.#full;
  }

  /** @param {number} kind @param {unknown} id @param {number | undefined} index */
  #begin(kind, id, index) {
    if (this.#w.length + this.#toCome >= STAGING_BYTES) {
      this.#full.push(this.#w.finish());
      this.#toCome = 0;
      this.#w = new ByteWriter(STAGING_BYTES + STAGING_BYTES / 8);
    }
    const w = this.#w;
    const start = w.length;
    w.reserve(ABI.TX_HEADER_BYTES);
    w.length += ABI.TX_HEADER_BYTES;
    writeId(w, id, index);
    w.view.setUint16(start, kind, true);
    w.view.setUint16(start + 2, w.length - start - ABI.TX_HEADER_BYTES, true);
    w.pad4(start);
    return start;
  }

  /** @param {number} start @param {number} floats @param {number} metadataBytes @param {number} textBytes */
  #end(start, floats, metadataBytes, textBytes) {
    const w = this.#w;
    w.pad4(start);
    w.view.setUint32(start + 4, floats, true);
    w.view.setUint32(start + 8, metadataBytes, true);
    w.view.setUint32(start + 12, textBytes, true);
  }

  /** @param {unknown} vector @param {number | undefined} index @returns {number} its length */
  #vector(vector, index) {
    if (vector === undefined) {
      if (this.#dimension === 0) return 0;
      throw invalid(`a record needs a vector${this.#embeds ? ' or text'
        : ', or text and a store opened with an embedder'}`, index);
    }
    if (!isVectorLike(vector)) {
      throw invalid(`vector must be a Float32Array, Float64Array or array of numbers, not ${show(vector)}`, index);
    }
    const n = vector.length;
    if (n === 0 && this.#dimension === null) throw invalid('vector must not be empty', index);
    this.#dimension ??= n;
    if (n !== this.#dimension) throw wrongDimension(n, this.#dimension, index);
    const w = this.#w;
    w.reserve(n * 4);
    writeVector('vector', vector, new Float32Array(w.bytes.buffer, w.length, n), index);
    w.length += n * 4;
    return n;
  }

  /** Runs write; gives how many bytes it wrote. @param {() => void} write @param {number | undefined} index */
  #value(write, index) {
    const before = this.#w.length;
    try {
      write();
    } catch (error) {
      if (error instanceof VecStoreError && index !== undefined) error.index = index;
      throw error;
    }
    return this.#w.length - before;
  }

  /** @param {unknown} metadata */
  #metadata(metadata) {
    if (metadata === undefined) return this.#schema?.whole({});
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata) || !isPlainObject(metadata)) {
      throw invalid(`metadata must be a plain object, not ${show(metadata)}`);
    }
    const w = this.#w;
    const from = w.length;
    encodeValue(w, metadata, 'metadata');
    this.#schema?.whole(decodeValue(w.bytes.subarray(from, w.length)));
  }

  /** @param {unknown} text */
  #text(text) {
    if (text === undefined) return;
    if (typeof text !== 'string') {
      if (typeof text !== 'object' || text === null || Array.isArray(text) || !isPlainObject(text)) {
        throw invalid(`text must be a string or an object of strings, not ${show(text)}`);
      }
      for (const [field, value] of Object.entries(text)) {
        if (typeof value !== 'string') throw invalid(`text.${field} must be a string, not ${show(value)}`);
      }
    }
    encodeValue(this.#w, text, 'text');
  }
}
