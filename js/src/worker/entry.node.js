// entry.node.js - the entry `vecstore/worker`: the script of a thread that keeps a store for `worker: true`.

import { parentPort } from 'node:worker_threads';
import { VecStore } from '../index.node.js';
import { Keeper } from './keeper.js';

const keeper = new Keeper(VecStore, {
  post: (message, transfer = []) => parentPort?.postMessage(message, /** @type {any} */ (transfer)),
  listen: (receive) => parentPort?.on('message', receive),
});

/**
 * For a worker's script of your own: options of the store that cannot be sent to a worker, as an embedder that is to
 * run there.
 * @param {import('../types.js').OpenOptions<any> | Promise<import('../types.js').OpenOptions<any>>} options
 */
export function serve(options) {
  keeper.own = options;
}
