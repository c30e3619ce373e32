// Metadata and text: what goes in comes back, and nothing pollutes.
import { equal, fails, ok } from './expect.mjs';

const vector = [1];

export const cases = {
  'JSON-like metadata comes back exactly': async ({ open }) => {
    const store = await open();
    const values = {
      empty: {}, null: null, true: true, false: false, zero: 0, minusZero: -0, int: 42, negative: -42, big: 2 ** 53 - 1,
      small: -(2 ** 53 - 1), float: 0.1, tiny: 5e-324, huge: 1.7976931348623157e308, beyond: 2 ** 60, edges: [2 ** 52, -(2 ** 52), 2 ** 31, 127, 128, -64, -65],
      bigint: 2n ** 62n, minusBigint: -(2n ** 63n), maxBigint: 2n ** 63n - 1n, string: 'ä€𝄞\0\ufeff"\\', long: 'é'.repeat(5000),
      array: [1, [2, [3, []]], {}], nested: { a: { b: { c: [{ d: null }] } } }, '': 'empty key', 'key with ä': 1,
      many: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])),
    };
    await store.upsert({ id: 1, vector, metadata: values });
    equal((await store.get(1)).metadata, values);
    equal((await store.query({ vector }))[0].metadata, values);
    equal(Object.keys((await store.get(1)).metadata), Object.keys(values), 'the order of keys:');
  },

  'what JSON would convert: toJSON, undefined members, small bigints': async ({ open }) => {
    const store = await open();
    const date = new Date(1234567890123);
    await store.upsert({ id: 1, vector, metadata: { date, gone: undefined, small: 5n, nul: Object.assign(Object.create(null), { a: 1 }) } });
    equal((await store.get(1)).metadata, { date: date.toJSON(), small: 5, nul: { a: 1 } });
  },

  'metadata that is refused, saying where': async ({ open }) => {
    const store = await open();
    const cycle = { a: {} };
    cycle.a.b = cycle;
    let deep = {};
    for (let i = 0; i < 64; i++) deep = { d: deep };
    for (const [metadata, ...parts] of [
      [{ a: { b: [1, NaN] } }, 'metadata.a.b[1]', 'NaN'],
      [{ a: Infinity }, 'metadata.a'],
      [{ a: () => 1 }, 'metadata.a', 'function'],
      [{ a: Symbol('x') }, 'metadata.a'],
      [{ a: new Map() }, 'metadata.a', 'Map'],
      [{ a: new Uint8Array(3) }, 'metadata.a', 'Uint8Array'],
      [{ a: [undefined] }, 'metadata.a[0]'],
      [{ a: 2n ** 63n }, 'metadata.a', '64 bits'],
      [{ a: 'x\ud800' }, 'metadata.a', 'surrogate'],
      [{ '\udc00': 1 }, 'surrogate'],
      [cycle, 'metadata.a.b', 'itself'],
      [deep, 'nested', '64'],
      [[1], 'metadata'],
      ['x', 'metadata'],
      [null, 'metadata'],
      [new (class Car {})(), 'metadata', 'Car'],
    ]) {
      await fails('INVALID_ARGUMENT', store.upsert({ id: 1, vector, metadata }), ...parts);
    }
    equal(await store.count(), 0);
    deep = deep.d;
    const shared = { x: 1 };
    await store.upsert({ id: 1, vector, metadata: { a: shared, b: shared } });
    equal((await store.get(1)).metadata, { a: { x: 1 }, b: { x: 1 } });
    await store.upsert({ id: 1, vector, metadata: deep });
    equal((await store.get(1)).metadata, deep);
  },

  'any key is an own property and pollutes nothing': async ({ open }) => {
    const store = await open();
    const json = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"prototype":3,"toString":4,' +
      '"hasOwnProperty":5,"valueOf":6,"__defineGetter__":7,"__lookupSetter__":8,"isPrototypeOf":9,"length":10,"then":11,' +
      '"toJSON":12,"inner":{"__proto__":null},"0":13}';
    await store.upsert({ id: '__proto__', vector, metadata: JSON.parse(json), text: JSON.parse('{"__proto__":"t"}') });
    const { metadata, text } = await store.get('__proto__');
    equal(JSON.stringify(metadata), JSON.stringify(JSON.parse(json)));
    ok(Object.hasOwn(metadata, '__proto__') && Object.hasOwn(metadata.inner, '__proto__') && Object.hasOwn(text, '__proto__'));
    equal(Object.getPrototypeOf(metadata), Object.prototype);
    equal(/** @type {any} */ ({}).polluted, undefined);
  },

  'text is a string or named strings': async ({ open }) => {
    const store = await open();
    await store.upsert([
      { id: 1, vector, text: 'one ä \ufeff' }, { id: 2, vector, text: { title: 't', body: '' } }, { id: 3, vector, text: '' }, { id: 4, vector },
    ]);
    const records = await store.get([1, 2, 3, 4], { include: ['text'] });
    equal(records, [{ id: 1, text: 'one ä \ufeff' }, { id: 2, text: { title: 't', body: '' } }, { id: 3, text: '' }, { id: 4 }]);
    for (const text of [5, null, ['a'], { a: 1 }, { a: { b: 'c' } }, 'x\ud800']) {
      await fails('INVALID_ARGUMENT', store.upsert({ id: 5, vector, text }), 'text');
    }
  },
};
