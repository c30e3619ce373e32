// The behaviour suite in Chromium: page and worker, each storage; through another tab, and through the store's own worker.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch, userData } from './chromium.mjs';
import { serve } from './server.mjs';

const data = userData();
let server, context;
before(async () => {
  server = await serve();
  context = await launch(data.dir);
});
after(async () => {
  await context?.close();
  server?.close();
  data.remove();
});

const PLACES = ['Page', 'Worker'].flatMap((place) =>
  ['memory', 'idbfs', 'idb', ...(place === 'Worker' ? ['opfs'] : [])].map((storage) => ({ place, storage, way: undefined })));
PLACES.push({ place: 'Page', storage: 'idbfs', way: 'follower' }, { place: 'Worker', storage: 'opfs', way: 'follower' });
for (const storage of ['memory', 'idbfs', 'idb', 'opfs']) PLACES.push({ place: 'Page', storage, way: 'worker' });

for (const { place, storage, way } of PLACES) {
  describe(`${place}, ${storage}${way ? `, through a ${way}` : ''}`, () => {
    test('all cases', { timeout: 180_000 }, async (t) => {
      const page = await context.newPage();
      const problems = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await page.goto(`${server.url}/tests/browser/page.html`);
      await page.waitForFunction('window.ready');
      const results = await page.evaluate(([run, ...args]) => window[run](...args), [`runIn${place}`, storage, `${place}-${storage}-${way}`, way]);
      for (const [name, message] of results) await t.test(name, () => assert.equal(message, null));
      assert.ok(results.length > 40);
      assert.deepEqual(problems, []);
      await page.close();
    });
  });
}
