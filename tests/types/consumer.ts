// A strict TypeScript consumer of the generated declarations; compiled, never run.
import { VecStore, VecStoreError } from 'vecstore';
import type {
  Embedder, ErrorCode, Explanation, Facet, FieldRules, Filter, Hit, HybridHit, TextHit, Id, OpenOptions, Query, RecordInput, ReembedResult, Stats,
  StoredRecord,
} from 'vecstore';
import { StaticEmbedder } from 'vecstore/embed';
import { aiEmbedder } from 'vecstore/adapters/ai';
import { cohereEmbedder } from 'vecstore/adapters/cohere';
import { ollamaEmbedder } from 'vecstore/adapters/ollama';
import { openaiEmbedder } from 'vecstore/adapters/openai';
import { transformersEmbedder } from 'vecstore/adapters/transformers';
import { voyageEmbedder } from 'vecstore/adapters/voyage';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>) => {};

const options: OpenOptions = {
  path: 'notes', storage: 'auto', dimension: 384, metric: 'cosine', index: { type: 'auto', preset: 'fast', M: 16 },
  quantization: 'auto', memoryBudget: 0, durability: 'strict', worker: false, multiTab: false, gpu: 'auto',
  requirePersistence: false, signal: AbortSignal.timeout(1000), onProgress: (share) => share.toFixed(2),
};

export async function use(module: WebAssembly.Module): Promise<void> {
  await using store = await VecStore.open({ ...options, wasm: module });
  const records: RecordInput[] = [
    { id: 1, vector: new Float32Array(384), metadata: { year: 2020, big: 2n ** 60n }, text: 'hello' },
    { id: 'a', vector: [1, 2, 3], text: { title: 't', body: 'b' } },
    { id: 'b', vector: new Float64Array(3) },
  ];
  const { inserted, updated } = await store.upsert(records, { signal: AbortSignal.timeout(5), onProgress() {} });
  same<typeof inserted, number>(true);
  await store.upsert(records[0]);
  await store.upsertMany(records, { batchSize: 10, onProgress: (progress) => progress.inserted + updated });
  same<Awaited<ReturnType<typeof store.count>>, number>(true);

  const one = await store.get(1);
  same<typeof one, StoredRecord | null>(true);
  const many = await store.get([1, 'a'], { include: ['vector'] });
  same<typeof many, (StoredRecord | null)[]>(true);
  const vector: Float32Array | undefined = one?.vector;

  const byText: TextHit[] = await store.textQuery({ text: 'words', syntax: 'query', fields: ['title'], k: 3, highlight: true });
  const byBoth: HybridHit[] = await store.hybridQuery({ text: 'words', vector: [1], fusion: 'weighted', alpha: 0.3, explain: true });
  const side: number | null = byBoth[0].parts.vector;
  const sparse = { indices: [1, 2], values: new Float32Array(2) };
  await store.upsert({ id: 1, vector: [1], sparse, multivector: { type: 'int8', vectors: [[1, 2]] } });
  await store.query({ sparse, k: 3, rescore: { maxsim: [[1, 2]], candidates: 20 } });
  await store.hybridQuery({ text: 'words', sparse, fusion: 'weighted', normalize: 'zscore', weights: { text: 2 }, autocut: 1 });
  const share: number | undefined = byBoth[0].explanation?.sparse?.share;
  // @ts-expect-error there is no such side
  await store.hybridQuery({ text: 'x', sparse, weights: { words: 1 } });
  void share;
  // @ts-expect-error there is no such syntax
  await store.textQuery({ text: 'x', syntax: 'lucene' });
  void [byText, side];
  const hits: Hit[] = await store.query({ vector: vector ?? [1], k: 5, ef: 50, exact: false, minScore: 0.5, include: ['text'] });
  const id: Id = hits[0].id;
  const batches: Hit[][] = await store.queryBatch([{ vector: [1, 2] }]);
  const { deleted } = await store.delete([id, batches.length]);
  same<typeof deleted, number>(true);

  await store.flush();
  await store.checkpoint();
  await store.optimize();
  const { ok, errors } = await store.verify();
  if (!ok) throw new Error(errors.map(({ file, what }) => `${file}: ${what}`).join());
  const stats: Stats = await store.stats();
  same<typeof stats.dimension, number | null>(true);
  const copy: VecStore = await VecStore.import(await store.export(), { storage: 'memory' });
  await copy.close();

  // @ts-expect-error no such storage
  await VecStore.open({ storage: 'disk' });
  // @ts-expect-error no such option
  await VecStore.open({ dimensions: 3 });
  // @ts-expect-error a query needs a vector
  await store.query({ k: 5 });
  // @ts-expect-error an id is a string or a number
  await store.get({});
  // @ts-expect-error a record needs an id
  await store.upsert({ vector: [1] });
}

// ============ Metadata with a type ============

interface Place { lat: number; lon: number }
interface Tree { value: number; left?: Tree }
interface Article {
  year: number;
  title: string;
  kind: 'note' | 'paper';
  draft?: boolean;
  tags: string[];
  author: { name: string; born: number | null; homes: { city: string }[] };
  where: Place;
  rating: number | string;
  anything: any;
  tree?: Tree;
  'we.ird': number;
}

