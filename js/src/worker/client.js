// client.js - `worker: true`: the engine in a worker of its own. Loaded on first use.
//
// What a caller gets is a store whose methods are messages to that worker (tabs/remote.js). To the worker's member, which
// leads, the one here is a follower as another tab would be (tabs/member.js), so calls keep their order, functions and
// signals of the caller work, and a write is done once even if the worker dies over it:
//
//   W1  A worker that has died is followed by another one, which opens the store anew; calls without an answer are sent
//       to it. What lay in memory only is gone, though: then all calls are refused with WORKER_LOST, for good.
//   W2  A worker that is silent for 10 s while calls wait counts as dead, and is ended before the next one starts.
//   W3  Three deaths without an answer in between, and no other worker is started.

import { VecStoreError, throwIfAborted, unsupported } from '../errors.js';
import { readOpenOptions } from '../options.js';
import { piecesOf } from '../source.js';
import { Member, newId } from '../tabs/member.js';
import { memberOf, remoteStore } from '../tabs/remote.js';
import { pack, packError, unpack } from '../tabs/wire.js';

/** @import { Endpoint } from './spawn.js' */
/** @import { Kept, Packed } from '../tabs/wire.js' */
/** @import { ByteSource } from '../source.js' */

const MAX_DEATHS = 3;
/** The lives of all workers of this process that have died: what they locked is free. @type {string[]} */
const dead = [];

/** The way to the worker, whichever it is at the time. */
class Line {
  /** Whether what the store holds outlives the worker. */
  #lasts = false;
  #deaths = 0;
  #isOver = false;
  #isUp = false;
  #busy = 0;
  #start;
  #bury;
  /** What is sent first. @type {{ type: 'open', options: Packed, image: any, life: string, dead: string[] }} */
  #opening;
  /** @type {Kept} */
  #kept;
  /** @type {Endpoint | undefined} */
  #endpoint;
  /** @type {Map<string, (message: any) => void>} */
  #channels = new Map();
  /** The leader in the worker, and the channel of this client. @type {string | undefined} */
  #leader;
  /** @type {string} */
  #client = '';

