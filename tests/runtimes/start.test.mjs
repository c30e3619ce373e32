// What an isolate needs to start: time to the first answer and to an imported index (printed), and memory (asserted).
// First answer: import, open, insert ten records, query (site/first-result.mjs), the median of fresh processes or pages.
//
// The data are as large as 100,000 vectors of 384 int8 components: 96 floats each. The graph over a fifth of them is
// built by default, over all under VS_TIER=ci; the bounds are per record.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { random, randomVector } from '../js/behaviour/expect.mjs';
import { openChromium } from './browsers.mjs';
import { bundlePages } from './bundle.mjs';
import { addSuite, installPacked } from './project.mjs';
import { serveFolder } from './server.mjs';
import { skipWithout, tools } from './tools.mjs';

const DIMENSION = 96, RECORDS = 100_000;
const START_RECORDS = 10_000;
const STARTS = 5;
/** WASM memory after an import (it never shrinks, so this is its peak) and the JavaScript heap. */
const MEMORY_BUDGET = 96 * 2 ** 20;

const { NODE_TEST_CONTEXT, ...env } = process.env;
let project;
before(async () => {
  project = installPacked();
  addSuite(project.dir);
  if (!skipWithout('esbuild')) await bundlePages(project.dir);
  await build(START_RECORDS);
});
after(() => project?.remove());

/** Writes index.bin: points around 200 centres under HNSW; without codes, which take memory for speed. */
async function build(n) {
  const next = random(5);
  const centres = Array.from({ length: 200 }, () => randomVector(next, DIMENSION));
  const store = await VecStore.open({ quantization: 'none', index: { type: 'hnsw', efConstruction: 40 } });
  const record = (_, id) => ({ id, vector: randomVector(next, DIMENSION).map((x, i) => centres[id % 200][i] + 0.4 * x) });
  await store.upsert(Array.from({ length: n }, record));
  writeFileSync(join(project.dir, 'index.bin'), await store.export());
  await store.close();
}

const startIn = (program, n) => JSON.parse(execFileSync(program, ['--expose-gc', 'start-process.mjs', String(n)], {
  cwd: project.dir, encoding: 'utf8', env,
}));
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Starts anew several times; what that took, in words. @param {() => any} start */
async function inWords(start) {
  const results = [];
  for (let i = 0; i < STARTS; i++) results.push(await start());
  const [first, ms] = ['first', 'ms'].map((key) => median(results.map((result) => result[key])).toFixed(0));
  return `import to first result ${first} ms, ${START_RECORDS} records imported in ${ms} ms (medians of ${STARTS})`;
}

for (const [name, program, needs] of [['Node', process.execPath, []], ['Node 24', tools.node24, ['node24']]]) {
  test(`${name}: start-up`, { skip: skipWithout(...needs) }, async (t) => t.diagnostic(await inWords(() => startIn(program, START_RECORDS))));
}

test('Chromium from localhost: start-up', { skip: skipWithout('chromium', 'esbuild') }, async (t) => {
  const site = await serveFolder(project.dir);
  const browser = await openChromium();
  try {
    for (const [how, page] of [['no bundler', 'start.html'], ['esbuild', 'bundled-start-page.html']]) {
      // The first page of a browser also starts its processes.
      await browser.result(`${site.url}/${page}?records=${START_RECORDS}`);
      t.diagnostic(`${how}: ${await inWords(() => browser.result(`${site.url}/${page}?records=${START_RECORDS}`))}`);
    }
  } finally {
    await browser.close();
    site.close();
  }
});

test(`${RECORDS} vectors of ${DIMENSION} floats fit into an isolate's memory`, async (t) => {
  await build(RECORDS);
  const { wasm, used, heap } = startIn(process.execPath, RECORDS);
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  t.diagnostic(`${mib(wasm)} of WASM memory after an import, ${mib(used)} of it in use, and ${mib(heap)} of JavaScript heap`);
  assert.ok(wasm + heap <= MEMORY_BUDGET, `${mib(wasm)} and ${mib(heap)}`);
});
