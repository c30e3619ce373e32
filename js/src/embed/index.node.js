// index.node.js - the entry `vecstore/embed` for Node, Deno and Bun.

import { platform } from './node.js';
import { StaticEmbedder as Embedder } from './static.js';

export { VecStoreError } from '../errors.js';

/** @typedef {import('./static.js').StaticOptions} StaticOptions */

/** The built-in embedder; load one with `StaticEmbedder.load`. */
export class StaticEmbedder extends Embedder {
  /** @type {any} */
  static platform = platform;
}
