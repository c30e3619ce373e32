// openai.js - an embedder behind any endpoint that speaks OpenAI's embeddings API: OpenAI itself, Mistral, Together,
// vLLM, LM Studio, llama.cpp and others.

import { httpEmbedder, integer, text } from '../embed/http.js';

/** @typedef {import('../embed/http.js').HttpOptions} HttpOptions */

/**
 * @typedef {object} OpenAIOwnOptions
 * @property {number} [dimensions] asks the model for shorter vectors; becomes part of the name
 * @property {string} [user] told to the service
 */

/** @type {import('../embed/http.js').Service} */
const SERVICE = {
  title: 'OpenAI embeddings',
  prefix: '',
  baseURL: 'https://api.openai.com/v1',
  path: '/embeddings',
  batchSize: 2048,
  // 300,000 tokens are the most in one request; a token has at least one byte, and in most languages several.
  batchCharacters: 250_000,
  options: { dimensions: integer(1), user: text },
  dimension: ({ dimensions }) => dimensions,
  body: (input, _kind, { model, dimensions, user }) => ({ model, input, encoding_format: 'float', dimensions, user }),
  read: ({ data, usage }) => {
    /** @type {unknown[]} */
    const vectors = [];
    for (const { index, embedding } of data) vectors[index] = embedding;
    return { vectors: Array.from(vectors), tokens: usage?.total_tokens };
  },
};

/**
 * An embedder for `VecStore.open({ embedder })`. Its name is the model's, so that stores may move between services
 * that offer the same model.
 * @param {HttpOptions & OpenAIOwnOptions} options `apiKey` may be left out where the endpoint wants none
 * @returns {Promise<import('../embed/http.js').HttpEmbedder>}
 */
export const openaiEmbedder = (options) => httpEmbedder(SERVICE, options);
