// text-module.mjs - the packed text module with the shipped model, without the package's own loader.
import { readFileSync } from 'node:fs';
import { TEXT_ABI } from '../../js/src/engine/text-abi.gen.js';

const root = new URL('../../', import.meta.url);
export const MODEL = new URL('models/static-en/static-en.bin', root);

/**
 * @param {Uint8Array} [model]
 * @returns {{ dimension: number, name: string, tokens: number,
 *   embed: (texts: (string | Uint8Array)[]) => Float32Array, x: any, tm: number, message: () => string }}
 */
export function openTextModule(model = readFileSync(MODEL)) {
  const { exports: x } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(new URL('dist/vecstore.text.wasm', root))));
  x._initialize();
  const tm = x.vs_tm_new();
  const cString = (at) => {
    const bytes = new Uint8Array(x.memory.buffer);
    return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
  };
  const message = () => cString((x.vs_tm_error(tm) >>> 0) + TEXT_ABI.TM_ERROR_MSG_OFFSET);
  const put = (bytes) => {
    const at = x.vs_tm_alloc(tm, bytes.length) >>> 0;
    if (at === 0) throw new Error('no memory');
    new Uint8Array(x.memory.buffer).set(bytes, at);
    return at;
  };
  const status = x.vs_tm_model_open(tm, put(model), model.length);
  if (status !== 0) throw Object.assign(new Error(message()), { status });
  const dimension = x.vs_tm_model_dimension(tm);
  const self = { dimension, name: cString(x.vs_tm_model_name(tm) >>> 0), tokens: 0, x, tm, message, embed };

  /** The vectors of all texts, one after the other. */
  function embed(texts) {
    const parts = texts.map((text) => (typeof text === 'string' ? new TextEncoder().encode(text) : text));
    const offsets = new Uint32Array(parts.length + 1);
    parts.forEach((part, i) => (offsets[i + 1] = offsets[i] + part.length));
    const bytes = new Uint8Array(offsets[parts.length]);
    parts.forEach((part, i) => bytes.set(part, offsets[i]));
    const held = [put(bytes), put(new Uint8Array(offsets.buffer)), x.vs_tm_alloc(tm, 4 * dimension * parts.length) >>> 0];
    const tokens = x.vs_tm_embed(tm, held[0], held[1], parts.length, held[2]);
    if (tokens < 0) throw Object.assign(new Error(message()), { status: -tokens });
    self.tokens = tokens;
    const vectors = new Float32Array(x.memory.buffer, held[2], dimension * parts.length).slice();
    held.forEach((at) => x.vs_tm_release(tm, at));
    return vectors;
  }
  return self;
}

/** The texts of tests/embed/tokens.tsv, as bytes. */
export function goldenTexts() {
  const lines = readFileSync(new URL('tests/embed/tokens.tsv', root), 'latin1').trimEnd().split('\n');
  return lines.map((line) => {
    const text = line.slice(0, line.lastIndexOf('\t'));
    return Uint8Array.from(Buffer.from(text.replace(/\\x(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1'));
  });
}

const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  for (let bit = 0; bit < 8; bit++) i = (i >>> 1) ^ (i & 1 ? 0x82f63b78 : 0);
  return i;
});

/** CRC-32C, as the engine computes it. */
export function crc32c(bytes) {
  let c = ~0;
  for (const byte of bytes) c = (c >>> 8) ^ TABLE[(c ^ byte) & 255];
  return ~c >>> 0;
}
