// queue.js - the order of calls, the driver of operations, and the sync that waiting commits share.
//
// RULES
//   Q1  Calls enter the engine in the order in which they were made, one at a time. An operation
//       keeps the engine from its first step until DONE, ERROR or NEED_SYNC, also while it yields.
//   Q2  An operation that needs a sync lets go of the engine, so that later calls proceed, and
//       waits with all others for one sync. One sync is in flight at a time.
//   Q3  When a sync ends, the operations it covered go on before anything else, in the order in
//       which they came: acknowledgements follow the order of calls.
//   Q4  The next sync begins only after those have run to their next stop. So nothing is deleted
//       while a sync is in flight (operations delete only right after one), as IDBFS requires.
//   Q5  An operation that must be alone (runAlone) holds back all later calls until it is over.
//   Q6  A call that waits for something outside, such as its text's embedding, keeps its place: no
//       later call overtakes it, but syncs go on.
//   Q7  After a sync that found no room, the next operation that writes saves everything anew before it
//       begins; the syncs of that are its own, and it keeps the engine until they are over.

import { ABI } from './engine/abi.gen.js';
import { VecStoreError, statusOfHostError } from './errors.js';

/** @typedef {import('./engine/engine.js').Engine} Engine */
/** @typedef {import('./engine/engine.js').Operation} Operation */
/** @typedef {import('./storage/backend.js').Backend} Backend */

/** Runs functions one at a time, in order; urgent ones before all that wait. */
export class CallQueue {
  #busy = false;
  /** @type {(() => void | Promise<void>)[]} */
  #waiting = [];
  /** @type {(() => void | Promise<void>)[]} */
  #urgent = [];
  /** Those whose turn may not come yet. @type {Set<unknown>} */
  #unready = new Set();
  #held = false;

  /**
   * Runs fn alone: within this call when nothing else is under way, else after it.
   * @template T
   * @param {() => T | Promise<T>} fn
   * @param {boolean} [urgent]
   * @param {Promise<void>} [ready] fn's turn does not come before; never rejects
   * @returns {Promise<T>}
   */
  run(fn, urgent = false, ready) {
    return new Promise((resolve, reject) => {
      const task = () => {
        let result;
        try {
          result = fn();
        } catch (error) {
          return reject(error);
        }
        if (result instanceof Promise) return result.then(resolve, reject);
        resolve(result);
      };
      (urgent ? this.#urgent : this.#waiting).push(task);
      if (ready) {
        this.#unready.add(task);
        ready.then(() => {
          this.#unready.delete(task);
          this.#kick();
        });
      }
      this.#kick();
    });
  }

  /** While held, only urgent functions run. @param {boolean} held */
  hold(held) {
    this.#held = held;
    this.#kick();
  }

  #kick() {
    if (!this.#busy) this.#pump();
  }

  #pump() {
    for (;;) {
      const blocked = this.#held || this.#unready.has(this.#waiting[0]);
      const task = this.#urgent.shift() ?? (blocked ? undefined : this.#waiting.shift());
      if (!task) return;
      this.#busy = true;
      const pending = task();
      if (pending) {
        pending.then(() => {
          this.#busy = false;
          this.#pump();
        });
        return;
      }
      this.#busy = false;
    }
  }
}

/**
 * An operation under way and who waits for it.
 * @typedef {object} Job
 * @property {Operation} op
 * @property {(op: Operation) => void} done reads the result and settles
 * @property {(error: unknown) => void} failed
 * @property {((share: number) => void) | undefined} onProgress
 */

/** @param {Job} job @param {number} share */
function tellProgress({ onProgress }, share) {
  try {
    onProgress?.(share);
  } catch (error) {
    // The caller's mistake must not stop a commit half-way; it surfaces as an unhandled rejection.
    Promise.reject(error);
  }
}

/** Units of work of the first step; some milliseconds, so that a small first write is one step. */
const FIRST_BUDGET = 32_000;
/** What a step should take, so that other tasks of a page wait no longer than some 20 ms. */
const STEP_MS = 8;
const MIN_BUDGET = 500, MAX_BUDGET = 1e6;

/** Drives the operations of one engine. */
export class OperationRunner {
  #engine;
  #backend;
  #queue;
  #yieldToHost;
  #budget = FIRST_BUDGET;
  /** Jobs that wait for the next sync. @type {Job[]} */
  #waiting = [];
  #syncing = false;
  #resuming = false;
  /** How many jobs are not settled, and how many of them have begun. */
  #unsettled = 0;
  #underWay = 0;
  /** @type {(() => void)[]} */
  #whenSettled = [];
  /** Called when no job is under way. @type {(() => void) | undefined} */
  #whenQuiet;

  /**
   * @param {Engine} engine
   * @param {Backend} backend
   * @param {CallQueue} queue
   * @param {() => Promise<void>} yieldToHost
   */
  constructor(engine, backend, queue, yieldToHost) {
    this.#engine = engine;
    this.#backend = backend;
    this.#queue = queue;
    this.#yieldToHost = yieldToHost;
  }

  /**
   * Begins an operation, in its turn, and drives it to the end.
   * @template T
   * @param {() => Operation | Promise<Operation>} begin runs alone in the engine, guarded by itself
   * @param {(op: Operation) => T} finish reads the result
   * @param {(share: number) => void} [onProgress]
   * @param {Promise<void>} [ready] what its turn has to wait for; never rejects
   * @param {boolean} [urgent]
   * @returns {Promise<T>}
   */
  run(begin, finish, onProgress, ready, urgent) {
    return new Promise((resolve, reject) => {
      this.#unsettled++;
      const settled = () => {
        if (--this.#underWay === 0) this.#whenQuiet?.();
        if (--this.#unsettled === 0) for (const tell of this.#whenSettled.splice(0)) tell();
      };
      const failed = (/** @type {unknown} */ error) => {
        reject(error);
        settled();
      };
      const start = (/** @type {Operation} */ op) => {
        const done = () => {
          resolve(finish(op));
          settled();
        };
        return this.#advance({ op, done, failed, onProgress });
      };
      this.#queue.run(() => {
        this.#underWay++;
        let op;
        try {
          op = begin();
        } catch (error) {
          return failed(error);
        }
        return op instanceof Promise ? op.then(start, failed) : start(op);
      }, urgent, ready);
    });
  }

