// Several real tabs with one store (multiTab: true), in Chromium: leaders that close, crash, freeze.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { session } from './session.mjs';

const chromium = session();

const newTab = () => chromium.newPage();

/** Opens the store in a tab, in a worker of it for opfs, and gives what calls it: open(tab)('count', []). */
async function open(page, options) {
  await page.evaluate((o) => window.tabs.open(o), { multiTab: true, ...options });
  const call = (method, ...args) => page.evaluate(([m, a]) => window.tabs.call(m, a), [method, args]);
  return Object.assign(call, { role: async () => (await call('stats')).storage.tab });
}

/** The renderer of a page dies. */
async function crash(page) {
  const gone = new Promise((resolve) => {
    page.once('crash', resolve);
  });
  await page.goto('chrome://crash', { timeout: 5000 }).catch(() => {});
  await gone;
}

const ENDS = {
  'closes the store': (_page, call) => call('close'),
  'is closed': (page) => page.close(),
  'crashes': crash,
};

for (const storage of ['idb', 'idbfs', 'opfs']) {
  describe(storage, () => {
    for (const [what, end] of Object.entries(ENDS)) {
      test(`three tabs; the one that leads ${what}`, { timeout: 60_000 }, async (t) => {
        const pages = [await newTab(), await newTab(), await newTab()];
        const path = `three-${storage}-${what.replaceAll(' ', '-')}`;
        const calls = [];
        for (const page of pages) calls.push(await open(page, { path, storage }));
        assert.deepEqual(await Promise.all(calls.map((call) => call.role())), ['leader', 'follower', 'follower']);
        for (const [i, call] of calls.entries()) {
          assert.deepEqual(await call('upsert', [{ id: `of ${i}`, vector: [i, 1] }]), { inserted: 1, updated: 0 });
        }
        for (const call of calls) assert.equal(await call('count'), 3);
        // Writes under way when the leader goes: each takes effect once and says so.
        const writing = pages.slice(1).map((page, i) => page.evaluate((n) => window.tabs.writeFor(`w${n}-`, 2000), i));
        while (await pages[1].evaluate(() => window.tabs.written) < 4);
        await end(pages[0], calls[0]);
        const [[one, oneNew], [two, twoNew]] = await Promise.all(writing);
        assert.deepEqual([oneNew, twoNew], [one, two]);
        assert.equal(await calls[1]('count'), 3 + one + two);
        const roles = await Promise.all([calls[1].role(), calls[2].role()]);
        assert.deepEqual(roles.sort(), ['follower', 'leader']);
        const pauses = await Promise.all(pages.slice(1).map((page) => page.evaluate(() => window.tabs.longestPause)));
        t.diagnostic(`${one + two} writes, longest time between two answers: ${pauses.map(Math.round).join(' and ')} ms`);
        assert.deepEqual((await calls[2]('verify')).errors, []);
        for (const page of pages) if (!page.isClosed()) await page.close();
      });
    }
  });
}

test('two tabs: a query sees what the other wrote, errors keep code, index and message, signals and progress work', async () => {
  const pages = [await newTab(), await newTab()];
  for (const page of pages) await open(page, { path: 'two', storage: 'idb' });
  const got = await pages[1].evaluate(() => window.tabs.various());
  assert.deepEqual(got, {
    hits: [['x', 1]], vector: [1, 0], isFloat32: true, code: 'DIMENSION_MISMATCH', index: 1, syntax: ['FILTER_SYNTAX', 5], aborted: 'ABORTED', cause: 'enough',
    progress: true, scanned: 2, reranked: ['y', 'x'], exported: true, after: 'CLOSED', isStore: true, key: ['__proto__'],
  });
  for (const page of pages) await page.close();
});

test('options must agree; without multiTab another tab is LOCKED, and told since when', { timeout: 30_000 }, async () => {
  const pages = [await newTab(), await newTab()];
  await open(pages[0], { path: 'agree', storage: 'idb', metric: 'dot' });
  const codeOf = (options) => pages[1].evaluate((o) => window.VecStore.open(o).then((s) => s.close().then(() => 'ok'), (e) => `${e.code}: ${e.message}`), options);
  assert.match(await codeOf({ path: 'agree', storage: 'idb', metric: 'cosine', multiTab: true }), /^INVALID_ARGUMENT: .*"dot".*"cosine"/);
  assert.match(await codeOf({ path: 'agree', storage: 'idbfs', multiTab: true }), /^INVALID_ARGUMENT: .*storage "idb".*"idbfs"/);
  assert.equal(await codeOf({ path: 'agree', storage: 'auto', multiTab: true }), 'ok');
  assert.match(await codeOf({ path: 'agree', storage: 'idb' }), /^LOCKED: .*since \d{4}-\d\d-\d\dT.* \(\d+ s\)/);
  assert.match(await codeOf({ path: 'x', storage: 'memory', multiTab: true }), /^UNSUPPORTED: multiTab/);
  await pages[0].evaluate(() => window.tabs.call('close', []));
  await pages[0].evaluate(async () => {
    window.plain = await window.VecStore.open({ path: 'agree', storage: 'idb' });
  });
  assert.match(await codeOf({ path: 'agree', storage: 'idb', multiTab: true }), /^LOCKED: .*since/);
  for (const page of pages) await page.close();
});

test('a frozen leader: its followers are told SUSPENDED, and go on when it wakes', { timeout: 90_000 }, async () => {
  const pages = [await newTab(), await newTab()];
  const [leader, follower] = [await open(pages[0], { path: 'frozen', storage: 'idb' }), await open(pages[1], { path: 'frozen', storage: 'idb' })];
  await leader('upsert', { id: 1, vector: [1] });
  // Stopped as by a debugger or a frozen tab: no task of it runs.
  const cdp = await chromium.context.newCDPSession(pages[0]);
  await cdp.send('Debugger.enable');
  await cdp.send('Debugger.pause');
  const code = await pages[1].evaluate(() => window.tabs.call('count', []).then(() => 'ok', (error) => error.code));
  assert.equal(code, 'SUSPENDED');
  await cdp.send('Debugger.resume').catch(() => {});
  await cdp.send('Debugger.disable');
  assert.equal(await follower('count'), 1);
  for (const page of pages) await page.close();
});
