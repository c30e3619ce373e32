// opening.mjs - how long a fresh process needs: arguments ENTRY, and a saved store's DIR or nothing.
//
// With DIR: opens the store, and reads its files as plain bytes, each ROUNDS
// times in turn and each time in a process of its own: memory that a process
// takes for the first time costs both the same, and both see a warm page cache.
//   -> { open, read, openCpu, readCpu: [seconds], mb, files, count }
// Without: from before the import to the first answer of a store in memory with ten records of 384 dimensions.
//   -> { first: milliseconds }

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROUNDS = 5;
const FIRST_RECORDS = 10;
const [entry, path, what] = process.argv.slice(2);
const started = performance.now();
const { VecStore } = await import(pathToFileURL(entry).href);

async function firstResult() {
  const store = await VecStore.open({ storage: 'memory', metric: 'cosine' });
  const vector = (i) => Float32Array.from({ length: 384 }, (_, j) => Math.sin(i * 384 + j));
  await store.upsert(Array.from({ length: FIRST_RECORDS }, (_, i) => ({ id: i, vector: vector(i) })));
  const [hit] = await store.query({ vector: vector(7), k: 1 });
  if (hit.id !== 7) throw new Error('the first result is wrong');
  const first = performance.now() - started;
  await store.close();
  return { first };
}

const filesOf = (dir) => readdirSync(dir, { recursive: true }).map((name) => join(dir, name))
  .filter((file) => statSync(file).isFile());

/** One measurement, in this process. */
async function one(what) {
  const spent = { wall: [], cpu: [] };
  let bytes = 0;
  let count = 0;
  if (what === 'read') {
    await measure(spent.wall, spent.cpu, () => {
      for (const file of filesOf(path)) bytes += readFileSync(file).length;
    });
  } else {
    const store = await measure(spent.wall, spent.cpu, () => VecStore.open({ storage: 'fs', path }));
    count = await store.count();
    await store.close();
  }
  return { wall: spent.wall[0], cpu: spent.cpu[0], bytes, count };
}

function opening() {
  const spent = { open: [], read: [], openCpu: [], readCpu: [] };
  const script = fileURLToPath(import.meta.url);
  let last = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const what of ['read', 'open']) {
      const said = JSON.parse(execFileSync(process.execPath, [script, entry, path, what], { encoding: 'utf8' }));
      spent[what].push(said.wall);
      spent[`${what}Cpu`].push(said.cpu);
      last = { ...last, ...(what === 'read' ? { mb: said.bytes / 2 ** 20 } : { count: said.count }) };
    }
  }
  return { ...spent, ...last, files: filesOf(path).length };
}

/** Notes the seconds of wall clock and of CPU that fn took. */
async function measure(wall, cpu, fn) {
  const before = process.cpuUsage();
  const start = performance.now();
  const result = await fn();
  wall.push((performance.now() - start) / 1000);
  const { user, system } = process.cpuUsage(before);
  cpu.push((user + system) / 1e6);
  return result;
}

const result = await (what ? one(what) : path ? opening() : firstResult());
process.stdout.write(`${JSON.stringify(result)}\n`);
