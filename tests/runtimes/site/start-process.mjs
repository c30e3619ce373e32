// start-process.mjs RECORDS - the same in a process, and what the imported store needs of memory (run with --expose-gc).
import { readFileSync } from 'node:fs';
import { firstResult, importStore } from './first-result.mjs';

const first = await firstResult();
const { ms, store } = await importStore(readFileSync('index.bin'), Number(process.argv[2]));
gc();
const { memory } = await store.stats();
console.log(JSON.stringify({ first, ms, wasm: memory.total, used: memory.used, heap: process.memoryUsage().heapUsed }));
await store.close();
