// http.js - what all embedders behind an HTTP service have in common: batches, retries, the rate, the key, the count.
//
// RULES
//   H1  The API key is in the request's header and nowhere else: messages and causes of errors that hold it have it cut
//       out (a runtime quotes an impossible header, a service the key that it refuses).
//   H2  Tried again: no connection, a time-out, a broken answer, and the statuses 408, 409, 425, 429 and 5xx; after
//       what Retry-After says, else after a pause that doubles, of which a random part is left out so that many clients
//       do not come back at once. All else fails at once.
//   H3  Requests start at least a minute / requestsPerMinute apart.
//   H4  A failed batch stops the others; nothing is given but vectors for all texts, in their order.

import { VecStoreError, invalid, throwIfAborted } from '../errors.js';
import { readOptions } from '../options.js';
import { show } from '../engine/value.js';

/** @typedef {import('../types.js').EmbedOptions} EmbedOptions */
/** @typedef {import('../types.js').Embedder} Embedder */

/**
 * What every HTTP embedder can be told.
 * @typedef {object} HttpOptions
 * @property {string} model
 * @property {string} [name] as stores remember it; derived from model and dimension
 * @property {number} [dimension] of the model's vectors; absent: one short request finds it out
 * @property {string} [baseURL]
 * @property {string | (() => string | Promise<string>)} [apiKey]
 * @property {Record<string, string>} [headers] further ones
 * @property {{ query?: string, document?: string }} [prefix] put before each text, for models that want one
 * @property {number} [batchSize] texts per request
 * @property {number} [concurrency] requests at the same time
 * @property {number} [retries] 5
 * @property {number} [requestsPerMinute] 0 = as fast as it goes
 * @property {number} [timeoutMs] of one request; 60,000
 * @property {number} [maxDelayMs] give up rather than wait longer before a retry; 60,000
 * @property {number} [pricePerMillionTokens] for `usage.cost`
 * @property {typeof globalThis.fetch} [fetch]
 */

/**
 * What was used since the embedder was made.
 * @typedef {object} Usage
 * @property {number} requests that were answered well
 * @property {number} retries
 * @property {number} texts
 * @property {number} tokens as the service counts them; 0 where it does not say
 * @property {number | null} cost tokens times price, if a price was given
 */

/** @typedef {Embedder & { readonly usage: Usage }} HttpEmbedder */

/**
 * How one service is spoken to.
 * @typedef {object} Service
 * @property {string} title for messages
 * @property {string} prefix of the name that stores remember
 * @property {string} baseURL
 * @property {string} path
 * @property {number} batchSize the most that the service takes
 * @property {number} [batchCharacters] the most in one request
 * @property {number} [concurrency]
 * @property {boolean} [needsKey]
 * @property {Record<string, (name: string, value: unknown) => any>} [options] of its own
 * @property {(options: Record<string, any>) => number | undefined} [dimension] that its own options ask for
 * @property {(texts: string[], kind: 'query' | 'document', options: Record<string, any>) => object} body
 * @property {(answer: any) => { vectors: unknown, tokens: unknown }} read
 */

const RETRIED = new Set([408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529]);
const FIRST_DELAY_MS = 500;
const MESSAGE_LENGTH = 300;

// ============ Options ============

/** @param {string} name @param {unknown} value */
export function text(name, value) {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(`${name} must be a non-empty string, not ${show(value)}`);
}

/** @param {number} min @param {number} [max] @returns {(name: string, value: unknown) => number} */
export const integer = (min, max = Number.MAX_SAFE_INTEGER) => (name, value) => {
  if (Number.isSafeInteger(value) && /** @type {number} */ (value) >= min && /** @type {number} */ (value) <= max) {
    return /** @type {number} */ (value);
  }
  const most = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
  throw invalid(`${name} must be an integer of at least ${min}${most}, not ${show(value)}`);
};

