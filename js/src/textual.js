// textual.js - queries by words, and by words and vectors together. Loaded on first use (lazy.js).
//
// The engine finds, scores and says where words stand (src/text/); fusing two
// rankings is done here, on what both sides found.

import { ABI } from './engine/abi.gen.js';
import { encodeToBytes, encodeUtf8, isWellFormed, show } from './engine/value.js';
import { VecStoreError, invalid, throwIfAborted } from './errors.js';
import { withFilter } from './asking.js';
import { checkInclude, checkInteger, checkSignal, oneOf, readOptions, readQuery } from './options.js';
import { strip } from './records.js';
import { learnLanguage } from './text-lang.js';
import { withExpression } from './text-structured.js';

/** @import { Engine } from './engine/engine.js' */
/** @import { CheckedQuery, Include, SelectionInput } from './options.js' */
/** @import { HybridHit, Marks, TextHit } from './types.js' */

const NOTHING = new Uint8Array(0);
/** Bytes of text indexed between two looks at the event loop: some ten milliseconds. */
const BUILD_BYTES = 1 << 18;
const RRF_K = 60;

// ============ Options ============

/** @param {string} name @param {unknown} value */
function checkText(name, value) {
  if (typeof value !== 'string') throw invalid(`${name} must be a string, not ${show(value)}`);
  if (!isWellFormed(value)) throw invalid(`${name} must not hold a lone surrogate`);
  return value;
}

/** @param {string} name @param {unknown} value */
function checkFields(name, value) {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0 || !list.every((one) => typeof one === 'string' && isWellFormed(one))) {
    throw invalid(`${name} must be a field's name or an array of names, not ${show(value)}`);
  }
  return list;
}

/** @param {string} name @param {unknown} value */
function checkNumber(name, value) {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalid(`${name} must be a number, not ${show(value)}`);
  return value;
}

