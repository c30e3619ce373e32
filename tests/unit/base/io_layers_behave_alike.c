/* One suite over every file layer that runs natively: memory, real files in a
 * temporary directory, and the fault layer without faults. */
#define _GNU_SOURCE 1 /* mkdtemp */
#include "../../../src/base/io_fault.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#include <unistd.h>

#define SEED 10u

static const char *layer;

typedef struct {
  char text[400];
  int count, stop_after;
} listing;

static vs_status note(void *ctx, const char *name, bool is_dir) {
  listing *l = ctx;
  strcat(strcat(l->text, name), is_dir ? "/ " : " ");
  return ++l->count == l->stop_after ? VS_ABORTED : VS_OK;
}

static vs_status create(vs_io *io, const char *name, const char *text) {
  vs_file *f;
  VS_TRY(io->ops->open(io, name, VS_IO_CREATE, &f));
  vs_status s = io->ops->append(io, f, text, strlen(text));
  io->ops->close(io, f);
  return s;
}

static void names(vs_io *io) {
  vs_file *f = NULL;
  listing l = {"", 0, 0};
  ok(io->ops->open(io, "a", VS_IO_READ, &f) == VS_NOT_FOUND, "%s: an absent file", layer);
  ok(create(io, "d/a", "x") == VS_NOT_FOUND, "a file below an absent directory");
  ok(io->ops->mkdir(io, "d/e") == VS_NOT_FOUND, "a directory below an absent one");
  ok(io->ops->list(io, "d", note, &l) == VS_NOT_FOUND && l.count == 0, "listing an absent directory");
  ok(io->ops->list(io, "", note, &l) == VS_OK && l.count == 0, "the root is empty");
  ok(io->ops->mkdir(io, "d") == VS_OK && io->ops->mkdir(io, "d") == VS_OK && io->ops->mkdir(io, "") == VS_OK,
     "mkdir, twice, and of the root");
  ok(create(io, "d/a", "x") == VS_OK && create(io, "d/a", "y") == VS_ALREADY_EXISTS, "create is exclusive");
  ok(io->ops->mkdir(io, "d/a") == VS_ALREADY_EXISTS && io->ops->mkdir(io, "d/e") == VS_OK, "a directory over a file");
  ok(create(io, "d", "x") == VS_ALREADY_EXISTS && io->ops->open(io, "d", VS_IO_READ, &f) == VS_IO,
     "a directory is no file");
  ok(create(io, "d/a/b", "x") == VS_IO && io->ops->list(io, "d/a", note, &l) == VS_IO, "a file is no directory");
  ok(io->ops->remove(io, "d") == VS_IO && io->ops->remove(io, "d/x") == VS_NOT_FOUND, "remove is for files");
  ok(io->ops->sync(io, "d/a") == VS_OK && io->ops->sync(io, "d/b") == VS_NOT_FOUND && io->ops->sync(io, "d") == VS_IO,
     "sync is for files");
  ok(io->ops->sync_dir(io, "d") == VS_OK && io->ops->sync_dir(io, "") == VS_OK &&
         io->ops->sync_dir(io, "x") == VS_NOT_FOUND && io->ops->sync_dir(io, "d/a") == VS_IO,
     "sync_dir is for directories");
  must(create(io, "da", "near name") == VS_OK);
  ok(io->ops->list(io, "d", note, &l) == VS_OK && l.count == 2 && strstr(l.text, "a ") && strstr(l.text, "e/ "),
     "a directory lists what is in it: %s", l.text);
  l = (listing){"", 0, 1};
  ok(io->ops->list(io, "", note, &l) == VS_ABORTED && l.count == 1, "a failing callback ends the walk");
  ok(io->ops->remove(io, "d/a") == VS_OK && io->ops->open(io, "d/a", VS_IO_READ, &f) == VS_NOT_FOUND &&
         create(io, "d/a", "again") == VS_OK,
     "a removed name can be used again");
  static const char *const bad[] = {"", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "\xc3\xa4", "a\\b", "C:"};
  int wrong = 0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    wrong += vs_io_name_ok(bad[i]) || create(io, bad[i], "") != VS_INVALID_ARGUMENT;
    wrong += io->ops->remove(io, bad[i]) != VS_INVALID_ARGUMENT || io->ops->sync(io, bad[i]) != VS_INVALID_ARGUMENT;
    if (i == 0) continue;
    wrong += io->ops->mkdir(io, bad[i]) != VS_INVALID_ARGUMENT || io->ops->sync_dir(io, bad[i]) != VS_INVALID_ARGUMENT;
    wrong += io->ops->list(io, bad[i], note, &l) != VS_INVALID_ARGUMENT;
  }
  ok(wrong == 0 && vs_io_name_ok("a.b_c-D/0/...") && vs_io_name_ok(".a"), "names keep the rule (%d wrong)", wrong);
}

