// node.js - Node, Deno and Bun: the engine's files from disk, stores in directories.

import fs from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { openFs } from '../storage/fs.js';
import { openMemory } from '../storage/memory.js';

/** @type {import('./platform.js').Files} */
export const files = {
  fs,
  resolve: (path) => resolve(path),
  process: () => ({ pid: process.pid, isAlive, isWindows: process.platform === 'win32' }),
};

/** @type {import('./platform.js').Platform} */
export const platform = {
  name: 'node',
  async compile(file) {
    return WebAssembly.compile(await fs.promises.readFile(new URL(`../../../dist/${file}`, import.meta.url)));
  },
  async read(url) {
    if (url.protocol === 'file:') return fs.promises.readFile(url);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.arrayBuffer();
  },
  yieldToHost: () => new Promise((done) => {
    setImmediate(() => done());
  }),
  backends: { memory: openMemory, fs: (request) => openFs(request, files) },
  preferred: () => 'fs',
};

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it: then it is there.
    return /** @type {any} */ (error)?.code !== 'ESRCH';
  }
}
