// Snapshots: made, listed, restored, deleted; shared files; calls around them keep their order.
import { equal, fails, ok, random, randomVector } from './expect.mjs';

export const needsPersistence = true;

const vectors = random(11);
const records = (from, n, note) => Array.from({ length: n }, (_, i) => ({
  id: from + i, vector: randomVector(vectors, 8), metadata: { note }, text: `${note} ${from + i}`,
}));
const everything = async (store, n) => (await store.get(Array.from({ length: n }, (_, id) => id)));

export const cases = {
  'a snapshot is restored whole, over changes, deletions and reopening': async ({ open }) => {
    let store = await open({ path: 'a' });
    await store.upsert(records(0, 60, 'first'));
    const before = await everything(store, 80);
    const nearest = await store.query({ vector: before[7].vector, k: 5, include: ['vector', 'metadata', 'text'] });
    equal(await store.createSnapshot('one'), undefined);
    await store.upsert(records(50, 30, 'second'));
    await store.delete([1, 2, 3]);
    const between = await everything(store, 80);
    await store.createSnapshot('two');
    await store.delete(Array.from({ length: 80 }, (_, id) => id));
    await store.optimize();
    await store.close();
    store = await open({ path: 'a' });
    equal((await store.listSnapshots()).map(({ name, count }) => [name, count]), [['two', 77], ['one', 60]]);
    await store.restoreSnapshot('one');
    equal(await everything(store, 80), before);
    equal(await store.query({ vector: before[7].vector, k: 5, include: ['vector', 'metadata', 'text'] }), nearest);
    equal(await store.upsert(records(100, 3, 'later')), { inserted: 3, updated: 0 });
    await store.restoreSnapshot('two');
    equal([await everything(store, 80), await store.get(100)], [between, null]);
    equal((await store.verify()).errors, []);
    await store.close();
    store = await open({ path: 'a' });
    equal(await everything(store, 80), between);
    equal((await store.listSnapshots()).length, 2);
  },

  'listing tells when, how many and how much; deleting gives space back': async ({ open }) => {
    const store = await open();
    equal(await store.listSnapshots(), []);
    await store.upsert(records(0, 200, 'x'));
    const earliest = Date.now();
    await store.createSnapshot('kept');
    const [snapshot] = await store.listSnapshots();
    equal(Object.keys(snapshot), ['name', 'createdAt', 'count', 'bytes']);
    ok(snapshot.createdAt >= earliest && snapshot.createdAt <= Date.now());
    ok(snapshot.count === 200 && snapshot.bytes > 200 * 32);
    await store.deleteSnapshot('kept');
    equal(await store.listSnapshots(), []);
    await fails('NOT_FOUND', store.restoreSnapshot('kept'), 'kept');
    await fails('NOT_FOUND', store.deleteSnapshot('kept'), 'kept');
    equal(await store.count(), 200);
  },

  'names are checked, and taken once': async ({ open }) => {
    const store = await open();
    for (const name of ['', '../x', 'a/b', 'a\\b', 'ü', 'a b', 'a\0', 'x'.repeat(129), 7, null, undefined, {}]) {
      await fails('INVALID_ARGUMENT', store.createSnapshot(name));
      await fails('INVALID_ARGUMENT', store.restoreSnapshot(name));
      await fails('INVALID_ARGUMENT', store.deleteSnapshot(name));
    }
    for (const name of ['x'.repeat(128), '..', 'A.b_c-9']) await store.createSnapshot(name);
    await fails('ALREADY_EXISTS', store.createSnapshot('..'), '..');
    await store.restoreSnapshot('..');
    equal((await store.listSnapshots()).length, 3);
    await fails('INVALID_ARGUMENT', store.createSnapshot('y', { nope: 1 }), 'nope');
  },

  'calls around a restore take effect in the order of the calls': async ({ open }) => {
    const store = await open();
    await store.upsert(records(0, 10, 'old'));
    await Promise.all([
      store.createSnapshot('s'),
      store.upsert(records(10, 10, 'new')),
      store.delete([0, 1]),
    ]);
    const results = await Promise.all([
      store.upsert(records(20, 1, 'lost')),
      store.count(),
      store.restoreSnapshot('s'),
      store.count(),
      store.upsert(records(30, 1, 'kept')),
      store.restoreSnapshot('absent').catch((error) => error.code),
      store.count(),
      store.get(20),
    ]);
    equal(results, [{ inserted: 1, updated: 0 }, 19, undefined, 10, { inserted: 1, updated: 0 }, 'NOT_FOUND', 11, null]);
    const aborted = new AbortController();
    aborted.abort();
    await fails('ABORTED', store.restoreSnapshot('s', { signal: aborted.signal }));
    equal(await store.count(), 11);
  },

  'a snapshot of an empty store, before the dimension is known': async ({ open }) => {
    const store = await open();
    await store.createSnapshot('empty');
    await store.upsert({ id: 1, vector: [1, 2, 3] });
    await fails('DIMENSION_MISMATCH', store.upsert({ id: 2, vector: [1, 2] }));
    await store.restoreSnapshot('empty');
    equal([await store.count(), (await store.stats()).dimension], [0, null]);
    equal(await store.upsert({ id: 2, vector: [1, 2] }), { inserted: 1, updated: 0 });
  },
};
