// Repair: damaged stores on the disk open with what can be read, tell what was lost and are sound afterwards; the same
// through the command line; damage under an open store costs nothing.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { hosts } from '../cli/run.mjs';

const root = mkdtempSync(join(tmpdir(), 'vecstore-repair-'));
after(() => rmSync(root, { recursive: true, force: true }));
const sound = join(root, 'sound');
let copies = 0;

const N = 1500;
const record = (id) => ({ id, vector: Float32Array.from({ length: 32 }, (_, i) => Math.sin(id * 7 + i)), metadata: { id }, text: `text ${id}` });

before(async () => {
  const store = await VecStore.open({ path: sound, dimension: 32, metric: 'euclidean' });
  await store.upsert(Array.from({ length: N }, (_, id) => record(id)));
  await store.createSnapshot('first');
  await store.upsert(Array.from({ length: 40 }, (_, i) => record(N + i)));
  await store.delete([5, 6]);
  await store.close();
});

/** A copy of the store with one file damaged by fn. */
function damaged(kind, fn) {
  const path = join(root, `copy${copies++}`);
  cpSync(sound, path, { recursive: true });
  const directory = kind === 'db-' ? path : join(path, 'c', '1');
  const names = readdirSync(directory).filter((name) => name.startsWith(kind))
    .sort((a, b) => statSync(join(directory, b)).size - statSync(join(directory, a)).size);
  assert.ok(names.length > 0, kind);
  fn(join(directory, names[0]));
  return { path, name: names[0] };
}

const flipAt = (share) => (file) => {
  const bytes = readFileSync(file);
  bytes[Math.floor(bytes.length * share)] ^= 4;
  writeFileSync(file, bytes);
};

const live = N + 40 - 2;

for (const [what, kind, fn, mayLose] of [
  ['the catalog is missing', 'db-', (file) => rmSync(file), false],
  ['a flip in the manifest', 'manifest-', flipAt(0.5), false],
  ['the manifest is missing', 'manifest-', (file) => rmSync(file), false],
  ['a flip in the graph', 'idx-', flipAt(0.7), false],
  ['the index image is missing', 'idx-', (file) => rmSync(file), false],
  ['a flip in a segment', 'seg-', flipAt(0.3), true],
  ['a segment is missing', 'seg-', (file) => rmSync(file), true],
  ['a flip in the log', 'wal-', flipAt(0.5), true],
]) {
  test(`${what}: refused, then repaired`, async () => {
    const { path, name } = damaged(kind, fn);
    await assert.rejects(VecStore.open({ path }), (error) => error.code === 'CORRUPT' && error.file !== '');
    const shares = [];
    const store = await VecStore.open({ path, dimension: 32, metric: 'euclidean', repair: true, onProgress: (share) => shares.push(share) });
    const count = await store.count();
    const report = await store.verify({ repair: true });
    assert.equal(report.ok, true);
    assert.equal(report.repaired, true);
    assert.ok(kind === 'manifest-' || report.errors.some(({ file }) => file.includes(name)), JSON.stringify(report.errors));
    if (!mayLose) {
      assert.deepEqual([report.lost.records, report.lost.transactions], [0, 0]);
      // Without a manifest or table, what was deleted may be back, and that is told.
      const back = count - live;
      assert.ok(back >= 0 && back <= 2, String(count));
      if (back > 0) assert.ok(report.errors.some(({ what: text }) => text.includes('may be back')));
    } else {
      assert.ok(count < live || kind === 'wal-');
      assert.ok(report.lost.records + report.lost.transactions > 0);
      // Two of the segment's records were deleted later: lost or not, nobody can tell.
      if (kind === 'seg-') assert.ok([0, 2].includes(report.lost.records - (live - count)), String(report.lost.records));
    }
    assert.ok(shares.every((share) => share >= 0 && share <= 1));
    const there = await store.get([...Array(N).keys()]);
    for (const hit of there) if (hit) assert.deepEqual({ ...hit, vector: [...hit.vector] }.vector, [...record(hit.id).vector]);
    const id = there.find((hit) => hit)?.id ?? N;
    assert.equal((await store.query({ vector: record(id).vector, k: 1 }))[0].id, id);
    await store.upsert(record(9999));
    await store.close();
    const again = await VecStore.open({ path });
    assert.equal(await again.count(), count + 1);
    assert.deepEqual(await again.verify(), { ok: true, errors: [], repaired: false });
    await again.close();
  });
}

test('damage under an open store: nothing is lost but snapshots that share the file', async () => {
  for (const kind of ['seg-', 'idx-', 'manifest-', 'wal-']) {
    const path = join(root, `copy${copies++}`);
    cpSync(sound, path, { recursive: true });
    const store = await VecStore.open({ path });
    const directory = join(path, 'c', '1');
    flipAt(0.5)(join(directory, readdirSync(directory).find((name) => name.startsWith(kind))));
    const found = await store.verify();
    assert.equal(found.ok, false);
    const report = await store.verify({ repair: true });
    assert.deepEqual([report.ok, report.repaired, report.lost.records, report.lost.transactions], [true, true, 0, 0]);
    assert.ok(report.errors.length >= found.errors.length);
    const kept = (await store.listSnapshots()).map(({ name }) => name);
    assert.deepEqual([...kept, ...report.lost.snapshots], ['first']);
    assert.equal(await store.count(), live);
    await store.close();
    const again = await VecStore.open({ path });
    assert.equal(await again.count(), live);
    assert.equal((await again.verify()).ok, true);
    await again.close();
  }
});

test('a store without damage: repair changes nothing that can be seen', async () => {
  const path = join(root, `copy${copies++}`);
  cpSync(sound, path, { recursive: true });
  const store = await VecStore.open({ path, repair: true });
  assert.deepEqual(await store.verify({ repair: true }),
    { ok: true, errors: [], repaired: false, lost: { records: 0, transactions: 0, snapshots: [] } });
  assert.equal(await store.count(), live);
  assert.deepEqual((await store.listSnapshots()).map(({ name }) => name), ['first']);
  await store.restoreSnapshot('first');
  assert.equal(await store.count(), N);
  await store.close();
  const memory = await VecStore.open({ repair: true });
  await memory.upsert(record(1));
  assert.equal((await memory.verify({ repair: true })).ok, true);
  await memory.close();
  await assert.rejects(VecStore.open({ repair: 'yes' }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(VecStore.import(new Uint8Array(4), { repair: true }), { code: 'INVALID_ARGUMENT' });
});

test('vecstore verify --repair', async () => {
  const { path, name } = damaged('seg-', flipAt(0.3));
  const { run } = hosts['npx, Node'];
  assert.equal(run(root, ['verify', path]).status, 1);
  const { status, stdout, stderr } = run(root, ['verify', path, '--repair']);
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1));
  assert.ok(report.errors.some(({ file }) => file.includes(name)) && report.records > 0);
  assert.ok(stdout.endsWith('ok\n'));
  assert.deepEqual([run(root, ['verify', path]).stdout, run(root, ['verify', '--repair', path]).status], ['ok\n', 0]);
  assert.equal(run(root, ['verify', path, '--mend']).status, 2);
  const store = await VecStore.open({ path });
  assert.ok([0, 2].includes(report.records - (live - await store.count())));
  await store.close();
});
