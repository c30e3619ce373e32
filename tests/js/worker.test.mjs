// `worker: true` in this runtime: the behaviour suite through a thread, and what is particular to one: functions and
// signals that stay behind, streams, large answers, a thread that dies, and processes that end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { VecStore } from '../../js/src/index.node.js';
import { suite } from './behaviour/index.mjs';

const SCRIPT = new URL('../../dist/node.worker.mjs', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'vecstore-worker-'));
after(() => rmSync(root, { recursive: true, force: true }));

let paths = 0;
const newPath = () => join(root, `s${paths++}`);

for (const storage of ['memory', 'fs']) {
  describe(`storage ${storage}, in a worker`, () => {
    const extra = { worker: true };
    const cases = [...suite({ VecStore, storage, newPath, extra, slow: false })];
    assert.ok(cases.length > 60, `${cases.length} cases`);
    for (const [name, run] of cases) test(name, run);
  });
}

const record = (id, vector = [1, 0, 0]) => ({ id, vector, metadata: { id } });

/** A store whose threads can be killed: `threads` holds all that were started. */
async function mortal(options = {}) {
  const threads = [];
  const worker = () => {
    threads.push(new Worker(SCRIPT));
    return threads.at(-1);
  };
  return { store: await VecStore.open({ dimension: 3, ...options, worker }), threads };
}

test('a thread that dies is followed by another: nothing acknowledged is lost, nothing is written twice', async () => {
  const { store, threads } = await mortal({ path: newPath() });
  const acknowledged = [];
  for (let i = 0; i < 40; i++) {
    const writes = Array.from({ length: 6 }, (_, k) => store.upsert(record(`r${i}-${k}`)).then((result) => {
      assert.deepEqual(result, { inserted: 1, updated: 0 }, 'a write that was done and is asked for again is told as it was');
      acknowledged.push(`r${i}-${k}`);
    }));
    if (i % 10 === 5) setTimeout(() => threads.at(-1).terminate(), i % 3);
    await Promise.all(writes);
  }
  assert.equal(threads.length, 5);
  assert.equal(await store.count(), 240);
  assert.equal(acknowledged.length, 240);
  assert.ok((await store.get(acknowledged)).every((one) => one !== null));
  assert.equal((await store.verify()).ok, true);
  await store.close();
});

test('what lay in memory only is gone with its thread, and that is said', async () => {
  const { store, threads } = await mortal();
  await store.upsert(record('a'));
  const waiting = store.upsert(Array.from({ length: 2000 }, (_, i) => record(`b${i}`)));
  threads[0].terminate();
  await assert.rejects(waiting, { code: 'WORKER_LOST' });
  await assert.rejects(store.count(), { code: 'WORKER_LOST', message: /kept in memory/ });
  assert.equal(threads.length, 1);
  await store.close().catch(() => {});
});

test('a thread that dies again and again is given up; a later opening finds everything', async () => {
  const path = newPath();
  const { store, threads } = await mortal({ path });
  await store.upsert(record('a'));
  for (let deaths = 0; deaths < 3; deaths++) {
    await threads[deaths].terminate();
    while (deaths < 2 && threads.length === deaths + 1) await new Promise((done) => setTimeout(done, 5));
  }
  await assert.rejects(store.count(), { code: 'WORKER_LOST' });
  assert.equal(threads.length, 3);
  await store.close().catch(() => {});
  const again = await VecStore.open({ path });
  assert.equal(await again.count(), 1);
  await again.close();
});

test('a script that is not there is an error of opening', async () => {
  const worker = () => new Worker(new URL('no-such-script.mjs', import.meta.url));
  await assert.rejects(VecStore.open({ worker }), { code: 'WORKER_LOST', message: /no-such-script/ });
});

