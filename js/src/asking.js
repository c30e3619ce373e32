// asking.js - what may be asked beyond the nearest records: filters, facets, boosts, plans, scans. Loaded on first use.
//
// The functions here run in their turn of the queue, inside the engine's guard
// as far as they call it, on arguments that were copied during the caller's
// call (lazy.js). Compiled filters are kept: the engine remembers with each
// which records matched, until the next write.

import { ABI } from './engine/abi.gen.js';
import { MARKS, STAGING_BYTES } from './engine/engine.js';
import { ByteWriter, decodeValue, encodeToBytes, encodeUtf8, isPlainObject, isWellFormed, show } from './engine/value.js';
import { VecStoreError, invalid } from './errors.js';
import { explainHit, readable } from './explain.js';
import { encodeFilter, stringOffset } from './filter.js';
import { askSparse, readMaxsim, rescored } from './hybrid.js';
import { ALL_PARTS, checkInclude, integer, readOptions } from './options.js';
import { encodeId, strip } from './records.js';

/** @import { Engine } from './engine/engine.js' */
/** @import { CheckedQuery, Include, SelectionInput } from './options.js' */
/** @import { SchemaCheck } from './schema.js' */
/** @import { Estimate, Explanation, Hit, Id } from './types.js' */

/** @typedef {SelectionInput & { batchSize: number, include: Include }} ScanInput */

const NOTHING = new Uint8Array(0);

// ============ Filters ============

/** Compiled filters kept per engine, the least recently used first: at most so many, */
const KEPT = 64;
/** and of large stores fewer: each may hold a bit for every record, together at most 4 MiB; */
const KEPT_BITS = 2 ** 25;
const KEPT_LEAST = 4;
/** larger texts are compiled each time. */
const KEPT_BYTES = 4096;

/** @type {WeakMap<Engine, Map<string, number>>} */
const kept = new WeakMap();

/** @param {string} _name @param {unknown} value */
const asGiven = (_name, value) => value;

/**
 * The filter of a method that is about many records.
 * @param {string} method
 * @param {unknown} given
 * @param {boolean} [required]
 * @returns {SelectionInput}
 */
export function selectionOf(method, given, required) {
  const selection = readOptions(method, given, { filter: asGiven, params: asGiven });
  if (required && selection.filter === undefined) throw invalid(`${method} needs an id, ids or a filter`);
  return selection;
}

/** @typedef {{ kind: number, bytes: Uint8Array, params: Uint8Array, text: string | undefined }} EncodedFilter */

/**
 * @param {SelectionInput} selection
 * @returns {EncodedFilter | undefined} undefined: all records
 */
function encodeSelection({ filter, params }) {
  if (params !== undefined) {
    if (typeof params !== 'object' || params === null || !isPlainObject(params)) {
      throw invalid(`params must be an object, not ${show(params)}`);
    }
    if (typeof filter !== 'string') throw invalid('params are for a filter as text');
  }
  if (filter === undefined) return undefined;
  if (typeof filter !== 'string') {
    if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
      throw invalid(`filter must be text or an object, not ${show(filter)}`);
    }
    return { kind: ABI.FILTER_TREE, bytes: encodeFilter(filter), params: NOTHING, text: undefined };
  }
  if (!isWellFormed(filter)) {
    const offset = filter.search(/\p{Surrogate}/u);
    throw new VecStoreError('FILTER_SYNTAX', 'the filter has a lone surrogate', { offset });
  }
  const given = params === undefined ? NOTHING : encodeToBytes(params, 'params');
  return { kind: ABI.FILTER_TEXT, bytes: encodeUtf8(filter), params: given, text: filter };
}


/** @param {Engine} engine @param {EncodedFilter} filter */
function compile(engine, { kind, bytes, params, text }) {
  const p = engine.staging(bytes.length + params.length);
  engine.heap.write(p, bytes);
  const q = p + bytes.length;
  engine.heap.write(q, params);
  const handle = engine.exports.vs_filter_compile(engine.db, kind, p, bytes.length, q, params.length);
  if (handle > 0) return handle;
  const error = engine.error();
  // The engine's index of a wrong filter is a place in its bytes.
  if (error.code === 'FILTER_SYNTAX' && error.index !== undefined) {
    if (text !== undefined) error.offset = stringOffset(text, error.index);
    delete error.index;
  }
  throw error;
}

