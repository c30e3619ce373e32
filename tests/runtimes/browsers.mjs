// browsers.mjs - the three engines' browsers behind one function: open this address, give me window.__result.
//
// Chromium speaks to playwright-core, Firefox to puppeteer-core over WebDriver
// BiDi, and WebKitGTK has a WebDriver of its own, which needs a display.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tools } from './tools.mjs';

const TIMEOUT = 150_000;

/** For WebKit, whose driver lets scripts run before the page's modules. */
const WAIT = `const done = arguments[0];
const look = () => (window.__result ? window.__result.then(done) : setTimeout(look, 20));
look();`;

/**
 * @typedef {object} Browser
 * @property {string} version
 * @property {(url: string) => Promise<any>} result what the page at the address promises in window.__result
 * @property {() => Promise<void>} close
 */

/** @param {any} result what came of a page @param {string[]} problems errors the page did not catch */
function checked(result, problems) {
  if (result === undefined) problems.push('the page left no result');
  if (result?.error || problems.length > 0) throw new Error([result?.error, ...problems].filter(Boolean).join('\n'));
  return result;
}

/** @returns {Promise<Browser>} */
export async function openChromium() {
  const { chromium } = await import('playwright-core');
  const args = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const browser = await chromium.launch({ executablePath: tools.chromium, headless: true, args });
  return {
    version: browser.version(),
    async result(url) {
      // A context of its own is a fresh profile.
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        const problems = [];
        page.on('pageerror', (error) => problems.push(String(error)));
        page.on('console', (message) => {
          if (/Content Security Policy/.test(message.text())) problems.push(message.text());
        });
        await page.goto(url);
        return checked(await page.evaluate('window.__result'), problems);
      } finally {
        await context.close();
      }
    },
    close: () => browser.close(),
  };
}

/** @returns {Promise<Browser>} */
export async function openFirefox() {
  const { default: puppeteer } = await import('puppeteer-core');
  const profile = mkdtempSync(join(tmpdir(), 'vecstore-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: tools.firefox, headless: true, userDataDir: profile, protocolTimeout: TIMEOUT,
  });
  return {
    version: (await browser.version()).replace(/^\D*/, ''),
    async result(url) {
      const page = await browser.newPage();
      const problems = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await page.goto(url);
      const result = checked(await page.evaluate('window.__result'), problems);
      await page.close();
      return result;
    },
    async close() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A port that nothing listens on. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when the driver answers; it does not say when it is ready. */
async function listening(address, driver) {
  for (;;) {
    if (driver.exitCode !== null) throw new Error(`WebKitWebDriver ended with ${driver.exitCode}`);
    const answers = await fetch(`${address}/status`).then((response) => response.ok, () => false);
    if (answers) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** @returns {Promise<Browser>} */
export async function openWebKit() {
  const port = await freePort();
  // A process group, as xvfb-run starts more of them.
  const driver = spawn(tools.xvfb, ['-a', tools.webkitDriver, `--port=${port}`], { stdio: 'ignore', detached: true });
  const address = `http://127.0.0.1:${port}`;
  const call = async (method, path, body) => {
    const response = await fetch(address + path, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.message ?? value.error}`);
    return value;
  };
  await listening(address, driver);
  const { sessionId, capabilities } = await call('POST', '/session', {
    capabilities: {
      alwaysMatch: {
        browserName: 'MiniBrowser',
        'webkitgtk:browserOptions': { binary: tools.miniBrowser, args: ['--automation'] },
        timeouts: { script: TIMEOUT },
      },
    },
  });
  const session = `/session/${sessionId}`;
  return {
    version: capabilities.browserVersion,
    async result(url) {
      await call('POST', `${session}/url`, { url });
      return checked(await call('POST', `${session}/execute/async`, { script: WAIT, args: [] }), []);
    },
    async close() {
      await call('DELETE', session);
      process.kill(-driver.pid);
    },
  };
}
