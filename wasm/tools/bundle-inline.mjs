// bundle-inline.mjs OUT - the package as one file: js/ bundled, the engine's modules and languages within as base64 of gzip.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const names = ['vecstore.simd.wasm', 'vecstore.relaxed.wasm', 'vecstore.more.wasm', 'vecstore.idbfs.simd.wasm',
  'vecstore.idbfs.relaxed.wasm', 'vecstore.idbfs.more.wasm', 'lang.bin'];

/** Answers the import of inline-data.mjs, which no file is behind. */
const data = {
  name: 'inline-data',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/inline-data\.mjs$/ }, () => ({ path: 'inline-data', namespace: 'inline' }));
    onLoad({ filter: /.*/, namespace: 'inline' }, () => {
      const packed = names.map((name) => [name, gzipSync(readFileSync(`${root}dist/${name}`), { level: 9 }).toString('base64')]);
      return { contents: `export const GZIPPED = ${JSON.stringify(Object.fromEntries(packed))};` };
    });
  },
};

await build({
  entryPoints: [`${root}js/src/index.inline.js`],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
  plugins: [data],
});
