// ai.js - an embedder by the Vercel AI SDK's embedMany, for whatever embedding model that has a provider.

import { VecStoreError, invalid, throwIfAborted } from '../errors.js';
import { callable, integer, object, prefix, text } from '../embed/http.js';
import { readOptions } from '../options.js';
import { show } from '../engine/value.js';

/** @typedef {import('../types.js').Embedder} Embedder */

/**
 * @typedef {object} AiOptions
 * @property {any} model an embedding model of the SDK, or its id for the SDK's gateway
 * @property {(options: any) => Promise<any>} [embedMany] the SDK's; imported from `ai` when absent
 * @property {string} [name] as stores remember it; 'ai:' and the model's provider and id
 * @property {number} [dimension] of the model's vectors; absent: one short call finds it out
 * @property {{ query?: string, document?: string }} [prefix] put before each text, for models that want one
 * @property {number} [maxRetries] of the SDK
 * @property {object} [providerOptions] for the SDK
 * @property {object} [queryOptions] providerOptions for queries, where the model tells them from documents
 * @property {number} [batchSize] texts per call of the SDK, which splits further as the model demands; 1,000
 * @property {number} [pricePerMillionTokens] for `usage.cost`
 */

/** @typedef {{ calls: number, texts: number, tokens: number, cost: number | null }} AiUsage */
/** @typedef {Embedder & { readonly usage: AiUsage }} AiEmbedder */

const KNOWN = {
  /** @param {string} name @param {unknown} value */
  model(name, value) {
    if ((typeof value === 'object' && value !== null) || (typeof value === 'string' && value !== '')) return value;
    throw invalid(`${name} must be an embedding model of the AI SDK, or its id, not ${show(value)}`);
  },
  embedMany: callable, name: text, dimension: integer(1), prefix, maxRetries: integer(0), providerOptions: object,
  queryOptions: object, batchSize: integer(1),
  /** @param {string} name @param {unknown} value */
  pricePerMillionTokens(name, value) {
    if (typeof value === 'number' && value >= 0 && value < Infinity) return value;
    throw invalid(`${name} must be a number of at least 0, not ${show(value)}`);
  },
};

async function importEmbedMany() {
  try {
    // @ts-ignore: an optional peer, which need not be installed
    return (await import('ai')).embedMany;
  } catch (error) {
    const message = "the package 'ai' is not installed; install it, or pass its embedMany";
    throw new VecStoreError('UNSUPPORTED', message, { cause: error });
  }
}

/**
 * An embedder for `VecStore.open({ embedder })`.
 * @param {AiOptions} given
 * @returns {Promise<AiEmbedder>}
 */
export async function aiEmbedder(given) {
  const options = readOptions('AI SDK', given, KNOWN);
  const { model, maxRetries, providerOptions, queryOptions, batchSize = 1000, pricePerMillionTokens } = options;
  if (model === undefined) throw invalid('AI SDK: model is needed');
  const embedMany = options.embedMany ?? await importEmbedMany();
  const count = { calls: 0, texts: 0, tokens: 0 };

  /** @type {Embedder['embed']} */
  const embed = async (texts, { kind = 'document', signal, onProgress } = {}) => {
    /** @type {number[][]} */
    const vectors = [];
    for (let i = 0; i < texts.length; i += batchSize) {
      throwIfAborted(signal);
      const values = texts.slice(i, i + batchSize).map((one) => (options.prefix?.[kind] ?? '') + one);
      let answer;
      try {
        answer = await embedMany({
          model, values, abortSignal: signal, ...(maxRetries !== undefined && { maxRetries }),
          providerOptions: kind === 'query' ? queryOptions ?? providerOptions : providerOptions,
        });
      } catch (/** @type {any} */ error) {
        throwIfAborted(signal);
        throw new VecStoreError('IO', `AI SDK: ${error?.message ?? error}`, { cause: error });
      }
      if (answer?.embeddings?.length !== values.length) {
        const given = answer?.embeddings?.length ?? 'no';
        throw new VecStoreError('IO', `AI SDK gave ${given} embeddings for ${values.length} texts`);
      }
      vectors.push(...answer.embeddings);
      count.calls++;
      count.texts += values.length;
      count.tokens += answer.usage?.tokens > 0 ? answer.usage.tokens : 0;
      onProgress?.(vectors.length / texts.length);
    }
    return vectors;
  };

  const id = typeof model === 'string' ? model : [model.provider, model.modelId].filter(Boolean).join('/');
  return {
    name: options.name ?? `ai:${id}`,
    dimension: options.dimension ?? (await embed(['dimension'], {}))[0].length,
    embed,
    get usage() {
      const cost = pricePerMillionTokens === undefined ? null : (count.tokens / 1e6) * pricePerMillionTokens;
      return { ...count, cost };
    },
  };
}