const filters: Filter<Article>[] = [
  {}, { year: 2020 }, { year: { $gte: 2020, $lt: 2030n } }, { year: { $in: [1, 2, null] } }, { year: { $not: { $gt: 5 } } },
  { title: { $like: 'x%' } }, { title: new Date() }, { title: { $gte: new Date(), $length: 5 } }, { kind: 'note' },
  { kind: { $in: ['note', 'paper'] } }, { draft: true }, { draft: { $in: [true, false] } }, { draft: null }, { draft: { $exists: false } },
  { tags: { $contains: 'x' } }, { tags: { $any: ['a'] } }, { tags: { $all: { $like: 'x%' } } }, { tags: { $size: 3 } },
  { 'tags[0]': 'x' }, { 'tags[0]': { $startsWith: 'x' } }, { 'author.name': 'ann' }, { 'author.born': { $between: [1900, 2000] } },
  { author: { name: { $ilike: 'a%' } } }, { author: { $exists: true } }, { 'author.homes[0].city': 'x' },
  { where: { $geoRadius: { lat: 1, lon: 1, metres: 5 } } }, { 'where.lat': { $gt: 0 } }, { rating: 5 }, { rating: { $in: ['x', 1] } },
  { anything: { whatever: 1 } }, { 'anything.a.b': 5 }, { 'tree.left.left.value': 5 }, { '`we.ird`': 5 },
  { $or: [{ year: 1 }, { $not: { title: 'x' } }], $and: [], $nor: [{}] },
];
const untyped: Filter[] = [{ anything: 5 }, { a: { $gte: 1 } }, { 'a.b[0]': 'x' }, { $or: [{ x: 1 }] }];

export async function typed(): Promise<unknown> {
  const schema: FieldRules = { $strict: true, year: { type: 'integer', required: true, min: 0 }, title: 'string', tags: { items: 'string' } };
  const store = await VecStore.open<Article>({ schema, indexes: { year: 'range', 'author.name': 'value', title: false } });
  same<typeof store, VecStore<Article>>(true);
  await store.upsert({ id: 1, vector: [1], metadata: (await store.get(1))?.metadata });
  const hits = await store.query({ vector: [1], filter: filters[0], facets: ['year', 'tags'], boost: { field: 'year', scale: 5, origin: 2020 } });
  same<(typeof hits)[number], Hit<Article>>(true);
  const year: number | undefined = hits[0].metadata?.year;
  const facet: Facet = hits.facets.year;
  const counts: [unknown, number][] = facet.map(({ value, count }) => [value, count]);
  const plain: Hit<Article>[] = await store.query({ vector: [1], filter: 'year > $y', params: { y: 5, list: ['a', 2n] }, preset: 'high', explain: true });
  const why: string | undefined = plain[0].explanation?.text;
  const explanation: Explanation = await store.explain({ vector: [1], filter: { year: 5 } });
  const hint: string | undefined = explanation.hints[0]?.improves;
  const { estimated } = await store.estimate({ filter: { kind: 'note' } });
  const n: number = await store.count({ filter: { 'author.name': 'x' } });
  const { updated } = await store.updateMetadata({ filter: { year: { $lt: 5 } } }, { draft: undefined, title: 'x' });
  await store.updateMetadata('id', { year: 5 });
  const { deleted } = await store.delete({ filter: { kind: 'note' } });
  const scan = store.scan({ filter: { draft: true }, batchSize: 10, cursor: 'x', include: ['metadata'] });
  for await (const { id, metadata } of scan) void [id, metadata?.year];
  const cursor: string | null | undefined = scan.cursor;
  const piped: Hit<Article>[] = await store.pipeline([
    { search: { vector: [1], k: 50, filter: { year: 5 } } }, { filter: { draft: false } }, { filter: 'year > $y', params: { y: 1 } },
    { rerank: async (some, { signal }) => some.map(({ metadata }) => (signal ? 1 : metadata?.year ?? 0)), k: 5 },
    { rerank: (some) => some.reverse() }, { mmr: { k: 5, lambda: 0.5 } },
  ], { signal: AbortSignal.timeout(5) });

  const worded: TextHit<Article>[] = await store.pipeline([
    { textSearch: { text: 'x', syntax: 'query', highlight: true } }, { filter: { year: { $gte: 5 } } }, { mmr: { k: 5 } },
  ]);
  const both = await store.pipeline<HybridHit<Article>>([
    { hybridSearch: { text: 'x', vector: [1], alpha: 0.5 } }, { rerank: (some) => some.map(({ parts }) => parts.text ?? 0) },
  ]);
  const part: number | null | undefined = both[0]?.parts.vector;
  await store.pipeline([{ HybridSearch: { vector: [1], keywords: 'x', k: 5, alpha: 0.7 } }, { MMR: { k: 5 } }]);
  // @ts-expect-error no such option of a text search
  await store.pipeline([{ textSearch: { text: 'x', ef: 5 } }]);
  // @ts-expect-error hits by words have no distance
  void worded[0].distance;
  void part;

  // @ts-expect-error no such field
  await store.count({ filter: { yaer: 5 } });
  // @ts-expect-error no such facets were asked for
  void plain.facets;
  // @ts-expect-error no such facet was asked for
  void hits.facets.title;
  // @ts-expect-error a filter that is needed
  await store.delete({});
  // @ts-expect-error no such field
  await store.updateMetadata(1, { yaer: 5 });
  // @ts-expect-error of another type
  await store.updateMetadata(1, { year: 'x' });
  // @ts-expect-error of another type
  await store.upsert({ id: 1, metadata: { year: 'x' } });
  // @ts-expect-error no such stage
  await store.pipeline([{ limit: 5 }]);
  // @ts-expect-error no such kind of index
  await VecStore.open<Article>({ indexes: { year: 'btree' } });
  // @ts-expect-error no such field
  await VecStore.open<Article>({ indexes: { yaer: 'range' } });
  // @ts-expect-error no such type
  await VecStore.open({ schema: { year: 'date' } });
  return [year, counts, why, hint, estimated, n, updated, deleted, cursor, piped, untyped];
}

