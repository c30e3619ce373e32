// Decision 7: reopening. The cases need storage that lasts.
import { equal, fails, random, randomVector } from './expect.mjs';

const records = (n, dimension = 8) => {
  const next = random(n);
  return Array.from({ length: n }, (_, id) => ({
    id, vector: randomVector(next, dimension), metadata: { id, tag: `t${id % 7}` }, ...(id % 3 === 0 && { text: `text ${id}` }),
  }));
};

export const needsPersistence = true;

/** Where several tabs share a store it is not locked. */
export const ofOneTab = ['a store is open once: LOCKED until it is closed, also after a failed opening'];

export const cases = {
  'everything is there again, by log and by checkpoint': async ({ open }) => {
    const path = 'again';
    const all = records(300);
    const query = { vector: all[5].vector, k: 20, include: ['vector', 'metadata', 'text'] };
    let store = await open({ path });
    await store.upsert(all.slice(0, 200));
    await store.delete([3, 4]);
    const first = await store.query(query);
    await store.close();

    store = await open({ path });
    equal(await store.query(query), first);
    equal(await store.get(3), null);
    await store.checkpoint();
    await store.upsert(all.slice(200));
    await store.delete(7);
    const second = await store.query(query);
    await store.close();

    store = await open({ path });
    equal(await store.count(), 297);
    equal(await store.query(query), second);
    await store.optimize();
    equal(await store.query(query), second);
    await store.close();

    store = await open({ path });
    equal(await store.query(query), second);
    equal(await store.get(9), { id: 9, vector: all[9].vector, metadata: all[9].metadata, text: 'text 9' });
    equal(await store.upsert(all[3]), { inserted: 1, updated: 0 });
    equal(await store.verify(), { ok: true, errors: [], repaired: false });
  },

  'the same results from a graph': async ({ open }) => {
    const path = 'graph';
    const all = records(1500, 16);
    let store = await open({ path, index: { type: 'hnsw', M: 8, efConstruction: 40 } });
    await store.upsert(all);
    await store.delete(all.filter(({ id }) => id % 10 === 0).map(({ id }) => id));
    const queries = all.slice(0, 50).map(({ vector }) => ({ vector, k: 10, ef: 30 }));
    const before = await store.queryBatch(queries);
    await store.close();
    store = await open({ path });
    equal(await store.queryBatch(queries), before);
    await store.checkpoint();
    await store.close();
    store = await open({ path });
    equal(await store.queryBatch(queries), before);
    equal((await store.stats()).index.M, 8);
    equal((await store.verify()).errors, []);
  },

  'an empty store, with and without a dimension': async ({ open }) => {
    for (const dimension of [undefined, 5]) {
      const path = `empty${dimension}`;
      await (await open({ path, dimension })).close();
      const store = await open({ path });
      equal((await store.stats()).dimension, dimension ?? null);
      equal(await store.count(), 0);
      await store.close();
    }
  },

  'a store made without a dimension opens with the one that its first record gave it': async ({ open, tryOpen }) => {
    for (const path of ['late', 'later']) {
      await (await open({ path })).close();
      let store = await open({ path, dimension: path === 'late' ? 4 : undefined });
      await store.upsert({ id: 1, vector: [1, 2, 3, 4] });
      await store.close();
      await fails('INVALID_ARGUMENT', tryOpen({ path, dimension: 5 }), 'dimension', '4', '5');
      store = await open({ path, dimension: 4 });
      equal(await store.count(), 1);
      await store.close();
    }
  },

  'the saved configuration wins; contradictions name both': async ({ open, tryOpen }) => {
    const path = 'config';
    let store = await open({ path, dimension: 4, metric: 'euclidean', index: { M: 8, efConstruction: 50, efSearch: 30 } });
    await store.close();
    for (const [options, ...parts] of [
      [{ dimension: 5 }, 'dimension', '4', '5'],
      [{ metric: 'cosine' }, 'metric', 'euclidean', 'cosine'],
      [{ index: { M: 9 } }, 'M', '8', '9'],
    ]) {
      await fails('INVALID_ARGUMENT', tryOpen({ path, ...options }), ...parts);
    }
    store = await open({ path, dimension: 4, metric: 'euclidean' });
    let { index, metric, dimension } = await store.stats();
    equal([index.M, index.efConstruction, index.efSearch, metric, dimension], [8, 50, 30, 'euclidean', 4]);
    await store.close();
    store = await open({ path, index: { efSearch: 99 }, durability: 'relaxed' });
    ({ index } = await store.stats());
    equal(index.efSearch, 99);
  },

  'a store is open once: LOCKED until it is closed, also after a failed opening': async ({ open, tryOpen }) => {
    const path = 'locked';
    const store = await open({ path, dimension: 2 });
    await fails('LOCKED', tryOpen({ path }), 'open already');
    await store.close();
    await fails('INVALID_ARGUMENT', tryOpen({ path, dimension: 3 }));
    const again = await open({ path });
    equal((await again.stats()).dimension, 2);
  },

  'relaxed durability is durable after close': async ({ open }) => {
    const path = 'relaxed';
    let store = await open({ path, durability: 'relaxed' });
    for (let i = 0; i < 50; i++) await store.upsert({ id: i, vector: [i, 1] });
    equal((await store.stats()).durability, 'relaxed');
    await store.flush();
    await store.upsert({ id: 50, vector: [1, 1] });
    await store.close();
    store = await open({ path });
    equal(await store.count(), 51);
  },

  'enough writes make a checkpoint by themselves': async ({ open }) => {
    const store = await open({ path: 'self', index: { type: 'flat' } });
    const { generation } = (await store.stats()).storage;
    for (let i = 0; i < 6; i++) await store.upsert(records(500).map((r) => ({ ...r, id: `${i}-${r.id}` })));
    await store.close();
    const again = await open({ path: 'self' });
    const stats = await again.stats();
    equal(stats.count, 3000);
    equal(stats.lastError, null);
    equal(stats.storage.generation > generation, true);
    equal((await again.verify()).ok, true);
  },
};
