/* A planned fault strikes exactly the call it names, once or for ever, with
 * the effect of its kind and no other. */
#include "../../../src/base/io_fault.h"

#include "../tap.h"

static vs_alloc a;

static vs_io *fresh(void) {
  vs_io *io;
  must(vs_io_fault_create(&a, &io) == VS_OK);
  return io;
}

static vs_status nothing(void *ctx, const char *name, bool is_dir) {
  (void)ctx, (void)name, (void)is_dir;
  return VS_OK;
}

/* One call of each kind; the statuses go into `s` in order. */
static void run(vs_io *io, vs_status s[9]) {
  vs_file *f = NULL;
  char buf[4];
  size_t got;
  uint64_t size;
  int i = 0;
  s[i++] = io->ops->mkdir(io, "d");
  s[i++] = io->ops->open(io, "f", VS_IO_CREATE, &f);
  s[i++] = f != NULL ? io->ops->append(io, f, "abcd", 4) : VS_CLOSED;
  s[i++] = f != NULL ? io->ops->read(io, f, 0, buf, 4, &got) : VS_CLOSED;
  s[i++] = f != NULL ? io->ops->size(io, f, &size) : VS_CLOSED;
  s[i++] = io->ops->list(io, "", nothing, NULL);
  s[i++] = io->ops->sync(io, "f");
  s[i++] = io->ops->sync_dir(io, "");
  s[i++] = io->ops->remove(io, "f");
  if (f != NULL) io->ops->close(io, f);
}

static void errors(void) {
  int wrong = 0;
  vs_status s[9];
  vs_io *io = fresh();
  run(io, s);
  for (int i = 0; i < 9; i++) wrong += s[i] != VS_OK;
  ok(wrong == 0 && vs_io_fault_calls(io) == 9, "without a plan all 9 calls succeed and count");
  io->ops->destroy(io);
  for (uint64_t at = 1; at <= 9; at++) {
    if (at == 2) continue; /* the open: everything behind it depends on it */
    io = fresh();
    vs_io_fault_plan(io, at, VS_FAULT_EIO, false);
    run(io, s);
    for (uint64_t i = 0; i < 9; i++) wrong += s[i] != (i + 1 == at ? VS_IO : VS_OK);
    io->ops->destroy(io);
    io = fresh();
    vs_io_fault_plan(io, at, VS_FAULT_EIO, true);
    run(io, s);
    for (uint64_t i = 0; i < 9; i++) wrong += (s[i] == VS_OK) != (i + 1 < at);
    io->ops->destroy(io);
    io = fresh();
    vs_io_fault_plan(io, at, VS_FAULT_ENOSPC, false);
    run(io, s);
    wrong += s[at - 1] != (at == 1 || at == 3 ? VS_NO_SPACE : VS_IO);
    io->ops->destroy(io);
  }
  ok(wrong == 0, "each call can be struck alone, or all from it on (%d wrong)", wrong);
  io = fresh();
  vs_file *f;
  vs_io_fault_plan(io, 1, VS_FAULT_ENOSPC, false);
  ok(io->ops->open(io, "f", VS_IO_CREATE, &f) == VS_NO_SPACE && io->ops->open(io, "f", VS_IO_READ, &f) == VS_NOT_FOUND,
     "a struck create leaves no file");
  io->ops->destroy(io);
}

static void half_done(void) {
  vs_io *io = fresh();
  vs_file *f;
  uint64_t size = 0;
  size_t got = 0;
  char buf[20] = "";
  must(io->ops->open(io, "f", VS_IO_CREATE, &f) == VS_OK);
  vs_io_fault_plan(io, 2, VS_FAULT_SHORT, false);
  ok(io->ops->append(io, f, "0123456789", 10) == VS_NO_SPACE, "a short append is NO_SPACE");
  ok(io->ops->size(io, f, &size) == VS_OK && size == 5, "with half its bytes written");
  must(io->ops->append(io, f, "abcde", 5) == VS_OK);
  vs_io_fault_plan(io, vs_io_fault_calls(io) + 1, VS_FAULT_SHORT, true);
  ok(io->ops->read(io, f, 0, buf, 10, &got) == VS_OK && got == 5, "a short read gives half");
  ok(vs_io_read_exact(io, f, 0, buf, 10) == VS_OK && memcmp(buf, "01234abcde", 10) == 0, "an exact read goes on");
  ok(io->ops->sync(io, "f") == VS_OK, "SHORT leaves a sync alone");
  io->ops->close(io, f);
  io->ops->destroy(io);
}

