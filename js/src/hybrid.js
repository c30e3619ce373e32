// hybrid.js - queries by sparse vectors, queries by several sides together, and rescoring by the vectors of tokens. Loaded on
// first use (more.js).
//
// The engine searches each side, fuses their rankings and says which side must be searched deeper before the fused one
// is final (src/query/fuse.c).

import { ABI } from './engine/abi.gen.js';
import { isPlainObject, show } from './engine/value.js';
import { invalid, throwIfAborted } from './errors.js';
import { readRows, readSparse } from './extra.js';
import { withFilter } from './asking.js';
import { checkInteger, oneOf, readOptions, readQuery } from './options.js';
import { encodeId, strip } from './records.js';
import { COMMON, asGiven, checkBoolean, checkK, checkNumber, commonOf, fillHit, prepareText, search } from './textual.js';
import { withExpression } from './text-structured.js';

/** @import { Engine } from './engine/engine.js' */
/** @import { CheckedQuery } from './options.js' */
/** @import { HybridExplanation, HybridHit } from './types.js' */
/** @import { TextQuery } from './textual.js' */

/** @typedef {'vector' | 'text' | 'sparse'} Side */
/** @typedef {{ n: number, dim: number, rows: Float32Array, candidates: number }} Maxsim */

const RRF_K = 60;
/** Components of sparse vectors indexed between two looks at the event loop. */
const BUILD_POSTINGS = 1 << 16;
/** How deep a side is searched at first, and the scores that its scale is taken of. */
const DEPTH = 100;

/** @type {Side[]} */
const SIDES = ['vector', 'text', 'sparse'];
const METHODS = /** @type {Record<string, number>} */ ({
  rrf: ABI.FUSION_RRF, weighted: ABI.FUSION_WEIGHTED, relative: ABI.FUSION_WEIGHTED, max: ABI.FUSION_MAX, min: ABI.FUSION_MIN,
  harmonic: ABI.FUSION_HARMONIC, geometric: ABI.FUSION_GEOMETRIC,
});
const SCALES = /** @type {Record<string, number>} */ ({
  minmax: ABI.SCALE_OF_MINMAX, zscore: ABI.SCALE_OF_ZSCORE, distribution: ABI.SCALE_OF_DEVIATIONS,
});
/**
 * What the sides weigh in `weighted` and `relative` unless something is given: words decide, vectors of a small embedder
 * help. Chosen on two collections, checked on two others (tests/quality/TEXT.md).
 */
const WEIGHTS = { vector: 0.2, text: 0.8, sparse: 0.8 };

// ============ Rescoring ============

/**
 * The option rescore.maxsim, read.
 * @param {any} given
 * @param {number} k
 * @returns {Maxsim | undefined}
 */
export function readMaxsim(given, k) {
  if (given === undefined) return undefined;
  const { maxsim, candidates } = readOptions('rescore', given, {
    maxsim: asGiven, candidates: (name, value) => checkInteger(`rescore.${name}`, value, 1),
  });
  return { ...readRows('rescore.maxsim', maxsim), candidates: Math.max(k, candidates ?? DEPTH) };
}

/**
 * The sum over the query's tokens of the greatest inner product with a token of the record, for each slot; undefined
 * for a record without tokens.
 * @param {Engine} engine
 * @param {number[]} slots
 * @param {Maxsim} late
 */
function maxsimOf(engine, slots, { n, dim, rows }) {
  const { heap, exports, db } = engine, bytes = slots.length * ABI.MAXSIM_ITEM_BYTES;
  const p = engine.staging(bytes + rows.length * 4);
  slots.forEach((slot, i) => heap.setU32(p + i * ABI.MAXSIM_ITEM_BYTES, slot));
  heap.writeF32(p + bytes, rows);
  if (exports.vs_maxsim(db, p, slots.length, p + bytes, n, dim) < 0) throw engine.error();
  return slots.map((_, i) => {
    const item = p + i * ABI.MAXSIM_ITEM_BYTES;
    return heap.u32(item + 4) ? heap.f64(item + 8) : undefined;
  });
}

/**
 * Candidates by MaxSim, those without token vectors behind the others in the order they had.
 * @template T
 * @param {Engine} engine
 * @param {T[]} found best first
 * @param {(one: T) => number} slotOf
 * @param {Maxsim} how
 * @returns {{ one: T, maxsim: number | undefined }[]}
 */
function late(engine, found, slotOf, how) {
  const scores = maxsimOf(engine, found.map(slotOf), how);
  return found.map((one, i) => ({ one, maxsim: scores[i] }))
    .sort((a, b) => (a.maxsim === undefined ? Number(b.maxsim !== undefined) : b.maxsim === undefined ? -1 : b.maxsim - a.maxsim));
}

