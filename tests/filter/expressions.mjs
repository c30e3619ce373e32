// expressions.mjs - random documents and filters, each filter in three forms: our text, our object form,
// and SQL over json_extract with the same three-valued logic.

// As text, as a key of the object form, and as steps.
const FIELDS = [
  ['a'], ['b'], ['s'], ['f'], ['n'], ['m'], ['tags'], ['nums'], ['mixed'], ['o'], ['missing'], ['constructor'], ['__proto__'], ['über'],
  ['o.x', 'o.x', ['o', 'x']],
  ['o.y.z', 'o.y.z', ['o', 'y', 'z']],
  ['o.list[1]', 'o.list[1]', ['o', 'list', 1]],
  ['tags[0]', 'tags[0]', ['tags', 0]],
  ['nums[2]', 'nums[2]', ['nums', 2]],
  ['mixed[0].x', 'mixed[0].x', ['mixed', 0, 'x']],
  ['tags.x', 'tags.x', ['tags', 'x']],
  ['o[0]', 'o[0]', ['o', 0]],
  ['`we ird`', 'we ird', ['we ird']],
  ['`a.b`', '`a.b`', ['a.b']],
  ['`o`.`x`', '`o`.x', ['o', 'x']],
].map(([text, key = text, steps = [text]]) => ({ text, key, steps }));