/* After a failed sync nothing that was pending survives any reboot, not even
 * after a later sync that succeeds; the running program sees it all along. */
static void failed_sync(void) {
  vs_io *io = fresh();
  vs_file *f;
  uint64_t size = 0;
  must(io->ops->open(io, "f", VS_IO_CREATE, &f) == VS_OK && io->ops->append(io, f, "first", 5) == VS_OK);
  must(io->ops->sync(io, "f") == VS_OK && io->ops->sync_dir(io, "") == VS_OK);
  must(io->ops->append(io, f, "second", 6) == VS_OK);
  vs_io_fault_plan(io, vs_io_fault_calls(io) + 1, VS_FAULT_SYNC, false);
  ok(io->ops->sync(io, "f") == VS_IO, "the sync fails");
  ok(io->ops->size(io, f, &size) == VS_OK && size == 11, "the program still sees what it wrote");
  must(io->ops->mkdir(io, "d") == VS_OK);
  vs_io_fault_plan(io, vs_io_fault_calls(io) + 1, VS_FAULT_SYNC, false);
  ok(io->ops->sync_dir(io, "") == VS_IO && io->ops->mkdir(io, "d") == VS_OK, "a sync_dir fails, the name is seen");
  ok(io->ops->sync(io, "f") == VS_OK && io->ops->sync_dir(io, "") == VS_OK, "the next ones succeed");
  must(io->ops->append(io, f, "third", 5) == VS_OK && io->ops->sync(io, "f") == VS_OK);
  io->ops->close(io, f);
  int wrong = 0;
  for (uint64_t seed = 0; seed < 50; seed++) {
    vs_io *after;
    char buf[16];
    must(vs_io_fault_clone(io, &after) == VS_OK && vs_io_fault_reboot(after, seed) == VS_OK);
    must(after->ops->open(after, "f", VS_IO_READ, &f) == VS_OK);
    wrong += vs_io_read_exact(after, f, 0, buf, 16) != VS_OK || memcmp(buf, "first\0\0\0\0\0\0third", 16) != 0;
    wrong += after->ops->sync_dir(after, "d") != VS_NOT_FOUND;
    after->ops->close(after, f);
    after->ops->destroy(after);
  }
  ok(wrong == 0, "what the failed syncs dropped is gone after every reboot (%d wrong)", wrong);
  io->ops->destroy(io);
}

static void damage(void) {
  vs_io *io = fresh();
  vs_file *f;
  char buf[4];
  uint64_t size;
  must(io->ops->open(io, "f", VS_IO_CREATE, &f) == VS_OK && io->ops->append(io, f, "abcd", 4) == VS_OK);
  must(io->ops->sync(io, "f") == VS_OK && io->ops->append(io, f, "efgh", 4) == VS_OK);
  ok(vs_io_fault_flip(io, "f", 8) == VS_OK && vs_io_read_exact(io, f, 0, buf, 4) == VS_OK &&
         memcmp(buf, "accd", 4) == 0,
     "flip changes one bit");
  ok(vs_io_fault_flip(io, "f", 64) == VS_INVALID_ARGUMENT && vs_io_fault_flip(io, "g", 0) == VS_NOT_FOUND,
     "where it is");
  ok(vs_io_fault_cut(io, "f", 9) == VS_INVALID_ARGUMENT && vs_io_fault_cut(io, "f", 6) == VS_OK &&
         io->ops->size(io, f, &size) == VS_OK && size == 6 && vs_io_fault_cut(io, "f", 3) == VS_OK,
     "cut shortens");
  must(io->ops->append(io, f, "XY", 2) == VS_OK && io->ops->sync(io, "f") == VS_OK &&
       io->ops->sync_dir(io, "") == VS_OK);
  must(vs_io_fault_reboot(io, 1) == VS_OK && io->ops->open(io, "f", VS_IO_READ, &f) == VS_OK);
  ok(io->ops->size(io, f, &size) == VS_OK && size == 5, "the cut is durable, appends go on behind it");
  io->ops->close(io, f);
  io->ops->destroy(io);
}

int main(void) {
  vs_alloc_init(&a);
  errors();
  half_done();
  failed_sync();
  damage();
  ok(a.used == 0, "nothing leaks");
  return tap_done();
}
