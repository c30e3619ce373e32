// pipeline.js - queries in stages: a search, then filters, reranking and MMR over what it found. Loaded on first use.
//
//   [{ search: { vector, k: 100 } }, { filter: 'year >= $from', params: { from: 2020 } },
//    { rerank: async (hits, { signal }) => scores, k: 20 }, { mmr: { k: 5, lambda: 0.7 } }]
//
// Each stage works on the hits of the one before. That a stage leaves none is no
// error: the later ones have nothing to do. Other calls may go on between two
// stages; records that are deleted meanwhile drop out at the next filter or MMR.
//
// The stages of the prefetch queries of the product's Rust predecessor are read
// too: { VectorSearch }, { Filter: { expr } }, { Rerank: { k, model } } with a
// function as the model, { MMR }.

import { ask, checkFilter, diversify, matching } from './asking.js';
import { isPlainObject, show } from './engine/value.js';
import { VecStoreError, invalid, throwIfAborted, unsupported } from './errors.js';
import { interact, readMaxsim } from './hybrid.js';
import { readQuery } from './options.js';
import { encodeId } from './records.js';

/** @import { Engine } from './engine/engine.js' */
/** @import { CheckedQuery } from './options.js' */
/** @import { Hit } from './types.js' */

/** @typedef {<T>(fn: () => T | Promise<T>) => Promise<T>} Turn runs fn in a turn of the queue */

/**
 * What a stage does with the hits of the one before.
 * @typedef {(hits: Hit[], turn: Turn, signal: AbortSignal | undefined) => Promise<Hit[]>} Stage
 */

const MAX_STAGES = 64;

// ============ Reading ============

/** @param {Record<string, unknown>} options @param {...string} names */
function only(options, ...names) {
  const unknown = Object.keys(options).find((name) => options[name] !== undefined && !names.includes(name));
  if (unknown !== undefined) throw invalid(`unknown option '${unknown}'`);
}

/** @param {string} name @param {unknown} value */
function size(name, value) {
  if (!Number.isSafeInteger(value) || /** @type {number} */ (value) < 0) {
    throw invalid(`${name} must be an integer of at least 0, not ${show(value)}`);
  }
  return /** @type {number} */ (value);
}

/**
 * The stages behind the search, by what they are called.
 * @type {Record<string, (stage: any, engine: Engine) => Stage>}
 */
const STAGES = {
  filter(stage, engine) {
    only(stage, 'filter', 'params');
    const { filter, params } = stage;
    checkFilter(engine, { filter, params });
    return (hits, turn) => turn(() => {
      const matches = matching(engine, { filter, params }, hits.map(({ id }) => encodeId(id)));
      return hits.filter((_, i) => matches[i]);
    });
  },

  rerank(stage) {
    only(stage, 'rerank', 'k');
    const { rerank } = stage;
    if (typeof rerank !== 'function') throw invalid(`rerank must be a function, not ${show(rerank)}`);
    const k = stage.k === undefined ? Infinity : size('k', stage.k);
    return async (hits, _turn, signal) => {
      if (hits.length === 0) return hits;
      return reranked(hits, await rerank([...hits], { signal })).slice(0, k);
    };
  },

  mmr(stage, engine) {
    only(stage, 'mmr');
    const { mmr } = stage;
    if (typeof mmr !== 'object' || mmr === null || !isPlainObject(mmr)) {
      throw invalid(`mmr must be an object { k, lambda }, not ${show(mmr)}`);
    }
    only(mmr, 'k', 'lambda');
    const { k = 10, lambda = 0.5 } = mmr;
    size('mmr.k', k);
    if (!(lambda >= 0 && lambda <= 1)) throw invalid(`mmr.lambda must be a number from 0 to 1, not ${show(lambda)}`);
    return (hits, turn) => turn(() => diversify(engine, hits, k, lambda));
  },

  maxsim(stage, engine) {
    only(stage, 'maxsim', 'k');
    const how = readMaxsim({ maxsim: stage.maxsim }, 0);
    const k = stage.k === undefined ? Infinity : size('k', stage.k);
    return (hits, turn) => turn(() => (how ? interact(engine, hits, how).slice(0, k) : hits));
  },
};

/**
 * The predecessor's stages as ours.
 * @type {Record<string, (options: any) => Record<string, unknown>>}
 */
const FORMER = {
  VectorSearch: (options) => ({ search: options }),
  HybridSearch: () => {
    throw unsupported('HybridSearch is not supported by this version');
  },
  Filter({ expr, ...rest }) {
    only(rest);
    return { filter: expr ?? null };
  },
  Rerank({ k, model, ...rest }) {
    only(rest);
    return { rerank: model ?? null, k };
  },
  MMR: (options) => ({ mmr: options }),
};

/** @param {any} stage */
function renamed(stage) {
  const names = typeof stage === 'object' && stage !== null ? Object.keys(stage) : [];
  if (names.length !== 1 || !Object.hasOwn(FORMER, names[0])) return stage;
  const options = stage[names[0]];
  if (typeof options !== 'object' || options === null || !isPlainObject(options)) {
    throw invalid(`${names[0]} must be an object, not ${show(options)}`);
  }
  return FORMER[names[0]](options);
}