/** @param {() => number} next uniform in [0, 1) */
export function generator(next) {
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  const chance = (p) => next() < p;
  const some = (n, make) => Array.from({ length: below(n + 1) }, make);

  // ============ Values ============

  const INTEGERS = [0, 1, -1, 2, 5, 10, 42, 2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
  const FLOATS = [0.5, 1.5, -2.25, 10.5, 1e300, -1e-300, 2 ** 53, 2 ** 63, -(2 ** 63), 1e19, -0, 1e21];
  const STRINGS = ['', 'a', 'A', 'abc', 'ABC', 'abcd', 'aab', 'b', '10', '5', '0', 'true', 'é', 'né', '日本', '𝄞x', '￿', 'a%b', 'a_b',
    "it's", 'say "x"', 'back\\slash', 'x\ny', 'aaaaaaaaab', '2024-01-02', '2024-02-01', 'x!y'];
  const scalar = () => {
    const roll = next();
    if (roll < 0.35) return pick(INTEGERS);
    if (roll < 0.5) return pick(FLOATS);
    if (roll < 0.85) return pick(STRINGS);
    if (roll < 0.95) return chance(0.5);
    return null;
  };
  const anything = (depth = 0) => {
    const roll = next();
    if (roll < 0.75 || depth > 2) return scalar();
    return roll < 0.9 ? some(4, () => anything(depth + 1)) : { x: anything(depth + 1), [pick(['y', 'list'])]: anything(depth + 1) };
  };

  /** A document; any of its members may be missing or of an unexpected type. */
  function document() {
    const shape = {
      a: () => pick(INTEGERS),
      b: () => pick(FLOATS),
      s: () => pick(STRINGS),
      f: () => chance(0.5),
      n: () => null,
      m: anything,
      tags: () => some(5, () => pick(STRINGS)),
      nums: () => some(5, () => pick([...INTEGERS, ...FLOATS, null, true])),
      mixed: () => some(5, () => anything(1)),
      o: () => ({ x: scalar(), y: { z: scalar() }, list: some(3, scalar) }),
      'we ird': scalar,
      'a.b': scalar,
      constructor: scalar,
      über: scalar,
    };
    const made = {};
    for (const key of [...Object.keys(shape), '__proto__']) {
      if (chance(0.2)) continue;
      const value = key === '__proto__' ? scalar() : chance(0.1) ? anything() : shape[key]();
      Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true });
    }
    return made;
  }

  // ============ Filters ============

  const field = () => pick(FIELDS);
  const ordering = () => ({ op: pick(['=', '=', '!=', '<', '<=', '>', '>=']), values: [scalar()] });
  const likeText = () => some(6, () => pick(['%', '%', '_', 'a', 'b', 'A', 'c', 'é', '!', 'x', '.'])).join('');
  function like() {
    const escape = chance(0.3) ? '!' : undefined;
    let text = chance(0.7) ? likeText() : pick(STRINGS);
    if (escape && text.endsWith('!') && (/!+$/.exec(text)[0].length % 2 === 1)) text += '!';
    return { op: pick(['like', 'ilike']), values: [text], escape, negated: chance(0.3) };
  }
  function term() {
    const of = chance(0.75) ? '' : pick(['any', 'all', 'length']);
    const roll = next();
    const base = { of, field: field(), negated: false };
    if (roll < 0.4) return { ...base, ...ordering() };
    if (roll < 0.5) return { ...base, op: 'in', values: some(5, scalar), negated: chance(0.4) };
    if (roll < 0.58) return { ...base, op: 'between', values: [scalar(), scalar()], negated: chance(0.3) };
    if (roll < 0.66) return { ...base, op: 'contains', values: [scalar()], negated: chance(0.3) };
    if (roll < 0.72) return { ...base, op: pick(['startswith', 'endswith']), values: [pick([...STRINGS, null])], negated: chance(0.3) };
    if (roll < 0.82) return { ...base, ...like() };
    if (roll < 0.88) return { ...base, op: 'null', values: [], negated: chance(0.5) };
    if (roll < 0.92) return { ...base, of: '', op: 'exists', values: [] };
    return { ...base, op: 'truth', values: [] };
  }
  function filter(depth = 0) {
    const roll = next();
    if (depth > 3 || roll < 0.45) return term();
    if (roll < 0.47) return { constant: pick([true, false, null]) };
    if (roll < 0.62) return { not: filter(depth + 1) };
    const parts = [filter(depth + 1), ...Array.from({ length: 1 + below(3) }, () => filter(depth + 1))];
    return roll < 0.81 ? { and: parts } : { or: parts };
  }

  // ============ As text ============

  const word = (keyword) => (chance(0.2) ? keyword.toLowerCase() : keyword);
  const space = () => (chance(0.1) ? pick(['\n', '\t', '  ']) : ' ');
  function quote(s) {
    const mark = pick(["'", '"']);
    let out = '';
    for (const c of s) {
      if (c === mark) out += chance(0.5) ? c + c : `\\${c}`;
      else if (c === '\\') out += '\\\\';
      else out += c === '\n' && chance(0.5) ? '\\n' : c;
    }
    return mark + out + mark;
  }
  /** @param {Record<string, unknown>} params to which a value may be moved */
  function valueText(value, params) {
    if (chance(0.15)) {
      const name = `p${Object.keys(params).length}`;
      params[name] = value;
      return `$${name}`;
    }
    if (value === null || typeof value === 'boolean') return word(String(value).toUpperCase());
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'number') return (value > 0 && chance(0.1) ? '+' : '') + numberText(value);
    return /^[a-z]+$/i.test(value) && !/^(true|x)$/.test(value) && chance(0.2) ? value : quote(value);
  }
  function termText({ of, field: { text }, op, values, negated, escape }, params) {
    const operand = of === '' ? text : `${word(of.toUpperCase())}(${text})`;
    const not = negated ? word('NOT ') : '';
    const shown = values.map((value) => valueText(value, params));
    if (op === 'truth') return operand;
    if (op === 'exists') return chance(0.5) ? `EXISTS(${text})` : `exists ${text}`;
    if (op === 'null') return `${operand} ${word('IS')} ${not}${word('NULL')}`;
    if (op === 'between') return `${operand} ${not}${word('BETWEEN')} ${shown[0]} ${word('AND')} ${shown[1]}`;
    if (op === 'in') return `${operand} ${not}${word('IN')} ${chance(0.5) ? `(${shown.join(', ')})` : `[${shown.join(',')}]`}`;
    const operator = op === '=' && chance(0.2) ? '==' : op === '!=' && chance(0.3) ? '<>' : word(op.toUpperCase());
    const behind = escape === undefined ? '' : ` ESCAPE '${escape}'`;
    return `${operand}${space()}${not}${operator}${space()}${shown[0]}${behind}`;
  }
  /** Binding strength: OR 1, AND 2, NOT 3, condition 4. Parentheses where they are needed, and sometimes where not. */
  function text(node, params, above = 0) {
    const wrap = (strength, inner) => (strength < above || chance(0.05) ? `(${inner})` : inner);
    if ('constant' in node) return word(node.constant === null ? 'NULL' : String(node.constant).toUpperCase());
    if (node.not) return wrap(3, `${word('NOT')} ${text(node.not, params, 3)}`);
    if (node.and) return wrap(2, node.and.map((part) => text(part, params, 2)).join(`${space()}${word('AND')} `));
    if (node.or) return wrap(1, node.or.map((part) => text(part, params, 1)).join(` ${word('OR')}${space()}`));
    return wrap(4, termText(node, params));
  }

  return { document, filter, text };
}