/** Bytes as a key of a Map. @param {Uint8Array} bytes */
const keyOf = (bytes) => String.fromCharCode(...bytes);

/**
 * Runs fn with the handle of a filter, 0 for none.
 * @template T
 * @param {Engine} engine
 * @param {SelectionInput} selection
 * @param {(handle: number) => T} fn inside the guard
 * @returns {T}
 */
export function withFilter(engine, selection, fn) {
  const encoded = encodeSelection(selection);
  if (encoded === undefined) return engine.guard(() => fn(0));
  const isKept = encoded.bytes.length + encoded.params.length <= KEPT_BYTES;
  const key = isKept ? `${encoded.kind} ${encoded.bytes.length} ${encoded.text ?? keyOf(encoded.bytes)}${keyOf(encoded.params)}` : '';
  return engine.guard(() => {
    if (!isKept) {
      const handle = compile(engine, encoded);
      try {
        return fn(handle);
      } finally {
        engine.exports.vs_filter_free(engine.db, handle);
      }
    }
    let filters = kept.get(engine);
    if (!filters) kept.set(engine, (filters = new Map()));
    let handle = filters.get(key);
    if (handle === undefined) {
      handle = compile(engine, encoded);
      const most = Math.max(KEPT_LEAST, Math.min(KEPT, Math.floor(KEPT_BITS / (engine.count() + 1))));
      for (const [oldest, other] of filters) {
        if (filters.size < most) break;
        filters.delete(oldest);
        engine.exports.vs_filter_free(engine.db, other);
      }
    }
    filters.delete(key);
    filters.set(key, handle);
    return fn(handle);
  });
}

// ============ Boosts and facets ============

const CURVES = /** @type {Record<string, string>} */ ({ exponential: 'exp', linear: 'linear', gaussian: 'gauss' });
const UNITS = /** @type {Record<string, number>} */ ({ ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 });
const BOOST = ['field', 'decay', 'origin', 'scale', 'offset', 'midpoint', 'weight', 'missing'];

/** @param {string} at @param {unknown} value @param {boolean} isTime */
function extent(at, value, isTime) {
  const duration = isTime && typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(value) : null;
  const number = duration ? Number(duration[1]) * UNITS[duration[2]] : value;
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number;
  const wanted = isTime ? "milliseconds or a duration such as '36h' or '30d'" : 'a number';
  throw invalid(`${at} must be ${wanted}, at least 0, not ${show(value)}`);
}

/** @param {string} at @param {unknown} value @param {number} fallback */
function share(at, value, fallback) {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw invalid(`${at} must be a number from 0 to 1, not ${show(value)}`);
}

/**
 * The origin as the engine takes it, and whether it is a time.
 * @param {string} at
 * @param {any} origin
 * @returns {{ origin: number | number[], time: boolean }}
 */
function readOrigin(at, origin) {
  if (origin === undefined || origin === 'now') return { origin: Date.now(), time: true };
  if (typeof origin === 'number' && Number.isFinite(origin)) return { origin, time: false };
  if (typeof origin === 'string') {
    const ms = Date.parse(origin);
    if (!Number.isNaN(ms)) return { origin: ms, time: true };
  }
  if (typeof origin === 'object' && origin !== null) {
    const { lat, lon, lng, ...rest } = origin;
    const place = [lat, lon ?? lng];
    const isPlace = Object.keys(rest).length === 0 && place.every((one) => typeof one === 'number');
    if (isPlace && Math.abs(place[0]) <= 90 && Math.abs(place[1]) <= 360) return { origin: place, time: false };
  }
  throw invalid(`${at} must be a Date, an ISO date, 'now', a number or a place { lat, lon }, not ${show(origin)}`);
}

