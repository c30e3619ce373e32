// reembed: all vectors made anew, also of another dimension; the old ones answer meanwhile; an abort, a close, a killed
// process or a failing embedder leaves a usable store, and the next call goes on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { TEST_SEAM } from '../../js/src/open.js';
import { fails, random } from './behaviour/expect.mjs';
import { fakeEmbedder, vectorOf } from './embed/fake.mjs';

const KILLS = Number(process.env.VS_REEMBED_KILLS ?? 12);
const SEED = Number(process.env.VS_SEED ?? 20261122);
const root = mkdtempSync(join(tmpdir(), 'vecstore-reembed-'));
after(() => rmSync(root, { recursive: true, force: true }));
let paths = 0;
const newPath = () => join(root, `s${paths++}`);
const opened = [];
async function open(options) {
  opened.push(await VecStore.open(options));
  return opened.at(-1);
}
afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

const textOf = (i) => `record ${'abcdefghij'[i % 10]} ${'klmnopqrst'[Math.floor(i / 10) % 10]} ${'uvwxyz'[Math.floor(i / 100) % 6]}`;
const records = (n) => Array.from({ length: n }, (_, i) => ({ id: i, text: textOf(i), metadata: { i } }));
const OLD = { name: 'old', dimension: 16 };

/** Every record whole, with the vector that this embedder makes of its text. */
async function check(store, n, name, dimension) {
  assert.equal(await store.count(), n);
  const all = await store.get(Array.from({ length: n }, (_, i) => i));
  for (const [i, { vector, text, metadata }] of all.entries()) {
    assert.deepEqual([text, metadata], [textOf(i), { i }]);
    assert.deepEqual(vector, vectorOf(name, dimension, text), `record ${i}`);
  }
  assert.deepEqual(await store.verify(), { ok: true, errors: [], repaired: false });
  assert.deepEqual((await store.stats()).embedder, { name, dimension });
}

for (const [what, dimension] of [['another', 24], ['the same', 16]]) {
  for (const storage of ['memory', 'fs']) {
    test(`all at once, ${what} dimension, ${storage}`, async () => {
      const options = storage === 'fs' ? { path: newPath() } : {};
      const store = await open({ ...options, embedder: fakeEmbedder(OLD) });
      await store.upsert(records(1200));
      const next = fakeEmbedder({ name: 'new', dimension });
      const told = [];
      const result = await store.reembed(next, { batchSize: 100, onProgress: (progress) => told.push(progress) });
      assert.deepEqual(result, { embedded: 1200, kept: 0, resumed: 0 });
      assert.deepEqual(told, Array.from({ length: 12 }, (_, i) => ({ done: (i + 1) * 100, total: 1200 })));
      assert.ok(next.calls.every(({ kind, texts }) => kind === 'document' && texts.length === 100));
      await check(store, 1200, 'new', dimension);
      const [hit] = await store.query({ text: textOf(777), k: 1 });
      assert.ok(hit.score > 0.9999);
      await store.upsert({ id: 1200, text: textOf(1200), metadata: { i: 1200 } });
      await check(store, 1201, 'new', dimension);
      if (storage === 'memory') return;
      await store.close();
      await fails('INVALID_ARGUMENT', VecStore.open({ ...options, embedder: fakeEmbedder(OLD) }), "'old'", "'new'");
      await check(await open({ ...options, embedder: fakeEmbedder({ name: 'new', dimension }) }), 1201, 'new', dimension);
    });
  }
}

