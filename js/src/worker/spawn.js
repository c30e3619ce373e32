// spawn.js - workers of browsers, as what messages go to and come from.

import { browserWorker } from '../platform/worker-urls.mjs';

/**
 * The other end of a line, at which messages arrive in order.
 * @typedef {object} Endpoint
 * @property {(message: any, transfer?: Transferable[]) => void} post
 * @property {(receive: (message: any) => void, lost: (error: unknown) => void) => void} listen lost: it has died, or is
 *   about to
 * @property {() => any} end stops it, at whatever it is; a promise where that takes time
 * @property {(isBusy: boolean) => void} keep whether the process waits for it
 */

/** @param {() => any} [make] the caller's own @returns {Endpoint} */
export function spawn(make = browserWorker) {
  const worker = make();
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    listen(receive, lost) {
      worker.onmessage = (/** @type {MessageEvent} */ { data }) => receive(data);
      worker.onerror = (/** @type {ErrorEvent} */ event) => {
        event.preventDefault?.();
        lost(event.error ?? new Error(event.message || 'its script cannot be loaded'));
      };
      worker.onmessageerror = () => lost(new Error('a message cannot be read'));
    },
    end: () => worker.terminate(),
    keep: () => {},
  };
}
