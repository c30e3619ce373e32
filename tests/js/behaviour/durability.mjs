// Acknowledgements and syncs, against a host that delays or fails them. Needs the test seam and files.
import { equal, fails, ok } from './expect.mjs';

export const needsPersistence = true;
export const needsSeam = true;

const record = (id) => ({ id, vector: [id, 1] });
const sleep = (ms) => new Promise((resolve) => {
  setTimeout(resolve, ms);
});

/** A backend whose syncs are counted, and wait or fail as told. */
function watched(control) {
  return (backend) => {
    const sync = backend.sync.bind(backend);
    return Object.assign(Object.create(backend), {
      kind: backend.kind, persistent: backend.persistent, path: backend.path, config: backend.config,
      load: (wasm) => backend.load(wasm), stats: () => backend.stats(), close: () => backend.close(),
      syncDelayMs: backend.syncDelayMs,
      async sync(names) {
        control.syncs++;
        control.inFlight++;
        ok(control.inFlight === 1, 'two syncs in flight');
        try {
          await control.before?.(names);
          await sync(names);
        } finally {
          control.inFlight--;
        }
      },
    });
  };
}

async function openWatched({ open, seam }, options) {
  const control = { syncs: 0, inFlight: 0, before: undefined };
  const store = await open({ ...options, [seam]: { backend: watched(control) } });
  return { store, control };
}

/** Where several tabs share a store a poisoned one is opened anew, and messages come one by one. */
export const ofOneTab = [
  'writes that wait share one sync', 'a failed sync: the writes that waited fail, then POISONED until reopened',
  'a failed background sync is told by the next call and by close', 'a trap in the engine: POISONED, the lock is released, the data is there',
  // Which of two refused writes is visible depends on their coming together, which messages do not.
  'a full disk: NO_SPACE while there is no room, reads go on; then writes do, without reopening',
];

