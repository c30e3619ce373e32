// The built-in embedder in each runtime, from the packed tarball: the same bits everywhere, and a store that uses it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openChromium } from './browsers.mjs';
import { bundleWorker } from './bundle.mjs';
import { startMiniflare } from './edge.mjs';
import { installPacked, root } from './project.mjs';
import { serveFolder } from './server.mjs';
import { skipWithout, tools } from './tools.mjs';

const MODEL = join(root, 'models/static-en/static-en.bin');
const noModel = !existsSync(MODEL) && 'models/static-en/static-en.bin is not there';

/** What runs everywhere: a hash of the vectors' bytes, and what a search finds. */
const CODE = `
import { VecStore } from 'vecstore';
import { StaticEmbedder } from 'vecstore/embed';

export async function run(model) {
  const embedder = await StaticEmbedder.load(model);
  const texts = ['A cat sat on the mat.', 'Stock markets fell sharply.', 'Ünïcödé — 東京 😀', '', 'x '.repeat(5000)];
  let hash = 0;
  for (const vector of await embedder.embed(texts)) {
    for (const byte of new Uint8Array(vector.buffer)) hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const store = await VecStore.open({ embedder });
  await store.upsert(texts.map((text, id) => ({ id, text })));
  const [{ id }] = await store.query({ text: 'a kitten on a rug', k: 1 });
  await store.reembed({ name: 'length', dimension: 2, embed: async (all) => all.map((text) => [text.length, 1]) });
  const { embedder: now } = await store.stats();
  await store.close();
  return JSON.stringify([embedder.name, embedder.dimension, hash, id, now]);
}
`;

let project, expected;
before(() => {
  if (noModel) return;
  project = installPacked();
  copyFileSync(MODEL, join(project.dir, 'model.bin'));
  writeFileSync(join(project.dir, 'run.mjs'), CODE);
  writeFileSync(join(project.dir, 'process.mjs'), "import { run } from './run.mjs';\nconsole.log(await run(new URL('model.bin', import.meta.url)));\n");
  expected = execFileSync(process.execPath, ['process.mjs'], { cwd: project.dir, encoding: 'utf8' }).trim();
});
after(() => project?.remove());

for (const [name, program, args] of [['Node 24', tools.node24, []], ['Deno', tools.deno, ['run', '-A']], ['Bun', tools.bun, ['run']]]) {
  test(`${name}: the bits of Node 20`, { skip: noModel || (!program && 'not installed') }, () => {
    assert.equal(execFileSync(program, [...args, 'process.mjs'], { cwd: project.dir, encoding: 'utf8' }).trim(), expected);
  });
}

test('Chromium, no bundler: the bits of Node 20', { skip: noModel || skipWithout('chromium') }, async () => {
  const entry = '/node_modules/vecstore/js/src';
  writeFileSync(join(project.dir, 'embed-page.mjs'), "import { run } from './run.mjs';\nwindow.__result = run(new URL('model.bin', import.meta.url)).then((text) => ({ text }), (error) => ({ error: String(error.stack ?? error) }));\n");
  writeFileSync(join(project.dir, 'embed-page.html'), `<!doctype html><title>embed</title>
    <script type="importmap">{ "imports": { "vecstore": "${entry}/index.js", "vecstore/embed": "${entry}/embed/index.js" } }</script>
    <script type="module" src="embed-page.mjs"></script>`);
  const site = await serveFolder(project.dir);
  const browser = await openChromium();
  try {
    assert.equal((await browser.result(`${site.url}/embed-page.html`)).text, expected);
  } finally {
    await browser.close();
    site.close();
  }
});

test('workerd: the bits of Node 20, the model compiled in', { skip: noModel || skipWithout('miniflare', 'esbuild') }, async () => {
  writeFileSync(join(project.dir, 'embed-worker.mjs'), "import model from './model.bin';\nimport { run } from './run.mjs';\nexport default { fetch: async () => new Response(await run(model).catch((error) => String(error.stack))) };\n");
  await bundleWorker(project.dir, 'embed-worker.mjs', 'embed-worker');
  const worker = await startMiniflare(join(project.dir, 'embed-worker'), 'embed-worker.js');
  try {
    assert.equal(await (await worker.dispatchFetch('http://edge/')).text(), expected);
  } finally {
    await worker.dispose();
  }
});
