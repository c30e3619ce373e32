// lane.js - a store written for ever, in a page or a worker, while the tests kill the browser.
import { VecStore } from '/js/src/index.js';
import { contents, operation } from '/tests/js/kill/operations.mjs';

let lane;

/** Opens the lane's store; gives what it holds. */
export async function openLane(path, storage) {
  lane = await VecStore.open({ path, storage, durability: 'strict' });
  const state = [...await contents(lane)];
  return { state, count: await lane.count(), errors: (await lane.verify()).errors };
}

/** Writes for ever, four operations at a time; `say` gets "i" and "a" as tests/js/kill/child.mjs says them, and may be awaited. */
export function writeLane(seed, first, say, failed = (error) => Promise.reject(error)) {
  let n = first;
  // Operations are issued in the order of their numbers, however long it takes to say so.
  let turn = Promise.resolve();
  const run = async () => {
    for (;;) {
      const now = n++;
      const op = operation(seed, now);
      await (turn = turn.then(() => say(`i${now}`)));
      if (op.kind === 'upsert') await lane.upsert(op.records);
      else if (op.kind === 'delete') await lane.delete(op.ids);
      else await lane[op.kind]();
      await say(`a${now}`);
    }
  };
  for (let i = 0; i < 4; i++) run().catch(failed);
}
