/* text_index_is_saved.c - a checkpoint saves the text index that is built; an opening leaves it where it is, the first
 * text query reads it and what the log added, without a record's text; checkpoints write what changed; a damaged part
 * is built anew; a full medium, closing, repairing and snapshots leave it right. */
#include "../../../src/db/image.h"
#include "../../../src/db/texts.h"
#include "client.h"

static vs_alloc outer;

static vs_io *new_io(void) {
  vs_io *io;
  vs_alloc_init(&outer);
  must(vs_io_fault_create(&outer, &io) == VS_OK);
  return io;
}

static void put(client *c, uint32_t first, uint32_t n, uint32_t version) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = first; i < first + n; i++) add_upsert(&w, i, version);
  must(commit(&c->db, &w) == VS_OK);
  vs_wr_deinit(&w);
}

static void reopen(client *c, vs_io *io) {
  client_init(c, io);
  must(client_open(c, "posix", false) == VS_OK);
}

/* Records with "word<version>", by a text query. */
static uint32_t count(client *c, uint32_t version) {
  char text[16];
  bool done = false;
  int n = snprintf(text, sizeof text, "word%u", version);
  while (!done) must(vs_texts_prepare(&c->db, 3000, &done) == VS_OK);
  vs_slice query = {(const uint8_t *)text, (size_t)n};
  must(vs_texts_query(&c->db, query, false, 100000, 0, (vs_slice){NULL, 0}) == VS_OK);
  return c->db.search.n_hits;
}

static vs_status checkpoint(client *c) { return run(&c->db, vs_op_begin_checkpoint(&c->db, false)); }

static uint32_t n_parts(const client *c) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < vs_store_n_files(c->db.store); i++)
    n += vs_image_is_text_part(vs_store_file(c->db.store, i));
  return n;
}

static uint64_t part_bytes(const client *c, bool newest) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < vs_store_n_files(c->db.store); i++) {
    const vs_file_ref *ref = vs_store_file(c->db.store, i);
    if (vs_image_is_text_part(ref) && (!newest || ref->number == vs_store_generation(c->db.store))) n += ref->bytes;
  }
  return n;
}

static const vs_textindex *index_of(const client *c) { return &c->db.coll.text; }

static void saved_and_read(void) {
  vs_io *io = new_io();
  client c;
  reopen(&c, io);
  put(&c, 0, 300, 1);
  must(checkpoint(&c) == VS_OK);
  ok(n_parts(&c) == 0, "a store that was never searched by words saves nothing");
  put(&c, 100, 50, 2);
  ok(count(&c, 1) == 250 && count(&c, 2) == 50 && index_of(&c)->n_built == 300, "the index is built");
  must(checkpoint(&c) == VS_OK);
  ok(n_parts(&c) == 1 && index_of(&c)->n_unsaved == 0, "a checkpoint saves it");
  uint64_t whole = part_bytes(&c, false);
  put(&c, 140, 20, 3);
  must(delete_one(&c, 0) == VS_OK);
  must(checkpoint(&c) == VS_OK);
  ok(n_parts(&c) == 2 && part_bytes(&c, true) < whole / 4, "the next one writes what changed: %u bytes of %u",
     (unsigned)part_bytes(&c, true), (unsigned)whole);
  put(&c, 150, 1, 4);
  client_deinit(&c);

  reopen(&c, io);
  ok(!index_of(&c)->begun && index_of(&c)->source.open, "an opening leaves it on the medium");
  put(&c, 200, 10, 3);
  ok(count(&c, 1) == 229 && count(&c, 2) == 40 && count(&c, 3) == 29 && count(&c, 4) == 1,
     "log and later writes are in it");
  ok(index_of(&c)->n_built == 0 && index_of(&c)->n_read == 288 && index_of(&c)->n_added == 11 && findings(&c.db) == 0,
     "the rest was read, and agrees with the records");
  must(checkpoint(&c) == VS_OK);
  client_deinit(&c);

  reopen(&c, io);
  put(&c, 310, 5, 3);
  must(checkpoint(&c) == VS_OK);
  uint32_t parts = n_parts(&c);
  put(&c, 311, 5, 3);
  must(checkpoint(&c) == VS_OK);
  ok(parts > 1 && n_parts(&c) == parts,
     "checkpoints before the first text query keep it, and say in one part what changed");
  client_deinit(&c);
  reopen(&c, io);
  ok(count(&c, 3) == 35 && index_of(&c)->n_built == 0 && index_of(&c)->n_added == 6 && findings(&c.db) == 0,
     "it holds for what they wrote");
  client_deinit(&c);
  io->ops->destroy(io);
}

