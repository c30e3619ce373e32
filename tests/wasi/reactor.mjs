// reactor.mjs write|read PATH - the wrapper over the WASI of the runtime (node:wasi of Node or Deno) in place of its own.
//
// write makes a store of known content, read prints what a store holds.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setImmediate } from 'node:timers';
import { WASI } from 'node:wasi';
import { loadEngine } from '../../js/src/engine/load.js';
import { VecStore } from '../../js/src/store.js';
import { contentOf, fill } from './content.mjs';

const refuse = () => {
  throw new Error('no host storage here');
};

/** Instantiates the reactor over node:wasi, which sees one directory as /store. */
const instantiateAt = (directory) => async (module, more) => {
  const wasi = new WASI({ version: 'preview1', preopens: { '/store': directory } });
  const imports = { ...wasi.getImportObject(), ...more };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from === 'vecstore_host') (imports[from] ??= {})[name] = refuse;
  }
  const instance = await WebAssembly.instantiate(module, imports);
  wasi.initialize(instance);
  return instance.exports;
};

class WasiStore extends VecStore {
  static platform = {
    name: 'node:wasi',
    compile: async (file) => WebAssembly.compile(readFileSync(new URL(`../../dist/${file}`, import.meta.url))),
    yieldToHost: () => new Promise((done) => {
      setImmediate(done);
    }),
    preferred: () => 'fs',
    backends: {
      fs: async ({ path, platform }) => ({
        kind: 'fs', persistent: true, path, config: { storage: 'posix', root: '/store' },
        load: (wasm) => loadEngine(platform, 'vecstore', wasm, instantiateAt(path)),
        // Nobody cuts the power in this test.
        sync: async () => {},
        syncDelayMs: 0, stats: () => ({}), close: async () => {},
      }),
    },
  };
}

const [action, path] = process.argv.slice(2);
const store = await WasiStore.open({ path });
if (action === 'write') await fill(store);
console.log(JSON.stringify(await contentOf(store)));
await store.close();
