// suite-worker.js - the behaviour suite in a module worker.
import { runSuite } from './suite.js';

self.onmessage = async ({ data: { storage, prefix, follows } }) => {
  const results = [];
  await runSuite(storage, prefix, (result) => results.push(result), follows);
  self.postMessage(results);
};