test('an error of opening is the store’s own', async () => {
  const path = newPath();
  const holder = await VecStore.open({ path, dimension: 3 });
  await assert.rejects(VecStore.open({ path, worker: true }), { code: 'LOCKED' });
  await holder.close();
  await assert.rejects(VecStore.open({ path, worker: true, metric: 'dot' }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(VecStore.open({ worker: 1 }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(VecStore.open({ worker: true, dimension: -1 }), { code: 'INVALID_ARGUMENT' });
});

test('the caller’s functions run here: embedders, progress, reranking', async () => {
  const texts = [];
  const embedder = {
    name: 'lengths', dimension: 2,
    embed: async (all) => all.map((text) => {
      texts.push(text);
      return [text.length, 1];
    }),
  };
  const shares = [];
  const store = await VecStore.open({ embedder, worker: true, path: newPath(), onProgress: (share) => shares.push(share) });
  await store.upsert([{ id: 1, text: 'a' }, { id: 2, text: 'abcdefgh' }]);
  const [hit] = await store.query({ text: 'abcdefghi', k: 1 });
  assert.equal(hit.id, 2);
  assert.deepEqual(texts, ['a', 'abcdefgh', 'abcdefghi']);
  await store.close();
  const broken = await VecStore.open({
    worker: true, embedder: { ...embedder, embed: async () => { throw new RangeError('no tokens left'); } },
  });
  await assert.rejects(broken.upsert({ id: 1, text: 'a' }), /no tokens left/);
  await broken.close();
});

test('an embedder may live in the worker, whose script is the caller’s', async () => {
  const script = `
    import { serve } from ${JSON.stringify(SCRIPT.href)};
    serve({ embedder: { name: 'inside', dimension: 2, embed: async (all) => all.map((text) => [text.length, 1]) } });
  `;
  const worker = () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const store = await VecStore.open({ worker });
  await store.upsert([{ id: 1, text: 'a' }, { id: 2, text: 'abcdefgh' }]);
  assert.equal((await store.query({ text: 'abcdefgh', k: 1 }))[0].id, 2);
  assert.equal((await store.stats()).embedder.name, 'inside');
  await store.close();
});

test('a signal stops what waits in the worker, and a bulk load between two batches', async () => {
  const store = await VecStore.open({ dimension: 3, worker: true });
  const first = store.upsert(Array.from({ length: 2000 }, (_, i) => record(i, [i, 1, 2])));
  const control = new AbortController();
  const second = store.upsert(record('second'), { signal: control.signal });
  control.abort(new Error('enough'));
  await assert.rejects(second, (error) => error.code === 'ABORTED' && error.cause.message === 'enough');
  await first;
  assert.equal(await store.count(), 2000);
  const stop = new AbortController();
  async function* records() {
    for (let i = 0;; i++) yield record(`m${i}`, [i, 2, 1]);
  }
  const onProgress = ({ inserted }) => inserted >= 300 && stop.abort();
  await assert.rejects(store.upsertMany(records(), { batchSize: 100, signal: stop.signal, onProgress }), { code: 'ABORTED' });
  assert.equal(await store.count(), 2300);
  await store.close();
});

test('an export streams out of the worker, and into another', async () => {
  const store = await VecStore.open({ dimension: 3, worker: true });
  await store.upsert(Array.from({ length: 500 }, (_, i) => record(`r${i}`, [i, 1, 2])));
  const copy = await VecStore.import(await store.exportStream(), { worker: true });
  assert.equal(await copy.count(), 500);
  const stream = await store.exportStream();
  await stream.cancel();
  assert.equal(await store.count(), 500, 'a cancelled stream gives the store’s turn back');
  const pieces = [];
  for await (const piece of await store.exportStream()) pieces.push(piece);
  const third = await VecStore.import(pieces, {});
  assert.equal(await third.count(), 500);
  await Promise.all([store, copy, third].map((one) => one.close()));
});

test('answers are given away, not copied; what was sent may be changed at once', async () => {
  const store = await VecStore.open({ dimension: 3, worker: true });
  const vector = new Float32Array([1, 2, 3]);
  const written = store.upsert({ id: 'a', vector });
  vector.fill(0);
  await written;
  assert.deepEqual([...(await store.get('a', { include: ['vector'] })).vector], [1, 2, 3]);
  assert.equal((await store.stats()).engine.worker, true);
  await store.close();
});

test('a process ends although a store in a worker is open, but not while a call is under way', () => {
  const entry = fileURLToPath(new URL('../../js/src/index.node.js', import.meta.url));
  const code = `
    import { VecStore } from ${JSON.stringify(entry)};
    const store = await VecStore.open({ dimension: 2, worker: true });
    store.upsert({ id: 1, vector: [1, 2] }).then(() => console.log('written'));
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 60_000, encoding: 'utf8' });
  assert.equal(said.trim(), 'written');
});
