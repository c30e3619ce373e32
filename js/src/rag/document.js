// document.js - passages out of the bytes of a file, by the text module (src/rag), in groups as they are found.
//
// The command line cuts files with the same C code: the same file gives the
// same passages there.

import { TEXT_ABI } from '../engine/text-abi.gen.js';
import { decodeValue, isWellFormed, show } from '../engine/value.js';
import { invalid, throwIfAborted } from '../errors.js';
import { readOptions } from '../options.js';
import { TextModule, Turns } from '../embed/module.js';

/** @typedef {import('../embed/module.js').TextPlatform} TextPlatform */
/** @typedef {'txt' | 'md' | 'html' | 'json' | 'jsonl' | 'csv'} DocumentKind */
/** @typedef {Blob | string | ArrayBuffer | ArrayBufferView | AsyncIterable<Uint8Array> | Iterable<Uint8Array>} DocumentSource */

/**
 * A piece of a document.
 * @typedef {object} Passage
 * @property {number} n 0, 1, 2, … within the file
 * @property {string} title of its document: what the file says, else the file's name
 * @property {string} section the headings above it, ' > ' between; '' when there are none
 * @property {string} text
 * @property {number} start where in the file's bytes the text begins
 * @property {number} end and where it ends
 * @property {Record<string, any>} [fields] the record's or front matter's other members
 */

/**
 * @typedef {object} ReadOptions
 * @property {DocumentKind} [kind] absent: by the name's ending
 * @property {number} [characters] of a passage at most, 16 to 1,000,000; 1000
 * @property {number} [overlap] characters that a passage repeats of the one before, up to half of that; 0
 * @property {AbortSignal} [signal]
 * @property {(bytes: number) => void} [onProgress] how many bytes have been read
 * @property {URL | Response | BufferSource | WebAssembly.Module} [wasm] the text module, if not next to this package
 */

/** Endings of names, as the C code knows them. @type {Record<string, DocumentKind>} */
const ENDINGS = {
  txt: 'txt', text: 'txt', md: 'md', markdown: 'md', html: 'html', htm: 'html', xhtml: 'html', json: 'json',
  jsonl: 'jsonl', ndjson: 'jsonl', csv: 'csv', tsv: 'csv',
};
const KINDS = { txt: TEXT_ABI.TM_TXT, md: TEXT_ABI.TM_MD, html: TEXT_ABI.TM_HTML, json: TEXT_ABI.TM_JSON, jsonl: TEXT_ABI.TM_JSONL, csv: TEXT_ABI.TM_CSV };
const PIECE_BYTES = 64 * 1024;
const MAX_CHARACTERS = 1_000_000;

/**
 * The kind of document that a file's name stands for by its ending; null: none that can be read.
 * @param {string} name
 * @returns {DocumentKind | null}
 */
export function documentKind(name) {
  const ending = /\.([^./]*)$/.exec(name)?.[1].toLowerCase() ?? '';
  return Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : null;
}

/** @param {string} name @param {any} value @param {number} min @param {number} max */
function checkWhole(name, value, min, max) {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(`${name} must be a whole number from ${min} to ${max}, not ${show(value)}`);
}

/** @type {Record<string, (name: string, value: any) => any>} */
const OPTIONS = {
  kind: (name, value) => {
    if (typeof value === 'string' && Object.hasOwn(KINDS, value)) return value;
    throw invalid(`${name} must be one of ${Object.keys(KINDS).join(', ')}, not ${show(value)}`);
  },
  characters: (name, value) => checkWhole(name, value, 16, MAX_CHARACTERS),
  overlap: (name, value) => checkWhole(name, value, 0, MAX_CHARACTERS),
  signal: (name, value) => {
    if (typeof value?.aborted === 'boolean') return value;
    throw invalid(`${name} must be an AbortSignal, not ${show(value)}`);
  },
  onProgress: (name, value) => {
    if (typeof value === 'function') return value;
    throw invalid(`${name} must be a function, not ${show(value)}`);
  },
  wasm: (_, value) => value,
};

/** @param {any} source @returns {AsyncGenerator<Uint8Array>} */
async function* piecesOf(source) {
  if (typeof source === 'string') source = new TextEncoder().encode(source);
  if (source instanceof ArrayBuffer) source = new Uint8Array(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob) {
    for (let at = 0; at < source.size; at += PIECE_BYTES) {
      yield new Uint8Array(await source.slice(at, at + PIECE_BYTES).arrayBuffer());
    }
    return;
  }
  const pieces = ArrayBuffer.isView(source) ? [source] : source;
  if (typeof pieces?.[Symbol.asyncIterator] !== 'function' && typeof pieces?.[Symbol.iterator] !== 'function') {
    throw invalid(`a document must be a Blob, string, bytes or an iterable of bytes, not ${show(source)}`);
  }
  for await (const piece of pieces) {
    if (!ArrayBuffer.isView(piece)) throw invalid(`a piece of a document must be bytes, not ${show(piece)}`);
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
  }
}

/** The passages of the last call, of which it answered how many. @param {TextModule} module @param {number} count
 * @returns {Passage[]} */
function passagesOf(module, count) {
  if (module.check(count) === 0) return [];
  const p = module.call((exports, tm) => exports.vs_tm_passages(tm)) >>> 0;
  return /** @type {Passage[]} */ (decodeValue(module.heap.borrow(p + 4, module.heap.u32(p))));
}

/**
 * The function for one runtime.
 * @param {TextPlatform} platform
 */
export function makeReadDocument(platform) {
  /**
   * Reads a txt, md, html, json, jsonl or csv file and gives its passages, in groups as they are found.
   * @param {string} name the file's, for its kind and its title
   * @param {DocumentSource} source
   * @param {ReadOptions} [options]
   * @returns {AsyncGenerator<Passage[], void>}
   */
  return async function* readDocument(name, source, options) {
    if (typeof name !== 'string' || !isWellFormed(name)) throw invalid(`a document's name must be a string, not ${show(name)}`);
    const { kind, characters, overlap, signal, onProgress, wasm } = readOptions('readDocument', options, OPTIONS);
    const known = kind ?? documentKind(name);
    if (!known) throw invalid(`'${name}' is of no known kind; give one as option 'kind'`);
    throwIfAborted(signal);
    const module = await TextModule.load(platform, wasm), turns = new Turns(platform.yieldToHost);
    const utf8 = new TextEncoder().encode(name), room = module.alloc(Math.max(PIECE_BYTES, utf8.length));
    module.heap.write(room, utf8);
    const begun = module.call((exports, tm) => exports.vs_tm_read_begin(tm, KINDS[/** @type {DocumentKind} */ (known)], room,
      utf8.length, characters ?? TEXT_ABI.TM_PASSAGE_CHARACTERS, overlap ?? 0));
    if (begun !== 0) throw module.error();
    let bytes = 0;
    for await (const piece of piecesOf(source)) {
      await turns.next();
      throwIfAborted(signal);
      module.heap.write(room, piece);
      const found = passagesOf(module, module.call((exports, tm) => exports.vs_tm_read_feed(tm, room, piece.length)));
      bytes += piece.length;
      onProgress?.(bytes);
      if (found.length > 0) yield found;
    }
    throwIfAborted(signal);
    const rest = passagesOf(module, module.call((exports, tm) => exports.vs_tm_read_finish(tm)));
    if (rest.length > 0) yield rest;
  };
}
