// operations.mjs - what the killed child does: operation n of a lane, the same for the child and for its judge.
import { random } from '../behaviour/expect.mjs';

const IDS = 40;

/**
 * @param {number} seed
 * @param {number} n
 * @returns {{ kind: 'upsert', records: any[] } | { kind: 'delete', ids: number[] } | { kind: 'checkpoint' | 'optimize' }}
 */
export function operation(seed, n) {
  const next = random(seed * 1_000_003 + n);
  const roll = next();
  const id = () => Math.floor(next() * IDS);
  if (roll < 0.04) return { kind: 'checkpoint' };
  if (roll < 0.05) return { kind: 'optimize' };
  if (roll < 0.25) return { kind: 'delete', ids: Array.from({ length: 1 + Math.floor(next() * 4) }, id) };
  const length = 1 + Math.floor(next() * 6);
  const records = Array.from({ length }, (_, part) => ({
    id: id(), vector: [next(), next(), next(), 1], metadata: { n, part }, text: 'x'.repeat(Math.floor(next() * 300)),
  }));
  return { kind: 'upsert', records };
}

/** Applies the operation to a Map from id to metadata. */
export function apply(model, op) {
  if (op.kind === 'upsert') for (const { id, metadata } of op.records) model.set(id, `${metadata.n}/${metadata.part}`);
  if (op.kind === 'delete') for (const id of op.ids) model.delete(id);
}

/** The store's content in the model's form. */
export async function contents(store) {
  const ids = Array.from({ length: IDS }, (_, id) => id);
  const records = await store.get(ids, { include: ['metadata'] });
  return new Map(records.filter(Boolean).map(({ id, metadata }) => [id, `${metadata.n}/${metadata.part}`]));
}

/**
 * The number of the last operation that took effect, or null when the state is that after no operation from
 * `acknowledged` to `issued`. `model` is the state before operation `first`.
 */
export function prefixOf(state, model, seed, first, { issued, acknowledged }) {
  const expected = [...state].sort().join();
  const now = new Map(model);
  for (let last = first - 1; last <= issued; last++) {
    if (last >= first) apply(now, operation(seed, last));
    if (last >= acknowledged && [...now].sort().join() === expected) return last;
  }
  return null;
}
