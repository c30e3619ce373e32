// The embedders behind HTTP services, against a service on this machine that answers in the shapes that the real ones
// document: requests, batches, retries, rate, time-out, abort, count, broken answers, and the key that never shows.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { cohereEmbedder } from '../../js/src/adapters/cohere.js';
import { ollamaEmbedder } from '../../js/src/adapters/ollama.js';
import { openaiEmbedder } from '../../js/src/adapters/openai.js';
import { voyageEmbedder } from '../../js/src/adapters/voyage.js';
import { VecStore } from '../../js/src/index.node.js';
import { fails } from '../js/behaviour/expect.mjs';
import { fakeServer, vectorOf } from './fake-server.mjs';

const KEY = 'sk-secret-0123456789';
const servers = [];
async function serve(answer) {
  servers.push(await fakeServer(answer));
  return servers.at(-1);
}
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** How each service answers. */
const openaiAnswer = ({ input }) => ({
  object: 'list', model: 'm', usage: { prompt_tokens: input.length * 2, total_tokens: input.length * 2 },
  // Not in order: the index counts.
  data: input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) })).reverse(),
});
const SERVICES = {
  openai: { make: openaiEmbedder, path: '/embeddings', answer: openaiAnswer, texts: ({ input }) => input, most: 2048, tokens: 2, name: 'm' },
  voyage: { make: voyageEmbedder, path: '/embeddings', answer: openaiAnswer, texts: ({ input }) => input, most: 128, tokens: 2, name: 'voyage:m' },
  cohere: {
    make: cohereEmbedder, path: '/v2/embed', most: 96, tokens: 3, name: 'cohere:m', texts: ({ texts }) => texts,
    answer: ({ texts }) => ({ id: 'x', embeddings: { float: texts.map((text) => vectorOf(text)) }, texts, meta: { api_version: { version: '2' }, billed_units: { input_tokens: texts.length * 3 } } }),
  },
  ollama: {
    make: ollamaEmbedder, path: '/api/embed', most: 512, tokens: 4, name: 'ollama:m', texts: ({ input }) => input,
    answer: ({ input }) => ({ model: 'm', embeddings: input.map((text) => vectorOf(text)), total_duration: 1, load_duration: 1, prompt_eval_count: input.length * 4 }),
  },
};
const good = (service) => ({ body }) => ({ json: service.answer(body) });
const { openai } = SERVICES;

for (const [id, service] of Object.entries(SERVICES)) {
  describe(id, () => {
    test('embeds in batches as large as the service takes, in order, and counts', async () => {
      const server = await serve(good(service));
      const embedder = await service.make({ model: 'm', dimension: 3, baseURL: server.url, apiKey: KEY, pricePerMillionTokens: 2 });
      assert.deepEqual([embedder.name, embedder.dimension, server.requests.length], [service.name, 3, 0]);
      const texts = Array.from({ length: service.most + 5 }, (_, i) => 'x'.repeat(i % 50 + 1));
      const shares = [];
      const vectors = await embedder.embed(texts, { kind: 'document', onProgress: (share) => shares.push(share) });
      assert.deepEqual(vectors, texts.map((text) => vectorOf(text)));
      assert.deepEqual(server.requests.map(({ body }) => service.texts(body).length).sort((a, b) => b - a), [service.most, 5]);
      assert.equal(shares.at(-1), 1);
      const tokens = texts.length * service.tokens;
      assert.deepEqual(embedder.usage, { requests: 2, retries: 0, texts: texts.length, tokens, cost: tokens / 1e6 * 2 });
      for (const { path, headers } of server.requests) {
        assert.deepEqual([path, headers.authorization, headers['content-type']], [service.path, `Bearer ${KEY}`, 'application/json']);
      }
      await fails('INVALID_ARGUMENT', service.make({ model: 'm', dimension: 3, batchSize: service.most + 1, apiKey: KEY }), String(service.most));
    });

    test('works as a store’s embedder, and finds its dimension out', async () => {
      const server = await serve(good(service));
      const embedder = await service.make({ model: 'm', baseURL: `${server.url}/`, apiKey: async () => KEY, name: 'mine' });
      assert.deepEqual([embedder.name, embedder.dimension, server.requests.length], ['mine', 3, 1]);
      const store = await VecStore.open({ embedder });
      await store.upsert([{ id: 1, text: 'a' }, { id: 2, text: 'abcdefgh' }]);
      assert.deepEqual((await store.get(2)).vector, Float32Array.from(vectorOf('abcdefgh')));
      assert.equal((await store.query({ text: 'abcdefgh', k: 1 }))[0].id, 2);
      await store.close();
      assert.equal(server.requests.at(-1).headers.authorization, `Bearer ${KEY}`);
    });

    for (const [what, answer, ...parts] of [
      ['without embeddings', () => ({ json: {} }), 'without embeddings'],
      ['null', () => ({ json: null }), 'without embeddings'],
      ['too few', ({ body }) => ({ json: service.answer({ ...body, ...(body.input ? { input: body.input.slice(1) } : { texts: body.texts.slice(1) }) }) }), '1 embeddings for 2 texts'],
      ['no JSON', () => ({ text: '<html>gateway' }), 'no JSON', 'after 1 retry'],
    ]) {
      test(`an answer that is wrong: ${what}`, async () => {
        const server = await serve(answer);
        const embedder = await service.make({ model: 'm', dimension: 3, baseURL: server.url, apiKey: KEY, retries: 1 });
        await fails('IO', embedder.embed(['a', 'b'], {}), ...parts);
        assert.deepEqual(embedder.usage.requests, 0);
      });
    }
  });
}