/* Changes a byte of a file of the store, or cuts it there. */
static void spoil(vs_io *io, const char *name, uint64_t at) {
  char path[VS_IO_NAME_BYTES];
  vs_file *f;
  uint64_t bytes;
  snprintf(path, sizeof path, VS_DEFAULT_COLLECTION_DIR "/%s", name);
  must(io->ops->open(io, path, VS_IO_READ, &f) == VS_OK && io->ops->size(io, f, &bytes) == VS_OK);
  uint8_t *p = malloc((size_t)bytes);
  must(p && vs_io_read_exact(io, f, 0, p, (size_t)bytes) == VS_OK);
  io->ops->close(io, f);
  p[at % bytes] ^= 0x10;
  must(io->ops->remove(io, path) == VS_OK && io->ops->open(io, path, VS_IO_CREATE, &f) == VS_OK);
  must(io->ops->append(io, f, p, (size_t)bytes) == VS_OK);
  io->ops->close(io, f);
  free(p);
}

static void damaged(void) {
  uint32_t wrong = 0, built = 0;
  for (uint64_t at = 0; at < 900; at += 13) {
    vs_io *io = new_io();
    client c;
    char name[48];
    reopen(&c, io);
    put(&c, 0, 30, 1);
    put(&c, 10, 10, 2);
    must(count(&c, 1) == 20 && checkpoint(&c) == VS_OK && n_parts(&c) == 1);
    for (uint32_t i = 0; i < vs_store_n_files(c.db.store); i++)
      if (vs_image_is_text_part(vs_store_file(c.db.store, i))) vs_file_ref_name(vs_store_file(c.db.store, i), name);
    client_deinit(&c);
    spoil(io, name, at);
    reopen(&c, io);
    wrong += count(&c, 1) != 20 || count(&c, 2) != 10;
    built += index_of(&c)->n_built == 30;
    wrong += findings(&c.db) == 0; /* the file is damaged, and verify says so */
    if (at % 2)
      must(checkpoint(&c) == VS_OK);
    else
      must(run(&c.db, vs_op_begin_repair(&c.db)) == VS_OK);
    wrong += findings(&c.db) != 0 || n_parts(&c) != 1;
    client_deinit(&c);
    reopen(&c, io);
    wrong += count(&c, 2) != 10 || index_of(&c)->n_read != 30;
    client_deinit(&c);
    io->ops->destroy(io);
  }
  ok(wrong == 0 && built > 40, "a damaged part costs %u buildings and nothing else; checkpoint and repair mend it",
     built);
}

static void closing(void) {
  vs_io *io = new_io();
  client c;
  reopen(&c, io);
  put(&c, 0, 600, 1);
  must(checkpoint(&c) == VS_OK);
  must(count(&c, 1) == 600 && n_parts(&c) == 0);
  must(run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
  client_deinit(&c);
  reopen(&c, io);
  ok(count(&c, 1) == 600 && index_of(&c)->n_read == 600, "closing saves what took long to build");
  client_deinit(&c);
  io->ops->destroy(io);
}

static void snapshots(void) {
  vs_io *io = new_io();
  client c;
  reopen(&c, io);
  put(&c, 0, 60, 1);
  must(count(&c, 1) == 60);
  vs_slice name = {(const uint8_t *)"then", 4};
  must(run(&c.db, vs_op_begin_snapshot(&c.db, name, 5)) == VS_OK);
  put(&c, 0, 40, 2);
  must(checkpoint(&c) == VS_OK);
  put(&c, 0, 20, 3);
  must(checkpoint(&c) == VS_OK);
  must(run(&c.db, vs_op_begin_snapshot_restore(&c.db, name)) == VS_OK);
  ok(count(&c, 1) == 60 && count(&c, 2) == 0 && index_of(&c)->n_read == 60 && findings(&c.db) == 0,
     "a snapshot has the index of its time");
  put(&c, 0, 5, 4);
  must(checkpoint(&c) == VS_OK);
  client_deinit(&c);
  reopen(&c, io);
  ok(count(&c, 1) == 55 && count(&c, 4) == 5 && index_of(&c)->n_built == 0 && findings(&c.db) == 0,
     "and goes on from there");
  client_deinit(&c);
  io->ops->destroy(io);
}

int main(void) {
  client_texts = true;
  saved_and_read();
  damaged();
  closing();
  snapshots();
  return tap_done();
}
