// bundle.mjs DIST - js/ as few files: one per runtime, and one beside it for each part that is loaded when needed.
//
// Modules that a page fetches one after the other cost more time than all that they do. So what an entry imports
// statically becomes DIST/<target>.mjs, and what is imported with import() becomes DIST/<target>.<module>.mjs. A part
// never repeats a module of its entry, as there must be one VecStoreError and one cache of compiled engines: it
// imports the names it needs from the entry's file, which exports them under names that begin with $. (esbuild's own
// splitting would move what both need into a third file, for which a page then waits.) There are no source maps: the
// sources are in the package, and only the browser's file is minified.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * What is bundled: `entry` is a file of js/src. `exports` are further entries of the package in the same runtime, by
 * the name of their part: { rag: 'rag.js' } becomes DIST/<target>.rag.mjs.
 */
const TARGETS = [
  {
    name: 'browser', entry: 'index.js',
    exports: { embed: 'embed/index.js', rag: 'rag/index.js', worker: 'worker/entry.js' },
    options: { minify: true },
  },
  {
    name: 'node', entry: 'index.node.js', exports: { embed: 'embed/index.node.js', rag: 'rag/index.node.js', worker: 'worker/entry.node.js' },
    options: { platform: 'node' },
  },
];
/** Modules that only pass on a file of dist/: import() loads that file. */
const PASSED_ON = { 'glue.mjs': './vecstore.idbfs.mjs' };

const src = fileURLToPath(new URL('../../js/src/', import.meta.url));
const dist = resolve(process.argv[2]);
const COMMON = {
  absWorkingDir: src, outdir: dist, outExtension: { '.js': '.mjs' }, bundle: true, write: false, metafile: true,
  format: 'esm', target: 'es2022', legalComments: 'none', logLevel: 'warning',
  external: ['vecstore-static-en'], // The optional peer.
};

/** What the entry's file calls a name of one of its modules. @param {string} module @param {string} name */
const alias = (module, name) => `$${relative(src, module).replace(/\.m?js$/, '').replace(/\W/g, '_')}_${name}`;

/**
 * Plugin: import() stays, and what it loads becomes a part.
 * @param {string} target
 * @param {Map<string, string>} parts module -> name; grows
 */
const keepDynamic = (target, parts) => ({
  name: 'keep-dynamic',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const module = resolve(resolveDir, path);
      const passedOn = PASSED_ON[basename(module)];
      if (!passedOn && !parts.has(module)) parts.set(module, basename(module).replace(/\.m?js$/, ''));
      return { path: passedOn ?? `./${target}.${parts.get(module)}.mjs`, external: true };
    });
  },
});

/**
 * Plugin: what the entry's file has is imported from there.
 * @param {string} self that file, as its parts see it
 * @param {Map<string, string[]>} shared its modules and their exports
 */
const takeFromEntry = (self, shared) => ({
  name: 'take-from-entry',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir, namespace, importer }) => {
      if (namespace === 'entry') return { path: self, external: true, sideEffects: false };
      const module = resolve(resolveDir, path);
      if (kind === 'dynamic-import' || !shared.has(module)) return undefined;
      // One for each importer, or esbuild would make a file of what several import.
      return { path: module, suffix: `?${importer}`, namespace: 'entry', sideEffects: false };
    });
    // A statement for each name: esbuild leaves out statements that are not used, but not names of one.
    onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => ({
      contents: shared.get(path).map((name) => `export { ${alias(path, name)} as ${name} } from '${self}';`).join('\n'),
      resolveDir: src,
    }));
  },
});

/** What each module exports. @param {string[]} modules @param {object} options @param {object} plugin
 * @returns {Promise<Map<string, string[]>>} */
async function exportsOf(modules, options, plugin) {
  const { metafile } = await build({ ...COMMON, ...options, plugins: [plugin], entryPoints: modules, outbase: '/' });
  return new Map(Object.values(metafile.outputs).map(({ entryPoint, exports }) => [join(src, entryPoint), exports]));
}

/** The parts' files, and those of parts that only parts import. */
async function bundleParts(target, options, parts, shared) {
  const plugins = [takeFromEntry(`./${target}.mjs`, shared), keepDynamic(target, parts)];
  let files = [];
  for (let known = 0; known !== parts.size;) {
    known = parts.size;
    const twice = [...parts.keys()].find((module) => shared.has(module));
    if (twice) throw new Error(`${relative(src, twice)} is imported with import() but also statically`);
    if (new Set(parts.values()).size !== known) throw new Error(`two of these have one name: ${[...parts.keys()]}`);
    const entryPoints = [...parts].map(([module, part]) => ({ in: module, out: `${target}.${part}` }));
    const splitting = { splitting: true, chunkNames: `${target}.shared-[hash]` };
    ({ outputFiles: files } = await build({ ...COMMON, ...options, ...splitting, plugins, entryPoints }));
  }
  return files;
}

/** @returns {Promise<{ path: string, text: string }[]>} the files of one target */
async function bundle({ name, entry, exports, options }) {
  const parts = new Map(Object.entries(exports).map(([part, file]) => [join(src, file), part]));
  const plugin = keepDynamic(name, parts);
  const buildEntry = (lines) => build({
    ...COMMON, ...options, plugins: [plugin], stdin: { contents: lines.join('\n'), resolveDir: src, sourcefile: name },
  });
  const all = `export * from './${entry}';`;
  const { metafile } = await buildEntry([all]);
  const modules = Object.keys(metafile.inputs).filter((path) => path !== name).map((path) => join(src, path));
  const shared = await exportsOf(modules, options, plugin);
  const files = await bundleParts(name, options, parts, shared);

  const wanted = new Set(files.flatMap(({ text }) => text.match(/\$\w+/g) ?? []));
  const internal = [...shared].flatMap(([module, names]) => names.map((exported) => [module, exported]))
    .filter(([module, exported]) => wanted.has(alias(module, exported)))
    .map(([module, exported]) => `export { ${exported} as ${alias(module, exported)} } from '${module}';`);
  const { outputFiles: [{ text }] } = await buildEntry([all, ...internal]);
  return [{ path: join(dist, `${name}.mjs`), text }, ...files];
}

for (const target of TARGETS) {
  const files = await bundle(target);
  const stale = readdirSync(dist).filter((file) => file.startsWith(`${target.name}.`) && file.endsWith('.mjs'));
  for (const file of stale) rmSync(join(dist, file));
  for (const { path, text } of files) writeFileSync(path, text);
}
