// The packed tarball: what it holds, exactly; how its entries and types resolve; how large its script is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { installPacked, root } from './project.mjs';
import { skipWithout, tools } from './tools.mjs';

const SCRIPT_GZIP_BUDGET = 17_000;
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

test('the raw files can be had by name, and an engine be handed over', () => {
  const run = (code) => execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: project.dir, encoding: 'utf8' });
  for (const variant of ['simd', 'relaxed']) {
    const url = run(`console.log(import.meta.resolve('vecstore/wasm/vecstore.${variant}.wasm'))`).trim();
    assert.deepEqual(readFileSync(new URL(url)), readFileSync(join(root, `dist/vecstore.${variant}.wasm`)));
  }
  assert.equal(run(`import { readFileSync } from 'node:fs'; import { VecStore } from 'vecstore';
    const wasm = readFileSync(new URL(import.meta.resolve('vecstore/wasm/vecstore.simd.wasm')));
    const store = await VecStore.open({ wasm }); console.log((await store.stats()).engine.simd);`), 'custom\n');
});

for (const [name, program, args] of [['Node', process.execPath, ['--input-type=module', '-e']], ['Deno', tools.deno, ['eval']], ['Bun', tools.bun, ['-e']]]) {
  test(`vecstore/inline needs no files: ${name}`, { skip: !program && 'not installed' }, () => {
    const code = "import { VecStore } from 'vecstore/inline'; const s = await VecStore.open(); console.log(await s.count()); await s.close();";
    assert.equal(execFileSync(program, [...args, code], { cwd: project.dir, encoding: 'utf8' }), '0\n');
  });
}

test('the script for browsers is within its budget', { skip: skipWithout('esbuild') }, async (t) => {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: project.dir, metafile: true, entryNames: 'entry', stdin: { contents: "export * from 'vecstore';", resolveDir: project.dir },
    bundle: true, minify: true, format: 'esm', splitting: true, outdir: 'size', write: false, logLevel: 'error',
  });
  const gzip = (file) => gzipSync(file.contents, { level: 9 }).length;
  const isGlue = ({ path }) => /glue/.test(path);
  // What the entry imports statically; the rest is loaded on first use.
  const first = new Set();
  const follow = (path) => {
    if (first.has(path)) return;
    first.add(path);
    for (const { path: next, kind } of metafile.outputs[path].imports) if (kind === 'import-statement') follow(next);
  };
  follow('size/entry.js');
  const sizeOf = (wanted) => outputFiles.filter((file) => !isGlue(file) && [...first].some((path) => file.path.endsWith(path)) === wanted)
    .reduce((sum, file) => sum + gzip(file), 0);
  const script = sizeOf(true);
  const glue = gzip(outputFiles.find(isGlue));
  t.diagnostic(`script ${script} bytes of gzip, loaded on first use ${sizeOf(false)}, glue for idbfs ${glue}`);
  assert.ok(script <= SCRIPT_GZIP_BUDGET, `${script} bytes`);
  assert.ok(glue <= GLUE_GZIP_BUDGET, `${glue} bytes`);
});
