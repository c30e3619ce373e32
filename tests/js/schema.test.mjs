// Schemas (js/src/schema.js): each rule, what is refused as a schema, and hostile metadata. That every write is
// checked and the schema kept is in behaviour/filters.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { SchemaCheck, readLasting } from '../../js/src/schema.js';

const read = (schema) => readLasting({ schema }).schema;
const check = (schema, metadata) => new SchemaCheck(read(schema)).whole(metadata);
const fits = (schema, ...all) => all.forEach((metadata) => check(schema, metadata));
const fails = (schema, metadata, field, reason) => assert.throws(() => check(schema, metadata), (error) => {
  assert.deepEqual([error.code, error.field], ['SCHEMA', field], error.message);
  assert.match(error.message, reason);
  return true;
});

test('types', () => {
  const values = {
    string: ['', 'x'], number: [0, -1.5, 2n ** 60n, 1e300], integer: [0, -0, 5, 2n ** 60n, 1e15], boolean: [true, false], array: [[], [1]],
    object: [{}, { a: 1 }], null: [null],
  };
  for (const [type, good] of Object.entries(values)) {
    for (const value of good) fits({ f: { type } }, { f: value }, {});
    fits({ f: type }, { f: good[0] });
    for (const [other, wrong] of Object.entries(values)) {
      if (other === type || (type === 'number' && other === 'integer')) continue;
      for (const value of wrong) {
        if (type === 'integer' && other === 'number' && value !== -1.5) continue;
        fails({ f: { type } }, { f: value }, 'f', /must be/);
      }
    }
  }
  fits({ f: { type: ['string', 'null'] } }, { f: 'x' }, { f: null }, {});
  fails({ f: { type: ['string', 'null'] } }, { f: 5 }, 'f', /must be text or null, not 5/);
});

test('required, strict, ranges, lengths, allowed values, patterns', () => {
  fails({ f: { required: true } }, {}, 'f', /required/);
  fits({ f: { required: true } }, { f: null }, { f: 0 });
  fits({ a: 'string' }, { b: 1 });
  fails({ a: 'string', $strict: true }, { b: 1 }, 'b', /not in the schema/);
  const range = { f: { min: -1, max: 2.5 } };
  fits(range, { f: -1 }, { f: 2.5 }, { f: 0n }, { f: 'text has no range' });
  fails(range, { f: -1.1 }, 'f', /at least -1/);
  fails(range, { f: 2n ** 60n }, 'f', /at most 2.5/);
  const length = { f: { minLength: 2, maxLength: 3 } };
  fits(length, { f: 'ab' }, { f: '𝄞𝄞𝄞' }, { f: [1, 2] }, { f: 5 });
  fails(length, { f: '𝄞' }, 'f', /at least 2, not 1/);
  fails(length, { f: [1, 2, 3, 4] }, 'f', /at most 3, not 4/);
  const allowed = { f: { enum: ['a', 1, null, false] } };
  fits(allowed, { f: 'a' }, { f: 1 }, { f: null }, { f: false }, {});
  for (const wrong of ['b', '1', 0, true, [], {}]) fails(allowed, { f: wrong }, 'f', /one of "a", 1, null, false/);
  for (const pattern of ['^a.c$', /^A.C$/i, /^a.c$/g]) {
    for (let i = 0; i < 3; i++) fits({ f: { pattern } }, { f: 'abc' }, { f: 'a𝄞c'.replace('𝄞', 'x') }, { f: 5 });
    fails({ f: { pattern } }, { f: 'abcd' }, 'f', /must match/);
  }
});

test('elements and objects inside, with the place', () => {
  const schema = { list: { items: { type: 'object', fields: { $strict: true, name: { type: 'string', required: true } } } } };
  fits(schema, { list: [] }, { list: [{ name: 'x' }] }, { list: 'no array' });
  fails(schema, { list: [{ name: 'x' }, { name: 5 }] }, 'list[1].name', /metadata.list\[1\].name must be text/);
  fails(schema, { list: [{}] }, 'list[0].name', /required/);
  fails(schema, { list: [{ name: 'x', other: 1 }] }, 'list[0].other', /not in the schema/);
  fails(schema, { list: [5] }, 'list[0]', /an object/);
});

