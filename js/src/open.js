// open.js - opening: the place, the engine, the store in it, in this order; all released when one fails.

import { Engine } from './engine/engine.js';
import { decodeValue } from './engine/value.js';
import { throwIfAborted } from './errors.js';
import { withMore } from './lazy.js';
import { readOpenOptions } from './options.js';
import { CallQueue, OperationRunner } from './queue.js';
import { openBackend } from './storage/index.js';

/** @typedef {import('./storage/backend.js').Backend} Backend */
/** @typedef {import('./platform/platform.js').Platform} Platform */
/** @typedef {import('./types.js').OpenOptions<any>} OpenOptions */
/** @typedef {import('./embedding.js').Embedding} Embedding */

/**
 * For this package's tests: a key of open's options whose value may wrap the
 * engine's exports and the backend.
 */
export const TEST_SEAM = Symbol('vecstore test seam');

/**
 * What an open store consists of.
 * @typedef {object} Parts
 * @property {Engine} engine
 * @property {Backend} backend
 * @property {Platform} platform
 * @property {CallQueue} queue
 * @property {OperationRunner} runner
 * @property {boolean} relaxed
 * @property {number | null} dimension
 * @property {Embedding | null} embedding
 * @property {import('./schema.js').SchemaCheck | undefined} schema
 * @property {import('./repair.js').Report | undefined} repair what opening for repair found
 */

/**
 * Whether an opening with these options needs all of the engine: known beforehand, it is loaded at once (op_open.c
 * finds out what is not known).
 * @param {Record<string, any>} config as the engine gets it
 */
function needsWhole({ repair, indexType, layout, quantization = 'auto', targetRecall, text, indexes }) {
  return Boolean(repair || indexType === 'flat' || layout === 'turbo' || !['auto', 'none', 'int8'].includes(quantization) ||
    targetRecall || text || indexes);
}

/**
 * Opens the place, loads the engine and lets it open the store; a failure releases everything.
 * @param {Platform} platform
 * @param {OpenOptions | undefined} options
 * @param {unknown} image to import: bytes, or what gives them (source.js)
 * @returns {Promise<Parts>}
 */
export async function openParts(platform, options, image) {
  const { storage, path, requirePersistence, relaxed, memoryBudget, wasm, config, embedder, lasting, languages, signal, onProgress } =
    readOpenOptions(options);
  if (lasting) Object.assign(config, await withMore((more) => more.readLasting(lasting)));
  const seam = /** @type {any} */ (options)?.[TEST_SEAM];
  throwIfAborted(signal);
  const embedding = embedder === undefined ? null : (await import('./embedding.js')).embeddingFor(embedder, config);
  const whole = image !== undefined || needsWhole(config);
  let backend = await openBackend(platform, storage, path, requirePersistence, wasm, whole);
  if (seam?.backend) backend = /** @type {Backend} */ (seam.backend(backend));
  try {
    const loaded = await backend.load(wasm);
    throwIfAborted(signal);
    const engine = new Engine(seam?.instrument ? seam.instrument(loaded.exports) : loaded.exports, loaded.simd, loaded.part);
    engine.languages = languages instanceof URL ? () => platform.read(languages) : languages ?? platform.languages;
    const queue = new CallQueue();
    const runner = new OperationRunner(engine, backend, queue, platform.yieldToHost);
    const begin = () => engine.guard(() =>
      engine.open({ ...backend.config, ...config, import: image !== undefined, now: Date.now() }));
    engine.setBudget(memoryBudget);
    if (whole) await engine.whole(() => engine.exports.vs_db_part(engine.db, 1));
    if (image !== undefined) await (await import('./portable.js')).importPieces(engine, image, signal);
    const open = () => runner.run(begin, (op) => decodeValue(op.result()), onProgress);
    const { dimension, schema: kept, repair } = await open().catch(async (error) => {
      if (await engine.lackedPart()) return open();
      throw error;
    });
    platform.whenIdle?.(engine.part.fetcher); // Not of the store, which an idle page may never come to.
    const schema = kept ? await withMore((more) => new more.SchemaCheck(kept)) : undefined;
    return { engine, backend, platform, queue, runner, relaxed, dimension, embedding, schema, repair };
  } catch (error) {
    await backend.close();
    throw error;
  }
}
