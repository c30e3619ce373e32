/* db_crash.c - the whole database crashes at every file call, and nothing acknowledged is lost.
 *
 * METHOD. A scenario runs once on io_fault to count its file calls. Then, for
 * every call i, it runs again and the power fails at call i; the medium is
 * rebooted several times from that point, each time with another seeded choice
 * of what the unsynced writes left (io_fault.h). Each state is opened and compared
 * with the model: the records must be exactly those after some commit j with
 * acknowledged <= j <= issued, whole (ids, vectors, metadata, graph), verify
 * must find nothing, and the store must take a further commit. A share of the states crashes
 * again inside that recovery (nested).
 *
 * VS_CRASH_SEEDS reboots per crash point (default 6), VS_CRASH_NESTED every
 * how many states a nested crash is tried (default 7). A failure prints scenario,
 * call and seed; VS_CRASH_ONLY="scenario,call,seed" replays it alone.
 */
#include "../unit/db/client.h"

#define N_RECORDS 48u
#define MAX_COMMITS 64u

typedef struct {
  uint32_t version[N_RECORDS];
} state;

/* What the running program knows: the state after each commit, how far it was acknowledged. */
typedef struct {
  state after[MAX_COMMITS + 1];
  uint32_t issued, acknowledged;
} model;

static uint32_t n_states, n_nested;

/* ============ Writing with the model ============ */

static vs_status apply(client *c, model *m, const state *next, const vs_wr *w) {
  must(m->issued < MAX_COMMITS);
  m->after[m->issued + 1] = *next;
  vs_op_state *op = begin_commit(&c->db, w, false);
  if (!op) return c->db.err.status;
  m->issued++;
  vs_status status = vs_op_finish(op);
  vs_op_end(op);
  if (status == VS_OK) m->acknowledged = m->issued;
  return status;
}

static vs_status put(client *c, model *m, uint32_t first, uint32_t n, bool deleting) {
  state next = m->after[m->issued];
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = first; i < first + n; i++) {
    uint32_t number = i % N_RECORDS;
    next.version[number] = deleting ? 0 : next.version[number] + 1;
    if (deleting) add_delete(&w, number);
    else add_upsert(&w, number, next.version[number]);
  }
  vs_status status = apply(c, m, &next, &w);
  vs_wr_deinit(&w);
  return status;
}

static vs_status checkpoint(client *c, bool optimize) { return run(&c->db, vs_op_begin_checkpoint(&c->db, optimize)); }

static vs_status reopen(client *c, bool orderly) {
  vs_io *io = c->db.io;
  if (orderly) VS_TRY(run(&c->db, vs_op_begin_close(&c->db)));
  client_deinit(c);
  client_init(c, io);
  return client_open(c, "posix", false);
}

/* ============ Scenarios ============ */

static vs_status single_inserts(client *c, model *m) {
  for (uint32_t i = 0; i < 6; i++) VS_TRY(put(c, m, i, 1, false));
  return VS_OK;
}

static vs_status batches(client *c, model *m) {
  VS_TRY(put(c, m, 0, 30, false)); /* spans several log files of 4 KiB */
  VS_TRY(put(c, m, 10, 30, false));
  return put(c, m, 5, 8, true);
}

static vs_status deletes(client *c, model *m) {
  VS_TRY(put(c, m, 0, 12, false));
  for (uint32_t i = 0; i < 12; i += 3) VS_TRY(put(c, m, i, 1, true));
  VS_TRY(put(c, m, 0, 12, true));
  return put(c, m, 3, 2, false);
}

static vs_status checkpoints(client *c, model *m) {
  VS_TRY(put(c, m, 0, 10, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 5, 10, false));
  VS_TRY(put(c, m, 0, 2, true));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 20, 3, false));
  return checkpoint(c, true);
}

static vs_status reopening(client *c, model *m) {
  VS_TRY(put(c, m, 0, 8, false));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 6, 4, false));
  VS_TRY(reopen(c, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 1, 3, true));
  return reopen(c, false);
}

