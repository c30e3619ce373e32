// transformers.js - an embedder by the package @huggingface/transformers, which runs ONNX models here.

import { VecStoreError, invalid, throwIfAborted } from '../errors.js';
import { callable, integer, object, prefix, text } from '../embed/http.js';
import { readOptions } from '../options.js';
import { show } from '../engine/value.js';

/** @typedef {import('../types.js').Embedder} Embedder */

/**
 * @typedef {object} TransformersOptions
 * @property {string} [model] of the hub or a folder, as 'Xenova/all-MiniLM-L6-v2'; may be absent with `pipeline`
 * @property {any} [pipeline] a feature-extraction pipeline made before
 * @property {any} [transformers] the package's module; imported when absent
 * @property {object} [pipelineOptions] for making the pipeline: dtype, device, …
 * @property {'mean' | 'cls' | 'last_token'} [pooling] 'mean'
 * @property {boolean} [normalize] to length 1; true
 * @property {string} [name] as stores remember it; 'transformers:' and the model
 * @property {number} [dimension] of the model's vectors; absent: one short text finds it out
 * @property {{ query?: string, document?: string }} [prefix] put before each text, for models that want one
 * @property {number} [batchSize] texts per run of the model; 16
 */

const POOLINGS = ['mean', 'cls', 'last_token'];

const KNOWN = {
  model: text, pipeline: callable, transformers: object, pipelineOptions: object, name: text, dimension: integer(1),
  prefix, batchSize: integer(1),
  /** @param {string} name @param {unknown} value */
  pooling(name, value) {
    if (POOLINGS.includes(/** @type {string} */ (value))) return value;
    throw invalid(`${name} must be ${POOLINGS.map((one) => `'${one}'`).join(', ')}, not ${show(value)}`);
  },
  /** @param {string} name @param {unknown} value */
  normalize(name, value) {
    if (typeof value === 'boolean') return value;
    throw invalid(`${name} must be true or false, not ${show(value)}`);
  },
};

async function importTransformers() {
  try {
    // @ts-ignore: an optional peer, which need not be installed
    return await import('@huggingface/transformers');
  } catch (error) {
    const message = "the package '@huggingface/transformers' is not installed; install it, or pass its module or a " +
      'pipeline';
    throw new VecStoreError('UNSUPPORTED', message, { cause: error });
  }
}

/** @param {any} error */
const failed = (error) => new VecStoreError('IO', `transformers.js: ${error?.message ?? error}`, { cause: error });

/** @param {Record<string, any>} options */
async function makePipeline({ model, transformers, pipelineOptions }) {
  const { pipeline } = transformers ?? await importTransformers();
  try {
    return await pipeline('feature-extraction', model, pipelineOptions ?? {});
  } catch (error) {
    throw failed(error);
  }
}

/**
 * An embedder for `VecStore.open({ embedder })`.
 * @param {TransformersOptions} given
 * @returns {Promise<Embedder>}
 */
export async function transformersEmbedder(given) {
  const options = readOptions('transformers.js', given, KNOWN);
  const { pooling = 'mean', normalize = true, batchSize = 16 } = options;
  if (options.model === undefined && options.pipeline === undefined) {
    throw invalid('transformers.js: model or pipeline is needed');
  }
  const extract = options.pipeline ?? await makePipeline(options);
  const model = options.model ?? extract.model?.config?._name_or_path;
  if (options.name === undefined && !model) {
    throw invalid('transformers.js: this pipeline does not tell its model; pass a name');
  }

  /** @type {Embedder['embed']} */
  const embed = async (texts, { kind = 'document', signal, onProgress } = {}) => {
    const vectors = [];
    for (let i = 0; i < texts.length; i += batchSize) {
      throwIfAborted(signal);
      const batch = texts.slice(i, i + batchSize).map((one) => (options.prefix?.[kind] ?? '') + one);
      vectors.push(...await run(extract, batch, { pooling, normalize }));
      onProgress?.(vectors.length / texts.length);
      // A run of the model may have taken long; other tasks of the page come first.
      await new Promise((done) => {
        setTimeout(done, 0);
      });
    }
    return vectors;
  };

  return {
    name: options.name ?? `transformers:${model}`,
    dimension: options.dimension ?? (await embed(['dimension'], {}))[0].length,
    embed,
  };
}

/** @param {any} extract @param {string[]} batch @param {object} options */
async function run(extract, batch, options) {
  let tensor;
  try {
    tensor = await extract(batch, options);
  } catch (error) {
    throw failed(error);
  }
  const [rows, columns] = tensor?.dims ?? [];
  if (tensor?.dims?.length !== 2 || rows !== batch.length || tensor.data?.length !== rows * columns) {
    throw failed(`a tensor of ${show(tensor?.dims)} came back for ${batch.length} texts; is pooling on?`);
  }
  // Copied out before the tensor, which may lie on a GPU or in WASM memory, is let go.
  const all = Float32Array.from(tensor.data);
  tensor.dispose?.();
  return Array.from({ length: rows }, (_, i) => all.slice(i * columns, (i + 1) * columns));
}
