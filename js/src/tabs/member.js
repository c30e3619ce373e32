// member.js - one tab of those that share a store: follower or leader, and the way from one to the other.
//
// Knows no browser and no engine: locks, channels, timers and the store itself
// are given (Environment), so that tests can run every interleaving.
//
//   M1  Who holds the lock `vecstore-tabs:<path>` leads: it opens the store, and releases the lock only after
//       closing it. All others wait for that lock; the browser grants it when a leader is gone, however it went.
//   M2  A follower's calls reach the leader in the order in which they were made, each once: they go over a channel of
//       their own and are numbered; a leader ignores a number it has seen.
//   M3  Calls without an answer are sent again, in their order, to the next leader. What only reads, or does
//       no harm twice, is done again. A write carries its client and a number of its own, which
//       the engine commits with it (src/db/marks.h): a leader asks the store that it opened whether it knows them
//       and, if so, answers what came of the write. All else is refused with WORKER_LOST: it may have taken effect.
//   M4  The engine knows the last 8 calls of a client, so no more writes than that are without an answer.
//   M5  A leader that is there but silent (frozen, or stopped in a debugger) cannot be deposed: what it has begun to
//       write could end at any time after another tab has opened the store. So calls wait 10 s for a
//       sign of life, then they are refused with SUSPENDED; a write that was sent may still take effect.
//   M6  A leader whose store is POISONED closes it and gives the lock away; whoever gets it opens the store anew.
//
// Messages on the common channel:   who { client }   opening { leader }   leader { leader }
// on the channel of a client, up:   hello { to, options }   call { to, id, method, args, write, again }   abort { id }
//                                   reply { n, value | error }   ping   bye
// and down:                         leader { leader }   welcome { leader }   refused { error }   done { id, value | error }
//                                   run { id, n, k, args }   pong   bye { leader }

import { VecStoreError, invalid } from '../errors.js';
import { Guest } from './guest.js';
import { pack, packError, unpack, unpackError } from './wire.js';

/**
 * A channel to all other tabs that have opened one of that name.
 * @typedef {{ post: (message: any) => void, close: () => void }} Channel
 */

/**
 * The store, opened in this tab.
 * @typedef {object} Local
 * @property {(method: string, args: any[]) => Promise<any>} call takes effect in the order of calls
 * @property {(client: string, write: number, method: string) => any} committed what came of a write, or null
 * @property {(signal: AbortSignal, client: string, write: number) => void} mark the write that gets this signal
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} Environment
 * @property {string} path
 * @property {{ request: (name: string, options: { signal?: AbortSignal }, fn: () => Promise<void>) => Promise<any> }} locks
 * @property {(name: string, receive: (message: any) => void) => Channel} channel
 * @property {(fn: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => string} newId 32 hexadecimal digits that nobody else has
 * @property {() => Promise<Local>} open
 * @property {any} options what other tabs must have opened the store with, too
 * @property {(theirs: any) => VecStoreError | null} check whether a follower's options fit
 * @property {(error: VecStoreError) => Promise<VecStoreError>} [describe] adds what is known of the holder
 * @property {() => boolean} [silent] the leader has not answered for long: whether something is done about it
 * @property {string} [holder] what the leader is to its followers; 'tab'
 */

/**
 * One call under way.
 * @typedef {object} Call
 * @property {number} id
 * @property {string} method
 * @property {import('./wire.js').Packed} args
 * @property {import('./wire.js').Kept} kept
 * @property {any[]} thrown errors of the caller's own functions, by their number
 * @property {number | undefined} write its number among the client's writes
 * @property {string | null} sent to this leader
 * @property {boolean} again an earlier leader may have done it
 * @property {(value: any) => void} resolve
 * @property {(error: any) => void} reject
 */

