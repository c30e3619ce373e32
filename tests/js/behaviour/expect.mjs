// expect.mjs - assertions that run in every runtime, browsers included.

class Failure extends Error {}

/** How a value looks in a message; tells what JSON cannot. */
export function show(value) {
  return JSON.stringify(value, (_key, v) => {
    if (typeof v === 'bigint') return `${v}n`;
    if (typeof v === 'number' && (!Number.isFinite(v) || Object.is(v, -0))) return `number ${Object.is(v, -0) ? '-0' : v}`;
    if (v === undefined) return 'undefined';
    if (ArrayBuffer.isView(v)) return [v.constructor.name, ...v];
    return v;
  });
}

export function ok(condition, message) {
  if (!condition) throw new Failure(message ?? 'expected something true');
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = Reflect.ownKeys(a);
  if (keys.length !== Reflect.ownKeys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

/** Deep and strict: types, prototypes, -0, own keys. */
export function equal(actual, expected, message = '') {
  if (!same(actual, expected)) throw new Failure(`${message} got ${show(actual)}, expected ${show(expected)}`);
}

export function near(actual, expected, tolerance = 1e-6, message = '') {
  if (!(Math.abs(actual - expected) <= tolerance)) throw new Failure(`${message} got ${actual}, expected ${expected}`);
}

/** The promise, or what fn gives, rejects with this code, and with a message that has all these parts. */
export async function fails(code, action, ...parts) {
  let error;
  try {
    await (typeof action === 'function' ? action() : action);
  } catch (thrown) {
    error = thrown;
  }
  if (!error) throw new Failure(`expected ${code}, nothing was thrown`);
  if (error.name !== 'VecStoreError' || error.code !== code) {
    throw new Failure(`expected ${code}, got ${error.code ?? error.name}: ${error.stack ?? error}`);
  }
  for (const part of parts) {
    if (!error.message.includes(part)) throw new Failure(`the message lacks ${show(part)}: ${error.message}`);
  }
  return error;
}

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function randomVector(next, dimension) {
  return Float32Array.from({ length: dimension }, () => next() * 2 - 1);
}
