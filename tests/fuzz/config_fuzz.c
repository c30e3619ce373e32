/* config_fuzz.c - arbitrary bytes as the saved configuration in the manifest (first byte even), as the options of an
 * opening (odd), or as the catalog: as it is (bit 1) or under a right checksum (bits 1 and 2). */
#include "directory.h"

enum { CATALOG_HEADER = 24 };

static void as_catalog(directory *d, const uint8_t *p, size_t n, bool sealed) {
  fuzz_file *f = fuzz_find(d, "db-1");
  if (!sealed) {
    fuzz_set(f, p, n);
    return;
  }
  f->p = realloc(f->p, CATALOG_HEADER + n + 1);
  memcpy(f->p + CATALOG_HEADER, p, n);
  f->n = CATALOG_HEADER + n;
  vs_store_u32(f->p + 16, (uint32_t)n);
  vs_store_u32(f->p + 20, vs_crc32c(vs_crc32c(0, f->p + CATALOG_HEADER, n), f->p, 20));
}

/* The body's fixed part and files stay; the blob is the input. */
static void as_saved(directory *d, const uint8_t *p, size_t n) {
  fuzz_file *m = fuzz_find(d, "c/1/manifest-");
  vs_alloc a;
  vs_wr w;
  size_t front =
      MANIFEST_HEADER + MANIFEST_REFS + vs_load_u32(m->p + MANIFEST_HEADER + MANIFEST_REFS - 4) * MANIFEST_REF;
  vs_alloc_init(&a);
  vs_wr_init(&w, &a);
  vs_wr_bytes(&w, m->p, front);
  vs_wr_slice(&w, p, n);
  fuzz_set(m, w.p, w.n);
  vs_wr_deinit(&w);
  fuzz_seal_manifest(m);
}

static void as_options(const uint8_t *p, size_t n) {
  vs_db_state db;
  memset(&db, 0, sizeof db);
  vs_alloc_init(&db.alloc);
  vs_db_init(&db);
  db.alloc.budget = (size_t)64 << 20;
  vs_io *io;
  CHECK(vs_io_mem_create(&db.alloc, &io) == VS_OK);
  db.io = io;
  db.io_borrowed = true;
  vs_op_state *op = vs_op_begin_open(&db, (vs_slice){p, n});
  if (op) {
    (void)vs_op_finish(op);
    vs_op_end(op);
  }
  vs_db_deinit(&db);
  io->ops->destroy(io);
  CHECK(db.alloc.n_live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const bases[] = {"checkpointed", "filters", "staged", "empty"};
  if (size < 1) return 0;
  if (data[0] & 1) {
    as_options(data + 1, size - 1);
    return 0;
  }
  directory d;
  fuzz_load(&d, bases[data[0] >> 3 & 3]);
  if (data[0] & 2)
    as_catalog(&d, data + 1, size - 1, data[0] & 4);
  else
    as_saved(&d, data + 1, size - 1);
  fuzz_open(&d);
  fuzz_unload(&d);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/config"); }

#endif