test('the store is used meanwhile: old vectors answer, writes count, what changed is embedded again', async () => {
  const path = newPath();
  const store = await open({ path, embedder: fakeEmbedder(OLD) });
  await store.upsert(records(300));
  let batches = 0;
  const next = fakeEmbedder({
    name: 'new', dimension: 24, wait: async () => {
      batches++;
      if (batches === 2) await store.upsert([{ id: 0, text: 'changed', metadata: {} }, { id: 'fresh', text: 'fresh' }]);
      if (batches === 3) await store.delete([1, 2]);
      if (batches === 4) await store.upsert({ id: 5, text: textOf(5), metadata: { touched: true } });
      if (batches > 6) return;
      assert.equal((await store.query({ text: textOf(250), k: 1 }))[0].score > 0.999, true);
      assert.deepEqual((await store.stats()).embedder, OLD);
    },
  });
  await store.reembed(next, { batchSize: 50 });
  assert.equal(await store.count(), 299);
  for (const [id, text] of [[0, 'changed'], ['fresh', 'fresh'], [5, textOf(5)], [299, textOf(299)]]) {
    assert.deepEqual((await store.get(id)).vector, vectorOf('new', 24, text));
  }
  assert.deepEqual((await store.get(5)).metadata, { touched: true });
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
  const again = await open({ path });
  assert.equal(await again.count(), 299);
  assert.deepEqual((await again.get('fresh')).vector, vectorOf('new', 24, 'fresh'));
});

test('calls that are being embedded when the new vectors take over get the new embedder’s', async () => {
  const old = fakeEmbedder(OLD);
  const store = await open({ embedder: old });
  await store.upsert(records(50));
  // A record that changes after the last batch is embedded while all other calls wait; so these calls come after the switch.
  const late = [];
  const next = fakeEmbedder({
    name: 'new', dimension: 24, wait: ([text]) => {
      if (text !== 'changed') return;
      late.push(store.upsert([{ id: 'late', text: 'late one' }, { id: 'later', text: 'later one' }]), store.query({ text: 'late one', k: 1 }),
        store.upsert({ id: 'own', vector: vectorOf('old', 16, 'x'), text: 'x' }).catch((error) => error));
    },
  });
  let told = 0;
  await store.reembed(next, { batchSize: 50, onProgress: () => { if (told++ === 0) store.upsert({ id: 0, text: 'changed' }); } });
  const [, [hit], refused] = await Promise.all(late);
  assert.deepEqual(old.calls.slice(2).map(({ texts }) => texts), [['late one', 'later one'], ['late one']]);
  assert.equal(hit.id, 'late');
  assert.deepEqual((await store.get(['late', 'later', 0])).map(({ vector }) => vector),
    ['late one', 'later one', 'changed'].map((text) => vectorOf('new', 24, text)));
  assert.deepEqual([refused.code, await store.get('own')], ['DIMENSION_MISMATCH', null]);
  assert.deepEqual((await store.verify()).errors, []);
});

test('records without text: refused with their number, or kept where the dimension stays', async () => {
  const store = await open({ embedder: fakeEmbedder(OLD) });
  const own = vectorOf('own', 16, 'x');
  await store.upsert([...records(20), { id: 'a', vector: own }, { id: 'b', vector: own }]);
  const next = fakeEmbedder({ name: 'new', dimension: 24 });
  await fails('INVALID_ARGUMENT', store.reembed(next), '2 records', "missing: 'keep'");
  await fails('INVALID_ARGUMENT', store.reembed(next, { missing: 'keep' }), '16', '24', "'new'");
  assert.equal(next.calls.length, 0);
  assert.equal((await store.stats()).reembedding, null);
  const same = fakeEmbedder({ name: 'new', dimension: 16 });
  assert.deepEqual(await store.reembed(same, { missing: 'keep' }), { embedded: 20, kept: 2, resumed: 0 });
  assert.deepEqual((await store.get('a')).vector, own);
  assert.deepEqual((await store.get(3)).vector, vectorOf('new', 16, textOf(3)));
});

test('a store without vectors gets some; an empty one and one without embedder take one', async () => {
  const texts = await open({ dimension: 0 });
  await texts.upsert(records(10));
  await texts.reembed(fakeEmbedder(OLD));
  await check(texts, 10, 'old', 16);
  const empty = await open({});
  assert.deepEqual(await empty.reembed(fakeEmbedder(OLD)), { embedded: 0, kept: 0, resumed: 0 });
  await empty.upsert({ id: 1, text: 'now by text' });
  assert.equal((await empty.query({ text: 'text' })).length, 1);
});

