// schema.js - what a store's metadata must look like, checked on every write. Loaded only when a store has a schema.
//
//   { $strict: true,                                        no other fields
//     year: { type: 'integer', required: true, min: 1900, max: 2100 },
//     tag: { type: 'string', enum: ['a', 'b'] },
//     code: { type: ['string', 'null'], pattern: '^[A-Z]{2}-\\d+$', maxLength: 40 },
//     tags: { type: 'array', items: { type: 'string' }, maxLength: 8 },
//     author: { type: 'object', fields: { name: 'string' } } }
//
// A rule may be just the name of a type. The schema is kept with the store in
// the normalized form below. Checked is what will be stored, after toJSON and
// without undefined members, so that a record that was accepted once is
// accepted again as it comes back.
//
// It is checked here and not in the engine because of `pattern`: regular
// expressions are the host's, and the engine has none.

import { isPlainObject, isWellFormed, show } from './engine/value.js';
import { VecStoreError, invalid } from './errors.js';

/** @typedef {'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object' | 'null'} FieldType */

/**
 * What one field must be. What is not said is not asked.
 * @typedef {object} FieldRule
 * @property {FieldType | FieldType[]} [type]
 * @property {boolean} [required] must be there, be it with null where the type allows that
 * @property {number} [min] of a number, inclusive
 * @property {number} [max]
 * @property {number} [minLength] of text in characters, of an array in elements
 * @property {number} [maxLength]
 * @property {(string | number | boolean | null)[]} [enum] the values allowed
 * @property {string | RegExp} [pattern] a regular expression that text must match somewhere; ^ and $ say "all of it"
 * @property {FieldRule | FieldType} [items] what each element of an array must be
 * @property {FieldRules} [fields] what is in an object
 */

/**
 * Rules by field; with `$strict` no other fields may be there.
 * @typedef {{ [field: string]: FieldRule | FieldType | boolean | undefined, $strict?: boolean }} FieldRules
 */

/** @typedef {Record<string, any>} Normalized */
/** @typedef {(at: string, value: any) => void} Check */

const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];
/** Objects inside objects. */
const MAX_DEPTH = 16;

// ============ Reading ============

/** @param {string} at @param {unknown} value */
function object(at, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !isPlainObject(value)) {
    throw invalid(`${at} must be an object, not ${show(value)}`);
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {string} at @param {unknown} value */
function boolean(at, value) {
  if (typeof value !== 'boolean') throw invalid(`${at} must be true or false, not ${show(value)}`);
  return value;
}

/** @param {string} at @param {unknown} value */
function number(at, value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(`${at} must be a number, not ${show(value)}`);
  return value;
}

/** @param {string} at @param {unknown} value */
function size(at, value) {
  if (!Number.isSafeInteger(value) || /** @type {number} */ (value) < 0) {
    throw invalid(`${at} must be an integer of at least 0, not ${show(value)}`);
  }
  return value;
}

/** @param {string} at @param {unknown} value */
function types(at, value) {
  const list = Array.isArray(value) ? value : [value];
  const wrong = list.length === 0 ? value : list.find((one) => !TYPES.includes(one));
  if (list.length === 0 || wrong !== undefined) {
    throw invalid(`${at} must be one or several of ${TYPES.map((one) => `'${one}'`).join(', ')}, not ${show(wrong)}`);
  }
  return list;
}

/** @param {string} at @param {unknown} value */
function allowed(at, value) {
  if (!Array.isArray(value) || value.length === 0) throw invalid(`${at} must be an array of values, not ${show(value)}`);
  value.forEach((one, i) => {
    const isScalar = one === null || ['string', 'boolean', 'bigint'].includes(typeof one) || Number.isFinite(one);
    if (!isScalar) throw invalid(`${at}[${i}] must be text, a number, true, false or null, not ${show(one)}`);
  });
  return [...value];
}

/** @param {string} at @param {unknown} value @returns {Normalized} */
function pattern(at, value) {
  const stored = typeof value === 'object' && value !== null && !(value instanceof RegExp);
  const { source, flags } = value instanceof RegExp || stored
    ? /** @type {{ source: unknown, flags: unknown }} */ (value)
    : { source: value, flags: 'u' };
  if (typeof source !== 'string' || typeof flags !== 'string') {
    throw invalid(`${at} must be a regular expression, not ${show(value)}`);
  }
  // With g and y an expression remembers where it was.
  const kept = { source, flags: flags.replace(/[gy]/g, '') };
  expression(at, kept);
  return kept;
}

/** @param {string} at @param {Normalized} kept */
function expression(at, { source, flags }) {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw invalid(`${at} is no regular expression: ${/** @type {Error} */ (error).message}`);
  }
}

