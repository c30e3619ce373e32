/* db_oom.c - allocations of every scenario are refused, once and for ever.
 *
 * Afterwards memory is to be had again. An instance that is open shows a commit j with
 * acknowledged <= j <= issued, takes a further commit unless it says that it is poisoned, and
 * verify finds nothing; nothing leaks; the database reopened shows the same.
 * VS_CRASH_ONLY="scenario,allocation,forever" replays one case.
 */
#include "db_scenarios.h"

static uint32_t n_injected;

static const char *check(client *c, model *m) {
  if (!c->db.open) return NULL;
  int shown = shown_commit(&c->db, m);
  if (shown < (int)m->acknowledged) return "the instance does not show what was acknowledged";
  m->issued = (uint32_t)shown;
  if (vs_store_poisoned(c->db.store)) return NULL;
  m->acknowledged = (uint32_t)shown;
  if (put(c, m, 5, 2, false) != VS_OK) return "the instance takes no write afterwards";
  return findings(&c->db) == 0 ? NULL : "verify finds damage";
}

static const char *check_reopened(vs_io *io, const model *m) {
  client c;
  client_init(&c, io);
  const char *wrong = NULL;
  if (client_open(&c, "posix", false) != VS_OK)
    wrong = "does not open";
  else if (shown_commit(&c.db, m) < (int)m->acknowledged)
    wrong = "acknowledged commits are missing after reopening";
  else if (findings(&c.db) != 0)
    wrong = "verify finds damage after reopening";
  client_deinit(&c);
  return wrong;
}

/* Runs the scenario; allocation `at` is refused (0 = none). The number of allocations made. */
static uint64_t run_scenario(size_t s, uint64_t at, bool forever, const char **wrong) {
  static model m;
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  memset(&m, 0, sizeof m);
  client_init(&c, io);
  c.db.alloc.fail_at = at;
  c.db.alloc.fail_forever = forever;
  n_opened = 1;
  vs_status status = client_open(&c, "posix", false);
  if (status == VS_OK) status = scenarios[s].run(&c, &m);
  uint64_t n = c.db.alloc.n_calls;
  c.db.alloc.fail_at = 0;
  *wrong = at == 0 && status != VS_OK ? "fails without a refusal" : check(&c, &m);
  client_deinit(&c);
  if (!*wrong && c.db.alloc.n_live) *wrong = "memory leaks";
  if (!*wrong) *wrong = check_reopened(io, &m);
  io->ops->destroy(io);
  if (!*wrong && a.n_live) *wrong = "files are left open";
  return n;
}

static bool inject(size_t s, uint64_t at, bool forever) {
  const char *wrong;
  run_scenario(s, at, forever, &wrong);
  n_injected++;
  if (wrong)
    printf("# VS_CRASH_ONLY=%zu,%llu,%d (%s): %s\n", s, (unsigned long long)at, forever, scenarios[s].name, wrong);
  return wrong == NULL;
}

int main(void) {
  unsigned long long only[3];
  const char *replay = getenv("VS_CRASH_ONLY"), *wrong;
  if (replay && sscanf(replay, "%llu,%llu,%llu", &only[0], &only[1], &only[2]) == 3) {
    ok(inject((size_t)only[0], only[1], only[2] != 0), "the one case");
    return tap_done();
  }
  scenarios_may_fail = true;
  for (size_t s = 0; s < N_SCENARIOS; s++) {
    uint64_t n = run_scenario(s, 0, false, &wrong);
    uint32_t n_wrong = wrong != NULL, before = n_injected;
    for (uint64_t at = 1; at <= n; at++)
      for (int forever = 0; forever < 2; forever++) n_wrong += !inject(s, at, forever != 0);
    ok(n_wrong == 0, "%s: %u refusals of %llu allocations, %u wrong", scenarios[s].name, n_injected - before,
       (unsigned long long)n, n_wrong);
  }
  printf("# injections: %u\n", n_injected);
  return tap_done();
}
