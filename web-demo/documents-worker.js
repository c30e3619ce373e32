// The worker that owns the documents' store: the page sends it calls, it answers, and it announces progress.
//
// shelf.js keeps the passages, filling.js puts documents there, text.js reads and embeds; this file is the work in
// between. Whatever changes the shelf is done one after the other; searches go on meanwhile. Long work stops when the
// page says 'cancel', between two commits.

import { Filling } from './filling.js';
import { CORPUS, Shelf } from './shelf.js';
import { loadEmbedder, loadReader, wordsOf } from './text.js';

const PASSAGES = new URL('./data/passages.json', import.meta.url);
const BATCH = 500; // A batch is one durable commit; a search waits no longer than its embedding takes, some 30 ms.
const CORPUS_BATCH = 72; // Smaller, so that the bar of a first visit is seen to move.
const SAMPLE = 6;

let shelf = null;
let embedder = loadEmbedder(); // A promise. It and the library are on their way before the page asks to open.
embedder.catch(() => {}); // prepare() tells.
Shelf.fetch();
let lastChange = Promise.resolve();
const running = new Set(); // The AbortControllers of long work under way or waiting.

async function open() {
  const started = performance.now();
  shelf ??= await Shelf.open();
  return { openMs: performance.now() - started, ...(await status()) };
}

/** Waits for the model; if another one made the stored vectors, they are made anew. */
async function prepare() {
  const { name } = await embedder;
  if (shelf.model !== undefined && shelf.model !== name) await reembed(name);
}

/** Runs what changes the shelf after all that was asked for before. */
function inTurn(change) {
  const done = lastChange.then(change);
  lastChange = done.catch(() => {});
  return done;
}

/** The same for long work, which is given a signal. */
function longWork(work) {
  const controller = new AbortController();
  running.add(controller);
  return inTurn(() => work(controller.signal)).finally(() => running.delete(controller));
}

function cancel() {
  for (const controller of running) controller.abort();
}

/** `done` of `total` of some unit, in which `passages` were stored. */
function tellProgress(work, started, { done, total, passages }) {
  const passed = (performance.now() - started) / 1000;
  const secondsLeft = done > 0 ? (passed * (total - done)) / done : null;
  postMessage({ event: 'progress', work, done, total, passages, rate: passages / passed, secondsLeft });
}

// ---- Embedding ---------------------------------------------------------------------------------------------------

async function withVectors(passages) {
  const words = passages.map((passage) => wordsOf(passage, shelf.find(passage.document).path));
  const vectors = await (await embedder).embed(words, { kind: 'document' });
  return passages.map((passage, i) => ({ ...passage, vector: vectors[i] }));
}

/** Makes all vectors anew, from the stored texts; cut short, it is begun again at the next visit. */
const reembed = (model) => inTurn(async () => {
  const started = performance.now();
  const places = shelf.places();
  for (let at = 0; at < places.length; at += BATCH) {
    await shelf.commit(await withVectors(await shelf.read(places.slice(at, at + BATCH))));
    const done = Math.min(at + BATCH, places.length);
    tellProgress('model', started, { done, total: places.length, passages: done });
  }
  await shelf.commit([], { model });
});

// ---- Putting documents on the shelf ------------------------------------------------------------------------------

async function readCorpus() {
  const response = await fetch(PASSAGES);
  if (!response.ok) throw new Error(`passages.json: the server answered ${response.status}`);
  return (await response.json()).map(({ id, text, ...metadata }) => ({ metadata, text }));
}

/** Indexes what of the corpus is missing, unless stopped; what was done by then stays and is gone on with. */
const load = () => longWork(async (signal) => {
  const corpus = await readCorpus();
  const { name: model } = await embedder;
  const started = performance.now();
  const filling = new Filling(shelf, {
    batch: CORPUS_BATCH,
    embed: async (passages) => {
      const embedded = await withVectors(passages);
      entry.indexMs = before + performance.now() - started;
      return embedded;
    },
    onWritten: () => tellProgress('corpus', started, {
      done: entry.passages, total: corpus.length, passages: filling.written,
    }),
  });
  const entry = filling.begin({ id: CORPUS });
  const before = entry.indexMs ?? 0;
  for (let at = entry.passages; at < corpus.length && !signal.aborted; at += CORPUS_BATCH) {
    await filling.put(corpus.slice(at, at + CORPUS_BATCH));
  }
  if (!signal.aborted) filling.keep();
  await filling.finish({ model, corpusRemoved: false });
  return { stopped: signal.aborted };
});

