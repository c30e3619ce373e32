// textual.js - queries by words. Loaded on first use (lazy.js).
//
// The engine finds, scores and says where words stand (src/text/).

import { ABI } from './engine/abi.gen.js';
import { encodeToBytes, encodeUtf8, isWellFormed, show } from './engine/value.js';
import { VecStoreError, invalid, throwIfAborted } from './errors.js';
import { withFilter } from './asking.js';
import { checkInclude, checkInteger, checkSignal, oneOf, readOptions } from './options.js';
import { strip } from './records.js';
import { learnLanguage } from './text-lang.js';
import { withExpression } from './text-structured.js';

/** @import { Engine } from './engine/engine.js' */
/** @import { Include, SelectionInput } from './options.js' */
/** @import { Marks, TextHit } from './types.js' */

const NOTHING = new Uint8Array(0);
/** Bytes of text indexed between two looks at the event loop: some ten milliseconds. */
const BUILD_BYTES = 1 << 18;

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
export function checkNumber(name, value) {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalid(`${name} must be a number, not ${show(value)}`);
  return value;
}

/** @param {string} name @param {unknown} value */
export function checkBoolean(name, value) {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false, not ${show(value)}`);
  return value;
}

/** @param {string} name @param {unknown} value */
export const checkK = (name, value) => Math.min(checkInteger(name, value, 0), 0xffffffff);

/** @param {string} _name @param {unknown} value */
export const asGiven = (_name, value) => value;

export const COMMON = {
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
export const commonOf = (read) => ({
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
export function search(engine, { text, syntax, fields }, k, filter) {
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
export function fillHit(engine, { include, highlight }, slot, hit) {
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
