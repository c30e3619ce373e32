// wasm-code.mjs - function bodies of a WASM module: where they name functions, types, globals and tables, so that
// those can be renumbered.
//
// Knows the instructions that clang emits for the engine (flags.mk): the MVP, sign extension, saturating conversions,
// bulk memory and SIMD128. Anything else stops it, as what it cannot read it could not renumber.

/** Unsigned LEB128 of a number below 2^32. @param {number} value */
export function uleb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit number. @param {number} value */
export function sleb(value) {
  const bytes = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(byte & 0x40)) || (value === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** What follows an opcode. */
const BLOCK = 'block', INDEX = 'index', MEMARG = 'memarg', TABLE = 'br_table', SIGNED = 'signed', NOTHING = '';
const IMMEDIATE = new Map([
  [0x02, BLOCK], [0x03, BLOCK], [0x04, BLOCK], [0x0c, INDEX], [0x0d, INDEX], [0x0e, TABLE], [0x20, INDEX], [0x21, INDEX],
  [0x22, INDEX], [0x3f, INDEX], [0x40, INDEX], [0x41, SIGNED], [0x42, SIGNED], [0x43, 4], [0x44, 8],
]);
/** Operands of the bulk memory instructions that are used: how many indices. */
const BULK = new Map([[10, 2], [11, 1]]);

/** @param {number} op behind 0xfd @returns {number | string} bytes, or MEMARG, or MEMARG and a lane */
function simdImmediate(op) {
  if (op <= 11 || op === 92 || op === 93) return MEMARG;
  if (op === 12 || op === 13) return 16;
  if (op >= 21 && op <= 34) return 1;
  if (op >= 84 && op <= 91) return 'memarg+lane';
  if (op > 255) throw new Error(`SIMD instruction ${op} is not known`);
  return NOTHING;
}

/**
 * @typedef {object} Place
 * @property {'func' | 'type' | 'global'} kind
 * @property {number} index
 * @property {number} from where its instruction begins in the body
 * @property {number} at where the index is
 * @property {number} to behind the instruction's index
 */

/**
 * Everything in a body that has to be renumbered.
 * @param {Uint8Array} body with its locals, without its length
 * @returns {Place[]}
 */
export function placesIn(body) {
  /** @type {Place[]} */
  const places = [];
  let at = 0;
  const uint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = body[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (!(byte >= 0x80)) return value;
    }
  };
  const skip = () => {
    while (body[at++] >= 0x80);
  };
  /** @param {Place['kind']} kind @param {number} from */
  const place = (kind, from) => {
    const start = at;
    places.push({ kind, index: uint(), from, at: start, to: at });
  };
  for (let groups = uint(); groups > 0; groups--) {
    uint();
    at++;
  }
  while (at < body.length) {
    const from = at;
    const op = body[at++];
    if (op === 0x10) place('func', from);
    else if (op === 0x11) {
      place('type', from);
      uint();
    } else if (op === 0x23 || op === 0x24) place('global', from);
    else if (op === 0xfc) {
      const sub = uint();
      if (sub > 7 && !BULK.has(sub)) throw new Error(`instruction 0xfc ${sub} is not known`);
      for (let n = BULK.get(sub) ?? 0; n > 0; n--) skip();
    } else if (op === 0xfd) {
      const immediate = simdImmediate(uint());
      if (immediate === MEMARG || immediate === 'memarg+lane') {
        skip();
        skip();
        if (immediate !== MEMARG) at++;
      } else if (typeof immediate === 'number') at += immediate;
    } else {
      const immediate = IMMEDIATE.get(op) ?? (op >= 0x28 && op <= 0x3e ? MEMARG : NOTHING);
      if (op > 0xc4 || (op > 0x11 && op < 0x1a) || (op > 0x05 && op < 0x0b) || (op > 0x1b && op < 0x20) || op === 0x25 || op === 0x26) {
        throw new Error(`instruction ${op} is not known`);
      }
      if (immediate === BLOCK) {
        if (body[at] < 0x40) throw new Error('a block with parameters is not known');
        at++;
      } else if (immediate === INDEX || immediate === SIGNED) skip();
      else if (immediate === MEMARG) {
        skip();
        skip();
      } else if (immediate === TABLE) for (let n = uint() + 1; n > 0; n--) skip();
      else if (typeof immediate === 'number') at += immediate;
    }
  }
  if (at !== body.length) throw new Error('a function that was not understood');
  return places;
}

/**
 * The body with something else in some places.
 * @param {Uint8Array} body
 * @param {{ from: number, to: number, bytes: number[] }[]} changes in order
 */
export function rewrite(body, changes) {
  const parts = [];
  let at = 0;
  for (const { from, to, bytes } of changes) {
    parts.push(body.subarray(at, from), Uint8Array.from(bytes));
    at = to;
  }
  parts.push(body.subarray(at));
  return Buffer.concat(parts);
}