test('what each service is asked', async () => {
  const asked = async (service, options, kind) => {
    const server = await serve(good(service));
    const embedder = await service.make({ model: 'm', dimension: 3, baseURL: server.url, apiKey: KEY, ...options });
    await embedder.embed(['a'], { kind });
    return [embedder.name, server.requests[0].body];
  };
  assert.deepEqual(await asked(openai, { dimensions: 3, user: 'u' }, 'query'),
    ['m@3', { model: 'm', input: ['a'], encoding_format: 'float', dimensions: 3, user: 'u' }]);
  assert.deepEqual(await asked(SERVICES.voyage, {}, 'query'), ['voyage:m', { model: 'm', input: ['a'], input_type: 'query' }]);
  assert.deepEqual(await asked(SERVICES.voyage, { dimensions: 3 }, 'document'),
    ['voyage:m@3', { model: 'm', input: ['a'], input_type: 'document', output_dimension: 3 }]);
  assert.deepEqual(await asked(SERVICES.cohere, {}, 'query'),
    ['cohere:m', { model: 'm', texts: ['a'], input_type: 'search_query', embedding_types: ['float'] }]);
  assert.deepEqual(await asked(SERVICES.cohere, { dimensions: 3 }, undefined),
    ['cohere:m@3', { model: 'm', texts: ['a'], input_type: 'search_document', embedding_types: ['float'], output_dimension: 3 }]);
  assert.deepEqual(await asked(SERVICES.ollama, { keepAlive: '1m', options: { num_ctx: 512 }, prefix: { query: 'search_query: ' } }, 'query'),
    ['ollama:m', { model: 'm', input: ['search_query: a'], keep_alive: '1m', options: { num_ctx: 512 } }]);
});

test('options', async () => {
  const base = { model: 'm', dimension: 3 };
  for (const [make, options, ...parts] of [
    [openaiEmbedder, {}, 'model'], [openaiEmbedder, undefined, 'model'], [openaiEmbedder, { ...base, nonsense: 1 }, 'nonsense'], [openaiEmbedder, { ...base, model: '' }, 'model'],
    [openaiEmbedder, { ...base, dimension: 0 }, 'dimension'], [openaiEmbedder, { ...base, dimensions: 4 }, '3', '4'],
    [openaiEmbedder, { ...base, baseURL: 'ftp://x' }, 'http'], [openaiEmbedder, { ...base, baseURL: 'nowhere' }, 'http'],
    [openaiEmbedder, { ...base, baseURL: 'https://me:pass@x.y' }, 'password'], [openaiEmbedder, { ...base, prefix: { other: 'x' } }, 'other'],
    [openaiEmbedder, { ...base, prefix: { query: 1 } }, 'prefix.query'], [openaiEmbedder, { ...base, retries: -1 }, 'retries'],
    [openaiEmbedder, { ...base, fetch: 1 }, 'fetch'], [openaiEmbedder, { ...base, pricePerMillionTokens: '1' }, 'pricePerMillionTokens'],
    [cohereEmbedder, base, 'apiKey'], [voyageEmbedder, base, 'apiKey'],
  ]) {
    const error = await fails('INVALID_ARGUMENT', make(options), ...parts);
    assert.ok(!error.message.includes('pass@'), error.message);
  }
  const error = await fails('INVALID_ARGUMENT', openaiEmbedder({ ...base, apiKey: { value: KEY } }), 'apiKey');
  assert.ok(!error.message.includes(KEY));
});

