// text.mjs - search by words beside MiniSearch and Orama: indexing, queries, memory.
//
//   node tests/bench/text.mjs [--collection scifact] [--queries 200] [--engines vecstore,minisearch,orama]
//   node tests/bench/text.mjs --collection zipf:20000          generated: so many texts of 15 words, no shared data needed
//   node tests/bench/text.mjs --collection zipf:1000000 --once vecstore       one engine: peak memory, CPU time
//   node tests/bench/text.mjs --collection zipf:20000 --disk   what the saved index takes, and reading it back
//
// A generated word's rank is drawn by Zipf's law (weight 1/rank) from 100,000 words of 2 to 10 letters, the frequent
// ones short, from a seeded generator; of a real collection the text is all that is indexed.
//
// METHOD. A collection of ../shared/data/retrieval, "title text" as one field, and its queries as they are, ten hits
// each, any word may match. Each engine runs in a process of its own, one after the other: it indexes (vecstore:
// upserts, and builds the index by the first query), then makes ROUNDS passes over the queries; a query's time is its
// least. Times are CPU time of the process, so that other load on the machine counts less. Memory is what heap,
// external memory and WASM grew by, after garbage collection, the texts themselves not counted for the JavaScript
// engines (they are held before), but counted for vecstore's records; `index` is its text index alone. MiniSearch and Orama stem
// nothing and have no stop words here, as is their default; vecstore has its defaults.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collection, isThere } from '../quality/retrieval.mjs';

const ROUNDS = 3;
const VOCABULARY = 100_000;
const WORDS = 15;
const K = 10;

const { values: args } = parseArgs({ options: {
  collection: { type: 'string', default: 'scifact' }, queries: { type: 'string', default: '200' }, engine: { type: 'string' },
  engines: { type: 'string', default: 'vecstore,minisearch,orama' }, once: { type: 'string' }, disk: { type: 'boolean' },
} });

/** Texts of words by Zipf's law; document(i) depends on i only. @param {number} count */
function generated(count) {
  const harmonic = new Float64Array(VOCABULARY + 1);
  for (let i = 1; i <= VOCABULARY; i++) harmonic[i] = harmonic[i - 1] + 1 / i;
  const word = (rank) => {
    let text = '';
    for (let left = rank * 37 + 11; text.length < 1 + Math.ceil(Math.log2(rank + 2) / 1.9); left = (left * 16807 + 7) % 2147483647) {
      text += 'etaoinshrdlucmfwypvbgkjqxz'[left % 26];
    }
    return text + (rank > 26 ? rank.toString(36).slice(-2) : '');
  };
  const words = Array.from({ length: VOCABULARY }, (_, i) => word(i + 1));
  const document = (i) => {
    let state = (i + 1) * 2654435761 % 4294967296;
    const text = [];
    for (let j = 0; j < WORDS; j++) {
      state = (Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 * (j + 1)) >>> 0;
      const x = (Math.imul(state ^ state >>> 13, 0x297a2d39) >>> 0) / 4294967296 * harmonic[VOCABULARY];
      let low = 1;
      let high = VOCABULARY;
      while (low < high) {
        const middle = low + high >> 1;
        if (harmonic[middle] < x) low = middle + 1;
        else high = middle;
      }
      text.push(words[low - 1]);
    }
    return text.join(' ');
  };
  return { count, document, queries: Array.from({ length: 500 }, (_, i) => document(count + i).split(' ').slice(0, 3).join(' ')) };
}

function load(name) {
  if (!name.startsWith('zipf:')) return collection(name);
  const { count, document, queries } = generated(Number(name.slice(5)));
  return { ids: Array.from({ length: count }, (_, i) => `d${i}`), documents: Array.from({ length: count }, (_, i) => document(i)), queries };
}

const ENGINES = {
  async vecstore(data) {
    const { VecStore } = await import(process.env.VECSTORE_ENTRY ?? '../../dist/node.mjs');
    const store = await VecStore.open({ dimension: 0 });
    return {
      async index() {
        for (let i = 0; i < data.ids.length; i += 1000) {
          await store.upsert(data.documents.slice(i, i + 1000).map((text, j) => ({ id: data.ids[i + j], text })));
        }
        await store.textQuery({ text: '' });
      },
      ask: async (text) => (await store.textQuery({ text, k: K, include: [] })).map(({ id }) => id),
      own: async () => (await store.stats()).text.bytes,
    };
  },
  async minisearch(data) {
    const { default: MiniSearch } = await import('minisearch');
    const mini = new MiniSearch({ fields: ['text'] });
    return {
      index: async () => mini.addAll(data.documents.map((text, i) => ({ id: data.ids[i], text }))),
      ask: async (text) => mini.search(text).slice(0, K).map(({ id }) => id),
    };
  },
  async orama(data) {
    const { create, insertMultiple, search } = await import('@orama/orama');
    const db = create({ schema: { text: 'string' } });
    return {
      index: async () => insertMultiple(db, data.documents.map((text, i) => ({ id: data.ids[i], text })), 1000),
      ask: async (term) => (await search(db, { term, limit: K, threshold: 1 })).hits.map(({ id }) => id),
    };
  },
};

