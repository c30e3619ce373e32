// session.mjs - one Chromium and one server for all tests of a file.
import { after, before } from 'node:test';
import { launch, userData } from './chromium.mjs';
import { serve } from './server.mjs';

/** Both are there once the file's tests run, and gone after the last. */
export function session() {
  const data = userData();
  const own = {
    /** @type {import('playwright-core').BrowserContext} */
    context: /** @type {any} */ (undefined),
    url: '',
    /** A page with what the tests call in it (page.js); `init` runs there before all else. */
    async newPage({ init, url = own.url } = {}) {
      const page = await own.context.newPage();
      if (init) await page.addInitScript(init);
      return own.load(page, url);
    },
    async load(page, url = own.url) {
      await page.goto(`${url}/tests/browser/page.html`);
      await page.waitForFunction('window.ready');
      return page;
    },
  };
  let server;
  before(async () => {
    server = await serve();
    own.url = server.url;
    own.context = await launch(data.dir);
  });
  after(async () => {
    await own.context?.close();
    server?.close();
    data.remove();
  });
  return own;
}
