// many.js - a stream of records written in batches, by whatever store writes a batch.

import { VecStoreError, throwIfAborted } from './errors.js';

/**
 * @param {{ upsert: (records: any[], options: { signal?: AbortSignal }) => Promise<{ inserted: number, updated: number }> }} store
 * @param {AsyncIterable<any> | Iterable<any>} records
 * @param {import('./types.js').UpsertManyOptions & { batchSize: number }} options checked
 */
export async function upsertMany(store, records, { batchSize, onProgress, signal }) {
  const total = { inserted: 0, updated: 0 };
  let done = 0;
  /** @type {any[]} */
  let batch = [];
  const write = async () => {
    try {
      const { inserted, updated } = await store.upsert(batch, { signal });
      total.inserted += inserted;
      total.updated += updated;
    } catch (error) {
      if (error instanceof VecStoreError && error.index !== undefined) error.index += done;
      throw error;
    }
    done += batch.length;
    batch = [];
    onProgress?.({ ...total });
  };
  for await (const record of records) {
    throwIfAborted(signal);
    batch.push(record);
    if (batch.length === batchSize) await write();
  }
  if (batch.length > 0) await write();
  return total;
}
