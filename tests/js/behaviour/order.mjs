// Decision 8: order, closing, signals.
import { equal, fails, ok } from './expect.mjs';

export const cases = {
  'calls take effect in call order; a query sees every earlier call': async ({ open }) => {
    const store = await open();
    const done = [];
    const note = (name) => (value) => {
      done.push(name);
      return value;
    };
    const calls = [
      store.upsert({ id: 1, vector: [1, 0] }).then(note('upsert 1')),
      store.count().then(note('count')),
      store.upsert({ id: 2, vector: [1, 0.1] }).then(note('upsert 2')),
      store.query({ vector: [1, 0] }).then(note('query')),
      store.delete(1).then(note('delete')),
      store.query({ vector: [1, 0] }).then(note('query 2')),
      store.get([1, 2]).then(note('get')),
      store.upsert({ id: 3, vector: [1, 0.2] }).then(note('upsert 3')),
    ];
    const [, count, , hits, deleted, hits2, got] = await Promise.all(calls);
    equal(count, 1);
    equal(hits.map((hit) => hit.id), [1, 2]);
    equal(deleted, { deleted: 1 });
    equal(hits2.map((hit) => hit.id), [2]);
    equal(got.map((record) => record?.id), [undefined, 2]);
    const writes = done.filter((name) => /upsert|delete/.test(name));
    equal(writes, ['upsert 1', 'upsert 2', 'delete', 'upsert 3'], 'acknowledged in call order:');
  },

  'many writes that nobody awaits': async ({ open }) => {
    const store = await open();
    const writes = Array.from({ length: 250 }, (_, i) => store.upsert({ id: i % 100, vector: [i, 1], metadata: { i } }));
    equal(await store.count(), 100);
    equal((await store.get(7)).metadata, { i: 207 });
    const results = await Promise.all(writes);
    equal(results.filter(({ inserted }) => inserted === 1).length, 100);
  },

  'a failed call leaves the others alone': async ({ open }) => {
    const store = await open();
    const first = store.upsert({ id: 1, vector: [1, 0] });
    const wrong = store.upsert({ id: 2, vector: [NaN, 0] });
    const last = store.upsert({ id: 3, vector: [1, 1] });
    await fails('INVALID_ARGUMENT', wrong);
    equal([await first, await last], [{ inserted: 1, updated: 0 }, { inserted: 1, updated: 0 }]);
    equal(await store.count(), 2);
  },

  'close waits for what was called before; later calls reject CLOSED': async ({ open }) => {
    const store = await open();
    const writes = Array.from({ length: 20 }, (_, i) => store.upsert({ id: i, vector: [i, 1] }));
    const count = store.count();
    const closed = store.close();
    await fails('CLOSED', store.count(), 'closed');
    await closed;
    equal((await Promise.all(writes)).length, 20);
    equal(await count, 20);
    equal(store.close(), closed);
    await store.close();
    const vector = [1, 1];
    for (const call of [
      () => store.upsert({ id: 1, vector }), () => store.get(1), () => store.delete(1), () => store.query({ vector }),
      () => store.queryBatch([]), () => store.count(), () => store.flush(), () => store.checkpoint(), () => store.optimize(),
      () => store.verify(), () => store.stats(), () => store.export(), () => store.upsertMany([]),
    ]) {
      await fails('CLOSED', call);
    }
  },

  'await using closes': async ({ open }) => {
    if (!Symbol.asyncDispose) return;
    const store = await open();
    await store[Symbol.asyncDispose]();
    await fails('CLOSED', store.count());
  },

  'signal: an aborted call changed nothing': async ({ open }) => {
    const store = await open();
    const { signal } = Object.assign(new AbortController(), {});
    ok(!signal.aborted);
    const gone = AbortSignal.abort(new Error('enough'));
    const record = { id: 1, vector: [1, 0] };
    equal((await fails('ABORTED', store.upsert(record, { signal: gone }))).cause.message, 'enough');
    for (const call of [
      () => store.delete(1, { signal: gone }), () => store.query({ vector: [1, 0], signal: gone }), () => store.verify({ signal: gone }),
      () => store.checkpoint({ signal: gone }), () => store.optimize({ signal: gone }), () => store.export({ signal: gone }),
    ]) {
      await fails('ABORTED', call);
    }
    equal(await store.count(), 0);
    const abort = new AbortController();
    const big = Array.from({ length: 12_000 }, (_, id) => ({ id, vector: [id, 1], text: 'x'.repeat(1000) }));
    const write = store.upsert(big, { signal: abort.signal });
    abort.abort();
    await fails('ABORTED', write);
    equal(await store.count(), 0);
    equal(await store.upsert(record, { signal }), { inserted: 1, updated: 0 });
  },

  'all methods return promises, also for wrong arguments': async ({ open, VecStore }) => {
    const store = await open();
    for (const call of [
      () => store.upsert(null), () => store.get(null), () => store.delete(null), () => store.query(null), () => store.queryBatch(null),
      () => store.count(null), () => store.verify(null), () => store.upsertMany([], null), () => VecStore.open(null), () => VecStore.import(null),
      () => VecStore.import('x'), () => store.export(null),
    ]) {
      const promise = call();
      ok(promise instanceof Promise);
      await fails('INVALID_ARGUMENT', promise);
    }
  },
};
