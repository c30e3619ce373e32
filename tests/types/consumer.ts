// A strict TypeScript consumer of the generated declarations; compiled, never run.
import { VecStore, VecStoreError } from 'vecstore';
import type { Embedder, ErrorCode, Hit, Id, OpenOptions, Query, RecordInput, ReembedResult, Stats, StoredRecord } from 'vecstore';
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

export function explain(error: unknown): string {
  if (!(error instanceof VecStoreError)) return 'unknown';
  const code: ErrorCode = error.code;
  const index: number | undefined = error.index;
  return `${code} ${index} ${error.file} ${error.offset} ${error.message}`;
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
