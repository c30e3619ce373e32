// The built-in embedder from JavaScript: where its model may come from, what it gives, what it refuses; long batches let
// other tasks run.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { StaticEmbedder } from '../../js/src/embed/index.node.js';
import { VecStore } from '../../js/src/index.node.js';
import { fails } from './behaviour/expect.mjs';

const path = fileURLToPath(new URL('../../models/static-en/static-en.bin', import.meta.url));
const wasm = fileURLToPath(new URL('../../dist/vecstore.text.wasm', import.meta.url));
const missing = !existsSync(path) ? 'models/static-en/static-en.bin is not there' : !existsSync(wasm) && 'dist/vecstore.text.wasm is not there';
const options = { skip: missing };
const closing = [];
after(() => closing.forEach((close) => close()));

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const TEXTS = ['A cat sat on the mat.', 'The kitten is sitting on a rug.', 'Stock markets fell sharply on Monday.'];

/** A server that gives the model, slowly or not at all. */
async function serve(handle) {
  const server = createServer(handle);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/model.bin`;
}

test('the model comes from a path, an address, bytes or a response; always the same', options, async () => {
  const bytes = readFileSync(path);
  const address = await serve((_, response) => response.end(bytes));
  const first = await StaticEmbedder.load(path);
  assert.ok(first.name.length > 0 && first.dimension > 0);
  const vectors = await first.embed(TEXTS, { kind: 'document' });
  for (const source of [
    pathToFileURL(path), pathToFileURL(path).href, address, new URL(address), bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length), new Response(bytes), await fetch(address),
  ]) {
    const embedder = await StaticEmbedder.load(source);
    assert.deepEqual([embedder.name, embedder.dimension], [first.name, first.dimension]);
    assert.deepEqual(await embedder.embed(TEXTS, {}), vectors);
    embedder.close();
  }
});

test('vectors of length 1; near in meaning is near; nothing known is zeros', options, async () => {
  const embedder = await StaticEmbedder.load(path);
  const [cat, kitten, stocks] = await embedder.embed(TEXTS, {});
  for (const vector of [cat, kitten, stocks]) assert.ok(vector instanceof Float32Array && Math.abs(dot(vector, vector) - 1) < 1e-5);
  assert.ok(dot(cat, kitten) > dot(cat, stocks) + 0.1);
  const [empty, blank] = await embedder.embed(['', ' \n '], {});
  for (const vector of [empty, blank]) assert.ok(vector.length === embedder.dimension && vector.every((x) => x === 0));
  assert.deepEqual(await embedder.embed([], {}), []);
  assert.deepEqual(await embedder.embed([TEXTS[0]], { kind: 'query' }), [cat]);
  assert.ok(embedder.tokens > 0);
});

test('the grouping of texts does not show', options, async () => {
  const embedder = await StaticEmbedder.load(path);
  const texts = Array.from({ length: 700 }, (_, i) => (i % 97 === 5 ? 'long word '.repeat(9000) : i % 13 === 2 ? '' : `${TEXTS[i % 3]} ${i} ü € 😀 \ud800`));
  const all = await embedder.embed(texts);
  for (const i of [0, 2, 5, 6, 102, 127, 128, 129, 255, 256, 300, 699]) assert.deepEqual(all[i], (await embedder.embed([texts[i]]))[0], `text ${i}`);
  // Two calls at the same time take turns.
  const [a, b] = await Promise.all([embedder.embed(texts.slice(0, 400)), embedder.embed(texts.slice(300))]);
  assert.deepEqual([...a, ...b.slice(100)], all);
});

test('a long batch lets other tasks run, tells its progress, and stops at the signal', options, async () => {
  const embedder = await StaticEmbedder.load(path);
  const texts = Array.from({ length: 20_000 }, (_, i) => `${TEXTS[i % 3]} and so on, number ${i}`);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const shares = [];
  const vectors = await embedder.embed(texts, { onProgress: (share) => shares.push(share) });
  clearInterval(timer);
  assert.equal(vectors.length, texts.length);
  assert.ok(turns >= 3, `${turns} turns`);
  assert.ok(shares.length > 10 && shares.every((share, i) => i === 0 || share > shares[i - 1]) && shares.at(-1) === 1);
  const controller = new AbortController();
  const stopped = embedder.embed(texts, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 5);
  assert.equal((await fails('ABORTED', stopped)).cause.message, 'enough');
  await fails('ABORTED', embedder.embed(texts, { signal: AbortSignal.abort() }));
});

test('as a store’s embedder', options, async () => {
  const embedder = await StaticEmbedder.load(path);
  const store = await VecStore.open({ embedder });
  await store.upsert(TEXTS.map((text, id) => ({ id, text })));
  assert.deepEqual((await store.query({ text: 'a small cat on a carpet', k: 3 })).map(({ id }) => id).slice(-1), [2]);
  assert.deepEqual((await store.stats()).embedder, { name: embedder.name, dimension: embedder.dimension });
  await store.close();
});

test('what is no model is refused', options, async () => {
  const bytes = readFileSync(path);
  const flipped = Uint8Array.from(bytes);
  flipped[bytes.length >> 1] ^= 1;
  for (const wrong of [new Uint8Array(0), bytes.subarray(0, 1000), bytes.subarray(0, bytes.length - 1), flipped, new TextEncoder().encode('<!doctype html>')]) {
    await fails('CORRUPT', StaticEmbedder.load(wrong));
  }
  for (const source of [5, {}, null, '', []]) await fails('INVALID_ARGUMENT', StaticEmbedder.load(source), 'model must be');
  await fails('IO', StaticEmbedder.load('/nowhere/model.bin'), '/nowhere/model.bin');
  await fails('IO', StaticEmbedder.load(await serve((_, response) => response.writeHead(404).end())), '404');
  await fails('IO', StaticEmbedder.load(new Response('gone', { status: 410 })), '410');
  await fails('INVALID_ARGUMENT', StaticEmbedder.load(path, { nonsense: 1 }), 'nonsense');
  await fails('INVALID_ARGUMENT', StaticEmbedder.load(path, { signal: 1 }), 'signal');
  const noModule = readFileSync(fileURLToPath(new URL('../../dist/vecstore.simd.wasm', import.meta.url)));
  await fails('IO', StaticEmbedder.load(path, { wasm: noModule }), 'text module');
  await fails('IO', StaticEmbedder.load(path, { wasm: new Uint8Array(3) }), 'text module');
  assert.throws(() => new StaticEmbedder(), { code: 'INVALID_ARGUMENT' });
});

test('a download is stopped by the signal', options, async () => {
  const address = await serve(() => {});
  const controller = new AbortController();
  const loading = StaticEmbedder.load(address, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 10);
  assert.equal((await fails('ABORTED', loading)).cause.message, 'enough');
  await fails('ABORTED', StaticEmbedder.load(path, { signal: AbortSignal.abort() }));
});

test('the module may be handed over; closed is closed; wrong texts', options, async () => {
  for (const given of [readFileSync(wasm), await WebAssembly.compile(readFileSync(wasm)), pathToFileURL(wasm), new Response(readFileSync(wasm))]) {
    const embedder = await StaticEmbedder.load(path, { wasm: given });
    assert.equal((await embedder.embed(['x'])).length, 1);
    embedder.close();
    embedder.close();
    await fails('CLOSED', embedder.embed(['x']));
  }
  const embedder = await StaticEmbedder.load(path);
  for (const texts of ['x', undefined, { length: 1 }]) await fails('INVALID_ARGUMENT', embedder.embed(texts), 'array of strings');
  assert.equal((await fails('INVALID_ARGUMENT', embedder.embed(['x', 5]), 'string')).index, 1);
});

test('without a source it is the package vecstore-static-en, and says so when that is absent', options, async (t) => {
  const found = await import('vecstore-static-en').catch(() => null);
  if (found) return t.skip('vecstore-static-en is installed here');
  await fails('UNSUPPORTED', StaticEmbedder.load(), 'vecstore-static-en');
});

test('importing the entries fetches and compiles nothing', async () => {
  const { spawnSync } = await import('node:child_process');
  const entry = new URL('../../js/src/embed/index.node.js', import.meta.url).href;
  const code = `let n = 0; globalThis.fetch = WebAssembly.compile = WebAssembly.instantiate = async () => { n++; };
    await import(${JSON.stringify(entry)});
    for (const name of ['openai', 'ollama', 'cohere', 'voyage', 'ai', 'transformers']) {
      await import(new URL('../adapters/' + name + '.js', ${JSON.stringify(entry)}).href);
    }
    console.log(n);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.equal(stdout, '0\n', stderr);
});
