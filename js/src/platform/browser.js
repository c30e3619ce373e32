// browser.js - pages and workers of browsers: the engine's files by fetch, from beside this package.

import { get, page } from './page.js';
import { URLS } from './urls.mjs';

/** @type {import('./platform.js').Platform} */
export const platform = {
  ...page,
  name: 'browser',
  async compile(file) {
    const response = await get(URLS[file]());
    // Streaming needs the MIME type, which not every server sends.
    if (response.headers.get('content-type')?.startsWith('application/wasm')) {
      return WebAssembly.compileStreaming(response);
    }
    return WebAssembly.compile(await response.arrayBuffer());
  },
  languages: async () => (await get(URLS['lang.bin']())).arrayBuffer(),
};
