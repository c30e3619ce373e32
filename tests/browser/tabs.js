// tabs.js - what tabs.test.mjs calls in a page, and in a worker of it.
import { VecStore } from '/js/src/index.js';

let store;
const state = { written: 0, longestPause: 0 };

export const cases = {
  async open(options) {
    store = await VecStore.open(options);
  },

  call: (method, args) => store[method](...args),

  /** Writes new records for so long, four at the same time. Gives how many, and how many were said to be new. */
  async writeFor(prefix, ms) {
    let [issued, inserted] = [0, 0];
    let last = performance.now();
    const end = last + ms;
    const lane = async () => {
      while (performance.now() < end) {
        const n = issued++;
        const one = await store.upsert({ id: `${prefix}${n}`, vector: [n, 1] });
        inserted += one.inserted;
        const now = performance.now();
        state.longestPause = Math.max(state.longestPause, now - last);
        last = now;
        state.written++;
        if (!self.document) self.postMessage({ state: { ...state } });
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    return [issued, inserted];
  },

  async various() {
    const metadata = JSON.parse('{"__proto__": 1}');
    await store.upsert([{ id: 'x', vector: [1, 0], metadata, text: 't' }, { id: 'y', vector: [0, 1] }]);
    const [hit] = await store.query({ vector: [1, 0], k: 1, include: ['vector', 'metadata'] });
    const mismatch = await store.upsert([{ id: 1, vector: [1, 0] }, { id: 2, vector: [1] }]).catch((error) => error);
    const syntax = await store.count({ filter: 'a = AND' }).catch((error) => [error.code, error.offset > 0 ? 5 : 0]);
    const aborted = await store.upsert({ id: 3, vector: [1, 1] }, { signal: AbortSignal.abort('enough') }).catch((error) => error);
    let share = 0;
    await store.upsert({ id: 'x', vector: [1, 0], metadata }, { onProgress: (now) => (share = now) });
    let scanned = 0;
    for await (const { id } of store.scan({ batchSize: 1 })) if (id !== undefined) scanned++;
    const reranked = await store.pipeline([{ search: { vector: [1, 0] } }, { rerank: (hits) => hits.map(({ id }) => (id === 'y' ? 2 : 1)) }]);
    const exported = await store.export();
    // The progress of the last call may come after its answer.
    for (let i = 0; i < 50 && share !== 1; i++) await new Promise((done) => setTimeout(done, 10));
    const isStore = store instanceof VecStore;
    await store.close();
    return {
      hits: [[hit.id, Math.round(hit.score)]], vector: [...hit.vector], isFloat32: hit.vector instanceof Float32Array, code: mismatch.code, index: mismatch.index,
      syntax, aborted: aborted.code, cause: aborted.cause, progress: share === 1, scanned, reranked: reranked.map(({ id }) => id),
      exported: exported instanceof Uint8Array && exported.length > 100, after: await store.count().catch((error) => error.code), isStore,
      key: Object.keys(hit.metadata),
    };
  },
};

export { state };

// In a worker.
if (!self.document) {
  self.onmessage = async ({ data: { n, name, args } }) => {
    const answer = await cases[name](...args).then((value) => ({ value }), (error) => ({ error: { code: error.code, message: error.message } }));
    self.postMessage({ n, ...answer });
  };
}
