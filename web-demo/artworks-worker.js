// The worker that owns the store: the page sends it calls, it answers, and it announces the works as they arrive.
//
// Beside the works the store holds one record of the demo's own, STATE, with a zero vector. It says whether the
// collection is being loaded, is loaded or was cleared, and lists the ids of works the visitor added. It is written in
// the same atomic batch as what it describes, so a browser killed at any moment is understood at the next visit:
//
//   no STATE   nothing was ever loaded      -> the page asks for a load
//   loading    a load was cut short         -> the next load adds only what is missing
//   loaded     works may since be deleted or added; nothing is loaded again
//   cleared    the visitor emptied the collection; whatever a cut-short clearing left is deleted at opening
//
// Queries ask for two more rows than wanted: STATE and the work itself are taken out of the answer.

import { readFacts, readFingerprints, readVectors } from './pack.js';

const PATH = 'met-art';
const STATE = 'demo:collection';
const BATCH = 60; // A batch is one durable commit; 60 keeps the progress bar moving and the commits few.
const LIST_CHUNK = 150;

let store = null;
let facts = null;
let fingerprintOf = null;
let state = null;
let lastRemoved = null;

/** Opens the database. The library is imported here and not above, so that its absence is an error one can show. */
async function openStore() {
  const { VecStore } = await import('../dist/browser.mjs');
  return VecStore.open({ path: PATH, storage: 'idbfs', dimension: facts.dimension, metric: 'cosine' });
}

const stateRecord = (metadata) => ({ id: STATE, vector: new Float32Array(facts.dimension), metadata });

/** Writes records and the new state in one atomic batch. */
async function commit(records, nextState) {
  await store.upsert([...records, stateRecord(nextState)]);
  state = nextState;
}

const toWork = (id, metadata, vector) => ({ id, ...metadata, print: fingerprintOf(vector) });

const allIds = () => [...facts.works.map((work) => work.id), ...(state?.added ?? [])];

async function countWorks() {
  return (await store.count()) - (state ? 1 : 0);
}

async function open() {
  facts ??= await readFacts();
  fingerprintOf ??= await readFingerprints(facts);
  const started = performance.now();
  store ??= await openStore();
  const openMs = performance.now() - started;
  state = (await store.get(STATE, { include: ['metadata'] }))?.metadata ?? null;
  if (state?.phase === 'cleared' && (await countWorks()) > 0) await store.delete(allIds());
  return { openMs, phase: state?.phase ?? 'new', indexMs: state?.indexMs, records: await countWorks() };
}

/** Sends every stored work to the page, a few at a time so that neither thread is held up. */
async function list() {
  const ids = allIds();
  for (let at = 0; at < ids.length; at += LIST_CHUNK) {
    const records = await store.get(ids.slice(at, at + LIST_CHUNK), { include: ['vector', 'metadata'] });
    const works = records.filter(Boolean).map((r) => toWork(r.id, r.metadata, r.vector));
    postMessage({ event: 'works', works });
  }
}

async function load() {
  const vectorOf = await readVectors(facts);
  const positions = facts.works.map((_, i) => i);
  const present = await store.get(facts.works.map((work) => work.id), { include: [] });
  const missing = positions.filter((i) => present[i] === null);
  const before = state?.indexMs ?? 0;
  const started = performance.now();
  for (let at = 0; at < missing.length; at += BATCH) {
    const records = missing.slice(at, at + BATCH).map((i) => ({ ...facts.works[i], vector: vectorOf(i) }));
    const done = at + records.length;
    const indexMs = before + performance.now() - started;
    await commit(records, { phase: done === missing.length ? 'loaded' : 'loading', indexMs, added: state?.added ?? [] });
    const works = records.map((r) => toWork(r.id, r.metadata, r.vector));
    const rate = done / ((performance.now() - started) / 1000);
    postMessage({ event: 'works', works });
    postMessage({
      event: 'progress', done: positions.length - missing.length + done, total: positions.length, rate,
      secondsLeft: (missing.length - done) / rate,
    });
  }
  if (missing.length === 0) await commit([], { phase: 'loaded', indexMs: before, added: state?.added ?? [] });
  // The log now holds everything; a checkpoint saves records and index, so that later visits read and need not rebuild.
  await store.checkpoint();
  return { indexMs: state.indexMs };
}

async function nearest(id, k) {
  const { vector } = await store.get(id, { include: ['vector'] });
  if (fingerprintOf(vector) === null) return { hits: [], zero: true, records: await countWorks() };
  const started = performance.now();
  const found = await store.query({ vector, k: k + 2, include: [] });
  const queryMs = performance.now() - started;
  const hits = found.filter((hit) => hit.id !== id && hit.id !== STATE).slice(0, k);
  return { hits: hits.map(({ id, score }) => ({ id, score })), queryMs, records: await countWorks() };
}

/** The unit vector between two works' vectors, `share` of the way from the first to the second. */
async function blend(like, share) {
  const sources = await store.get(like, { include: ['vector'] });
  const mixed = sources[0].vector.map((x, i) => x * (1 - share) + (sources[1]?.vector[i] ?? x) * share);
  const norm = Math.hypot(...mixed);
  return norm === 0 ? mixed : mixed.map((x) => x / norm);
}

async function add({ metadata, like, share }) {
  const vector = await blend(like, share);
  const id = `own:${crypto.randomUUID()}`;
  await commit([{ id, vector, metadata }], { ...state, added: [...(state?.added ?? []), id] });
  return toWork(id, metadata, vector);
}

async function remove(id) {
  lastRemoved = await store.get(id);
  await store.delete(id);
}

async function undoRemove() {
  const { id, vector, metadata } = lastRemoved;
  await store.upsert({ id, vector, metadata });
  lastRemoved = null;
  return toWork(id, metadata, vector);
}

async function clear() {
  const ids = allIds();
  await commit([], { phase: 'cleared', added: state?.added ?? [] });
  await store.delete(ids);
  await commit([], { phase: 'cleared', added: [] });
  await store.checkpoint();
}

async function status() {
  const [{ storage, engine }, evictionSafe] = await Promise.all([store.stats(), navigator.storage?.persisted?.()]);
  return {
    records: await countWorks(), bytes: storage.bytes, persistent: storage.persistent, evictionSafe, engine: engine.simd,
    indexMs: state?.indexMs,
  };
}

/** Throws the database away, for a visitor whose stored copy is damaged; called before anything has been opened. */
async function erase() {
  await new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`/vecstore/${PATH}`);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
}

const methods = { open, list, load, nearest, add, remove, undoRemove, clear, status, erase };

addEventListener('message', async ({ data: { call, method, args } }) => {
  try {
    postMessage({ call, value: await methods[method](...args) });
  } catch (error) {
    postMessage({ call, error: { code: error.code, message: error.message, file: error.file } });
  }
});
postMessage({ event: 'ready' });
