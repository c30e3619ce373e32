// more.js - what few stores need, in one piece that is loaded on first use (lazy.js).

export { ask, askMany, checkFilter, count, deletion, estimate, explain, patches, scanPage, scanStart, selectionOf, together } from './asking.js';
export { beginPipeline } from './pipeline.js';
export { repair } from './repair.js';
export { askBoth, askText, prepareText, readHybridQuery, readTextQuery } from './textual.js';
export { SchemaCheck, readLasting } from './schema.js';