/** @param {string} name @param {unknown} value */
function checkBoolean(name, value) {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false, not ${show(value)}`);
  return value;
}

/** @param {string} name @param {unknown} value */
function checkAlpha(name, value) {
  const alpha = checkNumber(name, value);
  if (alpha < 0 || alpha > 1) throw invalid(`${name} must be from 0 (only text) to 1 (only vector), not ${alpha}`);
  return alpha;
}

/** @param {string} name @param {unknown} value */
const checkK = (name, value) => Math.min(checkInteger(name, value, 0), 0xffffffff);

/** @param {string} _name @param {unknown} value */
const asGiven = (_name, value) => value;

const COMMON = {
  text: checkText,
  syntax: oneOf(['plain', 'query']),
  fields: checkFields,
  k: checkK,
  filter: asGiven,
  params: asGiven,
  minScore: checkNumber,
  highlight: checkBoolean,
  include: checkInclude,
  signal: checkSignal,
};

const HYBRID = {
  ...COMMON,
  vector: asGiven,
  ef: asGiven,
  exact: asGiven,
  rescore: asGiven,
  preset: asGiven,
  fusion: oneOf(['rrf', 'weighted']),
  alpha: checkAlpha,
  rrfK: (/** @type {string} */ name, /** @type {unknown} */ value) => checkInteger(name, value, 1),
  depth: checkK,
  explain: checkBoolean,
};

const DEFAULT_INCLUDE = { vector: false, metadata: true, text: false };

/**
 * @typedef {object} TextQuery
 * @property {string} text
 * @property {'plain' | 'query'} syntax
 * @property {string[] | undefined} fields
 * @property {number} k
 * @property {SelectionInput} selection
 * @property {number} minScore
 * @property {boolean} highlight
 * @property {Include} include
 * @property {AbortSignal | undefined} signal
 */

/**
 * @param {Record<string, any>} read
 * @returns {TextQuery}
 */
const commonOf = (read) => ({
  text: read.text,
  syntax: read.syntax ?? 'plain',
  fields: read.fields,
  k: read.k ?? 10,
  selection: { filter: read.filter, params: read.params },
  minScore: read.minScore ?? -Infinity,
  highlight: read.highlight ?? false,
  include: read.include ?? DEFAULT_INCLUDE,
  signal: read.signal,
});

/** @param {unknown} given @returns {TextQuery} */
export function readTextQuery(given) {
  if (given === undefined) throw invalid('textQuery needs an object with text');
  const read = readOptions('textQuery', withExpression('textQuery', given), COMMON);
  if (read.text === undefined) throw invalid('textQuery needs text');
  return commonOf(read);
}

/**
 * @typedef {TextQuery & { vector: CheckedQuery, fusion: 'rrf' | 'weighted', alpha: number | undefined, rrfK: number,
 *   depth: number | undefined, explain: boolean }} HybridQuery
 */

/**
 * @param {unknown} given
 * @param {boolean} embeds whether the store makes a vector of the text where none is given
 * @returns {HybridQuery}
 */
export function readHybridQuery(given, embeds) {
  if (given === undefined) throw invalid('hybridQuery needs an object with text and a vector');
  const read = readOptions('hybridQuery', withExpression('hybridQuery', given), HYBRID);
  if (read.text === undefined) throw invalid('hybridQuery needs text');
  const { vector, ef, exact, rescore, preset, alpha, rrfK, depth, explain, text } = read;
  const point = vector === undefined ? { text } : { vector };
  const side = readQuery({ ...point, ef, exact, rescore, preset }, embeds, 'hybridQuery');
  return {
    ...commonOf(read), vector: side, fusion: read.fusion ?? 'rrf', alpha, rrfK: rrfK ?? RRF_K, depth, explain: explain ?? false,
  };
}

// ============ The engine's side ============

/**
 * Builds the text index where there is none; in steps, with other tasks between them.
 * @param {Engine} engine
 * @param {() => Promise<void>} yieldToHost
 * @param {AbortSignal | undefined} signal
 */
export async function prepareText(engine, yieldToHost, signal) {
  await learnLanguage(engine);
  for (;;) {
    const answer = engine.guard(() => engine.exports.vs_text_prepare(engine.db, BUILD_BYTES));
    if (answer < 0) throw engine.error();
    if (answer === 1) return;
    await yieldToHost();
    throwIfAborted(signal);
  }
}

/** The place in a string of a place in its UTF-8. @param {string} text @param {number} byte */
function stringPlace(text, byte) {
  let bytes = 0;
  let at = 0;
  for (const c of text) {
    if (bytes >= byte) break;
    const code = /** @type {number} */ (c.codePointAt(0));
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += c.length;
  }
  return at;
}

/**
 * The best by their words: [slot, score].
 * @param {Engine} engine
 * @param {TextQuery} query
 * @param {number} k
 * @param {number} filter
 * @returns {[number, number][]}
 */
function search(engine, { text, syntax, fields }, k, filter) {
  const bytes = encodeUtf8(text);
  const names = fields ? encodeToBytes(fields, 'fields') : NOTHING;
  const p = engine.staging(bytes.length + names.length);
  engine.heap.write(p, bytes);
  const q = p + bytes.length;
  engine.heap.write(q, names);
  const flags = syntax === 'query' ? ABI.TEXT_SYNTAX : 0;
  const n = engine.exports.vs_text_query(engine.db, p, bytes.length, flags, k, filter, q, names.length);
  if (n < 0) {
    const error = engine.error();
    if (error.index === undefined) throw error;
    const offset = stringPlace(text, error.index);
    throw new VecStoreError(error.code, error.message.replace(/at byte \d+/, `at character ${offset}`), { offset });
  }
  const hits = engine.exports.vs_text_hits(engine.db) >>> 0;
  const view = engine.heap.borrowView();
  return Array.from({ length: n }, (_, i) => {
    const at = hits + i * ABI.TEXT_HIT_BYTES;
    return [view.getUint32(at, true), view.getFloat64(at + 8, true)];
  });
}

/**
 * Where bytes of a text's UTF-8 are in the string; `bytes` ascend.
 * @param {string} text
 * @param {number[]} bytes
 */
function stringPlaces(text, bytes) {
  /** @type {number[]} */
  const places = [];
  let at = 0;
  let byte = 0;
  for (const wanted of bytes) {
    // Tokens may overlap: pairs of characters do.
    if (wanted < byte) at = byte = 0;
    while (byte < wanted) {
      const code = /** @type {number} */ (text.codePointAt(at));
      byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      at += code < 0x10000 ? 1 : 2;
    }
    places.push(at);
  }
  return places;
}

/** Spans in order, those that overlap or touch as one. @param {number[]} places @returns {[number, number][]} */
function spansOf(places) {
  /** @type {[number, number][]} */
  const spans = [];
  for (let i = 0; i < places.length; i += 2) {
    const last = spans.at(-1);
    if (last && places[i] <= last[1]) last[1] = Math.max(last[1], places[i + 1]);
    else spans.push([places[i], places[i + 1]]);
  }
  return spans;
}

/**
 * Where the last text query's words stand in a record: spans of a text's UTF-16, or of each named text's.
 * @param {Engine} engine
 * @param {number} slot
 * @param {any} text
 * @returns {Marks}
 */
function marksOf(engine, slot, text) {
  /** @type {{ field: string | null, at: number[] }[]} */
  const marks = engine.valueAt(engine.exports.vs_text_marks(engine.db, slot));
  if (typeof text === 'string') return marks.length > 0 ? spansOf(stringPlaces(text, marks[0].at)) : [];
  return Object.fromEntries(marks.map(({ field, at }) => [field, spansOf(stringPlaces(text[/** @type {any} */ (field)], at))]));
}

/**
 * A hit's record, with highlights where asked for.
 * @param {Engine} engine
 * @param {TextQuery} query
 * @param {number} slot
 * @param {object} hit
 */
function fillHit(engine, { include, highlight }, slot, hit) {
  const record = engine.record(slot, highlight ? { ...include, text: true } : include);
  const { text } = record;
  if (!include.text) record.text = undefined;
  const filled = strip(record, Object.assign({ id: record.id }, hit));
  if (highlight) filled.highlights = text === undefined ? [] : marksOf(engine, slot, text);
  return filled;
}

// ============ Text ============

/**
 * The best records by their words. The index must have been prepared.
 * @param {Engine} engine
 * @param {TextQuery} query
 * @returns {TextHit[]}
 */
export function askText(engine, query) {
  throwIfAborted(query.signal);
  return withFilter(engine, query.selection, (filter) => search(engine, query, query.k, filter)
    .filter(([, score]) => score >= query.minScore)
    .map(([slot, score]) => fillHit(engine, query, slot, { score })));
}

// ============ Both ============

/** @typedef {{ slot: number, vector?: { rank: number, score: number }, text?: { rank: number, score: number } }} Pair */

/**
 * What both sides found, by slot.
 * @param {[number, number, ...number[]][]} vectors
 * @param {[number, number][]} texts
 */
function pairUp(vectors, texts) {
  /** @type {Map<number, Pair>} */
  const pairs = new Map();
  vectors.forEach(([slot, score], i) => pairs.set(slot, { slot, vector: { rank: i + 1, score } }));
  texts.forEach(([slot, score], i) => {
    const pair = pairs.get(slot);
    if (pair) pair.text = { rank: i + 1, score };
    else pairs.set(slot, { slot, text: { rank: i + 1, score } });
  });
  return [...pairs.values()];
}

/** A side's part in reciprocal rank fusion. @param {{ rank: number } | undefined} side @param {number} k */
const reciprocal = (side, k) => (side ? 1 / (k + side.rank) : 0);

/**
 * A side's scores brought to 0..1 by its lowest and highest; absent ones are 0, equal ones 1.
 * @param {{ score: number }[]} found
 */
function minMax(found) {
  const scores = found.map(({ score }) => score);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  return (/** @type {{ score: number } | undefined} */ side) =>
    (side === undefined ? 0 : high > low ? (side.score - low) / (high - low) : 1);
}

/**
 * The fused order; equal ones: the better rank of the two first.
 * @param {Pair[]} pairs
 * @param {HybridQuery} query
 * @returns {(Pair & { score: number })[]}
 */
function fuse(pairs, { fusion, alpha, rrfK }) {
  const [ofVector, ofText] = alpha === undefined ? (fusion === 'rrf' ? [1, 1] : [0.5, 0.5]) : [alpha, 1 - alpha];
  const isThere = (/** @type {any} */ side) => side !== undefined;
  const byVector = fusion === 'rrf' ? (/** @type {any} */ side) => reciprocal(side, rrfK)
    : minMax(/** @type {any[]} */ (pairs.map(({ vector }) => vector).filter(isThere)));
  const byText = fusion === 'rrf' ? byVector : minMax(/** @type {any[]} */ (pairs.map(({ text }) => text).filter(isThere)));
  const best = (/** @type {Pair} */ { vector, text }) => Math.min(vector?.rank ?? Infinity, text?.rank ?? Infinity);
  return pairs
    .map((pair) => ({ ...pair, score: ofVector * byVector(pair.vector) + ofText * byText(pair.text) }))
    .filter((pair) => (ofVector > 0 && pair.vector) || (ofText > 0 && pair.text))
    .sort((a, b) => b.score - a.score || best(a) - best(b) || a.slot - b.slot);
}

/**
 * Could records or ranks that were not fetched change the first k? Only for rrf, whose shares fall with the rank.
 * @param {(Pair & { score: number })[]} fused
 * @param {HybridQuery} query
 * @param {{ vectors: number, texts: number, depth: number }} found
 */
function isSettled(fused, { k, alpha, rrfK }, { vectors, texts, depth }) {
  const unseen = (/** @type {number} */ found, /** @type {number} */ weight) => (found < depth ? 0 : weight / (rrfK + depth + 1));
  const ofVector = unseen(vectors, alpha ?? 1), ofText = unseen(texts, 1 - (alpha ?? 0));
  if (ofVector === 0 && ofText === 0) return true;
  const most = (/** @type {Pair & { score: number }} */ { score, vector, text }) => score + (vector ? 0 : ofVector) + (text ? 0 : ofText);
  if (fused.length < k) return false;
  // In order: each of the first k is above whatever those behind it can still become.
  let highest = ofVector + ofText;
  for (let i = fused.length - 1; i >= 0; i--) {
    if (i < k && fused[i].score < highest) return false;
    highest = Math.max(highest, most(fused[i]));
  }
  return true;
}

/** @param {Pair & { score: number }} pair @param {HybridQuery} query @param {number} rank */
function explanationOf({ vector, text, score }, { fusion, alpha, rrfK }, rank) {
  const side = (/** @type {string} */ name, /** @type {any} */ part) =>
    (part ? `${name}: rank ${part.rank}, score ${Number(part.score.toPrecision(4))}` : `${name}: not found`);
  const how = fusion === 'rrf' ? `rrf, k ${rrfK}` : 'weighted sum of scores from 0 to 1';
  return {
    rank, fusion, vector: vector ?? null, text: text ?? null,
    summary: `#${rank}: ${Number(score.toPrecision(4))} by ${how}${alpha === undefined ? '' : `, alpha ${alpha}`}; ` +
      `${side('vector', vector)}; ${side('text', text)}`,
  };
}

