// tabs.js - `multiTab: true`: one store, open in several tabs or workers. Loaded on first use.
//
// What a caller gets is a store whose methods go to the member of this tab
// (member.js), which carries them out here or in the tab that leads. It has
// no engine of its own, but is an instance of VecStore like any other.

import { MARKS } from '../engine/engine.js';
import { preload } from '../engine/load.js';
import { show } from '../engine/value.js';
import { VecStoreError, invalid, throwIfAborted, unsupported } from '../errors.js';
import { readable } from '../explain.js';
import { snapshot, withMore } from '../lazy.js';
import { upsertMany } from '../many.js';
import { readOpenOptions, readUpsertManyOptions } from '../options.js';
import { openParts } from '../open.js';
import { choose } from '../storage/index.js';
import { holderAge, plainName } from '../storage/weblock.js';
import { Member } from './member.js';
import { pack } from './wire.js';

/** @import { Environment, Local } from './member.js' */
/** @import { Parts } from '../open.js' */
/** @import { ByteSource } from '../source.js' */

const KINDS = ['idbfs', 'idb', 'opfs'];

// ============ The store that callers get ============

/** @type {WeakMap<object, Member>} */
const members = new WeakMap();

/** @param {any} store @returns {Member} */
function memberOf(store) {
  const member = members.get(store);
  if (!member) throw invalid('use VecStore.open');
  return member;
}

/** Methods that are more than a message, or whose result is. @type {Record<string, (this: any, ...args: any[]) => any>} */
const METHODS = {
  close() {
    return memberOf(this).close();
  },

  async upsertMany(records, options) {
    memberOf(this).checkOpen();
    return upsertMany(this, records, readUpsertManyOptions(options));
  },

  scan(options) {
    const given = snapshot(options);
    const scan = pages(memberOf(this), options?.signal, given, (cursor) => {
      place.cursor = cursor;
    });
    const place = /** @type {any} */ (Object.assign(scan, { cursor: options?.cursor }));
    return place;
  },

  async explain(query) {
    return readable(await memberOf(this).call('explain', [query]));
  },

  async estimate(query) {
    return readable(await memberOf(this).call('estimate', [query]));
  },

  async reembed(embedder, options) {
    // An instance's function is found on its class, which does not travel.
    const isEmbedder = typeof embedder === 'object' && embedder !== null && typeof embedder.embed === 'function';
    const { name, dimension } = isEmbedder ? embedder : /** @type {any} */ ({});
    const bare = isEmbedder ? { name, dimension, embed: (/** @type {any[]} */ ...args) => embedder.embed(...args) } : embedder;
    return memberOf(this).call('reembed', [bare, options]);
  },

  async exportStream() {
    throw unsupported('exportStream holds the store while it is read, which other tabs would wait for: use export() or exportJsonl()');
  },

  async exportJsonl(options) {
    memberOf(this).checkOpen();
    const { exportJsonl } = await import('../jsonl.js');
    return exportJsonl((given) => this.scan(given), options);
  },

  async importJsonl(source, options) {
    memberOf(this).checkOpen();
    const { importJsonl } = await import('../jsonl.js');
    return importJsonl(source, options, (records, given) => this.upsertMany(records, given));
  },

  async stats() {
    const member = memberOf(this);
    const stats = await member.call('stats', []);
    stats.storage.tab = member.role;
    return stats;
  },
};

/** @param {Member} member @param {AbortSignal | undefined} signal @param {any} given @param {(cursor: string | null) => void} moved */
async function* pages(member, signal, given, moved) {
  for (let cursor = given?.cursor; cursor !== null;) {
    member.checkOpen();
    throwIfAborted(signal);
    const { page, next } = await member.call('scanPage', [given, cursor]);
    for (const { record, cursor: behind } of page) {
      moved(behind);
      yield record;
    }
    cursor = next;
  }
  moved(null);
}

/** By the class of store. @type {WeakMap<object, object>} */
const prototypes = new WeakMap();

/** @param {any} Base */
function prototypeOf(Base) {
  const known = prototypes.get(Base);
  if (known) return known;
  const prototype = /** @type {object} */ (Object.create(Base.prototype));
  const define = (/** @type {string | symbol} */ name, /** @type {Function} */ value) =>
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  for (let from = Base.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      if (name === 'constructor' || Object.hasOwn(prototype, name)) continue;
      define(name, METHODS[name] ?? async function forwarded(/** @type {any[]} */ ...args) {
        // @ts-ignore the store it is called on
        return memberOf(this).call(name, args);
      });
    }
  }
  if (Symbol.asyncDispose) define(Symbol.asyncDispose, METHODS.close);
  prototypes.set(Base, prototype);
  return prototype;
}

