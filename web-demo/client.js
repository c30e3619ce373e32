// Talks to the worker that owns a page's store: calls become promises, announcements go to listeners. An answer that is
// an error becomes an Error with the store's `code` and, for damaged files, `file`.

export class StoreClient {
  #worker;
  #waiting = new Map();
  #nextCall = 1;

  /**
   * `worker` is one that runs, or the address of its script; `failure` is the event of one that failed already;
   * `onEvent(name, message)` hears every announcement, and 'lost' when the worker itself fails.
   */
  constructor(worker, onEvent, failure = null) {
    this.#worker = worker instanceof Worker ? worker : new Worker(worker, { type: 'module' });
    this.#worker.addEventListener('message', ({ data }) => {
      if (data.event) onEvent(data.event, data);
      else this.#settle(data);
    });
    const lost = (event) => {
      event.preventDefault();
      const error = { code: 'WORKER_LOST', message: event.message || 'The worker script could not be loaded.' };
      for (const call of [...this.#waiting.keys()]) this.#settle({ call, error });
      onEvent('lost', { error });
    };
    this.#worker.addEventListener('error', lost);
    if (failure) queueMicrotask(() => lost(failure));
  }

  #settle({ call, value, error }) {
    const { resolve, reject } = this.#waiting.get(call);
    this.#waiting.delete(call);
    if (error) reject(Object.assign(new Error(error.message), { code: error.code, file: error.file }));
    else resolve(value);
  }

  call(method, ...args) {
    const call = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#worker.postMessage({ call, method, args });
    });
  }

  terminate() {
    this.#worker.terminate();
  }
}
