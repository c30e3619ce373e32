/* directory.h - a golden store in memory of which one file is replaced, for the fuzz targets of what a directory holds.
 *
 * Each target says which file its input stands for and how its checksums are made right, so that what lies behind
 * them is reached. The store is then opened, read, verified and written as a host does it: whatever the bytes are,
 * that gives a status or a store that passes its own verification and takes a write.
 *
 * With libFuzzer, from the repository's root:
 *   make native-fuzz, or clang -fsanitize=fuzzer,address,undefined -DVS_LIBFUZZER tests/fuzz/NAME.c libvecstore.a
 * Without, each target is a test program that replays its corpus.
 */
#ifndef FUZZ_DIRECTORY_H
#define FUZZ_DIRECTORY_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/base/crc32c.h"
#include "../unit/db/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

#define GOLDEN "tests/golden/store-1/"
#define FUZZ_FILES 16u
#define MANIFEST_HEADER 32u
#define MANIFEST_REFS 44u /* of the body: where the files' entries begin */
#define MANIFEST_REF 33u
#define BLOCK_HEADER 36u

typedef struct {
  char name[64]; /* from the store's root, e.g. "c/1/wal-2" */
  uint8_t *p;    /* owned */
  size_t n;
} fuzz_file;

typedef struct {
  fuzz_file file[FUZZ_FILES];
  uint32_t n;
} directory;

static inline fuzz_file *fuzz_find(directory *d, const char *prefix) {
  for (uint32_t i = 0; i < d->n; i++)
    if (strncmp(d->file[i].name, prefix, strlen(prefix)) == 0) return &d->file[i];
  CHECK(false);
  return NULL;
}

static inline void fuzz_set(fuzz_file *f, const void *p, size_t n) {
  f->p = realloc(f->p, n + 1);
  CHECK(f->p != NULL);
  if (n > 0) memcpy(f->p, p, n);
  f->n = n;
}

static inline void fuzz_load_file(directory *d, const char *path, const char *name) {
  FILE *file = fopen(path, "rb");
  CHECK(file && d->n < FUZZ_FILES);
  fuzz_file *f = &d->file[d->n++];
  CHECK(fseek(file, 0, SEEK_END) == 0);
  f->n = (size_t)ftell(file);
  f->p = malloc(f->n + 1);
  snprintf(f->name, sizeof f->name, "%s", name);
  CHECK(f->p && fseek(file, 0, SEEK_SET) == 0 && fread(f->p, 1, f->n, file) == f->n);
  fclose(file);
}

static inline void fuzz_load(directory *d, const char *store) {
  char folder[256], path[600], name[64];
  memset(d, 0, sizeof *d);
  snprintf(path, sizeof path, "%s%s/db-1", GOLDEN, store);
  fuzz_load_file(d, path, "db-1");
  snprintf(folder, sizeof folder, "%s%s/c/1", GOLDEN, store);
  DIR *dir = opendir(folder);
  CHECK(dir != NULL);
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    snprintf(name, sizeof name, "c/1/%.40s", entry->d_name);
    fuzz_load_file(d, path, name);
  }
  closedir(dir);
}

static inline void fuzz_unload(directory *d) {
  for (uint32_t i = 0; i < d->n; i++) free(d->file[i].p);
}

/* ============ Checksums made right ============ */

static inline void fuzz_seal_manifest(fuzz_file *f) {
  if (f->n < MANIFEST_HEADER) return;
  vs_store_u64(f->p + 16, f->n - MANIFEST_HEADER);
  vs_store_u32(f->p + 24, vs_crc32c(0, f->p + MANIFEST_HEADER, f->n - MANIFEST_HEADER));
  vs_store_u32(f->p + 28, vs_crc32c(0, f->p, 28));
}

/* The manifest's entry of a block file says its length and checksum, as far as these can be told. */
static inline void fuzz_tell_manifest(directory *d, const fuzz_file *block, uint32_t crc) {
  fuzz_file *m = fuzz_find(d, "c/1/manifest-");
  uint32_t n = vs_load_u32(m->p + MANIFEST_HEADER + MANIFEST_REFS - 4);
  uint8_t kind = strncmp(block->name, "c/1/seg-", 8) == 0 ? 1 : 2;
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *entry = m->p + MANIFEST_HEADER + MANIFEST_REFS + i * MANIFEST_REF;
    if (entry[0] != kind) continue;
    vs_store_u64(entry + 13, block->n);
    vs_store_u32(entry + 29, crc);
    break;
  }
  fuzz_seal_manifest(m);
}

/* ============ Opening ============ */

/* Everything a host would do with the directory. */
static inline void fuzz_use(vs_io *io, bool import_of, vs_import *import) {
  client c;
  client_init(&c, io);
  c.db.alloc.budget = (size_t)256 << 20;
  c.db.import = import;
  n_opened = 1; /* the same configuration every time */
  vs_wr w;
  vs_wr_init(&w, &c.outer);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "storage");
  vs_value_cstring(&w, io ? "posix" : "memory");
  vs_value_key(&w, "root");
  vs_value_cstring(&w, "root");
  vs_value_key(&w, "import");
  vs_value_bool(&w, import_of);
  vs_value_end(&w, mark, 3);
  vs_status status = run(&c.db, vs_op_begin_open(&c.db, (vs_slice){w.p, w.n}));
  vs_wr_deinit(&w);
  if (status == VS_OK) {
    vs_op_state *verify = vs_op_begin_verify(&c.db);
    CHECK(verify && vs_op_finish(verify) == VS_OK);
    vs_slice found = vs_op_output(verify);
    CHECK(vs_value_check(found.p, found.n));
    bool sound = found.n > 1 && found.p[1] == 0;
    vs_op_end(verify);
    status = c.db.coll.has_index && c.db.coll.config.dim <= MAX_DIM ? upsert(&c, 7, 99) : VS_OK;
    if (sound) CHECK(status == VS_OK || status == VS_OUT_OF_MEMORY || status == VS_NO_SPACE);
    vs_status checkpoint = run(&c.db, vs_op_begin_checkpoint(&c.db, true));
    if (sound) CHECK(checkpoint == VS_OK || checkpoint == VS_OUT_OF_MEMORY || checkpoint == VS_NO_SPACE);
  } else {
    CHECK(c.db.err.msg[0] != 0 && memchr(c.db.err.msg, 0, sizeof c.db.err.msg) != NULL);
  }
  client_deinit(&c);
  CHECK(c.db.alloc.n_live == 0);
}

static inline void fuzz_open(const directory *d) {
  vs_alloc a;
  vs_io *io;
  vs_alloc_init(&a);
  CHECK(vs_io_mem_create(&a, &io) == VS_OK);
  CHECK(io->ops->mkdir(io, "c") == VS_OK && io->ops->mkdir(io, "c/1") == VS_OK);
  for (uint32_t i = 0; i < d->n; i++) {
    vs_file *f;
    CHECK(io->ops->open(io, d->file[i].name, VS_IO_CREATE, &f) == VS_OK);
    CHECK(io->ops->append(io, f, d->file[i].p, d->file[i].n) == VS_OK);
    io->ops->close(io, f);
  }
  fuzz_use(io, false, NULL);
  io->ops->destroy(io);
  CHECK(a.n_live == 0);
}

#endif
