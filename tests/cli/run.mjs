// run.mjs - runs the command line as its users do: the npm package's program, and the module under other WASI runtimes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../runtimes/project.mjs';
import { tools } from '../runtimes/tools.mjs';

const environment = (extra) => {
  const { NODE_TEST_CONTEXT, VECSTORE_MODEL, ...env } = process.env;
  return { ...env, NO_COLOR: '1', ...extra };
};
const program = join(root, 'js/bin/vecstore.mjs'), module = join(root, 'dist/vecstore-cli.wasm');

/** A scratch folder, and what removes it. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'vecstore-cli-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

function run(file, args, { cwd, env = {} }) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, env: environment(env), encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error) throw error;
  return { status, stdout, stderr };
}

/**
 * How each host runs `vecstore ...args` with the folder `cwd` as its current directory: paths in it are relative. All
 * give `{ status, stdout, stderr }`. wasmtime inside wizer passes no arguments and turns every failure into 1.
 */
export const hosts = {
  'npx, Node': { needs: [], run: (cwd, args, env) => run(process.execPath, [program, ...args], { cwd, env }) },
  'npx, Deno': { needs: ['deno'], run: (cwd, args, env) => run(tools.deno, ['run', '-A', program, ...args], { cwd, env }) },
  'npx, Bun': { needs: ['bun'], run: (cwd, args, env) => run(tools.bun, [program, ...args], { cwd, env }) },
  wasmtime: {
    needs: ['wizer'], isPlain: true,
    run: (cwd, args, env) => run(tools.wizer, [
      '--allow-wasi', '--inherit-env=true', '--wasm-relaxed-simd=true', `--mapdir=/::${cwd}`, '-f', '_start', '-o',
      join(cwd, '.snapshot.wasm'), '--', module,
    ], { cwd, env: { ...env, VECSTORE_ARGS: args.join(' ') } }),
  },
};

/** Starts the program without waiting for it. */
export const start = (cwd, args, env = {}) =>
  spawn(process.execPath, [program, ...args], { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
