// The adapter of the Vercel AI SDK, against the real package's embedMany and its mock model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aiEmbedder } from '../../js/src/adapters/ai.js';
import { VecStore } from '../../js/src/index.node.js';
import { fails } from '../js/behaviour/expect.mjs';
import { peer } from './peer.mjs';

const { embedMany, missing } = await peer('ai');
const mocks = missing ? {} : await peer('ai/test');
const Mock = mocks.MockEmbeddingModelV4 ?? mocks.MockEmbeddingModelV3;
const options = { skip: missing };

function mock(doEmbed = ({ values }) => ({ embeddings: values.map((text) => [text.length, 1]), usage: { tokens: values.length * 3 }, warnings: [] })) {
  const calls = [];
  const model = new Mock({
    provider: 'mock', modelId: 'small', maxEmbeddingsPerCall: 4, supportsParallelCalls: true,
    doEmbed: async (call) => {
      calls.push(call);
      return doEmbed(call, calls.length);
    },
  });
  return { model, calls };
}

test('embeds through the SDK, which splits as the model demands; counts', options, async () => {
  const { model, calls } = mock();
  const embedder = await aiEmbedder({ model, embedMany, dimension: 2, batchSize: 6, pricePerMillionTokens: 10 });
  assert.deepEqual([embedder.name, embedder.dimension, calls.length], ['ai:mock/small', 2, 0]);
  const texts = Array.from({ length: 9 }, (_, i) => 'x'.repeat(i + 1));
  const shares = [];
  assert.deepEqual(await embedder.embed(texts, { onProgress: (share) => shares.push(share) }), texts.map(({ length }) => [length, 1]));
  assert.deepEqual(calls.map(({ values }) => values.length).sort(), [2, 3, 4]);
  assert.deepEqual(shares, [6 / 9, 1]);
  assert.deepEqual(embedder.usage, { calls: 2, texts: 9, tokens: 27, cost: 27e-5 });
});

test('as a store’s embedder; queries may have options of their own', options, async () => {
  const { model, calls } = mock();
  const embedder = await aiEmbedder({
    model, embedMany, prefix: { query: 'q: ' }, providerOptions: { mock: { task: 'document' } }, queryOptions: { mock: { task: 'query' } },
  });
  assert.equal(embedder.dimension, 2);
  const store = await VecStore.open({ embedder });
  await store.upsert([{ id: 1, text: 'a' }, { id: 2, text: 'abc' }]);
  await store.query({ text: 'x' });
  await store.close();
  assert.deepEqual(calls.map(({ values, providerOptions }) => [values, providerOptions.mock.task]),
    [[['dimension'], 'document'], [['a', 'abc'], 'document'], [['q: x'], 'query']]);
});

test('the SDK’s own retries, its errors, and the signal', options, async () => {
  const again = mock((call, n) => {
    if (n === 1) throw Object.assign(new Error('busy'), { name: 'AI_APICallError', isRetryable: true, [Symbol.for('vercel.ai.error')]: true, [Symbol.for('vercel.ai.error.AI_APICallError')]: true });
    return { embeddings: call.values.map(() => [1, 1]), usage: { tokens: 1 }, warnings: [] };
  });
  assert.deepEqual(await (await aiEmbedder({ model: again.model, embedMany, dimension: 2 })).embed(['a'], {}), [[1, 1]]);
  assert.equal(again.calls.length, 2);

  const broken = mock(() => { throw new Error('no such model'); });
  const error = await fails('IO', (await aiEmbedder({ model: broken.model, embedMany, dimension: 2, maxRetries: 0 })).embed(['a'], {}), 'no such model');
  assert.ok(error.cause instanceof Error);

  const hanging = mock(({ abortSignal }) => new Promise((_, reject) => abortSignal.addEventListener('abort', () => reject(abortSignal.reason))));
  const controller = new AbortController();
  const called = (await aiEmbedder({ model: hanging.model, embedMany, dimension: 2 })).embed(['a'], { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 10);
  assert.equal((await fails('ABORTED', called)).cause.message, 'enough');
});

test('answers with a wrong count, wrong options, no package', async () => {
  const model = { provider: 'p', modelId: 'm' };
  for (const embeddings of [[], undefined, [[1], [2]]]) {
    await fails('IO', (await aiEmbedder({ model, embedMany: async () => ({ embeddings }), dimension: 1 })).embed(['a'], {}), 'for 1 texts');
  }
  const ok = { model, embedMany: async () => ({ embeddings: [[1]] }), dimension: 1 };
  for (const [given, part] of [[{}, 'model'], [{ ...ok, model: 5 }, 'model'], [{ ...ok, nonsense: 1 }, 'nonsense'], [{ ...ok, embedMany: 1 }, 'embedMany'], [{ ...ok, batchSize: 0 }, 'batchSize']]) {
    await fails('INVALID_ARGUMENT', aiEmbedder(given), part);
  }
  assert.equal((await aiEmbedder({ ...ok, model: 'openai/text-embedding-3-small' })).name, 'ai:openai/text-embedding-3-small');
  await fails('UNSUPPORTED', aiEmbedder({ model, dimension: 1 }), "'ai' is not installed");
});
