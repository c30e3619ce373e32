// index.js - the entry `vecstore/rag` for pages and workers of browsers.

import { platform } from '../embed/browser.js';
import { makeReadDocument } from './document.js';

export { VecStoreError } from '../errors.js';
export { documentKind } from './document.js';

/** @typedef {import('./document.js').Passage} Passage */
/** @typedef {import('./document.js').ReadOptions} ReadOptions */
/** @typedef {import('./document.js').DocumentKind} DocumentKind */

/** Reads a file's text and cuts it into passages. */
export const readDocument = makeReadDocument(platform);
