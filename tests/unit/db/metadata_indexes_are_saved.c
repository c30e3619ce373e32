/* metadata_indexes_are_saved.c - a checkpoint saves the metadata indexes that are built; an opening leaves
 * them where they are, the first filter reads them and what the log added; damaged ones are built
 * anew; options that are kept with the store are durable as soon as it is open. */
#include "../../../src/query/meta_image.h"
#include "client.h"

static vs_alloc outer;

/* Opens with the override {v: kind}, or without when kind is NULL. */
static vs_status open_with(client *c, vs_io *io, const char *kind) {
  vs_wr w;
  client_init(c, io);
  vs_wr_init(&w, &c->outer);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "storage"), vs_value_cstring(&w, "posix");
  vs_value_key(&w, "root"), vs_value_cstring(&w, "root");
  vs_value_key(&w, "M"), vs_value_int(&w, 4);
  vs_value_key(&w, "efConstruction"), vs_value_int(&w, 8);
  if (kind) {
    vs_value_key(&w, "indexes");
    size_t inner = vs_value_object_begin(&w);
    vs_value_key(&w, "v"), vs_value_cstring(&w, kind);
    vs_value_end(&w, inner, 1);
  }
  vs_value_end(&w, mark, kind ? 5 : 4);
  vs_status status = run(&c->db, vs_op_begin_open(&c->db, (vs_slice){w.p, w.n}));
  vs_wr_deinit(&w);
  return status;
}

/* Records with version v. */
static uint32_t count(client *c, uint32_t v) {
  char text[32];
  vs_filter *f;
  vs_prepared *p;
  int32_t handle;
  uint32_t n = UINT32_MAX;
  int length = snprintf(text, sizeof text, "v = %u", v);
  vs_db_state *db = &c->db;
  must(vs_filter_compile_text(&db->alloc, text, (size_t)length, (vs_slice){NULL, 0}, NULL, &f, &db->err) == VS_OK);
  must(vs_filters_add(&db->filters, f, &handle, &db->err) == VS_OK);
  must(vs_filters_get(&db->filters, handle, &p, &db->err) == VS_OK);
  must(vs_filters_count(&db->coll, p, &n, &db->err) == VS_OK);
  vs_filters_remove(&db->filters, handle);
  return n;
}

static void put(client *c, uint32_t first, uint32_t n, uint32_t version) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = first; i < first + n; i++) add_upsert(&w, i, version);
  must(commit(&c->db, &w) == VS_OK);
  vs_wr_deinit(&w);
}

static vs_status checkpoint(client *c) { return run(&c->db, vs_op_begin_checkpoint(&c->db, false)); }

/* The file of the manifest that holds the indexes; VS_NO_SLOT: there is none. */
static uint32_t part_of(const client *c) {
  for (uint32_t i = 0; i < vs_store_n_files(c->db.store); i++) {
    const vs_file_ref *ref = vs_store_file(c->db.store, i);
    if (ref->kind == VS_FILE_INDEX && ref->n_items == 0) return i;
  }
  return VS_NO_SLOT;
}

static vs_io *new_io(void) {
  vs_io *io;
  vs_alloc_init(&outer);
  must(vs_io_fault_create(&outer, &io) == VS_OK);
  return io;
}

static void saved_and_read(void) {
  vs_io *io = new_io();
  client c;
  must(open_with(&c, io, NULL) == VS_OK);
  put(&c, 0, 300, 1);
  put(&c, 100, 50, 2);
  must(checkpoint(&c) == VS_OK);
  ok(part_of(&c) == VS_NO_SLOT, "a store that was never filtered saves nothing");
  ok(count(&c, 1) == 250 && count(&c, 2) == 50, "the indexes are built");
  must(checkpoint(&c) == VS_OK);
  ok(part_of(&c) != VS_NO_SLOT && !c.db.coll.meta.unsaved, "a checkpoint saves them");
  put(&c, 140, 20, 3);
  must(delete_one(&c, 0) == VS_OK);
  client_deinit(&c);

  must(open_with(&c, io, NULL) == VS_OK);
  ok(!c.db.coll.meta.built && c.db.coll.meta.saved.read, "an opening leaves them on the medium");
  put(&c, 200, 10, 3);
  ok(count(&c, 1) == 229 && count(&c, 2) == 40 && count(&c, 3) == 30, "log and later writes are in them");
  ok(c.db.coll.meta.from_saved && findings(&c.db) == 0, "they were read, and agree with the records");
  put(&c, 300, 5, 3);
  must(checkpoint(&c) == VS_OK);
  client_deinit(&c);

  must(open_with(&c, io, NULL) == VS_OK);
  put(&c, 310, 5, 3);
  must(checkpoint(&c) == VS_OK);
  ok(part_of(&c) != VS_NO_SLOT, "a checkpoint before the first filter does not lose them");
  client_deinit(&c);
  must(open_with(&c, io, NULL) == VS_OK);
  ok(count(&c, 3) == 40 && c.db.coll.meta.from_saved, "and they hold for what it wrote");
  client_deinit(&c);
  io->ops->destroy(io);
}