test('wrong arguments; one at a time', async () => {
  const store = await open({ embedder: fakeEmbedder(OLD) });
  await store.upsert(records(5));
  await fails('INVALID_ARGUMENT', store.reembed(), 'embedder must be');
  await fails('INVALID_ARGUMENT', store.reembed({ ...fakeEmbedder(), dimension: 0 }), 'dimension');
  await fails('INVALID_ARGUMENT', store.reembed({ ...fakeEmbedder(), dimension: 1e9 }), 'dimension');
  await fails('INVALID_ARGUMENT', store.reembed({ ...fakeEmbedder(), name: 'n'.repeat(97) }), '96 bytes');
  await fails('INVALID_ARGUMENT', store.reembed(fakeEmbedder(), { batchSize: 0 }), 'batchSize');
  await fails('INVALID_ARGUMENT', store.reembed(fakeEmbedder(), { missing: 'drop' }), 'missing');
  await fails('INVALID_ARGUMENT', store.reembed(fakeEmbedder(), { nonsense: 1 }), 'nonsense');
  const one = store.reembed(fakeEmbedder());
  await fails('CONFLICT', store.reembed(fakeEmbedder()), 'under way');
  await one;
  await store.reembed(fakeEmbedder());
  await check(store, 5, 'fake', 16);
});

test('an abort, a failing or a wrong embedder: the store is as before, the next call goes on', async () => {
  const path = newPath();
  let store = await open({ path, embedder: fakeEmbedder(OLD) });
  await store.upsert(records(200));
  let budget = 3;
  const breaks = (how) => fakeEmbedder({ name: 'new', dimension: 24, wait: async () => { if (budget-- === 0) await how(); } });
  const controller = new AbortController();
  const deaf = breaks(() => {
    setTimeout(() => controller.abort(new Error('enough')), 5);
    return new Promise(() => {});
  });
  const aborted = await fails('ABORTED', store.reembed(deaf, { batchSize: 20, signal: controller.signal }));
  assert.equal(aborted.cause.message, 'enough');
  await check(store, 200, 'old', 16);
  assert.deepEqual((await store.stats()).reembedding, { name: 'new', dimension: 24, done: 60 });

  budget = 2;
  const failed = await fails('IO', store.reembed(breaks(() => { throw new Error('model gone'); }), { batchSize: 20 }), 'model gone');
  assert.equal(failed.cause.message, 'model gone');
  budget = 1;
  const wrong = breaks(async () => {});
  const { embed } = wrong;
  wrong.embed = async (texts, options) => (budget === 0 ? [] : embed(texts, options));
  await fails('INVALID_ARGUMENT', store.reembed(wrong, { batchSize: 20 }), '0 vectors for 20');
  await check(store, 200, 'old', 16);

  await store.close();
  store = await open({ path, embedder: fakeEmbedder(OLD) });
  assert.equal((await store.stats()).reembedding.done, 120);
  assert.deepEqual(await store.reembed(fakeEmbedder({ name: 'new', dimension: 24 })), { embedded: 80, kept: 0, resumed: 120 });
  await check(store, 200, 'new', 24);
  assert.equal((await store.stats()).reembedding, null);
});

test('another embedder in between begins anew', async () => {
  const store = await open({ embedder: fakeEmbedder(OLD) });
  await store.upsert(records(60));
  const controller = new AbortController();
  await fails('ABORTED', store.reembed(fakeEmbedder({ name: 'a', dimension: 8 }), { batchSize: 20, signal: controller.signal, onProgress: () => controller.abort() }));
  assert.deepEqual(await store.reembed(fakeEmbedder({ name: 'b', dimension: 8 })), { embedded: 60, kept: 0, resumed: 0 });
  await check(store, 60, 'b', 8);
});