/** A number that reads back with the type it has here: with a point or an exponent unless it is a safe integer. */
function numberText(value) {
  const shown = Object.is(value, -0) ? '-0' : String(value);
  return (Number.isSafeInteger(value) && !Object.is(value, -0)) || /[.e]/.test(shown) ? shown : `${shown}.0`;
}

// ============ As an object ============

const OPERATORS = { '=': '$eq', '!=': '$ne', '<': '$lt', '<=': '$lte', '>': '$gt', '>=': '$gte',
  contains: '$contains', startswith: '$startsWith', endswith: '$endsWith', like: '$like', ilike: '$ilike' };

function termObject({ of, field: { key }, op, values, negated, escape }) {
  if (op === 'exists') return { [key]: { $exists: !negated } };
  let inner;
  let not = negated;
  if (op === 'null') [inner, not] = [{ $null: !negated }, false];
  else if (op === 'in') [inner, not] = [{ [negated ? '$nin' : '$in']: values }, false];
  else if (op === 'between') inner = { $between: values };
  // = NULL is never true in SQL, and asks for null in an object; that of startsWith is an error there.
  else if (values[0] === null || op === 'truth') return undefined;
  else inner = { [OPERATORS[op]]: escape === undefined ? values[0] : { pattern: values[0], escape } };
  if (not && of !== '') return undefined;
  if (of !== '') inner = { [`$${of}`]: inner };
  return { [key]: not ? { $not: inner } : inner };
}

/** The object form, or undefined where there is none. */
export function object(node) {
  if ('constant' in node) return node.constant === null ? undefined : node.constant ? {} : { $or: [] };
  if (node.not) {
    const inner = object(node.not);
    return inner && { $not: inner };
  }
  const parts = (node.and ?? node.or)?.map(object);
  if (!parts) return termObject(node);
  return parts.includes(undefined) ? undefined : { [node.and ? '$and' : '$or']: parts };
}

// ============ As JSON and SQL ============

