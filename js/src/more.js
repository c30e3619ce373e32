// more.js - what few stores need, in one piece that is loaded on first use (lazy.js).

export { ask, askMany, checkFilter, count, deletion, estimate, explain, patches, scanPage, scanStart, selectionOf, together } from './asking.js';
export { beginPipeline } from './pipeline.js';
export { repair } from './repair.js';
export { askFused, prepareSides, readHybridQuery } from './hybrid.js';
export { askText, prepareText, readTextQuery } from './textual.js';
export { autocomplete, suggest } from './suggest.js';
export { SchemaCheck, readLasting } from './schema.js';