// ============ The store itself, in the tab that leads ============

/** @param {string} client 32 hexadecimal digits */
const clientBytes = (client) => Uint8Array.from(client.match(/../g) ?? [], (byte) => parseInt(byte, 16));

/**
 * @param {any} store
 * @param {Parts} parts
 * @returns {Local}
 */
export function localStore(store, parts) {
  const { engine, queue } = parts;
  return {
    async call(method, args) {
      if (method !== 'scanPage') return store[method](...args);
      const [given, cursor] = args;
      return queue.run(() => withMore((more) => more.scanPage(engine, more.scanStart(given), cursor)));
    },
    committed(client, write, method) {
      const found = engine.guard(() => engine.marked({ client: clientBytes(client), call: write }));
      if (found === null) return null;
      const { inserted, updated, deleted } = found;
      return method === 'delete' ? { deleted } : method === 'upsert' ? { inserted, updated } : { updated };
    },
    mark(signal, client, write) {
      MARKS.set(signal, { client: clientBytes(client), call: write });
    },
    close: () => store.close(),
  };
}

// ============ Options ============

/**
 * What tabs must agree on: options that are given must be the same for all.
 * @param {any} options
 */
export function agreed(options) {
  const { embedder, signal, onProgress, wasm, multiTab, path, memoryBudget, requirePersistence, worker, onWarning, ...rest } = options;
  return {
    ...pack(rest).value,
    embedder: embedder ? { name: embedder.name, dimension: embedder.dimension } : undefined,
  };
}

/**
 * Why a follower's options do not fit.
 * @param {any} ours
 * @param {any} theirs
 * @returns {VecStoreError | null}
 */
export function disagreement(ours, theirs) {
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [mine, other] = [ours[name], theirs[name]];
    // The wrapper of one tab cannot embed for another; all else is kept with the store.
    const isFree = name !== 'embedder' && (mine === undefined || other === undefined);
    if (isFree || (name === 'storage' && [mine, other].includes('auto')) || JSON.stringify(mine) === JSON.stringify(other)) continue;
    return invalid(`the store is open in another tab with ${name} ${told(mine)}, here the options say ${told(other)}; ` +
      'with multiTab all tabs open it with the same options');
  }
  return null;
}

/** @param {any} value */
const told = (value) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : show(value));

// ============ Opening ============

/**
 * @param {any} Base the class of store
 * @param {any} options
 * @param {Exclude<ByteSource, string> | undefined} image to import
 * @param {(parts: Parts) => any} make a store of parts
 */
export async function openTabs(Base, options, image, make) {
  const platform = Base.platform;
  const { storage, path, signal } = readOpenOptions(options);
  throwIfAborted(signal);
  const kind = typeof storage === 'object' ? 'host' : storage === 'auto' ? await choose(platform, path) : storage;
  const here = /** @type {any} */ (globalThis);
  if (!KINDS.includes(kind) || !(platform.tabs ?? (here.navigator?.locks && here.BroadcastChannel))) {
    throw unsupported("multiTab needs a browser with Web Locks, a path, and storage 'idbfs', 'idb' or 'opfs'; here it is " +
      `'${kind}'`);
  }
  const name = plainName(path, kind);
  let toImport = image;
  const open = async () => {
    const parts = await openParts(platform, { ...options, multiTab: false }, toImport);
    toImport = undefined;
    return localStore(make(parts), parts);
  };
  const ours = agreed(options);
  const member = new Member({ ...(platform.tabs ?? browser)(name), options: ours, open, check: (theirs) => disagreement(ours, theirs) });
  await member.ready;
  if (toImport) {
    await member.close();
    throw new VecStoreError('LOCKED', `the store '${name}' is open in another tab: nothing can be imported into it`);
  }
  // What a new leader needs is at hand when the present one goes.
  if (member.role === 'follower') preload(platform, kind === 'idbfs' ? 'vecstore.idbfs' : 'vecstore', options.wasm);
  const store = Object.create(prototypeOf(Base));
  members.set(store, member);
  return store;
}

/** @param {string} path @returns {Omit<Environment, 'options' | 'open' | 'check'>} */
function browser(path) {
  return {
    path,
    locks: /** @type {any} */ (navigator.locks),
    channel(name, receive) {
      const channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => receive(data);
      return { post: (message) => channel.postMessage(message), close: () => channel.close() };
    },
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    newId: () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    describe: async (error) => {
      const age = await holderAge(path);
      return age === undefined ? error : new VecStoreError('LOCKED', `${error.message}; it holds the store since ${age}`);
    },
  };
}