/* Changes a byte of a file of the store. */
static void spoil(vs_io *io, const char *name, uint64_t at) {
  char path[VS_IO_NAME_BYTES];
  vs_file *f;
  uint64_t bytes;
  uint8_t *p;
  snprintf(path, sizeof path, VS_DEFAULT_COLLECTION_DIR "/%s", name);
  must(io->ops->open(io, path, VS_IO_READ, &f) == VS_OK && io->ops->size(io, f, &bytes) == VS_OK);
  p = malloc((size_t)bytes);
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
  for (uint64_t at = 0; at < 600; at += 7) {
    vs_io *io = new_io();
    client c;
    char name[48];
    must(open_with(&c, io, NULL) == VS_OK);
    put(&c, 0, 40, 1);
    put(&c, 10, 10, 2);
    must(count(&c, 1) == 30 && checkpoint(&c) == VS_OK && part_of(&c) != VS_NO_SLOT);
    vs_file_ref_name(vs_store_file(c.db.store, part_of(&c)), name);
    client_deinit(&c);
    spoil(io, name, at);
    must(open_with(&c, io, NULL) == VS_OK);
    wrong += count(&c, 1) != 30 || count(&c, 2) != 10;
    built += !c.db.coll.meta.from_saved;
    wrong += findings(&c.db) == 0; /* the file is damaged, and verify says so */
    must(checkpoint(&c) == VS_OK);
    wrong += findings(&c.db) != 0;
    client_deinit(&c);
    io->ops->destroy(io);
  }
  ok(wrong == 0 && built > 50, "a damaged file costs %u buildings and nothing else; a checkpoint mends it", built);
}

static void closing(void) {
  vs_io *io = new_io();
  client c;
  must(open_with(&c, io, NULL) == VS_OK);
  put(&c, 0, 4200, 1);
  must(checkpoint(&c) == VS_OK);
  must(count(&c, 1) == 4200 && part_of(&c) == VS_NO_SLOT);
  must(run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
  client_deinit(&c);
  must(open_with(&c, io, NULL) == VS_OK);
  ok(c.db.coll.meta.saved.read && count(&c, 1) == 4200, "closing saves what took long to build");
  client_deinit(&c);
  io->ops->destroy(io);
}

static uint8_t kind_of_v(const client *c) {
  for (uint32_t i = 0; i < c->db.coll.meta.n_fields; i++)
    if (c->db.coll.meta.field[i].overridden) return c->db.coll.meta.field[i].asked;
  return VS_META_NONE;
}

static void options(void) {
  vs_io *io = new_io();
  client c;
  must(open_with(&c, io, "value") == VS_OK);
  put(&c, 0, 30, 1);
  must(count(&c, 1) == 30 && checkpoint(&c) == VS_OK);
  put(&c, 0, 3, 2);
  client_deinit(&c);
  must(open_with(&c, io, NULL) == VS_OK);
  uint64_t generation = vs_store_generation(c.db.store);
  ok(kind_of_v(&c) == VS_META_VALUE, "an override is kept with the store");
  client_deinit(&c);
  must(open_with(&c, io, "range") == VS_OK);
  ok(vs_store_generation(c.db.store) == generation + 1, "another one is written down by the opening");
  client_deinit(&c); /* as in a crash: nothing is written any more */
  must(open_with(&c, io, NULL) == VS_OK);
  ok(kind_of_v(&c) == VS_META_RANGE, "and is there after a crash");
  ok(count(&c, 1) == 27 && count(&c, 2) == 3 && findings(&c.db) == 0, "with an index of its kind");
  client_deinit(&c);
  must(open_with(&c, io, "range") == VS_OK);
  ok(vs_store_generation(c.db.store) == generation + 1, "the same one again writes nothing");
  client_deinit(&c);
  io->ops->destroy(io);
}

int main(void) {
  saved_and_read();
  damaged();
  closing();
  options();
  return tap_done();
}
