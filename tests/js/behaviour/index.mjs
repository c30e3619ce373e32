// index.mjs - the behaviour suite: one list of cases for every runtime and every storage.
//
// A case is a function of a harness:
//   VecStore, storage, persistent       what is tested
//   open(options), tryOpen(options)     opens a store there; `path` is a short name local to the case. What open
//                                       gave is closed when the case ends
//   newPath()                           a path of its own, for VecStore.open and import
//   seam                                the symbol of the test seam (js/src/open.js), where it can be imported

import * as durability from './durability.mjs';
import * as embedding from './embedding.mjs';
import * as filters from './filters.mjs';
import * as ids from './ids.mjs';
import * as metadata from './metadata.mjs';
import * as options from './options.mjs';
import * as order from './order.mjs';
import * as portable from './portable.mjs';
import * as reads from './reads.mjs';
import * as recall from './recall.mjs';
import * as reopening from './reopening.mjs';
import * as scores from './scores.mjs';
import * as snapshots from './snapshots.mjs';
import * as text from './text.mjs';
import * as textReopening from './text-reopening.mjs';
import * as vectors from './vectors.mjs';
import * as writes from './writes.mjs';

const GROUPS = {
  ids, vectors, writes, metadata, reads, scores, filters, options, reopening, order, durability, portable, snapshots, recall,
  embedding, text, 'text reopening': textReopening,
};

/**
 * The cases that apply, as [name, run].
 * @param {{ VecStore: any, storage: string, newPath: () => string | undefined, seam?: symbol, slow?: boolean,
 *   extra?: object, follows?: boolean }} environment extra: options of every open; follows: VecStore gives stores of
 *   another tab, which are not locked and repair themselves, so that some cases do not apply
 */
export function* suite({ VecStore, storage, newPath, seam, slow = true, extra = {}, follows = false }) {
  const persistent = storage !== 'memory';
  for (const [group, module] of Object.entries(GROUPS)) {
    if ((module.needsPersistence && !persistent) || (module.needsSeam && !seam) || (module.slow && !slow)) continue;
    for (const [name, run] of Object.entries(module.cases)) {
      if (follows && module.ofOneTab?.includes(name)) continue;
      yield [`${group}: ${name}`, async () => {
        const opened = [];
        const paths = new Map();
        const at = ({ path, ...options } = {}) => {
          // A case that gives a path of no plain name tests just that.
          if (path === undefined || path === '' || typeof path !== 'string' || path === ':memory:') {
            return { storage, ...(path === undefined ? { path: newPath() } : { path }), ...extra, ...options };
          }
          if (!paths.has(path)) paths.set(path, newPath());
          return { storage, path: paths.get(path), ...extra, ...options };
        };
        const tryOpen = async (options = {}) => VecStore.open(typeof options === 'object' ? at(options) : options);
        const open = async (options) => {
          const store = await tryOpen(options);
          opened.push(store);
          return store;
        };
        try {
          await run({ VecStore, storage, persistent, open, tryOpen, newPath, seam });
        } finally {
          await Promise.allSettled(opened.map((store) => store.close()));
        }
      }];
    }
  }
}
