// One import, everywhere: the packed tarball, installed, and the behaviour suite over it in each runtime.
// The last test prints one line per runtime.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { openChromium, openFirefox, openWebKit } from './browsers.mjs';
import { bundlePages, bundleWorker } from './bundle.mjs';
import { startMiniflare, startWorkerd } from './edge.mjs';
import { addSuite, installPacked } from './project.mjs';
import { serveFolder } from './server.mjs';
import { skipWithout, tools, versionOf } from './tools.mjs';

const IN_PAGES = 'idbfs,idb,memory';
/** Cases of one storage; fewer mean that the suite was not found. */
const CASES = 30;

const summary = [];
let project, site;

before(async () => {
  project = installPacked();
  addSuite(project.dir);
  await bundlePages(project.dir);
  await bundleWorker(project.dir, 'worker-cloudflare.mjs', 'edge');
  site = await serveFolder(project.dir);
});
after(() => {
  site?.close();
  project?.remove();
});

/**
 * A test of one environment. `run` gives the runtime's version and the suite's result.
 * @param {string} name
 * @param {string[]} needs
 * @param {() => Promise<{ version: string, result: { simd: string, passed: number, failures: string[] } }>} run
 * @param {string[]} [simd] which kernels may be chosen there
 */
function environment(name, needs, run, simd = ['relaxed']) {
  const missing = skipped(needs);
  if (missing) summary.push(`${name}: skipped, ${missing}`);
  test(name, { skip: missing, timeout: 240_000 }, async () => {
    const start = performance.now();
    const { version, result } = await run();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const { passed, failures } = result;
    summary.push(`${name.padEnd(34)} ${version.padEnd(16)} ${result.simd.padEnd(8)} ${passed} passed, ${failures.length} failed, ${seconds} s`);
    assert.deepEqual(failures, []);
    assert.ok(passed >= CASES, `only ${passed} cases ran`);
    assert.ok(simd.includes(result.simd), `the ${result.simd} kernels were chosen`);
  });
}

/** The reason to skip; a tool that npm test should have installed is a test that fails. @param {string[]} needs */
function skipped(needs) {
  try {
    return skipWithout(...needs);
  } catch (error) {
    test(`needs ${needs.join(', ')}`, () => assert.fail(error.message));
    return error.message;
  }
}

// ============ Server runtimes ============

async function inProcess(program, args = []) {
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const { stdout } = await promisify(execFile)(program, [...args, 'process.mjs'], { cwd: project.dir, env, maxBuffer: 1 << 26 });
  return { version: versionOf(program), result: JSON.parse(stdout) };
}

const thisNode = process.versions.node;
environment(`Node ${thisNode.split('.')[0]}`, [], () => inProcess(process.execPath), thisNode.startsWith('20.') ? ['simd'] : ['relaxed']);
environment('Node 24', ['node24'], () => inProcess(tools.node24));
environment('Deno', ['deno'], () => inProcess(tools.deno, ['run', '-A']));
environment('Bun', ['bun'], () => inProcess(tools.bun, ['run']));

environment('workerd, miniflare', ['miniflare', 'esbuild', 'workerd'], async () => {
  const worker = await startMiniflare(join(project.dir, 'edge'), 'worker-cloudflare.js');
  try {
    return { version: versionOf(tools.workerd), result: await (await worker.dispatchFetch('http://suite/')).json() };
  } finally {
    await worker.dispose();
  }
});
environment('workerd, bare', ['esbuild', 'workerd'], async () => {
  const server = await startWorkerd(project.dir, 'config.capnp');
  try {
    return { version: versionOf(tools.workerd), result: await (await fetch(server.url)).json() };
  } finally {
    await server.close();
  }
});

// ============ Browsers ============

/** One browser at a time, started by the first test that needs it. */
let open = { launch: null, browser: null };
async function inBrowser(launch, url) {
  if (open.launch !== launch) {
    await open.browser?.close();
    open = { launch, browser: null };
    open.browser = await launch();
  }
  return { version: open.browser.version, result: await open.browser.result(url) };
}
after(() => open.browser?.close());

const CHROMIUM = ['chromium', 'playwright-core', 'esbuild'];
environment('Chromium, no bundler', CHROMIUM, () => inBrowser(openChromium, `${site.url}/plain.html?storages=${IN_PAGES}`));
environment('Chromium, vecstore/inline', CHROMIUM, () => inBrowser(openChromium, `${site.url}/inline.html?storages=idbfs`));
environment('Chromium, esbuild', CHROMIUM, () => inBrowser(openChromium, `${site.url}/bundled-page.html?storages=memory`));
for (const [name, page, storages] of [['page', 'page', 'idbfs'], ['worker', 'page-of-worker', 'idbfs,opfs']]) {
  environment(`Chromium, ${name} under CSP, esbuild`, CHROMIUM, async () => {
    const strict = await serveFolder(project.dir, { policy: true });
    try {
      return await inBrowser(openChromium, `${strict.url}/bundled-${page}.html?storages=${storages}`);
    } finally {
      strict.close();
    }
  });
}
environment('Chromium, Vite dev', [...CHROMIUM, 'vite'], async () => {
  const { createServer } = await import('vite');
  const options = { root: project.dir, configFile: false, logLevel: 'error', cacheDir: join(project.dir, '.vite') };
  const server = await createServer({ ...options, server: { host: '127.0.0.1', port: 0, ws: false, watch: null } });
  await server.listen();
  try {
    return await inBrowser(openChromium, `${server.resolvedUrls.local[0]}index.html?storages=idbfs`);
  } finally {
    await server.close();
  }
});
environment('Chromium, Vite build', [...CHROMIUM, 'vite'], async () => {
  const { build } = await import('vite');
  const outDir = join(project.dir, 'vite-out');
  // The suite looks for the names of its own classes in messages, which minifying would change.
  const rolldownOptions = { output: { keepNames: true } };
  await build({ root: project.dir, configFile: false, logLevel: 'error', build: { outDir, target: 'es2022', rolldownOptions } });
  const built = await serveFolder(outDir, { policy: true });
  try {
    return await inBrowser(openChromium, `${built.url}/index.html?storages=idbfs`);
  } finally {
    built.close();
  }
});
environment('Firefox, no bundler', ['firefox', 'puppeteer-core', 'esbuild'],
  () => inBrowser(openFirefox, `${site.url}/plain.html?storages=${IN_PAGES}`));
environment('WebKitGTK, no bundler', ['webkitDriver', 'miniBrowser', 'xvfb', 'esbuild'],
  () => inBrowser(openWebKit, `${site.url}/plain.html?storages=${IN_PAGES}`), ['simd', 'relaxed']);

test('summary', (t) => {
  for (const line of summary) t.diagnostic(line);
});
