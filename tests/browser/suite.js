// suite.js - runs the behaviour suite in a page or a worker and reports each case.
import { VecStore } from '/js/src/index.js';
import { TEST_SEAM } from '/js/src/open.js';
import { suite } from '/tests/js/behaviour/index.mjs';

let paths = 0;

/** Runs all cases of a storage; report gets [name, message or null]. */
export async function runSuite(storage, prefix, report) {
  const newPath = () => `${prefix}-${paths++}`;
  for (const [name, run] of suite({ VecStore, storage, newPath, seam: TEST_SEAM, slow: storage === 'memory' })) {
    const message = await run().then(() => null, (error) => String(error?.stack ?? error));
    report([name, message]);
  }
}
