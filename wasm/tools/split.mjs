// split.mjs LINKED CORE MORE OBJECT... - a linked engine as two modules that share memory and table: what is loaded at
// once and what is loaded when it is first needed (wasm/parts.mjs says what belongs where).
//
// CORE has, in place of each function of MORE that it may get to, an entry of the function table: its direct calls of
// one go through the table. Until MORE is there those entries hold functions imported from the module `more`, named by
// their place in the table, with which the host loads it. MORE imports from the module `core` all that it uses of it,
// and on instantiation puts its functions into the table and its data into the memory. So afterwards no call goes
// through JavaScript.
//
// A function is in the core if its object file (or itself) is listed as core and something of the core reaches it by
// calls; those of the C library if something of the core reaches them. Functions in the table are reached: which code
// asks for them is not known.
//
// MORE's data are those constants of its object files of which the linked module holds exactly one copy, found by their
// bytes: a reader of relocations would say the same and need tools that keep them.
//
// Both carry a hash of LINKED and of the division in the name under which the table is shared, so that parts of different builds do not
// link.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { CORE_FILES, CORE_FUNCTIONS, MORE_FUNCTIONS } from '../parts.mjs';
import { Module, emit, symbolsOf } from './wasm-module.mjs';
import { placesIn, rewrite, sleb, uleb } from './wasm-code.mjs';

const [linked, coreFile, moreFile, ...rest] = process.argv.slice(2);
const explains = rest[0] === '--explain';
const objects = explains ? rest.slice(1) : rest;

const bytes = readFileSync(linked);
const engine = new Module(bytes);

// ============ Which function is from where ============

/** build/wasi/db/op_open.reactor.o is db/op_open */
const fileOf = (object) => /(?:wasi|emcc)\/(.*?)(?:\.reactor)?\.o$/.exec(object)[1];
/** @type {Map<string, string>} name -> file */
const home = new Map();
const objectOf = new Map();
for (const object of objects) {
  const parsed = symbolsOf(readFileSync(object));
  objectOf.set(fileOf(object), parsed);
  for (const name of parsed.functions) home.set(name, fileOf(object));
}
/** Emscripten's tools write a static function's name as C++ has it; its number says which file it is from. */
const byNumber = new Map();
for (const [name, file] of home) {
  const found = /__uniq\.(\d+)/.exec(name);
  if (found) byNumber.set(found[1], file);
}
const homeOf = (name) => home.get(name) ?? byNumber.get(/__uniq\.(\d+)/.exec(name)?.[1]);
/** A function's name as in the sources. */
const plain = (name) => {
  const mangled = /^_ZL?(\d+)(.*)/.exec(name);
  if (mangled) return mangled[2].slice(0, Number(mangled[1]));
  return /^[\w$]+/.exec(name)?.[0] ?? name;
};

const missing = CORE_FILES.filter((file) => !objectOf.has(file));
if (missing.length > 0) throw new Error(`wasm/parts.mjs names files that are not linked: ${missing}`);
const known = new Set([...home.keys()].map(plain));
const unknown = [...CORE_FUNCTIONS, ...MORE_FUNCTIONS].map((name) => name.split(':').pop()).filter((name) => !known.has(name));
if (unknown.length > 0) throw new Error(`wasm/parts.mjs names functions that are not there: ${unknown}`);

const coreFiles = new Set(CORE_FILES), coreFunctions = new Set(CORE_FUNCTIONS), moreFunctions = new Set(MORE_FUNCTIONS);
/** @returns {boolean | undefined} undefined: of the C library */
function mayBeCore(i) {
  const name = engine.names.get(i) ?? '';
  const file = homeOf(name);
  if (file === undefined) return undefined;
  const listed = (set) => set.has(plain(name)) || set.has(`${file}:${plain(name)}`);
  return listed(coreFunctions) || (coreFiles.has(file) && !listed(moreFunctions));
}

// ============ What the core reaches ============

const { nImports } = engine;
const places = engine.bodies.map((body) => placesIn(body));
const calls = places.map((found) => [...new Set(found.filter(({ kind }) => kind === 'func').map(({ index }) => index))]);
const slots = engine.slots();
const core = new Set();
const waiting = [...engine.exports.filter(({ kind }) => kind === 0).map(({ index }) => index), ...slots.filter((f) => f !== undefined)];
if (engine.start !== undefined) waiting.push(engine.start);
for (const i of waiting) {
  if (i < nImports || core.has(i) || mayBeCore(i) === false) continue;
  core.add(i);
  waiting.push(...calls[i - nImports]);
}
const isMore = (i) => i >= nImports && !core.has(i);

const hash = createHash('sha256').update(bytes).update(JSON.stringify([...core])).digest('hex').slice(0, 8);

// ============ Places in the table ============

