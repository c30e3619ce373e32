// Puts documents onto the shelf: gathers passages into batches that may span several documents, has each batch embedded
// and commits it. A document is marked as kept in the very commit that holds its last passage: after put() less than a
// batch is pending, so the batch that the next document fills up takes all that is left of those before.

export class Filling {
  #shelf;
  #embed;
  #batch;
  #onWritten;
  #entry = null;
  #next = 0; // The number of the document's next passage.
  #pending = [];

  /**
   * `embed(passages)` gives the passages with their vectors; `onWritten()` is called after each commit of up to `batch`
   * passages.
   */
  constructor(shelf, { batch, embed, onWritten }) {
    this.#shelf = shelf;
    this.#batch = batch;
    this.#embed = embed;
    this.#onWritten = onWritten;
    this.written = 0;
  }

  /** Begins a document; passages go into it until keep() or drop(). An entry that was begun before may be given. */
  begin(document) {
    this.#entry = this.#shelf.find(document.id) ?? this.#shelf.enter(document);
    this.#next = this.#entry.passages;
    return this.#entry;
  }

  /** Adds passages, `[{ metadata, text }]`; commits whatever fills a batch. */
  async put(passages) {
    for (const passage of passages) this.#pending.push({ ...passage, document: this.#entry.id, n: this.#next++ });
    while (this.#pending.length >= this.#batch) await this.#flush(this.#batch);
  }

  /** The document is complete. One of the same path that was there before leaves. */
  keep() {
    for (const other of this.#shelf.documents) {
      if (other !== this.#entry && other.path === this.#entry.path) other.phase = 'leaving';
    }
    this.#entry.phase = 'kept';
    this.#entry = null;
  }

  /** The document is not wanted after all. */
  drop() {
    this.#pending = this.#pending.filter(({ document }) => document !== this.#entry.id);
    this.#entry.phase = 'leaving';
    this.#entry = null;
  }

  async #flush(size) {
    const passages = await this.#embed(this.#pending.slice(0, size));
    const counts = new Map();
    for (const { document } of passages) counts.set(document, (counts.get(document) ?? 0) + 1);
    for (const [id, count] of counts) this.#shelf.find(id).passages += count;
    await this.#shelf.commit(passages);
    this.#pending.splice(0, passages.length);
    this.written += passages.length;
    this.#onWritten();
  }

  /** Commits what is left, and takes out what leaves. */
  async finish(changes) {
    while (this.#pending.length > 0) await this.#flush(this.#batch);
    await this.#shelf.commit([], changes);
    await this.#shelf.sweep();
    await this.#shelf.checkpoint();
  }
}
