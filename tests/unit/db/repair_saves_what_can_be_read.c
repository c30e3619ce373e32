/* A store whose files are damaged, or of which one is missing, opens for repair; what it
 * then shows is what could be read, never anything else; whatever is missing was told;
 * it is sound, takes writes and opens as an ordinary store. A repair that crashes at any
 * call leaves a store that is repaired or can be repaired again. */
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
    if (i == 12) must(delete_one(&c, 2) == VS_OK);
    if (i == 16) must(run(&c.db, vs_op_begin_snapshot(&c.db, (vs_slice){(const uint8_t *)"s", 1}, 1)) == VS_OK);
  }
  must(delete_one(&c, 3) == VS_OK && upsert(&c, 5, 2) == VS_OK);
  must(run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
  client_deinit(&c);
}

static uint32_t expected(uint32_t i) { return i == 2 || i == 3 ? 0 : i == 5 ? 2 : 1; }

/* The log, or its header, is what is missing. */
static bool log_gone;

/* Opens for repair and looks; NULL = right. *lost: records not shown as they were. */
static const char *repaired(vs_io *io, uint32_t *lost) {
  client c;
  client_init(&c, io);
  client_repairs = true;
  vs_status status = client_open(&c, "posix", false);
  client_repairs = false;
  static char text[300];
  const char *wrong = NULL;
  *lost = 0;
  if (status != VS_OK) {
    snprintf(text, sizeof text, "%s: %s", vs_status_name(status), c.db.err.msg);
    wrong = text;
  }
  for (uint32_t i = 0; i < N && !wrong; i++) {
    uint32_t shown = version_of(&c.db, i);
    *lost += shown < expected(i);
    if (shown > 1 && i != 5) wrong = "a version that never was";
    if (shown > expected(i) && repair_errors == 0) wrong = "a deleted record is back and nothing was told";
  }
  if (!wrong && *lost > 0 && repair_errors == 0) wrong = "records are lost and nothing was told";
  /* Of a log that is gone nobody knows how much it held. */
  if (!wrong && *lost > repair_records && repair_transactions == 0 && !log_gone)
    wrong = "more records are lost than was told";
  if (!wrong && findings(&c.db) != 0) wrong = "verify finds damage after the repair";
  if (!wrong && upsert(&c, 39, 7) != VS_OK) wrong = "takes no write";
  client_deinit(&c);
  if (wrong || c.db.alloc.n_live) return wrong ? wrong : "leaks memory";
  client_init(&c, io);
  if (client_open(&c, "posix", false) != VS_OK)
    wrong = "does not open after the repair";
  else if (version_of(&c.db, 39) != 7 || findings(&c.db) != 0)
    wrong = "is not what it was after reopening";
  client_deinit(&c);
  return wrong;
}

static bool opens(vs_io *io) {
  client c;
  client_init(&c, io);
  vs_status status = client_open(&c, "posix", false);
  client_deinit(&c);
  return status == VS_OK;
}

static void damage_file(const char *name) {
  uint64_t bytes = size_of(made, name);
  uint32_t wrong = 0, n_lost = 0, tries = 0;
  uint64_t step = getenv("VS_TIER") ? 5 : bytes * 8 / 150 | 1;
  bool may_lose = strstr(name, "seg-") || strstr(name, "wal-");
  for (uint64_t bit = 0; bit < bytes * 8; bit += step, tries++) {
    vs_io *io;
    must(vs_io_fault_clone(made, &io) == VS_OK && vs_io_fault_flip(io, name, bit) == VS_OK);
    uint32_t lost;
    const char *problem = repaired(io, &lost);
    if (!problem && lost > 0 && !may_lose) problem = "records are lost that another file holds";
    if (problem) printf("# %s bit %llu: %s\n", name, (unsigned long long)bit, problem);
    wrong += problem != NULL;
    n_lost += lost > 0;
    io->ops->destroy(io);
  }
  ok(wrong == 0, "%s: %u flips, %u lose records, %u wrong", name, tries, n_lost, wrong);
  wrong = n_lost = tries = 0;
  for (uint64_t n = 0; n < bytes; n += step / 4 + 1, tries++) {
    vs_io *io;
    uint32_t lost;
    must(vs_io_fault_clone(made, &io) == VS_OK && vs_io_fault_cut(io, name, n) == VS_OK);
    log_gone = strstr(name, "wal-") && n < 80;
    bool whole = opens(io); /* a log that ends early: no damage that could be seen */
    const char *problem = whole ? NULL : repaired(io, &lost);
    if (problem) printf("# %s cut to %llu: %s\n", name, (unsigned long long)n, problem);
    wrong += problem != NULL;
    io->ops->destroy(io);
  }
  log_gone = false;
  ok(wrong == 0, "%s: %u cuts, %u wrong", name, tries, wrong);
  vs_io *io;
  uint32_t lost;
  must(vs_io_fault_clone(made, &io) == VS_OK && io->ops->remove(io, name) == VS_OK);
  log_gone = strstr(name, "wal-");
  const char *problem = repaired(io, &lost);
  log_gone = false;
  ok(!problem && (lost == 0 || may_lose), "%s is missing: %s, %u records lost", name, problem ? problem : "repaired",
     lost);
  io->ops->destroy(io);
}

