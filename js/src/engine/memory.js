// memory.js - the only file that touches the engine's heap.
//
// A WASM memory that grows detaches every view of it. So no view is kept over
// a call: each access asks for the current buffer, which is one comparison,
// and what leaves this file is a copy, unless its name says borrowed.

/** The heap of one engine instance. Pointers are unsigned 32-bit numbers. */
export class Heap {
  #memory;
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));

  /** @param {WebAssembly.Memory} memory */
  constructor(memory) {
    this.#memory = memory;
  }

  /** Derives the views anew if the memory has grown. */
  #current() {
    const { buffer } = this.#memory;
    if (this.#bytes.buffer !== buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    return this.#bytes;
  }

  get byteLength() {
    return this.#memory.buffer.byteLength;
  }

  /** @param {number} p */
  u32(p) {
    this.#current();
    return this.#view.getUint32(p, true);
  }

  /** @param {number} p */
  f32(p) {
    this.#current();
    return this.#view.getFloat32(p, true);
  }

  /** @param {number} p */
  f64(p) {
    this.#current();
    return this.#view.getFloat64(p, true);
  }

  /** @param {number} p @param {number} value */
  setU32(p, value) {
    this.#current();
    this.#view.setUint32(p, value, true);
  }

  /** @param {number} p @param {bigint} value */
  setU64(p, value) {
    this.#current();
    this.#view.setBigUint64(p, value, true);
  }

  /** @param {number} p @param {number} value */
  setF64(p, value) {
    this.#current();
    this.#view.setFloat64(p, value, true);
  }

  /** @param {number} p @param {Uint8Array} bytes */
  write(p, bytes) {
    this.#current().set(bytes, p);
  }

  /** Writes numbers as f32. @param {number} p a multiple of 4 @param {ArrayLike<number>} values */
  writeF32(p, values) {
    new Float32Array(this.#memory.buffer, p, values.length).set(values);
  }

  /** A copy of n bytes. @param {number} p @param {number} n */
  read(p, n) {
    return this.#current().slice(p, p + n);
  }

  /** A copy of n floats. @param {number} p @param {number} n */
  readF32(p, n) {
    return new Float32Array(this.#memory.buffer, p, n).slice();
  }

  /** A view of n bytes, good until the next call of the engine. @param {number} p @param {number} n */
  borrow(p, n) {
    return this.#current().subarray(p, p + n);
  }

  /** A view of everything, good until the next call of the engine: for reading many numbers. */
  borrowView() {
    this.#current();
    return this.#view;
  }

  /** The bytes up to the next NUL, borrowed. @param {number} p */
  borrowCString(p) {
    const bytes = this.#current();
    return bytes.subarray(p, bytes.indexOf(0, p));
  }
}
