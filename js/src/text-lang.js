// text-lang.js - the languages of dist/lang.bin, for stores whose texts need one: loaded by the first text query.

import { ABI } from './engine/abi.gen.js';
import { decodeUtf8, show } from './engine/value.js';
import { VecStoreError, invalid, unsupported } from './errors.js';

/** @import { Engine } from './engine/engine.js' */

/** @param {unknown} from what `text.languages` is, or the platform's way @returns {BufferSource | Promise<BufferSource>} */
function bytesFrom(from) {
  if (from === undefined) throw unsupported("this runtime cannot find vecstore's lang.bin: give it as text.languages");
  if (typeof from === 'function') return from();
  if (from instanceof ArrayBuffer || ArrayBuffer.isView(from)) return /** @type {BufferSource} */ (from);
  throw invalid(`text.languages must be a URL or bytes, not ${show(from)}`);
}

/**
 * Gives the engine the language that its texts need, if one is lacking. What fails here fails a text query and nothing
 * else; the next one tries again.
 * @param {Engine} engine
 */
export async function learnLanguage(engine) {
  const p = engine.exports.vs_text_lacks(engine.db);
  if (p === 0) return;
  const name = decodeUtf8(engine.heap.borrowCString(p >>> 0));
  let given;
  try {
    given = await bytesFrom(engine.languages);
  } catch (error) {
    if (error instanceof VecStoreError) throw error;
    throw new VecStoreError('IO', `cannot load lang.bin, which has the language '${name}': ${/** @type {any} */ (error)?.message ?? error}`, {
      cause: error, file: 'lang.bin',
    });
  }
  const bytes = ArrayBuffer.isView(given) ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : new Uint8Array(given);
  const at = engine.staging(bytes.length);
  engine.heap.write(at, bytes);
  if (engine.guard(() => engine.exports.vs_text_learn(engine.db, at, bytes.length)) === ABI.OK) return;
  const error = engine.error();
  throw new VecStoreError(error.code, error.message, { file: 'lang.bin' });
}
