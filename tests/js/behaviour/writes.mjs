// Decision 3: writes.
import { equal, fails } from './expect.mjs';

const at = (id, x = id) => ({ id, vector: [x, 1] });

export const cases = {
  'upsert counts, and replaces the whole record': async ({ open }) => {
    const store = await open();
    equal(await store.upsert({ id: 1, vector: [1, 0], metadata: { a: 1 }, text: 'old' }), { inserted: 1, updated: 0 });
    equal(await store.upsert({ id: 1, vector: [0, 1] }), { inserted: 0, updated: 1 });
    equal(await store.get(1), { id: 1, vector: Float32Array.of(0, 1), metadata: {} });
    equal((await store.query({ vector: [0, 1], k: 1 }))[0].score, 1);
  },

  'upsert([]) and delete([]) give zeros': async ({ open }) => {
    const store = await open();
    equal(await store.upsert([]), { inserted: 0, updated: 0 });
    equal(await store.delete([]), { deleted: 0 });
  },

  'an array is atomic: a wrong row is named and nothing is written': async ({ open }) => {
    const store = await open({ dimension: 2 });
    await store.upsert(at(1));
    for (const [wrong, code] of [
      [{ id: 3, vector: [1, NaN] }, 'INVALID_ARGUMENT'],
      [{ id: 3, vector: [1, 2, 3] }, 'DIMENSION_MISMATCH'],
      [{ id: '', vector: [1, 2] }, 'INVALID_ARGUMENT'],
      [{ id: 3, vector: [1, 2], metadata: { f() {} } }, 'INVALID_ARGUMENT'],
      [{ id: 3, vector: [1, 2], text: 5 }, 'INVALID_ARGUMENT'],
      [{ id: 3, vector: [1, 2], metdata: {} }, 'INVALID_ARGUMENT'],
      [null, 'INVALID_ARGUMENT'],
      [[at(5)], 'INVALID_ARGUMENT'],
    ]) {
      const error = await fails(code, store.upsert([at(1, 9), at(2), wrong, at(4)]));
      equal(error.index, 2);
      equal(await store.count(), 1);
      equal([...(await store.get(1)).vector], [1, 1]);
    }
    equal((await fails('INVALID_ARGUMENT', store.delete([1, '']))).index, 1);
    equal(await store.count(), 1);
  },

  'a wrong row of an unfixed dimension is found by the engine, too': async ({ open }) => {
    const store = await open();
    const first = store.upsert(at(1));
    const error = await fails('DIMENSION_MISMATCH', store.upsert([{ id: 2, vector: [1, 2, 3] }, { id: 3, vector: [1, 2, 3] }]));
    await first;
    equal(error.index, 0);
  },

  'a repeated id: the last wins and counts once': async ({ open }) => {
    const store = await open();
    equal(await store.upsert([at(1, 5), at(2), at(1, 7)]), { inserted: 2, updated: 0 });
    equal([...(await store.get(1)).vector], [7, 1]);
    equal(await store.upsert([at(1, 5), at(1, 6)]), { inserted: 0, updated: 1 });
    equal(await store.count(), 2);
  },

  'a deletion in a new store fixes no dimension': async ({ open }) => {
    const store = await open();
    equal(await store.delete(['a', 'b']), { deleted: 0 });
    equal(await store.upsert({ id: 'a', vector: [1, 2] }), { inserted: 1, updated: 0 });
    equal((await store.stats()).dimension, 2);
  },

  'delete counts what was there; absent ids are no error': async ({ open }) => {
    const store = await open();
    await store.upsert([at(1), at(2), at(3), at('a', 4)]);
    equal(await store.delete(9), { deleted: 0 });
    equal(await store.delete(1), { deleted: 1 });
    equal(await store.delete(1), { deleted: 0 });
    equal(await store.delete([2, 2, 'a', 'b', 1]), { deleted: 2 });
    equal(await store.count(), 1);
    equal(await store.get([1, 2, 'a']), [null, null, null]);
    equal((await store.query({ vector: [1, 1] })).map((hit) => hit.id), [3]);
    equal(await store.delete(3), { deleted: 1 });
    equal(await store.query({ vector: [1, 1] }), []);
    equal(await store.upsert(at(3)), { inserted: 1, updated: 0 });
    equal((await store.query({ vector: [1, 1] })).map((hit) => hit.id), [3]);
  },

  'upsertMany writes a stream in batches': async ({ open }) => {
    const store = await open();
    async function* records() {
      for (let i = 0; i < 25; i++) yield at(i);
    }
    const progress = [];
    equal(await store.upsertMany(records(), { batchSize: 10, onProgress: (p) => progress.push(p.inserted) }),
      { inserted: 25, updated: 0 });
    equal(progress, [10, 20, 25]);
    equal(await store.upsertMany([at(1), at(100)]), { inserted: 1, updated: 1 });
    const wrong = [...Array(15).keys()].map((i) => (i === 12 ? { id: i } : at(i)));
    equal((await fails('INVALID_ARGUMENT', store.upsertMany(wrong, { batchSize: 5 }))).index, 12);
    const abort = new AbortController();
    await fails('ABORTED', store.upsertMany(records(), { batchSize: 10, signal: abort.signal, onProgress: () => abort.abort() }));
  },

  'a large batch, packed in many pieces': async ({ open }) => {
    const store = await open();
    const note = 'x'.repeat(3000);
    const batch = Array.from({ length: 1500 }, (_, i) => ({ id: i, vector: [i, 1], metadata: { i, note } }));
    const shares = [];
    equal(await store.upsert(batch, { onProgress: (share) => shares.push(share) }), { inserted: 1500, updated: 0 });
    equal(shares.at(-1), 1);
    equal(shares.every((share, i) => share >= 0 && (i === 0 || share >= shares[i - 1])), true);
    for (const i of [0, 333, 1499]) equal((await store.get(i)).metadata, { i, note });
    const huge = { id: 'huge', vector: [1, 1], text: 'ä'.repeat(2_000_000) };
    await store.upsert(huge);
    equal((await store.get('huge')).text, huge.text);
  },
};
