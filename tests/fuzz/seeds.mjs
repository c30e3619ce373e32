// seeds.mjs - writes the first inputs of the fuzz targets that take stores apart: from the golden stores, valid and slightly damaged.
//
// A corpus grows by what a fuzzer finds; those files stay beside these.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from '../../wasm/tools/gen-lang.mjs';
import { encodeToBytes } from '../../js/src/engine/value.js';

const golden = new URL('../golden/', import.meta.url), corpus = new URL('corpus/', import.meta.url);
const file = (store, pattern) => {
  const folder = new URL(`store-1/${store}/c/1/`, golden);
  return readFileSync(new URL(readdirSync(folder).find((name) => pattern.test(name)), folder));
};
function put(target, name, first, bytes) {
  const folder = new URL(`${target}/`, corpus);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`seed-${name}`, folder), Buffer.concat([Buffer.from(first), Buffer.from(bytes)]));
}
/** A few changed copies: flipped, cut, doubled, emptied. */
function variants(target, name, first, bytes) {
  put(target, name, first, bytes);
  const flipped = Buffer.from(bytes);
  if (flipped.length > 40) flipped[40] ^= 0x41;
  put(target, `${name}-flipped`, first, flipped);
  put(target, `${name}-cut`, first, bytes.subarray(0, Math.floor(bytes.length * 0.7)));
  put(target, `${name}-long`, first, Buffer.concat([bytes.subarray(0, 2000), bytes.subarray(-64)]));
}

for (const [flag, store] of [[0, 'checkpointed'], [2, 'snapshots']]) {
  const bytes = file(store, /^manifest/);
  variants('manifest', `${store}-raw`, [flag], bytes);
  variants('manifest', `${store}-sealed`, [flag | 1], bytes.subarray(32));
  put('manifest', `${store}-zeros`, [flag | 1], Buffer.alloc(60));
  put('manifest', `${store}-many`, [flag | 1], Buffer.concat([bytes.subarray(32, 72), Buffer.alloc(4, 255), bytes.subarray(76)]));
}
for (const [i, store] of ['log', 'checkpointed', 'staged', 'empty'].entries()) {
  const bytes = file(store, /^wal/);
  variants('log', `${store}-raw`, [i << 1], bytes);
  variants('log', `${store}-sealed`, [i << 1 | 1], bytes.subarray(80));
}
/** Blocks without their checksums. */
function blocksOf(bytes) {
  const parts = [];
  for (let at = 36; at < bytes.length - 24;) {
    const n = bytes.readUInt32LE(at);
    parts.push(bytes.subarray(at, at + 4), bytes.subarray(at + 8, at + 8 + n));
    at += 8 + n;
  }
  return Buffer.concat(parts);
}
for (const [i, store] of ['graph', 'checkpointed', 'staged', 'int8', 'turbo', 'text-only', 'filters', 'snapshots'].entries()) {
  for (const [flag, pattern] of [[0, /^idx/], [2, /^seg/]]) {
    const bytes = file(store, pattern);
    if (bytes.length > 16_000) continue;
    put('image', `${store}-${flag ? 'seg' : 'idx'}-raw`, [i << 2 | flag], bytes);
    variants('image', `${store}-${flag ? 'seg' : 'idx'}`, [i << 2 | flag | 1], blocksOf(bytes));
  }
}
for (const [i, store] of ['checkpointed', 'filters', 'staged', 'empty'].entries()) {
  const manifest = file(store, /^manifest/);
  const at = manifest.indexOf(Buffer.from([7, ...Buffer.alloc(0)]), 76);
  const blob = manifest.subarray(manifest.indexOf('version') - 12 > at ? manifest.indexOf('version') - 12 : at);
  variants('config', `${store}-saved`, [i << 3], blob);
  const catalog = readFileSync(new URL(`store-1/${store}/db-1`, golden));
  variants('config', `${store}-catalog`, [i << 3 | 2], catalog);
  put('config', `${store}-catalog-sealed`, [i << 3 | 6], catalog.subarray(24));
}
for (const [name, options] of Object.entries({
  memory: { storage: 'memory' }, all: { storage: 'posix', root: 'x', dimension: 4, metric: 'dot', M: 8, efConstruction: 20, efSearch: 9, quantization: 'int8', layout: 'turbo', embedder: 'e' },
  indexes: { storage: 'posix', root: 'x', indexes: { a: 'value', 'b.c': 'range', d: false }, schema: { x: 1 } }, wrong: { storage: 7, walRotateBytes: -1 }, root: { storage: 'posix', root: 'a\0b' },
})) put('config', `options-${name}`, [1], encodeToBytes(options));