test('close interrupts; all that was acknowledged is there, and the rest goes on', async () => {
  const path = newPath();
  const store = await open({ path, embedder: fakeEmbedder(OLD) });
  await store.upsert(records(120));
  let batches = 0;
  const slow = fakeEmbedder({ name: 'new', dimension: 24, wait: () => (++batches > 3 ? new Promise(() => {}) : undefined) });
  let told;
  const halfway = new Promise((done) => { told = done; });
  const interrupted = store.reembed(slow, { batchSize: 20, onProgress: ({ done }) => { if (done === 60) told(); } });
  await halfway;
  const late = store.upsert({ id: 120, text: textOf(120), metadata: { i: 120 } });
  await Promise.all([fails('CLOSED', interrupted, 'closed'), store.close()]);
  await late;
  const again = await open({ path, embedder: fakeEmbedder(OLD) });
  await check(again, 121, 'old', 16);
  assert.deepEqual(await again.reembed(fakeEmbedder({ name: 'new', dimension: 24 })), { embedded: 61, kept: 0, resumed: 60 });
  await check(again, 121, 'new', 24);
});

test('a sync that fails during the switch poisons; reopened, the store is whole, old or new', async () => {
  for (let at = 1; at <= 3; at++) {
    const path = newPath();
    let syncs = -1;
    const backend = (real) => ({ ...real, sync: (names) => (syncs >= 0 && ++syncs === at ? Promise.reject(new Error('no disk')) : real.sync(names)) });
    const store = await VecStore.open({ path, embedder: fakeEmbedder(OLD), [TEST_SEAM]: { backend } });
    await store.upsert(records(40));
    const next = () => fakeEmbedder({ name: 'new', dimension: 24 });
    // The last batch is staged: what follows are the three syncs of the switch.
    const stopped = store.reembed(next(), { batchSize: 40, onProgress: () => { syncs = 0; } });
    await fails('IO', stopped).catch(() => fails('POISONED', stopped));
    await store.close().catch(() => {});
    const again = await open({ path });
    const { embedder } = await again.stats();
    await check(again, 40, embedder.name, embedder.dimension);
    await again.reembed(next());
    await check(again, 40, 'new', 24);
  }
});

test(`a process killed ${KILLS} times while it re-embeds: each opening is whole, and it comes to an end`, async () => {
  const next = random(SEED);
  const path = newPath();
  const child = fileURLToPath(new URL('embed/reembed-child.mjs', import.meta.url));
  const n = 900;
  {
    const store = await VecStore.open({ path, embedder: fakeEmbedder(OLD) });
    await store.upsert(records(n));
    await store.close();
  }
  let before = 0, finished = 0, resumed = 0;
  let [name, dimension] = ['old', 16];
  for (let kill = 0; kill < KILLS; kill++) {
    const target = name === 'new' ? ['old', 16] : ['new', 24];
    const said = await new Promise((resolve, reject) => {
      const process_ = spawn(process.execPath, [child, path, ...target], { stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '', err = '';
      let timer;
      process_.stdout.on('data', (data) => {
        out += data;
        timer ??= setTimeout(() => process_.kill('SIGKILL'), next() * 500);
      });
      process_.stderr.on('data', (data) => (err += data));
      process_.on('close', (code, signal) => {
        clearTimeout(timer);
        if (signal !== 'SIGKILL' && code !== 0) reject(new Error(err));
        else resolve(out.split('\n').slice(0, -1));
      });
    });
    const context = `seed ${SEED}, kill ${kill}: ${said.at(-1)}`;
    const store = await VecStore.open({ path });
    const { embedder, reembedding } = await store.stats();
    const done = said.filter((line) => /^\d+$/.test(line)).map(Number);
    if (embedder.name === target[0]) {
      finished++;
      [name, dimension] = target;
      before = 0;
    } else {
      assert.ok((reembedding?.done ?? 0) >= Math.max(before, ...done), `what was told is still there; ${context}`);
      before = reembedding?.done ?? 0;
      resumed += before > 0 ? 1 : 0;
      assert.ok(!said.at(-1).startsWith('done'), context);
    }
    await check(store, n, name, dimension);
    await store.close();
  }
  assert.ok(resumed > 0, 'some were interrupted in the middle');
  const store = await open({ path });
  await store.reembed(fakeEmbedder({ name: 'last', dimension: 12 }));
  await check(store, n, 'last', 12);
  console.log(`  ${KILLS} kills: ${resumed} interrupted in the middle, ${finished} switched`);
});
