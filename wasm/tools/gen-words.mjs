// gen-words.mjs FILE [--check] - the tables of src/text/unicode.c, from Debian's package unicode-data.
//
// Two facts about each code point: its Word_Break class (Unicode annex 29), refined where the annex leaves words to
// other means: Han, Hiragana and the scripts of Southeast Asia, which are written without spaces, and pictographs; and
// what folding makes of it: compatibility forms replaced (NFKC), then full case folding.
// The file is committed; --check fails when the installed Unicode data, if they are of the version the file names,
// would make another. Without the package it does nothing.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { longestRun } from './runs.mjs';

const DATA = process.env.UNICODE_DATA ?? '/usr/share/unicode';
const LAST = 0x10ffff;
const [file, flag] = process.argv.slice(2);
if (!existsSync(`${DATA}/auxiliary/WordBreakProperty.txt`)) {
  if (flag !== '--check') throw new Error(`no Unicode data in ${DATA}: install Debian's package unicode-data`);
  process.exit(0);
}

const CLASSES = ['Other', 'CR', 'LF', 'Newline', 'Extend', 'ZWJ', 'Regional_Indicator', 'Format', 'Katakana',
  'Hebrew_Letter', 'ALetter', 'Single_Quote', 'Double_Quote', 'MidNumLet', 'MidLetter', 'MidNum', 'Numeric',
  'ExtendNumLet', 'WSegSpace', 'Han', 'Hiragana', 'Complex', 'Pictograph', 'ALetter_Pictograph'];
const id = Object.fromEntries(CLASSES.map((name, i) => [name, i]));

