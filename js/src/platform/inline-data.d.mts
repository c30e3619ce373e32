/** The engine's files by name: base64 of gzip. Put in by wasm/tools/bundle-inline.mjs. */
export const GZIPPED: Record<string, string>;
