/* Every file of an orderly closed store, damaged bit by bit (every fifth one
 * unless VS_TIER is set) and cut at every length: opening is refused with CORRUPT or VERSION saying what is wrong, or
 * the damage is harmless and every record is there. Never a crash, never fewer
 * records; with one exception that no single file can rule out: a current log
 * whose end is cut off looks like a log that a crash kept from growing, and
 * opens with the commits before the cut, none of them half. */
#include "files_of.h"

#define N 40u

static vs_io *made;

static void make_store(vs_alloc *a) {
  client c;
  must(vs_io_fault_create(a, &made) == VS_OK);
  client_init(&c, made);
  must(client_open(&c, "posix", false) == VS_OK);
  for (uint32_t i = 0; i < N; i += 4) {
    vs_wr w;
    vs_wr_init(&w, &c.outer);
    for (uint32_t k = i; k < i + 4; k++) add_upsert(&w, k, 1);
    must(commit(&c.db, &w) == VS_OK);
    vs_wr_deinit(&w);
    if (i != 16) continue;
    must(stage(&c, "other", 12, 0, 10) == VS_OK);
    must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  }
  must(delete_one(&c, 3) == VS_OK && upsert(&c, 5, 2) == VS_OK);
  must(stage(&c, "other", 12, 4, 4) == VS_OK);
  must(run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
  client_deinit(&c);
}

/* The version of record i after the first n of the 12 commits that make_store does. */
static uint32_t version_after(uint32_t n, uint32_t i) {
  if (i / 4 >= n) return 0;
  if (i == 3) return n >= 11 ? 0 : 1;
  return i == 5 && n >= 12 ? 2 : 1;
}

/* How many commits the database shows, 0 when it is none of the states. */
static uint32_t shown_commits(const vs_db_state *db) {
  for (uint32_t n = 12; n > 0; n--) {
    uint32_t same = 0;
    for (uint32_t i = 0; i < N; i++) same += version_of(db, i) == version_after(n, i);
    if (same == N) return n;
  }
  return 0;
}

#define AT_CHECKPOINT 5u

/* Opens the damaged copy: 1 = refused, 0 = whole, 2 = a prefix, -1 = wrong. */
static int judge(vs_io *io) {
  client c;
  client_init(&c, io);
  vs_status status = client_open(&c, "posix", false);
  int verdict = status == VS_CORRUPT || status == VS_VERSION ? 1 : -1;
  if (status == VS_OK) {
    uint32_t shown = shown_commits(&c.db);
    verdict = shown == 12 ? 0 : shown >= AT_CHECKPOINT ? 2 : -1;
  }
  if (verdict == 1 && c.db.err.msg[0] == 0) verdict = -1;
  if (verdict < 0) printf("# %s: %s\n", vs_status_name(status), c.db.err.msg);
  client_deinit(&c);
  return c.db.alloc.n_live == 0 ? verdict : -1;
}

static void damage_file(const char *name) {
  uint64_t bytes = size_of(made, name);
  uint32_t refused = 0, harmless = 0, wrong = 0, step = getenv("VS_TIER") ? 1 : 5;
  for (uint64_t bit = 0; bit < bytes * 8; bit += step) {
    vs_io *io;
    must(vs_io_fault_clone(made, &io) == VS_OK && vs_io_fault_flip(io, name, bit) == VS_OK);
    int verdict = judge(io);
    refused += verdict == 1;
    harmless += verdict == 0;
    wrong += verdict < 0 || verdict == 2;
    if (verdict < 0 || verdict == 2) printf("# %s bit %llu\n", name, (unsigned long long)bit);
    io->ops->destroy(io);
  }
  ok(wrong == 0, "%s: of the flipped bits %u are refused, %u harmless, %u wrong", name, refused, harmless, wrong);
  uint32_t prefixes = 0;
  refused = harmless = wrong = 0;
  for (uint64_t n = 0; n < bytes; n++) {
    vs_io *io;
    must(vs_io_fault_clone(made, &io) == VS_OK && vs_io_fault_cut(io, name, n) == VS_OK);
    int verdict = judge(io);
    refused += verdict == 1;
    harmless += verdict == 0;
    prefixes += verdict == 2;
    bool odd = verdict < 0 || (verdict == 2 && !strstr(name, "wal-"));
    wrong += odd;
    if (odd) printf("# %s cut to %llu\n", name, (unsigned long long)n);
    io->ops->destroy(io);
  }
  ok(wrong == 0, "%s: of %llu cuts %u are refused, %u harmless, %u leave a prefix, %u wrong", name,
     (unsigned long long)bytes, refused, harmless, prefixes, wrong);
}

int main(void) {
  vs_alloc a;
  static listing files;
  vs_alloc_init(&a);
  make_store(&a);
  must(judge(made) == 0);
  list_files(made, &files);
  ok(files.n >= 5, "the store has a catalog, manifest, log, segment and index image (%u files)", files.n);
  for (uint32_t i = 0; i < files.n; i++) damage_file(files.name[i]);
  made->ops->destroy(made);
  ok(a.n_live == 0, "no memory is left behind");
  return tap_done();
}
