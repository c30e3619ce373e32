// Decision 1: ids.
import { equal, fails } from './expect.mjs';

const vector = [1, 2];

export const cases = {
  'ids come back as given; 1 and "1" are different': async ({ open }) => {
    const store = await open();
    const ids = [1, '1', 0, '0', 'ä€𝄞', 'x'.repeat(1024), Number.MAX_SAFE_INTEGER, 2 ** 32, '__proto__', ' ', '\0', '\ufeffbom'];
    equal(await store.upsert(ids.map((id, i) => ({ id, vector: [1, i] }))), { inserted: ids.length, updated: 0 });
    for (const [i, id] of ids.entries()) {
      const record = await store.get(id);
      equal(record.id, id);
      equal(record.vector, Float32Array.of(1, i));
    }
    const hits = await store.query({ vector: [1, 0], k: 100 });
    equal(new Set(hits.map((hit) => hit.id)).size, ids.length);
    equal(hits.every((hit) => ids.includes(hit.id)), true);
  },

  'ids that are refused': async ({ open }) => {
    const store = await open();
    const wrong = [undefined, null, '', -1, 1.5, NaN, Infinity, 2 ** 53, 1n, true, {}, [], Symbol.iterator, '\ud800', 'a\udc00b',
      'x'.repeat(1025), 'ä'.repeat(513)];
    for (const id of wrong) {
      await fails('INVALID_ARGUMENT', store.upsert({ id, vector }), 'id');
      if (!Array.isArray(id) && id !== undefined) await fails('INVALID_ARGUMENT', store.get(id), 'id');
      if (!Array.isArray(id)) await fails('INVALID_ARGUMENT', store.delete(id), 'id');
    }
    equal(await store.count(), 0);
    equal(await store.upsert({ id: 'ä'.repeat(512), vector }), { inserted: 1, updated: 0 });
  },

  '-0 is the id 0': async ({ open }) => {
    const store = await open();
    await store.upsert({ id: -0, vector });
    equal((await store.get(0)).id, 0);
  },
};
