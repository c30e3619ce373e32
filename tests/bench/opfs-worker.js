// opfs-worker.js - commits of one vector on opfs against a bare append and flush, in turn (opfs.mjs).
import { VecStore } from '/js/src/index.js';

const DIM = 384, COMMITS = 300, WARM = 30;

async function measure() {
  const store = await VecStore.open({ path: `bench-${Date.now()}`, storage: 'opfs', dimension: DIM });
  const root = await navigator.storage.getDirectory();
  const name = `bare-${Date.now()}`;
  const handle = await (await root.getFileHandle(name, { create: true })).createSyncAccessHandle();
  const before = (await store.stats()).storage.walBytes;
  const ours = [], bare = [];
  let bytes, at = 0;
  for (let i = 0; i < COMMITS; i++) {
    const vector = Float32Array.from({ length: DIM }, () => Math.random() - 0.5);
    let start = performance.now();
    await store.upsert({ id: i, vector, metadata: { n: i } });
    const took = performance.now() - start;
    // The bare file gets what the log got.
    bytes ??= new Uint8Array((await store.stats()).storage.walBytes - before);
    start = performance.now();
    handle.write(bytes, { at });
    handle.flush();
    if (i >= WARM) {
      ours.push(took);
      bare.push(performance.now() - start);
    }
    at += bytes.length;
  }
  await store.close();
  handle.close();
  await root.removeEntry(name);
  const p50 = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return { bytes: bytes.length, commit: p50(ours), bare: p50(bare) };
}

measure().then((value) => postMessage({ value }), (error) => postMessage({ error: String(error?.stack ?? error) }));
