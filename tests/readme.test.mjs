// The README is executable: every code block runs in the runtime that its info string names, against the installed
// tarball, in the order of the text and in one folder. A block that names no known runtime fails.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { tinyModel } from './cli/tiny-model.mjs';
import { openChromium } from './runtimes/browsers.mjs';
import { bundleWorker } from './runtimes/bundle.mjs';
import { startMiniflare } from './runtimes/edge.mjs';
import { installPacked, root } from './runtimes/project.mjs';
import { serveFolder } from './runtimes/server.mjs';
import { skipWithout, tools } from './runtimes/tools.mjs';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { NODE_TEST_CONTEXT, ...environment } = process.env;

let project;
before(() => {
  project = installPacked();
  // The model's own package, as npm would install it.
  cpSync(join(root, 'models/static-en'), join(project.dir, 'node_modules/vecstore-static-en'), { recursive: true });
});
after(() => project?.remove());

/** The fenced blocks: where they begin, what they are, what is in them. */
function blocks(text) {
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((found) => ({
    line: text.slice(0, found.index).split('\n').length, info: found[1].trim(), code: found[2],
  }));
}

/** Writes a block beside the installed package; gives the file's name. */
function fileOf({ line, code }) {
  const name = `readme-${line}.mjs`;
  writeFileSync(join(project.dir, name), code);
  return name;
}

// ============ Runtimes ============

/** Twice, as a store that is there already is part of what is shown. */
async function runNode(block) {
  const name = fileOf(block);
  const options = { cwd: project.dir, env: environment };
  const first = await promisify(execFile)(process.execPath, [name], options);
  const second = await promisify(execFile)(process.execPath, [name], options);
  assert.equal(second.stdout, first.stdout);
  assert.deepEqual([first.stderr, second.stderr], ['', '']);
}

async function runBrowser(block) {
  const name = fileOf(block);
  writeFileSync(join(project.dir, 'start.mjs'), `window.__result = import('./${name}')
    .then(() => ({ text: document.body.textContent }), (error) => ({ error: String(error.stack ?? error) }));\n`);
  writeFileSync(join(project.dir, 'page.html'), `<!doctype html><title>README</title><body>
    <script type="importmap">{ "imports": { "vecstore": "/node_modules/vecstore/dist/browser.mjs" } }</script>
    <script type="module" src="start.mjs"></script>`);
  const site = await serveFolder(project.dir);
  const browser = await openChromium();
  try {
    const { text } = await browser.result(`${site.url}/page.html`);
    assert.match(text, /\S/, 'the page shows something');
  } finally {
    await browser.close();
    site.close();
  }
}

/**
 * Exercises an edge example: it searches what was built, takes an update, and, started anew, has it.
 * @param {() => Promise<{ call: (path: string, options?: object) => Promise<Response>, stop: () => Promise<unknown> }>} start
 */
async function exercise(start) {
  const search = async (service, vector) => {
    const response = await service.call(`/?vector=${vector}`);
    assert.equal(response.status, 200);
    return (await response.json()).map(({ id }) => id);
  };
  const first = await start();
  try {
    assert.deepEqual(await search(first, '1,0,0'), ['harbour', 'boats']);
    const body = JSON.stringify({ id: 'new', vector: [0.95, 0.05, 0], metadata: { title: 'Added by a request' } });
    assert.equal(await (await first.call('/', { method: 'POST', body })).text(), 'saved');
    assert.deepEqual(await search(first, '1,0,0'), ['new', 'harbour']);
  } finally {
    await first.stop();
  }
  const second = await start();
  try {
    assert.deepEqual(await search(second, '1,0,0'), ['new', 'harbour']);
  } finally {
    await second.stop();
  }
}

async function runWorker(block) {
  const name = fileOf(block);
  await bundleWorker(project.dir, name, 'worker');
  await exercise(async () => {
    const bindings = { r2Buckets: ['INDEX'], r2Persist: join(project.dir, 'r2') };
    const worker = await startMiniflare(join(project.dir, 'worker'), name.replace(/mjs$/, 'js'), bindings);
    return { call: (path, options) => worker.dispatchFetch(`http://edge${path}`, options), stop: () => worker.dispose() };
  });
}

async function runDeno(block) {
  const name = fileOf(block);
  await exercise(async () => {
    const child = spawn(tools.deno, ['run', '-A', name], { cwd: project.dir, env: { ...environment, PORT: '0', NO_COLOR: '1' } });
    const ended = new Promise((resolve) => {
      child.on('close', resolve);
    });
    const port = await new Promise((resolve, reject) => {
      let said = '';
      const listen = (chunk) => {
        said += chunk;
        const found = /:(\d+)\/?\s/.exec(said);
        if (/listening/i.test(said) && found) resolve(found[1]);
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      ended.then(() => reject(new Error(`Deno ended: ${said}`)));
    });
    const stop = () => {
      child.kill();
      return ended;
    };
    return { call: (path, options) => fetch(`http://127.0.0.1:${port}${path}`, options), stop };
  });
}

/** Each line is one of the package's scripts. */
function checkShell({ code }) {
  for (const line of code.trim().split('\n')) {
    const [, script] = /^npm (?:run )?(\w+)\s*(?:#.*)?$/.exec(line) ?? assert.fail(`not an npm script: ${line}`);
    assert.ok(scripts[script], `package.json has no script '${script}'`);
  }
}

/** Each line is a command of the package's program, run on a folder of documents. */
function runProgram({ code }) {
  mkdirSync(join(project.dir, 'docs'), { recursive: true });
  writeFileSync(join(project.dir, 'docs/guide.md'), '# Guide\n\nTo restore a backup, copy it to an empty folder.\n\nCats sleep.\n');
  writeFileSync(join(project.dir, 'model'), tinyModel());
  for (const line of code.trim().split('\n')) {
    const [npx, name, ...args] = line.split(' ');
    assert.deepEqual([npx, name], ['npx', 'vecstore']);
    const output = execFileSync(join(project.dir, 'node_modules/.bin/vecstore'), args, {
      cwd: project.dir, env: { ...environment, VECSTORE_MODEL: 'model' }, encoding: 'utf8',
    });
    assert.match(output, { index: /1 new/, search: /restore a backup/, verify: /^ok$/m }[args[0]]);
  }
}

const RUNTIMES = {
  'js node': { needs: [], run: runNode },
  'js browser': { needs: ['chromium'], run: runBrowser },
  'js worker-cloudflare': { needs: ['miniflare', 'esbuild'], run: runWorker },
  'js deno': { needs: ['deno'], run: runDeno },
  sh: { needs: [], run: checkShell },
  'sh npx': { needs: [], run: runProgram },
};

for (const block of blocks(readme)) {
  const { needs, run } = RUNTIMES[block.info] ?? {
    needs: [], run: () => assert.fail(`'${block.info}' names no runtime: ${Object.keys(RUNTIMES).join(', ')}`),
  };
  test(`README.md:${block.line}: ${block.info}`, { skip: skipWithout(...needs), timeout: 60_000 }, () => run(block));
}

test('every fence of the README belongs to a block', () => {
  const fences = readme.match(/^ *(```|~~~)/gm).length;
  assert.equal(fences, blocks(readme).length * 2);
});