/**
 * A vector query's candidates by MaxSim: [slot, score, distance, parts].
 * @param {Engine} engine
 * @param {[number, number, number][]} found
 * @param {Maxsim} how
 * @param {{ k: number, minScore: number }} query
 * @returns {[number, number, number, { vector: number, maxsim: number | null }][]}
 */
export const rescored = (engine, found, how, { k, minScore }) => late(engine, found, ([slot]) => slot, how).slice(0, k)
  .map(({ one: [slot, score, distance], maxsim }) =>
    /** @type {[number, number, number, any]} */ ([slot, maxsim ?? -Infinity, distance, { vector: score, maxsim: maxsim ?? null }]))
  .filter(([, score]) => score >= minScore);

/**
 * Hits of a stage before by MaxSim; those whose records are gone are left out.
 * @param {Engine} engine
 * @param {import('./types.js').Hit[]} hits
 * @param {Maxsim} how
 * @returns {import('./types.js').Hit[]}
 */
export function interact(engine, hits, how) {
  const ids = hits.map(({ id }) => encodeId(id));
  return engine.guard(() => {
    const there = hits.map((hit, i) => ({ hit, slot: engine.find(ids[i]) })).filter(({ slot }) => slot >= 0);
    return late(engine, there, ({ slot }) => slot, how).map(({ one: { hit }, maxsim }) => ({ ...hit, score: maxsim ?? -Infinity }));
  });
}

// ============ Sparse ============

/**
 * Builds the index of sparse vectors where there is none; in steps, with other tasks between them.
 * @param {Engine} engine
 * @param {(() => Promise<void>) | undefined} yieldToHost
 * @param {AbortSignal | undefined} signal
 */
async function prepareSparse(engine, yieldToHost, signal) {
  for (;;) {
    const answer = engine.guard(() => engine.exports.vs_sparse_prepare(engine.db, BUILD_POSTINGS));
    if (answer < 0) throw engine.error();
    if (answer === 1) return;
    await yieldToHost?.();
    throwIfAborted(signal);
  }
}

/**
 * The best by their sparse vectors: [slot, score].
 * @param {Engine} engine
 * @param {{ indices: Uint32Array, values: Float32Array }} sparse
 * @param {number} k
 * @param {number} filter
 * @returns {[number, number][]}
 */
function searchSparse(engine, { indices, values }, k, filter) {
  const { heap, exports, db } = engine, bytes = indices.length * 8;
  const p = engine.staging(bytes);
  heap.write(p, new Uint8Array(indices.buffer));
  heap.writeF32(p + bytes / 2, values);
  const n = exports.vs_sparse_query(db, p, bytes, k, filter);
  if (n < 0) throw engine.error();
  const hits = exports.vs_sparse_hits(db) >>> 0;
  const view = heap.borrowView();
  return Array.from({ length: n }, (_, i) => {
    const at = hits + i * ABI.TEXT_HIT_BYTES;
    return [view.getUint32(at, true), view.getFloat64(at + 8, true)];
  });
}

/**
 * The records nearest to a sparse vector by inner product, of those that share an index with it.
 * @param {Engine} engine
 * @param {CheckedQuery} query
 * @param {(() => Promise<void>) | undefined} yieldToHost
 */
export async function askSparse(engine, query, yieldToHost) {
  const asked = query.asked ?? {};
  for (const name of /** @type {const} */ (['facets', 'boost', 'explain'])) {
    if (asked[name] !== undefined) throw invalid(`query by a sparse vector takes no ${name}`);
  }
  if (query.exact || query.ef !== 0 || query.rescore !== -1 || query.maxDistance !== Infinity) {
    throw invalid('query by a sparse vector is exact and has no distances: it takes no exact, ef, preset, rescore or maxDistance');
  }
  const sparse = readSparse('sparse', asked.sparse), how = readMaxsim(asked.maxsim, query.k);
  await prepareSparse(engine, yieldToHost, query.signal);
  return engine.guard(() => withFilter(engine, asked, (filter) => {
    const found = searchSparse(engine, sparse, how ? how.candidates : query.k, filter);
    const hits = how
      ? late(engine, found, ([slot]) => slot, how).slice(0, query.k).map(({ one: [slot, score], maxsim }) =>
        ({ slot, hit: { score: maxsim ?? -Infinity, parts: { sparse: score, maxsim: maxsim ?? null } } }))
      : found.map(([slot, score]) => ({ slot, hit: { score } }));
    return hits.filter(({ hit }) => hit.score >= query.minScore).map(({ slot, hit }) => {
      const record = engine.record(slot, query.include);
      return strip(record, Object.assign({ id: record.id }, hit));
    });
  }));
}

