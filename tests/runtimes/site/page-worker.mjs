// page-worker.mjs - the worker's side.
import { runSuite } from './run.mjs';

self.onmessage = async ({ data }) => {
  self.postMessage(await runSuite(data, (n) => `w${n}`).catch((error) => ({ error: String(error?.stack ?? error) })));
};
