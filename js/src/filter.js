// filter.js - filters as objects, made into the tree that the engine compiles (src/filter/filter.h).
//
//   { year: { $gte: 2020 }, tags: { $contains: 'c' }, $or: [{ draft: false }, { author: 'ann' }] }
//
// The members of an object must all hold. A key that does not begin with $ is
// a field: keys joined by dots, [n] for elements, `...` around a key that has
// one of these characters or begins with $. No part of a key or value is ever
// read as filter text. A plain object of fields below a field goes deeper:
// { author: { name: 'ann' } } is { 'author.name': 'ann' }.
//
// Truth is that of the text form: a missing field is NULL, and what compares
// with NULL does not match, $ne and $nin included. Only { f: null },
// { f: { $eq: null } } and $null ask for null or missing themselves.

import { encodeToBytes, show } from './engine/value.js';
import { VecStoreError } from './errors.js';

/** @typedef {string | number | bigint | boolean | null | Date} FilterValue */

/** @typedef {string | number | bigint | boolean | null | undefined} Scalar */

/**
 * What a field of type T is compared with: a Date is its ISO text, a bigint an exact integer.
 * @template T
 * @typedef {NonNullable<T> | (T extends number ? bigint : never) | (T extends string ? Date : never)} Comparable
 */

/**
 * Conditions on a value; all that are given must hold.
 * @template V
 * @typedef {object} FilterOperators
 * @property {V | null} [$eq] null: null or missing
 * @property {V | null} [$ne]
 * @property {V} [$gt]
 * @property {V} [$gte]
 * @property {V} [$lt]
 * @property {V} [$lte]
 * @property {readonly (V | null)[]} [$in]
 * @property {readonly (V | null)[]} [$nin]
 * @property {readonly [V, V]} [$between] inclusive
 * @property {boolean} [$null] null or missing
 */

/**
 * Conditions on text.
 * @typedef {object} FilterTextOperators
 * @property {string} [$contains]
 * @property {string} [$startsWith]
 * @property {string} [$endsWith]
 * @property {string | { pattern: string, escape?: string }} [$like] % any run, _ one character
 * @property {string | { pattern: string, escape?: string }} [$ilike] whatever the letters' case
 * @property {number | FilterOperators<number>} [$length] in characters
 */

/**
 * Conditions on a scalar of type T.
 * @template T
 * @typedef {FilterOperators<Comparable<T>> & (string extends Comparable<T> ? FilterTextOperators
 *   : [Extract<T, string>] extends [never] ? {} : FilterTextOperators)} FilterScalarOperators
 */

/**
 * Conditions on an array's elements.
 * @template E
 * @typedef {object} FilterArrayOperators
 * @property {Comparable<E>} [$contains]
 * @property {readonly Comparable<E>[] | FilterScalarOperators<E>} [$any] some element is one of these, or meets the
 *   one condition
 * @property {readonly Comparable<E>[] | FilterScalarOperators<E>} [$all] every one of these is an element, or every
 *   element meets the one condition
 * @property {number | FilterOperators<number>} [$size]
 * @property {number | FilterOperators<number>} [$length]
 * @property {boolean} [$null]
 */

/**
 * Conditions on any field.
 * @template T
 * @typedef {object} FilterFieldOperators
 * @property {boolean} [$exists] is there, be it with null
 * @property {boolean} [$null] null or missing
 * @property {FilterCondition<T>} [$not]
 * @property {readonly FilterCondition<T>[]} [$and]
 * @property {readonly FilterCondition<T>[]} [$or]
 * @property {readonly FilterCondition<T>[]} [$nor]
 * @property {{ lat: number, lon?: number, lng?: number, metres?: number, meters?: number }} [$geoRadius]
 * @property {{ south: number, west: number, north: number, east: number }} [$geoBox]
 */

/**
 * What a filter may say about a field of type T.
 * @template T
 * @typedef {0 extends 1 & T ? any
 *   : ([Extract<T, Scalar>] extends [never] ? never
 *       : Comparable<T & Scalar> | null | (FilterScalarOperators<T & Scalar> & FilterFieldOperators<T>))
 *     | ([Extract<T, readonly any[]>] extends [never] ? never
 *       : FilterArrayOperators<Extract<T, readonly any[]>[number]> & FilterFieldOperators<T>)
 *     | ([Exclude<T, Scalar | readonly any[]>] extends [never] ? never
 *       : Filter<Exclude<T, Scalar | readonly any[]>> | FilterFieldOperators<T>)} FilterCondition
 */

