/* The crash model: whatever was synced is there after every reboot, whatever
 * was not may be kept, dropped or torn, each of which is seen over the seeds;
 * what a reboot leaves is durable, and equal seeds leave equal states. */
#include "../../../src/base/crc32c.h"
#include "../../../src/base/io_fault.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#include <time.h>

#define SEED 11u

static vs_alloc a;

static vs_io *fresh(void) {
  vs_io *io;
  must(vs_io_fault_create(&a, &io) == VS_OK);
  return io;
}

static vs_io *rebooted(const vs_io *io, uint64_t seed) {
  vs_io *after;
  must(vs_io_fault_clone(io, &after) == VS_OK && vs_io_fault_reboot(after, seed) == VS_OK);
  return after;
}

static vs_file *append(vs_io *io, const char *name, const void *p, size_t n) {
  vs_file *f;
  must(io->ops->open(io, name, VS_IO_CREATE, &f) == VS_OK && io->ops->append(io, f, p, n) == VS_OK);
  return f;
}

/* The size of a file and its bytes in buf; -1 when absent. */
static long load(vs_io *io, const char *name, uint8_t *buf, size_t cap) {
  vs_file *f;
  uint64_t size;
  size_t got;
  if (io->ops->open(io, name, VS_IO_READ, &f) != VS_OK) return -1;
  must(io->ops->size(io, f, &size) == VS_OK && size <= cap);
  must(io->ops->read(io, f, 0, buf, cap, &got) == VS_OK && got == size);
  io->ops->close(io, f);
  return (long)size;
}

/* Two unsynced appends behind synced bytes: which fates show up? */
static void contents(size_t piece) {
  enum { SYNCED = 700 };
  uint8_t *data = malloc(SYNCED + 2 * piece), *seen = malloc(SYNCED + 2 * piece);
  memset(data, 'x', SYNCED + 2 * piece);
  vs_io *io = fresh();
  vs_file *f = append(io, "f", data, SYNCED);
  must(io->ops->sync(io, "f") == VS_OK && io->ops->sync_dir(io, "") == VS_OK);
  must(io->ops->append(io, f, data, piece) == VS_OK && io->ops->append(io, f, data, piece) == VS_OK);
  size_t whole = SYNCED + 2 * piece;
  int wrong = 0, kept = 0, dropped = 0, partial = 0, hole = 0, torn = 0, same_size_damaged = 0;
  for (uint64_t seed = 0; seed < 3000; seed++) {
    vs_io *after = rebooted(io, seed);
    long n = load(after, "f", seen, whole);
    wrong += n < SYNCED || memcmp(seen, data, SYNCED) != 0;
    size_t good = 0, zero = 0;
    for (long i = SYNCED; i < n; i++) good += seen[i] == 'x', zero += seen[i] == 0;
    size_t rest = (size_t)(n - SYNCED);
    kept += rest == 2 * piece && good == rest;
    dropped += rest == 0;
    partial += rest > 0 && rest < 2 * piece && good == rest;
    hole += zero > 0 && good > 0 && good + zero == rest;
    torn += rest > good + zero;
    same_size_damaged += rest == 2 * piece && good < rest;
    after->ops->destroy(after);
  }
  ok(wrong == 0, "%zu-byte appends: synced bytes always survive", piece);
  ok(kept > 50 && dropped > 50 && partial > 20 && hole > 20 && torn > 50 && same_size_damaged > 50,
     "all fates are seen: %d kept, %d dropped, %d shorter, %d with holes, %d torn, %d damaged at full size", kept,
     dropped, partial, hole, torn, same_size_damaged);
  io->ops->destroy(io);
  free(data);
  free(seen);
}

