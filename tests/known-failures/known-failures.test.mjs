// What went wrong elsewhere (README.md here has the list): that every row names a test there is, and the tests that
// had no other place.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { random, randomVector } from '../js/behaviour/expect.mjs';
import { crc32c } from '../tools/text-module.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'vecstore-known-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let paths = 0;
const newPath = () => join(scratch, `s${paths++}`);
const SEED = Number(process.env.VS_SEED ?? 20261122);

test('every failure of the list has a test of that name', () => {
  const rows = readFileSync(join(root, 'tests/known-failures/README.md'), 'utf8').split('\n').filter((line) => line.startsWith('| ')).slice(1);
  assert.ok(rows.length >= 24);
  for (const row of rows) {
    const [, , , file, name] = row.split(' | ').length === 4 ? ['', ...row.slice(2, -2).split(' | ')] : [];
    const path = file?.replaceAll('`', '');
    assert.ok(path && existsSync(join(root, path)), row);
    const source = readFileSync(join(root, path), 'utf8').replace(/"\s*\n\s*"/g, '').replace(/\s+/g, ' ');
    const text = path.includes('known-failures') ? source.slice(source.indexOf('every failure of the list')) : source;
    assert.ok(text.includes(name), `${path} has no test '${name}'`);
  }
});

const filesIn = (path) => readdirSync(path, { recursive: true }).filter((name) => statSync(join(path, name)).isFile()).sort();
const sizes = (path) => new Map(filesIn(path).filter((name) => name !== 'lock').map((name) => [name, statSync(join(path, name)).size]));

test('a damaged store keeps no other from opening', async () => {
  const parent = newPath(), at = (name) => `${parent}-${name}`;
  const names = ['a', 'b', 'c'];
  for (const name of names) {
    const store = await VecStore.open({ path: at(name) });
    await store.upsert({ id: name, vector: [1, 2] });
    await store.checkpoint();
    await store.close();
  }
  const segment = join(at('b'), filesIn(at('b')).find((name) => /seg-/.test(name)));
  const bytes = readFileSync(segment);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(segment, bytes);
  const opened = await Promise.allSettled(names.map((name) => VecStore.open({ path: at(name) })));
  assert.deepEqual(opened.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
  assert.equal(opened[1].reason.code, 'CORRUPT');
  for (const { value } of [opened[0], opened[2]]) {
    assert.equal(await value.count(), 1);
    await value.close();
  }
});

test('every one of 2,500 rows is found after a restart', async () => {
  const path = newPath(), next = random(SEED);
  const vectors = Array.from({ length: 2500 }, () => randomVector(next, 8));
  let store = await VecStore.open({ path, index: { type: 'hnsw' } });
  for (let i = 0; i < 2500; i += 50) await store.upsert(vectors.slice(i, i + 50).map((vector, j) => ({ id: i + j, vector })));
  for (let round = 0; round < 2; round++) {
    await store.close();
    store = await VecStore.open({ path });
    const hits = await store.queryBatch(vectors.map((vector) => ({ vector, k: 1 })));
    const found = hits.filter(([hit], i) => hit.id === i).length;
    assert.ok(found >= 2490, `${found} of 2,500 are their own nearest`);
    assert.equal((await store.query({ vector: vectors[0], k: 2500, ef: 2500 })).length, 2500);
    await store.checkpoint();
  }
  await store.close();
});

test('one small write appends to the log and touches no other file', async () => {
  const path = newPath(), next = random(SEED + 1);
  const store = await VecStore.open({ path, index: { type: 'flat' } });
  await store.upsertMany((function* () {
    for (let id = 0; id < 5000; id++) yield { id, vector: randomVector(next, 64) };
  })());
  await store.checkpoint();
  const before = sizes(path);
  for (let i = 0; i < 20; i++) await store.upsert({ id: i, vector: randomVector(next, 64) });
  const changed = [...sizes(path)].filter(([name, size]) => before.get(name) !== size);
  assert.equal(changed.length, 1);
  assert.match(changed[0][0], /wal-\d+$/);
  const grown = changed[0][1] - (before.get(changed[0][0]) ?? 0);
  assert.ok(grown < 20 * 1024, `20 writes of 256 bytes took ${grown}`);
  await store.close();
});

/** Opens the store in a process of its own that dies without closing it; gives what it says. */
function openAndDie(path) {
  const code = `import { VecStore } from ${JSON.stringify(join(root, 'js/src/index.node.js'))};
    const store = await VecStore.open({ path: ${JSON.stringify(path)} });
    const { memory } = await store.stats(); console.log(JSON.stringify([await store.count(), memory.wasm])); process.kill(process.pid, 'SIGKILL');`;
  return JSON.parse(spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).stdout);
}

