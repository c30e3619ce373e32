// world.mjs - a simulated browser for tests of several tabs: channels, locks and clock whose every step is chosen by
// a seed, tabs that die between any two steps, and a disk that remembers what a dead tab had made durable.
import { VecStoreError } from '../../../js/src/errors.js';
import { random } from '../behaviour/expect.mjs';

/** Lets promises settle; engines that yield need more than one turn. */
export const settle = async (turns = 1) => {
  for (let i = 0; i < turns; i++) {
    await new Promise((done) => {
      setImmediate(done);
    });
  }
};

export class World {
  time = 0;
  steps = 0;
  /** What happened, for a failing case. */
  trace = [];
  #next;
  #queues = [];
  #channels = new Set();
  #locks = new Map();
  #timers = [];
  #ids = 0;
  /** Things that may happen at any time, in the order given: [tab, fn]. */
  chores = [];

  constructor(seed) {
    this.#next = random(seed);
  }

  random() {
    return this.#next();
  }

  /** What a tab has instead of a browser. */
  tab(name) {
    const tab = { name, alive: true, frozen: false };
    const ifAlive = (fn) => (...args) => (tab.alive ? fn(...args) : undefined);
    tab.env = {
      path: 'shared',
      locks: { request: (lock, options, fn) => this.#request(tab, lock, options, fn) },
      channel: (channel, receive) => this.#open(tab, channel, receive),
      setTimeout: (fn, ms) => {
        const timer = { tab, at: this.time + ms, fn };
        this.#timers.push(timer);
        return timer;
      },
      clearTimeout: ifAlive((timer) => this.#drop(this.#timers, timer)),
      newId: () => (++this.#ids).toString(16).padStart(32, '0'),
    };
    return tab;
  }

  /** The tab is gone, as by a crash: nothing of it runs any more, its locks are free. */
  kill(tab) {
    this.trace.push(`kill ${tab.name}`);
    tab.alive = false;
    this.#queues = this.#queues.filter(({ to }) => to.tab !== tab);
    this.#timers = this.#timers.filter((timer) => timer.tab !== tab);
    this.chores = this.chores.filter(([owner]) => owner !== tab);
    for (const channel of this.#channels) if (channel.tab === tab) this.#channels.delete(channel);
    for (const lock of this.#locks.values()) {
      if (lock.holder?.tab === tab) lock.holder = null;
      lock.waiting = lock.waiting.filter((request) => request.tab !== tab);
    }
  }

  #drop(list, one) {
    const at = list.indexOf(one);
    if (at >= 0) list.splice(at, 1);
  }

  #open(tab, name, receive) {
    const channel = { tab, name, receive };
    this.#channels.add(channel);
    return {
      post: (message) => {
        if (!tab.alive || !this.#channels.has(channel)) return;
        for (const to of this.#channels) {
          if (to === channel || to.name !== name) continue;
          let queue = this.#queues.find((one) => one.from === channel && one.to === to);
          if (!queue) this.#queues.push((queue = { from: channel, to, messages: [] }));
          queue.messages.push(structuredClone(message));
        }
      },
      close: () => this.#channels.delete(channel),
    };
  }

  #request(tab, name, { signal } = {}, fn) {
    if (!tab.alive) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      const lock = this.#locks.get(name) ?? { name, holder: null, waiting: [] };
      this.#locks.set(name, lock);
      const request = { tab, fn, resolve, reject };
      lock.waiting.push(request);
      signal?.addEventListener('abort', () => {
        if (!lock.waiting.includes(request)) return;
        this.#drop(lock.waiting, request);
        reject(new DOMException('aborted', 'AbortError'));
      });
    });
  }

