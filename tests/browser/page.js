// page.js - what the tests call in a page.
import { VecStore } from '/js/src/index.js';
import { openLane, writeLane } from './lane.js';
import { runSuite } from './suite.js';
import * as tabs from './tabs.js';

window.VecStore = VecStore;
window.runInPage = async (storage, prefix, way) => {
  const results = [];
  await runSuite(storage, prefix, (result) => results.push(result), way);
  return results;
};
window.runInWorker = (storage, prefix, way) => new Promise((resolve, reject) => {
  const worker = new Worker('./suite-worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage({ storage, prefix, way });
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

/** tabs.js in this page, or in a worker of it for opfs. */
window.tabs = {
  get written() {
    return tabs.state.written;
  },
  get longestPause() {
    return tabs.state.longestPause;
  },
  async open(options) {
    if (options.storage !== 'opfs') {
      for (const name of ['call', 'writeFor', 'various']) window.tabs[name] = tabs.cases[name];
      return tabs.cases.open(options);
    }
    const inTab = new Worker('./tabs.js', { type: 'module' });
    const waiting = new Map();
    let n = 0;
    inTab.onmessage = ({ data }) => {
      if (data.state) return Object.assign(tabs.state, data.state);
      const { resolve, reject } = waiting.get(data.n);
      if (data.error) reject(Object.assign(new Error(`${data.error.code}: ${data.error.message}`), data.error));
      else resolve(data.value);
    };
    const ask = (name, ...args) => new Promise((resolve, reject) => {
      waiting.set(++n, { resolve, reject });
      inTab.postMessage({ n, name, args });
    });
    for (const name of ['call', 'writeFor', 'various']) window.tabs[name] = (...args) => ask(name, ...args);
    return ask('open', options);
  },
};
window.ready = true;
