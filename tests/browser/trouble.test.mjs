// What browsers do to storage (vanished data, no space, private windows, clocks), scripted in Chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { session } from './session.mjs';

const chromium = session();

const newPage = (init) => chromium.newPage({ init });

/** Runs trouble.js's function in the page, or in a worker of it. */
const run = (page, place, name, ...args) => page.evaluate(([where, what, given]) => new Promise((resolve, reject) => {
  if (where === 'page') return import('/tests/browser/trouble.js').then((cases) => cases[what](...given)).then(resolve, reject);
  const worker = new Worker('./trouble.js', { type: 'module' });
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data: { value, error } }) => {
    worker.terminate();
    if (error) reject(new Error(error));
    else resolve(value);
  };
  worker.postMessage({ name: what, args: given });
}), [place, name, args]);

const PLACES = [['idb', 'page'], ['idbfs', 'page'], ['idb', 'worker'], ['opfs', 'worker']];

for (const [storage, place] of PLACES) {
  test(`${storage}, ${place}: a store that the browser has lost is told, once`, { timeout: 60_000 }, async () => {
    const page = await newPage();
    const warnings = [];
    page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
    const path = `lost-${storage}-${place}`;
    const write = (id) => run(page, place, 'write', { path, storage }, id);
    assert.deepEqual(await write(1), [false, 1]);
    assert.deepEqual(await write(2), [false, 2]);
    await run(page, place, 'lose', path, storage);
    assert.deepEqual(warnings, []);
    assert.deepEqual(await write(3), [true, 1]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], new RegExp(`'${path}'.*is gone`));
    assert.deepEqual(await write(4), [false, 2]);
    // Another name, or another place of the same name, is just new.
    assert.deepEqual(await run(page, place, 'write', { path: `${path}-2`, storage }, 1), [false, 1]);
    await page.close();
  });

  test(`${storage}, ${place}: no space is NO_SPACE, changes nothing and keeps reads going`, { timeout: 60_000 }, async () => {
    const page = await newPage();
    const path = `full-${storage}-${place}`;
    const got = await run(page, place, 'fill', { path, storage });
    assert.equal(got.code, 'NO_SPACE');
    assert.deepEqual([got.readable, got.errors], [true, 0]);
    // Once there is space again.
    assert.deepEqual([got.again, got.kept, got.lost], ['ok', got.acknowledged, 0]);
    await page.close();
  });

  test(`${storage}, ${place}: a clock that goes back changes nothing`, { timeout: 60_000 }, async () => {
    const page = await newPage();
    assert.deepEqual(await run(page, place, 'turnBack', { path: `back-${storage}-${place}`, storage }), [30, 0]);
    await page.close();
  });
}

test('auto, everything of the origin lost but localStorage', async () => {
  const page = await newPage();
  await run(page, 'page', 'write', { path: 'evicted' }, 1);
  await run(page, 'page', 'loseAll');
  assert.deepEqual(await run(page, 'page', 'write', { path: 'evicted' }, 1), [true, 1]);
  await page.close();
});

test('a private window that offers storage and refuses to write: memory, told; or UNSUPPORTED', async () => {
  const page = await newPage(() => {
    IDBFactory.prototype.open = function refusing() {
      const request = { error: new DOMException('A mutation operation was attempted on a database that did not allow mutations.', 'InvalidStateError') };
      setTimeout(() => request.onerror?.({ target: request, preventDefault() {} }), 1);
      return request;
    };
  });
  const warnings = [];
  page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
  assert.deepEqual(await run(page, 'page', 'kindOf', { path: 'private' }), ['memory', false]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /kept in memory only/);
  assert.match((await run(page, 'page', 'kindOf', { path: 'private', requirePersistence: true }))[0], /^UNSUPPORTED/);
  // Asked for by name it is an error, not another place.
  assert.match((await run(page, 'page', 'kindOf', { path: 'private', storage: 'idb' }))[0], /^IO/);
  await page.close();
});
