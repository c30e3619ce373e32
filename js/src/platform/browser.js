// browser.js - pages and workers of browsers: the engine's files by fetch, relative to this module.
//
// The URLs are written out so that bundlers find the files.

/** @type {Record<string, () => URL>} */
const URLS = {
  'vecstore.simd.wasm': () => new URL('../../../dist/vecstore.simd.wasm', import.meta.url),
  'vecstore.relaxed.wasm': () => new URL('../../../dist/vecstore.relaxed.wasm', import.meta.url),
  'vecstore.idbfs.simd.wasm': () => new URL('../../../dist/vecstore.idbfs.simd.wasm', import.meta.url),
  'vecstore.idbfs.relaxed.wasm': () => new URL('../../../dist/vecstore.idbfs.relaxed.wasm', import.meta.url),
};

/** @param {URL} url */
async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** @type {import('./platform.js').Platform} */
export const platform = {
  name: 'browser',
  async compile(file) {
    const response = await get(URLS[file]());
    // Streaming needs the MIME type, which not every server sends.
    if (response.headers.get('content-type')?.startsWith('application/wasm')) {
      return WebAssembly.compileStreaming(response);
    }
    return WebAssembly.compile(await response.arrayBuffer());
  },
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
  files: null,
  loadIdbfs: async () => (await import('./glue.mjs')).default,
};