test('patches: what is set must fit, what is removed must not be required', () => {
  const schema = new SchemaCheck(read({ a: { type: 'string', required: true }, b: 'number' }));
  schema.patch({ b: 5 }, []);
  schema.patch({ a: 'x' }, ['b']);
  assert.throws(() => schema.patch({ b: 'x' }, []), { code: 'SCHEMA', field: 'b' });
  assert.throws(() => schema.patch({}, ['a']), { code: 'SCHEMA', field: 'a' });
});

test('schemas that are wrong, with the place', () => {
  for (const [schema, message] of [
    ['x', /schema must be an object/], [[], /schema/], [{ f: 5 }, /schema.f/], [{ f: { typ: 'string' } }, /schema.f has an unknown member 'typ'/],
    [{ f: { type: 'date' } }, /schema.f.type/], [{ f: { type: [] } }, /schema.f.type/], [{ f: { min: 5, max: 1 } }, /min 5 is above max 1/],
    [{ f: { min: '1' } }, /schema.f.min/], [{ f: { minLength: -1 } }, /minLength/], [{ f: { enum: [] } }, /enum/], [{ f: { enum: [{}] } }, /enum\[0\]/],
    [{ f: { enum: [NaN] } }, /enum\[0\]/], [{ f: { pattern: '(' } }, /no regular expression/], [{ f: { pattern: 5 } }, /pattern/],
    [{ f: { required: 1 } }, /required/], [{ $strict: 'yes' }, /\$strict/], [{ f: { items: { type: 'x' } } }, /schema.f.items.type/],
    [{ f: { fields: { g: { nope: 1 } } } }, /schema.f.fields.g/], [{ '\ud800': 'string' }, /surrogate/],
  ]) {
    assert.throws(() => read(schema), { code: 'INVALID_ARGUMENT', message });
  }
  let deep = { type: 'string' };
  for (let i = 0; i < 100; i++) deep = i % 2 ? { items: deep } : { fields: { f: deep } };
  assert.throws(() => read({ f: deep }), { code: 'INVALID_ARGUMENT', message: /nested/ });
});

test('keys of Object.prototype are keys', () => {
  const schema = JSON.parse('{"__proto__": {"type": "integer", "required": true}, "constructor": "string"}');
  fits(schema, JSON.parse('{"__proto__": 1}'), JSON.parse('{"__proto__": 2, "constructor": "x", "toString": 1}'));
  fails(schema, {}, '__proto__', /required/);
  fails(schema, JSON.parse('{"__proto__": "x"}'), '__proto__', /an integer/);
  fails(schema, JSON.parse('{"__proto__": 1, "constructor": 1}'), 'constructor', /text/);
  fails({ $strict: true }, JSON.parse('{"toString": 1}'), 'toString', /not in the schema/);
  assert.equal({}.polluted, undefined);
});

test('what is checked is what is stored: toJSON, undefined members, getters', async () => {
  const store = await VecStore.open({ schema: { $strict: true, at: { type: 'string', pattern: '^\\d{4}-' }, n: 'integer' } });
  await store.upsert({ id: 1, vector: [1], metadata: { at: new Date(0), n: 1, other: undefined } });
  assert.deepEqual((await store.get(1)).metadata, { at: '1970-01-01T00:00:00.000Z', n: 1 });
  let reads = 0;
  const shifty = { get n() { return reads++ === 0 ? 'x' : 1; } };
  await assert.rejects(store.upsert({ id: 2, vector: [1], metadata: shifty }), { code: 'SCHEMA', field: 'n' });
  await assert.rejects(store.upsert([{ id: 3, vector: [1] }, { id: 4, vector: [1], metadata: { n: 0.5 } }]), { code: 'SCHEMA', index: 1 });
  assert.equal(await store.count(), 1);
  await store.close();
});

test('an imported store keeps its schema', async () => {
  const store = await VecStore.open({ schema: { n: 'integer' } });
  await store.upsert({ id: 1, vector: [1], metadata: { n: 1 } });
  const copy = await VecStore.import(await store.export());
  await assert.rejects(copy.upsert({ id: 2, vector: [1], metadata: { n: 'x' } }), { code: 'SCHEMA' });
  await store.close();
  await copy.close();
});
