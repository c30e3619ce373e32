// page.js - what the tests call in a page.
import { VecStore } from '/js/src/index.js';
import { contents, operation } from '/tests/js/kill/operations.mjs';
import { runSuite } from './suite.js';

window.VecStore = VecStore;
window.runInPage = async (storage, prefix) => {
  const results = [];
  await runSuite(storage, prefix, (result) => results.push(result));
  return results;
};
window.runInWorker = (storage, prefix) => new Promise((resolve, reject) => {
  const worker = new Worker('./suite-worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage({ storage, prefix });
});
window.ready = true;

/** Opens the lane's store; gives what it holds. */
window.openLane = async (path) => {
  window.lane = await VecStore.open({ path, storage: 'idbfs', durability: 'strict' });
  const state = [...await contents(window.lane)];
  return { state, count: await window.lane.count(), errors: (await window.lane.verify()).errors };
};

/** Writes for ever, four operations at a time; the console says "i" and "a" as tests/js/kill/child.mjs does. */
window.writeLane = (seed, first) => {
  let n = first;
  const run = async () => {
    for (;;) {
      const now = n++;
      const op = operation(seed, now);
      console.log(`i${now}`);
      if (op.kind === 'upsert') await window.lane.upsert(op.records);
      else if (op.kind === 'delete') await window.lane.delete(op.ids);
      else await window.lane[op.kind]();
      console.log(`a${now}`);
    }
  };
  for (let i = 0; i < 4; i++) run();
};
