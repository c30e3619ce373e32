// wasm-module.mjs - a linked module taken apart into its tables, and put together from such; what an object file
// defines. For split.mjs; wasm-binary.mjs is for looking only.

import { SECTION, sections } from './wasm-binary.mjs';
import { sleb, uleb } from './wasm-code.mjs';

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new Error('a section ends too early');
    return this.bytes[this.at++];
  }

  uint() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** A signed 32-bit number. */
  int() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 25 && byte & 0x40 ? value | (-1 << (shift + 7)) : value;
    }
  }

  /** @param {number} n */
  take(n) {
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  name() {
    return Buffer.from(this.take(this.uint())).toString();
  }

  /** @template T @param {() => T} read @returns {T[]} */
  list(read) {
    return Array.from({ length: this.uint() }, read);
  }

  /** The bytes that `read` reads. @param {() => void} read */
  bytesOf(read) {
    const from = this.at;
    read();
    return [...this.bytes.subarray(from, this.at)];
  }

  limits() {
    const flags = this.uint();
    this.uint();
    if (flags & 1) this.uint();
  }

  /** The number of a constant expression: i32.const, end. */
  offset() {
    if (this.byte() !== 0x41) throw new Error('an offset that is not constant');
    const value = this.int() >>> 0;
    if (this.byte() !== 0x0b) throw new Error('an offset that is more than a number');
    return value;
  }
}

/** A linked module. Imports come first in the numbering of functions; there is one table and one memory. */
export class Module {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const found = new Map(sections(bytes).map((s) => [s.id === 0 ? s.name : s.id, s.body]));
    const reader = (id) => new Reader(found.get(id) ?? new Uint8Array([0]));

    let r = reader(SECTION.type);
    this.types = r.list(() => {
      let parameters = 0;
      const bytes = r.bytesOf(() => {
        r.byte();
        parameters = r.uint();
        r.take(parameters);
        r.take(r.uint());
      });
      return { parameters, bytes };
    });

    r = reader(SECTION.import);
    this.imports = r.list(() => {
      const [module, name, kind] = [r.name(), r.name(), r.byte()];
      if (kind !== 0) throw new Error(`${module}.${name} is imported, but no function`);
      return { module, name, kind, description: r.bytesOf(() => r.uint()) };
    });
    this.nImports = this.imports.length;

    r = reader(SECTION.function);
    this.functionTypes = r.list(() => r.uint());
    this.importTypes = this.imports.map(({ description }) => new Reader(Uint8Array.from(description)).uint());

    r = reader(SECTION.table);
    this.tableSize = 0;
    r.list(() => {
      r.byte();
      r.uint();
      this.tableSize = r.uint();
      r.uint();
    });
    r = reader(SECTION.memory);
    r.uint();
    this.memory = r.bytesOf(() => r.limits());

    r = reader(SECTION.global);
    this.globals = r.list(() => {
      const type = [...r.take(2)];
      const start = r.bytesOf(() => {
        r.byte();
        r.int();
        if (r.byte() !== 0x0b) throw new Error('a global of a kind that is not known');
      });
      return { type, start };
    });

    r = reader(SECTION.export);
    this.exports = r.list(() => ({ name: r.name(), kind: r.byte(), index: r.uint() }));
    this.start = found.has(SECTION.start) ? new Reader(found.get(SECTION.start)).uint() : undefined;

    r = reader(SECTION.element);
    this.elements = r.list(() => {
      if (r.uint() !== 0) throw new Error('an element segment of a kind that is not known');
      return { at: r.offset(), functions: r.list(() => r.uint()) };
    });

    r = reader(SECTION.code);
    this.bodies = r.list(() => r.take(r.uint()));
    r = reader(SECTION.data);
    this.data = r.list(() => {
      if (r.uint() !== 0) throw new Error('a data segment of a kind that is not known');
      return { at: r.offset(), bytes: Buffer.from(r.take(r.uint())) };
    });
    this.names = functionNames(found.get('name'));
  }

  /** @param {number} f */
  typeOf(f) {
    return f < this.nImports ? this.importTypes[f] : this.functionTypes[f - this.nImports];
  }

  /** The function at each place of the table. @returns {(number | undefined)[]} */
  slots() {
    const slots = new Array(this.tableSize).fill(undefined);
    for (const { at, functions } of this.elements) functions.forEach((f, i) => (slots[at + i] = f));
    return slots;
  }
}

/** @param {Uint8Array | undefined} section @returns {Map<number, string>} */
function functionNames(section) {
  const names = new Map();
  if (!section) return names;
  const r = new Reader(section);
  while (r.at < section.length) {
    const id = r.byte();
    const end = r.uint() + r.at;
    if (id === 1) for (let n = r.uint(); n > 0; n--) names.set(r.uint(), r.name());
    r.at = end;
  }
  return names;
}

const name = (text) => {
  const bytes = Buffer.from(text);
  return [...uleb(bytes.length), ...bytes];
};
const list = (items) => Buffer.concat([Buffer.from(uleb(items.length)), ...items.map((item) => Buffer.from(item))]);
const sized = (bytes) => Buffer.concat([Buffer.from(uleb(bytes.length)), bytes]);
const section = (id, body) => Buffer.concat([Buffer.from([id]), sized(Buffer.from(body))]);
const offset = (at) => [0x41, ...sleb(at | 0), 0x0b];

