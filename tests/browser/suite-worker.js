// suite-worker.js - the behaviour suite in a module worker.
import { runSuite } from './suite.js';

self.onmessage = async ({ data: { storage, prefix } }) => {
  const results = [];
  await runSuite(storage, prefix, (result) => results.push(result));
  self.postMessage(results);
};
