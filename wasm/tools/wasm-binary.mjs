// wasm-binary.mjs - the little of the WASM binary format the checks need:
// which sections a module has, its imports and exports. Reads modules the
// running Node cannot compile (relaxed SIMD) and object files alike.

export const SECTION = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11, dataCount: 12 };
const KINDS = ['func', 'table', 'memory', 'global', 'tag'];

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** Unsigned LEB128. */
  uint() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.byte();
      value += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return value;
    }
  }

  name() {
    const n = this.uint();
    this.at += n;
    return Buffer.from(this.bytes.subarray(this.at - n, this.at)).toString();
  }

  limits() {
    if (this.uint() & 1) this.uint();
    this.uint();
  }
}

/** @returns {{ id: number, name?: string, body: Uint8Array }[]} */
export function sections(bytes) {
  const r = new Reader(bytes);
  r.at = 8;
  const found = [];
  while (r.at < bytes.length) {
    const id = r.byte();
    const size = r.uint();
    const body = bytes.subarray(r.at, r.at + size);
    if (id === 0) {
      const inner = new Reader(body);
      const name = inner.name();
      found.push({ id, name, body: body.subarray(inner.at) });
    } else {
      found.push({ id, body });
    }
    r.at += size;
  }
  return found;
}

const section = (bytes, id) => sections(bytes).find((s) => s.id === id)?.body ?? new Uint8Array([0]);

/** @returns {{ module: string, name: string, kind: string }[]} */
export function imports(bytes) {
  const r = new Reader(section(bytes, SECTION.import));
  return Array.from({ length: r.uint() }, () => {
    const entry = { module: r.name(), name: r.name(), kind: KINDS[r.byte()] };
    if (entry.kind === 'table') r.byte();
    if (entry.kind === 'table' || entry.kind === 'memory') r.limits();
    else if (entry.kind === 'global') r.at += 2;
    else r.uint();
    return entry;
  });
}

/** @returns {{ name: string, kind: string }[]} */
export function exportsOf(bytes) {
  const r = new Reader(section(bytes, SECTION.export));
  return Array.from({ length: r.uint() }, () => {
    const entry = { name: r.name(), kind: KINDS[r.byte()] };
    r.uint();
    return entry;
  });
}

/** Names of an object file's data segments (.rodata.x, .data.y, .bss.z), from its linking section. */
export function segmentNames(bytes) {
  const linking = sections(bytes).find((s) => s.name === 'linking');
  if (!linking) return [];
  const SEGMENT_INFO = 5;
  const r = new Reader(linking.body);
  r.uint();
  const names = [];
  while (r.at < linking.body.length) {
    const type = r.byte();
    const end = r.uint() + r.at;
    if (type === SEGMENT_INFO) {
      for (let n = r.uint(); n > 0; n--) {
        names.push(r.name());
        r.uint();
        r.uint();
      }
    }
    r.at = end;
  }
  return names;
}
