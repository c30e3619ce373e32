/* Blocks of any size come back as they were given, in order, over many files;
 * names are parsed in one spelling only; verify names every damaged file. */
#include "world.h"

#include "../../../src/store/format.h"

static uint8_t byte_of(uint64_t seed, size_t i) { return (uint8_t)(vs_mix64(seed) + i * 7 + (i >> 8)); }

static void sizes(void) {
  static const size_t size[] = {1,       7,       4096,        65535,           65536,           65537, 1048576 - 44,
                                1048576, 1048577, 3 * 1048576, 1048576 - 8 - 8, 2 * 1048576 + 3, 100,   1};
  enum { N = sizeof size / sizeof *size };
  world w;
  history h;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_OK);
  uint8_t *p = malloc(4 << 20);
  vs_block_writer *b;
  must(vs_block_writer_create(w.s, VS_FILE_SEGMENT, &b, NULL) == VS_OK);
  for (uint32_t i = 0; i < N; i++) {
    for (size_t k = 0; k < size[i]; k++) p[k] = byte_of(i, k);
    must(vs_block_writer_append(b, p, size[i], NULL) == VS_OK);
  }
  uint64_t announced = vs_block_writer_bytes(b);
  must(vs_block_writer_finish(b, N, NULL) == VS_OK);
  must(vs_block_writer_create(w.s, VS_FILE_INDEX, &b, NULL) == VS_OK);
  must(vs_block_writer_finish(b, 0, NULL) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  must(vs_store_checkpoint_install(w.s, (vs_slice){NULL, 0}, NULL) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  must(vs_store_checkpoint_retire(w.s, NULL) == VS_OK);
  ok(vs_store_file(w.s, 0)->bytes == announced + VS_BLOCK_FOOTER_BYTES && vs_store_file(w.s, 0)->n_items == N,
     "the reference tells length and count");
  vs_block_reader *r;
  must(vs_block_reader_open(w.s, 0, &r, NULL) == VS_OK);
  bool same = true;
  vs_slice got;
  for (uint32_t i = 0; i < N; i++) {
    must(vs_block_reader_next(r, &got, NULL) == VS_OK);
    same = same && got.n == size[i];
    for (size_t k = 0; same && k < got.n; k++) same = got.p[k] == byte_of(i, k);
  }
  ok(same, "%u blocks come back", (unsigned)N);
  ok(vs_block_reader_next(r, &got, NULL) == VS_OK && got.n == 0, "then the end");
  vs_block_reader_close(r);
  must(vs_block_reader_open(w.s, 1, &r, NULL) == VS_OK);
  ok(vs_block_reader_next(r, &got, NULL) == VS_OK && got.n == 0, "a file without blocks is one");
  vs_block_reader_close(r);
  free(p);
  world_deinit(&w);
}

static void one_segment(world *w, uint8_t value) {
  history h;
  uint8_t p[64];
  memset(p, value, sizeof p);
  world_init(w, 1 << 20);
  must(world_open(w, &h, NULL) == VS_OK);
  must(vs_store_checkpoint_begin(w->s, NULL) == VS_OK);
  vs_block_writer *b;
  must(vs_block_writer_create(w->s, VS_FILE_SEGMENT, &b, NULL) == VS_OK);
  must(vs_block_writer_append(b, p, sizeof p, NULL) == VS_OK);
  must(vs_block_writer_finish(b, 1, NULL) == VS_OK);
  must(vs_store_sync(w->s, NULL) == VS_OK);
  must(vs_store_checkpoint_install(w->s, (vs_slice){NULL, 0}, NULL) == VS_OK);
  must(vs_store_sync(w->s, NULL) == VS_OK);
  must(vs_store_checkpoint_retire(w->s, NULL) == VS_OK);
}

/* The right name, the right length, valid checksums, but of another store. */
static void exchanged(void) {
  world a, b;
  one_segment(&a, 1);
  one_segment(&b, 2);
  uint8_t p[512];
  size_t n;
  vs_file *f;
  must(b.io->ops->open(b.io, "seg-1", VS_IO_READ, &f) == VS_OK);
  must(b.io->ops->read(b.io, f, 0, p, sizeof p, &n) == VS_OK);
  b.io->ops->close(b.io, f);
  must(a.io->ops->remove(a.io, "seg-1") == VS_OK);
  must(a.io->ops->open(a.io, "seg-1", VS_IO_CREATE, &f) == VS_OK);
  must(a.io->ops->append(a.io, f, p, n) == VS_OK);
  a.io->ops->close(a.io, f);
  vs_block_reader *r;
  vs_slice got;
  must(vs_block_reader_open(a.s, 0, &r, NULL) == VS_OK);
  vs_status status = vs_block_reader_next(r, &got, NULL);
  if (status == VS_OK) status = vs_block_reader_next(r, &got, NULL);
  ok(status == VS_CORRUPT, "a file of another store is noticed at its end");
  vs_block_reader_close(r);
  world_deinit(&a);
  world_deinit(&b);
}

static void parsed_names(void) {
  static const char *const good[] = {"wal-0",           "wal-17", "seg-1", "idx-3-0", "manifest-18446744073709551614",
                                     "idx-1-4294967295"};
  static const char *const bad[] = {"wal-",
                                    "wal-01",
                                    "wal-1x",
                                    "wal-1-1",
                                    "idx-1",
                                    "idx-1-",
                                    "idx-1-00",
                                    "idx-1-4294967296",
                                    "seg-18446744073709551615",
                                    "seg-18446744073709551616",
                                    "manifest-99999999999999999999",
                                    "manifest",
                                    "snapshots",
                                    "",
                                    "seg--1"};
  bool right = true;
  char text[VS_STORE_NAME_BYTES];
  for (uint32_t i = 0; i < sizeof good / sizeof *good; i++) {
    vs_name name = vs_name_parse(good[i]);
    right = right && name.kind != VS_NAME_OTHER;
    if (name.kind == VS_NAME_OTHER) continue;
    vs_name_format(name, text);
    right = right && strcmp(text, good[i]) == 0;
  }
  ok(right, "names are read back as they are written");
  for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (vs_name_parse(bad[i]).kind != VS_NAME_OTHER) {
      printf("# %s\n", bad[i]);
      right = false;
    }
  ok(right, "and in no other spelling");
}

typedef struct {
  uint32_t n;
  char file[8][64];
} damages;

static void on_damage(void *ctx, const char *file, const char *what) {
  damages *d = ctx;
  if (what[0] == '\0') d->n = 100;
  if (d->n < 8) snprintf(d->file[d->n++], 64, "%s", file);
}

static void verified(void) {
  world w;
  history h;
  world_init(&w, 200);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  checkpoint(&w, 1, 1);
  for (uint64_t v = 2; v <= 6; v++) commit_synced(&w, v);
  damages d = {0};
  must(vs_store_verify(w.s, on_damage, &d, NULL) == VS_OK);
  ok(d.n == 0, "an intact store has no damage");
  names l = files_of(&w);
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < l.n; i++) {
    d.n = 0;
    uint64_t bit = bytes_of(&w, l.name[i]) * 4;
    must(vs_io_fault_flip(w.io, l.name[i], bit) == VS_OK);
    must(vs_store_verify(w.s, on_damage, &d, NULL) == VS_OK);
    if (d.n != 1 || strcmp(d.file[0], l.name[i]) != 0) {
      printf("# %s: %u, %s\n", l.name[i], d.n, d.n > 0 ? d.file[0] : "");
      wrong++;
    }
    must(vs_io_fault_flip(w.io, l.name[i], bit) == VS_OK);
  }
  ok(wrong == 0, "a wrong bit in each of %u files is told with its name", l.n);
  must(vs_io_fault_flip(w.io, "seg-1", 300) == VS_OK);
  must(vs_io_fault_flip(w.io, "idx-1-0", 300) == VS_OK);
  d.n = 0;
  must(vs_store_verify(w.s, on_damage, &d, NULL) == VS_OK);
  ok(d.n == 2, "all damage is told, not only the first");
  must(w.io->ops->remove(w.io, "manifest-1") == VS_OK);
  d.n = 0;
  must(vs_store_verify(w.s, on_damage, &d, NULL) == VS_OK);
  ok(d.n >= 3 && strcmp(d.file[0], "manifest-1") == 0, "a missing manifest, too");
  world_deinit(&w);
}

int main(void) {
  sizes();
  exchanged();
  parsed_names();
  verified();
  return tap_done();
}