/**
 * Checks a pipeline.
 * @param {Engine} engine
 * @param {any} given
 */
function readPipeline(engine, given) {
  if (!Array.isArray(given)) throw invalid(`pipeline needs an array of stages, not ${show(given)}`);
  if (given.length === 0) throw invalid('pipeline needs at least one stage, a search');
  if (given.length > MAX_STAGES) throw invalid(`a pipeline has at most ${MAX_STAGES} stages, not ${given.length}`);
  const all = given.map((stage, i) => at(i, () => renamed(stage)));
  const kinds = all.map((stage, i) => at(i, () => kindOf(stage, i)));
  const query = at(0, () => readSearch(all[0]));
  return { query, stages: all.slice(1).map((stage, i) => at(i + 1, () => STAGES[kinds[i + 1]](stage, engine))) };
}

/** @param {any} stage @param {number} i */
function kindOf(stage, i) {
  const kinds = ['search', ...Object.keys(STAGES)];
  const wanted = `a stage must be one of ${kinds.map((kind) => `{ ${kind} }`).join(', ')}`;
  if (typeof stage !== 'object' || stage === null || Array.isArray(stage) || !isPlainObject(stage)) {
    throw invalid(`${wanted}, not ${show(stage)}`);
  }
  const said = kinds.filter((kind) => stage[kind] !== undefined);
  if (said.length !== 1) {
    const names = Object.keys(stage).slice(0, 5).map((name) => show(name)).join(', ');
    throw invalid(said.length === 0 ? `${wanted}, not one with ${names || 'nothing'}` : `${wanted}, not ${said.join(' and ')}`);
  }
  if (i === 0 && said[0] !== 'search') throw invalid(`the first stage must be a search, not ${said[0]}`);
  if (i > 0 && said[0] === 'search') throw invalid('only the first stage may be a search');
  return said[0];
}

/** @param {any} stage @returns {CheckedQuery} */
function readSearch(stage) {
  only(stage, 'search');
  if (stage.search?.text !== undefined) throw unsupported('search by text is not supported in a pipeline; give its vector');
  const query = readQuery(stage.search, false, 'search');
  if (query.asked?.facets !== undefined) throw invalid('search: facets are counted by query, not in a pipeline');
  return query;
}

// ============ Running ============

/**
 * Runs fn; its error says which stage it was.
 * @template T
 * @param {number} index
 * @param {() => T} fn
 * @returns {T}
 */
function at(index, fn) {
  const tell = (/** @type {unknown} */ error) => {
    if (error instanceof VecStoreError && error.index === undefined) {
      error.message = `pipeline[${index}]: ${error.message}`;
      error.index = index;
    }
    throw error;
  };
  try {
    const result = fn();
    return result instanceof Promise ? /** @type {any} */ (result.catch(tell)) : result;
  } catch (error) {
    return tell(error);
  }
}

/**
 * What a rerank function answered: a score for each hit, or some of the hits in their new order.
 * @param {Hit[]} hits
 * @param {any} answer
 * @returns {Hit[]}
 */
function reranked(hits, answer) {
  const wrong = (/** @type {string} */ problem) => invalid(`the rerank function must give scores or hits; ${problem}`);
  const list = ArrayBuffer.isView(answer) ? Array.from(/** @type {any} */ (answer)) : answer;
  if (!Array.isArray(list)) throw wrong(`it gave ${show(answer)}`);
  const isHits = typeof list[0] === 'object' || list.length === 0;
  const known = new Map(hits.map((hit) => [hit.id, hit]));
  const answered = list.map((one, j) => {
    const hit = isHits ? known.get(one?.id) : hits[j];
    if (hit === undefined) throw wrong(isHits ? `[${j}] is none of those it was given` : `it gave more than ${hits.length}`);
    const score = isHits ? one.score ?? hit.score : one;
    if (!Number.isFinite(score)) throw wrong(`[${j}] has the score ${show(score)}`);
    return { ...hit, score };
  });
  // Array.prototype.sort keeps the order of equal scores.
  if (isHits) {
    if (new Set(answered.map(({ id }) => id)).size !== answered.length) throw wrong('it gave one twice');
    return answered;
  }
  if (list.length < hits.length) throw wrong(`it gave ${list.length} scores for ${hits.length} hits`);
  return answered.sort((a, b) => b.score - a.score);
}

/**
 * Checks all stages and runs the search; gives what runs the rest.
 * @param {Engine} engine
 * @param {unknown} given
 * @param {AbortSignal | undefined} signal
 */
export function beginPipeline(engine, given, signal) {
  const { query, stages } = readPipeline(engine, given);
  throwIfAborted(signal);
  let hits = at(0, () => ask(engine, query));
  return async (/** @type {Turn} */ turn) => {
    for (const [i, stage] of stages.entries()) {
      throwIfAborted(signal);
      hits = await at(i + 1, () => stage(hits, turn, signal));
    }
    return hits;
  };
}
