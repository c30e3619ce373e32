// write.mjs VERSION - writes the golden stores of the formats as they are now to tests/golden/VERSION/; where VERSION
// begins with "export", the portable file of that name.
//
// Golden stores are what a released version wrote and are never written again: when a format's version is raised, its
// stores go to a folder of a new name, and contents.mjs keeps what the old ones hold.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { exported, stores } from './contents.mjs';

/** 1 January 2026. */
const NOW = 1_767_225_600_000;

/** Writes one of them. @param {string} name @param {string} to */
export async function writeStore(name, to) {
  const { options, write, unclosed } = stores[name];
  const scratch = mkdtempSync(join(tmpdir(), 'vecstore-golden-'));
  const path = join(scratch, name);
  const now = Date.now;
  try {
    let ticks = 0;
    Date.now = () => NOW + ticks++;
    const store = await VecStore.open({ path, storage: 'fs', ...options });
    await write(store);
    if (!unclosed) await store.close();
    cpSync(path, to, { recursive: true, filter: (file) => !file.endsWith('/lock') });
    if (unclosed) await store.close();
  } finally {
    Date.now = now;
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function writeExport(to) {
  const store = await VecStore.open(exported.options);
  await store.upsert(exported.records);
  await store.delete(exported.deleted);
  writeFileSync(to, await store.export());
  await store.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = join(fileURLToPath(new URL('.', import.meta.url)), process.argv[2] ?? '');
  if (!process.argv[2]) throw new Error('usage: node tests/golden/write.mjs VERSION');
  if (existsSync(folder)) throw new Error(`${folder} is there: golden stores are not written again`);
  if (process.argv[2].startsWith('export')) {
    await writeExport(folder);
  } else {
    mkdirSync(folder);
    for (const name of Object.keys(stores)) await writeStore(name, join(folder, name));
  }
}
