// extra.js - a record's sparse vector and the vectors of its tokens, to and from their bytes (layout: src/db/extra.h).

import { isPlainObject, show } from './engine/value.js';
import { invalid } from './errors.js';
import { isVectorLike, writeVector } from './options.js';

/** @import { ByteWriter } from './engine/value.js' */
/** @import { Multivector, SparseVector } from './types.js' */

const SPARSE = 1, TOKENS = 2;
/** The greatest index is one below the greatest dimension, 2^32 - 1. */
const MAX_INDEX = 0xfffffffe;

/** @param {any} value @param {...string} names */
const hasOnly = (value, ...names) => typeof value === 'object' && value !== null && isPlainObject(value)
  && Object.keys(value).every((name) => names.includes(name));

/**
 * A sparse vector's indices, ascending, and the values that go with them; copies.
 * @param {string} name
 * @param {any} given
 * @returns {{ indices: Uint32Array, values: Float32Array }}
 */
export function readSparse(name, given) {
  if (!hasOnly(given, 'indices', 'values')) throw invalid(`${name} must be an object { indices, values }, not ${show(given)}`);
  const { indices, values } = given;
  const isList = Array.isArray(indices) || (ArrayBuffer.isView(indices) && 'length' in indices);
  const list = /** @type {ArrayLike<any>} */ (indices), n = isList ? list.length : -1;
  if (!isVectorLike(values) || values.length !== n) throw invalid(`${name} must have an array of indices and as many values`);
  const floats = new Float32Array(n);
  writeVector(`${name}.values`, values, floats);
  let ascends = true;
  for (let i = 0; i < n; i++) {
    if (!Number.isInteger(list[i]) || list[i] < 0 || list[i] > MAX_INDEX) {
      throw invalid(`${name}.indices[${i}] must be an integer from 0 to ${MAX_INDEX}, not ${show(list[i])}`);
    }
    ascends &&= i === 0 || list[i - 1] < list[i];
  }
  if (ascends) return { indices: Uint32Array.from(list), values: floats };
  const order = floats.map((_, i) => i).sort((a, b) => list[a] - list[b]);
  if (order.some((at, i) => list[order[i - 1]] === list[at])) throw invalid(`${name}.indices holds an index twice`);
  return { indices: Uint32Array.from(order, (at) => list[at]), values: order.map((at) => floats[at]) };
}

/**
 * Vectors of one dimension, one after the other.
 * @param {string} name
 * @param {any} given
 * @returns {{ n: number, dim: number, rows: Float32Array }}
 */
export function readRows(name, given) {
  if (!Array.isArray(given) || given.length === 0) throw invalid(`${name} must be an array of at least one vector, not ${show(given)}`);
  const dim = given[0]?.length ?? 0, rows = new Float32Array(given.length * (isVectorLike(given[0]) ? dim : 0));
  given.forEach((vector, i) => {
    if (!isVectorLike(vector) || vector.length === 0) throw invalid(`${name}[${i}] must be a vector, not ${show(vector)}`);
    if (vector.length !== dim) throw invalid(`${name}[${i}] has ${vector.length} dimensions, ${name}[0] has ${dim}`);
    writeVector(`${name}[${i}]`, vector, rows.subarray(i * dim, (i + 1) * dim));
  });
  return { n: given.length, dim, rows };
}

const BITS = new Uint32Array(1), FLOAT = new Float32Array(BITS.buffer);

/**
 * The step of 8-bit codes that reach `most`: of 17 bits, rounded up, so that codes times it are exact and rounding what
 * was read gives the same codes again.
 * @param {number} most
 */
function stepOf(most) {
  FLOAT[0] = most / 127;
  BITS[0] = (BITS[0] + 0x7f) & ~0x7f;
  return FLOAT[0];
}

/**
 * Appends the extra part of a record; gives whether there is one.
 * @param {ByteWriter} w
 * @param {unknown} sparse
 * @param {any} multivector
 */
export function writeExtra(w, sparse, multivector) {
  if (sparse === undefined && multivector === undefined) return false;
  const start = w.length;
  const put = (/** @type {Uint32Array | Float32Array | Int8Array} */ values) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    w.reserve(bytes.length);
    w.bytes.set(bytes, w.length);
    w.length += bytes.length;
  };
  put(Uint32Array.of(0));
  if (sparse !== undefined) {
    const { indices, values } = readSparse('sparse', sparse);
    put(Uint32Array.of(SPARSE, indices.length));
    put(indices);
    put(values);
  }
  if (multivector !== undefined) {
    const named = Array.isArray(multivector) ? { vectors: multivector } : multivector;
    if (!hasOnly(named, 'vectors', 'type') || ![undefined, 'f32', 'int8'].includes(named.type)) {
      throw invalid(`multivector must be an array of vectors, or { vectors, type: 'f32' or 'int8' }, not ${show(multivector)}`);
    }
    const { n, dim, rows } = readRows('multivector', named.vectors);
    const isCoded = named.type === 'int8';
    put(Uint32Array.of(TOKENS, isCoded ? 1 : 0, n, dim));
    if (isCoded) {
      const steps = Float32Array.from({ length: n }, (_, i) =>
        stepOf(rows.subarray(i * dim, (i + 1) * dim).reduce((most, x) => Math.max(most, Math.abs(x)), 0)));
      put(steps);
      put(Int8Array.from(rows, (x, i) => (x === 0 ? 0 : Math.round(x / steps[Math.floor(i / dim)]))));
      w.pad4(start);
    } else {
      put(rows);
    }
  }
  w.view.setUint32(start, w.length - start, true);
  return true;
}

/**
 * The parts that are there.
 * @param {Uint8Array} bytes a copy of the extra part
 * @returns {{ sparse?: SparseVector, multivector?: Multivector }}
 */
export function readExtra(bytes) {
  const { buffer } = bytes;
  const view = new DataView(buffer);
  /** @type {{ sparse?: SparseVector, multivector?: Multivector }} */
  const found = {};
  let at = 4;
  if (view.getUint32(at, true) === SPARSE) {
    const n = view.getUint32(at + 4, true);
    found.sparse = {
      indices: new Uint32Array(buffer.slice(at + 8, at + 8 + n * 4)), values: new Float32Array(buffer.slice(at + 8 + n * 4, at + 8 + n * 8)),
    };
    at += 8 + n * 8;
  }
  if (at < bytes.length) {
    const [isCoded, n, dim] = [4, 8, 12].map((offset) => view.getUint32(at + offset, true));
    at += 16;
    const steps = isCoded ? new Float32Array(buffer, at, n) : undefined;
    const codes = isCoded ? new Int8Array(buffer, at + n * 4, n * dim) : new Float32Array(buffer, at, n * dim);
    const vectors = Array.from({ length: n }, (_, i) =>
      Float32Array.from(codes.subarray(i * dim, (i + 1) * dim), (x) => (steps ? steps[i] * x : x)));
    found.multivector = isCoded ? { type: 'int8', vectors } : vectors;
  }
  return found;
}
