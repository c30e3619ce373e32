// node.js - Node, Deno and Bun: the engine's files from disk, stores in directories.
//
// START-UP (measured in tests/bench/TRIED.md). Importing node:fs or node:process reads each export of the module, and
// so loads Node's streams and even makes the standard ones. So neither is imported: the process is a global, and the
// others are taken from it when they are needed. The engine is read and compiled within the call, which is no slower
// than having it done by threads that must first be woken.

import { openFs } from '../storage/fs.js';
import { lives } from '../storage/lock.js';
import { openMemory } from '../storage/memory.js';
import { URLS } from './urls.mjs';

/** @returns {Promise<import('./platform.js').Files>} */
export async function loadFiles() {
  const fs = await loadFs();
  const { resolve } = await loadPath();
  return {
    fs,
    resolve: (path) => resolve(path),
    process: () => ({ pid: process.pid, isAlive, isWindows: process.platform === 'win32' }),
  };
}

// Node has the function since 20.16. The names are written out in import(), so that bundlers know them.
const loadFs = async () => process.getBuiltinModule?.('node:fs') ?? (await import('node:fs')).default;
const loadPath = async () => process.getBuiltinModule?.('node:path') ?? (await import('node:path')).default;

/** @type {import('./platform.js').Platform} */
export const platform = {
  name: 'node',
  async compile(file) {
    return new WebAssembly.Module((await loadFs()).readFileSync(URLS[file]()));
  },
  async succeed(mine, dead) {
    lives.mine = mine;
    lives.dead.push(...dead);
  },
  startWorker: async (make) => (await import('../worker/spawn.node.js')).spawn(make),
  languages: async () => (await loadFs()).readFileSync(URLS['lang.bin']()),
  compileNow(file) {
    const fs = process.getBuiltinModule?.('node:fs');
    if (!fs) throw new Error(`this runtime cannot load ${file} within a call`);
    return new WebAssembly.Module(fs.readFileSync(URLS[file]()));
  },
  async read(url) {
    if (url.protocol === 'file:') return (await loadFs()).promises.readFile(url);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.arrayBuffer();
  },
  yieldToHost: () => new Promise((done) => {
    setImmediate(() => done());
  }),
  backends: { memory: openMemory, fs: async (request) => openFs(request, await loadFiles()) },
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