/** @param {string} at @param {any} boost */
function encodeBoost(at, boost) {
  if (typeof boost !== 'object' || boost === null || Array.isArray(boost)) {
    throw invalid(`${at} must be an object, not ${show(boost)}`);
  }
  const unknown = Object.keys(boost).find((name) => !BOOST.includes(name));
  if (unknown !== undefined) throw invalid(`${at}: unknown option '${unknown}'`);
  const { field, decay = 'gaussian', scale, offset = 0, midpoint = 0.5, weight, missing } = boost;
  if (typeof field !== 'string' || field === '') throw invalid(`${at}.field must be the name of a field, not ${show(field)}`);
  if (!Object.hasOwn(CURVES, decay)) {
    throw invalid(`${at}.decay must be 'exponential', 'linear' or 'gaussian', not ${show(decay)}`);
  }
  const { origin, time } = readOrigin(`${at}.origin`, boost.origin);
  const size = extent(`${at}.scale`, scale, time);
  if (size === 0) throw invalid(`${at}.scale must be above 0`);
  if (!(midpoint > 0 && midpoint < 1)) throw invalid(`${at}.midpoint must be between 0 and 1, not ${show(midpoint)}`);
  return {
    field, kind: CURVES[decay], origin, scale: size, time, offset: extent(`${at}.offset`, offset, time), decay: midpoint,
    weight: share(`${at}.weight`, weight, 1), missing: share(`${at}.missing`, missing, 0),
  };
}

/** @param {{ facets?: unknown, boost?: unknown }} asked @returns {Uint8Array} */
function encodeExtra({ facets, boost }) {
  if (facets === undefined && boost === undefined) return NOTHING;
  if (facets !== undefined) {
    if (!Array.isArray(facets)) throw invalid(`facets must be an array of fields, not ${show(facets)}`);
    const wrong = facets.findIndex((field) => typeof field !== 'string');
    if (wrong >= 0) throw invalid(`facets[${wrong}] must be the name of a field, not ${show(facets[wrong])}`);
  }
  const boosts = boost === undefined ? undefined : Array.isArray(boost)
    ? boost.map((one, i) => encodeBoost(`boost[${i}]`, one))
    : [encodeBoost('boost', boost)];
  return encodeToBytes({ facets, boost: boosts }, 'query');
}

/**
 * The engine's facets as arrays of { value, count }.
 * @param {Record<string, { values: [any, number][], distinct: number, missing: number }>} facets
 */
const readFacets = (facets) => Object.fromEntries(Object.entries(facets).map(([field, { values, distinct, missing }]) =>
  [field, Object.assign(values.map(([value, count]) => ({ value, count })), { distinct, missing })]));

// ============ Queries ============

/** What a query asks beyond the nearest. @param {CheckedQuery} query */
const askedOf = ({ asked }) => asked ?? {};

/**
 * The hits of a query, with what else it asks for.
 * @param {Engine} engine
 * @param {CheckedQuery} query
 * @param {() => Promise<void>} [yieldToHost]
 * @returns {Hit[]} of a sparse query a promise of them
 */
export function ask(engine, query, yieldToHost) {
  const asked = askedOf(query);
  if (asked.sparse !== undefined) return /** @type {any} */ (askSparse(engine, query, yieldToHost));
  const late = readMaxsim(asked.maxsim, query.k);
  const extra = encodeExtra(asked);
  return withFilter(engine, asked, (filter) => {
    /** @type {[number, number, number, ({ vector: number, maxsim: number | null })?][]} */
    const found = late
      ? rescored(engine, engine.query(query.vector, { ...query, k: late.candidates, minScore: -Infinity }, filter, extra), late, query)
      : engine.query(query.vector, query, filter, extra);
    const { metric } = asked.explain ? engine.stats() : { metric: '' };
    const hits = found.map(([slot, score, distance, parts], i) => {
      const record = engine.record(slot, query.include);
      const hit = /** @type {Hit} */ (strip(record, { id: record.id, score, distance, ...(parts && { parts }) }));
      if (asked.explain) {
        const terms = filter === 0 ? [] : engine.valueAt(engine.exports.vs_filter_terms(engine.db, filter, slot));
        hit.explanation = explainHit({ ...hit, score: parts?.vector ?? score }, i + 1, metric, terms, asked.boost !== undefined);
      }
      return hit;
    });
    if (asked.facets !== undefined) {
      const counted = engine.exports.vs_query_facets(engine.db);
      Object.assign(hits, { facets: counted === 0 ? {} : readFacets(engine.valueAt(counted)) });
    }
    return hits;
  });
}

