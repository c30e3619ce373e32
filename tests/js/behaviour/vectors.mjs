// Decision 2: vectors.
import { equal, fails, near, ok } from './expect.mjs';

export const cases = {
  'three forms go in, a fresh Float32Array comes out': async ({ open }) => {
    const store = await open({ dimension: 3 });
    await store.upsert([
      { id: 1, vector: [1, 2, 3] },
      { id: 2, vector: Float32Array.of(1, 2, 3) },
      { id: 3, vector: Float64Array.of(1, 2, 3) },
    ]);
    for (const id of [1, 2, 3]) {
      const { vector } = await store.get(id);
      ok(vector instanceof Float32Array);
      equal([...vector], [1, 2, 3]);
      equal(vector.byteLength, vector.buffer.byteLength, 'not a view of something larger:');
      vector.fill(9);
      equal([...(await store.get(id)).vector], [1, 2, 3]);
    }
    const [hit] = await store.query({ vector: [1, 2, 3], k: 1, include: ['vector'] });
    hit.vector.fill(9);
    equal([...(await store.get(hit.id)).vector], [1, 2, 3]);
  },

  'the vector comes back as it was, not normalized': async ({ open }) => {
    for (const metric of ['cosine', 'dot', 'euclidean']) {
      const store = await open({ metric });
      await store.upsert({ id: 1, vector: [3, 4, 0.1] });
      equal((await store.get(1)).vector, Float32Array.of(3, 4, 0.1));
      await store.close();
    }
  },

  'arguments are copied during the call': async ({ open }) => {
    const store = await open();
    const vector = Float32Array.of(1, 0);
    const metadata = { a: { b: 1 } };
    const record = { id: 1, vector, metadata, text: 'one' };
    const written = store.upsert(record);
    vector.fill(7);
    metadata.a.b = 2;
    record.text = 'two';
    await written;
    equal(await store.get(1), { id: 1, vector: Float32Array.of(1, 0), metadata: { a: { b: 1 } }, text: 'one' });
    const query = Float32Array.of(1, 0);
    const slow = store.upsert({ id: 2, vector: [0, 1] });
    const found = store.query({ vector: query, k: 1 });
    query.set([0, 1]);
    await slow;
    equal((await found)[0].id, 1);
  },

  'a zero vector is legal: cosine score 0, distance 1': async ({ open }) => {
    const store = await open();
    await store.upsert([{ id: 1, vector: [0, 0, 0] }, { id: 2, vector: [1, 0, 0] }]);
    const hits = await store.query({ vector: [1, 0, 0] });
    equal(hits.map((hit) => hit.id), [2, 1]);
    near(hits[1].score, 0);
    near(hits[1].distance, 1);
    for (const { score, distance } of await store.query({ vector: [0, 0, 0] })) {
      near(score, 0);
      near(distance, 1);
    }
  },

  'NaN, infinities, other types and wrong lengths are refused, saying where': async ({ open }) => {
    const store = await open({ dimension: 3 });
    await store.upsert({ id: 0, vector: [1, 1, 1] });
    await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector: [1, NaN, 1] }), 'vector[1]', 'NaN');
    await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector: Float32Array.of(1, 2, Infinity) }), 'vector[2]');
    await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector: Float64Array.of(-Infinity, 2, 3) }), 'vector[0]');
    await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector: [1e39, 2, 3] }), 'vector[0]', '1e+39');
    for (const component of ['1', null, undefined, true, 1n, {}]) {
      await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector: [1, component, 3] }), 'vector[1]');
      await fails('INVALID_ARGUMENT', store.query({ vector: [1, component, 3] }), 'vector[1]');
    }
    for (const vector of ['123', { 0: 1, 1: 2, 2: 3, length: 3 }, Int8Array.of(1, 2, 3), null, 5]) {
      await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector }), 'vector');
      await fails('INVALID_ARGUMENT', store.query({ vector }), 'vector');
    }
    await fails('INVALID_ARGUMENT', store.upsert({ id: 1 }), 'vector');
    await fails('DIMENSION_MISMATCH', store.upsert({ id: 1, vector: [1, 2] }), '2', '3');
    await fails('DIMENSION_MISMATCH', store.query({ vector: [1, 2, 3, 4] }), '4', '3');
    await fails('INVALID_ARGUMENT', store.query({ vector: [1, NaN, 3] }), 'vector[1]');
    equal(await store.count(), 1);
  },

  'the first insert fixes the dimension, a failed one does not': async ({ open }) => {
    const store = await open();
    equal((await store.stats()).dimension, null);
    equal(await store.query({ vector: [1, 2, 3] }), []);
    await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector: [] }));
    await fails('DIMENSION_MISMATCH', store.upsert([{ id: 1, vector: [1, 2] }, { id: 2, vector: [1, 2, 3] }]), '3', '2');
    equal((await store.stats()).dimension, null);
    await store.upsert({ id: 1, vector: [1, 2, 3, 4] });
    equal((await store.stats()).dimension, 4);
    await fails('DIMENSION_MISMATCH', store.upsert({ id: 2, vector: [1, 2] }));
  },

  'calls that are not awaited agree on the dimension': async ({ open }) => {
    const store = await open();
    const first = store.upsert({ id: 1, vector: [1, 2] });
    const second = fails('DIMENSION_MISMATCH', store.upsert({ id: 2, vector: [1, 2, 3] }));
    await first;
    equal('index' in (await second), false);
    equal(await store.count(), 1);
  },

  'dimension 0: records without vectors': async ({ open }) => {
    const store = await open({ dimension: 0 });
    await store.upsert([{ id: 1, text: 'one' }, { id: 2, metadata: { a: 1 } }]);
    equal(await store.get(1), { id: 1, metadata: {}, text: 'one' });
    await fails('DIMENSION_MISMATCH', store.upsert({ id: 3, vector: [1] }));
    await fails('INVALID_ARGUMENT', store.query({ vector: [1] }), 'dimension 0');
    equal(await store.delete([1, 2]), { deleted: 2 });
  },
};
