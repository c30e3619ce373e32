// part.js - the engine's second part: what the core's file leaves out, loaded when it is first needed.
//
// Both share memory and function table (wasm/tools/split.mjs). Until the part is there, the places of its functions in
// the table hold those made here. A call that gets to one was not expected, as engine.js is asked for the part before
// such calls: then the part is loaded within the call where the runtime can do that.

import { VecStoreError } from '../errors.js';

/** The core's imports of this name are places in the table that the part will fill. */
const MODULE = 'more';

export class Part {
  /** Whether everything the engine has is loaded. */
  there = true;
  /** For the core: stand-ins for the part's functions. @type {Record<string, Record<string, Function>>} */
  imports = {};
  #file;
  #compile;
  #compileNow;
  /** The instance that the part belongs to. @type {any} */
  #core;
  /** @type {Promise<void> | undefined} */
  #loading;
  /** @type {WebAssembly.Module | undefined} */
  #module;

  /**
   * @param {WebAssembly.Module} engine which may be in one piece
   * @param {string} file the part's
   * @param {() => Promise<WebAssembly.Module>} compile
   * @param {((file: string) => WebAssembly.Module) | undefined} compileNow where a file can be read within a call
   */
  constructor(engine, file, compile, compileNow) {
    this.#file = file;
    this.#compile = compile;
    this.#compileNow = compileNow;
    for (const { module, name } of WebAssembly.Module.imports(engine)) {
      if (module !== MODULE) continue;
      this.there = false;
      (this.imports[MODULE] ??= {})[name] = (/** @type {any[]} */ ...args) => this.#loadNow().get(name)(...args);
    }
  }

  /** @param {WebAssembly.Exports} core of the instance that the part belongs to */
  attach(core) {
    this.#core = core;
  }

  /** What begins to fetch it; it holds nothing of the instance, which may be closed before that is called. */
  get fetcher() {
    const compile = this.#compile;
    return this.there ? () => {} : () => {
      compile().catch(() => {});
    };
  }

  /** Begins to fetch it, so that a later need is met at once; whether that works is told then. */
  fetch() {
    if (!this.there) this.#fetched().catch(() => {});
  }

  /** @returns {Promise<void>} */
  load() {
    return (this.#loading ??= this.#load());
  }

  async #load() {
    try {
      const module = await this.#fetched();
      if (!this.there) await WebAssembly.instantiate(module, { core: this.#core });
      this.there = true;
    } catch (/** @type {any} */ error) {
      // The next call tries again.
      this.#loading = undefined;
      // What does not fit together is of different builds.
      const code = error instanceof WebAssembly.LinkError ? 'VERSION' : 'IO';
      throw new VecStoreError(code, `cannot load ${this.#file}: ${error?.message ?? error}`, { cause: error, file: this.#file });
    }
  }

  async #fetched() {
    return (this.#module ??= await this.#compile());
  }

  /** @returns {any} the table, whole now */
  #loadNow() {
    if (!this.there) {
      this.#module ??= this.#compileNow?.(this.#file);
      // No VecStoreError: the engine was left in the middle of something and must not be used again.
      if (!this.#module) throw new Error(`${this.#file} is not loaded`);
      new WebAssembly.Instance(this.#module, { core: this.#core });
      this.there = true;
    }
    return Object.values(this.#core).find((one) => one instanceof WebAssembly.Table);
  }
}