/** Where in its arguments a write takes its options. */
export const WRITES = /** @type {Record<string, number>} */ ({ upsert: 1, delete: 1, updateMetadata: 2 });
/** Calls that may be done twice. */
const REPEATABLE = new Set([
  'get', 'query', 'queryBatch', 'textQuery', 'hybridQuery', 'suggest', 'autocomplete', 'explain', 'estimate', 'pipeline', 'count', 'scanPage', 'stats', 'listSnapshots', 'verify', 'export',
  'flush', 'checkpoint', 'optimize',
]);
/** As many as the engine remembers (M4): VS_MARK_CALLS. */
const MAX_WRITES = 8;

/** Of a tab, a worker, or one of their lives: nobody else has it. */
export const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

export const TICK_MS = 1000;
const SILENT_TICKS = 10;
/** A tab that opens a store and finds neither a leader nor the lock gives up sooner. */
const JOIN_TICKS = 5;

export class Member {
  #env;
  #client;
  /** @type {Channel} */
  #common;
  /** The channel to the leader. @type {Channel} */
  #line;
  #stop = new AbortController();
  /** The leader that knows this tab. @type {string | null} */
  #leader = null;
  /** @type {Map<number, Call>} */
  #pending = new Map();
  /** Whose embedder the store uses since. @type {Call | undefined} */
  #embedding;
  #calls = 0;
  #writes = 0;
  /** While this tab leads. @type {Leadership | null} */
  #leading = null;
  /** Why the store cannot be opened here, until somebody leads. @type {unknown} */
  #broken = null;
  #silent = 0;
  #timer;
  /** @type {Promise<void> | undefined} */
  #closing;
  #isClosed = false;
  /** @type {() => void} */
  #opened = () => {};
  /** @type {(error: unknown) => void} */
  #refused = () => {};
  #isOpen = false;
  /** Resolves when the lock that says that this tab lives has been released. @type {(value: any) => void} */
  #release = () => {};

  /** Resolves once this tab leads or follows. @type {Promise<void>} */
  ready;

