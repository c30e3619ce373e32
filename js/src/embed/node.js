// node.js - the text module and models on Node, Deno and Bun: from disk, or by fetch.

import fs from 'node:fs';
import { URLS } from '../platform/text-urls.mjs';

/** @type {import('./module.js').TextPlatform} */
export const platform = {
  async compile() {
    return WebAssembly.compile(await fs.promises.readFile(URLS['vecstore.text.wasm']()));
  },
  async read(from, signal) {
    // A letter and a colon begin a path on Windows.
    const url = typeof from === 'string' && /^[a-z][a-z0-9+.-]+:/i.test(from) ? new URL(from) : from;
    if (typeof url === 'string' || url.protocol === 'file:') return fs.promises.readFile(url, { signal });
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.arrayBuffer();
  },
  // @ts-ignore: an optional peer, which need not be installed
  defaultModel: () => import('vecstore-static-en'),
  yieldToHost: () => new Promise((done) => {
    setImmediate(() => done());
  }),
};