// ============ Options ============

/** @param {string} name @param {unknown} value */
function checkAlpha(name, value) {
  const alpha = checkNumber(name, value);
  if (alpha < 0 || alpha > 1) throw invalid(`${name} must be from 0 (all but the vector) to 1 (only the vector), not ${alpha}`);
  return alpha;
}

/** @param {string} name @param {any} value */
function checkWeights(name, value) {
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) throw invalid(`${name} must be an object, not ${show(value)}`);
  for (const [side, weight] of Object.entries(value)) {
    if (!SIDES.includes(/** @type {any} */ (side))) throw invalid(`${name} has no side '${side}'`);
    if (!(weight >= 0 && weight < Infinity)) throw invalid(`${name}.${side} must be a number of at least 0, not ${show(weight)}`);
  }
  return value;
}

const { text: checkText, ...REST } = COMMON;
const atLeastOne = (/** @type {string} */ name, /** @type {unknown} */ value) => checkInteger(name, value, 1);

const HYBRID = {
  ...REST,
  text: checkText,
  vector: asGiven,
  sparse: (/** @type {string} */ name, /** @type {unknown} */ value) => readSparse(name, value),
  ef: asGiven,
  exact: asGiven,
  rescore: asGiven,
  preset: asGiven,
  fusion: oneOf(Object.keys(METHODS)),
  normalize: oneOf(Object.keys(SCALES)),
  alpha: checkAlpha,
  weights: checkWeights,
  rrfK: atLeastOne,
  depth: checkK,
  autocut: atLeastOne,
  explain: checkBoolean,
};

/**
 * @typedef {TextQuery & { vector: CheckedQuery | undefined, sparse: { indices: Uint32Array, values: Float32Array } | undefined,
 *   sides: Side[], weights: Record<Side, number>, fusion: string, normalize: string | undefined, rrfK: number,
 *   depth: number | undefined, autocut: number, late: Maxsim | undefined, explain: boolean }} HybridQuery
 */

/**
 * What the sides weigh; those that weigh nothing are not searched.
 * @param {Side[]} sides
 * @param {string} fusion
 * @param {{ alpha?: number, weights?: Partial<Record<Side, number>> }} given
 * @returns {Record<Side, number>}
 */
function weightsOf(sides, fusion, { alpha, weights }) {
  const others = sides.length - 1;
  const weighs = fusion === 'rrf' || METHODS[fusion] === ABI.FUSION_WEIGHTED;
  if ((alpha ?? weights) !== undefined && !weighs) throw invalid(`fusion '${fusion}' takes no weights`);
  if (alpha !== undefined && weights !== undefined) throw invalid('hybridQuery takes alpha or weights, not both');
  if (alpha !== undefined && (!sides.includes('vector') || others === 0)) throw invalid('alpha weighs the vector against another side');
  const of = (/** @type {Side} */ side) =>
    (weights ? weights[side] ?? 1
      : alpha !== undefined ? (side === 'vector' ? alpha : (1 - alpha) / others)
        : METHODS[fusion] === ABI.FUSION_WEIGHTED ? WEIGHTS[side] : 1);
  const all = { vector: of('vector'), text: of('text'), sparse: of('sparse') };
  if (!sides.some((side) => all[side] > 0)) throw invalid('weights must not all be 0');
  return all;
}

/**
 * @param {unknown} given
 * @param {boolean} embeds whether the store makes a vector of the text where none is given
 * @returns {HybridQuery}
 */
