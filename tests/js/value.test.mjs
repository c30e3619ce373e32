// The value codec (js/src/engine/value.js): bytes as src/base/value.h says, and everything back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, decodeUtf8, decodeValue, encodeToBytes, encodeValue } from '../../js/src/engine/value.js';
import { random } from './behaviour/expect.mjs';

const bytes = (value) => [...encodeToBytes(value)];

test('the bytes of each tag', () => {
  assert.deepEqual(bytes(null), [0]);
  assert.deepEqual(bytes(false), [1]);
  assert.deepEqual(bytes(true), [2]);
  assert.deepEqual(bytes(0), [3, 0]);
  assert.deepEqual(bytes(-1), [3, 1]);
  assert.deepEqual(bytes(64), [3, 128, 1]);
  assert.deepEqual(bytes(-(2n ** 63n)), [3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
  assert.deepEqual(bytes(-0), [4, 0, 0, 0, 0, 0, 0, 0, 128]);
  assert.deepEqual(bytes(0.5), [4, 0, 0, 0, 0, 0, 0, 224, 63]);
  assert.deepEqual(bytes('aé'), [5, 3, 97, 195, 169]);
  assert.deepEqual(bytes([]), [6, 0, 0]);
  assert.deepEqual(bytes([1, [true]]), [6, 2, 6, 3, 2, 6, 1, 1, 2]);
  assert.deepEqual(bytes({ a: 1, '': null }), [7, 2, 6, 1, 97, 3, 2, 0, 0]);
});

test('integers of every size come back, number and bigint encode alike', () => {
  for (let shift = 0n; shift <= 53n; shift++) {
    for (const delta of [-1n, 0n, 1n]) {
      for (const sign of [1n, -1n]) {
        const big = sign * (2n ** shift + delta);
        if (!Number.isSafeInteger(Number(big))) continue;
        assert.deepEqual(encodeToBytes(Number(big)), encodeToBytes(big));
        // -0 is not an integer to us; 0n is.
        assert.equal(decodeValue(encodeToBytes(big)), Number(big) + 0);
      }
    }
  }
  for (const big of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) assert.equal(decodeValue(encodeToBytes(big)), big);
});

test('containers longer than 127 bytes, and counts above 127', () => {
  for (const n of [1, 41, 42, 43, 63, 64, 126, 127, 128, 129, 5460, 16384, 70000]) {
    const value = { before: 1, list: Array.from({ length: n }, (_, i) => i % 50), text: 'x'.repeat(n), after: [n] };
    assert.deepEqual(decodeValue(encodeToBytes(value)), value);
  }
});

test('a reader accepts the padded lengths that C writes', () => {
  assert.deepEqual(decodeValue(Uint8Array.of(6, 0x82, 0x80, 0x80, 0x80, 0, 0x84, 0x80, 0x80, 0x80, 0, 3, 2, 3, 4)), [1, 2]);
});

test('random values come back', () => {
  const next = random(11);
  const make = (depth) => {
    const roll = next();
    if (depth < 5 && roll < 0.25) return Array.from({ length: next() * 6 }, () => make(depth + 1));
    if (depth < 5 && roll < 0.5) {
      return Object.fromEntries(Array.from({ length: next() * 6 }, () => [String.fromCodePoint(...[1, 2, 3].map(() => Math.floor(next() * 0xd7ff))), make(depth + 1)]));
    }
    return [null, true, next() * 1e9, Math.floor(next() * 1e15), -Math.floor(next() * 1e5), 'ä€𝄞'.repeat(next() * 60)][Math.floor(next() * 6)];
  };
  for (let i = 0; i < 300; i++) {
    const value = make(0);
    assert.deepEqual(decodeValue(encodeToBytes(value)), value);
  }
});

test('containers come back wherever they begin in the buffer that grows', () => {
  // Long, so that the container's length takes two bytes; short; and one within another.
  const inner = [[false, true, 7], [[false], [true]], { k: [false] }, Array(70).fill(true), Array(90).fill({ n: [1.5] })];
  for (let filled = 0; filled < 600; filled++) {
    const value = ['x'.repeat(filled), ...inner.slice(filled % 5), inner[filled % 5]];
    assert.deepEqual(decodeValue(encodeToBytes(value)), value, `behind ${filled} bytes`);
    const w = new ByteWriter(1);
    const single = inner[filled % 5];
    for (let i = 0; i < filled; i++) w.u8(0);
    encodeValue(w, single, 'value');
    assert.deepEqual(decodeValue(w.finish().slice(filled)), single, `behind ${filled} bytes`);
  }
});

test('malformed bytes throw and never hang', () => {
  const good = encodeToBytes({ a: [1, 'two', { three: 3.5 }], b: 2n ** 60n });
  for (let n = 0; n < good.length; n++) assert.throws(() => decodeValue(good.subarray(0, n)), RangeError);
  assert.throws(() => decodeValue(Uint8Array.of(8)), /tag 8/);
  assert.throws(() => decodeValue(Uint8Array.of(0, 0)), RangeError);
  assert.throws(() => decodeValue(new Uint8Array(20).fill(255).fill(3, 0, 1)), RangeError);
  assert.throws(() => decodeValue(Uint8Array.of(5, 1, 0xff)));
});

test('a leading byte order mark stays', () => {
  assert.equal(decodeUtf8(new TextEncoder().encode('\ufeffx')), '\ufeffx');
  assert.equal(decodeUtf8(new TextEncoder().encode(`\ufeff${'x'.repeat(100)}`)).length, 101);
});

test('toJSON is asked once, as JSON.stringify does', () => {
  const value = { x: { toJSON: () => ({ toJSON: 5, y: 1 }) }, date: new Date(5) };
  assert.deepEqual(decodeValue(encodeToBytes(value)), JSON.parse(JSON.stringify(value)));
  const endless = { toJSON: () => ({ ...endless }) };
  assert.throws(() => encodeToBytes(endless), { code: 'INVALID_ARGUMENT' });
});

test('a writer grows from nothing', () => {
  const w = new ByteWriter(1);
  for (let i = 0; i < 1000; i++) w.varint(i * i * i);
  w.pad4(0);
  assert.equal(w.length % 4, 0);
});
