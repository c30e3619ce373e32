// text-structured.js - text queries as objects, for programs: checked here, then written out in the query syntax, which
// the engine reads (src/text/textquery.h). So both forms are one language, and what is a word stays one.

import { isPlainObject, isWellFormed, show } from './engine/value.js';
import { invalid } from './errors.js';

/** @import { TextExpression } from './types.js' */

/** What may stand beside what an expression is. */
const FORMS = {
  and: ['boost'],
  or: ['boost'],
  not: [],
  term: ['field', 'boost'],
  phrase: ['field', 'boost'],
  prefix: ['field', 'boost'],
  fuzzy: ['field', 'boost'],
};

/** Nothing of a word means anything: what could is escaped. @param {string} word */
const literally = (word) => word.replace(/^[\s\S]|[^\p{L}\p{N}]/gu, (c) => `\\${c}`);

/** @param {string} path @param {unknown} value */
function wordOf(path, value) {
  if (typeof value !== 'string' || value === '') throw invalid(`${path} must be a non-empty string, not ${show(value)}`);
  if (!isWellFormed(value)) throw invalid(`${path} must not hold a lone surrogate`);
  return value;
}

/** @param {string} path @param {unknown} value @param {number} most */
function countOf(path, value, most) {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > most) {
    throw invalid(`${path} must be a whole number from 0 to ${most}, not ${show(value)}`);
  }
  return value;
}

/** @param {string} path @param {unknown} value */
function boostOf(path, value) {
  if (value === undefined) return '';
  if (typeof value !== 'number' || !(value >= 0.001 && value <= 1000)) throw invalid(`${path} must be a number from 0.001 to 1000, not ${show(value)}`);
  return `^${value.toFixed(6)}`;
}

/** An object's members, none of them unknown. @param {string} path @param {unknown} value @param {string[]} known */
function membersOf(path, value, known) {
  const members = /** @type {any} */ (value);
  if (typeof value !== 'object' || value === null || !isPlainObject(members)) throw invalid(`${path} must be an object, not ${show(value)}`);
  const wrong = Object.keys(members).find((key) => !known.includes(key));
  if (wrong !== undefined) throw invalid(`${path} has no member '${wrong}'; there are ${known.join(', ')}`);
  return members;
}

/** @param {string} path @param {unknown} given */
function phraseOf(path, given) {
  const { terms, slop = 0 } = typeof given === 'string' || Array.isArray(given) ? { terms: given } : membersOf(path, given, ['terms', 'slop']);
  const words = Array.isArray(terms) ? terms : [terms];
  if (words.length === 0) throw invalid(`${path} needs words`);
  const text = words.map((word, i) => wordOf(`${path}.terms[${i}]`, word)).join(' ').replace(/["\\]/g, '\\$&');
  return `"${text}"~${countOf(`${path}.slop`, slop, 1000)}`;
}

/** @param {string} path @param {unknown} given */
function fuzzyOf(path, given) {
  if (typeof given === 'string') return `${literally(wordOf(path, given))}~`;
  const { term, distance, prefixLength = 0 } = membersOf(path, given, ['term', 'distance', 'prefixLength']);
  const word = literally(wordOf(`${path}.term`, term));
  countOf(`${path}.prefixLength`, prefixLength, 250);
  return `${word}~${distance === undefined ? '' : countOf(`${path}.distance`, distance, 2)},${prefixLength}`;
}

/** @param {string} path @param {unknown} given @param {number} depth @returns {string} */
function write(path, given, depth) {
  if (typeof given === 'string') return literally(wordOf(path, given));
  const expression = /** @type {any} */ (given);
  if (typeof given !== 'object' || given === null || !isPlainObject(expression)) throw invalid(`${path} must be a word or an object, not ${show(given)}`);
  if (depth === 15) throw invalid(`${path}: too many expressions within each other`);
  const kinds = Object.keys(FORMS).filter((kind) => expression[kind] !== undefined);
  if (kinds.length !== 1) throw invalid(`${path} must have exactly one of ${Object.keys(FORMS).join(', ')}`);
  const [kind] = /** @type {(keyof typeof FORMS)[]} */ (kinds);
  membersOf(path, given, [kind, ...FORMS[kind]]);
  const boost = boostOf(`${path}.boost`, expression.boost);
  const field = expression.field === undefined ? '' : `${literally(wordOf(`${path}.field`, expression.field))}:`;
  const inner = expression[kind];
  switch (kind) {
    case 'and':
    case 'or': {
      if (!Array.isArray(inner) || inner.length === 0) throw invalid(`${path}.${kind} must be an array of expressions`);
      const parts = inner.map((one, i) => write(`${path}.${kind}[${i}]`, one, depth + 1));
      return `(${parts.join(kind === 'and' ? ' AND ' : ' OR ')})${boost}`;
    }
    case 'not': return `NOT (${write(`${path}.not`, inner, depth + 1)})`;
    case 'term': return `${field}${literally(wordOf(`${path}.term`, inner))}${boost}`;
    case 'phrase': return `${field}${phraseOf(`${path}.phrase`, inner)}${boost}`;
    case 'prefix': return `${field}${literally(wordOf(`${path}.prefix`, inner))}*${boost}`;
    default: return `${field}${fuzzyOf(`${path}.fuzzy`, inner)}${boost}`;
  }
}

/**
 * A query whose text is an expression, as one whose text is in the query syntax; others as they are.
 * @param {string} method
 * @param {any} query
 */
export function withExpression(method, query) {
  const text = query?.text;
  if (typeof text !== 'object' || text === null) return query;
  if (query.syntax !== undefined) throw invalid(`${method}: syntax is for a text that is a string`);
  if (method === 'hybridQuery' && query.vector === undefined) throw invalid('hybridQuery: an expression cannot be embedded; give a vector');
  return { ...query, text: write('text', text, 0), syntax: 'query' };
}