/** Multiplications of one call of the engine, which takes about a tenth of a second for them. More gain little. */
const TOGETHER = 2e9;
const MANY_HITS = 1 << 20;

/**
 * How many of the queries from the i-th on can be answered in one pass over the vectors: exact ones that ask for
 * nothing else, alike but for their vectors.
 * @param {Engine} engine
 * @param {CheckedQuery[]} queries
 * @param {number} i
 */
export function together(engine, queries, i) {
  const { exact, k, maxDistance, minScore, vector } = queries[i];
  const most = Math.min(Math.floor(MANY_HITS / k), TOGETHER / (engine.exports.vs_count(engine.db) * vector.length + 1));
  let n = 0;
  while (i + n < queries.length && n < most) {
    const query = queries[i + n];
    if (!exact || !query.exact || query.asked || query.k !== k || query.vector.length !== vector.length) break;
    if (query.maxDistance !== maxDistance || query.minScore !== minScore) break;
    n++;
  }
  return n;
}

/**
 * The hits of such queries.
 * @param {Engine} engine
 * @param {CheckedQuery[]} queries
 * @returns {Hit[][]}
 */
export const askMany = (engine, queries) => engine.guard(() => {
  const { exports, heap } = engine;
  const [{ vector: { length: dim }, k, maxDistance, minScore }] = queries;
  const p = engine.staging(queries.length * dim * 4);
  queries.forEach(({ vector }, i) => heap.writeF32(p + i * dim * 4, vector));
  const room = checkCount(engine, exports.vs_query_many(engine.db, p, queries.length, dim, k, maxDistance, minScore));
  const at = exports.vs_query_hits(engine.db) >>> 0;
  const view = heap.borrowView();
  const found = queries.map((_, i) => {
    /** @type {[number, number, number][]} */
    const hits = [];
    for (let j = 0, h = at + i * room * ABI.HIT_BYTES; j < room; j++, h += ABI.HIT_BYTES) {
      const slot = view.getUint32(h, true);
      if (slot === SCAN_END) break;
      hits.push([slot, view.getFloat32(h + 4, true), view.getFloat32(h + 8, true)]);
    }
    return hits;
  });
  return found.map((hits, i) => hits.map(([slot, score, distance]) => {
    const record = engine.record(slot, queries[i].include);
    return /** @type {Hit} */ (strip(record, { id: record.id, score, distance }));
  }));
});

/**
 * Runs a query and says how.
 * @param {Engine} engine
 * @param {CheckedQuery} query
 * @returns {Explanation}
 */
export function explain(engine, query) {
  const asked = askedOf(query);
  const extra = encodeExtra(asked);
  return readable(withFilter(engine, asked, (filter) => {
    engine.query(query.vector, query, filter, extra, ABI.QUERY_EXPLAIN);
    return engine.valueAt(engine.exports.vs_query_plan(engine.db));
  }));
}

/**
 * Says what a query would do.
 * @param {Engine} engine
 * @param {CheckedQuery} query
 * @returns {Estimate}
 */
export function estimate(engine, query) {
  encodeExtra(askedOf(query));
  const flags = query.exact ? ABI.QUERY_EXACT : 0;
  return readable(withFilter(engine, askedOf(query), (filter) =>
    engine.valueAt(engine.exports.vs_estimate(engine.db, query.k, query.ef, flags, filter))));
}

// ============ Sets of records ============