export const cases = {
  'strict: acknowledged only after the sync; queries do not wait for it': async (h) => {
    const { store, control } = await openWatched(h);
    let release;
    control.before = () => new Promise((resolve) => {
      release = resolve;
    });
    let acknowledged = false;
    const write = store.upsert(record(1)).then(() => {
      acknowledged = true;
    });
    equal((await store.query({ vector: [1, 1] })).length, 1);
    equal(await store.count(), 1);
    await sleep(30);
    equal(acknowledged, false);
    release();
    await write;
  },

  'writes that wait share one sync': async (h) => {
    const { store, control } = await openWatched(h);
    await store.upsert(record(0));
    const before = control.syncs;
    control.before = () => sleep(20);
    const order = [];
    await Promise.all(Array.from({ length: 200 }, (_, i) => store.upsert(record(i)).then(() => order.push(i))));
    equal(order, [...order].sort((a, b) => a - b));
    equal(control.syncs - before, 2);
  },

  'every operation works when each sync is late': async (h) => {
    const { store, control } = await openWatched(h, { path: 'late' });
    control.before = () => sleep(3);
    const writes = [];
    for (let i = 0; i < 60; i++) {
      writes.push(store.upsert([record(i), record(i + 1000)]));
      if (i % 10 === 3) writes.push(store.checkpoint());
      if (i % 10 === 5) writes.push(store.delete(i - 2));
      if (i % 20 === 7) writes.push(store.optimize());
      if (i % 7 === 0) await sleep(1);
    }
    const verified = store.verify();
    await Promise.all(writes);
    equal((await verified).errors, []);
    equal(await store.count(), 114);
    await store.close();
    const again = await h.open({ path: 'late' });
    equal(await again.count(), 114);
    equal((await again.verify()).errors, []);
  },

  'relaxed: acknowledged before the sync, which comes by itself; flush waits': async (h) => {
    const { store, control } = await openWatched(h, { durability: 'relaxed' });
    const before = control.syncs;
    await store.upsert(record(1));
    equal(control.syncs, before);
    for (let i = 0; control.syncs === before && i < 100; i++) await sleep(20);
    equal(control.syncs, before + 1);
    await store.upsert(record(2));
    await store.flush();
    equal(control.syncs, before + 2);
  },

  'a failed sync: the writes that waited fail, then POISONED until reopened': async (h) => {
    const path = 'failing';
    const { store, control } = await openWatched(h, { path });
    await store.upsert(record(1));
    control.before = () => Promise.reject(new Error('disk gone'));
    const first = store.upsert(record(2));
    const second = store.upsert(record(3));
    await fails('IO', first);
    const error = await second.catch((e) => e);
    ok(['IO', 'POISONED'].includes(error.code), error.code);
    control.before = undefined;
    await fails('POISONED', store.upsert(record(4)), 'reopen');
    await fails('POISONED', store.delete(1));
    await fails('POISONED', store.flush());
    await fails('POISONED', store.checkpoint());
    equal((await store.get(1)).id, 1);
    equal((await store.stats()).storage.poisoned, true);
    await store.close();
    const again = await h.open({ path });
    equal((await again.get(1)).id, 1);
    equal((await again.verify()).errors, []);
    equal(await again.upsert(record(9)), { inserted: 1, updated: 0 });
  },

  'a full disk: NO_SPACE while there is no room, reads go on; then writes do, without reopening': async (h) => {
    const path = 'full';
    const { store, control } = await openWatched(h, { path });
    for (let i = 0; i < 20; i++) await store.upsert(record(i));
    // As the disk's answer does, it comes after other tasks had their turn.
    const full = () => new Promise((_, reject) => {
      setTimeout(() => reject(Object.assign(new Error('full'), { code: 'ENOSPC' })), 20);
    });
    for (const when of ['a commit', 'a checkpoint']) {
      control.before = full;
      const waiting = when === 'a commit' ? [store.upsert(record(20)), store.upsert(record(21))] : [store.checkpoint()];
      for (const call of waiting) await fails('NO_SPACE', call);
      await fails('NO_SPACE', store.upsert(record(30)));
      await fails('NO_SPACE', store.delete(1));
      await fails('NO_SPACE', store.flush());
      equal((await store.get([1, 30])).map((r) => r?.id), [1, undefined]);
      equal((await store.query({ vector: record(3).vector, k: 1, include: [] }))[0].id, 3);
      equal((await store.stats()).storage.poisoned, false);
      control.before = undefined;
      // Calls made while the store is being saved anew wait for that.
      const [one, two, three] = [store.upsert(record(22)), store.count(), store.delete(22)];
      equal(await one, { inserted: 1, updated: 0 });
      equal(await two, 23);
      equal(await three, { deleted: 1 });
      equal((await store.verify()).errors, []);
    }
    // Room for the first syncs of saving, not for all: nothing is lost by that either.
    control.before = full;
    await fails('NO_SPACE', store.upsert(record(23)));
    for (let fits = 1; fits < 4; fits++) {
      let n = 0;
      control.before = () => (++n > fits ? full() : undefined);
      await store.upsert(record(24)).catch((error) => equal(error.code, 'NO_SPACE'));
    }
    control.before = undefined;
    await store.upsert(record(25));
    await store.close();
    const again = await h.open({ path });
    equal((await again.get([19, 20, 21, 22, 23, 24, 25])).map((r) => r?.id), [19, 20, 21, undefined, 23, 24, 25]);
    equal((await again.verify()).errors, []);
  },

  'a full disk at the end: close gives up what was refused, nothing else': async (h) => {
    const path = 'full at close';
    const { store, control } = await openWatched(h, { path });
    await store.upsert(record(1));
    control.before = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await fails('NO_SPACE', store.upsert(record(2)));
    await store.close();
    const again = await h.open({ path });
    equal((await again.get(1)).id, 1);
    equal((await again.verify()).errors, []);
  },

  'a failed background sync is told by the next call and by close': async (h) => {
    const { store, control } = await openWatched(h, { durability: 'relaxed' });
    control.before = () => Promise.reject(new Error('disk gone'));
    await store.upsert(record(1));
    for (let i = 0; !(await store.stats()).storage.poisoned && i < 100; i++) await sleep(20);
    await fails('POISONED', store.upsert(record(2)));
    await fails('POISONED', store.close());
  },

  'a failed sync while opening or in a checkpoint is told, and releases the lock': async (h) => {
    const path = 'failing open';
    const control = { syncs: 0, inFlight: 0, before: () => Promise.reject(new Error('disk gone')) };
    const options = { path, [h.seam]: { backend: watched(control) } };
    await fails('IO', h.tryOpen(options));
    control.before = undefined;
    const store = await h.open(options);
    await store.upsert(record(1));
    control.before = () => Promise.reject(new Error('disk gone'));
    await store.upsert(record(2)).catch(() => {});
    await store.close();
    control.before = undefined;
    const again = await h.open(options);
    await again.upsert(record(3));
    let n = 0;
    control.before = () => (++n === 2 ? Promise.reject(new Error('disk gone')) : undefined);
    const error = await again.checkpoint().catch((e) => e);
    ok(['IO', 'POISONED'].includes(error?.code), String(error));
    await again.close();
    control.before = undefined;
    const last = await h.open({ path });
    equal((await last.get([1, 3])).map((r) => r.id), [1, 3]);
    equal((await last.verify()).errors, []);
  },

  'a trap in the engine: POISONED, the lock is released, the data is there': async (h) => {
    const path = 'trap';
    let armed = false;
    const instrument = (exports) => ({
      ...exports,
      vs_query(...args) {
        if (armed) throw new WebAssembly.RuntimeError('unreachable');
        return exports.vs_query(...args);
      },
    });
    const store = await h.open({ path, [h.seam]: { instrument } });
    await store.upsert(record(1));
    armed = true;
    equal((await fails('POISONED', store.query({ vector: [1, 1] }))).cause.message, 'unreachable');
    await fails('POISONED', store.get(1));
    await fails('POISONED', store.upsert(record(2)));
    await fails('POISONED', store.count());
    await store.close();
    const again = await h.open({ path });
    equal(await again.count(), 1);
  },

  'an engine of another ABI is refused': async (h) => {
    const instrument = (exports) => ({ ...exports, vs_abi_version: () => 999 });
    await fails('VERSION', h.tryOpen({ path: 'abi', [h.seam]: { instrument } }), '999');
    await h.open({ path: 'abi' });
  },
};
