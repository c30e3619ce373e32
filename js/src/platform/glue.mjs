// glue.mjs - Emscripten's glue code of the IDBFS build. A file of its own, with glue.d.mts beside
// it, so that the type checker need not read generated code.
export { default } from '../../../dist/vecstore.idbfs.mjs';