test('a log that is replayed again and again neither grows nor takes more memory', () => {
  const path = newPath();
  const code = `import { VecStore } from ${JSON.stringify(join(root, 'js/src/index.node.js'))};
    const store = await VecStore.open({ path: ${JSON.stringify(path)}, index: { type: 'flat' } });
    for (let i = 0; i < 400; i++) await store.upsert(Array.from({ length: 5 }, (_, j) => ({ id: (i * 5 + j) % 1500, vector: Array(64).fill(i), text: 'x'.repeat(300) })));
    process.kill(process.pid, 'SIGKILL');`;
  spawnSync(process.execPath, ['--input-type=module', '-e', code]);
  const [count, memory] = openAndDie(path);
  assert.equal(count, 1500);
  const before = sizes(path);
  for (let i = 0; i < 4; i++) assert.deepEqual(openAndDie(path), [count, memory]);
  assert.deepEqual(sizes(path), before);
});

test('every record is deleted in turn, whichever is the entry point, and the rest is found', async () => {
  const next = random(SEED + 2), n = 120;
  const vectors = Array.from({ length: n }, () => randomVector(next, 6));
  const store = await VecStore.open({ index: { type: 'hnsw', M: 3, efConstruction: 16 } });
  await store.upsert(vectors.map((vector, id) => ({ id, vector })));
  const left = new Set(vectors.keys());
  while (left.size > 0) {
    const gone = [...left][Math.floor(next() * left.size)];
    left.delete(gone);
    await store.delete(gone);
    const hits = await store.query({ vector: vectors[gone], k: n, ef: n });
    assert.deepEqual(hits.map(({ id }) => id).sort((a, b) => a - b), [...left].sort((a, b) => a - b));
    assert.deepEqual((await store.verify()).errors, []);
    // Now and then one comes back and may be the entry point again.
    if (next() < 0.3 && left.size > 0) {
      left.add(gone);
      await store.upsert({ id: gone, vector: vectors[gone] });
      if (next() < 0.5) continue;
      left.delete(gone);
      await store.delete(gone);
    }
  }
  await store.upsert({ id: 0, vector: vectors[0] });
  assert.equal((await store.query({ vector: vectors[5], k: 3 }))[0].id, 0);
  await store.close();
});

test('recall holds through replacements of ten times the store', async (t) => {
  const next = random(SEED + 3), n = 1500, dimension = 16;
  const centres = Array.from({ length: 12 }, () => randomVector(next, dimension));
  const point = () => centres[Math.floor(next() * 12)].map((x) => x + (next() - 0.5) * 0.6);
  const store = await VecStore.open({ index: { type: 'hnsw' }, quantization: 'none' });
  await store.upsert(Array.from({ length: n }, (_, id) => ({ id, vector: point() })));
  const recall = async () => {
    const queries = Array.from({ length: 150 }, () => ({ vector: point(), k: 10 }));
    const [found, exact] = [await store.queryBatch(queries), await store.queryBatch(queries.map((query) => ({ ...query, exact: true })))];
    const shared = found.map((hits, i) => hits.filter(({ id }) => exact[i].some((hit) => hit.id === id)).length);
    return shared.reduce((a, b) => a + b) / 1500;
  };
  const before = await recall();
  let at = 0;
  for (let i = 0; i < 10 * n; i += 50) {
    // A few deletes, many replacements, as merges see them.
    await store.delete([at % n, (at + 1) % n]);
    await store.upsert(Array.from({ length: 50 }, () => ({ id: at++ % n, vector: point() })));
  }
  const afterwards = await recall();
  t.diagnostic(`recall@10 ${before.toFixed(4)}, after ${10 * n} replacements ${afterwards.toFixed(4)} (seed ${SEED})`);
  assert.ok(afterwards >= 0.95 && afterwards >= before - 0.01, `${before} -> ${afterwards}`);
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
});

