// Firefox and WebKitGTK are killed while a store is written, as kill.test.mjs does it with Chromium. No driver: the
// page itself tells the server what it does (kill.js). VS_TIER=ci kills more often; VS_BROWSER_KILLS says how often.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { random } from '../js/behaviour/expect.mjs';
import { prefixOf } from '../js/kill/operations.mjs';
import { tools } from '../runtimes/tools.mjs';
import { serve } from './server.mjs';

const KILLS = Number(process.env.VS_BROWSER_KILLS ?? (process.env.VS_TIER === 'ci' ? 20 : 3));
const SEED = Number(process.env.VS_SEED ?? 7);
const START_MS = 60_000;

/** No questions, no second start page, no restored session, no hidden page for a thumbnail, nothing fetched. */
const FIREFOX_PREFS = {
  'browser.shell.checkDefaultBrowser': false, 'browser.aboutwelcome.enabled': false, 'browser.sessionstore.resume_from_crash': false,
  'toolkit.startup.max_resumed_crashes': -1, 'datareporting.policy.dataSubmissionEnabled': false, 'app.normandy.enabled': false,
  'browser.startup.homepage_override.mstone': 'ignore', 'extensions.update.enabled': false, 'app.update.enabled': false,
  'browser.pagethumbnails.capturing_disabled': true, 'browser.newtabpage.enabled': false,
  'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false, 'dom.security.https_first': false,
};

const dirs = [];
const newDir = () => {
  const dir = mkdtempSync(join(tmpdir(), 'vecstore-kill-'));
  dirs.push(dir);
  return dir;
};
let display;
after(() => {
  display?.process.kill('SIGKILL');
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

/** A display for WebKit, which has no headless mode. */
async function screen() {
  if (display) return display.name;
  const server = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const n = await new Promise((resolve, reject) => {
    server.stdout.once('data', (text) => resolve(String(text).trim()));
    server.once('error', reject);
    server.once('close', () => reject(new Error('no display')));
  });
  display = { process: server, name: `:${n}` };
  return display.name;
}

const BROWSERS = {
  Firefox: {
    program: tools.firefox,
    storages: ['idbfs', 'idb', 'opfs'],
    profile() {
      const dir = newDir();
      const lines = Object.entries(FIREFOX_PREFS).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
      writeFileSync(join(dir, 'user.js'), lines.join('\n'));
      return dir;
    },
    start: async (dir, url) => spawn(tools.firefox, ['--headless', '--no-remote', '--profile', dir, url], {
      stdio: 'ignore', detached: true, env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1', HOME: dir },
    }),
  },
  WebKitGTK: {
    program: tools.miniBrowser && tools.xvfb ? tools.miniBrowser : undefined,
    // No sync access handles there.
    storages: ['idbfs', 'idb'],
    profile: newDir,
    start: async (dir, url) => spawn(tools.miniBrowser, [url], {
      stdio: 'ignore', detached: true,
      env: { ...process.env, DISPLAY: await screen(), HOME: dir, XDG_DATA_HOME: `${dir}/data`, XDG_CACHE_HOME: `${dir}/cache`, XDG_CONFIG_HOME: `${dir}/config`, XDG_RUNTIME_DIR: dir },
    }),
  },
};

/** Kills all of a browser, which is a process group. */
function kill(browser) {
  return new Promise((resolve) => {
    if (browser.exitCode !== null || browser.signalCode !== null) return resolve();
    browser.once('exit', resolve);
    process.kill(-browser.pid, 'SIGKILL');
  });
}

for (const [name, { program, storages, profile, start }] of Object.entries(BROWSERS)) {
  describe(name, { skip: !program && 'not installed' }, () => {
    for (const storage of storages) {
      test(`${KILLS} kills, ${storage}: nothing acknowledged is lost, nothing is half applied`, { timeout: 120_000 + KILLS * 60_000 }, async (t) => {
        const next = random(SEED);
        const dir = profile();
        let [model, first, acknowledged] = [new Map(), 0, 0];
        let said = { issued: -1, acknowledged: -1 };
        /** @type {{ resolve: (opened: any) => void, reject: (error: Error) => void }} */
        let waiting;
        let starts = 0;
        const server = await serve(0, (path, body) => {
          // Whatever else a browser does with addresses of an earlier start.
          if (!path.endsWith(`/${starts}`)) return {};
          if (path.startsWith('/opened')) return waiting.answer(JSON.parse(body));
          if (path.startsWith('/failed')) waiting.reject(new Error(body));
          const [, letter, n] = /^([ia])(\d+)$/.exec(body) ?? [];
          if (letter === 'i') said.issued = Math.max(said.issued, Number(n));
          if (letter === 'a') said.acknowledged = Math.max(said.acknowledged, Number(n));
          if (letter === 'a') acknowledged++;
          return {};
        });
        t.after(() => server.close());
        for (let i = 0; i <= KILLS; i++) {
          let browser;
          starts = i;
          const context = () => `seed ${SEED}, kill ${i}: first ${first}, ${JSON.stringify(said)}`;
          await new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`the page did not start; ${context()}`)), START_MS);
            waiting = {
              reject,
              answer({ state, count, errors }) {
                clearTimeout(timer);
                try {
                  const last = prefixOf(new Map(state), model, SEED, first, said);
                  assert.notEqual(last, null, `the store holds no prefix of the operations but ${JSON.stringify(state)}, before ${JSON.stringify([...model])}; ${context()}`);
                  assert.deepEqual(errors, [], context());
                  assert.equal(count, state.length, context());
                } catch (error) {
                  reject(error);
                  return {};
                }
                model = new Map(state);
                first = said.issued + 1;
                said = { issued: first - 1, acknowledged: first - 1 };
                if (i === KILLS) return void resolve();
                setTimeout(resolve, 200 + next() * 1500);
                return { seed: SEED, first };
              },
            };
            start(dir, `${server.url}/tests/browser/kill.html?storage=${storage}&path=lane&start=${i}`).then((started) => {
              browser = started;
              t.after(() => kill(started));
            }, reject);
          });
          await kill(browser);
        }
        t.diagnostic(`${acknowledged} operations acknowledged`);
        assert.ok(acknowledged > KILLS);
      });
    }
  });
}
