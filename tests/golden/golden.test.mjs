// Stores of every format version this build reads open, hold exactly what was written into them, verify, and are
// upgraded by the next writes; those of newer versions are refused by name and stay untouched.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { crc32c } from '../tools/text-module.mjs';
import { EMBEDDER, NEXT_EMBEDDER, embedder, exported, record, stores } from './contents.mjs';
import { writeStore } from './write.mjs';

const golden = fileURLToPath(new URL('.', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'vecstore-golden-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let copies = 0;
function copyOf(...path) {
  const to = join(scratch, `c${copies++}`);
  cpSync(join(golden, ...path), to, { recursive: true });
  return to;
}

const filesIn = (folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)).filter((name) => statSync(name).isFile()).sort();
/** Names and contents of all files. */
const fingerprint = (folder) => filesIn(folder).map((file) => `${relative(folder, file)} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`);

const key = (id) => `${typeof id} ${id}`;
const sorted = (list) => list.map(({ id, vector, metadata, text }) => ({ id, vector, metadata, text })).sort((a, b) => (key(a.id) < key(b.id) ? -1 : 1));
async function contents(store) {
  const all = [];
  for await (const one of store.scan()) all.push(one);
  return sorted(all);
}

/** Has exactly these records, every one of which is found by its own vector and by its id. */
async function check(store, holds) {
  assert.deepEqual(await contents(store), sorted(holds));
  assert.equal(await store.count(), holds.length);
  assert.deepEqual(await store.verify(), { ok: true, errors: [], repaired: false });
  for (const { id, vector, metadata } of holds.slice(0, 20)) {
    assert.deepEqual((await store.get(id)).metadata, metadata);
    if (!vector) continue;
    const hits = await store.query({ vector, k: holds.length, exact: true });
    assert.ok(hits.some((hit) => key(hit.id) === key(id)) && hits.length === holds.length);
  }
}

for (const version of readdirSync(golden).filter((name) => /^store-\d+$/.test(name))) {
  describe(version, () => {
    test('every kind of store is kept', () => {
      assert.deepEqual(readdirSync(join(golden, version)).sort(), Object.keys(stores).sort());
    });
    for (const [name, { holds, stats, snapshots = {} }] of Object.entries(stores)) {
      test(`${name}: opens, holds what it held, is upgraded`, async () => {
        const path = copyOf(version, name);
        let store = await VecStore.open({ path });
        const expected = await holds();
        const now = await store.stats();
        for (const [member, value] of Object.entries(stats)) assert.deepEqual(now[member], value, member);
        await check(store, expected);
        assert.deepEqual((await store.listSnapshots()).map((one) => [one.name, one.count]).sort(), Object.entries(snapshots).map(([label, of]) => [label, of().length]).sort());

        const dimension = now.dimension ?? 4;
        const added = { ...record(1000, dimension), text: 'added' };
        await store.upsert(added);
        await store.checkpoint();
        await store.close();
        store = await VecStore.open({ path });
        await check(store, [...expected, added]);
        await store.optimize();
        await store.close();
        store = await VecStore.open({ path });
        await check(store, [...expected, added]);
        for (const [label, of] of Object.entries(snapshots)) {
          await store.restoreSnapshot(label);
          await check(store, of());
        }
        const copy = await VecStore.import(await store.export());
        assert.deepEqual(await contents(copy), await contents(store));
        await copy.close();
        await store.close();
      });
    }

    test('an interrupted re-embedding goes on', async () => {
      const store = await VecStore.open({ path: copyOf(version, 'staged'), embedder: embedder(EMBEDDER) });
      assert.deepEqual(await store.reembed(embedder(NEXT_EMBEDDER)), { embedded: 15, kept: 0, resumed: 25 });
      const { vector } = await store.get(39);
      assert.deepEqual(vector, (await embedder(NEXT_EMBEDDER).embed(['golden text number 39']))[0]);
      await store.close();
    });

    test('schema and chosen indexes hold on', async () => {
      const store = await VecStore.open({ path: copyOf(version, 'filters') });
      await assert.rejects(store.upsert({ id: 1, vector: [1, 2, 3, 4], metadata: { i: 'no number' } }), { code: 'SCHEMA' });
      assert.equal(await store.count({ filter: 'i >= 10 AND even = true' }), stores.filters.holds().filter(({ metadata: { i, even } }) => i >= 10 && even).length);
      assert.deepEqual((await store.stats()).indexes.map(({ field, kind }) => [field, kind]).sort(), [['even', 'value'], ['i', 'range']]);
      await store.close();
    });
  });
}

test('the configuration of version 1, without quantization, is read and replaced by the next checkpoint', async () => {
  const path = copyOf('..', 'js', 'golden', 'config-1');
  const versionIn = () => {
    const manifests = filesIn(path).filter((file) => /manifest-\d+$/.test(file));
    const bytes = readFileSync(manifests.at(-1));
    return bytes[bytes.indexOf('version') + 8] / 2;
  };
  assert.equal(versionIn(), 1);
  let store = await VecStore.open({ path });
  const before = await contents(store);
  assert.equal(before.length, 197);
  await store.checkpoint();
  await store.close();
  assert.equal(versionIn(), 4);
  store = await VecStore.open({ path });
  assert.deepEqual(await contents(store), before);
  assert.equal((await store.verify()).ok, true);
  await store.close();
});

for (const version of readdirSync(golden).filter((name) => /^export-\d+$/.test(name))) {
  test(`${version}: imports with everything`, async () => {
    const store = await VecStore.import(readFileSync(join(golden, version)));
    const expected = exported.records.filter(({ id }) => !exported.deleted.includes(id));
    await check(store, expected);
    const { metric, index } = await store.stats();
    assert.deepEqual([metric, index.M, index.efConstruction, index.efSearch], ['euclidean', 6, 40, 33]);
    await store.close();
  });
}

test('what this build writes does not depend on when it is written', async () => {
  const again = (name) => {
    const to = join(scratch, `w${copies++}`);
    return writeStore(name, to).then(() => fingerprint(to));
  };
  for (const name of ['log', 'checkpointed', 'snapshots', 'filters']) assert.deepEqual(await again(name), await again(name), name);
});

// ============ Newer versions ============

const u32 = (bytes, at) => bytes.readUInt32LE(at);
/** A file of the store with another version, whole by its own checksum. */
function newerHeader(bytes) {
  bytes.writeUInt32LE(u32(bytes, 8) + 1, 8);
  const header = u32(bytes, 12);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, header - 4)), header - 4);
}
function newerCatalog(bytes) {
  bytes.writeUInt32LE(u32(bytes, 4) + 1, 4);
  bytes.writeUInt32LE(crc32c(Buffer.concat([bytes.subarray(24), bytes.subarray(0, 20)])), 20);
}
function newerConfig(bytes) {
  const at = bytes.indexOf('version') + 8;
  bytes[at] += 2;
  bytes.writeUInt32LE(crc32c(bytes.subarray(32)), 24);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 28)), 28);
}