/* Commits go on while the checkpoint waits for each of its syncs. */
static vs_status commits_between_checkpoint_steps(client *c, model *m) {
  VS_TRY(put(c, m, 0, 10, false));
  vs_op_state *op = vs_op_begin_checkpoint(&c->db, false);
  if (!op) return c->db.err.status;
  vs_status status = VS_OK;
  for (uint32_t i = 0; status == VS_OK; i++) {
    vs_op_answer answer = vs_op_run(op, 1e9);
    if (answer == VS_OP_DONE) break;
    if (answer == VS_OP_ERROR) status = c->db.err.status;
    else if (answer == VS_OP_NEED_SYNC) status = put(c, m, 8 + i * 2, 3, i % 2 == 1);
  }
  vs_op_end(op);
  if (status == VS_OK) status = put(c, m, 40, 4, false);
  return status;
}

/* Several commits share one sync. */
static vs_status group_commit(client *c, model *m) {
  vs_op_state *op[4] = {NULL};
  vs_wr w;
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < 4 && status == VS_OK; i++) {
    state next = m->after[m->issued];
    vs_wr_init(&w, &c->outer);
    for (uint32_t k = 0; k < 3; k++) add_upsert(&w, i * 2 + k, ++next.version[i * 2 + k]);
    m->after[m->issued + 1] = next;
    op[i] = begin_commit(&c->db, &w, false);
    vs_wr_deinit(&w);
    if (!op[i]) status = c->db.err.status;
    else {
      m->issued++;
      if (vs_op_run(op[i], 1e9) == VS_OP_ERROR) status = c->db.err.status;
    }
  }
  if (status == VS_OK) status = vs_db_sync_self(&c->db);
  for (uint32_t i = 0; i < 4; i++) {
    if (op[i] && status == VS_OK) must(vs_op_run(op[i], 1e9) == VS_OP_DONE);
    vs_op_end(op[i]);
  }
  if (status == VS_OK) m->acknowledged = m->issued;
  return status;
}

static vs_status delete_all_then_insert(client *c, model *m) {
  VS_TRY(put(c, m, 0, 16, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 0, 16, true));
  VS_TRY(checkpoint(c, true));
  return put(c, m, 4, 4, false);
}

typedef struct {
  const char *name;
  vs_status (*run)(client *, model *);
} scenario;
static const scenario scenarios[] = {
    {"single_inserts", single_inserts},
    {"batches", batches},
    {"deletes", deletes},
    {"checkpoints", checkpoints},
    {"reopening", reopening},
    {"commits_between_checkpoint_steps", commits_between_checkpoint_steps},
    {"group_commit", group_commit},
    {"delete_all_then_insert", delete_all_then_insert},
};
#define N_SCENARIOS (sizeof scenarios / sizeof *scenarios)

/* ============ The harness ============ */

/* Runs from opening on; the model tells what was promised when it stopped. */
static vs_status play(const scenario *s, vs_io *io, model *m) {
  client c;
  memset(m, 0, sizeof *m);
  client_init(&c, io);
  vs_status status = client_open(&c, "posix", false);
  if (status == VS_OK) status = s->run(&c, m);
  client_deinit(&c);
  must(c.db.alloc.n_live == 0);
  return status;
}

/* Which commit the opened database shows, or -1 when it shows none of them. */
static int shown_commit(const vs_db_state *db, const model *m) {
  for (int j = (int)m->issued; j >= 0; j--) {
    uint32_t live = 0, same = 0;
    for (uint32_t i = 0; i < N_RECORDS; i++) {
      same += version_of(db, i) == m->after[j].version[i];
      live += m->after[j].version[i] != 0;
    }
    if (same == N_RECORDS && db->coll.n_live == live) return j;
  }
  return -1;
}

/* Opens the rebooted medium and checks everything the header says; NULL = right. */
static const char *check_state(vs_io *io, const model *m) {
  static char what[300];
  client c;
  client_init(&c, io);
  const char *wrong = NULL;
  if (client_open(&c, "posix", false) != VS_OK) {
    snprintf(what, sizeof what, "does not open: %s", c.db.err.msg);
    wrong = what;
  } else {
    int j = shown_commit(&c.db, m);
    if (j < (int)m->acknowledged) {
      snprintf(what, sizeof what, "shows commit %d; acknowledged %u, issued %u", j, m->acknowledged, m->issued);
      wrong = what;
    } else if (findings(&c.db) != 0) {
      wrong = "verify finds damage";
    } else if (upsert(&c, 7, 99) != VS_OK || version_of(&c.db, 7) != 99) {
      wrong = "takes no further commit";
    }
  }
  client_deinit(&c);
  if (c.db.alloc.n_live) return "leaks memory";
  return wrong;
}

