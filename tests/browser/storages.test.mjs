// idb and opfs beyond the behaviour suite, and what 'auto' chooses, in Chromium.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { session } from './session.mjs';

const chromium = session();

async function newPage() {
  const page = await chromium.newPage();
  await page.evaluate(async () => {
    window.cases = await import('/tests/browser/storage-cases.js');
    const worker = new Worker('./storage-worker.js', { type: 'module' });
    window.inWorker = (name, args) => new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data: answer }) => resolve(answer);
      worker.postMessage({ name, args });
    });
    window.inPage = (name, args) => window.cases[name](...args).then(
      (value) => ({ value }), (error) => ({ error: `${error?.code ?? error?.name}: ${error?.message}` }));
  });
  return page;
}

/** Runs a case in a place; its error is thrown as `CODE: message`. */
async function run(page, place, name, ...args) {
  const answer = await page.evaluate(([where, what, given]) => window[where](what, given),
    [place === 'worker' ? 'inWorker' : 'inPage', name, args]);
  if (answer.error) throw new Error(answer.error);
  return answer.value;
}

describe('auto', () => {
  test('prefers the private file system in a worker and IndexedDB in a page', async () => {
    const page = await newPage();
    assert.deepEqual(await run(page, 'page', 'openAndTell', { path: 'fresh-page' }), ['idbfs', true, 0]);
    assert.deepEqual(await run(page, 'worker', 'openAndTell', { path: 'fresh-worker' }), ['opfs', true, 0]);
    await run(page, 'page', 'close');
    await run(page, 'worker', 'close');
    await page.close();
  });

  test('opens a store that is there, wherever it is', async () => {
    const page = await newPage();
    for (const storage of ['idbfs', 'idb', 'opfs']) {
      const path = `known-${storage}`;
      await run(page, 'worker', 'openAndTell', { path, storage });
      await run(page, 'worker', 'write', 1);
      await run(page, 'worker', 'close');
      assert.deepEqual(await run(page, 'worker', 'openAndTell', { path }), [storage, true, 1]);
      await run(page, 'worker', 'close');
      if (storage === 'opfs') {
        await assert.rejects(run(page, 'page', 'openAndTell', { path }), /UNSUPPORTED: storage 'opfs' needs a dedicated worker/);
      } else {
        assert.deepEqual(await run(page, 'page', 'openAndTell', { path }), [storage, true, 1]);
        await run(page, 'page', 'close');
      }
    }
    await page.close();
  });
});

for (const storage of ['idb', 'opfs']) {
  describe(storage, () => {
    test('a second opener is told, and a store outlives its page', async () => {
      const first = await newPage();
      const second = await newPage();
      await run(first, 'worker', 'openAndTell', { path: 'shared', storage });
      await run(first, 'worker', 'write', 1);
      await assert.rejects(run(second, 'worker', 'openAndTell', { path: 'shared', storage }), /LOCKED: .*'shared'/);
      await first.close();
      assert.deepEqual(await run(second, 'worker', 'openAndTell', { path: 'shared', storage }), [storage, true, 1]);
      await run(second, 'worker', 'close');
      await second.close();
    });

    test('a commit writes in proportion to itself', async (t) => {
      const page = await newPage();
      const bytes = await run(page, 'worker', 'costs', { path: 'cost', storage });
      t.diagnostic(`bytes written by an upsert of 384 floats: ${Math.min(...bytes)} to ${Math.max(...bytes)}`);
      assert.ok(Math.min(...bytes) > 1536 && Math.max(...bytes) < 16 * 1024, bytes.join());
      await page.close();
    });
  });
}

test('idb: an aborted transaction fails the writes, poisons, and leaves what was acknowledged', { timeout: 60_000 }, async () => {
  const page = await newPage();
  const codes = await run(page, 'page', 'abort');
  assert.deepEqual(codes, ['IO', 'POISONED', 1, 0]);
  await page.close();
});

test('opfs: headers that a crash tore are of nobody, and names are no paths', async () => {
  const page = await newPage();
  const found = await run(page, 'worker', 'tear');
  assert.deepEqual(found, [1, 0, true]);
  for (const path of ['../x', 'a/b', '..', 'ü']) {
    await assert.rejects(run(page, 'worker', 'openAndTell', { path, storage: 'opfs' }), /INVALID_ARGUMENT: path/);
  }
  await page.close();
});
