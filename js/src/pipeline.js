// pipeline.js - queries in stages: a search, then filters, reranking and MMR over what it found. Loaded on first use.
//
//   [{ search: { vector, k: 100 } }, { filter: 'year >= $from', params: { from: 2020 } },
//    { rerank: async (hits, { signal }) => scores, k: 20 }, { mmr: { k: 5, lambda: 0.7 } }]
//
// The search is { search } with the options of query, { textSearch } with those of
// textQuery, or { hybridSearch } with those of hybridQuery. A { search } by text
// on a store without an embedder is one by words.
//
// Each stage works on the hits of the one before. That a stage leaves none is no
// error: the later ones have nothing to do. Other calls may go on between two
// stages; records that are deleted meanwhile drop out at the next filter or MMR.
//
// The stages of the prefetch queries of the product's Rust predecessor are read
// too: { VectorSearch }, { HybridSearch: { vector, keywords, k, alpha, filter } },
// { Filter: { expr } }, { Rerank: { k, model } } with a function as the model, { MMR }.

import { ask, checkFilter, diversify, matching } from './asking.js';
import { isPlainObject, show } from './engine/value.js';
import { VecStoreError, invalid, throwIfAborted } from './errors.js';
import { askFused, interact, prepareSides, readHybridQuery, readMaxsim } from './hybrid.js';
import { readQuery } from './options.js';
import { encodeId } from './records.js';
import { askText, prepareText, readTextQuery } from './textual.js';

/** @import { Embedding } from './embedding.js' */
/** @import { Engine } from './engine/engine.js' */
/** @import { Hit } from './types.js' */

/** @typedef {<T>(fn: () => T | Promise<T>) => Promise<T>} Turn runs fn in a turn of the queue */

/**
 * What a stage does with the hits of the one before.
 * @typedef {(hits: Hit[], turn: Turn, signal: AbortSignal | undefined) => Promise<Hit[]>} Stage
 */

/**
 * What a search needs besides the engine.
 * @typedef {object} Means
 * @property {Embedding | null} embedding
 * @property {() => Promise<void>} yieldToHost
 */

/**
 * The first stage, to be run within a turn of the queue.
 * @typedef {(engine: Engine, means: Means) => Hit[] | Promise<Hit[]>} Search
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

/** @param {any} given @param {AbortSignal | undefined} signal @returns {Search} */
function byWords(given, signal) {
  const query = readTextQuery(given);
  return async (engine, { yieldToHost }) => {
    await prepareText(engine, yieldToHost, query.signal ?? signal);
    return /** @type {any} */ (askText(engine, query));
  };
}

/**
 * The searches, by what they are called.
 * @type {Record<string, (given: any, means: Means, signal: AbortSignal | undefined) => Search>}
 */
const SEARCHES = {
  search(given, { embedding }, signal) {
    if (embedding === null && given?.text !== undefined && given.vector === undefined) return byWords(given, signal);
    const query = readQuery(given, embedding !== null, 'search');
    if (query.asked?.facets !== undefined) throw invalid('search: facets are counted by query, not in a pipeline');
    query.signal ??= signal;
    return (engine, means) => {
      const embedded = means.embedding?.queries([query]);
      return embedded ? embedded.take(means.embedding).then(() => ask(engine, query)) : ask(engine, query);
    };
  },

  textSearch: (given, _means, signal) => byWords(given, signal),

  hybridSearch(given, { embedding }, signal) {
    const query = readHybridQuery(given, embedding !== null);
    query.signal ??= signal;
    if (query.vector) query.vector.signal ??= query.signal;
    return async (engine, means) => {
      if (query.vector) await means.embedding?.queries([query.vector])?.take(means.embedding);
      await prepareSides(engine, query, means.yieldToHost);
      return /** @type {any} */ (askFused(engine, query));
    };
  },
};

/**
 * Hits with scores of at most 1, as MMR weighs them against the likeness of vectors.
 * @param {Hit[]} hits
 */
function scaled(hits) {
  const highest = Math.max(...hits.map(({ score }) => score));
  return highest > 0 ? hits.map((hit) => ({ ...hit, score: hit.score / highest })) : hits;
}

