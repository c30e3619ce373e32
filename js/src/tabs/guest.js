// guest.js - a follower as its leader sees it: its calls carried out, its functions run, its end noticed.

import { VecStoreError } from '../errors.js';
import { pack, packError, unpack, unpackError } from './wire.js';
import { WRITES } from './member.js';

/** @import { Channel, Environment, Local } from './member.js' */

const goneError = () => new VecStoreError('WORKER_LOST', 'the tab that made this call is gone');

export class Guest {
  /** Takes no more calls. */
  isLeaving = false;
  #env;
  #client;
  #leader;
  #local;
  #look;
  #forget;
  /** @type {Channel} */
  #line;
  #last = -1;
  /** By the call. @type {Map<number, AbortController>} */
  #running = new Map();
  /** What the guest's functions are still to answer. @type {Map<number, { resolve: (v: any) => void, reject: (e: any) => void }>} */
  #asked = new Map();
  #questions = 0;
  /** Errors that the guest threw itself, by the number it knows them by. @type {WeakMap<object, number>} */
  #refs = new WeakMap();
  #stop = new AbortController();
  #isOver = false;

  /**
   * @param {Environment} env
   * @param {string} client
   * @param {string} leader
   * @param {Local} local
   * @param {(error: unknown) => void} look sees every error of the store
   * @param {() => void} forget
   */
  constructor(env, client, leader, local, look, forget) {
    this.#env = env;
    this.#client = client;
    this.#leader = leader;
    this.#local = local;
    this.#look = look;
    this.#forget = forget;
    this.#line = env.channel(`vecstore:${env.path}:${client}`, (message) => this.#receive(message));
    // Granted when the guest is gone.
    env.locks.request(`vecstore-tab:${client}`, { signal: this.#stop.signal }, async () => this.end()).catch(() => {});
  }

  greet() {
    this.#line.post({ type: 'leader', leader: this.#leader });
  }

  /** @param {any} message */
  #receive(message) {
    if (this.#isOver) return;
    if (message.type === 'ping') return this.#line.post({ type: 'pong' });
    if (message.type === 'bye') return this.end();
    if (message.type === 'abort') return this.#running.get(message.id)?.abort();
    if (message.type === 'reply') return this.#reply(message);
    if (message.to !== this.#leader) return;
    if (message.type === 'hello') {
      const error = this.#env.check(message.options);
      this.#line.post(error ? { type: 'refused', error: packError(error) } : { type: 'welcome', leader: this.#leader });
    } else if (message.type === 'call' && message.id > this.#last && !this.isLeaving) {
      this.#last = message.id;
      this.#carryOut(message).catch(() => {});
    }
  }

  /** @param {{ id: number, method: string, args: import('./wire.js').Packed, write: number | undefined, again: boolean }} call */
  async #carryOut({ id, method, args, write, again }) {
    const known = again && write !== undefined ? this.#local.committed(this.#client, write, method) : null;
    if (known !== null) return this.#line.post({ type: 'done', id, value: known });
    const control = new AbortController();
    this.#running.set(id, control);
    const signalOf = (/** @type {number} */ _n, /** @type {boolean} */ aborted) => {
      if (aborted) control.abort();
      return control.signal;
    };
    try {
      const given = unpack(args, (n, path) => this.#functionOf(id, n, path), signalOf);
      if (write !== undefined) this.#mark(given, WRITES[method], control.signal, write);
      const value = await this.#local.call(method, given);
      this.#answer(id, { value });
    } catch (/** @type {any} */ error) {
      this.#look(error);
      // The next leader will do it, and knows whether it has been done; but not for ever, should storage go on failing.
      const isInterrupted = error?.code === 'CLOSED' || error?.code === 'POISONED';
      if (!(this.isLeaving && isInterrupted && (!again || error.code === 'CLOSED'))) {
        this.#answer(id, { error: packError(error, (one) => this.#refs.get(one)) });
      }
    } finally {
      this.#running.delete(id);
    }
  }

  /** Lets the engine commit the write's number with it: known by the signal that the write gets.
   * @param {any[]} args @param {number} at @param {AbortSignal} signal @param {number} write */
  #mark(args, at, signal, write) {
    while (args.length <= at) args.push(undefined);
    args[at] ??= {};
    // Options that are wrong are refused as they are.
    if (typeof args[at] !== 'object' || (args[at].signal !== undefined && args[at].signal !== signal)) return;
    args[at].signal = signal;
    this.#local.mark(signal, this.#client, write);
  }

  /** @param {number} id @param {{ value: any } | { error: any }} answer */
  #answer(id, answer) {
    if (this.#isOver) return;
    try {
      this.#line.post({ type: 'done', id, ...answer });
    } catch (/** @type {any} */ error) {
      const failed = new VecStoreError('IO', `the answer cannot be given to another ${this.#env.holder ?? 'tab'}: ${error?.message ?? error}`);
      this.#line.post({ type: 'done', id, error: packError(failed) });
    }
  }

  /** A function that runs in the guest's tab. @param {number} id @param {number} n @param {(string | number)[]} path */
  #functionOf(id, n, path) {
    const isProgress = path.at(-1) === 'onProgress';
    return (/** @type {any[]} */ ...args) => {
      const k = this.#questions++;
      if (!this.#isOver) this.#line.post({ type: 'run', id, n, k, args: pack(args) });
      // Nobody waits for it; what it throws is its caller's to see.
      if (isProgress) return undefined;
      return new Promise((resolve, reject) => {
        if (this.#isOver) return reject(goneError());
        this.#asked.set(k, { resolve, reject });
      });
    };
  }

  /** @param {{ n: number, value?: any, error?: any }} message */
  #reply({ n, value, error }) {
    const asked = this.#asked.get(n);
    this.#asked.delete(n);
    if (!error) return asked?.resolve(unpack(value, () => () => {}, () => new AbortController().signal));
    const made = unpackError(error);
    if (typeof made === 'object' && made !== null) this.#refs.set(made, error.ref);
    asked?.reject(made);
  }

  /** The guest is gone, or the leader goes. */
  end() {
    if (this.#isOver) return;
    // A guest that follows another leader from now on; one that is gone hears nothing.
    this.#line.post({ type: 'bye', leader: this.#leader });
    this.#isOver = true;
    this.#stop.abort();
    for (const control of this.#running.values()) control.abort();
    for (const { reject } of this.#asked.values()) reject(goneError());
    this.#line.close();
    this.#forget();
  }
}
