// remote.js - a store that is reached by messages: what its callers get, and what carries their calls out.
//
// It has no engine of its own, but is an instance of VecStore like any other:
// each method goes to a Member (member.js), which knows the way.

import { MARKS } from '../engine/engine.js';
import { invalid, throwIfAborted } from '../errors.js';
import { readable } from '../explain.js';
import { snapshot, withMore } from '../lazy.js';
import { upsertMany } from '../many.js';
import { readUpsertManyOptions } from '../options.js';

/** @import { Local, Member } from './member.js' */
/** @import { Parts } from '../open.js' */

// ============ The store that callers get ============

/** @type {WeakMap<object, Member>} */
const members = new WeakMap();

/** @param {any} store @returns {any} */
export function memberOf(store) {
  const member = members.get(store);
  if (!member) throw invalid('use VecStore.open');
  return member;
}

/** @typedef {Record<string, (this: any, ...args: any[]) => any>} Methods */

/** Methods that are more than a message, or whose result is. @type {Methods} */
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

/** By the methods and the class of store. @type {WeakMap<Methods, WeakMap<object, object>>} */
const prototypes = new WeakMap();

/**
 * @param {any} Base the class of store
 * @param {Member} member
 * @param {Methods} methods that are otherwise than here; one object for all stores of a kind
 * @returns {any}
 */
export function remoteStore(Base, member, methods) {
  const store = Object.create(prototypeOf(Base, methods));
  members.set(store, member);
  return store;
}

/** @param {any} Base @param {Methods} otherwise */
function prototypeOf(Base, otherwise) {
  const known = prototypes.get(otherwise)?.get(Base);
  if (known) return known;
  const methods = { ...METHODS, ...otherwise };
  const prototype = /** @type {object} */ (Object.create(Base.prototype));
  const define = (/** @type {string | symbol} */ name, /** @type {Function} */ value) =>
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  for (let from = Base.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      if (name === 'constructor' || Object.hasOwn(prototype, name)) continue;
      define(name, methods[name] ?? async function forwarded(/** @type {any[]} */ ...args) {
        // @ts-ignore the store it is called on
        return memberOf(this).call(name, args);
      });
    }
  }
  if (Symbol.asyncDispose) define(Symbol.asyncDispose, methods.close);
  const ofKind = prototypes.get(otherwise) ?? new WeakMap();
  prototypes.set(otherwise, ofKind.set(Base, prototype));
  return prototype;
}

// ============ The store itself, where the engine is ============

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
      return queue.run(() => withMore((more) => engine.whole(() => more.scanPage(engine, more.scanStart(given), cursor))));
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