  /**
   * @param {() => Promise<Endpoint>} start
   * @param {(life: string) => Promise<void> | undefined} bury
   * @param {Packed} options
   * @param {any} image
   * @param {Kept} kept functions and signals among the options
   */
  constructor(start, bury, options, image, kept) {
    this.#start = start;
    this.#bury = bury;
    this.#opening = { type: 'open', options, image, life: newId(), dead };
    this.#kept = kept;
    for (const signal of kept.signals.values()) {
      signal.addEventListener('abort', () => this.#endpoint?.post({ type: 'abort' }), { once: true });
    }
  }

  async connect() {
    this.#isUp = false;
    const endpoint = await this.#start();
    if (this.#isOver) return endpoint.end();
    this.#endpoint = endpoint;
    endpoint.listen((message) => {
      if (this.#endpoint === endpoint) this.#receive(message);
    }, (error) => {
      if (this.#endpoint === endpoint) this.#lost(error);
    });
    const transfer = this.#opening.image instanceof ArrayBuffer ? [this.#opening.image] : [];
    endpoint.post(this.#opening, transfer);
    this.#opening.image = undefined;
    endpoint.keep(this.#busy > 0);
    this.#channels.get('vecstore:worker')?.({ type: 'opening' });
  }

  /** Counts the calls under way, for which a process waits. @param {number} change */
  busy(change) {
    this.#busy += change;
    if (this.#busy === (change > 0 ? 1 : 0)) this.#endpoint?.keep(change > 0);
  }

  end() {
    this.#isOver = true;
    this.#endpoint?.end();
    this.#endpoint = undefined;
  }

  /** W2 */
  silent() {
    this.#lost(new Error('it does not answer'));
    return true;
  }

  /** @param {string} name @param {(message: any) => void} receive */
  channel(name, receive) {
    this.#channels.set(name, receive);
    if (name !== 'vecstore:worker') this.#client = name;
    return {
      post: (/** @type {any} */ message) => {
        this.#endpoint?.post({ type: 'channel', name, message });
        // Until the worker's script has come, it cannot say that it opens the store.
        if (message.type === 'who' && !this.#isUp) queueMicrotask(() => this.#channels.get(name)?.({ type: 'opening' }));
      },
      close: () => this.#channels.delete(name),
    };
  }

  /** @param {any} message */
  #receive(message) {
    if (message.type === 'channel') {
      if (message.message.type === 'welcome') this.#leader = message.message.leader;
      if (message.message.type === 'done') this.#deaths = 0;
      this.#channels.get(message.name)?.(message.message);
    } else if (message.type === 'up') {
      this.#isUp = true;
    } else if (message.type === 'opened') {
      this.#lasts = message.lasts;
    } else if (message.type === 'failed') {
      this.#refuse(message.error);
    } else if (message.type === 'run') {
      this.#run(message);
    }
  }

  /** To the member here, as from its leader. @param {any} message */
  #tell(message) {
    this.#channels.get(this.#client)?.(message);
  }

  /** @param {any} error packed */
  #refuse(error) {
    this.#tell({ type: 'refused', error });
    this.end();
  }

  /** W1, W3. @param {any} error */
  async #lost(error) {
    const endpoint = this.#endpoint;
    this.#endpoint = undefined;
    await endpoint?.end();
    await this.#bury(this.#opening.life);
    this.#opening.life = newId();
    if (this.#isOver) return;
    const why = `the store's worker is gone: ${error?.message ?? error}`;
    const opened = this.#leader !== undefined;
    if (!opened || !this.#lasts || ++this.#deaths >= MAX_DEATHS) {
      const message = opened && !this.#lasts ? `${why}, and what was kept in memory with it` : why;
      this.#refuse(packError(new VecStoreError('WORKER_LOST', message)));
      return;
    }
    this.#tell({ type: 'bye', leader: this.#leader });
    this.connect().catch((failure) => this.#lost(failure));
  }

  /** One of the functions among the options. @param {{ n: number, k: number, args: Packed }} message */
  async #run({ n, k, args }) {
    const endpoint = this.#endpoint;
    let answer;
    try {
      const fn = /** @type {Function} */ (this.#kept.functions.get(n));
      const signalOf = () => [...this.#kept.signals.values()][0] ?? new AbortController().signal;
      answer = { value: pack(await fn(...unpack(args, () => () => {}, signalOf))) };
    } catch (error) {
      answer = { error: packError(error) };
    }
    if (endpoint === this.#endpoint) endpoint?.post({ type: 'reply', k, ...answer });
  }
}

/** Knows when calls are under way. */
class Client extends Member {
  /** @type {Line} */
  line;

  /** @param {import('../tabs/member.js').Environment} env @param {Line} line */
  constructor(env, line) {
    super(env);
    this.line = line;
  }

  /** @param {string} method @param {any[]} args */
  async call(method, args) {
    this.line.busy(1);
    try {
      return await super.call(method, args);
    } finally {
      this.line.busy(-1);
    }
  }

  /** @type {Promise<void> | undefined} */
  #ending;

  /** The store is closed in the worker, after what was called before. */
  close() {
    return (this.#ending ??= this.#end());
  }

  async #end() {
    const closed = this.call('close', []);
    closed.catch(() => {});
    try {
      await super.close();
      await closed;
    } finally {
      this.line.end();
    }
  }
}

/** What is otherwise than in tabs. @type {import('../tabs/remote.js').Methods} */
const METHODS = {
  async exportStream(options) {
    const member = memberOf(this);
    const n = await member.call('openStream', [options]);
    return new ReadableStream({
      async pull(controller) {
        if (options?.signal?.aborted) await member.call('cancelStream', [n]);
        throwIfAborted(options?.signal);
        const piece = await member.call('pullStream', [n]);
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel: () => member.call('cancelStream', [n]),
    }, { highWaterMark: 0 });
  },

  async stats() {
    const stats = await memberOf(this).call('stats', []);
    stats.engine.worker = true;
    return stats;
  },
};

/** An instance's function is found on its class, which does not travel. @param {any} embedder */
function bare(embedder) {
  if (typeof embedder?.embed !== 'function') return embedder;
  const { name, dimension } = embedder;
  return { name, dimension, embed: (/** @type {any[]} */ ...args) => embedder.embed(...args) };
}

/**
 * Bytes as a buffer that is given away, all else as a function that gives one piece after the other.
 * @param {any} image
 * @param {Kept} kept
 */
function imageToSend(image, kept) {
  if (ArrayBuffer.isView(image)) {
    return /** @type {any} */ (new Uint8Array(image.buffer, image.byteOffset, image.byteLength).slice().buffer);
  }
  if (image instanceof ArrayBuffer) return image.slice(0);
  const pieces = piecesOf('import', image);
  const n = kept.functions.size;
  kept.functions.set(n, async () => (await pieces.next()).value);
  return n;
}

/**
 * @param {any} Base the class of store
 * @param {any} options
 * @param {Exclude<ByteSource, string> | undefined} image to import
 */
export async function openInWorker(Base, options, image) {
  const { worker, ...given } = options;
  const { storage } = readOpenOptions(options);
  const { platform } = Base;
  if (typeof storage === 'object') {
    throw unsupported('a storage host cannot be sent to a worker: open the store where the host is');
  }
  if (!platform.startWorker) throw unsupported(`worker: ${platform.name} has no workers`);
  let { wasm } = given;
  if (wasm instanceof URL) wasm = { href: wasm.href };
  else if (typeof Response !== 'undefined' && wasm instanceof Response) wasm = await wasm.arrayBuffer();
  /** @type {Kept} */
  const kept = { functions: new Map(), signals: new Map() };
  const packed = pack({ ...given, wasm: undefined, ...('embedder' in given && { embedder: bare(given.embedder) }) }, kept);
  packed.value.wasm = wasm;
  const start = () => platform.startWorker(typeof worker === 'function' ? worker : undefined);
  const bury = (/** @type {string} */ life) => {
    dead.push(life);
    return platform.succeed?.(undefined, [life]);
  };
  const line = new Line(start, bury, packed, image === undefined ? undefined : imageToSend(image, kept), kept);
  const member = new Client({
    path: 'worker',
    options: {},
    check: () => null,
    holder: 'worker',
    silent: () => line.silent(),
    // The worker always leads.
    locks: { request: (name, { signal }, fn) => (name === 'vecstore-tabs:worker' ? untilAborted(signal) : fn()) },
    channel: (name, receive) => line.channel(name, receive),
    setTimeout: (fn, ms) => {
      const timer = setTimeout(fn, ms);
      /** @type {any} */ (timer).unref?.();
      return timer;
    },
    clearTimeout: (timer) => clearTimeout(timer),
    newId,
    open: () => Promise.reject(unsupported('the worker opens the store')),
  }, line);
  line.busy(1);
  try {
    await line.connect();
    await member.ready;
  } catch (error) {
    line.end();
    throw error;
  } finally {
    line.busy(-1);
  }
  return remoteStore(Base, member, METHODS);
}

/** @param {AbortSignal | undefined} signal @returns {Promise<never>} */
const untilAborted = (signal) => new Promise((_, reject) => {
  signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
});
