// text.mjs - search by words beside MiniSearch and Orama: indexing, queries, memory.
//
//   node tests/bench/text.mjs [--collection scifact] [--queries 200] [--engines vecstore,minisearch,orama]
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
import { collection, isThere } from '../quality/retrieval.mjs';

const ROUNDS = 3;
const K = 10;

const { values: args } = parseArgs({ options: {
  collection: { type: 'string', default: 'scifact' }, queries: { type: 'string', default: '200' }, engine: { type: 'string' },
  engines: { type: 'string', default: 'vecstore,minisearch,orama' },
} });

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
  const data = collection(args.collection);
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

if (args.engine) {
  await run(args.engine);
} else if (!isThere(args.collection)) {
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
