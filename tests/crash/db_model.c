/* db_model.c - long random lives of a database against a model.
 *
 * Each seed is one life: commits strict and relaxed, checkpoints, optimizing, snapshots made,
 * restored and dropped, orderly and abrupt reopening, power cuts between and
 * within operations, a full medium at an append or a sync, repair. The model keeps the states
 * that a power cut may leave: the last one acknowledged as durable and every
 * commit since. After each operation the database must show the last, after a cut one of them,
 * which is then the only one. verify runs along.
 *
 * VS_TIER=ci: more lives. VS_MODEL_SEEDS, VS_MODEL_OPS set the numbers; VS_MODEL_ONLY=seed replays
 * one life.
 */
#include "db_scenarios.h"

#define MAX_STATES 24u

typedef struct {
  client c;
  vs_alloc a;
  vs_io *io;
  vs_rng rng;
  state may[MAX_STATES]; /* [0] acknowledged as durable, the last one visible */
  uint32_t n_may;
  struct {
    bool there;
    state holds;
  } snapshot[2];
  const char *wrong;
} life;

static uint32_t n_ops, n_cuts;

static uint32_t below(life *l, uint32_t n) { return vs_rng_below(&l->rng, n); }
static state *now(life *l) { return &l->may[l->n_may - 1]; }

static void settle(life *l) {
  l->may[0] = *now(l);
  l->n_may = 1;
}

static bool shows(const vs_db_state *db, const state *s) {
  uint32_t live = 0, same = 0;
  for (uint32_t i = 0; i < N_RECORDS; i++) {
    same += version_of(db, i) == s->version[i];
    live += s->version[i] != 0;
  }
  return same == N_RECORDS && db->coll.n_live == live;
}

static void expect_now(life *l, const char *after) {
  if (!l->wrong && !shows(&l->c.db, now(l))) l->wrong = after;
}

static void expect_ok(life *l, vs_status status, const char *what) {
  if (status != VS_OK && !l->wrong) {
    printf("# %s: %s: %s\n", what, vs_status_name(status), l->c.db.err.msg);
    l->wrong = what;
  }
}

/* ============ Operations ============ */

/* Commits a random batch. *took: it is in the log, so that it is shown, and a power cut may leave it. */
static vs_status write_some(life *l, bool relaxed, bool *took) {
  static uint32_t version;
  state next = *now(l);
  vs_wr w;
  vs_wr_init(&w, &l->c.outer);
  uint32_t n = 1 + below(l, 12), deletes = below(l, 3) == 0;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t i = below(l, N_RECORDS);
    if (deletes)
      add_delete(&w, i);
    else
      add_upsert(&w, i, version + 1);
    next.version[i] = deletes ? 0 : version + 1;
  }
  version++;
  uint64_t before = l->c.db.store ? vs_store_last_txn(l->c.db.store) : 0;
  vs_op_state *op = begin_commit(&l->c.db, &w, relaxed);
  vs_wr_deinit(&w);
  if (!op) return l->c.db.err.status;
  vs_status status = vs_op_finish(op);
  vs_op_end(op);
  bool empty = memcmp(&next, now(l), sizeof next) == 0;
  *took = status == VS_OK || vs_store_last_txn(l->c.db.store) != before;
  if (*took && !empty) l->may[l->n_may++] = next;
  return status;
}

static void commit_some(life *l, bool relaxed) {
  bool took;
  expect_ok(l, write_some(l, relaxed, &took), "a commit");
  if (!relaxed) settle(l);
  if (l->n_may + 2 >= MAX_STATES) {
    expect_ok(l, run(&l->c.db, vs_op_begin_flush(&l->c.db)), "flush");
    settle(l);
  }
}

static void open_again(life *l) {
  client_deinit(&l->c);
  if (l->c.db.alloc.n_live && !l->wrong) l->wrong = "memory leaks";
  client_init(&l->c, l->io);
  expect_ok(l, client_open(&l->c, "posix", false), "opening");
}

/* The power goes, with or without an operation under way. */
static void cut_power(life *l) {
  if (below(l, 2)) {
    bool took;
    vs_io_fault_crash_at(l->io, vs_io_fault_calls(l->io) + 1 + below(l, 40));
    if (below(l, 2)) (void)run(&l->c.db, vs_op_begin_checkpoint(&l->c.db, below(l, 2)));
    (void)write_some(l, false, &took);
  }
  client_deinit(&l->c);
  must(vs_io_fault_reboot(l->io, vs_rng_u64(&l->rng)) == VS_OK);
  n_cuts++;
  client_init(&l->c, l->io);
  expect_ok(l, client_open(&l->c, "posix", false), "opening after a power cut");
  if (l->wrong) return;
  uint32_t found = MAX_STATES;
  for (uint32_t i = 0; i < l->n_may; i++)
    if (shows(&l->c.db, &l->may[i])) found = i;
  if (found == MAX_STATES) {
    l->wrong = "after a power cut it shows no state that it may";
    return;
  }
  l->may[0] = l->may[found];
  l->n_may = 1;
}

