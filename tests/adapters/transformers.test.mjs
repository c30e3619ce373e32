// The adapter of transformers.js: the real package and ONNX Runtime on a model that is written here, offline; and made-up
// pipelines for what a real one does not do. The package is an optional one of the tests: where it could not be installed,
// as on a machine that has not fetched it, the first part is skipped and says why.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { transformersEmbedder } from '../../js/src/adapters/transformers.js';
import { VecStore } from '../../js/src/index.node.js';
import { fails } from '../js/behaviour/expect.mjs';
import { peer } from './peer.mjs';
import { DIMENSION, expected, writeTinyModel } from './tiny-model.mjs';

const transformers = await peer('@huggingface/transformers');
const options = { skip: transformers.missing };
const folder = mkdtempSync(join(tmpdir(), 'vecstore-tiny-'));
after(() => rmSync(folder, { recursive: true, force: true }));
if (!transformers.missing) Object.assign(transformers.env, { localModelPath: folder, allowRemoteModels: false });

function near(actual, wanted) {
  assert.equal(actual.length, wanted.length);
  for (const [i, x] of wanted.entries()) assert.ok(Math.abs(actual[i] - x) < 1e-5, `${[...actual]} is not ${wanted}`);
}

test('the real package on a model from a folder', options, async () => {
  const model = writeTinyModel(folder);
  const embedder = await transformersEmbedder({ model, transformers, pipelineOptions: { dtype: 'fp32' }, batchSize: 2 });
  assert.deepEqual([embedder.name, embedder.dimension], ['transformers:tiny', DIMENSION]);
  const texts = ['red apple', 'the sky is blue', 'grass', 'unknown words', 'Green grass'];
  const shares = [];
  const vectors = await embedder.embed(texts, { onProgress: (share) => shares.push(share) });
  texts.forEach((text, i) => near(vectors[i], expected(text)));
  assert.deepEqual(shares, [0.4, 0.8, 1]);
  const store = await VecStore.open({ embedder });
  await store.upsert(texts.map((text, id) => ({ id, text })));
  assert.equal((await store.query({ text: 'green grass', k: 1 }))[0].id, 4);
  await store.close();
  await fails('IO', transformersEmbedder({ model: 'not-there', transformers }), 'transformers.js');
});

test('a pipeline made before, other pooling', options, async () => {
  writeTinyModel(folder);
  const pipeline = await transformers.pipeline('feature-extraction', 'tiny', { dtype: 'fp32' });
  const plain = await transformersEmbedder({ pipeline, name: 'plain', normalize: false });
  near((await plain.embed(['red apple'], {}))[0], expected('red apple', false));
  const cls = await transformersEmbedder({ pipeline, name: 'cls', pooling: 'cls', normalize: false });
  const [first, second] = await cls.embed(['red apple', 'blue'], {});
  assert.deepEqual(first, second);
});

/** What a pipeline gives: a tensor. */
const fake = (calls, change = {}) => Object.assign(async (texts, given) => {
  calls.push([texts, given]);
  return { dims: [texts.length, 2], data: Float32Array.from(texts.flatMap((text) => [text.length, 1])), dispose: () => calls.push('disposed'), ...change };
}, { model: { config: { _name_or_path: 'some/model' } } });

test('a pipeline of one’s own: batches, prefixes, memory given back', async () => {
  const calls = [];
  const embedder = await transformersEmbedder({ pipeline: fake(calls), dimension: 2, batchSize: 2, prefix: { query: 'q: ' } });
  assert.equal(embedder.name, 'transformers:some/model');
  assert.deepEqual(await embedder.embed(['a', 'bb', 'ccc'], { kind: 'query' }), [[4, 1], [5, 1], [6, 1]].map((v) => Float32Array.from(v)));
  const given = { pooling: 'mean', normalize: true };
  assert.deepEqual(calls, [[['q: a', 'q: bb'], given], 'disposed', [['q: ccc'], given], 'disposed']);
});

test('tensors of another shape, failures, the signal, wrong options, no package', async () => {
  for (const change of [{ dims: [1, 3, 2] }, { dims: [2, 2] }, { dims: undefined }, { data: new Float32Array(3) }]) {
    await fails('IO', (await transformersEmbedder({ pipeline: fake([], change), dimension: 2 })).embed(['a'], {}), 'tensor');
  }
  const broken = Object.assign(async () => { throw new Error('out of GPU'); }, {});
  await fails('IO', (await transformersEmbedder({ pipeline: broken, name: 'n', dimension: 2 })).embed(['a'], {}), 'out of GPU');
  const controller = new AbortController();
  const calls = [];
  const embedder = await transformersEmbedder({ pipeline: fake(calls), dimension: 2, batchSize: 1 });
  const called = embedder.embed(['a', 'b', 'c', 'd'], { signal: controller.signal, onProgress: () => controller.abort() });
  await fails('ABORTED', called);
  assert.equal(calls.length, 2);
  for (const [given, part] of [[{}, 'model or pipeline'], [{ model: 'm', pooling: 'max' }, 'pooling'], [{ model: 'm', nonsense: 1 }, 'nonsense'],
    [{ pipeline: async () => {}, dimension: 2 }, 'pass a name'], [{ model: 'm', normalize: 1 }, 'normalize']]) {
    await fails('INVALID_ARGUMENT', transformersEmbedder(given), part);
  }
  await fails('UNSUPPORTED', transformersEmbedder({ model: 'm' }), 'not installed');
});