static void contents(vs_io *io) {
  vs_rng rng = {SEED};
  uint8_t *all = malloc(3 << 20);
  size_t n = 0;
  int wrong = 0;
  vs_file *f, *other;
  uint64_t size;
  size_t got;
  for (size_t i = 0; i < 3 << 20; i++) all[i] = (uint8_t)vs_rng_u64(&rng);
  must(io->ops->open(io, "big", VS_IO_CREATE, &f) == VS_OK && io->ops->open(io, "big", VS_IO_READ, &other) == VS_OK);
  ok(io->ops->append(io, f, all, 0) == VS_OK && io->ops->size(io, f, &size) == VS_OK && size == 0, "nothing appended");
  while (n < 2500000) {
    size_t more = 1 + vs_rng_below(&rng, vs_rng_below(&rng, 4) == 0 ? 400000 : 3000);
    wrong += io->ops->append(io, f, all + n, more) != VS_OK;
    n += more;
    wrong += io->ops->size(io, other, &size) != VS_OK || size != n;
    uint8_t last = 0;
    wrong += io->ops->read(io, other, n - 1, &last, 1, &got) != VS_OK || got != 1 || last != all[n - 1];
  }
  ok(wrong == 0, "appends are visible at once to every handle (%d wrong)", wrong);
  uint8_t *back = malloc(n + 10);
  for (int i = 0; i < 100; i++) {
    size_t off = vs_rng_below(&rng, (uint32_t)n), want = 1 + vs_rng_below(&rng, 500000);
    size_t expected = want < n - off ? want : n - off;
    wrong += io->ops->read(io, other, off, back, want, &got) != VS_OK || got != expected;
    wrong += memcmp(back, all + off, expected) != 0;
    wrong += vs_io_read_exact(io, other, off, back, want) != (expected == want ? VS_OK : VS_CORRUPT);
  }
  ok(wrong == 0, "reads give what was appended, less at the end (seed %u, %d wrong)", SEED, wrong);
  ok(io->ops->read(io, f, n, back, 1, &got) == VS_OK && got == 0, "nothing at the end");
  ok(io->ops->read(io, f, UINT64_MAX - 3, back, 10, &got) == VS_OK && got == 0, "nor far beyond it");
  ok(io->ops->append(io, other, "x", 1) == VS_IO, "a file opened for reading is not appended to");
  ok(io->ops->remove(io, "big") == VS_OK && io->ops->read(io, other, 5, back, 9, &got) == VS_OK && got == 9 &&
         memcmp(back, all + 5, 9) == 0,
     "an open file outlives its name");
  io->ops->close(io, f);
  io->ops->close(io, other);
  free(back);
  free(all);
}

static void chunks(vs_io *io) {
  vs_file *f;
  uint8_t block[5000];
  must(io->ops->open(io, "c", VS_IO_CREATE, &f) == VS_OK);
  uint64_t before = vs_io_mem_bytes(io), total = 0, seen = 0;
  ok(vs_io_mem_chunk(io, "c", 0).n == 0 && vs_io_mem_chunk(io, "no", 0).n == 0, "an empty file has no chunk");
  for (int i = 0; i < 500; i++) {
    memset(block, i % 251, sizeof block);
    must(io->ops->append(io, f, block, sizeof block) == VS_OK);
    total += sizeof block;
  }
  int wrong = 0;
  uint32_t i = 0;
  for (vs_slice s; (s = vs_io_mem_chunk(io, "c", i)).n > 0; i++) {
    for (size_t k = 0; k < s.n; k++, seen++) wrong += s.p[k] != seen / sizeof block % 251;
  }
  ok(wrong == 0 && seen == total && i > 1, "the chunks are the file");
  ok(vs_io_mem_bytes(io) == before + total, "and are counted");
  io->ops->close(io, f);
  must(io->ops->remove(io, "c") == VS_OK);
  ok(vs_io_mem_bytes(io) == before, "until the file is removed");
}

static void refused_memory(vs_io *io, vs_alloc *a) {
  int wrong = 0;
  for (uint64_t fail = 1; fail < 12; fail++) {
    char name[20];
    snprintf(name, sizeof name, "oom-%u", (unsigned)fail);
    vs_file *f;
    a->fail_at = a->n_calls + fail;
    vs_status opened = io->ops->open(io, name, VS_IO_CREATE, &f);
    vs_status appended = opened == VS_OK ? io->ops->append(io, f, "hello", 5) : VS_OK;
    uint64_t size = 99;
    if (opened == VS_OK) {
      wrong += io->ops->size(io, f, &size) != VS_OK || size != (appended == VS_OK ? 5 : 0);
      io->ops->close(io, f);
    }
    wrong += opened != VS_OK && opened != VS_OUT_OF_MEMORY;
    wrong += appended != VS_OK && appended != VS_OUT_OF_MEMORY;
    a->fail_at = 0;
    wrong += create(io, name, "x") != (opened == VS_OK ? VS_ALREADY_EXISTS : VS_OK);
  }
  ok(wrong == 0, "refused memory changes nothing (%d wrong)", wrong);
}

static void suite(vs_alloc *a, vs_io *io, const char *name) {
  layer = name;
  names(io);
  contents(io);
  refused_memory(io, a);
}

int main(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_io *io;
  must(vs_io_mem_create(&a, &io) == VS_OK);
  suite(&a, io, "memory");
  chunks(io);
  io->ops->destroy(io);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  suite(&a, io, "fault");
  io->ops->destroy(io);
  const char *tmp = getenv("TMPDIR");
  char dir[300], root[320], command[400];
  snprintf(dir, sizeof dir, "%s/vecstore-io-XXXXXX", tmp != NULL ? tmp : "/tmp");
  must(mkdtemp(dir) != NULL);
  snprintf(root, sizeof root, "%s/store//", dir);
  must(vs_io_posix_create(&a, root, &io) == VS_OK);
  suite(&a, io, "posix");
  vs_io *again;
  ok(vs_io_posix_create(&a, root, &again) == VS_OK, "an existing root is opened");
  vs_file *f;
  ok(again->ops->open(again, "d/a", VS_IO_READ, &f) == VS_OK, "with what is in it");
  again->ops->close(again, f);
  again->ops->destroy(again);
  snprintf(root, sizeof root, "%s/no/store", dir);
  ok(vs_io_posix_create(&a, root, &again) == VS_NOT_FOUND, "the root's parent must exist");
  ok(vs_io_posix_create(&a, "", &again) == VS_INVALID_ARGUMENT, "an empty root is refused");
  io->ops->destroy(io);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  must(system(command) == 0);
  ok(a.used == 0 && a.n_live == 0, "nothing leaks");
  return tap_done();
}
