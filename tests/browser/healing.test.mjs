// A browser's storage runs full under a store on IndexedDB, and has room again: reads go on meanwhile, writes go on
// afterwards, in the same instance. Once by the browser's own quota, which the DevTools protocol lowers, once by puts
// that fail as they do over quota (tests/browser/trouble.test.mjs does the latter on all storages, with reopening).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './server.mjs';
import { session } from './session.mjs';

const QUOTA = 16 << 20;
const chromium = session();

const newPage = (url) => chromium.newPage({ url });
const call = (page, name, ...args) => page.evaluate(([what, given]) => import('/tests/browser/healing.js').then((all) => all[what](...given)), [name, args]);

const healed = { written: 'ok', sound: [0, true], reopened: [0, true] };

for (const storage of ['idb', 'idbfs']) {
  test(`${storage}: the browser's quota is reached, then raised`, { timeout: 180_000 }, async (t) => {
    // An origin of its own: Chromium remembers for a while how much room IndexedDB had there.
    const own = await serve();
    t.after(() => own.close());
    const page = await newPage(own.url), path = `quota-${storage}`;
    const devtools = await chromium.context.newCDPSession(page);
    const raise = () => devtools.send('Storage.overrideQuotaForOrigin', { origin: own.url });
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: own.url, quotaSize: QUOTA });
    await call(page, 'begin', path, storage);
    const code = await call(page, 'fillUp', 48);
    if (code === null) {
      return t.skip('48 MiB were written under a quota of 16 MiB: this browser does not apply it to IndexedDB');
    }
    assert.equal(code, 'NO_SPACE');
    assert.deepEqual(await call(page, 'read'), [true, true]);
    assert.equal(await call(page, 'tryWrite', 51), 'NO_SPACE');
    assert.deepEqual(await call(page, 'read'), [true, true]);
    await raise();
    assert.deepEqual(await call(page, 'goOn', path, storage), healed);
  });

  test(`${storage}: puts fail for want of space, then succeed`, { timeout: 60_000 }, async () => {
    const page = await newPage(), path = `puts-${storage}`;
    await call(page, 'begin', path, storage);
    assert.equal(await call(page, 'refuse'), 'NO_SPACE');
    assert.deepEqual(await call(page, 'read'), [true, true]);
    assert.equal(await call(page, 'tryWrite', 51), 'NO_SPACE');
    assert.equal(await call(page, 'tryDelete'), 'NO_SPACE');
    assert.deepEqual(await call(page, 'read'), [true, true]);
    await call(page, 'allow');
    assert.deepEqual(await call(page, 'goOn', path, storage), healed);
    await page.close();
  });
}