/* Unsynced names: each combination of kept and undone shows up. */
static void names(void) {
  vs_io *io = fresh();
  uint8_t buf[32];
  append(io, "old", "old contents", 12);
  append(io, "safe", "safe", 4);
  must(io->ops->sync(io, "old") == VS_OK && io->ops->sync(io, "safe") == VS_OK && io->ops->sync_dir(io, "") == VS_OK);
  append(io, "new", "new contents", 12);
  must(io->ops->sync(io, "new") == VS_OK && io->ops->remove(io, "old") == VS_OK && io->ops->mkdir(io, "d") == VS_OK);
  append(io, "d/in", "inside", 6);
  must(io->ops->sync(io, "d/in") == VS_OK && io->ops->sync_dir(io, "d") == VS_OK);
  int wrong = 0, state[8] = {0};
  for (uint64_t seed = 0; seed < 2000; seed++) {
    vs_io *after = rebooted(io, seed);
    long new_n = load(after, "new", buf, 32);
    wrong += new_n != -1 && (new_n != 12 || memcmp(buf, "new contents", 12) != 0);
    long old_n = load(after, "old", buf, 32);
    wrong += old_n != -1 && (old_n != 12 || memcmp(buf, "old contents", 12) != 0);
    bool dir = after->ops->mkdir(after, "d") == VS_OK && after->ops->sync_dir(after, "d") == VS_OK;
    long in = load(after, "d/in", buf, 32);
    wrong += !dir || (in != -1 && in != 6) || load(after, "safe", buf, 32) != 4;
    state[(new_n >= 0) + 2 * (old_n >= 0) + 4 * (in >= 0)]++;
    after->ops->destroy(after);
  }
  ok(wrong == 0, "synced contents come with the name or not at all (%d wrong)", wrong);
  int least = state[0];
  for (int i = 1; i < 8; i++) least = state[i] < least ? state[i] : least;
  ok(least > 10, "creation, removal and mkdir are kept and undone independently (rarest %d of 2000)", least);
  must(io->ops->sync_dir(io, "") == VS_OK);
  for (uint64_t seed = 0; seed < 500; seed++) {
    vs_io *after = rebooted(io, seed);
    wrong +=
        load(after, "new", buf, 32) != 12 || load(after, "old", buf, 32) != -1 || load(after, "d/in", buf, 32) != 6;
    after->ops->destroy(after);
  }
  ok(wrong == 0, "after sync_dir all of them are certain (%d wrong)", wrong);
  io->ops->destroy(io);
}

/* A durable name does not make contents durable. */
static void empty_file(void) {
  vs_io *io = fresh();
  uint8_t buf[16];
  append(io, "f", "0123456789", 10);
  must(io->ops->sync_dir(io, "") == VS_OK);
  int absent = 0, empty = 0, whole = 0;
  for (uint64_t seed = 0; seed < 300; seed++) {
    vs_io *after = rebooted(io, seed);
    long n = load(after, "f", buf, 16);
    absent += n < 0;
    empty += n == 0;
    whole += n == 10 && memcmp(buf, "0123456789", 10) == 0;
    after->ops->destroy(after);
  }
  ok(absent == 0 && empty > 30 && whole > 30, "a synced name with unsynced contents: %d empty, %d whole", empty, whole);
  io->ops->destroy(io);
}

static void crash(void) {
  vs_io *io = fresh();
  uint8_t buf[16];
  uint64_t size;
  vs_file *f = append(io, "f", "01234", 5), *g = NULL;
  must(io->ops->sync(io, "f") == VS_OK && io->ops->sync_dir(io, "") == VS_OK);
  vs_io_fault_crash_at(io, vs_io_fault_calls(io) + 2);
  ok(io->ops->append(io, f, "5", 1) == VS_OK && !vs_io_fault_crashed(io), "before the crash all works");
  ok(io->ops->append(io, f, "6", 1) == VS_IO && vs_io_fault_crashed(io), "the call that crashes fails");
  ok(io->ops->size(io, f, &size) == VS_IO && io->ops->open(io, "g", VS_IO_CREATE, &g) == VS_IO &&
         io->ops->sync(io, "f") == VS_IO && io->ops->sync_dir(io, "") == VS_IO && io->ops->remove(io, "f") == VS_IO,
     "and every later one");
  int wrong = 0, with = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    vs_io *after = rebooted(io, seed);
    long n = load(after, "f", buf, 16);
    wrong += n < 5 || n > 6 || memcmp(buf, "01234", 5) != 0 || load(after, "g", buf, 16) != -1;
    with += n == 6;
    after->ops->destroy(after);
  }
  ok(wrong == 0 && with > 20 && with < 180, "nothing of the calls behind the crash is ever seen");
  must(vs_io_fault_reboot(io, 1) == VS_OK);
  ok(!vs_io_fault_crashed(io) && vs_io_fault_calls(io) == 0 && load(io, "f", buf, 16) >= 5, "a reboot ends the crash");
  io->ops->destroy(io);
}

#define FILES 6
#define MOST 20000u

/* What the random run below knows of a file. */
typedef struct {
  char name[8];
  bool there, name_synced, removal_synced;
  size_t size, synced;
  vs_file *handle;
} known;

static uint8_t pattern(int file, size_t at) { return (uint8_t)(1 + (at * 31 + (size_t)file * 7) % 251); }

static uint32_t digest(vs_io *io) {
  static uint8_t buf[MOST + 4000];
  uint32_t crc = 0;
  for (int i = 0; i < FILES; i++) {
    char name[8];
    snprintf(name, sizeof name, "d/%d", i);
    long n = load(io, name, buf, sizeof buf);
    crc = vs_crc32c(crc, &n, sizeof n);
    if (n > 0) crc = vs_crc32c(crc, buf, (size_t)n);
  }
  return crc;
}

