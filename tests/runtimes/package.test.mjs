// The packed tarball: what it holds, exactly; how its entries and types resolve; how large its script is; that its
// bundles are one program.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { installPacked, root } from './project.mjs';
import { skipWithout, tools } from './tools.mjs';

/** What importing the package in a browser loads. */
const SCRIPT_GZIP_BUDGET = 21_500;
const GLUE_GZIP_BUDGET = 22_000;
const ARTIFACTS = [
  'vecstore.simd.wasm', 'vecstore.relaxed.wasm', 'vecstore.more.wasm', 'vecstore.idbfs.simd.wasm',
  'vecstore.idbfs.relaxed.wasm', 'vecstore.idbfs.more.wasm',
  'vecstore.idbfs.mjs', 'vecstore-cli.wasm', 'vecstore.text.wasm', 'lang.bin', 'urls.mjs', 'text-urls.mjs', 'worker-urls.mjs', 'inline.mjs',
];
const GLUE = 'vecstore.idbfs.mjs';

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

/** The files of a folder that a module there imports, itself first. @param {(found: string[]) => boolean} counts */
function reached(folder, name, counts = () => true, seen = new Set()) {
  if (seen.has(name) || name === GLUE) return seen;
  seen.add(name);
  const code = readFileSync(join(folder, name), 'utf8');
  for (const found of code.matchAll(/\b(?:from|import)\s*(\(?)\s*["']\.\/([\w.-]+\.mjs)["']/g)) {
    if (counts(found)) reached(folder, found[2], counts, seen);
  }
  return seen;
}
const isStatic = ([, parenthesis]) => parenthesis === '';

/** The bundles that the package's exports name, and their parts. */
function bundles() {
  const targets = Object.values(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
    .flatMap((target) => Object.values(target)).map((path) => /^\.\/dist\/((?:browser|node)[\w.-]*\.mjs)$/.exec(path)?.[1]);
  return new Set(targets.filter(Boolean).flatMap((name) => [...reached(join(root, 'dist'), name)]));
}

test('the tarball holds the sources, their declarations, the artifacts, and nothing else', (t) => {
  const sources = below('js/src');
  const declarations = sources.filter((path) => path.endsWith('.js'))
    .map((path) => path.replace('js/src/', 'dist/types/').replace(/\.js$/, '.d.ts'));
  const expected = [
    'LICENSE', 'README.md', 'package.json', 'js/bin/vecstore.mjs', ...[...ARTIFACTS, ...bundles()].map((name) => `dist/${name}`), ...sources, ...declarations,
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
  for (const variant of ['simd', 'relaxed', 'more']) {
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

test('the script for browsers is within its budget', (t) => {
  const dist = join(project.dir, 'node_modules/vecstore/dist');
  const gzip = (name) => gzipSync(readFileSync(join(dist, name)), { level: 9 }).length;
  const atOnce = reached(dist, 'browser.mjs', isStatic);
  const script = [...atOnce].reduce((sum, name) => sum + gzip(name), 0);
  t.diagnostic(`${[...atOnce].join(', ')}: ${script} bytes of gzip, budget ${SCRIPT_GZIP_BUDGET}`);
  for (const name of reached(dist, 'browser.mjs')) if (!atOnce.has(name)) t.diagnostic(`when needed: ${name} ${gzip(name)}`);
  const glue = gzip(GLUE);
  t.diagnostic(`when needed: ${GLUE} ${glue}, budget ${GLUE_GZIP_BUDGET}`);
  assert.ok(script <= SCRIPT_GZIP_BUDGET, `${script} bytes`);
  assert.ok(glue <= GLUE_GZIP_BUDGET, `${glue} bytes`);
});

test('importing the package is one file, and its parts repeat nothing of it', () => {
  const dist = join(project.dir, 'node_modules/vecstore/dist');
  for (const entry of ['browser.mjs', 'node.mjs']) {
    assert.deepEqual([...reached(dist, entry, isStatic)], [entry]);
    for (const name of reached(dist, entry)) {
      const code = readFileSync(join(dist, name), 'utf8');
      assert.doesNotMatch(code, /sourceMappingURL/, name);
      assert.equal(/extends Error\b/.test(code), name === entry, `${name} has an error class of its own`);
    }
  }
});

test('a part throws the errors of its entry', async () => {
  const load = (name) => import(pathToFileURL(join(project.dir, 'node_modules/vecstore/dist', name)).href);
  const [{ VecStoreError }, { openIdbfs }] = [await load('browser.mjs'), await load('browser.idbfs.mjs')];
  await assert.rejects(openIdbfs({ path: '..' }), (error) => error instanceof VecStoreError && error.code === 'INVALID_ARGUMENT');
});

test('classes have their names, and imports leave nothing behind', () => {
  const code = `const before = Object.getOwnPropertyNames(globalThis).join();
    const { VecStore, VecStoreError } = await import('vecstore');
    const error = await VecStore.open({ metric: 'none' }).catch((error) => error);
    console.log(VecStore.name, VecStoreError.name, error instanceof VecStoreError, Object.getOwnPropertyNames(globalThis).join() === before);`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: project.dir, encoding: 'utf8' });
  assert.equal(said, 'VecStore VecStoreError true true\n');
});