const refuse = (_: Filter<Article>): void => {};
// @ts-expect-error no such field
refuse({ yaer: 1 });
// @ts-expect-error of another type
refuse({ year: 'x' });
// @ts-expect-error of another type
refuse({ year: { $gte: 'x' } });
// @ts-expect-error no such operator
refuse({ year: { $gt: 1, $foo: 2 } });
// @ts-expect-error an operator for text
refuse({ year: { $like: 'x' } });
// @ts-expect-error no such value
refuse({ kind: 'book' });
// @ts-expect-error an array compares by its elements only
refuse({ tags: 'x' });
// @ts-expect-error elements of another type
refuse({ tags: { $contains: 5 } });
// @ts-expect-error no such field inside
refuse({ 'author.nam': 'x' });
// @ts-expect-error of another type
refuse({ 'author.name': 5 });
// @ts-expect-error no such field inside
refuse({ author: { nam: 'x' } });
// @ts-expect-error no such field inside an element
refuse({ 'author.homes[0].town': 'x' });
// @ts-expect-error elements of another type
refuse({ 'tags[0]': 5 });
// @ts-expect-error no such field inside a join
refuse({ $or: [{ yaer: 1 }] });
// @ts-expect-error no such join
refuse({ $xor: [] });
// @ts-expect-error no such field at some depth
refuse({ 'tree.left.vaule': 5 });
// @ts-expect-error true or false
refuse({ draft: 'x' });

export function explain(error: unknown): string {
  if (!(error instanceof VecStoreError)) return 'unknown';
  const code: ErrorCode = error.code;
  const index: number | undefined = error.index;
  return `${code} ${index} ${error.file} ${error.offset} ${error.field} ${error.message}`;
}

export async function embedders(signal: AbortSignal): Promise<void> {
  const own: Embedder = {
    name: 'own', dimension: 2,
    embed: async (texts, { kind, onProgress }) => {
      onProgress?.(1);
      return texts.map((text) => [text.length, kind === 'query' ? 1 : 0]);
    },
  };
  const builtIn = await StaticEmbedder.load('model.bin', { signal });
  const openai = await openaiEmbedder({ model: 'm', dimensions: 512, apiKey: () => 'key', pricePerMillionTokens: 0.02 });
  const cost: number | null = openai.usage.cost;
  const all: Embedder[] = [
    own, builtIn, openai, await ollamaEmbedder({ model: 'm', keepAlive: '5m', prefix: { query: 'q: ' } }),
    await cohereEmbedder({ model: 'm', apiKey: 'key' }), await voyageEmbedder({ model: 'm', apiKey: 'key' }),
    await aiEmbedder({ model: 'provider/model', dimension: 3 }), await transformersEmbedder({ model: 'm', pooling: 'cls' }),
  ];
  await using store = await VecStore.open({ embedder: all[0] });
  await store.upsert([{ id: 1, text: 'a' }, { id: 2, text: { title: 't', body: 'b' } }]);
  const query: Query = { text: 'a', k: cost ?? 3 };
  const hits: Hit[] = await store.query(query);
  await store.queryBatch([{ text: 'a' }, { vector: [1, 2] }]);
  const result: ReembedResult = await store.reembed(builtIn, {
    batchSize: hits.length, missing: 'keep', signal, onProgress: ({ done, total }) => done / total,
  });
  const { embedder, reembedding } = await store.stats();
  same<typeof embedder, { name: string; dimension: number } | null>(true);
  if (result.resumed > (reembedding?.done ?? 0)) builtIn.close();

  // @ts-expect-error text or vector, not both
  await store.query({ text: 'a', vector: [1, 2] });
  // @ts-expect-error an embedder has a dimension
  await VecStore.open({ embedder: { name: 'x', embed: own.embed } });
  // @ts-expect-error a model is needed
  await openaiEmbedder({ apiKey: 'key' });
}