const slotOf = new Map();
slots.forEach((f, slot) => {
  if (f !== undefined && !slotOf.has(f)) slotOf.set(f, slot);
});
function needSlot(i) {
  if (!slotOf.has(i)) slotOf.set(i, slots.push(i) - 1);
  return slotOf.get(i);
}
for (const i of core) for (const callee of calls[i - nImports]) if (isMore(callee)) needSlot(callee);
const exportedMore = engine.exports.filter(({ kind, index }) => kind === 0 && isMore(index));
for (const { index } of exportedMore) needSlot(index);

// ============ The core ============

const call = (i) => [0x41, ...sleb(needSlot(i)), 0x11, ...uleb(engine.typeOf(i)), 0];
const placeholders = slots.map((f, slot) => ({ f, slot })).filter(({ f }) => f !== undefined && isMore(f));
const coreOrder = [...core].sort((a, b) => a - b);
const firstOwn = nImports + placeholders.length;
const inCore = new Map(coreOrder.map((f, i) => [f, firstOwn + i]));
const placeholderOf = new Map(placeholders.map(({ slot }, i) => [slot, nImports + i]));
const coreIndex = (f) => (f < nImports ? f : inCore.get(f));

const changed = (i, change) => rewrite(engine.bodies[i - nImports], places[i - nImports].flatMap((place) => {
  const bytes = change(place);
  return bytes ? [{ from: bytes.whole ? place.from : place.at, to: place.to, bytes: bytes.whole ?? bytes }] : [];
}));
const coreBodies = coreOrder.map((f) => changed(f, ({ kind, index }) =>
  (kind !== 'func' ? undefined : isMore(index) ? { whole: call(index) } : uleb(coreIndex(index)))));

// What the host calls in the part: through the table too.
const doors = [...new Set(exportedMore.map(({ index }) => index))];
const doorOf = new Map(doors.map((f, i) => [f, firstOwn + coreOrder.length + i]));
const doorBodies = doors.map((f) => {
  const parameters = engine.types[engine.typeOf(f)].parameters;
  return Buffer.from([0, ...Array.from({ length: parameters }, (_, i) => [0x20, ...uleb(i)]).flat(), ...call(f), 0x0b]);
});

// ============ What is loaded later ============

const moreOrder = engine.bodies.map((_, i) => i + nImports).filter(isMore);
const used = { func: new Map(), global: new Map() };
const share = (kind, index) => {
  if (!used[kind].has(index)) used[kind].set(index, used[kind].size);
  return used[kind].get(index);
};
for (const f of moreOrder) {
  for (const { kind, index } of places[f - nImports]) {
    if (kind === 'global' || (kind === 'func' && !isMore(index))) share(kind, index);
  }
}
const inMore = new Map(moreOrder.map((f, i) => [f, used.func.size + i]));
const moreIndex = (f) => inMore.get(f) ?? used.func.get(f);
const moreBodies = moreOrder.map((f) => changed(f, ({ kind, index }) =>
  (kind === 'func' ? uleb(moreIndex(index)) : kind === 'global' ? uleb(used.global.get(index)) : undefined)));

const sharedName = (kind, index) => `${kind[0]}${share(kind, index).toString(36)}`;
const moreImports = [
  { module: 'core', name: `memory`, kind: 2, description: engine.memory },
  { module: 'core', name: `table-${hash}`, kind: 1, description: [0x70, 1, ...uleb(slots.length), ...uleb(slots.length)] },
  ...[...used.func.keys()].map((f) => ({ module: 'core', name: sharedName('func', f), kind: 0, description: uleb(engine.typeOf(f)) })),
  ...[...used.global.keys()].map((g) => ({ module: 'core', name: sharedName('global', g), kind: 3, description: engine.globals[g].type })),
];

// ============ Data ============

/** A file of which the core has some function: which of its constants that one needs is not known. */
const coreHomes = new Set([...core].map((f) => homeOf(engine.names.get(f) ?? '')));
const isMoreFile = (file) => !coreFiles.has(file) && !coreHomes.has(file);
const at = (data, piece) => {
  const first = data.indexOf(piece);
  return first >= 0 && data.indexOf(piece, first + 1) < 0 ? first : -1;
};
const isZero = (piece) => piece.every((byte) => byte === 0);
/** Memory is zero where no segment is: an empty string may end another file's text. */
const coreStrings = [...objectOf].filter(([file]) => !isMoreFile(file)).flatMap(([, { data }]) => data).filter((piece) => !isZero(piece));
const endsWith = (a, b) => a.length >= b.length && a.subarray(a.length - b.length).equals(b);
/** How much of a text's end may be one of the core's: the linker lets texts that end alike share bytes. */
const sharedEnd = (piece) => coreStrings.reduce((most, other) =>
  (endsWith(other, piece) ? piece.length : endsWith(piece, other) ? Math.max(most, other.length) : most), 0);
