// portable.js - the whole store as one portable file, in pieces; loaded when it is asked for.
//
// The engine gives a piece out as soon as it is made (src/db/op_export.c), so
// neither it nor we hold more than one. Nothing else may touch the engine
// between two pieces: a stream that is being read keeps the store's turn.

import { ABI } from './engine/abi.gen.js';
import { VecStoreError, throwIfAborted } from './errors.js';
import { piecesOf } from './source.js';

/** @typedef {import('./engine/engine.js').Engine} Engine */
/** @typedef {import('./engine/engine.js').Operation} Operation */

/** KiB that a step writes: some milliseconds' work. */
const STEP_BUDGET = 4096;

/**
 * The pieces of an export, each made when it is asked for. Runs in the store's turn.
 * @param {Engine} engine
 * @param {() => Promise<void>} yieldToHost
 * @param {AbortSignal | undefined} signal
 * @param {((share: number) => void) | undefined} onProgress
 * @returns {AsyncGenerator<Uint8Array, void, void>}
 */
async function* exportPieces(engine, yieldToHost, signal, onProgress) {
  const op = engine.guard(() => engine.export());
  try {
    /** @type {number} */
    let answer = ABI.STEP_YIELD;
    while (answer !== ABI.STEP_DONE) {
      throwIfAborted(signal);
      answer = engine.guard(() => op.step(STEP_BUDGET));
      if (answer === ABI.STEP_ERROR) throw engine.guard(() => engine.error());
      const piece = engine.guard(() => op.chunks());
      onProgress?.(engine.guard(() => op.progress));
      if (piece.length > 0) yield piece;
      else await yieldToHost();
    }
  } finally {
    engine.guardQuietly(() => op.free());
  }
}

/**
 * All of it as one array. Runs in the store's turn.
 * @param {Engine} engine
 * @param {() => Promise<void>} yieldToHost
 * @param {AbortSignal | undefined} signal
 * @param {((share: number) => void) | undefined} onProgress
 */
export async function exportBytes(engine, yieldToHost, signal, onProgress) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  for await (const piece of exportPieces(engine, yieldToHost, signal, onProgress)) {
    pieces.push(piece);
    await yieldToHost();
  }
  if (pieces.length === 1) return pieces[0];
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/**
 * A stream of it that takes the store's turn with the first read and gives it back at its end.
 * @param {{ engine: Engine, queue: import('./queue.js').CallQueue, yieldToHost: () => Promise<void>,
 *   closing: AbortSignal }} store
 * @param {AbortSignal | undefined} signal
 * @param {((share: number) => void) | undefined} onProgress
 * @returns {ReadableStream<Uint8Array>}
 */
export function exportStream({ engine, queue, yieldToHost, closing }, signal, onProgress) {
  /** @type {AsyncGenerator<Uint8Array, void, void> | undefined} */
  let pieces;
  /** Gives the turn back. @type {() => void} */
  let release = () => {};
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  let controller;
  const closed = () => new VecStoreError('CLOSED', 'the store was closed while it was being exported');
  const end = async () => {
    closing.removeEventListener('abort', whenClosing);
    await pieces?.return();
    release();
  };
  const whenClosing = () => {
    controller.error(closed());
    end();
  };
  const takeTurn = () => new Promise((begun) => {
    queue.run(() => new Promise((over) => {
      release = () => over(undefined);
      begun(undefined);
    }));
  });
  return new ReadableStream({
    start(given) {
      controller = given;
    },
    async pull() {
      try {
        if (closing.aborted) throw closed();
        if (!pieces) {
          closing.addEventListener('abort', whenClosing);
          pieces = exportPieces(engine, yieldToHost, signal, onProgress);
          await takeTurn();
        }
        const { done, value } = await pieces.next();
        if (!done) return controller.enqueue(value);
        await end();
        controller.close();
      } catch (error) {
        await end();
        throw closing.aborted ? closed() : error;
      }
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

/**
 * Hands an exported store over, piece by piece.
 * @param {Engine} engine
 * @param {any} source
 * @param {AbortSignal | undefined} signal
 */
export async function importPieces(engine, source, signal) {
  for await (const piece of piecesOf('import', source)) {
    throwIfAborted(signal);
    engine.guard(() => engine.importAdd(piece));
  }
}
