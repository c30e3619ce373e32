// index.js - the entry `vecstore/embed` for pages and workers of browsers.

import { platform } from './browser.js';
import { StaticEmbedder as Embedder } from './static.js';

export { VecStoreError } from '../errors.js';

/** @typedef {import('./static.js').StaticOptions} StaticOptions */

/** The built-in embedder; load one with `StaticEmbedder.load`. */
export class StaticEmbedder extends Embedder {
  /** @type {any} */
  static platform = platform;
}