/**
 * A key as a filter writes it.
 * @template {string} K
 * @typedef {K extends '' | `$${string}` | `${string}${'.' | '[' | ']' | '`'}${string}` ? `\`${string}` : K} FilterKey
 */

/**
 * @template U
 * @typedef {(U extends any ? (_: U) => void : never) extends (_: infer I) => void ? I : never} Together
 */

/**
 * The fields inside a field of type T that is written `At`, to the depth that Depth has members.
 * @template T
 * @template {string} At
 * @template {unknown[]} Depth
 * @typedef {0 extends 1 & T ? { [path in `${At}${'.' | '['}${string}`]?: any }
 *   : [Exclude<T, Scalar>] extends [never] ? {}
 *   : Depth extends [any, ...infer Rest]
 *     ? Exclude<T, Scalar> extends readonly (infer E)[]
 *       ? { [path in `${At}[${number}]`]?: FilterCondition<E> } & FilterFieldsIn<E, `${At}[${number}]`, Rest>
 *       : FilterFields<Exclude<T, Scalar>, `${At}.`, Rest>
 *     : { [path in `${At}${'.' | '['}${string}`]?: any }} FilterFieldsIn
 */

/**
 * The fields of an object of type T, each with what may be said about it.
 * @template T
 * @template {string} [Prefix='']
 * @template {unknown[]} [Depth=[1, 1, 1, 1]]
 * @typedef {string extends keyof T ? { [path in `${Prefix}${string}`]?: any }
 *   : { [K in keyof T & string as `${Prefix}${FilterKey<K>}`]?: FilterCondition<T[K]> }
 *     & Together<{ [K in keyof T & string]-?: FilterFieldsIn<T[K], `${Prefix}${FilterKey<K>}`, Depth> }[keyof T & string]>
 * } FilterFields
 */

/**
 * A filter over metadata of type M: keys, among them `a.b` and `a[0]`, and the
 * operators' values are checked against M. What is in backticks is not.
 * @template [M=Record<string, any>]
 * @typedef {FilterFields<M> & { [path: `\`${string}`]: any }
 *   & { $and?: readonly Filter<M>[], $or?: readonly Filter<M>[], $nor?: readonly Filter<M>[], $not?: Filter<M> }} Filter
 */

/** @typedef {(string | number)[]} Path */

/** Levels of objects; the engine has the same limit for its own levels. */
const MAX_DEPTH = 32;

/** @param {string} at @param {string} problem */
const wrong = (at, problem) => new VecStoreError('FILTER_SYNTAX', `${at} ${problem}`);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  // Objects of other realms have another Object.prototype, whose prototype is null too.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What stands for itself in JSON; a Date is its ISO text. @param {any} value */
const unwrap = (value) =>
  typeof value === 'object' && value !== null && typeof value.toJSON === 'function' ? value.toJSON('') : value;

// ============ Values ============

/** @param {string} at @param {unknown} given */
function scalar(at, given) {
  const value = unwrap(given);
  if (value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return value;
  throw wrong(at, `must be text, a number, true, false or null, not ${show(value)}`);
}

/** @param {string} at @param {unknown} value */
function text(at, value) {
  if (typeof value !== 'string') throw wrong(at, `must be text, not ${show(value)}`);
  return value;
}

/** @param {string} at @param {unknown} value */
function flag(at, value) {
  if (typeof value !== 'boolean') throw wrong(at, `must be true or false, not ${show(value)}`);
  return value;
}

/** @param {string} at @param {unknown} value */
function array(at, value) {
  if (!Array.isArray(value)) throw wrong(at, `must be an array, not ${show(value)}`);
  return /** @type {unknown[]} */ (value);
}

/** @param {string} at @param {unknown} value */
const scalars = (at, value) => array(at, value).map((one, i) => scalar(`${at}[${i}]`, one));

/**
 * The numbers of an object, in the order of `names`; a name may have several spellings.
 * @param {string} at
 * @param {unknown} value
 * @param {string[][]} names
 */
function numbers(at, value, names) {
  if (!isPlainObject(value)) throw wrong(at, `must be an object, not ${show(value)}`);
  const known = names.flat();
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(at, `has an unknown member '${unknown}'`);
  return names.map((spellings) => {
    const given = spellings.filter((name) => Object.hasOwn(value, name));
    const number = given.length === 1 ? value[given[0]] : undefined;
    if (typeof number !== 'number') throw wrong(`${at}.${spellings[0]}`, `must be a number, not ${show(number)}`);
    return number;
  });
}

// ============ Fields ============

/**
 * 'author.names[0]' as ['author', 'names', 0].
 * @param {string} at
 * @param {string} key
 * @returns {Path}
 */
function parsePath(at, key) {
  const steps = /\[(\d{1,10})\]|(^|\.)(?:`((?:[^`]|``)*)`|([^.[\]`]+))/y;
  /** @type {Path} */
  const path = [];
  while (steps.lastIndex < key.length || path.length === 0) {
    const from = steps.lastIndex;
    const step = steps.exec(key);
    if (step === null || (from === 0 && step[2] !== '')) {
      throw wrong(at, `has a field that cannot be read: ${show(key)}; keys with . [ ] or \` want \`...\` around them`);
    }
    if (step[1] !== undefined) path.push(Number(step[1]));
    else path.push(step[3] !== undefined ? step[3].replaceAll('``', '`') : step[4]);
  }
  return path;
}

