// keeper.js - the worker's side of `worker: true`: it keeps the store, and answers one client.
//
// Calls, answers, functions and signals travel as between tabs (tabs/member.js): here is the member that always leads,
// its channels being names on one line. Beside them the line carries
//   from the client   open { options, image, life, dead }   reply { k, value | error }   abort
//   to the client     up {}   opened { lasts }   failed { error }   run { n, k, args }

import { localStore, memberOf } from '../tabs/remote.js';
import { Member, newId } from '../tabs/member.js';
import { pack, packError, unpack, unpackError } from '../tabs/wire.js';
import { openParts } from '../open.js';
import { makeStore } from '../store.js';

/** @import { Local } from '../tabs/member.js' */
/** @import { Packed } from '../tabs/wire.js' */

const never = () => new Promise(() => {});

export class Keeper {
  /** Options that this worker's script has added. @type {any} */
  own = undefined;
  #Base;
  #port;
  /** By name. @type {Map<string, (message: any) => void>} */
  #channels = new Map();
  /** The client's functions that are to answer. @type {Map<number, { resolve: (value: any) => void, reject: (error: any) => void }>} */
  #asked = new Map();
  #questions = 0;
  #stop = new AbortController();

  /**
   * @param {any} Base the class of store
   * @param {{ post: (message: any, transfer?: Transferable[]) => void, listen: (receive: (message: any) => void) => void }} port
   */
  constructor(Base, port) {
    this.#Base = Base;
    this.#port = port;
    port.listen((message) => this.#receive(message));
    port.post({ type: 'up' });
  }

  /** @param {any} message */
  #receive(message) {
    if (message.type === 'channel') this.#channels.get(message.name)?.(message.message);
    else if (message.type === 'open') this.#open(message);
    else if (message.type === 'reply') this.#reply(message);
    else if (message.type === 'abort') this.#stop.abort();
  }

  /** @param {{ options: Packed, image: any, life: string, dead: string[] }} message */
  #open({ options, image, life, dead }) {
    let toImport = image;
    const member = new Member({
      path: 'worker',
      options: {},
      check: () => null,
      holder: 'worker',
      // Whoever asks first leads; the client is there as long as this worker is.
      locks: { request: (name, _, fn) => (name === 'vecstore-tabs:worker' ? fn() : never()) },
      channel: (name, receive) => {
        this.#channels.set(name, receive);
        return {
          post: (message) => this.#port.post({ type: 'channel', name, message }, buffersOf(message)),
          close: () => this.#channels.delete(name),
        };
      },
      setTimeout: () => 0,
      clearTimeout: () => {},
      newId,
      open: async () => {
        const given = { ...unpack(options, (n) => this.#functionOf(n), () => this.#stop.signal), ...await this.own };
        const source = toImport;
        toImport = undefined;
        await this.#Base.platform.succeed?.(life, dead);
        const local = await this.#local(given, source);
        const { storage } = await local.call('stats', []);
        this.#port.post({ type: 'opened', lasts: storage.persistent });
        return withStreams(local);
      },
    });
    member.ready.catch((error) => this.#port.post({ type: 'failed', error: packError(error) }));
  }

  /** @param {any} options @param {any} image @returns {Promise<Local>} */
  async #local({ wasm, ...options }, image) {
    if (wasm !== undefined) options.wasm = wasm?.href === undefined ? wasm : new URL(wasm.href);
    if (typeof image === 'number') image = this.#pieces(image);
    if (options.multiTab) {
      // Marks are the tabs' there. What another worker had begun when it died is done again, and writes do no harm twice.
      const store = await (image ? this.#Base.import(image, options) : this.#Base.open(options));
      return {
        call: (method, args) => (method === 'scanPage' ? memberOf(store).call(method, args) : store[method](...args)),
        committed: () => null,
        mark: () => {},
        close: () => store.close(),
      };
    }
    const parts = await openParts(this.#Base.platform, options, image);
    return localStore(makeStore(this.#Base, parts), parts);
  }

  /** What the client's function gives, one after the other, until it gives nothing. @param {number} n */
  async* #pieces(n) {
    const next = this.#functionOf(n);
    for (;;) {
      const piece = await next();
      if (piece === undefined) return;
      yield piece;
    }
  }

  /** A function of the options. @param {number} n @returns {(...args: any[]) => any} */
  #functionOf(n) {
    return (...args) => {
      const k = this.#questions++;
      this.#port.post({ type: 'run', n, k, args: pack(args) });
      return new Promise((resolve, reject) => this.#asked.set(k, { resolve, reject }));
    };
  }

  /** @param {{ k: number, value?: Packed, error?: any }} message */
  #reply({ k, value, error }) {
    const asked = this.#asked.get(k);
    this.#asked.delete(k);
    if (error) asked?.reject(unpackError(error));
    else asked?.resolve(unpack(/** @type {Packed} */ (value), () => () => {}, () => new AbortController().signal));
  }
}

/** Streams cannot be sent everywhere: the client asks for one piece after the other. @param {Local} local @returns {Local} */
function withStreams(local) {
  /** @type {Map<number, ReadableStreamDefaultReader<Uint8Array>>} */
  const readers = new Map();
  let opened = 0;
  /** @type {Record<string, (...args: any[]) => Promise<any>>} */
  const calls = {
    async openStream(options) {
      const n = opened++;
      readers.set(n, (await local.call('exportStream', [options])).getReader());
      return n;
    },
    async pullStream(n) {
      const { done, value } = await /** @type {ReadableStreamDefaultReader<Uint8Array>} */ (readers.get(n)).read();
      if (done) readers.delete(n);
      return value;
    },
    async cancelStream(n) {
      await readers.get(n)?.cancel();
      readers.delete(n);
    },
  };
  return {
    call: async (method, args) => (Object.hasOwn(calls, method) ? calls[method](...args) : local.call(method, args)),
    committed: local.committed.bind(local),
    mark: local.mark.bind(local),
    close: () => local.close(),
  };
}

/**
 * The buffers of an answer, which need not be copied: nobody uses them here any more. Those that an answer holds in
 * several pieces are copied.
 * @param {any} message
 * @returns {Transferable[]}
 */
export function buffersOf(message) {
  if (message.type !== 'done') return [];
  /** @type {Set<ArrayBuffer>} */
  const found = new Set();
  /** @param {any} value @param {number} depth */
  const walk = (value, depth) => {
    if (typeof value !== 'object' || value === null || depth > 5) return;
    if (ArrayBuffer.isView(value)) {
      if (value.byteLength === value.buffer.byteLength && value.buffer instanceof ArrayBuffer) found.add(value.buffer);
    } else if (value instanceof ArrayBuffer) {
      found.add(value);
    } else {
      for (const one of Array.isArray(value) ? value : Object.values(value)) walk(one, depth + 1);
    }
  };
  walk(message.value, 0);
  return [...found];
}