/** @type {Record<string, (at: string, value: unknown, depth: number) => unknown>} */
const MEMBERS = {
  type: types,
  required: boolean,
  min: number,
  max: number,
  minLength: size,
  maxLength: size,
  enum: allowed,
  pattern,
  items: rule,
  fields: (at, value, depth) => rules(at, value, depth + 1),
};

/** @param {string} at @param {unknown} given @param {number} depth @returns {Normalized} */
function rule(at, given, depth) {
  if (typeof given === 'string') return { type: types(at, given) };
  /** @type {Normalized} */
  const kept = {};
  for (const [name, value] of Object.entries(object(at, given))) {
    if (!Object.hasOwn(MEMBERS, name)) throw invalid(`${at} has an unknown member '${name}'`);
    if (value !== undefined) kept[name] = MEMBERS[name](`${at}.${name}`, value, name === 'items' ? depth + 1 : depth);
  }
  for (const [low, high] of [['min', 'max'], ['minLength', 'maxLength']]) {
    if (kept[low] > kept[high]) throw invalid(`${at}: ${low} ${kept[low]} is above ${high} ${kept[high]}`);
  }
  return kept;
}

/** @param {string} at @param {unknown} given @param {number} depth @returns {Normalized} */
function rules(at, given, depth) {
  if (depth > MAX_DEPTH) throw invalid(`${at.slice(0, 80)}… is nested more than ${MAX_DEPTH} deep`);
  const members = Object.entries(object(at, given)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members.map(([field, value]) => {
    if (!isWellFormed(field)) throw invalid(`${at} has a key with a lone surrogate`);
    if (field === '$strict') return [field, boolean(`${at}.$strict`, value)];
    return [field, rule(`${at}.${field}`, value, depth)];
  }));
}

const INDEX_KINDS = ['auto', 'value', 'range'];

/** @param {unknown} given */
function readIndexes(given) {
  for (const [field, kind] of Object.entries(object('indexes', given))) {
    if (kind === false || INDEX_KINDS.includes(/** @type {string} */ (kind))) continue;
    throw invalid(`indexes['${field}'] must be 'auto', 'value', 'range' or false, not ${show(kind)}`);
  }
  return given;
}

/**
 * The options of open that are kept with the store, in the form in which they are kept; null takes one away.
 * @param {{ schema: unknown, indexes: unknown }} given
 */
export const readLasting = ({ schema, indexes }) => ({
  schema: schema ? rules('schema', schema, 0) : schema,
  indexes: indexes ? readIndexes(indexes) : indexes,
});

// ============ Checking ============

/** @param {string} field @param {string} reason */
const violated = (field, reason) => new VecStoreError('SCHEMA', `metadata.${field} ${reason}`, { field });

/** @param {any} value */
function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

/** @param {any} value @param {string} type */
const isOfType = (value, type) =>
  type === 'integer' ? typeof value === 'bigint' || Number.isInteger(value) : typeOf(value) === type;

/** @param {string} type */
const called = (type) => (['array', 'object', 'integer'].includes(type) ? `an ${type}`
  : type === 'null' ? 'null' : type === 'boolean' ? 'true or false' : type === 'string' ? 'text' : `a ${type}`);

/** Elements of an array, characters of text. @param {any} value */
const lengthOf = (value) => (typeof value === 'string' ? [...value].length : Array.isArray(value) ? value.length : undefined);

