// workerd.js - Cloudflare Workers and other edge isolates: modules compiled before start, no files.

import more from '../../../dist/vecstore.more.wasm';
import relaxed from '../../../dist/vecstore.relaxed.wasm';
import simd from '../../../dist/vecstore.simd.wasm';
import { openMemory } from '../storage/memory.js';

/** @type {Record<string, WebAssembly.Module>} */
const MODULES = { 'vecstore.simd.wasm': simd, 'vecstore.relaxed.wasm': relaxed, 'vecstore.more.wasm': more };

/** @type {import('./platform.js').Platform} */
export const platform = {
  name: 'workerd',
  compile: async (file) => MODULES[file],
  compileNow: (file) => MODULES[file],
  read: async (url) => (await fetch(url)).arrayBuffer(),
  yieldToHost: () => new Promise((done) => {
    setTimeout(done, 0);
  }),
  backends: { memory: openMemory },
  preferred: () => null,
};
