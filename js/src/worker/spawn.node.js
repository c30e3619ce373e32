// spawn.node.js - threads of Node, Deno and Bun, as what messages go to and come from.

import { Worker } from 'node:worker_threads';
import { nodeWorker } from '../platform/worker-urls.mjs';

/** @param {() => any} [make] the caller's own @returns {import('./spawn.js').Endpoint} */
export function spawn(make = () => new Worker(nodeWorker(), { execArgv: [] })) {
  const worker = make();
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    listen(receive, lost) {
      worker.on('message', receive);
      worker.on('error', lost);
      worker.on('messageerror', lost);
      worker.on('exit', (/** @type {number} */ code) => lost(new Error(`it ended with exit code ${code}`)));
    },
    end: () => worker.terminate(),
    keep: (isBusy) => (isBusy ? worker.ref?.() : worker.unref?.()),
  };
}
