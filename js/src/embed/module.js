// module.js - the text module (dist/vecstore.text.wasm): loading it, its memory, its errors. ABI: src/api/vs_text.def.
//
// The module is pure computation and imports nothing. Each embedder and each
// document being read has an instance of its own; they share the compiled code.

import { Heap } from '../engine/memory.js';
import { TEXT_ABI } from '../engine/text-abi.gen.js';
import { decodeUtf8, show } from '../engine/value.js';
import { VecStoreError, codeOf, invalid } from '../errors.js';

/** @typedef {import('../engine/text-abi.gen.js').TextExports} TextExports */

/**
 * What differs between runtimes.
 * @typedef {object} TextPlatform
 * @property {() => Promise<WebAssembly.Module>} compile the package's module
 * @property {(from: URL | string, signal?: AbortSignal) => Promise<ArrayBuffer | ArrayBufferView>} read a URL, or a
 *   path where there are files
 * @property {(() => Promise<{ url: URL }>) | null} defaultModel the package that knows where its model is; null where
 *   nothing could be read from there
 * @property {() => Promise<void>} yieldToHost
 */

const NO_INDEX = 0xffffffff;
/** How long a page waits for a loop at most, a step of the loop included. */
const TURN_MS = 8;

/** Compiled once per platform. @type {WeakMap<TextPlatform, Promise<WebAssembly.Module>>} */
const compiled = new WeakMap();

/** @param {TextPlatform} platform @param {unknown} wasm the caller's own module, or undefined */
async function moduleOf(platform, wasm) {
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm)) {
    return WebAssembly.compile(/** @type {BufferSource} */ (wasm));
  }
  if (typeof Response !== 'undefined' && wasm instanceof Response) return WebAssembly.compile(await wasm.arrayBuffer());
  if (wasm instanceof URL) return WebAssembly.compile(/** @type {BufferSource} */ (await platform.read(wasm)));
  if (wasm !== undefined) throw invalid(`wasm must be a URL, Response, bytes or WebAssembly.Module, not ${show(wasm)}`);
  let module = compiled.get(platform);
  if (!module) {
    module = platform.compile();
    compiled.set(platform, module);
    // A failed download must not be remembered.
    module.catch(() => compiled.delete(platform));
  }
  return module;
}

/** One instance of the module. After a trap, or destroy, each call is refused. */
export class TextModule {
  #exports;
  #tm;
  /** @type {unknown} */
  #dead;

  /** @param {TextExports} exports of an initialized instance */
  constructor(exports) {
    this.#exports = exports;
    this.heap = new Heap(exports.memory);
    const version = exports.vs_tm_abi_version();
    if (version !== TEXT_ABI.TM_ABI_VERSION) {
      const ours = TEXT_ABI.TM_ABI_VERSION;
      throw new VecStoreError('VERSION', `the text module speaks ABI ${version}, this wrapper ABI ${ours}`);
    }
    this.#tm = exports.vs_tm_new() >>> 0;
    if (this.#tm === 0) throw new VecStoreError('OUT_OF_MEMORY', 'no memory for the text module');
  }

  /** @param {TextPlatform} platform @param {unknown} [wasm] */
  static async load(platform, wasm) {
    try {
      const { exports } = await WebAssembly.instantiate(await moduleOf(platform, wasm), {});
      if (typeof exports.vs_tm_new !== 'function') throw invalid('wasm is not the text module of this package');
      /** @type {any} */ (exports)._initialize?.();
      return new TextModule(/** @type {any} */ (exports));
    } catch (/** @type {any} */ error) {
      if (error instanceof VecStoreError) throw error;
      throw new VecStoreError('IO', `cannot load the text module: ${error?.message ?? error}`, { cause: error });
    }
  }

  /**
   * Runs fn, which calls the module. A trap leaves its memory in an unknown state, so it is not called again.
   * @template T
   * @param {(exports: TextExports, tm: number) => T} fn
   * @returns {T}
   */
  call(fn) {
    if (this.#dead) throw this.#dead;
    try {
      return fn(this.#exports, this.#tm);
    } catch (error) {
      if (error instanceof VecStoreError) throw error;
      this.#dead = new VecStoreError('POISONED', 'the text module stopped on an internal error', { cause: error });
      throw this.#dead;
    }
  }

  /** Memory for n bytes, 16-aligned. @param {number} n */
  alloc(n) {
    const p = this.call((exports, tm) => exports.vs_tm_alloc(tm, n)) >>> 0;
    if (p === 0) throw new VecStoreError('OUT_OF_MEMORY', `no memory for ${n} bytes`);
    return p;
  }

  /** @param {number} p */
  release(p) {
    this.call((exports, tm) => exports.vs_tm_release(tm, p));
  }

  /** The count that a call answered, or its error. @param {number} answer @returns {number} */
  check(answer) {
    if (answer >= 0) return answer;
    throw this.error();
  }

  /** What the last failed call said. */
  error() {
    const p = this.call((exports, tm) => exports.vs_tm_error(tm)) >>> 0;
    const code = codeOf(this.heap.u32(p));
    const index = this.heap.u32(p + 4);
    const message = decodeUtf8(this.heap.borrowCString(p + TEXT_ABI.TM_ERROR_MSG_OFFSET));
    return new VecStoreError(code, message || code, { index: index === NO_INDEX ? undefined : index });
  }

  /** Gives the memory back: the instance is of no use afterwards. @param {string} what for later messages */
  destroy(what) {
    this.#dead ??= new VecStoreError('CLOSED', `the ${what} is closed`);
    // The engine of the runtime frees the instance with its memory once nothing refers to it.
    this.#exports = /** @type {any} */ (undefined);
    this.heap = /** @type {any} */ (undefined);
  }
}

/** Tells a long loop when to let other tasks run. */
export class Turns {
  #yieldToHost;
  #ends = performance.now() + TURN_MS;

  /** @param {() => Promise<void>} yieldToHost */
  constructor(yieldToHost) {
    this.#yieldToHost = yieldToHost;
  }

  /** Waits for other tasks if this one has gone on for long. */
  async next() {
    if (performance.now() < this.#ends) return;
    await this.#yieldToHost();
    this.#ends = performance.now() + TURN_MS;
  }
}
