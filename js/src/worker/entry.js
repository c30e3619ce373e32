// entry.js - the entry `vecstore/worker`: the script of a browser's worker that keeps a store for `worker: true`.

import { VecStore } from '../index.js';
import { Keeper } from './keeper.js';

const keeper = new Keeper(VecStore, {
  post: (message, transfer = []) => /** @type {any} */ (globalThis).postMessage(message, transfer),
  listen: (receive) => globalThis.addEventListener('message', ({ data }) => receive(data)),
});

/**
 * For a worker's script of your own: options of the store that cannot be sent to a worker, as an embedder that is to
 * run there.
 * @param {import('../types.js').OpenOptions<any> | Promise<import('../types.js').OpenOptions<any>>} options
 */
export function serve(options) {
  keeper.own = options;
}
