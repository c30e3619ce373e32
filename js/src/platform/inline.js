// inline.js - pages and workers whose server gives no .wasm files: the engine is within the script.

import { GZIPPED } from './inline-data.mjs';
import { page } from './page.js';

/** @param {string} base64 */
async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** @type {import('./platform.js').Platform} */
export const platform = {
  ...page,
  name: 'inline',
  startWorker: undefined, // Its script would be a file.
  compile: async (file) => WebAssembly.compile(await inflate(GZIPPED[file])),
  languages: () => inflate(GZIPPED['lang.bin']),
};