// ============ Operators ============

/** @param {string} operator @returns {(at: string, of: string, path: Path, value: unknown) => any[]} */
const comparison = (operator) => (at, of, path, value) => [operator, of, path, scalar(at, value)];

/** @param {string} operator @returns {(at: string, of: string, path: Path, value: unknown) => any[]} */
const textual = (operator) => (at, of, path, value) => [operator, of, path, text(at, value)];

/** @param {string} operator @returns {(at: string, of: string, path: Path, value: unknown) => any[]} */
const pattern = (operator) => (at, of, path, value) => {
  if (!isPlainObject(value)) return [operator, of, path, text(at, value)];
  const unknown = Object.keys(value).find((key) => key !== 'pattern' && key !== 'escape');
  if (unknown !== undefined) throw wrong(at, `has an unknown member '${unknown}'`);
  const escape = value.escape === undefined ? [] : [text(`${at}.escape`, value.escape)];
  return [operator, of, path, text(`${at}.pattern`, value.pattern), ...escape];
};

/**
 * The operators that say one thing of one value, which may be an element or a length too.
 * @type {Record<string, (at: string, of: string, path: Path, value: unknown) => any[]>}
 */
const TERMS = {
  $eq: (at, of, path, value) => (value === null ? ['null', of, path] : ['=', of, path, scalar(at, value)]),
  $ne: (at, of, path, value) => (value === null ? ['not null', of, path] : ['!=', of, path, scalar(at, value)]),
  $gt: comparison('>'),
  $gte: comparison('>='),
  $lt: comparison('<'),
  $lte: comparison('<='),
  $in: (at, of, path, value) => ['in', of, path, scalars(at, value)],
  $nin: (at, of, path, value) => ['not in', of, path, scalars(at, value)],
  $contains: comparison('contains'),
  $startsWith: textual('startswith'),
  $endsWith: textual('endswith'),
  $like: pattern('like'),
  $ilike: pattern('ilike'),
  $between: (at, of, path, value) => {
    const both = scalars(at, value);
    if (both.length !== 2) throw wrong(at, `must have two values, not ${both.length}`);
    return ['between', of, path, ...both];
  },
  $null: (at, of, path, value) => [flag(at, value) ? 'null' : 'not null', of, path],
};

/**
 * The one condition of { $gt: 5 } for something of a field.
 * @param {string} at
 * @param {string} of
 * @param {Path} path
 * @param {unknown} value
 */
function oneTerm(at, of, path, value) {
  const names = isPlainObject(value) ? Object.keys(value) : [];
  if (names.length !== 1 || !Object.hasOwn(TERMS, names[0])) {
    throw wrong(at, `must be an object with one of ${Object.keys(TERMS).join(', ')}`);
  }
  const name = names[0];
  return TERMS[name](`${at}.${name}`, of, path, /** @type {Record<string, unknown>} */ (value)[name]);
}

/** @type {(at: string, path: Path, value: unknown, depth: number) => any[]} */
function length(at, path, value, depth) {
  if (typeof value === 'number') return ['=', 'length', path, value];
  if (!isPlainObject(value)) throw wrong(at, `must be a number or an object of operators, not ${show(value)}`);
  // Several operators bound the same length.
  return ['and', ...Object.keys(value).map((name) => oneTerm(at, 'length', path, { [name]: value[name] }))];
}

/**
 * The operators that are about the field as a whole.
 * @type {Record<string, (at: string, path: Path, value: unknown, depth: number) => any[]>}
 */