static void snapshots_step(life *l) {
  uint32_t i = below(l, 2);
  vs_db_state *db = &l->c.db;
  if (!l->snapshot[i].there) {
    expect_ok(l, run(db, vs_op_begin_snapshot(db, snapshot_name(i), 7)), "making a snapshot");
    l->snapshot[i].there = true;
    l->snapshot[i].holds = *now(l);
    settle(l);
  } else if (below(l, 2)) {
    expect_ok(l, run(db, vs_op_begin_snapshot_drop(db, snapshot_name(i))), "dropping a snapshot");
    l->snapshot[i].there = false;
    settle(l);
  } else {
    expect_ok(l, run(db, vs_op_begin_snapshot_restore(db, snapshot_name(i))), "restoring a snapshot");
    l->may[0] = l->snapshot[i].holds;
    l->n_may = 1;
  }
}

/* No room for an append, or at a sync, of a commit or checkpoint; then there is room again. */
static void fill_medium(life *l) {
  static const vs_fault_kind kinds[] = {VS_FAULT_SHORT, VS_FAULT_FULL};
  bool took = false;
  vs_io_fault_plan(l->io, vs_io_fault_calls(l->io) + 1 + below(l, 12), kinds[below(l, 2)], below(l, 2));
  vs_status status =
      below(l, 3) ? write_some(l, below(l, 2), &took) : run(&l->c.db, vs_op_begin_checkpoint(&l->c.db, false));
  vs_io_fault_plan(l->io, 0, VS_FAULT_EIO, false);
  if (status != VS_OK && status != VS_NO_SPACE && !l->wrong) l->wrong = "a full medium is told otherwise";
  if (vs_store_poisoned(l->c.db.store)) {
    l->wrong = "a full medium poisons";
    return;
  }
  expect_now(l, "on a full medium something else is shown");
  commit_some(l, false);
}

static void one_operation(life *l) {
  vs_db_state *db = &l->c.db;
  switch (below(l, 16)) {
  case 0:
    expect_ok(l, run(db, vs_op_begin_checkpoint(db, false)), "a checkpoint");
    settle(l);
    break;
  case 1:
    expect_ok(l, run(db, vs_op_begin_checkpoint(db, true)), "optimizing");
    settle(l);
    break;
  case 2:
    expect_ok(l, run(db, vs_op_begin_close(db)), "closing");
    settle(l);
    open_again(l);
    break;
  case 3: open_again(l); break;
  case 4: cut_power(l); break;
  case 5: snapshots_step(l); break;
  case 6: fill_medium(l); break;
  case 7:
    if (below(l, 4) == 0) {
      expect_ok(l, run(db, vs_op_begin_repair(db)), "repairing");
      settle(l);
    } else if (findings(db) != 0 && !l->wrong) {
      l->wrong = "verify finds damage";
    }
    break;
  case 8:
  case 9:
  case 10: commit_some(l, true); break;
  default: commit_some(l, false); break;
  }
  n_ops++;
  expect_now(l, "shows another state");
}

static bool live(uint64_t seed, uint32_t ops) {
  static life l;
  memset(&l, 0, sizeof l);
  vs_alloc_init(&l.a);
  must(vs_io_fault_create(&l.a, &l.io) == VS_OK);
  l.rng = (vs_rng){seed * 77777 + 1};
  l.n_may = 1;
  n_opened = 0;
  client_init(&l.c, l.io);
  expect_ok(&l, client_open(&l.c, "posix", false), "opening");
  uint32_t i = 0;
  for (; i < ops && !l.wrong; i++) one_operation(&l);
  if (!l.wrong && findings(&l.c.db) != 0) l.wrong = "verify finds damage at the end";
  client_deinit(&l.c);
  l.io->ops->destroy(l.io);
  if (!l.wrong && l.a.n_live) l.wrong = "files are left open";
  if (l.wrong) printf("# VS_MODEL_ONLY=%llu, operation %u: %s\n", (unsigned long long)seed, i, l.wrong);
  return l.wrong == NULL;
}

int main(void) {
  bool ci = getenv("VS_TIER") != NULL;
  uint32_t n_seeds = env_u32("VS_MODEL_SEEDS", ci ? 200 : 40), ops = env_u32("VS_MODEL_OPS", ci ? 1000 : 300);
  const char *only = getenv("VS_MODEL_ONLY");
  uint32_t wrong = 0;
  if (only) {
    ok(live(strtoull(only, NULL, 10), ops), "the one life");
    return tap_done();
  }
  for (uint64_t seed = 1; seed <= n_seeds; seed++) wrong += !live(seed, ops);
  printf("# lives: %u, operations: %u, power cuts: %u\n", n_seeds, n_ops, n_cuts);
  ok(wrong == 0, "%u lives of %u operations agree with the model, %u do not", n_seeds, ops, wrong);
  return tap_done();
}
