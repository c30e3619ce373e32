// A reopened store answers the first text query from what was saved of the text index: no record's text is taken apart.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';

const root = mkdtempSync(join(tmpdir(), 'vecstore-text-saved-'));
after(() => rmSync(root, { recursive: true, force: true }));
let dirs = 0;
const newPath = () => join(root, `d${dirs++}`);
const WORDS = ['ferry', 'harbour', 'storm', 'lighthouse', 'the crew'];
const textOf = (i) => `${WORDS[i % 5]} ${WORDS[i % 3]} number${i % 50}`;
const records = (from, to) => Array.from({ length: to - from }, (_, i) => ({ id: from + i, text: textOf(from + i) }));
const sources = async (store) => {
  const { built, read, added } = (await store.stats()).text;
  return { built, read, added };
};
const indexFiles = (path) => readdirSync(join(path, 'c/1')).filter((name) => name.startsWith('idx-'));
const ask = (store) => store.textQuery({ text: 'storm "ferry ferry" number7', k: 1000, include: [] });

/** What a store that never was closed answers. @param {any[]} changes */
async function expected(changes) {
  const store = await VecStore.open({ dimension: 0 });
  await store.upsert(changes);
  const hits = await ask(store);
  await store.close();
  return hits;
}

test('a checkpoint saves the text index; reopened, the first query reads it and adds what the log has', async () => {
  const path = newPath();
  let store = await VecStore.open({ path, dimension: 0 });
  await store.upsert(records(0, 900));
  await ask(store);
  assert.deepEqual(await sources(store), { built: 900, read: 0, added: 0 });
  await store.checkpoint();
  const files = indexFiles(path);
  await store.upsert({ id: 3, text: 'storm warning' });
  await store.upsert(records(900, 910));
  await store.close();
  store = await VecStore.open({ path });
  assert.deepEqual(await sources(store), { built: 0, read: 0, added: 0 }, 'opening reads nothing of it');
  const hits = await ask(store);
  assert.deepEqual(await sources(store), { built: 0, read: 899, added: 11 });
  assert.deepEqual(hits, await expected([...records(0, 3), { id: 3, text: 'storm warning' }, ...records(4, 910)]), 'scores to the last bit');
  await store.checkpoint();
  assert.ok(indexFiles(path).length > files.length, 'the checkpoint added a part and kept the others');
  assert.equal((await store.verify()).ok, true);
  await store.close();
  store = await VecStore.open({ path });
  assert.deepEqual(await ask(store), hits);
  assert.deepEqual(await sources(store), { built: 0, read: 910, added: 0 });
  await store.close();
});

test('closing saves an index that took long to build', async () => {
  const path = newPath();
  let store = await VecStore.open({ path, dimension: 0 });
  await store.upsert(records(0, 700));
  await store.checkpoint();
  await ask(store);
  await store.close();
  store = await VecStore.open({ path });
  await ask(store);
  assert.deepEqual(await sources(store), { built: 0, read: 700, added: 0 });
  await store.close();
});

test('a damaged part is built anew; verify says so, repair mends it', async () => {
  const path = newPath();
  let store = await VecStore.open({ path, dimension: 0 });
  await store.upsert(records(0, 600));
  const hits = await ask(store);
  await store.close();
  const name = join(path, 'c/1', indexFiles(path).sort().at(-1)); // the slot table is the first part
  const bytes = readFileSync(name);
  bytes[Math.floor(bytes.length / 2)] ^= 4;
  writeFileSync(name, bytes);
  store = await VecStore.open({ path });
  assert.deepEqual(await ask(store), hits);
  assert.deepEqual(await sources(store), { built: 600, read: 0, added: 0 });
  assert.equal((await store.verify()).ok, false);
  assert.equal((await store.verify({ repair: true })).repaired, true);
  assert.equal((await store.verify()).ok, true);
  await store.close();
  store = await VecStore.open({ path });
  assert.deepEqual(await ask(store), hits);
  assert.deepEqual(await sources(store), { built: 0, read: 600, added: 0 });
  await store.close();
});
