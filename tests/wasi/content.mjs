// content.mjs - a store of known content, and what there is to compare of any store.
import { random, randomVector } from '../js/behaviour/expect.mjs';

const DIMENSION = 24, RECORDS = 400;

/** Batches, a checkpoint, deletions and replacements after it: log, segments and index all have something. */
export async function fill(store) {
  const next = random(11);
  const record = (id) => ({
    id: id % 2 ? id : `r${id}`, vector: randomVector(next, DIMENSION), metadata: { id, deep: { list: [1, 'ü', null, 2n ** 60n] } },
    ...(id % 5 === 0 && { text: { title: `title ${id}` } }),
  });
  await store.upsert(Array.from({ length: RECORDS }, (_, id) => record(id)));
  await store.checkpoint();
  await store.delete([1, 3, 'r4']);
  await store.upsert([record(7), record(RECORDS + 1)]);
}

/** What a store holds and finds, as text without the wrapper's types. */
export async function contentOf(store) {
  const next = random(12);
  const queries = Array.from({ length: 20 }, () => ({ vector: randomVector(next, DIMENSION), k: 15, include: ['metadata', 'text'] }));
  const found = await store.queryBatch(queries);
  const plain = (hits) => hits.map(({ id, metadata, text }) => [id, metadata, text]);
  const text = JSON.stringify(found.map(plain), (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return { count: await store.count(), errors: (await store.verify()).errors, found: text };
}
