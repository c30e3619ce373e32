// static.js - the built-in embedder: a table of token vectors read from one file, no server, no network, no GPU.
//
// The work is the text module's (src/embed); here texts are handed over in
// groups small enough that a page stays responsive.

import { decodeUtf8, show } from '../engine/value.js';
import { VecStoreError, invalid, throwIfAborted } from '../errors.js';
import { readOptions } from '../options.js';
import { TextModule, Turns } from './module.js';

/** @typedef {import('../types.js').Embedder} Embedder */
/** @typedef {import('../types.js').EmbedOptions} EmbedOptions */
/** @typedef {import('./module.js').TextPlatform} TextPlatform */

/**
 * @typedef {object} StaticOptions
 * @property {AbortSignal} [signal]
 * @property {URL | Response | BufferSource | WebAssembly.Module} [wasm] the text module, if not next to this package
 */

/** Bytes of text in one call of the module, about a millisecond or two of work. */
const GROUP_BYTES = 32 * 1024;
const GROUP_TEXTS = 128;

const INTERNAL = Symbol('internal');
const encoder = new TextEncoder();

/** An embedder for `VecStore.open({ embedder })`. */
export class StaticEmbedder {
  /** What this runtime offers; set by the package's entries. @type {any} */
  static platform;

  #module;
  #platform;
  /** Tokens counted since it was loaded. */
  tokens = 0;

  /**
   * Use `StaticEmbedder.load`.
   * @param {symbol} token
   * @param {TextModule} module with a model
   * @param {TextPlatform} platform
   */
  constructor(token, module, platform) {
    if (token !== INTERNAL) throw invalid('use StaticEmbedder.load');
    this.#module = module;
    this.#platform = platform;
    /** As stores remember it. @type {string} */
    this.name = decodeUtf8(module.heap.borrowCString(module.call((e, tm) => e.vs_tm_model_name(tm)) >>> 0));
    /** @type {number} */
    this.dimension = module.call((e, tm) => e.vs_tm_model_dimension(tm)) >>> 0;
  }

  /**
   * Reads a model and makes an embedder of it. Without a source it is the file of the package `vecstore-static-en`.
   * @param {URL | string | Response | ArrayBuffer | ArrayBufferView} [source] an address, a path where there are files,
   *   or the bytes
   * @param {StaticOptions} [options]
   * @returns {Promise<StaticEmbedder>}
   */
  static async load(source, options) {
    const { signal, wasm } = readOptions('load', options, { signal: checkSignal, wasm: (_, value) => value });
    throwIfAborted(signal);
    const platform = /** @type {TextPlatform} */ (this.platform);
    const [module, bytes] = await Promise.all([TextModule.load(platform, wasm), modelBytes(platform, source, signal)]);
    throwIfAborted(signal);
    // The model's bytes stay where they are as long as the instance does.
    const p = module.alloc(bytes.length);
    module.heap.write(p, bytes);
    if (module.call((exports, tm) => exports.vs_tm_model_open(tm, p, bytes.length)) !== 0) throw module.error();
    return new this(INTERNAL, module, platform);
  }

  /**
   * A unit vector per text; zeros for one without a known word. Queries and documents are treated alike.
   * @param {string[]} texts
   * @param {EmbedOptions} [options]
   * @returns {Promise<Float32Array[]>}
   */
  async embed(texts, { signal, onProgress } = {}) {
    if (!Array.isArray(texts)) throw invalid(`embed needs an array of strings, not ${show(texts)}`);
    const wrong = texts.findIndex((one) => typeof one !== 'string');
    if (wrong >= 0) throw invalid(`a text must be a string, not ${show(texts[wrong])}`, wrong);
    throwIfAborted(signal);
    const turns = new Turns(this.#platform.yieldToHost);
    /** @type {Float32Array[]} */
    const vectors = [];
    while (vectors.length < texts.length) {
      await turns.next();
      throwIfAborted(signal);
      this.#group(texts, vectors);
      onProgress?.(vectors.length / texts.length);
    }
    return vectors;
  }

  /** Embeds the next few texts. @param {string[]} texts @param {Float32Array[]} vectors of those before */
  #group(texts, vectors) {
    /** @type {Uint8Array[]} */
    const group = [];
    let bytes = 0;
    while (vectors.length + group.length < texts.length && bytes < GROUP_BYTES && group.length < GROUP_TEXTS) {
      const utf8 = encoder.encode(texts[vectors.length + group.length]);
      bytes += utf8.length;
      group.push(utf8);
    }
    const module = this.#module;
    const row = this.dimension * 4;
    const offsets = group.length * row, text = offsets + (group.length + 1) * 4;
    const p = module.alloc(text + bytes);
    try {
      const { heap } = module;
      let at = 0;
      group.forEach((utf8, i) => {
        heap.setU32(p + offsets + i * 4, at);
        heap.write(p + text + at, utf8);
        at += utf8.length;
      });
      heap.setU32(p + offsets + group.length * 4, at);
      const counted = module.call((exports, tm) => exports.vs_tm_embed(tm, p + text, p + offsets, group.length, p));
      this.tokens += module.check(counted);
      for (let i = 0; i < group.length; i++) vectors.push(heap.readF32(p + i * row, this.dimension));
    } finally {
      module.release(p);
    }
  }

  /** Gives the model's memory back. Later calls reject CLOSED. */
  close() {
    this.#module.destroy('embedder');
  }
}

/** @param {string} name @param {any} value */
function checkSignal(name, value) {
  if (typeof value?.aborted !== 'boolean') throw invalid(`${name} must be an AbortSignal, not ${show(value)}`);
  return value;
}

/** @param {TextPlatform} platform @param {unknown} source @param {AbortSignal | undefined} signal */
async function modelBytes(platform, source, signal) {
  if (source === undefined) source = await defaultModel(platform);
  try {
    return view(await read(platform, source, signal));
  } catch (/** @type {any} */ error) {
    throwIfAborted(signal);
    if (error instanceof VecStoreError) throw error;
    const where = source instanceof URL || typeof source === 'string' ? ` from ${source}` : '';
    throw new VecStoreError('IO', `cannot read the model${where}: ${error?.message ?? error}`, { cause: error });
  }
}

/** @param {TextPlatform} platform @param {unknown} source @param {AbortSignal | undefined} signal */
async function read(platform, source, signal) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
  if (typeof Response !== 'undefined' && source instanceof Response) {
    if (!source.ok) throw new Error(`status ${source.status}`);
    return source.arrayBuffer();
  }
  if (source instanceof URL || (typeof source === 'string' && source !== '')) return platform.read(source, signal);
  throw invalid(`a model must be a URL, a path, a Response or bytes, not ${show(source)}`);
}

/** @param {ArrayBuffer | ArrayBufferView} bytes */
const view = (bytes) => (bytes instanceof ArrayBuffer
  ? new Uint8Array(bytes)
  : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));

/** @param {TextPlatform} platform @returns {Promise<URL>} */
async function defaultModel({ defaultModel: find }) {
  if (find === null) {
    throw new VecStoreError('UNSUPPORTED', "this runtime has no files; pass the model's address or bytes");
  }
  try {
    return (await find()).url;
  } catch (error) {
    const message = "the package 'vecstore-static-en' is not installed; install it, or pass a model's address or bytes";
    throw new VecStoreError('UNSUPPORTED', message, { cause: error });
  }
}