static int check_known(vs_io *io, const known *files) {
  static uint8_t buf[MOST + 4000];
  int wrong = 0;
  for (int i = 0; i < FILES; i++) {
    const known *k = &files[i];
    long n = load(io, k->name, buf, sizeof buf);
    if (k->there && k->name_synced) wrong += n < (long)k->synced;
    if (k->removal_synced) wrong += n != -1;
    wrong += n > (long)k->size;
    for (size_t at = 0; n >= 0 && at < k->synced; at++) wrong += buf[at] != pattern(i, at);
  }
  return wrong;
}

static void step(vs_io *io, vs_rng *rng, known *files) {
  int i = (int)vs_rng_below(rng, FILES);
  known *k = &files[i];
  uint8_t data[4000];
  size_t n = 1 + vs_rng_below(rng, vs_rng_below(rng, 2) == 0 ? 40 : 4000);
  switch (vs_rng_below(rng, 8)) {
  case 0:
    must(io->ops->sync_dir(io, "d") == VS_OK);
    for (int j = 0; j < FILES; j++) {
      files[j].name_synced = files[j].there;
      files[j].removal_synced = !files[j].there && files[j].size > 0;
    }
    return;
  case 1:
    if (!k->there || vs_rng_below(rng, 3) != 0) return;
    io->ops->close(io, k->handle);
    must(io->ops->remove(io, k->name) == VS_OK);
    k->there = false;
    return;
  case 2:
  case 3:
    if (!k->there) return;
    must(io->ops->sync(io, k->name) == VS_OK);
    k->synced = k->size;
    return;
  default:
    /* As in the store, a name is never used twice. */
    if ((!k->there && k->size > 0) || k->size + n > MOST) return;
    for (size_t at = 0; at < n; at++) data[at] = pattern(i, k->size + at);
    if (!k->there) must(io->ops->open(io, k->name, VS_IO_CREATE, &k->handle) == VS_OK);
    must(io->ops->append(io, k->handle, data, n) == VS_OK);
    k->there = true;
    k->size += n;
  }
}

static void random_runs(void) {
  vs_rng rng = {SEED};
  int wrong = 0, states = 0;
  for (int run = 0; run < 60; run++) {
    known files[FILES] = {{{0}, false, false, false, 0, 0, NULL}};
    vs_io *io = fresh();
    must(io->ops->mkdir(io, "d") == VS_OK && io->ops->sync_dir(io, "") == VS_OK);
    for (int i = 0; i < FILES; i++) snprintf(files[i].name, sizeof files[i].name, "d/%d", i);
    for (uint32_t steps = vs_rng_below(&rng, 80); steps > 0; steps--) step(io, &rng, files);
    uint32_t before = digest(io);
    for (uint64_t seed = 0; seed < 30; seed++, states++) {
      vs_io *after = rebooted(io, seed), *same = rebooted(io, seed);
      wrong += check_known(after, files);
      uint32_t left = digest(after);
      wrong += digest(same) != left;
      must(vs_io_fault_reboot(after, seed + 1000) == VS_OK);
      wrong += digest(after) != left;
      after->ops->destroy(after);
      same->ops->destroy(same);
    }
    wrong += digest(io) != before;
    io->ops->destroy(io);
  }
  ok(wrong == 0, "%d states of random runs keep what was synced (seed %u, %d wrong)", states, SEED, wrong);
}

static void refused_memory(void) {
  vs_io *io = fresh(), *copy = NULL;
  append(io, "f", "01234", 5);
  must(io->ops->mkdir(io, "d") == VS_OK && io->ops->sync_dir(io, "") == VS_OK && io->ops->remove(io, "f") == VS_OK);
  int refused = 0;
  uint64_t live = a.n_live;
  for (uint64_t fail = 1;; fail++) {
    a.fail_at = a.n_calls + fail;
    if (vs_io_fault_clone(io, &copy) == VS_OK) break;
    refused++;
    must(a.n_live == live);
  }
  a.fail_at = 0;
  ok(refused > 4, "a clone refused memory at any of %d places leaks nothing", refused);
  copy->ops->destroy(copy);
  io->ops->destroy(io);
}

static void speed(void) {
  vs_io *io = fresh();
  char name[16];
  uint8_t data[4096];
  memset(data, 7, sizeof data);
  for (int i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "f%d", i);
    append(io, name, data, sizeof data);
    if (i % 2 == 0) must(io->ops->sync(io, name) == VS_OK);
  }
  must(io->ops->sync_dir(io, "") == VS_OK);
  clock_t start = clock();
  int n = 500;
  for (int i = 0; i < n; i++) {
    vs_io *after = rebooted(io, (uint64_t)i);
    after->ops->destroy(after);
  }
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  printf("# %.0f clones and reboots per second of 20 files of 4 KiB\n", n / (seconds + 1e-9));
  io->ops->destroy(io);
}

int main(void) {
  vs_alloc_init(&a);
  contents(10);
  contents(3000);
  names();
  empty_file();
  crash();
  random_runs();
  refused_memory();
  speed();
  ok(a.used == 0, "nothing leaks");
  return tap_done();
}