/** @param {string} name @param {unknown} value */
export function prefix(name, value) {
  const string = (/** @type {string} */ kind, /** @type {unknown} */ given) => {
    if (typeof given !== 'string') throw invalid(`${name}.${kind} must be a string, not ${show(given)}`);
    return given;
  };
  return readOptions(name, value, { query: string, document: string });
}

/** @param {string} name @param {unknown} value */
export function callable(name, value) {
  if (typeof value !== 'function') throw invalid(`${name} must be a function, not ${show(value)}`);
  return value;
}

/** @param {string} name @param {unknown} value */
export function object(name, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name} must be an object, not ${show(value)}`);
  }
  return value;
}

/** @param {string} name @param {unknown} value */
function key(name, value) {
  // The value is not shown: it may be the key in an unexpected form.
  if ((typeof value === 'string' && value !== '') || typeof value === 'function') return value;
  throw invalid(`${name} must be a non-empty string or a function that gives one`);
}

/** @param {string} name @param {unknown} value */
function address(name, value) {
  let url;
  try {
    url = new URL(/** @type {string} */ (value));
  } catch {
    // Said below.
  }
  // The value is not shown: it may hold a password.
  if (!url || !/^https?:$/.test(url.protocol)) throw invalid(`${name} must be an http or https address`);
  if (url.username || url.password) throw invalid(`${name} must not hold a password; pass headers`);
  return String(value).replace(/\/+$/, '');
}

/** @param {string} name @param {unknown} value */
function price(name, value) {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return value;
  throw invalid(`${name} must be a number of at least 0, not ${show(value)}`);
}

/** @param {Service} service */
const known = (service) => ({
  model: text, name: text, dimension: integer(1), baseURL: address, apiKey: key, headers: object, prefix,
  batchSize: integer(1, service.batchSize), concurrency: integer(1), retries: integer(0), requestsPerMinute: integer(0),
  timeoutMs: integer(1), maxDelayMs: integer(0), pricePerMillionTokens: price, fetch: callable, ...service.options,
});

// ============ The embedder ============

/**
 * An embedder that asks the service. Sends nothing until it is used, unless the dimension has to be found out.
 * @param {Service} service
 * @param {unknown} given
 * @returns {Promise<HttpEmbedder>}
 */
export async function httpEmbedder(service, given) {
  const options = readOptions(service.title, given, known(service));
  if (options.model === undefined) throw invalid(`${service.title}: model is needed`);
  if (service.needsKey && options.apiKey === undefined) throw invalid(`${service.title}: apiKey is needed`);
  const client = new Client(service, options);
  const asked = service.dimension?.(options);
  if (asked !== undefined && options.dimension !== undefined && asked !== options.dimension) {
    throw invalid(`${service.title}: dimension ${options.dimension} contradicts the ${asked} asked of the model`);
  }
  const dimension = options.dimension ?? asked ?? (await client.embed(['dimension'], { kind: 'document' }))[0].length;
  const name = options.name ?? `${service.prefix}${options.model}${asked === undefined ? '' : `@${asked}`}`;
  return {
    name,
    dimension,
    embed: (texts, embedOptions) => client.embed(texts, embedOptions ?? {}),
    get usage() {
      return client.usage;
    },
  };
}

class Client {
  #service;
  #options;
  #count = { requests: 0, retries: 0, texts: 0, tokens: 0 };
  /** When the next request may start (H3). */
  #nextStart = 0;

  /** @param {Service} service @param {Record<string, any>} options */
  constructor(service, options) {
    this.#service = service;
    this.#options = options;
  }

  /** @returns {Usage} */
  get usage() {
    const { pricePerMillionTokens: perMillion } = this.#options;
    return { ...this.#count, cost: perMillion === undefined ? null : (this.#count.tokens / 1e6) * perMillion };
  }

  /**
   * @param {string[]} texts
   * @param {EmbedOptions} options
   * @returns {Promise<number[][]>}
   */
  async embed(texts, { kind = 'document', signal, onProgress }) {
    throwIfAborted(signal);
    const before = this.#options.prefix?.[kind] ?? '';
    const batches = this.#split(texts.map((one) => before + one));
    /** @type {number[][][]} */
    const results = new Array(batches.length);
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    let next = 0, done = 0;
    const worker = async () => {
      while (next < batches.length) {
        const i = next++;
        results[i] = await this.#batch(batches[i], kind, stop.signal);
        done += batches[i].length;
        onProgress?.(done / texts.length);
      }
    };
    try {
      const { concurrency = this.#service.concurrency ?? 4 } = this.#options;
      const workers = Array.from({ length: Math.min(concurrency, batches.length) }, worker);
      await Promise.all(workers).catch(async (error) => {
        stop.abort(error);
        await Promise.allSettled(workers);
        throw error;
      });
    } catch (error) {
      throwIfAborted(signal);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return results.flat();
  }

  /** @param {string[]} texts */
  #split(texts) {
    const size = this.#options.batchSize ?? this.#service.batchSize;
    const characters = this.#service.batchCharacters ?? Infinity;
    /** @type {string[][]} */
    const batches = [];
    let sum = 0;
    for (const one of texts) {
      const last = batches.at(-1);
      if (!last || last.length === size || sum + one.length > characters) {
        batches.push([one]);
        sum = one.length;
      } else {
        last.push(one);
        sum += one.length;
      }
    }
    return batches;
  }

  /**
   * One request with its retries.
   * @param {string[]} texts
   * @param {'query' | 'document'} kind
   * @param {AbortSignal} signal
   */
  async #batch(texts, kind, signal) {
    const { retries = 5, maxDelayMs = 60_000 } = this.#options;
    for (let attempt = 0; ; attempt++) {
      await this.#turn(signal);
      try {
        const answer = await this.#request(texts, kind, signal);
        return this.#take(answer, texts.length);
      } catch (/** @type {any} */ error) {
        throwIfAborted(signal);
        if (!(error instanceof Failure)) throw error;
        const delay = error.retryAfterMs ?? FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random() / 2);
        if (!error.mayRetry || attempt === retries || delay > maxDelayMs) {
          throw error.final(this.#service.title, attempt, delay);
        }
        this.#count.retries++;
        await pause(delay, signal);
      }
    }
  }

  /** Waits until the rate allows another request. @param {AbortSignal} signal */
  async #turn(signal) {
    throwIfAborted(signal);
    const perMinute = this.#options.requestsPerMinute ?? 0;
    if (perMinute === 0) return;
    const now = Date.now();
    const start = Math.max(now, this.#nextStart);
    this.#nextStart = start + 60_000 / perMinute;
    if (start > now) await pause(start - now, signal);
  }

  /**
   * @param {string[]} texts
   * @param {'query' | 'document'} kind
   * @param {AbortSignal} signal
   * @returns {Promise<any>} the answer, parsed
   */
  async #request(texts, kind, signal) {
    const { fetch = globalThis.fetch, timeoutMs = 60_000, headers, apiKey } = this.#options;
    const address = (this.#options.baseURL ?? this.#service.baseURL) + this.#service.path;
    /** @type {string | undefined} */
    let secret;
    const timer = new AbortController();
    const stop = () => timer.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const timeout = setTimeout(() => timer.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      secret = typeof apiKey === 'function' ? await apiKey() : apiKey;
      const response = await fetch(address, {
        method: 'POST',
        headers: {
          'content-type': 'application/json', accept: 'application/json', ...headers,
          ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
        },
        body: JSON.stringify(this.#service.body(texts, kind, this.#options)),
        signal: timer.signal,
      });
      const body = await response.text();
      if (!response.ok) throw refused(response, body, secret);
      return parse(body, secret);
    } catch (error) {
      if (error instanceof Failure || error instanceof VecStoreError) throw error;
      const reason = timer.signal.aborted ? timer.signal.reason : error;
      throw new Failure('IO', withoutSecret(describe(reason), secret), true);
    } finally {
      clearTimeout(timeout);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Checks what came back. @param {any} answer @param {number} count */
  #take(answer, count) {
    const { title } = this.#service;
    let vectors, tokens;
    try {
      ({ vectors, tokens } = this.#service.read(answer));
    } catch {
      vectors = undefined;
    }
    if (!Array.isArray(vectors) || !vectors.every(Array.isArray)) {
      throw new VecStoreError('IO', `${title} answered without embeddings`);
    }
    if (vectors.length !== count) {
      throw new VecStoreError('IO', `${title} gave ${vectors.length} embeddings for ${count} texts`);
    }
    this.#count.requests++;
    this.#count.texts += count;
    this.#count.tokens += typeof tokens === 'number' && tokens > 0 ? tokens : 0;
    return /** @type {number[][]} */ (vectors);
  }
}

// ============ Failures ============

/** A request that failed, before it is known whether it is the last. */
class Failure extends Error {
  /**
   * @param {import('../errors.js').ErrorCode} code
   * @param {string} message without the key
   * @param {boolean} mayRetry
   * @param {number} [retryAfterMs]
   */
  constructor(code, message, mayRetry, retryAfterMs) {
    super(message);
    this.name = 'HttpFailure';
    this.code = code;
    this.mayRetry = mayRetry;
    this.retryAfterMs = retryAfterMs;
  }

  /** @param {string} title @param {number} retries made @param {number} delay that would have been next */
  final(title, retries, delay) {
    const tried = retries > 0 ? ` after ${retries} ${retries === 1 ? 'retry' : 'retries'}` : '';
    const wait = this.retryAfterMs !== undefined ? `; it asks to wait ${Math.ceil(delay / 1000)} s` : '';
    return new VecStoreError(this.code, `${title}: ${this.message}${tried}${wait}`, { cause: this });
  }
}

/** @param {Response} response @param {string} body @param {string | undefined} secret */
function refused(response, body, secret) {
  const { status } = response;
  const code = status === 429 ? 'QUOTA_EXCEEDED' : status < 500 && !RETRIED.has(status) ? 'INVALID_ARGUMENT' : 'IO';
  const why = withoutSecret(reasonIn(body), secret).slice(0, MESSAGE_LENGTH);
  const mayRetry = RETRIED.has(status) || status >= 500;
  return new Failure(code, `status ${status}${why ? `, ${why}` : ''}`, mayRetry, retryAfter(response.headers));
}

/** What the service says is wrong, in the usual places. @param {string} body */
function reasonIn(body) {
  try {
    const { error, message, detail } = JSON.parse(body);
    const found = error?.message ?? error ?? message ?? detail;
    return typeof found === 'string' ? found : JSON.stringify(found ?? '');
  } catch {
    // A page of some proxy is no help in a message.
    return body.trimStart().startsWith('<') ? '' : body.trim();
  }
}

/** @param {Headers} headers */
function retryAfter(headers) {
  const ms = Number(headers.get('retry-after-ms') ?? NaN);
  if (ms >= 0) return ms;
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** @param {string} body @param {string | undefined} secret */
function parse(body, secret) {
  try {
    return JSON.parse(body);
  } catch {
    throw new Failure('IO', `the answer is no JSON: ${withoutSecret(body.slice(0, 80), secret)}`, true);
  }
}

/** @param {any} error */
function describe(error) {
  const cause = error?.cause?.message ?? error?.cause?.code;
  return (error?.message ?? String(error)) + (cause ? `: ${cause}` : '');
}

/** @param {string} message @param {string | undefined} secret */
function withoutSecret(message, secret) {
  if (!secret) return message;
  return message.replaceAll(secret, '***').replaceAll(JSON.stringify(secret).slice(1, -1), '***');
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      reject(new VecStoreError('ABORTED', 'the operation was aborted by its signal', { cause: signal.reason }));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', over);
      resolve();
    }, ms);
    signal.addEventListener('abort', over, { once: true });
  });
}
