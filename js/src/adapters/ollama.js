// ollama.js - an embedder behind a local Ollama server (/api/embed).

import { httpEmbedder, integer, object, text } from '../embed/http.js';

/** @typedef {import('../embed/http.js').HttpOptions} HttpOptions */

/**
 * @typedef {object} OllamaOwnOptions
 * @property {number} [dimensions] asks the model for shorter vectors; becomes part of the name
 * @property {string} [keepAlive] how long the model stays loaded, as '5m'
 * @property {object} [options] the model's, as Ollama documents them
 */

/** @type {import('../embed/http.js').Service} */
const SERVICE = {
  title: 'Ollama',
  prefix: 'ollama:',
  baseURL: 'http://localhost:11434',
  path: '/api/embed',
  batchSize: 512,
  // One model on one machine: more at the same time only wait for each other.
  concurrency: 1,
  options: { dimensions: integer(1), keepAlive: text, options: object },
  dimension: ({ dimensions }) => dimensions,
  body: (input, _kind, { model, dimensions, keepAlive, options }) =>
    ({ model, input, dimensions, keep_alive: keepAlive, options }),
  read: ({ embeddings, prompt_eval_count: tokens }) => ({ vectors: embeddings, tokens }),
};

/**
 * An embedder for `VecStore.open({ embedder })`. Models that want it get their `prefix`, as
 * `{ query: 'search_query: ', document: 'search_document: ' }` for nomic-embed-text.
 * @param {HttpOptions & OllamaOwnOptions} options
 * @returns {Promise<import('../embed/http.js').HttpEmbedder>}
 */
export const ollamaEmbedder = (options) => httpEmbedder(SERVICE, options);
