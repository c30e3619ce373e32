// cohere.js - an embedder behind Cohere's API (v2/embed).

import { httpEmbedder, integer } from '../embed/http.js';

/** @typedef {import('../embed/http.js').HttpOptions} HttpOptions */

/**
 * @typedef {object} CohereOwnOptions
 * @property {number} [dimensions] asks the model for shorter vectors; becomes part of the name
 */

/** @type {import('../embed/http.js').Service} */
const SERVICE = {
  title: 'Cohere',
  prefix: 'cohere:',
  baseURL: 'https://api.cohere.com',
  path: '/v2/embed',
  batchSize: 96,
  needsKey: true,
  options: { dimensions: integer(1) },
  dimension: ({ dimensions }) => dimensions,
  body: (texts, kind, { model, dimensions }) => ({
    model, texts, input_type: kind === 'query' ? 'search_query' : 'search_document', embedding_types: ['float'],
    output_dimension: dimensions,
  }),
  read: ({ embeddings, meta }) => ({ vectors: embeddings.float, tokens: meta?.billed_units?.input_tokens }),
};

/**
 * An embedder for `VecStore.open({ embedder })`; it tells queries from documents.
 * @param {HttpOptions & CohereOwnOptions} options
 * @returns {Promise<import('../embed/http.js').HttpEmbedder>}
 */
export const cohereEmbedder = (options) => httpEmbedder(SERVICE, options);
