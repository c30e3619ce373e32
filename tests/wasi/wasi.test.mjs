// The command and the reactor on WASI runtimes that are not ours: wasmtime (inside wizer), node:wasi, Deno's node:wasi.
// Stores go to and fro between them and the Node wrapper; the relaxed kernels agree with wasmtime's deterministic mode.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { root } from '../runtimes/project.mjs';
import { skipWithout, tools } from '../runtimes/tools.mjs';
import { contentOf, fill } from './content.mjs';
import { writeDriver } from './driver.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'vecstore-wasi-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const file = (name) => join(root, name);
const cli = file('dist/vecstore-cli.wasm');
const environment = (extra = {}) => {
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  return { ...env, NO_COLOR: '1', ...extra };
};
const execute = (program, args, env) => execFileSync(program, args, { encoding: 'utf8', env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs a function of a module under wasmtime. wizer passes no arguments; VECSTORE_ARGS has them. */
function wasmtime(module, { start = '_start', directory = scratch, args = [], flags = [] } = {}) {
  const output = join(scratch, 'snapshot.wasm');
  return execute(tools.wizer, [
    '--allow-wasi', '--inherit-env=true', '--wasm-relaxed-simd=true', ...flags, `--mapdir=/data::${directory}`, '-f', start, '-o', output, '--', module,
  ], { VECSTORE_ARGS: args.join(' ') });
}

const scripts = { Node: [process.execPath, ['--no-warnings']], 'Node 24': [tools.node24, ['--no-warnings']], Deno: [tools.deno, ['run', '-A']] };
const script = (host, name, ...args) => execute(scripts[host][0], [...scripts[host][1], file(`tests/wasi/${name}`), ...args]);

/** How each host runs a command: (module, arguments) with the scratch folder as /data. */
const hosts = {
  wasmtime: { needs: ['wizer'], command: (module, args) => wasmtime(module, { args }) },
  'node:wasi of Node': { needs: [], command: (module, args) => script('Node', 'command.mjs', module, scratch, ...args) },
  'node:wasi of Deno': { needs: ['deno'], command: (module, args) => script('Deno', 'command.mjs', module, scratch, ...args) },
};

async function writtenByNode(path) {
  const store = await VecStore.open({ path });
  await fill(store);
  const result = { content: await contentOf(store), image: await store.export() };
  await store.close();
  return result;
}

async function readByNode(path) {
  const store = await VecStore.open({ path });
  const content = await contentOf(store);
  await store.close();
  return content;
}

let names = 0;
/** A name of its own in the scratch folder: its path here, and as a WASI program sees it. */
function place() {
  const name = `s${names++}`;
  return { here: join(scratch, name), there: `/data/${name}` };
}

describe('the command', () => {
  for (const [host, { needs, command }] of Object.entries(hosts)) {
    test(`${host}: a store of the Node wrapper is verified, described and exported`, { skip: skipWithout(...needs) }, async () => {
      const store = place(), exported = place();
      const { content } = await writtenByNode(store.here);
      assert.equal(command(cli, ['verify', store.there]), 'ok\n');
      const stats = JSON.parse(command(cli, ['stats', store.there]));
      assert.deepEqual([stats.count, stats.dimension, stats.metric], [content.count, 24, 'cosine']);
      command(cli, ['export', store.there, exported.there]);
      const copy = await VecStore.import(readFileSync(exported.here));
      assert.deepEqual(await contentOf(copy), content);
      await copy.close();
      assert.deepEqual(await readByNode(store.here), content);
    });

    test(`${host}: a store it makes opens in the Node wrapper`, { skip: skipWithout(...needs) }, async () => {
      const store = place(), image = place(), made = place();
      const { content, image: bytes } = await writtenByNode(store.here);
      writeFileSync(image.here, bytes);
      command(cli, ['import', image.there, made.there]);
      assert.equal(command(cli, ['verify', made.there]), 'ok\n');
      assert.deepEqual(await readByNode(made.here), content);
    });

    test(`${host}: what is wrong is said`, { skip: skipWithout(...needs) }, async () => {
      const says = (args, message) => assert.throws(() => command(cli, args), ({ status, stderr }) => status !== 0 && message.test(stderr));
      const held = place(), damaged = place();
      const store = await VecStore.open({ path: held.here });
      says(['verify', held.there], /open in another program/);
      await store.close();
      writeFileSync(damaged.here, 'no store');
      says(['import', damaged.there, place().there], /not|damaged|store/i);
      says(['stats', place().there], /no such directory/);
      says(['stats'], /usage/);
      says(['frobnicate'], /unknown command/);
    });
  }
});

describe('the reactor', () => {
  for (const host of Object.keys(scripts)) {
    const needs = { Node: [], 'Node 24': ['node24'], Deno: ['deno'] }[host];
    test(`node:wasi of ${host}: stores go to and fro`, { skip: skipWithout(...needs) }, async () => {
      const theirs = place(), ours = place();
      mkdirSync(theirs.here);
      const written = JSON.parse(script(host, 'reactor.mjs', 'write', theirs.here));
      assert.deepEqual(written.errors, []);
      assert.deepEqual(await readByNode(theirs.here), written);
      const { content } = await writtenByNode(ours.here);
      assert.deepEqual(content, written);
      assert.deepEqual(JSON.parse(script(host, 'reactor.mjs', 'read', ours.here)), content);
    });
  }

  for (const variant of ['simd', 'relaxed']) {
    test(`wasmtime, ${variant}: stores go to and fro`, { skip: skipWithout('wizer') }, async () => {
      // In one piece: such a runtime has nobody who could load the second part.
      const reactor = file(`build/wasi-tests/vecstore.${variant}.wasm`);
      const path = '/data/store';
      const theirs = place().here, ours = place().here;
      mkdirSync(theirs);
      mkdirSync(ours);
      const { content } = await writtenByNode(join(ours, 'store'));
      const records = Array.from({ length: 100 }, (_, id) => ({ id, vector: [id % 7, (id % 11) - 5, 1] }));
      const [writes, reads] = ['writes', 'reads'].map((name) => join(scratch, `${name}.${variant}.wasm`));
      writeDriver(writes, reactor, { path, records, count: records.length });
      writeDriver(reads, reactor, { path, count: content.count });

      wasmtime(writes, { start: 'run', directory: theirs });
      const store = await VecStore.open({ path: join(theirs, 'store') });
      assert.equal(await store.count(), records.length);
      assert.deepEqual((await store.verify()).errors, []);
      assert.deepEqual(Array.from((await store.get(37)).vector), records[37].vector);
      await store.close();

      wasmtime(reads, { start: 'run', directory: ours });
      assert.deepEqual(await readByNode(join(ours, 'store')), content);
      assert.throws(() => wasmtime(reads, { start: 'run', directory: theirs }), /unreachable/, 'the program can fail');
    });
  }
});

describe('golden values', () => {
  const skip = skipWithout('wizer', 'node24', 'deno');
  const program = (variant) => file(`build/wasi-tests/golden.${variant}.wasm`);
  const lines = (text) => text.trimEnd().split('\n');
  const float = (bits) => new Float32Array(Uint32Array.of(Number.parseInt(bits, 16)).buffer)[0];

  /**
   * Equality of two outputs: searches and integer kernels to the letter; float kernels within 1e-6 of the largest value
   * of their line times the square root of the length, as runtimes may fuse a multiplication and an addition or not.
   * Gives how many lines are the same to the bit.
   */
  function agree(actual, expected, what) {
    assert.equal(actual.length, expected.length);
    let same = 0;
    actual.forEach((line, i) => {
      if (line === expected[i]) {
        same++;
        return;
      }
      const [kind, metric, n, ...got] = line.split(' ');
      const [wantedKind, wantedMetric, wantedN, ...wanted] = expected[i].split(' ');
      assert.equal(kind, 'kernel', `${what}: ${line} is not ${expected[i]}`);
      assert.deepEqual([kind, metric, n], [wantedKind, wantedMetric, wantedN]);
      // A dot product's terms are up to 4 in size and cancel each other.
      const size = Math.max(...wanted.map((bits) => Math.abs(float(bits))), Number(n));
      got.forEach((bits, j) => {
        const error = Math.abs(float(bits) - float(wanted[j]));
        assert.ok(error <= 1e-6 * Math.sqrt(Number(n)) * size, `${what}: ${line} is not near ${expected[i]}`);
      });
    });
    return same;
  }

  test('relaxed kernels and searches equal those of deterministic relaxed SIMD, and plain SIMD', { skip }, (t) => {
    const reference = lines(wasmtime(program('relaxed'), { flags: ['--relaxed-simd-deterministic=true'] }));
    assert.equal(reference.filter((line) => line.startsWith('kernel')).length, 54);
    assert.equal(reference.filter((line) => line.startsWith('exact')).length, 7);
    assert.equal(reference.filter((line) => /^search( \S+){12}$/.test(line)).length, 180);
    assert.equal(reference.length, 54 + 7 + 180);
    const outputs = {
      'wasmtime, relaxed': wasmtime(program('relaxed')),
      'Node 24, relaxed': script('Node 24', 'command.mjs', program('relaxed'), scratch),
      'Deno, relaxed': script('Deno', 'command.mjs', program('relaxed'), scratch),
      'wasmtime, simd': wasmtime(program('simd')),
      'Node, simd': script('Node', 'command.mjs', program('simd'), scratch),
    };
    for (const [what, text] of Object.entries(outputs)) {
      t.diagnostic(`${what}: ${agree(lines(text), reference, what)} of ${reference.length} lines the same to the bit`);
    }
  });
});