/**
 * A module of these parts. `table` is the size of its own, absent where it is imported; so is `memory`.
 */
export function emit({ types, imports, functions, table, memory, globals, exports, start, elements, bodies, data, names }) {
  const parts = [
    Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    section(SECTION.type, list(types.map(({ bytes }) => bytes))),
    section(SECTION.import, list(imports.map((one) => [...name(one.module), ...name(one.name), one.kind, ...one.description]))),
    section(SECTION.function, list(functions.map((type) => uleb(type)))),
  ];
  if (table !== undefined) parts.push(section(SECTION.table, list([[0x70, 1, ...uleb(table), ...uleb(table)]])));
  if (memory !== undefined) parts.push(section(SECTION.memory, list([memory])));
  if (globals.length > 0) parts.push(section(SECTION.global, list(globals.map((one) => [...one.type, ...one.start]))));
  parts.push(section(SECTION.export, list(exports.map((one) => [...name(one.name), one.kind, ...uleb(one.index)]))));
  if (start !== undefined) parts.push(section(SECTION.start, Buffer.from(uleb(start))));
  parts.push(section(SECTION.element, list(elements.map((one) =>
    [0, ...offset(one.at), ...list(one.functions.map((f) => uleb(f)))]))));
  parts.push(section(SECTION.code, list(bodies.map((body) => sized(body)))));
  if (data.length > 0) {
    parts.push(section(SECTION.data, list(data.map((one) => Buffer.concat([Buffer.from([0, ...offset(one.at)]), sized(one.bytes)])))));
  }
  const functionMap = list([...names].map(([f, text]) => [...uleb(f), ...name(text)]));
  parts.push(section(0, Buffer.concat([Buffer.from(name('name')), Buffer.from([1]), sized(functionMap)])));
  return Buffer.concat(parts);
}

/**
 * What an object file defines: its functions' names, and its constants without addresses in them that no other file
 * names.
 * @param {Uint8Array} bytes
 * @returns {{ functions: string[], data: Buffer[] }}
 */
export function symbolsOf(bytes) {
  const all = sections(bytes);
  const imported = importedNames(all.find(({ id }) => id === SECTION.import)?.body);
  const linking = all.find((s) => s.name === 'linking');
  const segments = dataOf(all.find(({ id }) => id === SECTION.data)?.body);
  const functions = [];
  const shared = new Set();
  const r = new Reader(linking?.body ?? new Uint8Array([2]));
  r.uint();
  while (r.at < r.bytes.length) {
    const type = r.byte();
    const end = r.uint() + r.at;
    if (type === 8) {
      r.list(() => {
        const [kind, flags] = [r.byte(), r.uint()];
        const defined = !(flags & 0x10), local = (flags & 3) === 2;
        if (kind === 3) r.uint();
        else if (kind === 1) {
          const symbol = r.name();
          void symbol;
          if (!defined) return;
          const segment = r.uint();
          r.uint();
          r.uint();
          if (!local) shared.add(segment);
        } else {
          const index = r.uint();
          const symbol = defined || flags & 0x40 ? r.name() : imported[index];
          if (kind === 0 && defined) functions.push(symbol);
        }
      });
    }
    r.at = end;
  }
  const relocated = relocatedSegments(all, segments);
  const data = segments.map(({ bytes }) => bytes).filter((_, i) => !shared.has(i) && !relocated.has(i));
  return { functions, data };
}

/** @param {Uint8Array | undefined} body */
function importedNames(body) {
  if (!body) return [];
  const r = new Reader(body);
  const names = [];
  r.list(() => {
    r.name();
    const text = r.name();
    const kind = r.byte();
    if (kind === 0) {
      r.uint();
      names.push(text);
    } else if (kind === 1) {
      r.byte();
      r.limits();
    } else if (kind === 2) r.limits();
    else r.take(2);
  });
  return names;
}

/** @param {Uint8Array | undefined} body @returns {{ from: number, to: number, bytes: Buffer }[]} */
function dataOf(body) {
  if (!body) return [];
  const r = new Reader(body);
  return r.list(() => {
    if (r.uint() !== 0) throw new Error('a data segment of a kind that is not known');
    r.offset();
    const n = r.uint();
    const from = r.at;
    return { from, to: from + n, bytes: Buffer.from(r.take(n)) };
  });
}

/** Which data segments hold addresses. */
function relocatedSegments(all, segments) {
  const found = new Set();
  const relocations = all.find((s) => s.name === 'reloc.DATA');
  if (!relocations) return found;
  const r = new Reader(relocations.body);
  r.uint();
  r.list(() => {
    const type = r.byte();
    const at = r.uint();
    r.uint();
    // Addresses have an addend, places of the table and indices have none.
    if ([3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23].includes(type)) r.int();
    found.add(segments.findIndex(({ from, to }) => at >= from && at < to));
  });
  return found;
}
