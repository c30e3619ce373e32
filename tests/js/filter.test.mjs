// Filters as objects (js/src/filter.js): the tree each operator becomes, and what is refused with which message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeValue } from '../../js/src/engine/value.js';
import { encodeFilter, stringOffset } from '../../js/src/filter.js';

const tree = (filter) => decodeValue(encodeFilter(filter));
const refused = (filter, message) => assert.throws(() => encodeFilter(filter), { name: 'VecStoreError', code: 'FILTER_SYNTAX', message });

test('each operator on a field', () => {
  const of = (operators) => tree({ f: operators });
  assert.deepEqual(of(5), ['=', '', ['f'], 5]);
  assert.deepEqual(of('x'), ['=', '', ['f'], 'x']);
  assert.deepEqual(of(null), ['null', '', ['f']]);
  assert.deepEqual(of(false), ['=', '', ['f'], false]);
  assert.deepEqual(of(2n ** 60n), ['=', '', ['f'], 2n ** 60n]);
  assert.deepEqual(of({ $eq: 5 }), ['=', '', ['f'], 5]);
  assert.deepEqual(of({ $eq: null }), ['null', '', ['f']]);
  assert.deepEqual(of({ $ne: 5 }), ['!=', '', ['f'], 5]);
  assert.deepEqual(of({ $ne: null }), ['not null', '', ['f']]);
  assert.deepEqual(of({ $gt: 5 }), ['>', '', ['f'], 5]);
  assert.deepEqual(of({ $gte: 5 }), ['>=', '', ['f'], 5]);
  assert.deepEqual(of({ $lt: 5 }), ['<', '', ['f'], 5]);
  assert.deepEqual(of({ $lte: 5 }), ['<=', '', ['f'], 5]);
  assert.deepEqual(of({ $in: [1, 'x', null] }), ['in', '', ['f'], [1, 'x', null]]);
  assert.deepEqual(of({ $nin: [] }), ['not in', '', ['f'], []]);
  assert.deepEqual(of({ $contains: 'x' }), ['contains', '', ['f'], 'x']);
  assert.deepEqual(of({ $startsWith: 'x' }), ['startswith', '', ['f'], 'x']);
  assert.deepEqual(of({ $endsWith: 'x' }), ['endswith', '', ['f'], 'x']);
  assert.deepEqual(of({ $like: 'x%' }), ['like', '', ['f'], 'x%']);
  assert.deepEqual(of({ $ilike: { pattern: 'x!%', escape: '!' } }), ['ilike', '', ['f'], 'x!%', '!']);
  assert.deepEqual(of({ $like: { pattern: 'x' } }), ['like', '', ['f'], 'x']);
  assert.deepEqual(of({ $between: [1, 2] }), ['between', '', ['f'], 1, 2]);
  assert.deepEqual(of({ $exists: true }), ['exists', '', ['f']]);
  assert.deepEqual(of({ $exists: false }), ['not exists', '', ['f']]);
  assert.deepEqual(of({ $null: true }), ['null', '', ['f']]);
  assert.deepEqual(of({ $null: false }), ['not null', '', ['f']]);
  assert.deepEqual(of({ $any: ['a', 'b'] }), ['in', 'any', ['f'], ['a', 'b']]);
  assert.deepEqual(of({ $all: ['a', 'b'] }), ['and', ['=', 'any', ['f'], 'a'], ['=', 'any', ['f'], 'b']]);
  assert.deepEqual(of({ $any: { $gt: 5 } }), ['>', 'any', ['f'], 5]);
  assert.deepEqual(of({ $all: { $nin: [1] } }), ['not in', 'all', ['f'], [1]]);
  assert.deepEqual(of({ $size: 3 }), ['=', 'length', ['f'], 3]);
  assert.deepEqual(of({ $length: { $gte: 1, $lt: 3 } }), ['and', ['>=', 'length', ['f'], 1], ['<', 'length', ['f'], 3]]);
  assert.deepEqual(of({ $geoRadius: { lat: 1, lon: 2, metres: 3 } }), ['geo_radius', '', ['f'], 1, 2, 3]);
  assert.deepEqual(of({ $geoRadius: { meters: 3, lng: 2, lat: 1 } }), ['geo_radius', '', ['f'], 1, 2, 3]);
  assert.deepEqual(of({ $geoBox: { south: 1, west: 2, north: 3, east: 4 } }), ['geo_bbox', '', ['f'], 1, 2, 3, 4]);
  assert.deepEqual(of(new Date(0)), ['=', '', ['f'], '1970-01-01T00:00:00.000Z']);
  assert.deepEqual(of({ $gte: new Date(0) }), ['>=', '', ['f'], '1970-01-01T00:00:00.000Z']);
});

test('several conditions, and the joins', () => {
  assert.deepEqual(tree({}), ['and']);
  assert.deepEqual(tree({ a: 1, b: 2 }), ['and', ['=', '', ['a'], 1], ['=', '', ['b'], 2]]);
  assert.deepEqual(tree({ a: { $gt: 1, $lt: 2 } }), ['and', ['>', '', ['a'], 1], ['<', '', ['a'], 2]]);
  assert.deepEqual(tree({ $or: [{ a: 1 }, {}] }), ['or', ['=', '', ['a'], 1], ['and']]);
  assert.deepEqual(tree({ $and: [] }), ['and']);
  assert.deepEqual(tree({ $or: [] }), ['or']);
  assert.deepEqual(tree({ $nor: [{ a: 1 }] }), ['not', ['or', ['=', '', ['a'], 1]]]);
  assert.deepEqual(tree({ $not: { a: 1 } }), ['not', ['=', '', ['a'], 1]]);
  assert.deepEqual(tree({ a: { $not: { $gt: 5 } } }), ['not', ['>', '', ['a'], 5]]);
  assert.deepEqual(tree({ a: { $or: [1, { $gt: 5 }] } }), ['or', ['=', '', ['a'], 1], ['>', '', ['a'], 5]]);
});