/**
 * The best records by their words and their vectors. The index must have been prepared.
 * @param {Engine} engine
 * @param {HybridQuery} query
 * @returns {HybridHit[]}
 */
export function askBoth(engine, query) {
  throwIfAborted(query.signal);
  const { k, fusion, minScore, alpha } = query;
  if (k === 0) return [];
  return withFilter(engine, query.selection, (filter) => {
    const total = engine.count();
    for (let depth = Math.min(query.depth ?? Math.max(100, 2 * k), total); ; depth = Math.min(depth * 4, total)) {
      const vectors = alpha === 0 ? [] : engine.query(query.vector.vector, { ...query.vector, k: depth }, filter);
      const texts = alpha === 1 ? [] : search(engine, query, depth, filter);
      const fused = fuse(pairUp(vectors, texts), query);
      const isOver = depth === total || query.depth !== undefined || fusion !== 'rrf';
      if (!isOver && !isSettled(fused, query, { vectors: vectors.length, texts: texts.length, depth })) continue;
      return fused.slice(0, k).filter(({ score }) => score >= minScore).map((pair, i) => {
        const parts = { vector: pair.vector?.score ?? null, text: pair.text?.score ?? null };
        const hit = fillHit(engine, query, pair.slot, { score: pair.score, parts });
        if (query.explain) hit.explanation = explanationOf(pair, query, i + 1);
        return hit;
      });
    }
  });
}
