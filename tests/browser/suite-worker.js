// suite-worker.js - the behaviour suite in a module worker.
import { runSuite } from './suite.js';

self.onmessage = async ({ data: { storage, prefix, way } }) => {
  const results = [];
  await runSuite(storage, prefix, (result) => results.push(result), way);
  self.postMessage(results);
};