test('fields: dots, indices, backticks, nested objects, keys of prototypes', () => {
  const path = (key) => tree({ [key]: 1 })[2];
  assert.deepEqual(path('a.b.c'), ['a', 'b', 'c']);
  assert.deepEqual(path('a[0][12].b'), ['a', 0, 12, 'b']);
  assert.deepEqual(path('my-key with space'), ['my-key with space']);
  assert.deepEqual(path('`a.b`.c'), ['a.b', 'c']);
  assert.deepEqual(path('`$x`'), ['$x']);
  assert.deepEqual(path('a.`b``c`'), ['a', 'b`c']);
  assert.deepEqual(path('``'), ['']);
  assert.deepEqual(path('a = 1 OR TRUE --'), ['a = 1 OR TRUE --']);
  assert.deepEqual(path('__proto__'), ['__proto__']);
  assert.deepEqual(path('constructor.toString'), ['constructor', 'toString']);
  assert.deepEqual(tree({ author: { name: 'ann', 'address.city': 'x' } }),
    ['and', ['=', '', ['author', 'name'], 'ann'], ['=', '', ['author', 'address', 'city'], 'x']]);
  assert.deepEqual(tree({ a: { $exists: true, b: 1 } }), ['and', ['exists', '', ['a']], ['=', '', ['a', 'b'], 1]]);
  const bare = Object.create(null);
  bare.a = 1;
  assert.deepEqual(tree(bare), ['=', '', ['a'], 1]);
  for (const key of ['', '.', 'a.', '.a', 'a..b', '[0]', 'a[', 'a[x]', 'a[-1]', 'a[0]b', 'a`b', '`a', 'a]', 'a[00000000001]']) {
    refused({ [key]: 1 }, /cannot be read/);
  }
});

test('what is refused says where', () => {
  refused(null, /^filter must be text or an object/);
  refused([], /^filter must be text or an object/);
  refused(new Map(), /^filter must be text or an object/);
  refused({ a: undefined }, 'filter.a is undefined');
  refused({ a: { $gt: undefined } }, 'filter.a.$gt is undefined');
  refused({ a: {} }, 'filter.a is an object without a condition');
  refused({ a: [1] }, /^filter\.a is an array: say \$in/);
  refused({ a: new Map() }, /^filter\.a must be text, a number/);
  refused({ a: () => 1 }, /^filter\.a must be text, a number/);
  refused({ $gt: 5 }, 'filter.$gt stands outside of a field');
  refused({ $exists: true }, 'filter.$exists stands outside of a field');
  refused({ a: { $foo: 5 } }, /^filter\.a\.\$foo is no operator/);
  refused({ a: { $toString: 5 } }, /^filter\.a\.\$toString is no operator/);
  refused({ $or: { a: 1 } }, /^filter\.\$or must be an array/);
  refused({ $or: [5] }, /^filter\.\$or\[0\] must be an object/);
  refused({ a: { $in: 5 } }, /^filter\.a\.\$in must be an array/);
  refused({ a: { $in: [[1]] } }, /^filter\.a\.\$in\[0\] must be text/);
  refused({ a: { $gt: {} } }, /^filter\.a\.\$gt must be text/);
  refused({ a: { $like: 5 } }, /^filter\.a\.\$like must be text/);
  refused({ a: { $like: { pattern: 'x', flags: 'i' } } }, /unknown member 'flags'/);
  refused({ a: { $like: { escape: 'x' } } }, /^filter\.a\.\$like\.pattern must be text/);
  refused({ a: { $between: [1] } }, /two values, not 1/);
  refused({ a: { $exists: 1 } }, /^filter\.a\.\$exists must be true or false/);
  refused({ a: { $any: { $gt: 1, $lt: 5 } } }, /^filter\.a\.\$any must be an object with one of/);
  refused({ a: { $all: 5 } }, /^filter\.a\.\$all must be an object with one of/);
  refused({ a: { $size: 'x' } }, /^filter\.a\.\$size must be a number/);
  refused({ a: { $geoRadius: { lat: 1, lon: 2 } } }, /^filter\.a\.\$geoRadius\.metres must be a number/);
  refused({ a: { $geoRadius: { lat: 1, lon: 2, lng: 2, metres: 1 } } }, /^filter\.a\.\$geoRadius\.lon must be a number/);
  refused({ a: { $geoBox: { south: 1, top: 2 } } }, /unknown member 'top'/);
  refused({ a: { $geoBox: 5 } }, /must be an object/);
  assert.throws(() => encodeFilter({ a: NaN }), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => encodeFilter({ a: '\ud800' }), { code: 'INVALID_ARGUMENT' });
  const endless = {};
  endless.$not = endless;
  refused(endless, /nested more than 32 deep/);
});

test('byte offsets become string offsets', () => {
  const text = 'aé日𝄞z';
  assert.deepEqual([0, 1, 3, 6, 10, 11, 99].map((offset) => stringOffset(text, offset)), [0, 1, 2, 3, 5, 6, 6]);
});