  /**
   * The same for an operation beside which no other may be under way: those before it end first, later calls wait.
   * @template T
   * @param {() => Operation | Promise<Operation>} begin
   * @param {(op: Operation) => T} finish
   * @param {(share: number) => void} [onProgress]
   * @returns {Promise<T>}
   */
  async runAlone(begin, finish, onProgress) {
    await this.#queue.run(() => this.#queue.hold(true));
    try {
      if (this.#underWay > 0) {
        await new Promise((resolve) => {
          this.#whenQuiet = () => resolve(undefined);
        });
        this.#whenQuiet = undefined;
      }
      return await this.run(begin, finish, onProgress, undefined, true);
    } finally {
      this.#queue.hold(false);
    }
  }

  /** Resolves once no operation is under way. */
  settled() {
    return this.#unsettled === 0 ? Promise.resolve() : new Promise((resolve) => {
      this.#whenSettled.push(() => resolve(undefined));
    });
  }

  /** Makes what was written durable some time soon; a failure poisons the engine, which tells the next call. */
  syncSoon() {
    return this.#queue.run(() => this.#beginSync());
  }

  /**
   * Steps until the job is settled or waits for a sync.
   * @param {Job} job
   * @returns {void | Promise<void>} a promise when it had to yield
   */
  #advance(job) {
    try {
      for (;;) {
        const answer = this.#step(job.op);
        if (answer === ABI.STEP_YIELD) {
          if (job.onProgress) tellProgress(job, this.#engine.guard(() => job.op.progress));
          return this.#yieldToHost().then(() => this.#advance(job));
        }
        if (answer === ABI.STEP_NEED_SYNC) {
          this.#waiting.push(job);
          // Within a round of resuming, the round's end begins the next sync (Q4).
          return this.#resuming ? undefined : this.#beginSync();
        }
        if (answer === ABI.STEP_SYNC_ALONE) return this.#syncAlone(job);
        if (answer === ABI.STEP_NEED_READ) {
          throw new VecStoreError('UNSUPPORTED', 'reading from asynchronous storage is not supported by this version');
        }
        if (answer === ABI.STEP_ERROR) throw this.#engine.guard(() => this.#engine.error());
        tellProgress(job, 1);
        this.#engine.guard(() => job.done(job.op));
        return this.#free(job);
      }
    } catch (error) {
      this.#fail(job, error);
    }
  }

  /** A sync for one job, which keeps the engine meanwhile (Q7). @param {Job} job */
  async #syncAlone(job) {
    const engine = this.#engine;
    try {
      const names = engine.guard(() => engine.syncBegin());
      const status = names === null ? ABI.OK : await this.#backend.sync(names).then(() => ABI.OK, statusOfHostError);
      if (names !== null) engine.guard(() => engine.syncEnd(status));
      engine.guard(() => engine.check(job.op.resume(status)));
    } catch (error) {
      return this.#fail(job, error);
    }
    return this.#advance(job);
  }

  /** One step, whose size follows the time that the last ones took. @param {Operation} op */
  #step(op) {
    const start = performance.now();
    const answer = this.#engine.guard(() => op.step(this.#budget));
    const ms = performance.now() - start;
    // Where the clock stands still while code runs, as on edge runtimes, the budget stays.
    if (answer === ABI.STEP_YIELD && ms > 0) {
      const wanted = this.#budget * Math.min(4, Math.max(0.25, STEP_MS / ms));
      this.#budget = Math.min(MAX_BUDGET, Math.max(MIN_BUDGET, wanted));
    }
    return answer;
  }

  /** @param {Job} job */
  #free(job) {
    this.#engine.guardQuietly(() => job.op.free());
  }

  /** @param {Job} job @param {unknown} error */
  #fail(job, error) {
    this.#free(job);
    job.failed(error);
  }

  /**
   * Starts a sync for all that wait now, unless one is in flight. Called with the engine held.
   * @returns {void | Promise<void>}
   */
  #beginSync() {
    if (this.#syncing) return;
    const jobs = this.#waiting.splice(0);
    let names;
    try {
      names = this.#engine.guard(() => this.#engine.syncBegin());
    } catch (error) {
      for (const job of jobs) this.#fail(job, error);
      return;
    }
    if (names === null) return this.#resume(jobs, ABI.OK);
    this.#syncing = true;
    this.#backend.sync(names).then(() => ABI.OK, statusOfHostError).then((status) =>
      this.#queue.run(() => {
        this.#syncing = false;
        this.#engine.guardQuietly(() => this.#engine.syncEnd(status));
        return this.#resume(jobs, status);
      }, true));
  }

  /**
   * Lets jobs go on after their sync, then begins the next one if somebody waits.
   * @param {Job[]} jobs
   * @param {number} status
   */
  async #resume(jobs, status) {
    this.#resuming = true;
    for (const job of jobs) {
      try {
        this.#engine.guard(() => this.#engine.check(job.op.resume(status)));
      } catch (error) {
        this.#fail(job, error);
        continue;
      }
      await this.#advance(job);
    }
    this.#resuming = false;
    if (this.#waiting.length > 0) return this.#beginSync();
  }
}
