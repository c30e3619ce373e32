// Packs the demo's collection: 1,500 artworks and their CLIP vectors, small enough to travel with the page.
//
//   node web-demo/tools/pack-met.mjs CORPUS.jsonl VECTORS.f32 [OUT_DIR]
//
// CORPUS.jsonl has one {id, title, metadata: {artist, date, year, medium, culture, classification, department,
// tags}} per line; VECTORS.f32 has one raw little-endian float32 row per line of the corpus. Three files come out,
// the same bytes for the same input (data/README.md describes them for the reader):
//
//   met.json       the facts, one array per work, and the shape of the two binary files
//   met.i8         n x d signed bytes, then n float32 scales: component = byte * scale. The largest component of a row
//                  becomes +-127; a zero row has scale 0 and stays a zero row.
//   met.basis.i8   r x d signed bytes, then r float32 scales and r float32 offsets. Row j gives the j-th fingerprint
//                  number of a vector: dot(bytes, vector) * scale - offset. The rows are the collection's principal
//                  axes, scaled so that every number has mean 0 and variance 1 over it; the page draws them.

import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const AXES = 32;
const ROUNDS = 60; // of subspace iteration; 32 axes of 512 dimensions have settled to the bytes kept by then.

/** A row as signed bytes with one scale; rounding to nearest keeps each component within scale / 2. */
function quantizeRow(row) {
  const largest = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const scale = Math.fround(largest / 127);
  return { scale, codes: Int8Array.from(row, (x) => (scale === 0 ? 0 : Math.round(x / scale))) };
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function meanOf(rows) {
  const mean = new Float64Array(rows[0].length);
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i] += row[i] / rows.length;
  return mean;
}

function covarianceOf(rows, mean) {
  const d = mean.length;
  const cov = Array.from({ length: d }, () => new Float64Array(d));
  for (const row of rows) {
    const centred = row.map((x, i) => x - mean[i]);
    for (let i = 0; i < d; i++) {
      const weight = centred[i] / rows.length;
      for (let j = 0; j < d; j++) cov[i][j] += weight * centred[j];
    }
  }
  return cov;
}

/** Gram-Schmidt in place: the rows become unit vectors at right angles to one another. */
function orthonormalize(axes) {
  for (let i = 0; i < axes.length; i++) {
    for (let j = 0; j < i; j++) {
      const along = dot(axes[i], axes[j]);
      for (let c = 0; c < axes[i].length; c++) axes[i][c] -= along * axes[j][c];
    }
    const norm = Math.sqrt(dot(axes[i], axes[i]));
    for (let c = 0; c < axes[i].length; c++) axes[i][c] /= norm;
  }
}

/** The leading eigenvectors of a covariance matrix, by subspace iteration from a fixed start. */
function principalAxes(cov, count) {
  const d = cov.length;
  let axes = Array.from({ length: count }, (_, i) => Float64Array.from({ length: d }, (_, j) => Math.sin(1 + i * d + j)));
  for (let round = 0; round < ROUNDS; round++) {
    axes = axes.map((axis) => Float64Array.from(cov, (row) => dot(row, axis)));
    orthonormalize(axes);
  }
  return axes;
}

function concatBytes(...arrays) {
  return Buffer.concat(arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength)));
}

/** Bytes and per-row scales of a list of rows, laid out as in met.i8. */
function packRows(rows) {
  const quantized = rows.map(quantizeRow);
  const codes = Int8Array.from(quantized.flatMap((q) => Array.from(q.codes)));
  return { codes, scales: Float32Array.from(quantized, (q) => q.scale) };
}

function packBasis(rows) {
  const present = rows.filter((row) => row.some((x) => x !== 0)).map((row) => Float64Array.from(row));
  const mean = meanOf(present);
  const { codes, scales } = packRows(principalAxes(covarianceOf(present, mean), AXES));
  const offsets = new Float32Array(AXES);
  for (let j = 0; j < AXES; j++) {
    const axis = codes.subarray(j * mean.length, (j + 1) * mean.length);
    const values = present.map((row) => dot(axis, row));
    const centre = values.reduce((sum, v) => sum + v, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / values.length);
    scales[j] = 1 / spread;
    offsets[j] = centre / spread;
  }
  return concatBytes(codes, scales, offsets);
}

function packFacts(works, dimension) {
  const departments = [...new Set(works.map((w) => w.metadata.department))].sort();
  const columns = ['id', 'title', 'artist', 'date', 'year', 'department', 'medium', 'culture', 'classification', 'tags'];
  const rows = works.map(({ id, title, metadata: m }) => JSON.stringify([
    id, title, m.artist, m.date, m.year, departments.indexOf(m.department), m.medium, m.culture, m.classification, m.tags,
  ]));
  const head = JSON.stringify({
    source: 'The Metropolitan Museum of Art, Open Access (CC0 1.0)',
    model: 'CLIP ViT-B/32 image embeddings',
    count: works.length, dimension, axes: AXES, columns, departments,
  });
  return `${head.slice(0, -1)},"works":[\n${rows.join(',\n')}\n]}\n`;
}

function main([corpusPath, vectorsPath, outDir = join(import.meta.dirname ?? '.', '..', 'data')]) {
  if (!corpusPath || !vectorsPath) {
    console.error('usage: node web-demo/tools/pack-met.mjs CORPUS.jsonl VECTORS.f32 [OUT_DIR]');
    process.exit(2);
  }
  const works = readFileSync(corpusPath, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const bytes = readFileSync(vectorsPath);
  const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const dimension = floats.length / works.length;
  if (!Number.isInteger(dimension)) throw new Error(`${floats.length} floats do not divide into ${works.length} rows`);
  const rows = works.map((_, i) => Array.from(floats.subarray(i * dimension, (i + 1) * dimension)));
  const { codes, scales } = packRows(rows);
  mkdirSync(outDir, { recursive: true });
  writeFileSync(join(outDir, 'met.json'), packFacts(works, dimension));
  writeFileSync(join(outDir, 'met.i8'), concatBytes(codes, scales));
  writeFileSync(join(outDir, 'met.basis.i8'), packBasis(rows));
  console.log(`packed ${works.length} works x ${dimension} into ${outDir}`);
}

main(process.argv.slice(2));
