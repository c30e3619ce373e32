// writes.mjs - what writing costs: bytes per commit, write amplification, latency of one commit.
//
//   node tests/bench/writes.mjs [N]     (100,000 records of 384 dimensions; about as long as building the index takes)
//
// Bytes are counted where the engine appends them, by a StorageHost that keeps the files in memory: they are the same on
// fs, opfs and idb. Write amplification is all bytes appended (log, segments, index images, manifests) over the bytes of
// the records written once; the upserts come in batches of 100, in random order, checkpoints by the store's own policy.
// The latency is that of storage 'fs' against a bare append and fsync in the same directory, in the same run.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VecStore, VecStoreError } from '../../js/src/index.node.js';

const N = Number(process.argv[2] ?? 100_000), DIM = 384, BATCH = 100;

/** Files in memory that count what is appended, by kind of file. */
class CountingHost {
  files = new Map();
  directories = new Set(['']);
  appended = {};

  get total() {
    return Object.values(this.appended).reduce((sum, n) => sum + n, 0);
  }

  open(path) {
    const file = this.files.get(path);
    if (!file) throw new VecStoreError('NOT_FOUND', path);
    const kind = path.replace(/.*\/|-.*/g, '');
    return {
      read: (at, into) => {
        let done = 0;
        for (const { start, bytes } of file.pieces) {
          const from = Math.max(0, at + done - start);
          if (done < into.length && from < bytes.length && start <= at + done) {
            const part = bytes.subarray(from, from + into.length - done);
            into.set(part, done);
            done += part.length;
          }
        }
        return done;
      },
      append: (bytes) => {
        this.appended[kind] = (this.appended[kind] ?? 0) + bytes.length;
        file.pieces.push({ start: file.size, bytes: bytes.slice() });
        file.size += bytes.length;
      },
      size: () => file.size,
    };
  }

  create(path) {
    this.files.set(path, { pieces: [], size: 0 });
    return this.open(path);
  }

  remove(path) {
    this.files.delete(path);
  }

  list(directory) {
    if (!this.directories.has(directory)) throw new VecStoreError('NOT_FOUND', directory);
    const names = [...this.files.keys()].filter((path) => path.slice(0, Math.max(0, path.lastIndexOf('/'))) === directory);
    const inside = [...this.directories].filter((path) => path !== '' && path.slice(0, Math.max(0, path.lastIndexOf('/'))) === directory);
    return [...names, ...inside.map((path) => `${path}/`)].map((path) => path.slice(path.lastIndexOf('/', path.length - 2) + 1));
  }

  mkdir(path) {
    this.directories.add(path);
  }

  async sync() {}
}

/** Deterministic floats. */
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const vector = () => Float32Array.from({ length: DIM }, () => random() - 0.5);

/** 0 .. n - 1 in random order. */
function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

async function upsertAll(store, host, what) {
  const before = { ...host.appended }, from = host.total, order = shuffled(N);
  const start = performance.now();
  for (let i = 0; i < N; i += BATCH) {
    await store.upsert(Array.from(order.subarray(i, i + BATCH), (id) => ({ id, vector: vector(), metadata: { n: id } })));
  }
  await store.flush();
  const record = 68 + 9 + 8 + DIM * 4;
  const parts = Object.entries(host.appended).map(([kind, n]) => `${kind} ${MB(n - (before[kind] ?? 0))}`).join(', ');
  console.log(`${what}: ${MB(host.total - from)} appended for ${MB(N * record)} of records = ${
    ((host.total - from) / (N * record)).toFixed(2)} x (${parts}) in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

const quantile = (values, q) => values.sort((a, b) => a - b)[Math.floor(values.length * q)];

async function commitBytes(store, host, n) {
  const costs = [];
  for (let i = 0; i < 50; i++) {
    const from = host.total;
    await store.upsert({ id: Math.floor(random() * N), vector: vector(), metadata: { n: i } });
    costs.push(host.total - from);
  }
  console.log(`one upsert into ${n} records appends ${quantile(costs, 0)} to ${quantile(costs, 0.99)} bytes`);
}

async function latency() {
  const folder = mkdtempSync(join(tmpdir(), 'vecstore-writes-'));
  const store = await VecStore.open({ path: join(folder, 'store'), dimension: DIM });
  const bytes = new Uint8Array(68 + 9 + 8 + DIM * 4 + 60);
  const fd = openSync(join(folder, 'bare'), 'a');
  const ours = [], bare = [];
  for (let i = 0; i < 300; i++) {
    const one = { id: i, vector: vector(), metadata: { n: i } };
    let start = performance.now();
    await store.upsert(one);
    ours.push(performance.now() - start);
    start = performance.now();
    writeSync(fd, bytes);
    fdatasyncSync(fd);
    bare.push(performance.now() - start);
  }
  closeSync(fd);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  const [a, b] = [quantile(ours, 0.5), quantile(bare, 0.5)];
  console.log(`fs: commit of one vector p50 ${a.toFixed(3)} ms, bare append and fsync ${b.toFixed(3)} ms: ${(a / b).toFixed(2)} x`);
}

await latency();
const host = new CountingHost();
const store = await VecStore.open({ storage: host, dimension: DIM, metric: 'cosine' });
await upsertAll(store, host, `inserting ${N}`);
await commitBytes(store, host, N);
await upsertAll(store, host, `replacing ${N}`);
await store.close();
