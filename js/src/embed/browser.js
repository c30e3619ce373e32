// browser.js - the text module and models in pages and workers of browsers: by fetch.

import { URLS } from '../platform/text-urls.mjs';

/** @param {URL | string} from @param {AbortSignal} [signal] */
async function get(from, signal) {
  const response = await fetch(from, { signal });
  if (!response.ok) throw new Error(`${from} answered ${response.status}`);
  return response;
}

/** @type {import('./module.js').TextPlatform} */
export const platform = {
  async compile() {
    const response = await get(URLS['vecstore.text.wasm']());
    // Streaming needs the MIME type, which not every server sends.
    if (response.headers.get('content-type')?.startsWith('application/wasm')) {
      return WebAssembly.compileStreaming(response);
    }
    return WebAssembly.compile(await response.arrayBuffer());
  },
  read: async (from, signal) => (await get(from, signal)).arrayBuffer(),
  // @ts-ignore: an optional peer, which need not be installed
  defaultModel: () => import('vecstore-static-en'),
  yieldToHost: () => new Promise((done) => {
    // setTimeout waits 4 ms when nested; a message does not.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  }),
};
