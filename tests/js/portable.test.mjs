// Moving whole stores: memory while one is exported and imported as a stream, and processes killed half-way.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { random, randomVector } from './behaviour/expect.mjs';

const MIB = 2 ** 20;
const root = mkdtempSync(join(tmpdir(), 'vecstore-portable-'));
after(() => rmSync(root, { recursive: true, force: true }));
const place = (name) => join(root, name);

test('a store of 60 MB streams out and in; neither side ever holds a second one', async (t) => {
  const next = random(5);
  const store = await VecStore.open({ dimension: 256, index: { type: 'flat' } });
  const count = 50_000;
  await store.upsertMany((function* () {
    for (let id = 0; id < count; id++) yield { id, vector: randomVector(next, 256), metadata: { id } };
  })());
  const before = (await store.stats()).memory.wasm;
  let largest = 0;
  const measured = (await store.exportStream()).pipeThrough(new TransformStream({
    transform(piece, controller) {
      largest = Math.max(largest, piece.length);
      controller.enqueue(piece);
    },
  }));
  await pipeline(Readable.fromWeb(measured), createWriteStream(place('big')));
  const grown = (await store.stats()).memory.wasm - before;
  const { size } = statSync(place('big'));
  t.diagnostic(`${(size / MIB).toFixed(1)} MiB, largest piece ${(largest / MIB).toFixed(1)} MiB, the engine's memory grew by ${(grown / MIB).toFixed(1)} MiB`);
  assert.ok(size > 50 * MIB && largest < 17 * MIB && grown < 40 * MIB);
  const vector = (await store.get(777)).vector;
  await store.close();

  const copy = await VecStore.import(createReadStream(place('big')), { storage: 'fs', path: place('copy') });
  const { wasm } = (await copy.stats()).memory;
  t.diagnostic(`memory after the import: ${(wasm / MIB).toFixed(1)} MiB, its peak`);
  assert.ok(wasm < size * 1.6, `${wasm} bytes for a store of ${size}`);
  assert.equal(await copy.count(), count);
  const [hit] = await copy.query({ vector, k: 1 });
  assert.equal(hit.id, 777);
  await copy.close();
});

test('JSON Lines of 20,000 records pass through without being gathered', async () => {
  const next = random(6);
  const store = await VecStore.open({ dimension: 8, index: { type: 'flat' } });
  await store.upsertMany((function* () {
    for (let id = 0; id < 20_000; id++) yield { id, vector: randomVector(next, 8), metadata: { text: 'x'.repeat(200) } };
  })());
  const reader = (await store.exportJsonl()).getReader();
  const copy = await VecStore.open({ index: { type: 'flat' } });
  let ahead = 0, most = 0;
  const counted = async function* () {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      ahead++;
      most = Math.max(most, value.length);
      yield value;
      ahead--;
    }
  };
  assert.deepEqual(await copy.importJsonl(counted()), { inserted: 20_000, updated: 0 });
  assert.equal(ahead, 0);
  assert.ok(most < MIB / 4, `a piece of ${most} bytes`);
  assert.equal(await copy.count(), 20_000);
});

/** Runs code in a process of its own and kills it once it has said a line; gives what it said. */
function runAndKill(code, afterMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '', wrong = '';
    child.stdout.on('data', (data) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
      said += data;
    });
    child.stderr.on('data', (data) => (wrong += data));
    child.on('close', (_, signal) => (signal === 'SIGKILL' || said.includes('done') ? resolve(said) : reject(new Error(wrong))));
  });
}

test('a process killed in mid-import leaves no store or the whole one', async () => {
  const next = random(7);
  const store = await VecStore.open({ dimension: 64, index: { type: 'flat' } });
  await store.upsertMany((function* () {
    for (let id = 0; id < 20_000; id++) yield { id, vector: randomVector(next, 64) };
  })());
  writeFileSync(place('kill.vs'), await store.export());
  await store.close();
  const entry = fileURLToPath(new URL('../../js/src/index.node.js', import.meta.url));
  const seen = new Set();
  for (let i = 0; i < 16; i++) {
    const path = place(`killed${i}`);
    const code = `import { createReadStream } from 'node:fs'; import { VecStore } from ${JSON.stringify(entry)};
      console.log('go'); const s = await VecStore.import(createReadStream(${JSON.stringify(place('kill.vs'))}), { path: ${JSON.stringify(path)} });
      console.log('done'); await s.close();`;
    const said = await runAndKill(code, i * 12);
    const opened = existsSync(path) ? await VecStore.open({ path }) : null;
    const count = opened ? await opened.count() : 0;
    if (opened) assert.deepEqual((await opened.verify()).errors, []);
    assert.ok(count === 20_000 || (count === 0 && !said.includes('done')), `${count} records; ${said}`);
    seen.add(count);
    await opened?.close();
    if (count > 0) continue;
    // An empty store was made by opening; an import goes where none is.
    rmSync(path, { recursive: true, force: true });
    const whole = await VecStore.import(readFileSync(place('kill.vs')), { path });
    assert.equal(await whole.count(), 20_000);
    await whole.close();
  }
  assert.ok(seen.has(0), 'no kill came in mid-import');
});

test('a process killed in mid-importJsonl keeps the batches that were acknowledged', async () => {
  const path = place('lines');
  const entry = fileURLToPath(new URL('../../js/src/index.node.js', import.meta.url));
  const code = `import { writeSync } from 'node:fs'; import { VecStore } from ${JSON.stringify(entry)};
    const s = await VecStore.open({ path: ${JSON.stringify(path)} });
    await s.importJsonl((function* () { for (let id = 0; ; id++) yield JSON.stringify({ id, vector: [id, 1] }) + '\\n'; })(),
      { batchSize: 50, onProgress: ({ inserted }) => writeSync(1, inserted + '\\n') });`;
  const said = await runAndKill(code, 150);
  const acknowledged = Number(said.trim().split('\n').at(-1));
  const store = await VecStore.open({ path });
  const count = await store.count();
  assert.ok(count >= acknowledged && count % 50 === 0, `${count} records, ${acknowledged} acknowledged`);
  assert.deepEqual((await store.get(count - 1)).vector, new Float32Array([count - 1, 1]));
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
});
