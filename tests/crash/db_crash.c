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
#include "db_scenarios.h"

static uint32_t n_states, n_nested;

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
    } else {
      wrong = wrong_snapshot(&c, m);
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
  if (wrong)
    printf("# VS_CRASH_ONLY=%zu,%llu,%llu (%s): %s\n", s, (unsigned long long)call, (unsigned long long)seed,
           scenarios[s].name, wrong);
  io->ops->destroy(io);
  return wrong == NULL;
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
  scenarios_may_fail = true;
  for (size_t s = 0; s < N_SCENARIOS; s++) {
    if (one && only[0] != s) continue;
    uint32_t before = n_states;
    uint32_t wrong = crash_everywhere(s, n_seeds, every_nested, one ? only : NULL);
    ok(wrong == 0, "%s: %u states, %u wrong", scenarios[s].name, n_states - before, wrong);
  }
  printf("# states: %u, of them nested: %u\n", n_states, n_nested);
  ok(one || n_states >= 20000, "at least 20,000 crash states were checked");
  ok(one || n_nested >= 1000, "at least 1,000 of them after a crash during recovery");
  return tap_done();
}
