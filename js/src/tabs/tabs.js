// tabs.js - `multiTab: true`: one store, open in several tabs or workers. Loaded on first use.
//
// What a caller gets is a store whose methods go to the member of this tab
// (remote.js, member.js), which carries them out here or in the tab that leads.

import { preload } from '../engine/load.js';
import { show } from '../engine/value.js';
import { VecStoreError, invalid, throwIfAborted, unsupported } from '../errors.js';
import { readOpenOptions } from '../options.js';
import { openParts } from '../open.js';
import { choose } from '../storage/index.js';
import { holderAge, plainName } from '../storage/weblock.js';
import { Member, newId } from './member.js';
import { localStore, memberOf, remoteStore } from './remote.js';
import { pack } from './wire.js';

/** @import { Environment } from './member.js' */
/** @import { Parts } from '../open.js' */
/** @import { ByteSource } from '../source.js' */

const KINDS = ['idbfs', 'idb', 'opfs'];

/** What is otherwise than in other stores that are reached by messages. @type {import('./remote.js').Methods} */
const METHODS = {
  async exportStream() {
    throw unsupported('exportStream holds the store while it is read, which other tabs would wait for: use export() or exportJsonl()');
  },

  async stats() {
    const member = memberOf(this);
    const stats = await member.call('stats', []);
    stats.storage.tab = member.role;
    return stats;
  },
};

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
 * @param {(Base: any, parts: Parts) => any} make a store of parts
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
    return localStore(make(Base, parts), parts);
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
  return remoteStore(Base, member, METHODS);
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
    newId,
    describe: async (error) => {
      const age = await holderAge(path);
      return age === undefined ? error : new VecStoreError('LOCKED', `${error.message}; it holds the store since ${age}`);
    },
  };
}
