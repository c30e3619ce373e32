// value.js - the typed value codec, twin of src/base/value.h: JSON-like values as compact bytes.
//
// Both sides check everything: what cannot be stored exactly is refused before
// any byte is kept, and what is read back becomes plain objects on which any
// key, "__proto__" too, is an own property.

import { invalid } from '../errors.js';

const NULL = 0, FALSE = 1, TRUE = 2, INT = 3, F64 = 4, STRING = 5, ARRAY = 6, OBJECT = 7;

/** Containers inside containers, the outermost counted; the engine refuses more. */
export const MAX_DEPTH = 64;

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF, which otherwise would vanish from stored strings.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const INT64_MIN = -(2n ** 63n), INT64_MAX = 2n ** 63n - 1n;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True if the string has no half of a surrogate pair, which UTF-8 cannot express.
 * @param {string} s */
export const isWellFormed = (s) => !LONE_SURROGATE.test(s);

/** A growing byte buffer. */
export class ByteWriter {
  /** @param {number} [capacity] */
  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /** Makes room for n more bytes. @param {number} n */
  reserve(n) {
    if (this.length + n <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + n));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** @param {number} value */
  u8(value) {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** A varint of a non-negative safe integer. @param {number} value */
  varint(value) {
    this.reserve(8);
    while (value >= 128) {
      this.bytes[this.length++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.bytes[this.length++] = value;
  }

  /** A varint of any 64 bits. @param {bigint} value */
  varint64(value) {
    this.reserve(10);
    while (value >= 128n) {
      this.bytes[this.length++] = Number(value & 127n) | 128;
      value >>= 7n;
    }
    this.bytes[this.length++] = Number(value);
  }

  /** @param {number} value */
  f64(value) {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Zeros up to a multiple of 4 from `start`. @param {number} start */
  pad4(start) {
    this.reserve(3);
    while ((this.length - start) % 4 !== 0) this.bytes[this.length++] = 0;
  }

  /**
   * Appends the UTF-8 of s and returns its byte count. The caller has checked isWellFormed.
   * @param {string} s
   */
  utf8(s) {
    const n = s.length;
    this.reserve(n * 3);
    const start = this.length;
    // Short ASCII is the common case, and a loop is faster there than crossing into the encoder.
    if (n <= 32) {
      let i = 0;
      for (; i < n; i++) {
        const c = s.charCodeAt(i);
        if (c >= 128) break;
        this.bytes[start + i] = c;
      }
      if (i === n) {
        this.length = start + n;
        return n;
      }
    }
    const { written } = encoder.encodeInto(s, this.bytes.subarray(start));
    this.length = start + written;
    return written;
  }

  /** Varint length and UTF-8. @param {string} s */
  string(s) {
    // The length comes first but is known last: guess one byte, move when wrong.
    this.reserve(s.length * 3 + 5);
    const at = this.length++;
    const n = this.utf8(s);
    this.#prefix(at, n, undefined);
  }

  /**
   * Puts varints into the one byte kept free at `at` (two values: count, then
   * length), moving what follows as far as needed.
   * @param {number} at
   * @param {number} first
   * @param {number | undefined} second
   */
  #prefix(at, first, second) {
    const size = varintBytes(first) + (second === undefined ? 0 : varintBytes(second));
    const end = this.length;
    // Room for what the varints reserve, too: growing while length is `at` would lose what follows.
    this.reserve(size + 8);
    if (size > 1) this.bytes.copyWithin(at + size, at + 1, end);
    this.length = at;
    this.varint(first);
    if (second !== undefined) this.varint(second);
    this.length = end + size - 1;
  }

  /** Ends a container begun at `at` with one free byte there. @param {number} at @param {number} count */
  endContainer(at, count) {
    this.#prefix(at, count, this.length - at - 1);
  }

  /** What was written, as a view. */
  finish() {
    return this.bytes.subarray(0, this.length);
  }
}

/** @param {number} n */
function varintBytes(n) {
  let size = 1;
  while (n >= 128) {
    n = Math.floor(n / 128);
    size++;
  }
  return size;
}

/** True for {} and Object.create(null), of any realm. @param {object} value */
export function isPlainObject(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** How a value is called in messages. @param {unknown} value @returns {string} */
export function show(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) {
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && name !== 'Object' && name !== '' ? `an instance of ${name}` : 'an object';
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

/**
 * Appends a value, or throws INVALID_ARGUMENT naming the place.
 * @param {ByteWriter} w
 * @param {unknown} value
 * @param {string} path how the value is called in messages
 */
export function encodeValue(w, value, path) {
  encode(w, value, path, 1, []);
}

/**
 * @param {ByteWriter} w
 * @param {unknown} value
 * @param {string} path
 * @param {number} depth of a container that starts here
 * @param {object[]} open the containers around it
 * @returns {void}
 */
function encode(w, value, path, depth, open) {
  switch (typeof value) {
    case 'string':
      if (!isWellFormed(value)) throw invalid(`${path} has a lone surrogate`);
      w.u8(STRING);
      return w.string(value);
    case 'boolean':
      return w.u8(value ? TRUE : FALSE);
    case 'number':
      return encodeNumber(w, value, path);
    case 'bigint':
      if (value < INT64_MIN || value > INT64_MAX) throw invalid(`${path} does not fit 64 bits: ${value}n`);
      w.u8(INT);
      return w.varint64(value >= 0n ? value << 1n : (-value << 1n) - 1n);
    case 'object':
      if (value === null) return w.u8(NULL);
      return encodeObject(w, value, path, depth, open);
    default:
      throw invalid(`${path} must be JSON-like, not ${value === undefined ? 'undefined' : show(value)}`);
  }
}

/** @param {ByteWriter} w @param {number} value @param {string} path */
function encodeNumber(w, value, path) {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    w.u8(INT);
    const magnitude = Math.abs(value);
    // Zigzag needs one bit more than the magnitude, and safe integers have 53.
    if (magnitude < 2 ** 52) w.varint(value >= 0 ? value * 2 : magnitude * 2 - 1);
    else w.varint64(value >= 0 ? BigInt(value) << 1n : (BigInt(magnitude) << 1n) - 1n);
  } else if (Number.isFinite(value)) {
    w.u8(F64);
    w.f64(value);
  } else {
    throw invalid(`${path} must be a finite number, not ${value}`);
  }
}

/**
 * Arrays, plain objects, and whatever has a toJSON (asked once, as JSON.stringify does).
 * @param {ByteWriter} w
 * @param {object} given
 * @param {string} path
 * @param {number} depth
 * @param {object[]} open
 * @returns {void}
 */
function encodeObject(w, given, path, depth, open) {
  /** @type {any} */
  let value = given;
  if (typeof (/** @type {any} */ (given).toJSON) === 'function') {
    value = /** @type {any} */ (given).toJSON('');
    if (typeof value !== 'object' || value === null) return encode(w, value, path, depth, open);
  }
  const isArray = Array.isArray(value);
  if (!isArray && !isPlainObject(value)) throw invalid(`${path} must be JSON-like, not ${show(value)}`);
  if (open.includes(value)) throw invalid(`${path} contains itself`);
  if (depth > MAX_DEPTH) throw invalid(`${path.slice(0, 80)}… is nested more than ${MAX_DEPTH} deep`);

  open.push(value);
  w.u8(isArray ? ARRAY : OBJECT);
  const at = w.length;
  w.u8(0);
  let count = 0;
  if (isArray) {
    for (; count < value.length; count++) encode(w, value[count], `${path}[${count}]`, depth + 1, open);
  } else {
    for (const key of Object.keys(value)) {
      const member = value[key];
      if (member === undefined) continue;
      if (!isWellFormed(key)) throw invalid(`${path} has a key with a lone surrogate`);
      w.string(key);
      encode(w, member, `${path}.${key}`, depth + 1, open);
      count++;
    }
  }
  w.endContainer(at, count);
  open.pop();
}

/**
 * One value as bytes of its own.
 * @param {unknown} value
 * @param {string} [path]
 */
export function encodeToBytes(value, path = 'value') {
  const w = new ByteWriter();
  encodeValue(w, value, path);
  return w.finish();
}

/**
 * The value that the bytes hold. The bytes come from the engine, which has
 * checked them; anything malformed is a broken engine and throws RangeError.
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export function decodeValue(bytes) {
  const r = new Reader(bytes);
  const value = r.value();
  if (r.at !== bytes.length) throw new RangeError('bytes after the value');
  return value;
}

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  u8() {
    if (this.at >= this.bytes.length) throw new RangeError('value ends early');
    return this.bytes[this.at++];
  }

  varint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 49) throw new RangeError('varint too long');
    }
  }

  int() {
    const start = this.at;
    let bytes = 1;
    while (this.u8() >= 128) if (++bytes > 10) throw new RangeError('varint too long');
    this.at = start;
    if (bytes <= 7) {
      const zigzag = this.varint();
      return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
    let zigzag = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      zigzag |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    const value = BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** @param {number} n */
  slice(n) {
    if (n > this.bytes.length - this.at) throw new RangeError('value ends early');
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  string() {
    return decodeUtf8(this.slice(this.varint()));
  }

  /** @returns {any} */
  value() {
    const tag = this.u8();
    switch (tag) {
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case INT:
        return this.int();
      case F64: {
        const { buffer, byteOffset } = this.slice(8);
        return new DataView(buffer, byteOffset, 8).getFloat64(0, true);
      }
      case STRING:
        return this.string();
      case ARRAY: {
        const count = this.varint();
        this.varint();
        const items = [];
        for (let i = 0; i < count; i++) items.push(this.value());
        return items;
      }
      case OBJECT: {
        const count = this.varint();
        this.varint();
        /** @type {Record<string, any>} */
        const object = {};
        for (let i = 0; i < count; i++) setOwn(object, this.string(), this.value());
        return object;
      }
      default:
        throw new RangeError(`unknown value tag ${tag}`);
    }
  }
}

/**
 * Sets an own property, whatever Object.prototype says about the key.
 * @param {Record<string, any>} object
 * @param {string} key
 * @param {unknown} value
 */
export function setOwn(object, key, value) {
  if (key in Object.prototype) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** @param {string} s */
export const encodeUtf8 = (s) => encoder.encode(s);

/** @param {Uint8Array} bytes */
export function decodeUtf8(bytes) {
  if (bytes.length <= 24) {
    let s = '';
    let i = 0;
    for (; i < bytes.length && bytes[i] < 128; i++) s += String.fromCharCode(bytes[i]);
    if (i === bytes.length) return s;
  }
  return decoder.decode(bytes);
}
