// memory.js - a store that is gone with its instance: no files, nothing to sync.

import { loadEngine, wasiInstantiate } from '../engine/load.js';
import { WasiHost } from '../wasi/host.js';

/**
 * @param {import('./backend.js').BackendRequest} request
 * @returns {Promise<import('./backend.js').Backend>}
 */
export async function openMemory({ platform, path }) {
  return {
    kind: 'memory',
    persistent: false,
    path,
    config: { storage: 'memory' },
    load: (wasm) => loadEngine(platform, 'vecstore', wasm, wasiInstantiate(new WasiHost(null))),
    sync: async () => {},
    syncDelayMs: 0,
    stats: () => ({}),
    close: async () => {},
  };
}
