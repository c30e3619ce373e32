// workerd.js - the text module and models in Cloudflare Workers and other edge isolates: compiled before start.

import text from '../../../dist/vecstore.text.wasm';

/** @type {import('./module.js').TextPlatform} */
export const platform = {
  compile: async () => text,
  async read(from, signal) {
    const response = await fetch(from, { signal });
    if (!response.ok) throw new Error(`${from} answered ${response.status}`);
    return response.arrayBuffer();
  },
  // A bundler would look for the package, and its address could not be fetched.
  defaultModel: null,
  yieldToHost: () => new Promise((done) => {
    setTimeout(done, 0);
  }),
};