/** @param {Engine} engine @param {number} n */
function checkCount(engine, n) {
  if (n < 0) throw engine.error();
  return n;
}

/** @param {Engine} engine @param {SelectionInput} selection */
export const count = (engine, selection) =>
  withFilter(engine, selection, (filter) => checkCount(engine, engine.exports.vs_count_filter(engine.db, filter)));

/** Begins to delete what matches. @param {Engine} engine @param {SelectionInput} selection @param {boolean} relaxed
 * @param {AbortSignal | undefined} signal */
export const deletion = (engine, selection, relaxed, signal) => withFilter(engine, selection, (filter) => {
  engine.begin(Date.now(), MARKS.get(/** @type {any} */ (signal)));
  checkCount(engine, engine.exports.vs_tx_delete_filter(engine.db, filter));
  return engine.commit(relaxed);
});

/**
 * The slots of one step of a scan.
 * @param {Engine} engine
 * @param {number} filter
 * @param {number} from
 * @param {number} before
 * @param {number} limit
 */
function scanStep(engine, filter, from, before, limit) {
  const { exports, heap, db } = engine;
  const n = checkCount(engine, exports.vs_scan(db, filter, from, before, limit));
  const p = exports.vs_scan_slots(db) >>> 0;
  const slots = Array.from({ length: n }, (_, i) => heap.u32(p + 4 * i));
  return { slots, next: exports.vs_scan_next(db) >>> 0 };
}

const SCAN_END = 0xffffffff;
const SCAN_LIMIT = 65536;
const NO_PARTS = { vector: false, metadata: false, text: false };

/** The ids of all that match. @param {Engine} engine @param {SelectionInput} selection */
export const ids = (engine, selection) => withFilter(engine, selection, (filter) => {
  /** @type {Id[]} */
  const found = [];
  for (let from = 0; from !== SCAN_END;) {
    const { slots, next } = scanStep(engine, filter, from, 0, SCAN_LIMIT);
    for (const slot of slots) found.push(engine.record(slot, NO_PARTS).id);
    from = next;
  }
  return found;
});

/** A place in a scan: the slot to go on from and the sequence of the first record that is too new. */
const CURSOR = /^vs1-(\d{1,10})-(\d{1,16})$/;

/** @param {unknown} cursor */
function readCursor(cursor) {
  const [, from, before] = (typeof cursor === 'string' ? CURSOR.exec(cursor) : null) ?? [];
  if (!(Number(from) < SCAN_END && Number.isSafeInteger(Number(before)))) {
    throw invalid(`cursor must be one that a scan gave, not ${show(cursor)}`);
  }
  return { from: Number(from), before: Number(before) };
}

/**
 * The options of a scan.
 * @param {unknown} given
 * @returns {ScanInput}
 */
export const scanStart = (given) => /** @type {any} */ ({
  batchSize: 1000,
  include: ALL_PARTS,
  ...readOptions('scan', given, {
    filter: asGiven, params: asGiven, batchSize: integer(1), cursor: asGiven, include: checkInclude, signal: asGiven,
  }),
});

/**
 * The next records of a scan, each with the cursor behind it.
 * @param {Engine} engine
 * @param {ScanInput} options
 * @param {unknown} cursor undefined: from the beginning
 * @returns {{ page: { record: any, cursor: string }[], next: string | null }}
 */
export function scanPage(engine, options, cursor) {
  const start = cursor === undefined ? undefined : readCursor(cursor);
  return withFilter(engine, options, (filter) => {
    const before = start?.before ?? engine.exports.vs_next_sequence(engine.db);
    const limit = Math.min(options.batchSize, SCAN_LIMIT);
    const at = (/** @type {number} */ slot) => `vs1-${slot}-${before}`;
    const { slots, next } = scanStep(engine, filter, start?.from ?? 0, before, limit);
    const page = slots.map((slot) => ({ record: strip(engine.record(slot, options.include), {}), cursor: at(slot + 1) }));
    return { page, next: next === SCAN_END ? null : at(next) };
  });
}

