// A Node process that writes with durability strict is killed at random moments, 200 times. After each kill
// the store opens (its lock is stale), and holds exactly a prefix of the operations that were issued, not
// shorter than what was acknowledged; no batch is half there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { random } from './behaviour/expect.mjs';
import { contents, prefixOf } from './kill/operations.mjs';

const KILLS = Number(process.env.VS_KILLS ?? 200);
const LANES = 2;
const SEED = Number(process.env.VS_SEED ?? 20261122);
const child = fileURLToPath(new URL('kill/child.mjs', import.meta.url));

/** Runs the child until it is killed; gives what it said. */
function runAndKill(path, seed, first, next) {
  return new Promise((resolve, reject) => {
    const writer = spawn(process.execPath, [child, path, seed, first], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '', wrong = '';
    const kill = () => writer.kill('SIGKILL');
    // Mostly while it writes, now and then while it starts and opens.
    if (next() < 0.15) setTimeout(kill, next() * 150);
    writer.stdout.on('data', (data) => {
      if (said === '') setTimeout(kill, next() * 100);
      said += data;
    });
    writer.stderr.on('data', (data) => (wrong += data));
    writer.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the child ended by itself: ${wrong}`));
      const numbers = (letter) => said.split('\n').slice(0, -1).filter((line) => line[0] === letter).map((line) => Number(line.slice(1)));
      resolve({ issued: Math.max(first - 1, ...numbers('i')), acknowledged: Math.max(first - 1, ...numbers('a')), n: numbers('a').length });
    });
  });
}

async function lane(lane, kills) {
  const seed = SEED + lane;
  const next = random(seed);
  const root = mkdtempSync(join(tmpdir(), 'vecstore-kill-'));
  const path = join(root, 'store');
  let acknowledged = 0;
  try {
    let model = new Map();
    let first = 0;
    for (let i = 0; i < kills; i++) {
      const said = await runAndKill(path, seed, first, next);
      acknowledged += said.n;
      const store = await VecStore.open({ path });
      const state = await contents(store);
      const last = prefixOf(state, model, seed, first, said);
      const context = `seed ${SEED}, lane ${lane}, kill ${i}: first ${first}, ${JSON.stringify(said)}`;
      assert.notEqual(last, null, `the store holds no prefix of the operations; ${context}`);
      assert.deepEqual((await store.verify()).errors, [], context);
      assert.equal(await store.count(), state.size, context);
      await store.close();
      model = state;
      // A number is used once, so that a lost operation cannot be mistaken for a later one.
      first = said.issued + 1;
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return acknowledged;
}

test(`${KILLS} kills: nothing acknowledged is lost, nothing is half applied`, async (t) => {
  const counts = await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i, Math.ceil(KILLS / LANES))));
  const acknowledged = counts.reduce((a, b) => a + b);
  t.diagnostic(`${acknowledged} operations acknowledged`);
  assert.ok(acknowledged > KILLS, 'the child hardly got to write');
});
