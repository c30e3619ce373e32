// index.node.js - the package's entry for Node, Deno and Bun.

import { platform } from './platform/node.js';
import { VecStore as Store } from './store.js';

export { VecStoreError } from './errors.js';
export * from './types.js';

/**
 * A vector store; open one with `VecStore.open`.
 * @template {object} [M=Record<string, any>] what the metadata is
 * @extends {Store<M>}
 */
export class VecStore extends Store {
  /** @type {any} */
  static platform = platform;
  /** Whatever a minifier calls the class. @internal */
  static name = 'VecStore';
}