/** Milliseconds of CPU. */
async function timed(fn) {
  const before = process.cpuUsage();
  await fn();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function memory() {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function run(name) {
  const data = load(args.collection);
  const queries = data.queries.slice(0, Number(args.queries)).map((text) => text.replaceAll('"', ' '));
  const engine = await ENGINES[name](data);
  const before = memory();
  const index = await timed(engine.index);
  const bytes = memory() - before;
  for (const text of queries.slice(0, 20)) await engine.ask(text);
  let pass = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    pass = Math.min(pass, await timed(async () => {
      for (const text of queries) await engine.ask(text);
    }));
  }
  console.log(JSON.stringify({ engine: name, records: data.ids.length, index, query: pass / queries.length, bytes, own: await engine.own?.() }));
}

/** vecstore alone on generated texts that nobody else holds: what the whole process needs. */
async function once() {
  const { count, document, queries } = generated(Number(args.collection.slice(5)));
  const { VecStore } = await import(process.env.VECSTORE_ENTRY ?? '../../dist/node.mjs');
  const store = await VecStore.open({ dimension: 0 });
  let bytes = 0;
  const upserts = await timed(async () => {
    for (let i = 0; i < count; i += 1000) {
      const batch = Array.from({ length: Math.min(1000, count - i) }, (_, j) => ({ id: i + j, text: document(i + j) }));
      for (const { text } of batch) bytes += text.length;
      await store.upsert(batch);
    }
  });
  const index = await timed(() => store.textQuery({ text: '' }));
  const sample = queries.slice(0, Number(args.queries));
  const ask = await timed(async () => {
    for (const text of sample) await store.textQuery({ text, k: K, include: [] });
  });
  const { text, memory: { total } } = await store.stats();
  console.log(JSON.stringify({
    records: count, textMB: bytes / 1e6, upsertsMs: upserts, indexMs: index, queryMs: ask / sample.length, terms: text.terms,
    indexMB: text.bytes / 1e6, wasmMB: total / 1e6, peakRssMB: process.resourceUsage().maxRSS / 1024,
  }));
}

/** Bytes of the parts of the index image that hold the text index, beside the text; a store without vectors has no other parts but the slot table. */
async function disk() {
  const { VecStore } = await import(process.env.VECSTORE_ENTRY ?? '../../dist/node.mjs');
  const data = load(args.collection);
  const path = mkdtempSync(join(tmpdir(), 'vecstore-text-'));
  const size = () => readdirSync(join(path, 'c/1')).filter((name) => name.startsWith('idx-'))
    .reduce((sum, name) => sum + statSync(join(path, 'c/1', name)).size, 0);
  let store = await VecStore.open({ path, storage: 'fs', dimension: 0, durability: 'relaxed' });
  for (let i = 0; i < data.ids.length; i += 1000) {
    await store.upsert(data.documents.slice(i, i + 1000).map((text, j) => ({ id: data.ids[i + j], text })));
  }
  await store.checkpoint();
  const without = size();
  const built = await timed(() => store.textQuery({ text: '' }));
  await store.checkpoint();
  const whole = size() - without;
  await store.upsert({ id: data.ids[0], text: data.documents[1] });
  await store.checkpoint();
  const oneMore = size() - without - whole;
  await store.close();
  let opening = Infinity;
  let read = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    opening = Math.min(opening, await timed(async () => {
      store = await VecStore.open({ path, storage: 'fs' });
    }));
    read = Math.min(read, await timed(() => store.textQuery({ text: '' })));
    if (round < ROUNDS - 1) await store.close();
  }
  const bytes = data.documents.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  console.log(JSON.stringify({ collection: args.collection, textMB: bytes / 1e6, savedMB: whole / 1e6, share: whole / bytes,
    oneChangeBytes: oneMore, buildMs: built, openingMs: opening, readMs: read, text: (await store.stats()).text }));
  await store.close();
  rmSync(path, { recursive: true });
}

if (args.engine) {
  await run(args.engine);
} else if (args.once) {
  await once();
} else if (args.disk) {
  await disk();
} else if (!args.collection.startsWith('zipf:') && !isThere(args.collection)) {
  console.log(`../shared/data/retrieval/${args.collection} is absent`);
} else {
  console.log(`${args.collection}, Node ${process.version}\n`);
  console.log('| engine | indexing, ms | one query, ms | memory, MB | index alone, MB |\n|---|---|---|---|---|');
  for (const name of args.engines.split(',')) {
    try {
      const out = execFileSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), '--engine', name, '--collection', args.collection,
        '--queries', args.queries], { encoding: 'utf8' });
      const { index, query, bytes, own } = JSON.parse(out);
      console.log(`| ${name} | ${index.toFixed(0)} | ${query.toFixed(3)} | ${(bytes / 1e6).toFixed(1)} | ${own ? (own / 1e6).toFixed(1) : ''} |`);
    } catch (error) {
      console.log(`| ${name} | not run: ${String(error.stderr || error.message).trim().split('\n').at(-1)} | | | |`);
    }
  }
}
