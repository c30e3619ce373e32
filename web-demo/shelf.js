// The store of passages and the list of the documents they come from. Knows nothing of files, embedding and the page.
//
// Beside the passages the store holds one record of the demo's own, STATE, with a zero vector: the list of documents,
// the name of the model that made the vectors, and whether the visitor removed the corpus. It is written in the same
// atomic batch as the passages it counts, so a browser killed at any moment is understood at the next visit:
//
//   adding    the document was being added: `passages` of it are stored. The corpus is gone on with, others taken out
//   kept      it is complete
//   leaving   it is to go: sweep() deletes its passages and then its entry
//
// The corpus is the document CORPUS. A document's passages are numbered, so their ids follow from its entry. Queries
// ask for one more row than wanted: STATE is taken out of the answer.

const PATH = 'documents';
const STATE = 'demo:documents';
const DIMENSION = 256;

export const CORPUS = 'corpus';

const library = () => import('../dist/browser.mjs');

const idOf = (document, n) => `doc:${document}:${n}`;
const documentOf = (id) => id.slice('doc:'.length, id.lastIndexOf(':'));

export class Shelf {
  #store;
  #state;
  #stored = null; // STATE as it was last written.

  /** Begins to load the library. It is not imported above, so that its absence is an error one can show. */
  static fetch() {
    library().catch(() => {}); // open() tells.
  }

  /**
   * Opens the database. The index is the plain scan: the documents of one visitor are tens of thousands of passages, of
   * which a scan compares 10,000 in a few milliseconds, and adding to it costs nothing.
   */
  static async open() {
    const { VecStore } = await library();
    const store = await VecStore.open({
      path: PATH, storage: 'idbfs', dimension: DIMENSION, metric: 'cosine', index: { type: 'flat' },
    });
    const record = await store.get(STATE, { include: ['metadata'] });
    const shelf = new Shelf();
    shelf.#store = store;
    shelf.#stored = record?.metadata ?? null;
    shelf.#forgetChanges();
    await shelf.sweep();
    return shelf;
  }

  /** What is true after a refused write, and at the beginning. */
  #forgetChanges() {
    this.#state = structuredClone(this.#stored ?? { documents: [], corpusRemoved: false });
  }

  get documents() {
    return this.#state.documents;
  }

  get model() {
    return this.#state.model;
  }

  find(id) {
    return this.documents.find((document) => document.id === id);
  }

  /** 'new', 'loading', 'loaded' or 'removed'. */
  get corpusPhase() {
    const corpus = this.find(CORPUS);
    if (corpus) return corpus.phase === 'kept' ? 'loaded' : 'loading';
    return this.#state.corpusRemoved ? 'removed' : 'new';
  }

  async count() {
    return (await this.#store.count()) - (this.#stored ? 1 : 0);
  }

  /** A new entry, not stored before the next commit. */
  enter(document) {
    const entry = { id: crypto.randomUUID(), ...document, passages: 0, phase: 'adding' };
    this.documents.push(entry);
    return entry;
  }

  /** Writes passages, `[{ document, n, vector, metadata, text }]`, and STATE with `changes` in one atomic batch. */
  async commit(passages, changes = {}) {
    const records = passages.map(({ document, n, ...record }) => ({ ...record, id: idOf(document, n) }));
    const state = { ...this.#state, ...changes };
    try {
      await this.#store.upsert([...records, { id: STATE, vector: new Float32Array(DIMENSION), metadata: state }]);
    } catch (error) {
      this.#forgetChanges();
      throw error;
    }
    this.#state = state;
    this.#stored = structuredClone(state);
  }

  checkpoint() {
    return this.#store.checkpoint();
  }

  /** Marks documents as leaving, and takes them out. */
  async remove(ids) {
    for (const document of this.documents) if (ids.includes(document.id)) document.phase = 'leaving';
    await this.commit([], ids.includes(CORPUS) ? { corpusRemoved: true } : {});
    await this.sweep();
  }

  /** Deletes the passages of documents that are leaving or were never finished, and then their entries. */
  async sweep() {
    const gone = this.documents.filter(({ id, phase }) => phase === 'leaving' || (phase === 'adding' && id !== CORPUS));
    if (gone.length === 0) return;
    for (const document of gone) await this.#store.delete(this.#idsOf(document));
    await this.commit([], { documents: this.documents.filter((document) => !gone.includes(document)) });
    await this.checkpoint();
  }

  #idsOf({ id, passages }) {
    return Array.from({ length: passages }, (_, n) => idOf(id, n));
  }

  /** Every passage's `{ document, n }`. */
  places() {
    return this.documents.flatMap(({ id, passages }) => (
      Array.from({ length: passages }, (_, n) => ({ document: id, n }))));
  }

  /** The stored passages at `places`, as commit() takes them but for the vectors. */
  async read(places) {
    const records = await this.#store.get(places.map(({ document, n }) => idOf(document, n)), {
      include: ['metadata', 'text'],
    });
    return records.map(({ metadata, text }, i) => ({ ...places[i], metadata, text }));
  }

  /** What the page shows of a stored passage. */
  #shown({ id, score, metadata, text }) {
    const document = this.find(documentOf(id));
    return { id, score, ...metadata, text, source: document?.id === CORPUS ? null : document?.path };
  }

  async nearest(vector, k) {
    const started = performance.now();
    const found = await this.#store.query({ vector, k: k + 1, include: ['metadata', 'text'] });
    const queryMs = performance.now() - started;
    return { hits: found.filter(({ id }) => id !== STATE).slice(0, k).map((hit) => this.#shown(hit)), queryMs };
  }

  /** The passages nearest to a stored one, and that one; null when it is not there any more. */
  async like(id, k) {
    const record = await this.#store.get(id);
    if (record === null) return null;
    const { hits, queryMs } = await this.nearest(record.vector, k + 1);
    return { origin: this.#shown(record), hits: hits.filter((hit) => hit.id !== id).slice(0, k), queryMs };
  }

  /** `size` passages of the corpus, of different categories where there are that many. */
  async sample(size) {
    const count = this.find(CORPUS)?.passages ?? 0;
    const places = Array.from({ length: size * 3 }, () => ({ document: CORPUS, n: Math.floor(Math.random() * count) }));
    const chosen = new Map();
    for (const passage of count === 0 ? [] : await this.read(places)) {
      if (chosen.size < size) chosen.set(passage.metadata.category, passage);
    }
    return [...chosen.values()].map(({ n, ...record }) => this.#shown({ ...record, id: idOf(CORPUS, n) }));
  }

  async status() {
    const [{ storage, engine }, evictionSafe] = await Promise.all([
      this.#store.stats(), navigator.storage?.persisted?.(),
    ]);
    return {
      records: await this.count(), bytes: storage.bytes, persistent: storage.persistent, evictionSafe,
      engine: engine.simd, indexMs: this.find(CORPUS)?.indexMs, corpus: this.corpusPhase, documents: this.documents,
    };
  }

  /** Throws the database away, for a visitor whose stored copy is damaged; called before anything has been opened. */
  static async erase() {
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(`/vecstore/${PATH}`);
      request.onsuccess = resolve;
      request.onerror = () => reject(request.error);
    });
  }
}