/** Shorter ones would cost more than they are. */
const LEAST_BYTES = 8;
const moved = [];
for (const [file, { data }] of objectOf) {
  if (!isMoreFile(file)) continue;
  for (const piece of data) {
    const n = piece.length - sharedEnd(piece);
    if (n < LEAST_BYTES || isZero(piece)) continue;
    for (const segment of engine.data) {
      const found = at(segment.bytes, piece);
      if (found >= 0) moved.push({ from: segment.at + found, to: segment.at + found + n });
    }
  }
}
moved.sort((a, b) => a.from - b.from);
/** Neighbours as one: each segment costs some bytes. */
const runs = [];
for (const { from, to } of moved) {
  const last = runs.at(-1);
  if (last && from <= last.to) last.to = Math.max(last.to, to);
  else runs.push({ from, to });
}
const moreData = [];
const coreData = engine.data.flatMap(({ at: start, bytes }) => {
  const end = start + bytes.length;
  const pieces = [];
  let done = start;
  for (const { from, to } of runs.filter((run) => run.from >= start && run.to <= end)) {
    if (from > done) pieces.push({ at: done, bytes: bytes.subarray(done - start, from - start) });
    moreData.push({ at: from, bytes: bytes.subarray(from - start, to - start) });
    done = to;
  }
  if (end > done) pieces.push({ at: done, bytes: bytes.subarray(done - start) });
  return pieces;
});

// ============ Writing ============

/** Places that follow each other become one segment. */
function elements(entries) {
  const segments = [];
  for (const { slot, f } of entries) {
    const last = segments.at(-1);
    if (last && last.at + last.functions.length === slot) last.functions.push(f);
    else segments.push({ at: slot, functions: [f] });
  }
  return segments;
}

const exports = engine.exports.map(({ name, kind, index }) =>
  ({ name, kind, index: kind === 0 ? doorOf.get(isMore(index) ? index : -1) ?? coreIndex(index) : index }));
for (const f of used.func.keys()) exports.push({ name: sharedName('func', f), kind: 0, index: coreIndex(f) });
for (const g of used.global.keys()) exports.push({ name: sharedName('global', g), kind: 3, index: g });
exports.push({ name: `table-${hash}`, kind: 1, index: 0 });

writeFileSync(coreFile, emit({
  types: engine.types,
  imports: [...engine.imports,
    ...placeholders.map(({ f, slot }) => ({ module: 'more', name: `${slot}`, kind: 0, description: uleb(engine.typeOf(f)) }))],
  functions: [...coreOrder, ...doors].map((f) => engine.typeOf(f)),
  table: slots.length,
  memory: engine.memory,
  globals: engine.globals,
  exports,
  start: engine.start === undefined ? undefined : coreIndex(engine.start),
  elements: elements(slots.flatMap((f, slot) => (f === undefined ? [] : [{ slot, f: placeholderOf.get(slot) ?? coreIndex(f) }]))),
  bodies: [...coreBodies, ...doorBodies],
  data: coreData,
  names: new Map([...coreOrder.map((f) => [inCore.get(f), engine.names.get(f) ?? '']), ...doors.map((f) => [doorOf.get(f), `door ${engine.names.get(f)}`])]),
}));
writeFileSync(moreFile, emit({
  types: engine.types,
  imports: moreImports,
  functions: moreOrder.map((f) => engine.typeOf(f)),
  globals: [],
  exports: [],
  elements: elements(slots.flatMap((f, slot) => (f === undefined || !isMore(f) ? [] : [{ slot, f: moreIndex(f) }]))),
  bodies: moreBodies,
  data: moreData,
  names: new Map(moreOrder.map((f) => [moreIndex(f), engine.names.get(f) ?? ''])),
}));

// ============ Explaining ============

if (explains) {
  const size = (list) => list.reduce((sum, f) => sum + engine.bodies[f - nImports].length, 0);
  const byFile = (list) => {
    const sums = new Map();
    for (const f of list) {
      const file = homeOf(engine.names.get(f) ?? '') ?? 'C library';
      sums.set(file, (sums.get(file) ?? 0) + engine.bodies[f - nImports].length);
    }
    return [...sums].sort((a, b) => b[1] - a[1]).map(([file, n]) => `${file} ${n}`).join(', ');
  };
  console.log(`core ${size(coreOrder)} bytes of code: ${byFile(coreOrder)}\n\nmore ${size(moreOrder)}: ${byFile(moreOrder)}\n`);
  for (const f of coreOrder) {
    const cut = calls[f - nImports].filter(isMore);
    if (cut.length > 0) console.log(`${homeOf(engine.names.get(f))}:${plain(engine.names.get(f))} -> ${cut.map((c) => plain(engine.names.get(c))).join(', ')}`);
  }
  console.log(`\nfunctions of the core, by size: ${coreOrder.map((f) => [plain(engine.names.get(f) ?? '?'), engine.bodies[f - nImports].length]).sort((a, b) => b[1] - a[1]).slice(0, 150).map((x) => x.join(' ')).join(', ')}`);
  console.log(`data: core ${coreData.reduce((s, d) => s + d.bytes.length, 0)} in ${coreData.length}, more ${moreData.reduce((s, d) => s + d.bytes.length, 0)} in ${moreData.length}; ${placeholders.length} placeholders, ${used.func.size} functions shared`);
}
