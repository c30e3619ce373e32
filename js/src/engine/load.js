// load.js - from a WASM file to an initialized engine: which kernels, which bytes, one compilation per process.
//
// `relaxed` is taken where the runtime knows relaxed SIMD AND computes it
// rightly: Node 20 with its flag validates the module and gets the i8 dot product
// wrong, so only the module's own self-test counts. Otherwise `simd`.

import { VecStoreError, invalid } from '../errors.js';
import { Part } from './part.js';
import { show } from './value.js';

/** @typedef {import('../platform/platform.js').Platform} Platform */
/** @typedef {import('./abi.gen.js').EngineExports} EngineExports */
/** @typedef {'vecstore' | 'vecstore.idbfs'} Target */
/** @typedef {Record<string, Record<string, any>>} Imports */
/** @typedef {(module: WebAssembly.Module, more: Imports) => Promise<WebAssembly.Exports>} Instantiate `more`: imports to add */

/** A function whose one instruction is i8x16.relaxed_swizzle. */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15,
  253, 128, 2, 11,
]);

/** Compiled modules by platform and file name; instances share them. @type {WeakMap<object, Map<string, any>>} */
const compiled = new WeakMap();
/** Targets whose relaxed kernels failed their self-test here. @type {Set<Target>} */
const brokenRelaxed = new Set();

/**
 * @param {Platform} platform
 * @param {string} file
 * @returns {Promise<WebAssembly.Module>}
 */
function compileOnce(platform, file) {
  let cache = compiled.get(platform);
  if (!cache) compiled.set(platform, (cache = new Map()));
  let module = cache.get(file);
  if (!module) {
    module = platform.compile(file);
    cache.set(file, module);
    // A failed download must not be remembered.
    module.catch(() => cache.delete(file));
  }
  return module;
}

/**
 * @param {Platform} platform
 * @param {unknown} wasm
 * @returns {Promise<WebAssembly.Module>}
 */
async function moduleFrom(platform, wasm) {
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (typeof Response !== 'undefined' && wasm instanceof Response) return WebAssembly.compile(await wasm.arrayBuffer());
  if (wasm instanceof URL) return WebAssembly.compile(await platform.read(wasm));
  if (wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm)) {
    return WebAssembly.compile(/** @type {BufferSource} */ (wasm));
  }
  throw invalid(`wasm must be a URL, Response, bytes or WebAssembly.Module, not ${show(wasm)}`);
}

/** @param {unknown} error @returns {never} */
function loadFailed(error) {
  if (error instanceof VecStoreError) throw error;
  throw new VecStoreError('IO', `cannot load the engine: ${/** @type {any} */ (error)?.message ?? error}`, {
    cause: error,
  });
}

/** Which of the package's engines to try, best first. @param {Target} target */
const variantsOf = (target) => (!brokenRelaxed.has(target) && WebAssembly.validate(RELAXED_PROBE)
  ? ['relaxed', 'simd'] : ['simd']);

/**
 * Begins to load the engine that loadEngine will want, so that a backend may do something else meanwhile.
 * @param {Platform} platform
 * @param {Target} target
 * @param {unknown} wasm the caller's own module, or undefined
 * @param {boolean} [whole] with its second part
 */
export function preload(platform, target, wasm, whole = false) {
  // A failure is loadEngine's to tell.
  if (wasm !== undefined) return;
  compileOnce(platform, `${target}.${variantsOf(target)[0]}.wasm`).catch(() => {});
  if (whole) compileOnce(platform, `${target}.more.wasm`).catch(() => {});
}

/**
 * The second part of an engine: the package's, or beside the caller's own engine where that is an address.
 * @param {Platform} platform
 * @param {Target} target
 * @param {unknown} wasm
 * @param {WebAssembly.Module} module
 */
function partOf(platform, target, wasm, module) {
  const file = `${target}.more.wasm`;
  const beside = wasm instanceof URL && new URL(file, wasm);
  const compile = () => (beside ? moduleFrom(platform, beside) : compileOnce(platform, file));
  return new Part(module, file, compile, beside ? undefined : platform.compileNow);
}

/**
 * Loads an engine and checks its kernels.
 * @param {Platform} platform
 * @param {Target} target
 * @param {unknown} wasm the caller's own module, or undefined
 * @param {Instantiate} instantiate
 * @returns {Promise<{ exports: EngineExports, simd: string, part: Part }>}
 */
export async function loadEngine(platform, target, wasm, instantiate) {
  for (const simd of wasm !== undefined ? ['custom'] : variantsOf(target)) {
    const module = await (simd === 'custom'
      ? moduleFrom(platform, wasm)
      : compileOnce(platform, `${target}.${simd}.wasm`)
    ).catch(loadFailed);
    const part = partOf(platform, target, wasm, module);
    const exports = /** @type {any} */ (await instantiate(module, part.imports).catch(loadFailed));
    if (typeof exports.vs_selftest !== 'function') throw invalid('wasm is not an engine module of this package');
    part.attach(exports);
    if (exports.vs_selftest() === 0) return { exports, simd, part };
    if (simd === 'relaxed') brokenRelaxed.add(target);
  }
  throw new VecStoreError('UNSUPPORTED', 'this runtime computes SIMD instructions wrongly: the self-test failed');
}

/**
 * Instantiates the WASI reactor. Imports that are not WASI's are those of files kept by JavaScript
 * (storage/host.js); an engine that keeps them elsewhere calls none of them.
 * @param {import('../wasi/host.js').WasiHost} host
 * @param {{ import: (name: string) => Function, attach: (memory: WebAssembly.Memory) => void }} [files]
 * @returns {Instantiate}
 */
export function wasiInstantiate(host, files) {
  return async (module, more) => {
    /** @type {Imports} */
    const imports = { ...more };
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      if (from in more) continue;
      imports[from] ??= {};
      imports[from][name] = from === 'wasi_snapshot_preview1' ? host.import(name) : files?.import(name) ?? refuse;
    }
    const { exports } = await WebAssembly.instantiate(module, imports);
    host.attach(/** @type {WebAssembly.Memory} */ (exports.memory));
    files?.attach(/** @type {WebAssembly.Memory} */ (exports.memory));
    /** @type {any} */ (exports)._initialize?.();
    return exports;
  };
}

/** @returns {never} */
function refuse() {
  throw new VecStoreError('IO', 'this store has no files of a host');
}
