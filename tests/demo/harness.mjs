// What the demo's tests need around the page: a server on one port for the whole run (storage belongs to an origin, and
// the port is part of it), Chromium on a profile that outlives it, killing Chromium as a power cut would, the length of
// the main thread's tasks, and axe.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

export const ROOT = resolve(import.meta.dirname, '..', '..');
export const SCREENSHOTS = join(ROOT, 'build', 'screenshots');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `look()` gives something true and returns it; the page's CSP forbids what waitForFunction would do. */
export async function until(what, look, timeoutMs = 30_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await pause(50);
  }
}

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** Starts web-demo/serve.mjs; gives the address it prints and a way to end it as Ctrl+C does. */
export async function startServer() {
  const port = await freePort();
  const server = spawn(process.execPath, [join(ROOT, 'web-demo', 'serve.mjs')], {
    env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let ended = null;
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => { said += data; });
  server.on('exit', (code) => { ended = code; });
  await until('the server prints its address', () => {
    if (ended !== null) throw new Error(`serve.mjs ended with ${ended}: ${said}`);
    return said.includes('http://');
  });
  const stop = async () => {
    server.kill('SIGINT');
    await until('the server ends', () => ended !== null, 5000);
    return ended;
  };
  return { url: said.match(/http:\/\/\S+/)[0], stop };
}

export async function launch(profile, options = {}) {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`${CHROMIUM} is missing: npm test installs it (apt-get install chromium), or set CHROMIUM to one.`);
  }
  return chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM, headless: true, args: ARGS, viewport: { width: 1280, height: 800 }, ...options,
  });
}

/** Every process of the browser on this profile: the one that names the profile first, and all its descendants. */
function processesOn(profile) {
  const found = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) \S /, '').split(' ')[0];
      found.push({ pid, parent, ours: command.includes(`--user-data-dir=${profile}`) });
    } catch {
      // The process ended while it was being looked at.
    }
  }
  const ours = new Set(found.filter((p) => p.ours).map((p) => p.pid));
  for (let size = -1; size !== ours.size;) {
    size = ours.size;
    for (const p of found) if (ours.has(p.parent)) ours.add(p.pid);
  }
  return [...ours].map(Number);
}

/** SIGKILL to the whole browser at once; nothing of it may tidy up. */
export async function killBrowser(profile) {
  const victims = processesOn(profile);
  for (const pid of victims) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Its parent's end has already ended it.
    }
  }
  await until('the browser is gone', () => processesOn(profile).length === 0);
  return victims.length;
}

/**
 * Records how long the page's main thread is held at a time while `act` runs, in milliseconds of its own CPU time. Wall
 * time is what a visitor feels, but on a machine with fewer cores than busy processes it measures the neighbours.
 */
export async function mainThreadTasks(context, page, act) {
  const session = await context.newCDPSession(page);
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents', traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', 'devtools.timeline'] },
  });
  await act();
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  // Other renderers are traced too: the one of the empty page before this one, and a spare.
  const origin = new URL(page.url()).origin;
  const commit = events.find((e) => e.name === 'FrameCommittedInBrowser' && e.args.data.url.startsWith(origin));
  const main = events.find((e) => (
    e.name === 'thread_name' && e.args.name === 'CrRendererMain' && e.pid === commit.args.data.processId));
  const tasks = events.filter((e) => e.name === 'RunTask' && e.pid === main.pid && e.tid === main.tid);
  // A task that is still running when the trace ends has no duration; one whose thread clock could not be read has only
  // that of the wall, which is never less.
  const ended = tasks.filter((e) => Number.isFinite(e.dur));
  return ended.map((e) => ({ cpuMs: (e.tdur ?? e.dur) / 1000, wallMs: e.dur / 1000 }));
}

/** Drops files and folders onto the middle of the page, as a hand would from the desktop. */
export async function drop(page, paths) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  const { width, height } = page.viewportSize();
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await session.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data });
  }
  await session.detach();
}

/** Goes before a worker: IndexedDB refuses every write from the moment the page says that the disk is full. */
const FULL_DISK = `new BroadcastChannel('disk is full').onmessage = () => {
  IDBObjectStore.prototype.put = () => { throw new DOMException('The quota has been exceeded.', 'QuotaExceededError'); };
};
`;

/** From the next load on the worker of that name lives on a disk that is full once the function given is called. */
export async function makeFillableDisk(page, worker) {
  await page.context().route(`**/${worker}`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: FULL_DISK + (await response.text()) });
  });
  return () => page.evaluate(() => new BroadcastChannel('disk is full').postMessage(''));
}

/** Overwrites half of every file of a closed store; gives how many. */
export function damage(page, path) {
  return page.evaluate((name) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      const change = database.transaction(database.objectStoreNames[0], 'readwrite');
      let count = 0;
      change.objectStore(database.objectStoreNames[0]).openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        const { contents } = cursor.value;
        if (contents?.length) {
          contents.fill(0x5a, contents.length >> 1);
          cursor.update({ ...cursor.value, contents });
          count++;
        }
        cursor.continue();
      };
      change.oncomplete = () => {
        database.close();
        resolve(count);
      };
    };
  }), `/vecstore/${path}`);
}

/** The accessibility faults axe finds, one line each. */
export async function accessibilityFaults(page) {
  return page.evaluate(`(async () => {
    ${axeSource};
    const { violations } = await axe.run();
    return violations.flatMap((v) => v.nodes.map((n) => v.id + ' at ' + n.target + ': ' + n.failureSummary));
  })()`);
}

/** Takes a picture once every visible card is painted and has faded in. */
export async function screenshot(page, name, options = {}) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await until('the pictures are painted', () => page.evaluate(
    () => [...document.querySelectorAll('main canvas')].every((c) => !c.checkVisibility() || 'painted' in c.dataset),
  ));
  await pause(600);
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), ...options });
}

/** The packed vectors, read here anew so that the page's own reader is checked by them. */
export function readPack() {
  const { works, count, dimension } = JSON.parse(readFileSync(join(ROOT, 'web-demo/data/met.json'), 'utf8'));
  const file = readFileSync(join(ROOT, 'web-demo/data/met.i8'));
  const vectors = works.map((_, row) => Float64Array.from({ length: dimension }, (__, i) => (
    file.readInt8(row * dimension + i) * file.readFloatLE(count * dimension + 4 * row))));
  return { ids: works.map(([id]) => id), titles: works.map(([, title]) => title), vectors };
}

export function cosine(a, b) {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa * bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/**
 * Gathers what a page of the demo must not do: requests to anywhere but its server, errors, complaints of its policy.
 * @param {import('playwright-core').Page} page
 * @param {string} url of the server
 * @param {string[]} strangers
 */
export function watch(page, url, strangers) {
  page.on('request', (request) => {
    const local = request.url().startsWith(url) || /^(data|blob):/.test(request.url());
    if (!local) strangers.push(`request to ${request.url()}`);
  });
  page.on('pageerror', (error) => strangers.push(`page error: ${error.message}`));
  page.on('console', (line) => {
    if (line.type() === 'error' && /Content Security Policy/.test(line.text())) strangers.push(line.text());
  });
}