const FIELD_OPERATORS = {
  $exists: (at, path, value) => [flag(at, value) ? 'exists' : 'not exists', '', path],
  $any: (at, path, value) =>
    Array.isArray(value) ? ['in', 'any', path, scalars(at, value)] : oneTerm(at, 'any', path, value),
  $all: (at, path, value) =>
    Array.isArray(value)
      ? ['and', ...scalars(at, value).map((one) => ['=', 'any', path, one])]
      : oneTerm(at, 'all', path, value),
  $size: length,
  $length: length,
  $geoRadius: (at, path, value) =>
    ['geo_radius', '', path, ...numbers(at, value, [['lat'], ['lon', 'lng'], ['metres', 'meters']])],
  $geoBox: (at, path, value) =>
    ['geo_bbox', '', path, ...numbers(at, value, [['south'], ['west'], ['north'], ['east']])],
};

/**
 * The operators that join conditions, on a field or on all of the metadata.
 * @type {Record<string, (at: string, path: Path, value: unknown, depth: number) => any[]>}
 */
const JOINS = {
  $and: (at, path, value, depth) => ['and', ...conditions(at, path, value, depth)],
  $or: (at, path, value, depth) => ['or', ...conditions(at, path, value, depth)],
  $nor: (at, path, value, depth) => ['not', ['or', ...conditions(at, path, value, depth)]],
  $not: (at, path, value, depth) => ['not', condition(at, path, value, depth)],
};

// ============ Objects ============

/** @type {(at: string, path: Path, value: unknown, depth: number) => any[]} */
const conditions = (at, path, value, depth) =>
  array(at, value).map((one, i) => condition(`${at}[${i}]`, path, one, depth));

/**
 * One member of an object.
 * @param {string} at
 * @param {Path} path of the field the object is about; empty for all of the metadata
 * @param {string} key
 * @param {unknown} value
 * @param {number} depth
 * @returns {any[]}
 */
function member(at, path, key, value, depth) {
  const here = `${at}.${key}`;
  // Left out it would match more than was meant.
  if (value === undefined) throw wrong(here, 'is undefined');
  if (!key.startsWith('$')) return condition(here, [...path, ...parsePath(at, key)], value, depth);
  if (Object.hasOwn(JOINS, key)) return JOINS[key](here, path, value, depth);
  if (path.length > 0 && Object.hasOwn(TERMS, key)) return TERMS[key](here, '', path, value);
  if (path.length > 0 && Object.hasOwn(FIELD_OPERATORS, key)) return FIELD_OPERATORS[key](here, path, value, depth);
  const known = Object.hasOwn(TERMS, key) || Object.hasOwn(FIELD_OPERATORS, key);
  throw wrong(here, known ? 'stands outside of a field' : 'is no operator (a field of this name wants `...` around it)');
}

/**
 * What an object, or a value in its place, says about a field.
 * @param {string} at
 * @param {Path} path
 * @param {unknown} given
 * @param {number} depth
 * @returns {any[]}
 */
function condition(at, path, given, depth) {
  const value = unwrap(given);
  if (depth > MAX_DEPTH) throw wrong(at.slice(0, 80), `is nested more than ${MAX_DEPTH} deep`);
  if (isPlainObject(value)) {
    const keys = Object.keys(value);
    if (keys.length === 0 && path.length > 0) throw wrong(at, 'is an object without a condition');
    const parts = keys.map((key) => member(at, path, key, value[key], depth + 1));
    return parts.length === 1 ? parts[0] : ['and', ...parts];
  }
  if (path.length === 0) throw wrong(at, `must be an object, not ${show(value)}`);
  if (Array.isArray(value)) throw wrong(at, 'is an array: say $in for one of these, $all for elements');
  return TERMS.$eq(at, '', path, value);
}

/**
 * The tree form of a filter object, as bytes for the engine.
 * @param {unknown} filter
 */
export function encodeFilter(filter) {
  if (!isPlainObject(filter)) throw wrong('filter', `must be text or an object, not ${show(filter)}`);
  return encodeToBytes(condition('filter', [], filter, 0), 'filter');
}

/**
 * Where in a string the byte `offset` of its UTF-8 is: the engine counts bytes, JavaScript UTF-16 units.
 * @param {string} string
 * @param {number} offset
 */
export function stringOffset(string, offset) {
  let bytes = 0;
  let units = 0;
  for (const character of string) {
    if (bytes >= offset) break;
    const code = /** @type {number} */ (character.codePointAt(0));
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    units += character.length;
  }
  return units;
}
