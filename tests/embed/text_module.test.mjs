// The embedder as it ships, in the text module: the vectors of the golden texts are, bit for bit, those that the
// native tests find (tests/unit/embed/vectors_have_the_golden_bits.c reads the same file); misuse is a status.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { STATUS } from '../../js/src/engine/abi.gen.js';
import { imports } from '../../wasm/tools/wasm-binary.mjs';
import { MODEL, crc32c, goldenTexts, openTextModule } from '../tools/text-module.mjs';

const bits = readFileSync(new URL('vectors.crc32c', import.meta.url), 'utf8').trim();
const statusOf = (name) => STATUS.indexOf(name);

test('the module imports nothing', () => {
  assert.deepEqual(imports(readFileSync(new URL('../../dist/vecstore.text.wasm', import.meta.url))), []);
});

test('the model is one file of at most 9 MB', () => {
  assert.ok(statSync(MODEL).size <= 9e6);
});

test('vectors are bit-equal to the native ones, in one call and one by one', () => {
  const module = openTextModule();
  const texts = goldenTexts();
  assert.equal(module.dimension, 256);
  assert.equal(module.name, 'vecstore-static-en-1');
  const vectors = module.embed(texts);
  assert.equal(crc32c(new Uint8Array(vectors.buffer)).toString(16).padStart(8, '0'), bits);
  texts.slice(0, 40).forEach((text, i) => {
    assert.deepEqual(module.embed([text]), vectors.subarray(256 * i, 256 * (i + 1)));
  });
});

test('vectors have length 1, or are zero without a known token', () => {
  const module = openTextModule();
  const vectors = module.embed(['a small boat', '', ' \t ', '\u{1f9ff}']);
  const length = (row) => Math.hypot(...vectors.subarray(256 * row, 256 * (row + 1)));
  assert.ok(Math.abs(length(0) - 1) < 1e-6);
  assert.deepEqual([length(1), length(2), length(3)], [0, 0, 0]);
});

test('meaning shows: a paraphrase is nearer than another subject', () => {
  const module = openTextModule();
  const v = module.embed(['How do I bake bread at home?', 'Making a loaf in your own oven', 'The stock market fell sharply on Monday']);
  const dot = (a, b) => v.subarray(256 * a, 256 * a + 256).reduce((sum, x, i) => sum + x * v[256 * b + i], 0);
  assert.ok(dot(0, 1) > dot(0, 2) + 0.1, `${dot(0, 1)} and ${dot(0, 2)}`);
});

test('a damaged or newer model is refused, and the one before stays', () => {
  const bytes = readFileSync(MODEL);
  for (const [at, code] of [[0, 'CORRUPT'], [4, 'VERSION'], [50_000, 'CORRUPT'], [bytes.length - 1, 'CORRUPT']]) {
    const copy = Buffer.from(bytes);
    copy[at] ^= 0x40;
    assert.throws(() => openTextModule(copy), (error) => error.status === statusOf(code) && error.message.length > 0);
  }
  const { x, tm, embed } = openTextModule();
  const before = embed(['unchanged']);
  assert.equal(x.vs_tm_model_open(tm, x.vs_tm_alloc(tm, 64), 64), statusOf('CORRUPT'));
  assert.deepEqual(embed(['unchanged']), before);
});

test('misuse is a status with the wrong text named', () => {
  const { x, tm, embed, message } = openTextModule();
  const at = x.vs_tm_alloc(tm, 64);
  const out = x.vs_tm_alloc(tm, 4 * 256 * 3);
  new Uint32Array(x.memory.buffer, at, 4).set([0, 5, 3, 8]);
  assert.equal(x.vs_tm_embed(tm, at, at, 3, out), -statusOf('INVALID_ARGUMENT'));
  assert.match(message(), /text 1/);
  assert.equal(x.vs_tm_embed(tm, at, at, 0, out), 0);
  x.vs_tm_model_close(tm);
  assert.equal(x.vs_tm_model_dimension(tm), 0);
  assert.equal(x.vs_tm_model_name(tm), 0);
  assert.throws(() => embed(['x']), { status: statusOf('INVALID_ARGUMENT') });
  x.vs_tm_free(tm);
});