describe('retries', () => {
  const make = (server, options) => openaiEmbedder({ model: 'm', dimension: 3, baseURL: server.url, apiKey: KEY, ...options });

  /** When the requests of these calls began; timers never fire early, so that lower bounds hold on any machine. */
  async function started(server, options, ...calls) {
    const times = [];
    const embedder = await make(server, { ...options, fetch: (...args) => {
      times.push(performance.now());
      return fetch(...args);
    } });
    await Promise.all(calls.map((texts) => embedder.embed(texts, {})));
    return times;
  }
  const pauses = (times) => times.slice(1).map((time, i) => time - times[i]);

  for (const [what, first] of [
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '0' }, json: { error: { message: 'slow down' } } }],
    ['429 with retry-after-ms', { status: 429, headers: { 'retry-after-ms': '3' }, json: {} }],
    ['500', { status: 500, headers: { 'retry-after': '0' }, text: 'oops' }],
    ['503 with a date', { status: 503, headers: { 'retry-after': new Date(0).toUTCString() }, text: '' }],
    ['a connection that is dropped', 'drop'], ['an answer that breaks off', 'cut'], ['no JSON', { text: '{"data": [' }],
  ]) {
    test(`${what}: tried again`, async () => {
      const server = await serve((request, n) => (n === 1 ? first : good(openai)(request)));
      const embedder = await make(server);
      assert.deepEqual(await embedder.embed(['abc'], {}), [vectorOf('abc')]);
      assert.deepEqual([server.requests.length, embedder.usage.retries, embedder.usage.requests], [2, 1, 1]);
    });
  }

  for (const [status, code] of [[400, 'INVALID_ARGUMENT'], [401, 'INVALID_ARGUMENT'], [404, 'INVALID_ARGUMENT'], [422, 'INVALID_ARGUMENT']]) {
    test(`${status} fails at once, saying why`, async () => {
      const server = await serve(() => ({ status, json: { error: { message: `no such model; key ${KEY} is wrong` } } }));
      const error = await fails(code, (await make(server)).embed(['a'], {}), `status ${status}`, 'no such model');
      assert.equal(server.requests.length, 1);
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(KEY));
    });
  }

  test('they end: 429 is QUOTA_EXCEEDED, 5xx IO, no connection IO', async () => {
    const full = await serve(() => ({ status: 429, headers: { 'retry-after-ms': '1' }, json: { error: { message: 'full' } } }));
    await fails('QUOTA_EXCEEDED', (await make(full, { retries: 2 })).embed(['a'], {}), 'full', 'after 2 retries');
    assert.equal(full.requests.length, 3);
    const down = await serve(() => ({ status: 502, headers: { 'retry-after-ms': '1' }, text: '<html>Bad gateway</html>' }));
    const error = await fails('IO', (await make(down, { retries: 1 })).embed(['a'], {}), 'status 502');
    assert.ok(!error.message.includes('html'));
    await fails('IO', (await make({ url: 'http://127.0.0.1:1' }, { retries: 0 })).embed(['a'], {}), 'OpenAI embeddings');
  });

  test('who is asked to wait longer than is bearable gives up, and says how long', async () => {
    const server = await serve(() => ({ status: 429, headers: { 'retry-after': '3600' }, json: {} }));
    await fails('QUOTA_EXCEEDED', (await make(server)).embed(['a'], {}), '3600 s');
    assert.equal(server.requests.length, 1);
  });

  test('Retry-After is waited for; without it the pauses grow', async () => {
    const server = await serve((request, n) => (n === 1 ? { status: 429, headers: { 'retry-after-ms': '120' }, json: {} } : good(openai)(request)));
    const [waited] = pauses(await started(server, {}, ['a']));
    assert.ok(waited >= 119, String(waited));
    const bare = await serve((request, n) => (n <= 2 ? { status: 500, text: '' } : good(openai)(request)));
    const [first, second] = pauses(await started(bare, {}, ['a']));
    assert.ok(first >= 249 && second >= 499, `${first} ${second}`);
  });

  test('a batch that fails for good stops the others', async () => {
    const server = await serve(async (request, n) => {
      await new Promise((done) => setTimeout(done, 5));
      return n === 3 ? { status: 400, json: { error: { message: 'bad' } } } : good(openai)(request);
    });
    const embedder = await make(server, { batchSize: 1, concurrency: 2 });
    await fails('INVALID_ARGUMENT', embedder.embed(Array.from({ length: 50 }, (_, i) => `t${i}`), {}), 'bad');
    assert.ok(server.requests.length <= 6, `${server.requests.length} requests`);
  });

  test('no answer in time', async () => {
    const server = await serve((request, n) => (n === 1 ? 'hang' : good(openai)(request)));
    assert.deepEqual(await (await make(server, { timeoutMs: 50 })).embed(['a'], {}), [vectorOf('a')]);
    const never = await serve(() => 'hang');
    await fails('IO', (await make(never, { timeoutMs: 20, retries: 0 })).embed(['a'], {}), '20 ms');
  });

  test('the signal ends a request, a pause and a wait for the rate', async () => {
    const hang = await serve(() => 'hang');
    const later = await serve(() => ({ status: 429, headers: { 'retry-after': '30' }, json: {} }));
    const fine = await serve(good(openai));
    for (const [server, options, texts] of [[hang, {}, ['a']], [later, {}, ['a']], [fine, { requestsPerMinute: 1, batchSize: 1 }, ['a', 'b']]]) {
      const controller = new AbortController();
      const called = (await make(server, options)).embed(texts, { signal: controller.signal });
      setTimeout(() => controller.abort(new Error('enough')), 30);
      const error = await fails('ABORTED', called);
      assert.equal(error.cause.message, 'enough');
    }
    const before = fine.requests.length;
    await fails('ABORTED', (await make(fine)).embed(['a'], { signal: AbortSignal.abort() }));
    assert.equal(fine.requests.length, before);
  });

  test('the rate is kept, over several calls at the same time', async () => {
    const server = await serve(good(openai));
    const times = await started(server, { requestsPerMinute: 1200, batchSize: 1, concurrency: 8 }, ['a', 'b', 'c'], ['d', 'e']);
    assert.equal(times.length, 5);
    assert.ok(times.at(-1) - times[0] >= 4 * 50 - 5, String(times));
  });

  test('long texts make smaller requests', async () => {
    const server = await serve(good(openai));
    await (await make(server)).embed(Array.from({ length: 6 }, () => 'x'.repeat(100_000)), {});
    assert.deepEqual(server.requests.map(({ body }) => body.input.length), [2, 2, 2]);
  });
});