/* The repair crashes at every call; what that leaves is repaired to the same. */
static void crash_repairing(const char *name) {
  uint32_t wrong = 0, n_states = 0, most = 0;
  vs_io *damaged;
  must(vs_io_fault_clone(made, &damaged) == VS_OK && vs_io_fault_flip(damaged, name, size_of(made, name) * 4) == VS_OK);
  vs_io *io;
  must(vs_io_fault_clone(damaged, &io) == VS_OK && repaired(io, &most) == NULL);
  io->ops->destroy(io);
  for (uint64_t call = 1;; call++) {
    vs_io *run_io;
    client c;
    must(vs_io_fault_clone(damaged, &run_io) == VS_OK);
    vs_io_fault_crash_at(run_io, call);
    client_init(&c, run_io);
    client_repairs = true;
    (void)client_open(&c, "posix", false);
    client_repairs = false;
    client_deinit(&c);
    bool crashed = vs_io_fault_crashed(run_io);
    for (uint64_t seed = 1; crashed && seed <= 4; seed++, n_states++) {
      uint32_t lost = 0;
      must(vs_io_fault_clone(run_io, &io) == VS_OK && vs_io_fault_reboot(io, seed * 1000 + call) == VS_OK);
      const char *problem = opens(io) ? NULL : repaired(io, &lost);
      if (!problem && lost > most) problem = "the second repair loses more";
      if (problem)
        printf("# %s call %llu seed %llu: %s\n", name, (unsigned long long)call, (unsigned long long)seed, problem);
      wrong += problem != NULL;
      io->ops->destroy(io);
    }
    run_io->ops->destroy(run_io);
    if (!crashed) break;
  }
  damaged->ops->destroy(damaged);
  ok(wrong == 0 && n_states > 0, "%s damaged: %u states after a crash of the repair, %u wrong", name, n_states, wrong);
}

/* A segment of several blocks: only the records of the damaged ones are lost. */
static void lose_one_block(vs_alloc *a) {
  enum { MANY = 4000 };
  client c;
  vs_wr w;
  vs_io *io;
  must(vs_io_fault_create(a, &io) == VS_OK);
  client_init(&c, io);
  vs_wr_init(&w, &c.outer);
  must(client_open(&c, "posix", false) == VS_OK);
  for (uint32_t i = 0; i < MANY; i++) add_upsert(&w, i, 1);
  must(commit(&c.db, &w) == VS_OK && run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
  vs_wr_deinit(&w);
  client_deinit(&c);
  /* The first block's length, a byte of the second's payload. */
  const uint64_t bits[2] = {36 * 8 + 9, 200000 * 8};
  for (uint32_t i = 0; i < 2; i++) {
    vs_io *copy;
    must(vs_io_fault_clone(io, &copy) == VS_OK && vs_io_fault_flip(copy, "c/1/seg-1", bits[i]) == VS_OK);
    client_init(&c, copy);
    client_repairs = true;
    must(client_open(&c, "posix", false) == VS_OK);
    client_repairs = false;
    uint32_t n = c.db.coll.n_live;
    ok(n >= MANY * 5 / 8 && n < MANY && n + repair_records == MANY, "of %d records in blocks %u were saved, %llu lost",
       MANY, n, (unsigned long long)repair_records);
    ok(findings(&c.db) == 0, "what was saved is sound");
    client_deinit(&c);
    copy->ops->destroy(copy);
  }
  io->ops->destroy(io);
}

/* Closes, opens as an ordinary store and looks at every record. */
static bool reopen_whole(client *c, vs_io *io) {
  client_deinit(c);
  client_init(c, io);
  if (client_open(c, "posix", false) != VS_OK) return false;
  uint32_t same = 0;
  for (uint32_t i = 0; i < N; i++) same += version_of(&c->db, i) == expected(i);
  client_deinit(c);
  return same == N;
}

/* Damage that happens under an open store costs nothing but a damaged snapshot. */
static void repair_open_store(const char *name, bool has_snapshot) {
  client c;
  vs_io *io;
  must(vs_io_fault_clone(made, &io) == VS_OK);
  client_init(&c, io);
  must(client_open(&c, "posix", false) == VS_OK);
  must(vs_io_fault_flip(io, name, size_of(made, name) * 4) == VS_OK);
  bool found = findings(&c.db) > 0;
  must(run(&c.db, vs_op_begin_repair(&c.db)) == VS_OK);
  uint32_t same = 0;
  for (uint32_t i = 0; i < N; i++) same += version_of(&c.db, i) == expected(i);
  bool whole = findings(&c.db) == 0 && same == N;
  ok(found && whole && vs_store_n_snapshots(c.db.store) == has_snapshot, "%s damaged under an open store: repaired",
     name);
  must(reopen_whole(&c, io));
  io->ops->destroy(io);
}

int main(void) {
  vs_alloc a;
  static listing files;
  vs_alloc_init(&a);
  make_store(&a);
  uint32_t lost;
  vs_io *io;
  must(vs_io_fault_clone(made, &io) == VS_OK);
  ok(repaired(io, &lost) == NULL && lost == 0 && repair_errors == 0, "a sound store opens for repair, too");
  io->ops->destroy(io);
  list_files(made, &files);
  for (uint32_t i = 0; i < files.n; i++) {
    damage_file(files.name[i]);
    crash_repairing(files.name[i]);
    bool shared = strstr(files.name[i], "seg-") || strstr(files.name[i], "idx-");
    if (files.dir[0] && strchr(files.name[i], '/')) repair_open_store(files.name[i], !shared);
  }
  lose_one_block(&a);
  made->ops->destroy(made);
  ok(a.n_live == 0, "no memory is left behind");
  return tap_done();
}
