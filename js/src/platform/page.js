// page.js - what every page or worker of a browser offers, wherever the engine's files come from.

import { hasIdbfs, openIdbfs } from '../storage/idbfs.js';
import { openMemory } from '../storage/memory.js';

/** Emscripten's part, loaded only when it is used. */
const loadGlue = async () => (await import('./glue.mjs')).default;

/** @param {URL} url */
export async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** @type {Omit<import('./platform.js').Platform, 'compile' | 'name'>} */
export const page = {
  read: async (url) => (await get(url)).arrayBuffer(),
  yieldToHost: () => new Promise((done) => {
    // setTimeout waits 4 ms when nested; a message does not.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  }),
  backends: { memory: openMemory, idbfs: (request) => openIdbfs(request, loadGlue) },
  preferred: () => (hasIdbfs() ? 'idbfs' : null),
};