for (const version of [1, 2]) {
  const bytes = readFileSync(new URL(`export-${version}`, golden));
  for (const flag of [0, 1]) {
    for (const piece of [0, 15, 255]) put('pack', `v${version}-${flag}-${piece}`, [flag, piece], bytes);
    put('pack', `v${version}-${flag}-cut`, [flag, 200], bytes.subarray(0, 6000));
    put('pack', `v${version}-${flag}-twice`, [flag, 200], Buffer.concat([bytes.subarray(0, 4000), bytes.subarray(16, 4000)]));
    put('pack', `v${version}-${flag}-flipped`, [flag, 77], Buffer.from(bytes, 0).map((byte, i) => (i === 20 ? byte ^ 3 : byte)));
  }
}

const values = [null, true, -1, 2 ** 53, 9007199254740993n, -0, 1e300, 'é😀"\\\n', [], {}, [[[]]], { a: { b: [1, 'x', null] } }, JSON.parse('{"__proto__":{"":0}}'), Array.from({ length: 70 }, (_, i) => i)];
values.forEach((value, i) => put('value', `encoded-${i}`, [0], encodeToBytes(value)));
const texts = ['null', '-0', '1e5', '0.1', '[1,2,{"a":[]}]', '{"a":1,"a":2}', '"\\ud83d\\ude00\\u0041"', '"\\ud800"', '[01]', '[1,]', '{"a" 1}', '9223372036854775808', '1e999', `${'['.repeat(70)}${']'.repeat(70)}`, '"\u0001"', ' {"id":"a","vector":[0.5,1],"text":"t","metadata":{"x":null}} ', 'tru', ''];
texts.forEach((text, i) => put('value', `json-${i}`, [1], Buffer.from(text)));
const seed = new URL('vecstore-rs/cosine/', golden);
put('value', 'seed-record', [2], JSON.stringify(JSON.parse(readFileSync(new URL('vectors.bin', seed), 'utf8'))[0]));
put('value', 'seed-manifest', [2], readFileSync(new URL('manifest.json', seed)));
put('value', 'seed-meta', [3], readFileSync(new URL('../dot/meta.bin', seed)));
put('value', 'seed-meta-cut', [3], readFileSync(new URL('../dot/meta.bin', seed)).subarray(0, 99));
put('value', 'seed-meta-huge', [3], Buffer.alloc(40, 255));

/** Calls of abi_fuzz.c by number: [which, argument, bytes...]. */
const record = (n) => [1, n, 10 * n % 256, 20, 30 * n % 256, 7];
const some = [0, 1, ...record(1), ...record(2), ...record(3), 5, 0];
const sequences = {
  nothing: [], commit: some, queries: [...some, 9, 5, 1, 2, 3, 4, 9, 0x15, 9, 9, 9, 9, 0], filters: [...some, 10, 0, 10, 1, 10, 0x22, 10, 3, 11, 0],
  snapshots: [...some, 12, 0, 1, ...record(4), 12, 4, 1, 12, 0x10, 1, 12, 0x18, 1, 12, 8, 1], wrong: [5, 0, 1, 1, 1, 1, 1, 1, 4, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 0, 8, 0],
  maintenance: [...some, 8, 0, 8, 1, 14, 1, 14, 0, 8, 0x80, 14, 0x80], staging: [...some, 13, 0, 20, 4, 0, 0, 0, 1, 0, 0, 0, 0x65, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13, 1, 13, 3],
  memory: [...some, 16, 3, 0, 1, ...record(9), 5, 0, 16, 0x85, ...record(10), 5, 0, 8, 0], deletes: [...some, 0, 1, 1, 0x41, 1, 0x82, 5, 0, 15, 0, 0, 1, 15, 1, 5, 0],
};
for (const [name, bytes] of Object.entries(sequences)) for (const stored of [0, 1]) put('abi', `${name}-${stored}`, [stored], Buffer.from(bytes));
const rules = new URL('../../src/text/lang/', import.meta.url);
const inflected = { german: 'Verständlichkeiten', dutch: 'lichamelijkheden', russian: 'вавиловка', finnish: 'edeltäjistään' };
for (const name of readdirSync(rules).map((file) => file.slice(0, -5))) {
  const word = Buffer.from(inflected[name] ?? 'continuellements');
  variants('lang', name, [word.length, ...word], Buffer.from(compile(name, readFileSync(new URL(`${name}.stem`, rules), 'utf8'))));
}
const queries = ['a', '"a b"~2', '+a -b', 'a AND b OR NOT c', '(a b)^2', 't:(a "b c")', 'beg*', 'wrod~1,2', 'wrod~', 'a\\:b', '\\AND',
  '((((a))))', '"', 'a^', 'a~9', ')', '(', 'AND', '!!a', 't:u:v', 'ä~2^0.5', '&& a', 'a ||', '~', '*', '^1', 'a ~1', '\\'];
queries.forEach((text, i) => put('textquery', `query-${i}`, [i & 1], Buffer.from(text)));
console.log(`written below ${fileURLToPath(corpus)}`);