/* Opening and the first write crash as well, at every call. */
static const char *check_nested(vs_io *rebooted, const model *m, uint64_t seed) {
  for (uint64_t call = 1;; call++) {
    vs_io *io;
    must(vs_io_fault_clone(rebooted, &io) == VS_OK);
    vs_io_fault_crash_at(io, vs_io_fault_calls(io) + call);
    model now = *m;
    client c;
    client_init(&c, io);
    if (client_open(&c, "posix", false) == VS_OK) {
      int j = shown_commit(&c.db, m);
      if (j >= 0) {
        now.after[0] = m->after[j];
        now.issued = now.acknowledged = 0;
        (void)put(&c, &now, 1, 3, false);
      }
    }
    bool crashed = vs_io_fault_crashed(io);
    client_deinit(&c);
    const char *wrong = NULL;
    if (crashed) {
      must(vs_io_fault_reboot(io, seed * 31 + call) == VS_OK);
      n_states++;
      n_nested++;
      wrong = check_state(io, &now);
    }
    io->ops->destroy(io);
    if (wrong || !crashed) return wrong;
  }
}

static bool one_state(size_t s, uint64_t call, uint64_t seed, const vs_io *crashed, const model *m, bool nested) {
  vs_io *io;
  must(vs_io_fault_clone(crashed, &io) == VS_OK);
  must(vs_io_fault_reboot(io, seed) == VS_OK);
  n_states++;
  const char *wrong = nested ? check_nested(io, m, seed) : check_state(io, m);
  if (wrong) printf("# VS_CRASH_ONLY=%zu,%llu,%llu (%s): %s\n", s, (unsigned long long)call, (unsigned long long)seed, scenarios[s].name, wrong);
  io->ops->destroy(io);
  return wrong == NULL;
}

static uint32_t env_u32(const char *name, uint32_t otherwise) {
  const char *text = getenv(name);
  return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* All crash points of one scenario; the number of wrong states. */
static uint32_t crash_everywhere(size_t s, uint32_t n_seeds, uint32_t every_nested, const unsigned long long only[3]) {
  vs_alloc a;
  vs_io *io;
  static model m;
  uint32_t wrong = 0;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  must(play(&scenarios[s], io, &m) == VS_OK);
  uint64_t n_calls = vs_io_fault_calls(io);
  io->ops->destroy(io);
  for (uint64_t call = 1; call <= n_calls; call++) {
    if (only && only[1] != call) continue;
    must(vs_io_fault_create(&a, &io) == VS_OK);
    vs_io_fault_crash_at(io, call);
    (void)play(&scenarios[s], io, &m);
    must(vs_io_fault_crashed(io));
    for (uint32_t i = 0; i < (only ? 1 : n_seeds); i++) {
      uint64_t seed = only ? only[2] : (i + 1) * 1000003u + call;
      bool nested = every_nested && seed % every_nested == 0;
      wrong += !one_state(s, call, seed, io, &m, nested);
    }
    io->ops->destroy(io);
  }
  must(a.n_live == 0);
  return wrong;
}

int main(void) {
  unsigned long long only[3];
  const char *replay = getenv("VS_CRASH_ONLY");
  bool one = replay && sscanf(replay, "%llu,%llu,%llu", &only[0], &only[1], &only[2]) == 3;
  uint32_t n_seeds = env_u32("VS_CRASH_SEEDS", 6), every_nested = env_u32("VS_CRASH_NESTED", 7);
  for (size_t s = 0; s < N_SCENARIOS; s++) {
    if (one && only[0] != s) continue;
    uint32_t before = n_states;
    uint32_t wrong = crash_everywhere(s, n_seeds, every_nested, one ? only : NULL);
    ok(wrong == 0, "%s: %u states, %u wrong", scenarios[s].name, n_states - before, wrong);
  }
  printf("# states: %u, of them nested: %u\n", n_states, n_nested);
  ok(one || n_states >= 5000, "at least 5,000 crash states were checked");
  return tap_done();
}
