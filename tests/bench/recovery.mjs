// recovery.mjs - what opening a store with a long log costs: reading and checking the log, and inserting its records
// into the graph again. One JSON line per measurement.
//
//   node tests/bench/recovery.mjs [MiB] [MiB with a graph]    (64 MiB of upserts of 384 dimensions, about 40,000 records)
//
// The log is made by upserts in batches of 100 while the engine's own checkpoints are kept from running, the files are
// kept in memory by a StorageHost, and the store is left without closing, as a crash leaves it. Opened with
// `index: { type: 'flat' }` the same bytes are read, checked, decoded and kept, without a graph; with the default index
// each record is inserted too. The difference, per record, is the re-insertion. Times are of the process' CPU, so that other jobs on
// the machine count little; each opening is done `ROUNDS` times, the kinds in turn, and the median is told.
import { Engine } from '../../js/src/engine/engine.js';
import { VecStore, VecStoreError } from '../../js/src/index.node.js';

const SIZE = { flat: Number(process.argv[2] ?? 64), auto: Number(process.argv[3] ?? process.argv[2] ?? 64) };
const DIM = 384, BATCH = 100, ROUNDS = 3;

/** Files in memory. */
class MemoryHost {
  files = new Map();
  directories = new Set(['']);

  open(path) {
    const file = this.files.get(path);
    if (!file) throw new VecStoreError('NOT_FOUND', path);
    return {
      read: (at, into) => {
        const part = file.bytes.subarray(at, Math.min(file.size, at + into.length));
        into.set(part);
        return part.length;
      },
      append: (bytes) => {
        if (file.size + bytes.length > file.bytes.length) {
          const grown = new Uint8Array(Math.max(file.bytes.length * 2, file.size + bytes.length));
          grown.set(file.bytes.subarray(0, file.size));
          file.bytes = grown;
        }
        file.bytes.set(bytes, file.size);
        file.size += bytes.length;
      },
      size: () => file.size,
    };
  }

  create(path) {
    this.files.set(path, { bytes: new Uint8Array(4096), size: 0 });
    return this.open(path);
  }

  remove(path) {
    this.files.delete(path);
  }

  list(directory) {
    if (!this.directories.has(directory)) throw new VecStoreError('NOT_FOUND', directory);
    const within = (path) => path !== '' && path.slice(0, Math.max(0, path.lastIndexOf('/'))) === directory;
    const name = (path) => path.slice(path.lastIndexOf('/') + 1);
    return [...[...this.files.keys()].filter(within).map(name), ...[...this.directories].filter(within).map((path) => `${name(path)}/`)];
  }

  mkdir(path) {
    this.directories.add(path);
  }

  async sync() {}

  /** Another one with the same files. */
  copy() {
    const other = new MemoryHost();
    for (const [path, { bytes, size }] of this.files) other.files.set(path, { bytes: bytes.slice(0, size), size });
    other.directories = new Set(this.directories);
    return other;
  }
}

let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** A store of this kind of index whose log alone has its SIZE; gives its files and how many records it holds. */
async function leaveLog(type) {
  const host = new MemoryHost(), { checkpoint } = Engine.prototype;
  Engine.prototype.checkpoint = () => {
    throw new VecStoreError('CONFLICT', 'no checkpoint in this bench');
  };
  state = 1;
  const store = await VecStore.open({ storage: host, dimension: DIM, metric: 'cosine', index: { type } });
  let id = 0;
  for (let logged = 0; logged < SIZE[type] * 2 ** 20; id += BATCH) {
    await store.upsert(Array.from({ length: BATCH }, (_, i) => (
      { id: id + i, vector: Float32Array.from({ length: DIM }, () => random() - 0.5), metadata: { n: id + i } })));
    logged = (await store.stats()).storage.walBytes;
  }
  Engine.prototype.checkpoint = checkpoint;
  return { host, count: id };
}

const cpu = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const kinds = [];
for (const type of ['flat', 'auto']) kinds.push({ type, ...await leaveLog(type), seconds: [], wall: [] });
for (let round = 0; round < ROUNDS; round++) {
  for (const kind of kinds) {
    const host = kind.host.copy();
    const start = process.cpuUsage(), clock = performance.now();
    const store = await VecStore.open({ storage: host });
    kind.seconds.push(cpu(start));
    kind.wall.push((performance.now() - clock) / 1000);
    const { count, storage } = await store.stats();
    if (count !== kind.count) throw new Error(`${count} of ${kind.count} records came back`);
    kind.walBytes = storage.walBytes;
  }
}
const rounded = (x) => Number(x.toFixed(3));
for (const { type, walBytes, count, seconds, wall } of kinds) {
  console.log(JSON.stringify({ what: 'opening', index: type, logMiB: rounded(walBytes / 2 ** 20), records: count,
    cpuSeconds: seconds.map(rounded), wallSeconds: wall.map(rounded) }));
}
const [flat, graph] = kinds.map(({ seconds, count }) => ({ all: median(seconds), each: median(seconds) / count }));
console.log(JSON.stringify({ what: 'split', readingAndCheckingSeconds: rounded(flat.all),
  insertingPerRecordMs: rounded((graph.each - flat.each) * 1000), insertingSeconds: rounded((graph.each - flat.each) * kinds[1].count),
  node: process.versions.node }));
