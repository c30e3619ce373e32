// voyage.js - an embedder behind Voyage AI's API (v1/embeddings).

import { httpEmbedder, integer } from '../embed/http.js';

/** @typedef {import('../embed/http.js').HttpOptions} HttpOptions */

/**
 * @typedef {object} VoyageOwnOptions
 * @property {number} [dimensions] asks the model for shorter vectors; becomes part of the name
 */

/** @type {import('../embed/http.js').Service} */
const SERVICE = {
  title: 'Voyage',
  prefix: 'voyage:',
  baseURL: 'https://api.voyageai.com/v1',
  path: '/embeddings',
  batchSize: 128,
  // Its larger models take 120,000 tokens in one request.
  batchCharacters: 100_000,
  needsKey: true,
  options: { dimensions: integer(1) },
  dimension: ({ dimensions }) => dimensions,
  body: (input, kind, { model, dimensions }) => ({ model, input, input_type: kind, output_dimension: dimensions }),
  read: ({ data, usage }) => {
    /** @type {unknown[]} */
    const vectors = [];
    for (const { index, embedding } of data) vectors[index] = embedding;
    return { vectors: Array.from(vectors), tokens: usage?.total_tokens };
  },
};

/**
 * An embedder for `VecStore.open({ embedder })`; it tells queries from documents.
 * @param {HttpOptions & VoyageOwnOptions} options
 * @returns {Promise<import('../embed/http.js').HttpEmbedder>}
 */
export const voyageEmbedder = (options) => httpEmbedder(SERVICE, options);