export function readHybridQuery(given, embeds) {
  if (given === undefined) throw invalid('hybridQuery needs an object with text and a vector');
  const read = readOptions('hybridQuery', withExpression('hybridQuery', given), HYBRID);
  const { vector, ef, exact, rescore, preset, sparse, text, alpha, weights, normalize, rrfK, depth, autocut, explain } = read;
  const hasVector = vector !== undefined || (embeds && text !== undefined);
  if (text === undefined && sparse === undefined) throw invalid('hybridQuery needs text or a sparse vector');
  if (!hasVector && (text === undefined || sparse === undefined)) {
    throw invalid(text === undefined ? 'hybridQuery needs text or a vector beside the sparse vector'
      : 'hybridQuery needs a vector or a sparse vector beside the text: the store has no embedder to make one');
  }
  const fusion = read.fusion ?? (rrfK === undefined ? 'weighted' : 'rrf');
  if (rrfK !== undefined && fusion !== 'rrf') throw invalid(`rrfK is for fusion 'rrf', not '${fusion}'`);
  if (normalize !== undefined && (fusion === 'rrf' || fusion === 'relative')) throw invalid(`fusion '${fusion}' takes no normalize`);
  const isLate = typeof rescore === 'object' && rescore !== null;
  const side = { ef, exact, rescore: isLate ? undefined : rescore, preset };
  if (!hasVector && Object.values(side).some((option) => option !== undefined)) {
    throw invalid('ef, exact, preset and rescore are for the vector, and there is none');
  }
  /** @type {Side[]} */
  const all = SIDES.filter((one) => (one === 'vector' ? hasVector : read[one] !== undefined));
  const weighs = weightsOf(all, fusion, { alpha, weights });
  const common = commonOf({ ...read, text: text ?? '' });
  return {
    ...common,
    sides: all.filter((one) => weighs[one] > 0),
    vector: hasVector ? readQuery({ ...(vector === undefined ? { text } : { vector }), ...side }, embeds, 'hybridQuery') : undefined,
    sparse, weights: weighs, fusion, normalize, rrfK: rrfK ?? RRF_K, depth, autocut: autocut ?? 0,
    late: isLate ? readMaxsim(rescore, common.k) : undefined, explain: explain ?? false,
  };
}

// ============ Fusing ============

/**
 * Builds the indexes that the sides need.
 * @param {Engine} engine
 * @param {HybridQuery} query
 * @param {() => Promise<void>} yieldToHost
 */
export async function prepareSides(engine, { sides, signal }, yieldToHost) {
  if (sides.includes('text')) await prepareText(engine, yieldToHost, signal);
  if (sides.includes('sparse')) await prepareSparse(engine, yieldToHost, signal);
}

/** @typedef {{ side: Side, depth: number, found: [number, number, ...number[]][] }} Searched */
/** @typedef {{ slot: number, score: number, ranks: number[], shares: number[] }} Fused */

/**
 * Fuses what the sides found; `deeper`: the sides that must be searched deeper, as bits.
 * @param {Engine} engine
 * @param {HybridQuery} query
 * @param {Searched[]} searched
 * @param {number} k
 * @param {number} total
 * @returns {{ fused: Fused[], deeper: number }}
 */
function fuse(engine, { fusion, normalize = 'minmax', weights, rrfK, autocut }, searched, k, total) {
  const { heap, exports, db } = engine;
  const head = ABI.FUSE_HEADER_BYTES + searched.length * ABI.FUSE_SIDE_BYTES;
  const bytes = searched.reduce((sum, { found }) => sum + found.length * ABI.FUSE_ENTRY_BYTES, head);
  const view = new DataView(new ArrayBuffer(bytes));
  const scale = fusion === 'relative' ? ABI.SCALE_OF_RELATIVE : SCALES[normalize];
  [METHODS[fusion], scale, k, autocut, searched.length, 0].forEach((word, i) => view.setUint32(i * 4, word, true));
  view.setFloat64(24, rrfK, true);
  let entry = head;
  searched.forEach(({ side, depth, found }, i) => {
    const at = ABI.FUSE_HEADER_BYTES + i * ABI.FUSE_SIDE_BYTES;
    view.setUint32(at, found.length, true);
    const flags = (found.length < depth || depth >= total ? ABI.FUSE_COMPLETE : 0) | (side === 'vector' ? 0 : ABI.FUSE_FLOOR);
    view.setUint32(at + 4, flags, true);
    // Of the same scores however deep the side is searched.
    view.setUint32(at + 8, Math.max(DEPTH, k), true);
    view.setFloat64(at + 16, weights[side], true);
    for (const [slot, score] of found) {
      view.setUint32(entry, slot, true);
      view.setFloat64(entry + 8, score, true);
      entry += ABI.FUSE_ENTRY_BYTES;
    }
  });
  const p = engine.staging(bytes);
  heap.write(p, new Uint8Array(view.buffer));
  const n = exports.vs_fuse(db, p, bytes);
  if (n < 0) throw engine.error();
  const hits = exports.vs_fuse_hits(db) >>> 0, memory = heap.borrowView();
  const fused = Array.from({ length: n }, (_, i) => {
    const at = hits + i * ABI.FUSE_HIT_BYTES;
    return {
      slot: memory.getUint32(at + 40, true),
      score: memory.getFloat64(at, true),
      shares: searched.map((_one, side) => memory.getFloat64(at + 8 + 8 * side, true)),
      ranks: searched.map((_one, side) => memory.getUint32(at + 44 + 4 * side, true)),
    };
  });
  return { fused, deeper: exports.vs_fuse_deeper(db) };
}