  #grant(lock) {
    const request = lock.waiting.shift();
    lock.holder = request;
    const over = (settleIt) => (value) => {
      if (lock.holder === request) lock.holder = null;
      settleIt(value);
    };
    Promise.resolve().then(request.fn).then(over(request.resolve), over(request.reject));
  }

  /** The holder of a lock: a tab, or undefined. */
  holder(name) {
    return this.#locks.get(name)?.holder?.tab;
  }

  /** One thing that may happen now, chosen by the seed; false when nothing can. */
  step() {
    const choices = [];
    for (const queue of this.#queues) {
      if (queue.messages.length > 0 && !queue.to.tab.frozen) choices.push(() => {
        const message = queue.messages.shift();
        if (!this.#channels.has(queue.to)) return;
        this.trace.push(`${queue.from.tab.name}>${queue.to.tab.name} ${message.type} ${message.id ?? message.method ?? ''}`);
        queue.to.receive(message);
      });
    }
    for (const lock of this.#locks.values()) if (!lock.holder && lock.waiting.length > 0) choices.push(() => this.#grant(lock));
    const seen = new Set();
    for (const chore of this.chores) {
      // A tab does its own in order.
      const [tab, fn, name] = chore;
      if (seen.has(tab) || tab?.frozen) continue;
      seen.add(tab);
      choices.push(() => {
        this.#drop(this.chores, chore);
        this.trace.push(`${tab?.name ?? ''} ${name ?? 'chore'}`);
        fn();
      });
    }
    this.steps++;
    if (choices.length > 0) {
      choices[Math.floor(this.#next() * choices.length)]();
      return true;
    }
    // Time passes only when nothing else can happen.
    const timers = this.#timers.filter(({ tab }) => !tab.frozen).sort((a, b) => a.at - b.at);
    if (timers.length === 0) return false;
    this.#drop(this.#timers, timers[0]);
    this.time = Math.max(this.time, timers[0].at);
    timers[0].fn();
    return true;
  }
}

/** A disk shared by all tabs: what was logged, the first `durable` entries for good. */
export class Disk {
  log = [];
  durable = 0;
  /** The tab that has it open. */
  owner = null;
}

/**
 * A store as the engine would be, but for the engine: writes are in memory at once, durable after a sync, remembered
 * with their marks. A write is { token }, which may be there once only.
 */
export function openModel(world, disk, tab) {
  return new Promise((resolve, reject) => {
    world.chores.push([tab, () => {
      if (disk.owner?.alive && disk.owner !== tab) return reject(new Error(`two tabs have it open: ${disk.owner.name} and ${tab.name}`));
      // What the dead one had not synced is there in part: a prefix.
      if (disk.owner !== null) disk.log.length = disk.durable + Math.floor(world.random() * (disk.log.length - disk.durable + 1));
      disk.durable = disk.log.length;
      disk.owner = tab;
      const marks = new WeakMap();
      const waiting = [];
      let isSyncing = false;
      const sync = () => {
        if (isSyncing || waiting.length === 0) return;
        isSyncing = true;
        const upTo = disk.log.length;
        const now = waiting.splice(0);
        world.chores.push([tab, () => {
          isSyncing = false;
          disk.durable = upTo;
          for (const done of now) done();
          sync();
        }, 'sync']);
      };
      const write = (method, token, options) => new Promise((done, failed) => {
        if (options?.signal?.aborted) return failed(new VecStoreError('ABORTED', 'aborted'));
        const { client, number } = marks.get(options?.signal) ?? {};
        const result = { inserted: disk.log.length, updated: 0 };
        disk.log.push({ token, client, number, result });
        waiting.push(() => done(result));
        sync();
      });
      resolve({
        async call(method, args) {
          if (method === 'upsert') return write(method, args[0].token, args[1]);
          if (method === 'get') return disk.log.map(({ token }) => token);
          if (method === 'createSnapshot') return undefined;
          throw new Error(method);
        },
        // As the engine, which remembers the last 8 of a client.
        committed: (client, number) => disk.log.filter((one) => one.client === client).slice(-8)
          .find((one) => one.number === number)?.result ?? null,
        mark: (signal, client, number) => marks.set(signal, { client, number }),
        async close() {
          while (waiting.length > 0 || isSyncing) await new Promise((done) => {
            world.chores.push([tab, done, 'closing']);
          });
          disk.owner = null;
        },
      });
    }, 'open']);
  });
}
