// bundle.mjs - bundles a project the way its user would: esbuild for pages and for Workers.
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Pages: esbuild leaves the addresses of the .wasm files alone, so they are copied beside its output. */
export async function bundlePages(dir) {
  const { build } = await import('esbuild');
  const entries = ['page.mjs', 'page-of-worker.mjs', 'page-worker.mjs', 'start-page.mjs'];
  await build({
    absWorkingDir: dir, entryPoints: entries, outdir: 'out', bundle: true, format: 'esm', splitting: true, minify: true,
    keepNames: true, logLevel: 'error',
  });
  const dist = join(dir, 'node_modules/vecstore/dist');
  for (const name of readdirSync(dist)) {
    if (/^vecstore\..*\.wasm$/.test(name)) copyFileSync(join(dist, name), join(dir, 'out', name));
  }
}

/** Workers: .wasm files stay imports, which the runtime has compiled beforehand; wrangler does the same. */
export async function bundleWorker(dir, entry, outdir) {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: dir, entryPoints: [entry], outdir, bundle: true, format: 'esm', logLevel: 'error',
    conditions: ['workerd', 'worker', 'browser'], loader: { '.wasm': 'copy', '.bin': 'copy' }, assetNames: '[name]',
    external: ['cloudflare:*', 'node:*'],
  });
}
