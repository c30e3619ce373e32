// suggest.js - completing the word at hand and correcting misspelt ones, by what the records say. The engine's side is
// src/text/suggest.h.

import { encodeUtf8, isWellFormed, show } from './engine/value.js';
import { invalid } from './errors.js';
import { checkInteger, readOptions } from './options.js';
import { prepareText } from './textual.js';

/** @import { Engine } from './engine/engine.js' */
/** @import { Completion, Correction } from './types.js' */

/** @param {string} method @param {unknown} text */
function checkText(method, text) {
  if (typeof text !== 'string') throw invalid(`${method} needs a string, not ${show(text)}`);
  if (!isWellFormed(text)) throw invalid(`${method}: the text must not hold a lone surrogate`);
  return text;
}

/** @param {string} name @param {unknown} value */
const checkLimit = (name, value) => Math.min(checkInteger(name, value, 1), 50);

/** @param {string} name @param {unknown} value */
function checkBoolean(name, value) {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false, not ${show(value)}`);
  return value;
}

/** Writes a text where the engine can read it. @param {Engine} engine @param {string} text */
function handOver(engine, text) {
  const bytes = encodeUtf8(text);
  const p = engine.staging(bytes.length);
  engine.heap.write(p, bytes);
  return { p, bytes };
}

/** The place in the string of a place in its UTF-8. @param {Uint8Array} bytes @param {number} at */
const placeOf = (bytes, at) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, at)).length;

/**
 * @param {Engine} engine
 * @param {() => Promise<void>} yieldToHost
 * @param {unknown} given the text
 * @param {unknown} options
 * @returns {Promise<Completion[]>}
 */
export async function autocomplete(engine, yieldToHost, given, options) {
  const text = checkText('autocomplete', given);
  const { limit = 10, fuzzy = false } = readOptions('autocomplete', options, { limit: checkLimit, fuzzy: checkBoolean });
  await prepareText(engine, yieldToHost, undefined);
  const { p, bytes } = handOver(engine, text);
  const { from, words } = engine.guard(() =>
    engine.valueAt(engine.exports.vs_text_endings(engine.db, p, bytes.length, limit, fuzzy ? 1 : 0)));
  const before = text.slice(0, placeOf(bytes, from));
  return words.map((/** @type {{ word: string, records: number }} */ { word, records }) => ({ text: before + word, word, records }));
}

/**
 * @param {Engine} engine
 * @param {() => Promise<void>} yieldToHost
 * @param {unknown} given the text
 * @param {unknown} options
 * @returns {Promise<Correction>}
 */
export async function suggest(engine, yieldToHost, given, options) {
  const text = checkText('suggest', given);
  const { limit = 5 } = readOptions('suggest', options, { limit: checkLimit });
  await prepareText(engine, yieldToHost, undefined);
  const { p, bytes } = handOver(engine, text);
  /** @type {{ from: number, to: number, words: any[] }[]} */
  const found = engine.guard(() => engine.valueAt(engine.exports.vs_text_corrections(engine.db, p, bytes.length, limit)));
  const words = found.map(({ from, to, words: suggestions }) => {
    const [start, end] = [placeOf(bytes, from), placeOf(bytes, to)];
    return { word: text.slice(start, end), start, end, suggestions };
  });
  let corrected = '';
  let at = 0;
  for (const { start, end, suggestions } of words) {
    // Pairs of characters overlap; the first correction stands.
    if (start < at) continue;
    corrected += text.slice(at, start) + suggestions[0].word;
    at = end;
  }
  return { text: words.length > 0 ? corrected + text.slice(at) : null, words };
}
