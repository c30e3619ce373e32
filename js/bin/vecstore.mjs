#!/usr/bin/env node
// vecstore.mjs - `npx vecstore`: runs the command line's module, dist/vecstore-cli.wasm, on our own WASI host.
//
// Works in Node, Deno and Bun. What only the host knows is added here: where
// the model of the package vecstore-static-en is, how wide the terminal is, and the
// store's lock, which is taken for the command and given back after it.
import fs from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { loadFiles } from '../src/platform/node.js';
import { takeLock } from '../src/storage/lock.js';
import { CommandExit, CommandHost, partsOf } from '../src/wasi/command.js';

/** Which arguments are paths: options with one, and operands by number ('all': every one). `store`: which operand is a store. */
const COMMANDS = {
  index: { values: ['--store', '--model', '--ext', '--size', '--overlap'], paths: ['--store', '--model'], operands: 'all', makes: true },
  search: { values: ['-k', '--model'], paths: ['--model'], operands: [0], store: 0 },
  stats: { values: [], paths: [], operands: [0], store: 0 },
  verify: { values: [], paths: [], operands: [0], store: 0 },
  export: { values: ['--format'], paths: [], operands: [0, 1], store: 0 },
  import: { values: ['--format', '--from'], paths: [], operands: [0, 1], store: 1, makes: true },
};

/** The paths among the arguments, and the store's. */
function findPaths([name, ...args]) {
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : null;
  const paths = [], operands = [];
  let store;
  if (!command || args.some((arg) => arg === '--help' || arg === '-h')) return { paths, store, makes: false };
  for (let i = 0; i < args.length; i++) {
    const [, option, inline] = /^(--?[^=]+)(?:=(.*))?$/s.exec(args[i]) ?? [];
    if (args[i] === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (option === undefined) {
      operands.push(args[i]);
    } else if (command.values.includes(option)) {
      const value = inline ?? args[++i];
      if (value !== undefined && command.paths.includes(option)) paths.push(value);
      if (option === '--store') store = value;
    }
  }
  paths.push(...operands.filter((_, i) => command.operands === 'all' || command.operands.includes(i)));
  return { paths, store: store ?? operands[command.store ?? -1], makes: command.makes === true };
}

/** The model file: of the optional peer package, or of this repository. */
async function findModel() {
  const places = [async () => (await import('vecstore-static-en')).url, async () => new URL('../../models/static-en/static-en.bin', import.meta.url)];
  for (const place of places) {
    try {
      const path = fileURLToPath(await place());
      if (fs.existsSync(path)) return path;
    } catch {
      // Not installed: it is optional.
    }
  }
  return undefined;
}

/** Takes the store's lock; gives what releases it, or null after a complaint. */
async function lock(store, makes) {
  const root = resolve(store);
  if (makes) fs.mkdirSync(root, { recursive: true });
  else if (!fs.existsSync(root)) return () => {};
  const release = takeLock(await loadFiles(), `${root}/lock`, store);
  return () => {
    release();
    // A store that came to nothing leaves no directory behind.
    if (makes && fs.readdirSync(root).length === 0) fs.rmdirSync(root);
  };
}

async function main(args) {
  const { paths, store, makes } = findPaths(args);
  const model = process.env.VECSTORE_MODEL || await findModel();
  if (model) paths.push(model);
  const env = { VECSTORE_LOCKED: '1', COLUMNS: String(process.stderr.columns ?? 80) };
  if (model) env.VECSTORE_MODEL = model;
  const places = new Map(paths.map((path) => [partsOf(path).join('/'), resolve(path)]));
  const module = await WebAssembly.compile(fs.readFileSync(new URL('../../dist/vecstore-cli.wasm', import.meta.url)));
  const isTerminal = [process.stdin, process.stdout, process.stderr].map((stream) => stream.isTTY === true);
  const host = new CommandHost({ fs, args: ['vecstore', ...args], env, places, terminals: isTerminal });
  const imports = {};
  for (const { name } of WebAssembly.Module.imports(module)) imports[name] = host.import(name);
  const { exports } = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: imports });
  host.attach(exports.memory);
  const release = store ? await lock(store, makes) : () => {};
  try {
    exports._start();
    return 0;
  } catch (error) {
    if (error instanceof CommandExit) return error.status;
    throw error;
  } finally {
    host.destroy();
    release();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`vecstore: ${error?.message ?? error}`);
  process.exitCode = 1;
}