test('ninety bytes that claim gigabytes are refused before any memory is asked for', async () => {
  const bytes = Buffer.alloc(90);
  bytes.writeUInt32LE(0x4b505356, 0);
  bytes.writeUInt32LE(2, 4);
  bytes.writeUInt32LE(5, 16);
  bytes.writeBigUInt64LE(16n << 30n, 20);
  bytes.write('seg-1', 32);
  bytes.writeUInt32LE(crc32c(Buffer.concat([bytes.subarray(16, 28), bytes.subarray(32, 37)])), 28);
  await assert.rejects(VecStore.import(bytes, { memoryBudget: 4 << 20 }), { code: 'CORRUPT' });

  // A manifest of 90 bytes of body that tells of 2^32 - 1 files.
  const path = newPath();
  cpSync(join(root, 'tests/golden/store-1/checkpointed'), path, { recursive: true });
  const manifest = join(path, filesIn(path).find((name) => /manifest-/.test(name)));
  const old = readFileSync(manifest).subarray(0, 32 + 90);
  old.writeUInt32LE(0xffffffff, 32 + 40);
  sealManifest(old);
  writeFileSync(manifest, old);
  await assert.rejects(VecStore.open({ path, memoryBudget: 16 << 20 }), { code: 'CORRUPT' });
});

// ============ Stores made wrong with right checksums ============

function sealManifest(bytes) {
  bytes.writeBigUInt64LE(BigInt(bytes.length - 32), 16);
  bytes.writeUInt32LE(crc32c(bytes.subarray(32)), 24);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 28)), 28);
}

/** A copy of a golden store with the payloads of its segment changed, everything about them made right. */
function withSegment(name, change) {
  const path = newPath();
  cpSync(join(root, 'tests/golden/store-1', name), path, { recursive: true });
  const file = (pattern) => join(path, filesIn(path).find((one) => pattern.test(one)));
  const segment = file(/seg-\d+$/), manifest = file(/manifest-\d+$/);
  const bytes = readFileSync(segment);
  let headers = bytes.subarray(0, 36);
  for (let at = 36; at < bytes.length - 24;) {
    const n = bytes.readUInt32LE(at);
    change(bytes.subarray(at + 8, at + 8 + n));
    bytes.writeUInt32LE(crc32c(Buffer.concat([bytes.subarray(at, at + 4), bytes.subarray(at + 8, at + 8 + n)])), at + 4);
    headers = Buffer.concat([headers, bytes.subarray(at, at + 8)]);
    at += 8 + n;
  }
  const crc = crc32c(headers), footer = bytes.length - 24;
  bytes.writeUInt32LE(crc, footer + 16);
  bytes.writeUInt32LE(crc32c(bytes.subarray(footer, footer + 20)), footer + 20);
  writeFileSync(segment, bytes);
  const list = readFileSync(manifest);
  for (let i = 0; i < list.readUInt32LE(32 + 40); i++) {
    const entry = 32 + 44 + i * 33;
    if (list[entry] === 1) list.writeUInt32LE(crc, entry + 29);
  }
  sealManifest(list);
  writeFileSync(manifest, list);
  return path;
}

/** Where each record of a block begins. */
function recordsOf(block) {
  const found = [];
  for (let at = 0; at < block.length; at += 4 + block.readUInt32LE(at)) found.push(at + 4);
  return found;
}

test('two records of one id in a segment are refused', async () => {
  const sound = await VecStore.open({ path: withSegment('graph', () => {}) });
  assert.equal(await sound.count(), 70);
  await sound.close();
  const path = withSegment('graph', (block) => {
    const ids = recordsOf(block).filter((at) => block.readUInt32LE(at + 56) === 4).map((at) => at + 68);
    if (ids.length > 1) block.copy(block, ids[1], ids[0], ids[0] + 4);
  });
  await assert.rejects(VecStore.open({ path }), { code: 'CORRUPT' });
});

test('a dimension that contradicts the records is refused', async () => {
  const path = withSegment('graph', (block) => {
    for (const at of recordsOf(block)) block.writeUInt32LE(0x40000000, at + 52);
  });
  await assert.rejects(VecStore.open({ path }), { code: 'CORRUPT' });
  // The other way round: the configuration has another dimension than the records.
  const other = withSegment('graph', () => {});
  const manifest = join(other, filesIn(other).find((name) => /manifest-\d+$/.test(name)));
  const bytes = readFileSync(manifest);
  const at = bytes.indexOf('dimension') + 'dimension'.length;
  assert.equal(bytes[at + 1], 12);
  bytes[at + 1] = 14;
  sealManifest(bytes);
  writeFileSync(manifest, bytes);
  await assert.rejects(VecStore.open({ path: other }), { code: 'CORRUPT' });
});