/** @param {any} value */
const isNumber = (value) => typeof value === 'number' || typeof value === 'bigint';

/**
 * What each member of a rule asks of a value that is there.
 * @type {Record<string, (kept: any) => Check>}
 */
const CHECKS = {
  type: (kept) => (at, value) => {
    if (kept.some((/** @type {string} */ type) => isOfType(value, type))) return;
    throw violated(at, `must be ${kept.map(called).join(' or ')}, not ${show(value)}`);
  },
  min: (kept) => (at, value) => {
    if (isNumber(value) && value < kept) throw violated(at, `must be at least ${kept}, not ${show(value)}`);
  },
  max: (kept) => (at, value) => {
    if (isNumber(value) && value > kept) throw violated(at, `must be at most ${kept}, not ${show(value)}`);
  },
  minLength: (kept) => (at, value) => {
    const length = lengthOf(value);
    if (length !== undefined && length < kept) throw violated(at, `must have a length of at least ${kept}, not ${length}`);
  },
  maxLength: (kept) => (at, value) => {
    const length = lengthOf(value);
    if (length !== undefined && length > kept) throw violated(at, `must have a length of at most ${kept}, not ${length}`);
  },
  enum: (kept) => (at, value) => {
    if (!kept.includes(value)) throw violated(at, `must be one of ${kept.map(show).join(', ')}, not ${show(value)}`);
  },
  pattern: (kept) => {
    const re = expression('pattern', kept);
    return (at, value) => {
      if (typeof value === 'string' && !re.test(value)) throw violated(at, `must match ${re}, not be ${show(value)}`);
    };
  },
  items: (kept) => {
    const check = ruleCheck(kept);
    return (at, value) => {
      if (Array.isArray(value)) value.forEach((one, i) => check(`${at}[${i}]`, one));
    };
  },
  fields: (kept) => {
    const check = rulesCheck(kept);
    return (at, value) => {
      if (typeOf(value) === 'object') check(`${at}.`, value);
    };
  },
};

/** @param {Normalized} kept @returns {Check} */
function ruleCheck(kept) {
  const checks = Object.keys(CHECKS).filter((name) => Object.hasOwn(kept, name)).map((name) => CHECKS[name](kept[name]));
  return (at, value) => {
    for (const check of checks) check(at, value);
  };
}

/**
 * Checks the members of an object; absent required ones only where `whole`.
 * @param {Normalized} kept
 * @returns {(prefix: string, value: Record<string, any>, whole?: boolean) => void}
 */
function rulesCheck({ $strict = false, ...fields }) {
  const compiled = new Map(Object.entries(fields).map(([field, kept]) => [field, ruleCheck(kept)]));
  const required = Object.keys(fields).filter((field) => fields[field].required);
  return (prefix, value, whole = true) => {
    for (const field of Object.keys(value)) {
      const check = compiled.get(field);
      if (check) check(prefix + field, value[field]);
      else if ($strict) throw violated(prefix + field, 'is not in the schema');
    }
    const missing = whole ? required.find((field) => !Object.hasOwn(value, field)) : undefined;
    if (missing !== undefined) throw violated(prefix + missing, 'is required');
  };
}

/** Checks metadata, and patches of metadata. */
export class SchemaCheck {
  #check;
  #required;

  /** @param {Normalized} kept what readSchema gave */
  constructor(kept) {
    this.kept = kept;
    this.#check = rulesCheck(kept);
    this.#required = Object.keys(kept).filter((field) => kept[field].required);
  }

  /** All of a record's metadata. @param {Record<string, any>} metadata as it will be stored */
  whole(metadata) {
    this.#check('', metadata);
  }

  /**
   * What replaces members of metadata that was checked before.
   * @param {Record<string, any>} patch as it will be stored
   * @param {string[]} removed the members that go
   */
  patch(patch, removed) {
    this.#check('', patch, false);
    const missing = removed.find((field) => this.#required.includes(field));
    if (missing !== undefined) throw violated(missing, 'is required and cannot be removed');
  }
}