/** Compiles a filter, to find what is wrong with it. @param {Engine} engine @param {SelectionInput} selection */
export const checkFilter = (engine, selection) => withFilter(engine, selection, () => {});

/**
 * Which of some records match now; those that are gone do not.
 * @param {Engine} engine
 * @param {SelectionInput} selection
 * @param {Uint8Array[]} ids encoded
 */
export const matching = (engine, selection, ids) => withFilter(engine, selection, (filter) => ids.map((id) => {
  const slot = engine.find(id);
  return slot >= 0 && (filter === 0 || engine.exports.vs_filter_test(engine.db, filter, slot) === 2);
}));

/**
 * Hits put in order by maximal marginal relevance (src/query/mmr.c); those whose records are gone are left out.
 * @param {Engine} engine
 * @param {Hit[]} hits
 * @param {number} k
 * @param {number} lambda
 */
export function diversify(engine, hits, k, lambda) {
  const ids = hits.map(({ id }) => encodeId(id));
  return engine.guard(() => {
    const slots = ids.map((id) => engine.find(id));
    const there = hits.map((_, i) => i).filter((i) => slots[i] >= 0);
    const p = engine.staging(there.length * ABI.MMR_ITEM_BYTES);
    there.forEach((i, at) => {
      engine.heap.setU32(p + at * ABI.MMR_ITEM_BYTES, slots[i]);
      engine.heap.setF64(p + at * ABI.MMR_ITEM_BYTES + 8, hits[i].score);
    });
    const n = checkCount(engine, engine.exports.vs_mmr(engine.db, p, there.length, Math.min(k, there.length), lambda));
    return Array.from({ length: n }, (_, i) => hits[there[engine.heap.u32(p + i * ABI.MMR_ITEM_BYTES + 4)]]);
  });
}

// ============ Patches ============

/**
 * One operation on an id, encoded as vs_tx_add wants it.
 * @param {ByteWriter} w
 * @param {Uint8Array} id
 * @param {Uint8Array} set
 * @param {Uint8Array} removed
 */
function writePatch(w, id, set, removed) {
  const start = w.length;
  w.reserve(ABI.TX_HEADER_BYTES + id.length + set.length + removed.length + 8);
  w.view.setUint32(start, ABI.TX_UPDATE_METADATA + id.length * 0x10000, true);
  w.view.setUint32(start + 4, 0, true);
  w.view.setUint32(start + 8, set.length, true);
  w.view.setUint32(start + 12, removed.length, true);
  w.bytes.set(id, start + ABI.TX_HEADER_BYTES);
  w.length += ABI.TX_HEADER_BYTES + id.length;
  w.pad4(start);
  w.bytes.set(set, w.length);
  w.bytes.set(removed, w.length + set.length);
  w.length += set.length + removed.length;
  w.pad4(start);
}

/**
 * The operations that merge a patch into the metadata of one record, or of all that match a filter.
 * @param {Engine} engine
 * @param {unknown} target an id or { filter, params }
 * @param {any} patch undefined members are to be removed
 * @param {SchemaCheck | undefined} schema
 * @returns {Uint8Array[]} pieces of about STAGING_BYTES
 */
export function patches(engine, target, patch, schema) {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch) || !isPlainObject(patch)) {
    throw invalid(`patch must be a plain object, not ${show(patch)}`);
  }
  const set = encodeToBytes(patch, 'patch');
  const keys = Object.keys(patch).filter((key) => patch[key] === undefined);
  const removed = keys.length > 0 ? encodeToBytes(keys, 'patch') : NOTHING;
  schema?.patch(decodeValue(set), keys);
  const isSelection = typeof target === 'object' && target !== null;
  const found = isSelection ? ids(engine, selectionOf('updateMetadata', target, true)) : [target];
  const pieces = [];
  let w = new ByteWriter();
  for (const id of found) {
    if (w.length >= STAGING_BYTES) {
      pieces.push(w.finish());
      w = new ByteWriter(STAGING_BYTES);
    }
    writePatch(w, encodeId(id), set, removed);
  }
  return [...pieces, w.finish()];
}
