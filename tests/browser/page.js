// page.js - what the tests call in a page.
import { VecStore } from '/js/src/index.js';
import { openLane, writeLane } from './lane.js';
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
let worker;

/** Opens the lane's store (lane.js), in a worker where the storage needs one; gives what it holds. */
window.openLane = (path, storage) => {
  if (storage !== 'opfs') return openLane(path, storage);
  worker = new Worker('./lane-worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data: { opened, error } }) => (error ? reject(new Error(error)) : resolve(opened));
    worker.postMessage({ path, storage });
  });
};

/** Writes for ever; the console says what happens. */
window.writeLane = (seed, first) => {
  if (!worker) return writeLane(seed, first, console.log);
  worker.onmessage = ({ data: { said } }) => console.log(said);
  worker.postMessage({ seed, first });
};
window.ready = true;
