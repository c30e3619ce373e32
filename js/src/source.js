// source.js - whatever bytes may come from, as one async sequence of pieces.

import { encodeUtf8, show } from './engine/value.js';
import { invalid } from './errors.js';

/**
 * Bytes, or what gives them piece by piece. Text counts as its UTF-8.
 * @typedef {ArrayBuffer | ArrayBufferView | string | Blob | Response | ReadableStream<Uint8Array | string> |
 *   AsyncIterable<ArrayBuffer | ArrayBufferView | string> | Iterable<ArrayBuffer | ArrayBufferView | string>} ByteSource
 */

/** @param {string} what @param {unknown} piece @returns {Uint8Array} */
function asBytes(what, piece) {
  if (typeof piece === 'string') return encodeUtf8(piece);
  if (piece instanceof Uint8Array) return piece;
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  if (Object.prototype.toString.call(piece) === '[object ArrayBuffer]') return new Uint8Array(/** @type {any} */ (piece));
  throw invalid(`${what} needs pieces of bytes, not ${show(piece)}`);
}

/** Not every browser iterates over a ReadableStream. @param {ReadableStream<any>} stream */
async function* readAll(stream) {
  const reader = stream.getReader();
  let over = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        over = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!over) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

/**
 * @param {string} what the call, for messages
 * @param {any} source a ByteSource
 * @returns {AsyncGenerator<Uint8Array, void, void>}
 */
export async function* piecesOf(what, source) {
  let from = source;
  if (typeof from?.stream === 'function') from = from.stream();
  else if (typeof from?.body?.getReader === 'function') from = from.body;
  if (typeof from?.getReader === 'function') from = readAll(from);
  const isOne = typeof from === 'string' || ArrayBuffer.isView(from) || !(from?.[Symbol.asyncIterator] || from?.[Symbol.iterator]);
  if (isOne) {
    yield asBytes(what, from);
    return;
  }
  for await (const piece of from) yield asBytes(what, piece);
}
