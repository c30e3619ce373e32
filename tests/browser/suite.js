// suite.js - runs the behaviour suite in a page or a worker and reports each case.
import { VecStore } from '/js/src/index.js';
import { TEST_SEAM } from '/js/src/open.js';
import { suite } from '/tests/js/behaviour/index.mjs';

let paths = 0;

/** Opens each store in two tabs, as it were, and gives the one that follows. */
export class Following extends VecStore {
  static async open(options) {
    if (typeof options !== 'object' || options === null) return VecStore.open(options);
    const leader = await VecStore.open({ ...options, multiTab: true });
    try {
      const follower = await VecStore.open({ ...options, multiTab: true });
      const own = follower.close.bind(follower);
      Object.defineProperty(follower, 'close', { value: () => own().then(() => leader.close()), configurable: true });
      return follower;
    } catch (error) {
      await leader.close();
      throw error;
    }
  }
}

/** Runs all cases of a storage, `follows`: through a follower; report gets [name, message or null]. */
export async function runSuite(storage, prefix, report, follows = false) {
  const newPath = () => `${prefix}-${paths++}`;
  for (const [name, run] of suite({ VecStore: follows ? Following : VecStore, follows, storage, newPath, seam: TEST_SEAM, slow: storage === 'memory' })) {
    const message = await run().then(() => null, (error) => String(error?.stack ?? error));
    report([name, message]);
  }
}