/** Calls fn(code, value) for each code point of a property file. */
function each(path, fn) {
  for (const line of readFileSync(`${DATA}/${path}`, 'utf8').split('\n')) {
    const [range, value] = line.replace(/#.*/, '').split(';').map((part) => part.trim());
    if (!value) continue;
    const [from, to = from] = range.split('..').map((hex) => parseInt(hex, 16));
    for (let code = from; code <= to; code++) fn(code, value);
  }
}

const version = /WordBreakProperty-([\d.]+)\.txt/.exec(readFileSync(`${DATA}/auxiliary/WordBreakProperty.txt`, 'utf8'))[1];
const classes = new Uint8Array(LAST + 1);
each('auxiliary/WordBreakProperty.txt', (code, value) => {
  classes[code] = id[value];
});
const others = (name) => (code) => {
  if (classes[code] === 0) classes[code] = id[name];
};
each('Scripts.txt', (code, value) => {
  if (value === 'Han' || value === 'Hiragana') others(value)(code);
});
each('LineBreak.txt', (code, value) => value === 'SA' && others('Complex')(code));
each('emoji/emoji-data.txt', (code, value) => {
  if (value !== 'Extended_Pictographic') return;
  others('Pictograph')(code);
  if (classes[code] === id.ALetter) classes[code] = id.ALetter_Pictograph;
});

const isAssigned = new Uint8Array(LAST + 1);
/** Super- and subscripts and fractions: they stay, as 10⁵ is not 105. */
const isRaised = new Uint8Array(LAST + 1);
for (const line of readFileSync(`${DATA}/UnicodeData.txt`, 'utf8').split('\n')) {
  if (!line) continue;
  const [hex, , category, , , decomposition] = line.split(';');
  isAssigned[parseInt(hex, 16)] = 1; // the ranges named First and Last fold to themselves
  // A tailoring: super- and subscripts and fractions are digits, so that CO₂ is a word.
  if (!/^<(super|sub|fraction)>/.test(decomposition)) continue;
  isRaised[parseInt(hex, 16)] = 1;
  if (category === 'No') others('Numeric')(parseInt(hex, 16));
}

// ============ Folding ============

const caseOf = new Map();
for (const line of readFileSync(`${DATA}/CaseFolding.txt`, 'utf8').split('\n')) {
  const [code, status, to] = line.split(';').map((part) => part.trim());
  if (status === 'C' || status === 'F') caseOf.set(parseInt(code, 16), to.split(' ').map((hex) => parseInt(hex, 16)));
}
// Sharp s stays, as in Lucene, and its capital becomes it: stemmers of German know what to make of it.
caseOf.delete(0xdf);
caseOf.set(0x1e9e, [0xdf]);
const codes = (text) => [...text].map((c) => c.codePointAt(0));
const text = (list) => String.fromCodePoint(...list);
const foldCase = (list) => list.flatMap((code) => caseOf.get(code) ?? [code]);
/** Where compatibility forms are replaced: Latin, letterlike signs, ligatures, full and half width. Elsewhere they
 * are rare, and would double the table. */
const COMPATIBILITY = [[0x80, 0x24f], [0x2100, 0x214f], [0xfb00, 0xfb06], [0xff00, 0xffef]];
const isReplaced = (code) => COMPATIBILITY.some(([low, high]) => code >= low && code <= high);

function fold(code) {
  if (!isAssigned[code] || !isReplaced(code)) return foldCase([code]);
  let list = [code];
  for (let before = ''; before !== text(list);) {
    before = text(list);
    list = foldCase(list.flatMap((one) => (isRaised[one] ? [one] : codes(text([one]).normalize('NFKC')))));
  }
  // What would bring in spaces or would break words otherwise stays.
  return list.length > 4 || list.some((one) => one < 0x80 && classes[one] === 0) || list.includes(0x20) ? foldCase([code]) : list;
}

const changes = [];
for (let code = 0x80; code <= LAST; code++) {
  if (code >= 0xd800 && code <= 0xdfff) continue;
  const to = fold(code);
  if (to.length !== 1 || to[0] !== code) changes.push({ code, to });
}

// Runs: from, from + step, ... become to, to + rise, ...; a longer result is a run of one that points at `longer`.
const runs = [];
const longer = [];
for (let i = 0; i < changes.length;) {
  const { code, to } = changes[i];
  if (to.length > 1) {
    let at = longer.findIndex((_, j) => to.every((one, n) => longer[j + n] === one));
    if (at < 0) at = longer.push(...to) - to.length;
    runs.push({ from: code, count: 1, to: at, step: to.length - 1, rise: 3 });
    i++;
    continue;
  }
  const run = longestRun(changes, i);
  runs.push(run);
  i += run.count;
}

// ============ Writing ============

// Classes as bytes: each range is its length in 7-bit groups behind its class; every STRIDE-th is found by halving.
const STRIDE = 32;
const bytes = [];
const starts = [];
let n = 0;
for (let from = 0; from <= LAST; n++) {
  let to = from;
  while (to < LAST && classes[to + 1] === classes[from]) to++;
  if (n % STRIDE === 0) starts.push({ from, at: bytes.length });
  let length = to - from + 1;
  const small = Math.min(length, 7);
  if (length < 7) bytes.push(classes[from] | small << 5);
  else {
    bytes.push(classes[from]);
    for (; length > 127; length >>>= 7) bytes.push((length & 127) | 128);
    bytes.push(length);
  }
  from = to + 1;
}
const from = starts.map((start) => start.from);
const at = starts.map((start) => start.at);

function table(type, name, numbers) {
  const words = numbers.map((number) => (number < 10 ? `${number}` : `0x${(number >>> 0).toString(16)}`));
  const lines = [];
  let line = ' ';
  for (const word of words) {
    if (line.length + word.length > 116) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word},`;
  }
  return `static const ${type} ${name}[${words.length}] = {\n${[...lines, line].join('\n')}\n};\n`;
}

const source = `/* word_tables.gen.h - generated by wasm/tools/gen-words.mjs from Unicode ${version}; read by unicode.c alone.
 *
 * Layer: text. CLASS_ASCII: the classes of the first 128 code points. CLASS_BYTES: ranges of code points in order, each
 * a byte class | length << 5, or, from 7 code points on, class and then the length in 7-bit groups, the lowest first.
 * CLASS_FROM: the code point every ${STRIDE}th range begins at, CLASS_AT: where its byte is. RUN_FROM: first code
 * point | count - 1 << 21. RUN_TO: first result | step - 1 << 21 | rise << 22; rise 3: results LONGER[first ...], their
 * number less 1 in the count and, its lowest bit, in the step.
 */
#ifndef VS_WORD_TABLES_H
#define VS_WORD_TABLES_H

#include <stdint.h>

/* clang-format off */
${table('uint8_t', 'CLASS_ASCII', [...classes.subarray(0, 128)])}
${table('uint8_t', 'CLASS_BYTES', bytes)}
${table('uint32_t', 'CLASS_FROM', from)}
${table('uint16_t', 'CLASS_AT', at)}
${table('uint32_t', 'RUN_FROM', runs.map((run) => run.from | ((run.rise === 3 ? run.step >> 1 : run.count - 1) << 21)))}
${table('uint32_t', 'RUN_TO', runs.map((run) => run.to | ((run.rise === 3 ? run.step & 1 : run.step - 1) << 21) | (run.rise << 22)))}
${table('uint16_t', 'LONGER', longer)}
/* clang-format on */
#endif
`;
if (longer.some((code) => code > 0xffff)) throw new Error('a longer result is beyond 16 bits');

if (flag !== '--check') {
  writeFileSync(file, source);
  const { gzipSync } = await import('node:zlib');
  const raw = Buffer.concat([Buffer.from(bytes), Buffer.from(Uint32Array.from(from).buffer), Buffer.from(Uint16Array.from(at).buffer)]);
  const folds = Buffer.concat([Buffer.from(Uint32Array.from(runs.map((r) => r.from)).buffer),
    Buffer.from(Uint32Array.from(runs.map((r) => r.to)).buffer), Buffer.from(Uint16Array.from(longer).buffer)]);
  console.log(`${n} ranges in ${raw.length} bytes (${gzipSync(raw).length} gzip), ${runs.length} runs for ${changes.length} ` +
    `code points and ${longer.length} longer in ${folds.length} (${gzipSync(folds).length} gzip)`);
} else {
  const there = readFileSync(file, 'utf8');
  if (there.split('\n')[0] === source.split('\n')[0] && there !== source) {
    console.error(`${file} does not match wasm/tools/gen-words.mjs`);
    process.exit(1);
  }
}
