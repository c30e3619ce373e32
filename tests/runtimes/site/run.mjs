// run.mjs - the behaviour suite over the installed package, in whatever runtime imports this.
import { VecStore } from 'vecstore';
import { suite } from './behaviour/index.mjs';

/**
 * @param {string[]} storages
 * @param {(n: number) => string} pathOf the n-th path that stores may use
 * @param {boolean} [slow] also the long cases, in the first storage
 */
export async function runSuite(storages, pathOf, slow = true) {
  let paths = 0;
  let passed = 0;
  const failures = [];
  for (const storage of storages) {
    const newPath = () => pathOf(paths++);
    for (const [name, run] of suite({ VecStore, storage, newPath, slow: slow && storage === storages[0] })) {
      try {
        await run();
        passed++;
      } catch (error) {
        failures.push(`${storage}, ${name}: ${error?.stack ?? error}`);
      }
    }
  }
  const store = await VecStore.open({ storage: 'memory' });
  const { simd } = (await store.stats()).engine;
  await store.close();
  return { simd, passed, failures };
}