  /** @param {Environment} env */
  constructor(env) {
    this.#env = env;
    this.#client = env.newId();
    this.#common = env.channel(`vecstore:${env.path}`, (message) => this.#hear(message));
    this.#line = env.channel(`vecstore:${env.path}:${this.#client}`, (message) => this.#receive(message));
    this.ready = new Promise((resolve, reject) => {
      this.#opened = () => resolve(undefined);
      this.#refused = reject;
    }).then(() => {
      this.#isOpen = true;
    });
    this.ready.catch(() => this.#leave());
    this.#join();
    this.#timer = env.setTimeout(() => this.#tick(), TICK_MS);
  }

  /** @returns {'leader' | 'follower'} */
  get role() {
    return this.#leading?.isServing ? 'leader' : 'follower';
  }

  #join() {
    const { locks, path } = this.#env;
    // Held while this tab lives: who leads sees when it is gone.
    locks.request(`vecstore-tab:${this.#client}`, {}, () => new Promise((release) => {
      this.#release = release;
      this.#common.post({ type: 'who', client: this.#client });
    })).catch((error) => this.#refused(new VecStoreError('IO', `no lock: ${error?.message ?? error}`, { cause: error })));
    this.#stand(path);
  }

  /** Waits for the lock of the leader, as long as this tab has the store open. @param {string} path */
  #stand(path) {
    this.#env.locks.request(`vecstore-tabs:${path}`, { signal: this.#stop.signal }, () => this.#lead()).then(() => {
      if (!this.#isClosed) this.#env.setTimeout(() => !this.#isClosed && this.#stand(path), this.#broken ? TICK_MS : 0);
    }, () => {
      // Given up by close().
    });
  }

  // ============ Calls ============

  checkOpen() {
    if (this.#closing || this.#isClosed) throw new VecStoreError('CLOSED', 'the store is closed');
  }

  /**
   * @param {string} method
   * @param {any[]} args
   * @returns {Promise<any>}
   */
  async call(method, args) {
    this.checkOpen();
    if (this.#leading?.isServing) return this.#leading.own(method, args);
    if (this.#broken) throw this.#broken;
    /** @type {import('./wire.js').Kept} */
    const kept = { functions: new Map(), signals: new Map() };
    const packed = pack(args, kept);
    return new Promise((resolve, reject) => {
      const id = this.#calls++;
      const write = method in WRITES ? this.#writes++ : undefined;
      /** @type {Call} */
      const call = { id, method, args: packed, kept, thrown: [], write, sent: null, again: false, resolve, reject };
      this.#pending.set(id, call);
      for (const signal of kept.signals.values()) signal.addEventListener('abort', () => this.#abort(call), { once: true });
      this.#flush();
    });
  }

  /** @param {Call} call @param {any} error */
  #fail(call, error) {
    this.#pending.delete(call.id);
    call.reject(error);
  }

  /** @param {Call} call */
  static #isAborted(call) {
    return [...call.kept.signals.values()].find((signal) => signal.aborted);
  }

  /** @param {Call} call */
  #abort(call) {
    if (!this.#pending.has(call.id)) return;
    if (call.sent !== null) this.#line.post({ type: 'abort', id: call.id });
    else if (!call.again) this.#fail(call, abortedError(Member.#isAborted(call)));
  }

  /** Sends what can be sent, in order (M2, M4). */
  #flush() {
    if (this.#leader === null || this.#leading) return;
    let writes = 0;
    for (const call of this.#pending.values()) {
      if (call.write !== undefined && ++writes > MAX_WRITES) return;
      if (call.sent === this.#leader) continue;
      const { id, method, args, write, again } = call;
      const special = args.special.map((one) => (one.kind === 'signal'
        ? { ...one, aborted: call.kept.signals.get(one.n ?? 0)?.aborted } : one));
      call.sent = this.#leader;
      try {
        this.#line.post({ type: 'call', to: this.#leader, id, method, args: { value: args.value, special }, write, again });
      } catch (/** @type {any} */ error) {
        this.#fail(call, invalid(`the arguments of ${method} cannot be given to another ${this.#env.holder ?? 'tab'}: ${error?.message ?? error}`));
      }
    }
  }

  /** The leader that had the calls is gone (M3). */
  #lost() {
    this.#leader = null;
    for (const call of [...this.#pending.values()]) {
      if (call.sent === null) continue;
      call.sent = null;
      if (call.write === undefined && !REPEATABLE.has(call.method)) {
        this.#fail(call, new VecStoreError('WORKER_LOST', `the ${this.#env.holder ?? 'tab'} that kept the store is gone; whether ` +
          `${call.method} took effect is not known`));
      } else {
        call.again = true;
      }
    }
  }

  // ============ Following ============

  /** On the common channel. @param {any} message */
  #hear(message) {
    if (this.#isClosed) return;
    if (message.type === 'who') return this.#leading?.admit(message.client);
    if (this.#leading) return;
    if (message.type === 'opening') this.#silent = 0;
    // It does not know this tab yet.
    if (message.type === 'leader' && message.leader !== this.#leader) this.#common.post({ type: 'who', client: this.#client });
  }

  /** From the leader. @param {any} message */
  #receive(message) {
    if (this.#isClosed || this.#leading) return;
    this.#silent = 0;
    if (message.type === 'leader') {
      if (message.leader === this.#leader) return;
      this.#line.post({ type: 'hello', to: message.leader, options: this.#env.options });
    } else if (message.type === 'welcome') {
      if (message.leader === this.#leader) return;
      this.#lost();
      this.#leader = message.leader;
      this.#broken = null;
      this.#opened();
      this.#flush();
    } else if (message.type === 'refused') {
      this.#refuse(unpackError(message.error));
    } else if (message.type === 'bye') {
      if (message.leader === this.#leader) this.#lost();
    } else if (message.type === 'done') {
      this.#done(message);
    } else if (message.type === 'run') {
      this.#run(message);
    }
  }

  /** Nothing can be done here, at least until somebody else leads. @param {unknown} error */
  #refuse(error) {
    this.#broken = error;
    this.#refused(error);
    for (const call of [...this.#pending.values()]) this.#fail(call, error);
  }

  /** @param {{ id: number, value?: any, error?: any }} message */
  #done({ id, value, error }) {
    const call = this.#pending.get(id);
    if (!call) return;
    this.#pending.delete(id);
    if (call.method === 'reembed' && !error) this.#embedding = call;
    if (error) call.reject(this.#errorOf(call, error));
    else call.resolve(value);
    this.#flush();
  }

  /** @param {Call} call @param {import('./wire.js').WireError} packed */
  #errorOf(call, packed) {
    const error = unpackError(packed, (ref) => (ref in call.thrown ? { error: call.thrown[ref] } : undefined));
    const aborted = error?.code === 'ABORTED' ? Member.#isAborted(call) : undefined;
    if (aborted && aborted.reason !== undefined) {
      Object.defineProperty(error, 'cause', { value: aborted.reason, configurable: true, writable: true });
    }
    return error;
  }

  /** The leader runs one of the caller's functions. @param {{ id: number, n: number, k: number, args: any }} message */
  async #run({ id, n, k, args }) {
    const call = this.#pending.get(id) ?? (this.#embedding?.id === id ? this.#embedding : undefined);
    const fn = call?.kept.functions.get(n);
    if (!call || !fn) {
      const error = packError(new VecStoreError('CLOSED', 'the call that this function belongs to is over'));
      return this.#line.post({ type: 'reply', n: k, error });
    }
    // Given to the function inside an object, as embedders and rerank functions get it.
    const signalOf = () => [...call.kept.signals.values()][0] ?? new AbortController().signal;
    let answer;
    try {
      answer = { value: pack(await fn(...unpack(args, () => () => {}, signalOf))) };
    } catch (error) {
      call.thrown.push(error);
      answer = { error: { ...packError(error), ref: call.thrown.length - 1 } };
    }
    this.#line.post({ type: 'reply', n: k, ...answer });
  }

  /** Every second: signs of life are asked for, and missed (M5). */
  #tick() {
    if (this.#isClosed) return;
    this.#timer = this.#env.setTimeout(() => this.#tick(), TICK_MS);
    if (this.#leading || (this.#isOpen && this.#pending.size === 0)) {
      this.#silent = 0;
      return;
    }
    this.#silent++;
    if (this.#leader === null) this.#common.post({ type: 'who', client: this.#client });
    else this.#line.post({ type: 'ping' });
    if (!this.#isOpen && this.#silent > JOIN_TICKS) {
      const error = new VecStoreError('LOCKED', `the store '${this.#env.path}' is open in another tab, which does not answer`);
      Promise.resolve(this.#env.describe?.(error) ?? error).then(this.#refused);
    } else if (this.#silent > SILENT_TICKS) {
      this.#silent = 0;
      if (this.#env.silent?.()) return;
      for (const call of [...this.#pending.values()]) {
        if (call.sent !== null) this.#line.post({ type: 'abort', id: call.id });
        this.#fail(call, new VecStoreError('SUSPENDED', 'the tab that keeps the store does not answer; it may be frozen' +
          (call.write !== undefined && call.sent !== null ? '. The write may still take effect' : '')));
      }
    }
  }

  // ============ Leading ============

  /** The lock is ours: the store is opened here. Resolves when the lock may go. */
  async #lead() {
    if (this.#isClosed) return;
    this.#lost();
    const leading = new Leadership(this.#env, this.#client, this.#env.newId(), this.#common);
    this.#leading = leading;
    try {
      await leading.open();
    } catch (error) {
      this.#leading = null;
      leading.end();
      this.#refuse(error);
      return;
    }
    this.#broken = null;
    this.#opened();
    for (const call of this.#pending.values()) leading.takeOver(call);
    this.#pending.clear();
    leading.announce();
    await leading.over;
    this.#leading = null;
  }

  // ============ Leaving ============

  /** Waits for the calls made before. @returns {Promise<void>} */
  close() {
    return (this.#closing ??= this.#close());
  }

  async #close() {
    await Promise.allSettled([...this.#pending.values()].map((call) => new Promise((settled) => {
      const { resolve, reject } = call;
      call.resolve = (value) => settled(resolve(value));
      call.reject = (error) => settled(reject(error));
    })));
    try {
      await this.#leading?.resign();
    } finally {
      this.#leave();
    }
  }

  #leave() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#env.clearTimeout(this.#timer);
    this.#stop.abort();
    if (this.#leader !== null) this.#line.post({ type: 'bye' });
    this.#release(undefined);
    this.#common.close();
    this.#line.close();
  }
}

/** @param {AbortSignal | undefined} signal */
const abortedError = (signal) =>
  new VecStoreError('ABORTED', 'the operation was aborted by its signal', { cause: signal?.reason });

/** The store open in this tab, and whom it serves. */
class Leadership {
  /** Once it is open. @type {Local | null} */
  local = null;
  /** When the store has been closed again. @type {Promise<void>} */
  over;
  #env;
  #client;
  #common;
  /** @type {Map<string, Guest>} */
  #guests = new Map();
  /** @type {() => void} */
  #ended = () => {};
  /** @type {Promise<void> | undefined} */
  #opening;
  /** @type {Promise<void> | undefined} */
  #resigning;

  /** @param {Environment} env @param {string} client this tab @param {string} name @param {Channel} common */
  constructor(env, client, name, common) {
    this.#env = env;
    this.#client = client;
    this.name = name;
    this.#common = common;
    this.over = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  get isServing() {
    return this.local !== null && this.#resigning === undefined;
  }

  open() {
    this.#common.post({ type: 'opening', leader: this.name });
    return (this.#opening = this.#env.open().then((local) => {
      this.local = local;
    }));
  }

  /** All others may come. */
  announce() {
    if (this.isServing) this.#common.post({ type: 'leader', leader: this.name });
  }

  /** A tab asks who leads. @param {string} client */
  admit(client) {
    if (this.#resigning || client === this.#client) return;
    if (!this.local) return this.#common.post({ type: 'opening', leader: this.name });
    let guest = this.#guests.get(client);
    if (!guest) {
      guest = new Guest(this.#env, client, this.name, this.local, (error) => this.#look(error), () => this.#guests.delete(client));
      this.#guests.set(client, guest);
    }
    guest.greet();
  }

  /** A call of this tab. @param {string} method @param {any[]} args */
  own(method, args) {
    const done = /** @type {Local} */ (this.local).call(method, args);
    done.catch((error) => this.#look(error));
    return done;
  }

  /** A call that this tab made while it followed another (M3). @param {Call} call */
  takeOver(call) {
    const local = /** @type {Local} */ (this.local);
    const known = call.again && call.write !== undefined ? local.committed(this.#client, call.write, call.method) : null;
    if (known !== null) return call.resolve(known);
    const { functions, signals } = call.kept;
    const args = unpack(call.args, (n) => /** @type {Function} */ (functions.get(n)), (n) => /** @type {AbortSignal} */ (signals.get(n)));
    this.own(call.method, args).then(call.resolve, call.reject);
  }

  /** M6. @param {any} error */
  #look(error) {
    if (error?.code === 'POISONED') this.resign().catch(() => {});
  }

  /** Closes the store after what was called before and lets the lock go. */
  resign() {
    return (this.#resigning ??= this.#resign());
  }

  async #resign() {
    for (const guest of this.#guests.values()) guest.isLeaving = true;
    try {
      await this.#opening?.catch(() => {});
      await this.local?.close();
    } finally {
      this.end();
    }
  }

  end() {
    for (const guest of this.#guests.values()) guest.end();
    this.#ended();
  }
}
