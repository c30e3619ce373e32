// opening.mjs - how long a fresh process needs: arguments ENTRY, and a saved store's DIR or nothing.
//
// With DIR: opens the store ROUNDS times, each time after reading its files
// as plain bytes, so that both see the same warm page cache.
//   -> { open, read, openCpu, readCpu: [seconds], mb, files, count }
// Without: from before the import to the first answer of a small store in memory.
//   -> { first: milliseconds }

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const ROUNDS = 5;
const [entry, path] = process.argv.slice(2);
const started = performance.now();
const { VecStore } = await import(pathToFileURL(entry).href);

async function firstResult() {
  const store = await VecStore.open({ storage: 'memory', metric: 'cosine' });
  const vector = (i) => Float32Array.from({ length: 384 }, (_, j) => Math.sin(i * 384 + j));
  await store.upsert(Array.from({ length: 100 }, (_, i) => ({ id: i, vector: vector(i) })));
  const [hit] = await store.query({ vector: vector(7), k: 1 });
  if (hit.id !== 7) throw new Error('the first result is wrong');
  const first = performance.now() - started;
  await store.close();
  return { first };
}

async function opening() {
  const files = readdirSync(path, { recursive: true }).map((name) => join(path, name)).filter((f) => statSync(f).isFile());
  const spent = { open: [], read: [], openCpu: [], readCpu: [] };
  let bytes = 0;
  let count = 0;
  for (let round = 0; round < ROUNDS; round++) {
    bytes = 0;
    await measure(spent.read, spent.readCpu, () => {
      for (const file of files) bytes += readFileSync(file).length;
    });
    const store = await measure(spent.open, spent.openCpu, () => VecStore.open({ storage: 'fs', path }));
    count = await store.count();
    await store.close();
  }
  return { ...spent, mb: bytes / 2 ** 20, files: files.length, count };
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

process.stdout.write(`${JSON.stringify(await (path ? opening() : firstResult()))}\n`);