/** JSON with integers of any size, and floating point recognizable as such. */
export function json(value) {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return numberText(value);
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.keys(value).map((key) => `${JSON.stringify(key)}:${json(value[key])}`).join(',')}}`;
}

const literal = (value) => {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : typeof value === 'bigint' ? String(value) : numberText(value);
};

/**
 * One condition on a value: `value` is its SQL (NULL for arrays and objects),
 * `type` the SQL of its json_type, `elements` that of json_each over it.
 */
function test({ op, values, negated, escape }, { value, type, elements }) {
  const [v, w] = values.map(literal);
  const ofText = (condition) => `CASE WHEN ${type} = 'text' THEN ${condition} END`;
  const make = {
    in: () => `(${value} IN (${values.map(literal).join(',')}))`,
    between: () => `(${value} BETWEEN ${v} AND ${w})`,
    startswith: () => ofText(`substr(${value}, 1, length(${v})) = ${v}`),
    endswith: () => ofText(values[0] === '' ? '1' : `substr(${value}, -length(${v})) = ${v}`),
    like: () => ofText(`${value} LIKE ${v}${escape ? ` ESCAPE '${escape}'` : ''}`),
    ilike: () => ofText(`lower(${value}) LIKE lower(${v})${escape ? ` ESCAPE '${escape}'` : ''}`),
    null: () => `(${type} IS NULL OR ${type} = 'null')`,
    exists: () => `(${type} IS NOT NULL)`,
    truth: () => `CASE WHEN ${type} IN ('true', 'false', 'integer', 'real') THEN ${value} <> 0 END`,
    contains: () => `CASE ${type}
        WHEN 'text' THEN ${typeof values[0] === 'string' ? `instr(${value}, ${v}) > 0` : 'NULL'}
        WHEN 'array' THEN ${values[0] === null ? 'NULL' : `EXISTS (SELECT 1 FROM ${elements} c
          WHERE c.type NOT IN ('array', 'object') AND c.value = ${v})`} END`,
  }[op];
  const condition = make ? make() : `(${value} ${op} ${v})`;
  return negated ? `(NOT ${condition})` : condition;
}

/** What can be asked about, each once; a document's row has its parts as columns, so that they are extracted once. */
const PATHS = [...new Set(FIELDS.map(({ steps }) => pathOf(steps)))];

function pathOf(steps) {
  return `'$${steps.map((step) => (typeof step === 'number' ? `[${step}]` : `."${step}"`)).join('')}'`;
}

/** The documents' table: id, and of each path its type, its scalar and its array as JSON. No column has an affinity. */
export const TABLE = `CREATE TABLE docs (id INTEGER PRIMARY KEY, ${PATHS.map((_, i) => `t${i}, v${i}, a${i}`).join(', ')})`;

/** Inserts a document of parameters id and JSON. */
export const INSERT = `INSERT OR REPLACE INTO docs SELECT ?1, ${PATHS.map((path) => `json_type(?2, ${path}),
  CASE WHEN json_type(?2, ${path}) NOT IN ('array', 'object') THEN json_extract(?2, ${path}) END,
  CASE WHEN json_type(?2, ${path}) = 'array' THEN json_extract(?2, ${path}) END`).join(',\n')}`;

function termSql(term) {
  const at = PATHS.indexOf(pathOf(term.field.steps));
  const [type, scalar, array] = [`t${at}`, `v${at}`, `a${at}`];
  if (term.of === '') return test(term, { value: scalar, type, elements: `json_each(${array})` });
  if (term.of === 'length') {
    const value = `(CASE ${type} WHEN 'array' THEN json_array_length(${array}) WHEN 'text' THEN length(${scalar}) END)`;
    return test(term, { value, type: `(CASE WHEN ${type} IN ('array', 'text') THEN 'integer' END)`, elements: "json_each('[]')" });
  }
  const one = test(term, { value: "(CASE WHEN e.type NOT IN ('array', 'object') THEN e.value END)", type: 'e.type', elements: 'json_each(e.value)' });
  const [decided, otherwise, extreme] = term.of === 'any' ? [1, 0, 'max'] : [0, 1, 'min'];
  return `CASE ${type} WHEN 'array' THEN (SELECT CASE WHEN ${extreme}(q) = ${decided} THEN ${decided}
      WHEN count(q) < count(*) THEN NULL ELSE ${otherwise} END FROM (SELECT ${one} AS q FROM json_each(${array}) e)) END`;
}

/** SQL over a row of TABLE: 1, 0 or NULL. */
export function sql(node) {
  if ('constant' in node) return literal(node.constant);
  if (node.not) return `(NOT ${sql(node.not)})`;
  const parts = (node.and ?? node.or)?.map(sql);
  return parts ? `(${parts.join(node.and ? ' AND ' : ' OR ')})` : termSql(node);
}
