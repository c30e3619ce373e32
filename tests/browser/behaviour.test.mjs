// The behaviour suite in Chromium: page and worker, each storage; through another tab, and through the store's own worker.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { session } from './session.mjs';

const chromium = session();

const PLACES = ['Page', 'Worker'].flatMap((place) =>
  ['memory', 'idbfs', 'idb', ...(place === 'Worker' ? ['opfs'] : [])].map((storage) => ({ place, storage, way: undefined })));
PLACES.push({ place: 'Page', storage: 'idbfs', way: 'follower' }, { place: 'Worker', storage: 'opfs', way: 'follower' });
for (const storage of ['memory', 'idbfs', 'idb', 'opfs']) PLACES.push({ place: 'Page', storage, way: 'worker' });

for (const { place, storage, way } of PLACES) {
  describe(`${place}, ${storage}${way ? `, through a ${way}` : ''}`, () => {
    test('all cases', { timeout: 600_000 }, async (t) => {
      const page = await chromium.newPage();
      const problems = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      const results = await page.evaluate(([run, ...args]) => window[run](...args), [`runIn${place}`, storage, `${place}-${storage}-${way}`, way]);
      for (const [name, message] of results) await t.test(name, () => assert.equal(message, null));
      assert.ok(results.length > 40);
      assert.deepEqual(problems, []);
      await page.close();
    });
  });
}