const FACTS = ['category', 'year', 'tags']; // What a record of a JSON or CSV file may bring along to be shown.

function metadataOf({ title, section, fields = {} }, path) {
  const metadata = { title: title || path };
  if (section) metadata.section = section;
  for (const name of FACTS) if (fields[name] != null) metadata[name] = fields[name];
  if (typeof metadata.tags === 'string') metadata.tags = metadata.tags.split(/[,;]\s*/).filter(Boolean);
  return metadata;
}

/** Puts one file's passages; leaves the document, which it gives, to be kept or dropped. */
async function addFile(filling, { file, path }, { added, signal, onProgress }) {
  const { documentKind, readDocument } = await loadReader();
  const entry = filling.begin({ path, bytes: file.size, kind: documentKind(path), added });
  let found = 0;
  for await (const group of readDocument(path, file, { onProgress })) {
    if (signal.aborted) break;
    await filling.put(group.map((passage) => ({ metadata: metadataOf(passage, path), text: passage.text })));
    found += group.length;
  }
  if (found === 0 && !signal.aborted) throw Object.assign(new Error('there is no text in it'), { code: 'EMPTY' });
  return entry;
}

/** Neither hidden nor in a hidden folder. */
const isVisible = (path) => !/(^|\/)\./.test(path);

const STORE_ERRORS = ['NO_SPACE', 'QUOTA_EXCEEDED', 'POISONED', 'IO', 'OUT_OF_MEMORY'];

/**
 * Adds files, `[{ file, path }]`. When cancelled, the files finished so far stay and the one under way is taken out
 * again. Files that cannot be read are named and passed over.
 */
const add = (offered) => longWork(async (signal) => {
  const started = performance.now();
  const { documentKind } = await loadReader();
  const files = offered.filter(({ path }) => isVisible(path) && documentKind(path) !== null);
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  const added = Date.now();
  const [kept, failed] = [[], []];
  let [before, read] = [0, 0];
  const tell = () => tellProgress('files', started, { done: before + read, total, passages: filling.written });
  const filling = new Filling(shelf, { batch: BATCH, embed: withVectors, onWritten: tell });
  for (const item of files) {
    if (signal.aborted) break;
    try {
      const entry = await addFile(filling, item, { added, signal, onProgress: (bytes) => { read = bytes; } });
      if (signal.aborted) {
        filling.drop();
      } else {
        filling.keep();
        kept.push(entry);
      }
    } catch (error) {
      if (STORE_ERRORS.includes(error.code)) {
        await shelf.sweep().catch(() => {}); // If this fails too, the next visit does it.
        throw error;
      }
      filling.drop();
      const code = typeof error.code === 'string' ? error.code : error.name; // A DOMException's code is a number.
      failed.push({ path: item.path, code, message: error.message });
    }
    before += item.file.size;
    read = 0;
  }
  await filling.finish({ model: (await embedder).name });
  return {
    kept: kept.length, passages: kept.reduce((sum, { passages }) => sum + passages, 0), failed,
    skipped: offered.length - files.length, stopped: signal.aborted, ms: performance.now() - started,
  };
});

const remove = (id) => inTurn(() => shelf.remove([id]));

const clear = () => inTurn(() => shelf.remove([CORPUS, ...shelf.documents.map((document) => document.id)]));

// ---- Searching ---------------------------------------------------------------------------------------------------

async function search(text, k) {
  const started = performance.now();
  const [vector] = await (await embedder).embed([text], { kind: 'query' });
  const embedMs = performance.now() - started;
  const records = await shelf.count();
  if (vector.every((x) => x === 0)) return { hits: [], unknown: true, records };
  return { ...(await shelf.nearest(vector, k)), embedMs, records };
}

async function similar(id, k) {
  const found = await shelf.like(id, k);
  return found && { ...found, records: await shelf.count() };
}

const sample = () => shelf.sample(SAMPLE);

const status = () => shelf.status();

const erase = () => Shelf.erase();

const methods = { open, prepare, load, add, cancel, remove, clear, search, similar, sample, status, erase };

addEventListener('message', async ({ data: { call, method, args } }) => {
  try {
    postMessage({ call, value: await methods[method](...args) });
  } catch (error) {
    postMessage({ call, error: { code: error.code, message: error.message, file: error.file } });
  }
});