/**
 * The fused ranking, each side searched as deep as that needs.
 * @param {Engine} engine
 * @param {HybridQuery} query
 * @param {number} k
 * @param {number} filter
 */
function fusedOf(engine, query, k, filter) {
  const total = engine.count();
  /** @param {Side} side @param {number} depth @returns {Searched} */
  const searchSide = (side, depth) => ({
    side,
    depth,
    found: side === 'text' ? search(engine, query, depth, filter)
      : side === 'sparse' ? searchSparse(engine, /** @type {any} */ (query.sparse), depth, filter)
        : engine.query(/** @type {CheckedQuery} */ (query.vector).vector, { .../** @type {CheckedQuery} */ (query.vector), k: depth }, filter),
  });
  const first = Math.min(query.depth ?? Math.max(DEPTH, k), total);
  let searched = query.sides.map((side) => searchSide(side, first));
  for (;;) {
    const { fused, deeper } = fuse(engine, query, searched, k, total);
    if (deeper === 0 || query.depth !== undefined) return { fused, searched };
    searched = searched.map((one, i) => (deeper & (1 << i) ? searchSide(one.side, Math.min(one.depth * 4, total)) : one));
  }
}

/** @param {number} x */
const short = (x) => Number(x.toPrecision(4));

/**
 * @param {Fused} fused
 * @param {Searched[]} searched
 * @param {HybridQuery} query
 * @param {number} rank
 * @param {number} [maxsim]
 * @returns {HybridExplanation}
 */
function explanationOf({ score, ranks, shares }, searched, { fusion, normalize, rrfK, weights, sparse }, rank, maxsim) {
  /** @type {any} */
  const explanation = { rank, fusion, vector: null, text: null, ...(sparse && { sparse: null }) };
  const sides = searched.map(({ side, found }, i) => {
    if (ranks[i] === 0) return `${side}: not found`;
    const own = found[ranks[i] - 1][1];
    explanation[side] = { rank: ranks[i], score: own, share: shares[i] };
    return `${side}: rank ${ranks[i]}, score ${short(own)}, share ${short(shares[i])}`;
  });
  const how = fusion === 'rrf' ? `rrf, k ${rrfK}` : fusion === 'relative' ? fusion : `${fusion}, ${normalize ?? 'minmax'}`;
  const weighed = METHODS[fusion] === ABI.FUSION_WEIGHTED || searched.some(({ side }) => weights[side] !== 1)
    ? `, weights ${searched.map(({ side }) => `${side} ${short(weights[side])}`).join(' and ')}` : '';
  explanation.summary = `#${rank}: ${maxsim === undefined ? '' : `maxsim ${short(maxsim)} of `}${short(score)} by ${how}${weighed}; ${sides.join('; ')}`;
  return explanation;
}

/**
 * The best records by their sides together. Their indexes must have been prepared.
 * @param {Engine} engine
 * @param {HybridQuery} query
 * @returns {HybridHit[]}
 */
export function askFused(engine, query) {
  throwIfAborted(query.signal);
  const { k, minScore, sparse, sides } = query;
  if (k === 0) return [];
  // Without words there is nothing to point out.
  const filling = sides.includes('text') ? query : { ...query, highlight: false };
  return engine.guard(() => withFilter(engine, query.selection, (filter) => {
    const { fused, searched } = fusedOf(engine, query, query.late ? query.late.candidates : k, filter);
    const found = query.late ? late(engine, fused, ({ slot }) => slot, query.late).slice(0, k)
      : fused.map((one) => ({ one, maxsim: undefined }));
    return found.map(({ one, maxsim }, i) => {
      /** @type {any} */
      const parts = { vector: null, text: null, ...(sparse && { sparse: null }), ...(query.late && { fused: one.score, maxsim: maxsim ?? null }) };
      searched.forEach(({ side, found: own }, at) => {
        if (one.ranks[at] > 0) parts[side] = own[one.ranks[at] - 1][1];
      });
      return { one, maxsim, rank: i + 1, score: query.late ? maxsim ?? -Infinity : one.score, parts };
    }).filter(({ score }) => score >= minScore).map(({ one, maxsim, rank, score, parts }) => {
      const hit = fillHit(engine, filling, one.slot, { score, parts });
      if (query.explain) hit.explanation = explanationOf(one, searched, query, rank, maxsim);
      return hit;
    });
  }));
}
