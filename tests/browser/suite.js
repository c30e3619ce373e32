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

/** Keeps each store in a worker of its own. */
class InWorker extends VecStore {
  static open(options) {
    return typeof options === 'object' && options !== null ? VecStore.open({ ...options, worker: options.worker || true }) : VecStore.open(options);
  }

  static import(source, options) {
    return VecStore.import(source, { ...options, worker: options?.worker || true });
  }
}

/** Runs all cases of a storage, by way of a 'follower', a 'worker' or directly; report gets [name, message or null]. */
export async function runSuite(storage, prefix, report, way) {
  const newPath = () => `${prefix}-${paths++}`;
  const Store = way === 'follower' ? Following : way === 'worker' ? InWorker : VecStore;
  const seam = way === 'worker' ? undefined : TEST_SEAM; // It does not travel.
  const slow = storage === 'memory' && !way;
  for (const [name, run] of suite({ VecStore: Store, follows: way === 'follower', storage, newPath, seam, slow })) {
    const message = await run().then(() => null, (error) => String(error?.stack ?? error));
    report([name, message]);
  }
}
