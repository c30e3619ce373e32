// The packed tarball: what it holds, exactly; how its entries and types resolve; how large its script is.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { installPacked, root } from './project.mjs';
import { skipWithout } from './tools.mjs';

const SCRIPT_GZIP_BUDGET = 15_000;
const GLUE_GZIP_BUDGET = 22_000;
const ARTIFACTS = [
  'vecstore.simd.wasm', 'vecstore.relaxed.wasm', 'vecstore.idbfs.simd.wasm', 'vecstore.idbfs.relaxed.wasm',
  'vecstore.idbfs.mjs', 'vecstore-cli.wasm', 'urls.mjs', 'inline.mjs',
];

let project;
before(() => {
  project = installPacked();
});
after(() => project?.remove());

/** The files below a folder, as paths relative to the repository. */
function below(folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

test('the tarball holds the sources, their declarations, the artifacts, and nothing else', (t) => {
  const sources = below('js/src');
  const declarations = sources.filter((path) => path.endsWith('.js'))
    .map((path) => path.replace('js/src/', 'dist/types/').replace(/\.js$/, '.d.ts'));
  const expected = [
    'LICENSE', 'README.md', 'package.json', ...ARTIFACTS.map((name) => `dist/${name}`), ...sources, ...declarations,
  ];
  assert.deepEqual(project.files.map(({ path }) => path).sort(), expected.sort());
  t.diagnostic(`${project.files.length} files, ${readFileSync(project.tarball).length} bytes`);
});

test('publint finds nothing', { skip: skipWithout('publint') }, async () => {
  const { publint } = await import('publint');
  const { messages } = await publint({ pkgDir: join(project.dir, 'node_modules/vecstore'), strict: true, pack: false });
  assert.deepEqual(messages, []);
});

test('attw finds nothing for ES modules', { skip: skipWithout('@arethetypeswrong/core') }, async () => {
  const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core');
  const { problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(project.tarball))));
  // The package is ES modules only: what CommonJS and resolvers without `exports` see is not promised.
  const counted = problems.filter(({ resolutionKind }) => !['node10', 'node16-cjs'].includes(resolutionKind));
  assert.deepEqual(counted, []);
});

test('the script for browsers is within its budget', { skip: skipWithout('esbuild') }, async (t) => {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: project.dir, stdin: { contents: "export * from 'vecstore';", resolveDir: project.dir },
    bundle: true, minify: true, format: 'esm', splitting: true, outdir: 'size', write: false, logLevel: 'error',
  });
  const gzip = (file) => gzipSync(file.contents, { level: 9 }).length;
  const isGlue = ({ path }) => /glue/.test(path);
  const script = outputFiles.filter((file) => !isGlue(file)).reduce((sum, file) => sum + gzip(file), 0);
  const glue = gzip(outputFiles.find(isGlue));
  t.diagnostic(`script ${script} bytes of gzip, glue for idbfs ${glue}`);
  assert.ok(script <= SCRIPT_GZIP_BUDGET, `${script} bytes`);
  assert.ok(glue <= GLUE_GZIP_BUDGET, `${glue} bytes`);
});
