// The whole browser is killed while a store is written, for each storage; after each start it holds a prefix of what
// was issued, not shorter than what was acknowledged. VS_TIER=ci kills more often.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { random } from '../js/behaviour/expect.mjs';
import { prefixOf } from '../js/kill/operations.mjs';
import { args, executablePath, userData } from './chromium.mjs';
import { serve } from './server.mjs';

const KILLS = Number(process.env.VS_BROWSER_KILLS ?? (process.env.VS_TIER === 'ci' ? 20 : 3));
const SEED = Number(process.env.VS_SEED ?? 7);
/** So many more operations than we heard of may have been issued: what the page said last may not have reached us. */
const UNHEARD = 1000;

const data = userData();
let server;
before(async () => {
  server = await serve();
});
after(() => {
  server.close();
  data.remove();
});

/** A browser of its own process group, so that all of it can be killed. */
async function start() {
  const browser = spawn(executablePath, [...args, '--headless', '--remote-debugging-port=0', `--user-data-dir=${data.dir}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'], detached: true,
  });
  const gone = new Promise((resolve) => {
    browser.on('close', resolve);
  });
  const kill = () => {
    if (browser.exitCode === null && browser.signalCode === null) process.kill(-browser.pid, 'SIGKILL');
    return gone;
  };
  const address = await new Promise((resolve, reject) => {
    let said = '';
    browser.stderr.on('data', (text) => {
      said += text;
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    gone.then(() => reject(new Error(`the browser ended: ${said}`)));
  });
  const connection = await chromium.connectOverCDP(address);
  const page = await connection.contexts()[0].newPage();
  await page.goto(`${server.url}/tests/browser/page.html`);
  await page.waitForFunction('window.ready');
  return { page, kill, connection };
}

for (const storage of ['idbfs', 'idb', 'opfs']) test(`${KILLS} kills of Chromium, ${storage}: nothing acknowledged is lost, nothing is half applied`, { timeout: 300_000 }, async (t) => {
  const next = random(SEED);
  let model = new Map();
  let said = { issued: -1, acknowledged: -1 };
  let first = 0;
  let acknowledged = 0;
  for (let i = 0; i <= KILLS; i++) {
    const { page, kill, connection } = await start();
    t.after(() => kill());
    const { state, count, errors } = await page.evaluate((kind) => window.openLane(`lane-${kind}`, kind), storage);
    const context = `seed ${SEED}, kill ${i}: first ${first}, ${JSON.stringify(said)}`;
    const issued = said.issued + UNHEARD;
    if (prefixOf(new Map(state), model, SEED, first, { ...said, issued }) === null) {
      const held = prefixOf(new Map(state), model, SEED, first, { issued, acknowledged: first - 1 });
      const what = state.length === 0 ? 'nothing' : held === null ? 'no prefix of the operations' : `operations up to ${held}`;
      assert.fail(`the store holds ${what}; ${context}`);
    }
    assert.deepEqual(errors, [], context);
    assert.equal(count, state.length, context);
    model = new Map(state);
    first = said.issued + UNHEARD + 1;
    if (i < KILLS) {
      said = { issued: first - 1, acknowledged: first - 1 };
      page.on('console', (message) => {
        const [, letter, n] = /^([ia])(\d+)$/.exec(message.text()) ?? [];
        if (letter === 'i') said.issued = Math.max(said.issued, Number(n));
        if (letter === 'a') said.acknowledged = Math.max(said.acknowledged, Number(n));
        if (letter === 'a') acknowledged++;
      });
      await page.evaluate(([seed, n]) => window.writeLane(seed, n), [SEED, first]);
      await new Promise((resolve) => {
        setTimeout(resolve, 100 + next() * 900);
      });
    }
    await kill();
    await connection.close().catch(() => {});
  }
  t.diagnostic(`${acknowledged} operations acknowledged`);
  assert.ok(acknowledged > KILLS);
});

/** LevelDB's logs of IndexedDB under a folder. @param {string} folder @returns {string[]} */
function logsOf(folder) {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return all.filter((name) => /indexeddb\.leveldb.*\.log$/.test(name)).map((name) => join(folder, name)).filter((path) => statSync(path).size > 0);
}

for (const storage of ['idbfs', 'idb']) test(`a kill that cuts the last record of Chromium's log, ${storage}: later starts find everything`, async (t) => {
  const opened = [];
  for (let run = 0; run < 3; run++) {
    const { page, kill, connection } = await start();
    t.after(() => kill());
    const { state } = await page.evaluate((kind) => window.openLane(`torn-${kind}`, kind), storage);
    opened.push(state.length);
    const acknowledged = page.waitForEvent('console', (message) => message.text() === `a${run * 1000 + 20}`);
    await page.evaluate(([seed, n]) => window.writeLane(seed, n), [SEED, run * 1000]);
    await acknowledged;
    await kill();
    await connection.close().catch(() => {});
    // The last log is the one that LevelDB goes on with.
    const last = logsOf(data.dir).sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs).at(-1);
    truncateSync(last, statSync(last).size - 10);
  }
  assert.equal(opened[0], 0);
  assert.ok(opened[1] > 10 && opened[2] > 10, `records found by each start: ${opened}`);
});
