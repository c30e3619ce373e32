// tiny-model.mjs - a model file with a vocabulary of a few words, in the format of src/embed/model.c.
//
// Texts that share words are near each other; that is all the tests of the command line need of meaning.
import { random } from '../js/behaviour/expect.mjs';

const DIMENSION = 32, MAX_TOKENS = 512, WEIGHT = 1000, NAME_BYTES = 48, CHECKED_FROM = 20;
const WORDS = ('backup restore database whale ocean mountain river guide install program cat dog house garden music ' +
  'paint color number letter paper stone water fire earth wind light dark summer winter rain snow bread milk').split(' ');

function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The file's bytes. Models of different names give different vectors. @param {string} name */
export function tinyModel(name = 'tiny-1') {
  const tokens = ['[UNK]', ...WORDS, ...Array.from({ length: 26 }, (_, i) => `##${String.fromCharCode(97 + i)}`),
    ...Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i))].map((token) => Buffer.from(token));
  const next = random([...name].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7) >>> 0);
  // Letters weigh next to nothing beside words.
  const weights = Buffer.alloc(tokens.length * 2);
  tokens.forEach((token, i) => weights.writeUInt16LE(i === 0 ? 0 : i <= WORDS.length ? WEIGHT : 1, 2 * i));
  const rows = Buffer.from(Int8Array.from({ length: tokens.length * DIMENSION }, () => Math.floor(next() * 255) - 127).buffer);
  const header = Buffer.alloc(68);
  [DIMENSION, tokens.length, MAX_TOKENS, 0, tokens.reduce((sum, { length }) => sum + length, 0)]
    .forEach((number, i) => header.writeUInt32LE(number, 4 * i));
  header.write(name, 20, NAME_BYTES - 1, 'ascii');
  const body = Buffer.concat([header, Buffer.from(tokens.map(({ length }) => length)), ...tokens, weights, rows]);
  const head = Buffer.alloc(CHECKED_FROM);
  head.write('VSEM', 0, 'ascii');
  head.writeUInt32LE(1, 4);
  head.writeBigUInt64LE(BigInt(CHECKED_FROM + body.length), 8);
  head.writeUInt32LE(crc32c(body), 16);
  return Buffer.concat([head, body]);
}