describe('the key', () => {
  test('that cannot be a header does not show in the error, nor in its cause', async () => {
    for (const apiKey of [`${KEY}\n`, `${KEY}\u2026`]) {
      const embedder = await openaiEmbedder({ model: 'm', dimension: 3, apiKey, baseURL: 'http://127.0.0.1:1', retries: 0 });
      const error = await fails('IO', embedder.embed(['a'], {}));
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(KEY), inspect(error));
      assert.ok(!inspect(embedder, { depth: 9, showHidden: true }).includes(KEY));
      assert.ok(!JSON.stringify(embedder).includes(KEY));
    }
  });

  test('nothing is logged', async (t) => {
    const said = [];
    for (const name of ['log', 'warn', 'error', 'info', 'debug']) t.mock.method(console, name, (...args) => said.push(...args));
    const server = await serve((request, n) => (n === 1 ? { status: 500, headers: { 'retry-after-ms': '1' }, text: '' } : good(openai)(request)));
    await (await openaiEmbedder({ model: 'm', dimension: 3, baseURL: server.url, apiKey: KEY })).embed(['a'], {});
    assert.deepEqual(said, []);
  });

  test('that fails to come is the call’s failure', async () => {
    const embedder = await openaiEmbedder({ model: 'm', dimension: 3, retries: 0, apiKey: () => { throw new Error('vault closed'); } });
    await fails('IO', embedder.embed(['a'], {}), 'vault closed');
  });
});