const last = (path, pattern) => filesIn(path).filter((file) => pattern.test(file)).at(-1);
for (const [what, pattern, change, names] of [
  ['log', /wal-\d+$/, newerHeader, /wal-\d+/], ['manifest', /manifest-\d+$/, newerHeader, /manifest-\d+/],
  ['segment', /seg-\d+$/, newerHeader, /seg-\d+/], ['index image', /idx-\d+-\d+$/, newerHeader, /idx-\d+-\d+/],
  ['catalog', /db-\d+$/, newerCatalog, /db-1/], ['configuration', /manifest-\d+$/, newerConfig, /configuration/],
]) {
  test(`a newer ${what} is refused by name, and nothing is touched`, async () => {
    const path = copyOf('store-3', 'checkpointed');
    const file = last(path, pattern);
    const bytes = readFileSync(file);
    change(bytes);
    writeFileSync(file, bytes);
    const before = fingerprint(path);
    let error;
    await VecStore.open({ path }).catch((thrown) => {
      error = thrown;
    });
    assert.equal(error?.code, 'VERSION', error?.message);
    assert.match(error.message, names);
    assert.match(error.message, /version/);
    assert.deepEqual(fingerprint(path), before);
    await assert.rejects(VecStore.open({ path }), { code: 'VERSION' });
  });
}

test('a newer export is refused by name', async () => {
  const bytes = readFileSync(join(golden, 'export-1'));
  bytes.writeUInt32LE(99, 4);
  await assert.rejects(VecStore.import(bytes), { code: 'VERSION', message: /version 99; this build reads up to version 2/ });
});