/**
 * The stages behind the search, by what they are called. `ranked`: the scores so far are of words or ranks, which have
 * no scale that a vector's likeness has, too.
 * @type {Record<string, (stage: any, engine: Engine, ranked: boolean) => Stage>}
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

  mmr(stage, engine, ranked) {
    only(stage, 'mmr');
    const { mmr } = stage;
    if (typeof mmr !== 'object' || mmr === null || !isPlainObject(mmr)) {
      throw invalid(`mmr must be an object { k, lambda }, not ${show(mmr)}`);
    }
    only(mmr, 'k', 'lambda');
    const { k = 10, lambda = 0.5 } = mmr;
    size('mmr.k', k);
    if (!(lambda >= 0 && lambda <= 1)) throw invalid(`mmr.lambda must be a number from 0 to 1, not ${show(lambda)}`);
    return (hits, turn) => turn(() => {
      const given = new Map(hits.map((hit) => [hit.id, hit]));
      try {
        return diversify(engine, ranked ? scaled(hits) : hits, k, lambda).map(({ id }) => /** @type {Hit} */ (given.get(id)));
      } catch (error) {
        // Records that are gone were left out: what is not found is a vector.
        if (error instanceof VecStoreError && error.code === 'NOT_FOUND') throw invalid('mmr compares vectors, the store has none');
        throw error;
      }
    });
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
  HybridSearch: ({ keywords, ...options }) => ({ hybridSearch: { ...options, text: keywords } }),
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
 * @param {Means} means
 * @param {AbortSignal | undefined} signal
 */
function readPipeline(engine, given, means, signal) {
  if (!Array.isArray(given)) throw invalid(`pipeline needs an array of stages, not ${show(given)}`);
  if (given.length === 0) throw invalid('pipeline needs at least one stage, a search');
  if (given.length > MAX_STAGES) throw invalid(`a pipeline has at most ${MAX_STAGES} stages, not ${given.length}`);
  const all = given.map((stage, i) => at(i, () => renamed(stage)));
  const kinds = all.map((stage, i) => at(i, () => kindOf(stage, i)));
  const search = at(0, () => {
    only(all[0], kinds[0]);
    return SEARCHES[kinds[0]](all[0][kinds[0]], means, signal);
  });
  const isByVector = kinds[0] === 'search' && (means.embedding !== null || all[0].search.text === undefined);
  const stages = all.slice(1).map((stage, i) => at(i + 1, () => {
    const ranked = !isByVector && !kinds.slice(1, i + 1).includes('rerank');
    return STAGES[kinds[i + 1]](stage, engine, ranked);
  }));
  return { search, stages };
}

/** @param {any} stage @param {number} i */
function kindOf(stage, i) {
  const searches = Object.keys(SEARCHES);
  const kinds = [...searches, ...Object.keys(STAGES)];
  const wanted = `a stage must be one of ${kinds.map((kind) => `{ ${kind} }`).join(', ')}`;
  if (typeof stage !== 'object' || stage === null || Array.isArray(stage) || !isPlainObject(stage)) {
    throw invalid(`${wanted}, not ${show(stage)}`);
  }
  const said = kinds.filter((kind) => stage[kind] !== undefined);
  if (said.length !== 1) {
    const names = Object.keys(stage).slice(0, 5).map((name) => show(name)).join(', ');
    throw invalid(said.length === 0 ? `${wanted}, not one with ${names || 'nothing'}` : `${wanted}, not ${said.join(' and ')}`);
  }
  const isSearch = searches.includes(said[0]);
  if (i === 0 && !isSearch) throw invalid(`the first stage must be a search, not ${said[0]}`);
  if (i > 0 && isSearch) throw invalid('only the first stage may be a search');
  return said[0];
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
 * @param {Means} means
 */
export async function beginPipeline(engine, given, signal, means) {
  const { search, stages } = readPipeline(engine, given, means, signal);
  throwIfAborted(signal);
  let hits = await at(0, () => search(engine, means));
  return async (/** @type {Turn} */ turn) => {
    for (const [i, stage] of stages.entries()) {
      throwIfAborted(signal);
      hits = await at(i + 1, () => stage(hits, turn, signal));
    }
    return hits;
  };
}
