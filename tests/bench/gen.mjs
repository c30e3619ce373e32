// gen.mjs - the benchmark's data: vectors that are as hard to search as text embeddings, and the exact answers.
//
// THE SET. 200 clusters of Zipf-distributed sizes. A cluster is a centre and a
// 30-dimensional local subspace, both drawn in a global basis of 96 random
// directions with decaying weights; a vector is a point of that subspace plus a
// little noise in all dimensions plus a mean common to all, scaled to length 1.
// The weights are chosen so that the local intrinsic dimension (maximum
// likelihood estimate over 100 neighbours) is near 14, as in real embeddings of
// this size. Queries are fresh points of the same distribution.
//
// A given seed, n and dim always give the same bytes. Results are kept under
// build/bench and made only once. A file of one's own replaces the set: its last
// 1,000 rows become the queries.

import { execFileSync } from 'node:child_process';
import {
  closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';

export const QUERIES = 1000;
export const TRUTH_K = 100;
const CLUSTERS = 200;
const LOCAL = 30;
const GLOBAL = 96;
const SEED = 20240607;
const CENTRE_SCALE = 1;
const LOCAL_SCALE = 1.05;
const NOISE = 0.025;
const MEAN = 0.5;
const ROWS_PER_WRITE = 1000;

/** Uniform and normal numbers from one 32-bit state (splitmix-like; good enough for data). */
function random(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
  let spare = NaN;
  const normal = () => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = NaN;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform() + 2 ** -33));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, normal };
}

/** A function that writes the next vector of the distribution into `out` (dim floats). */
function synthetic(dim) {
  const { uniform, normal } = random(SEED);
  const fill = (n, scale) => Float32Array.from({ length: n }, () => normal() * scale);
  const weight = Float32Array.from({ length: GLOBAL }, (_, i) => (i + 1) ** -0.5);
  const basis = fill(GLOBAL * dim, 1 / Math.sqrt(dim));
  const mean = fill(dim, MEAN / Math.sqrt(dim));
  const centre = fill(CLUSTERS * GLOBAL, CENTRE_SCALE);
  const local = fill(CLUSTERS * LOCAL * GLOBAL, LOCAL_SCALE / Math.sqrt(LOCAL));
  const noise = NOISE * Math.sqrt(GLOBAL / dim);
  const share = new Float64Array(CLUSTERS);
  for (let c = 0; c < CLUSTERS; c++) share[c] = (c ? share[c - 1] : 0) + 1 / (c + 1);
  const latent = new Float64Array(GLOBAL);
  const point = new Float64Array(dim);
  return (out) => {
    const u = uniform() * share[CLUSTERS - 1];
    let c = 0;
    while (c + 1 < CLUSTERS && share[c] < u) c++;
    for (let g = 0; g < GLOBAL; g++) latent[g] = centre[c * GLOBAL + g];
    for (let l = 0; l < LOCAL; l++) {
      const t = normal();
      const row = (c * LOCAL + l) * GLOBAL;
      for (let g = 0; g < GLOBAL; g++) latent[g] += t * local[row + g];
    }
    for (let j = 0; j < dim; j++) point[j] = mean[j] + normal() * noise;
    for (let g = 0; g < GLOBAL; g++) {
      const w = latent[g] * weight[g];
      const row = g * dim;
      for (let j = 0; j < dim; j++) point[j] += w * basis[row + j];
    }
    let sum = 0;
    for (let j = 0; j < dim; j++) sum += point[j] * point[j];
    const inverse = 1 / Math.sqrt(sum);
    for (let j = 0; j < dim; j++) out[j] = point[j] * inverse;
  };
}

function writeRows(file, n, dim, next) {
  const fd = openSync(file, 'w');
  const rows = new Float32Array(Math.min(n, ROWS_PER_WRITE) * dim);
  for (let done = 0; done < n; done += ROWS_PER_WRITE) {
    const count = Math.min(ROWS_PER_WRITE, n - done);
    for (let i = 0; i < count; i++) next(rows.subarray(i * dim, (i + 1) * dim));
    writeSync(fd, new Uint8Array(rows.buffer, 0, count * dim * 4));
  }
  closeSync(fd);
}

function writeSynthetic(dir, n, dim) {
  const next = synthetic(dim);
  writeRows(join(dir, 'base.f32'), n, dim, next);
  writeRows(join(dir, 'queries.f32'), QUERIES, dim, next);
}

function splitFile(dir, file, n, dim) {
  const bytes = readFileSync(file);
  writeFileSync(join(dir, 'base.f32'), bytes.subarray(0, n * dim * 4));
  writeFileSync(join(dir, 'queries.f32'), bytes.subarray(n * dim * 4, (n + QUERIES) * dim * 4));
}

/** Average over the queries of the maximum likelihood estimate of the dimension around them. */
function intrinsicDimension(nearest) {
  let total = 0;
  let counted = 0;
  for (let q = 0; q < QUERIES; q++) {
    const r = nearest.subarray(q * TRUTH_K, (q + 1) * TRUTH_K);
    let sum = 0;
    for (const x of r) sum += Math.log(Math.max(x, 1e-12) / r[TRUTH_K - 1]);
    if (sum >= 0) continue;
    total += -TRUTH_K / sum;
    counted++;
  }
  return counted ? total / counted : NaN;
}

/**
 * The data set's files, made where they are missing.
 * @param {{ root: string, exact: string, n: number, dim: number, metric: string, data?: string }} options
 * exact: the program of native/exact.c
 */
export function dataset({ root, exact, n, dim, metric, data }) {
  if (data) {
    const rows = statSync(data).size / (dim * 4);
    if (!Number.isInteger(rows)) throw new Error(`${data} does not hold whole vectors of ${dim} floats`);
    if (rows <= QUERIES + TRUTH_K) throw new Error(`${data} holds only ${rows} vectors`);
    n = Math.min(n, rows - QUERIES);
  }
  const name = `${data ? basename(data).replace(/\W+/g, '-') : 'synthetic'}-${n}x${dim}-${metric}`;
  const dir = join(root, name);
  const info = join(dir, 'info.json');
  if (!existsSync(info)) {
    mkdirSync(dir, { recursive: true });
    if (data) splitFile(dir, data, n, dim);
    else writeSynthetic(dir, n, dim);
    execFileSync(exact, [dir, String(dim), String(TRUTH_K), metric]);
    const bytes = readFileSync(join(dir, 'nearest.f32'));
    const lid = intrinsicDimension(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    writeFileSync(`${info}.new`, JSON.stringify({ name, n, dim, metric, lid, seed: data ? undefined : SEED }));
    renameSync(`${info}.new`, info);
  }
  return { dir, ...JSON.parse(readFileSync(info, 'utf8')) };
}
