/* db_io_errors.c - every file call of every scenario fails, in four ways, once and for ever.
 *
 * After the failure the medium is healed. Then: a call that failed without
 * poisoning changed nothing and the same instance goes on (one further
 * commit must succeed); a poisoned one refuses writes and answers reads. The
 * database reopened afterwards shows a commit j with acknowledged <= j <= issued,
 * and verify finds nothing. VS_CRASH_ONLY="scenario,call,kind,forever" replays one case.
 */
#include "db_scenarios.h"

static uint32_t n_injected, n_poisoned;

typedef struct {
  size_t scenario;
  uint64_t call;
  vs_fault_kind kind;
  bool forever;
} injection;

/* The instance after its failed call, with the medium healed. */
static const char *check_instance(client *c, model *m) {
  vs_db_state *db = &c->db;
  if (!db->open) return NULL; /* the opening failed: there is no instance */
  int shown = shown_commit(db, m);
  if (vs_store_poisoned(db->store)) {
    n_poisoned++;
    if (shown < (int)m->acknowledged) return "a poisoned store does not show what was acknowledged";
    if (put(c, m, 3, 1, false) != VS_POISONED) return "a poisoned store takes a write";
    m->issued = shown < 0 ? m->issued : (uint32_t)shown;
    return NULL;
  }
  if (shown < (int)m->acknowledged) return "the instance does not show what was acknowledged";
  m->issued = m->acknowledged = (uint32_t)shown;
  if (put(c, m, 5, 2, false) != VS_OK) return "the healed instance takes no write";
  return findings(db) == 0 ? NULL : "verify finds damage in the healed instance";
}

static const char *check_reopened(vs_io *io, const model *m) {
  client c;
  client_init(&c, io);
  const char *wrong = NULL;
  static char what[300];
  if (client_open(&c, "posix", false) != VS_OK) {
    snprintf(what, sizeof what, "does not open: %s", c.db.err.msg);
    wrong = what;
  } else if (shown_commit(&c.db, m) < (int)m->acknowledged) {
    wrong = "acknowledged commits are missing after reopening";
  } else if (findings(&c.db) != 0) {
    wrong = "verify finds damage after reopening";
  }
  client_deinit(&c);
  return wrong;
}

static bool inject(const injection *x) {
  static model m;
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  memset(&m, 0, sizeof m);
  client_init(&c, io);
  vs_io_fault_plan(io, x->call, x->kind, x->forever);
  vs_status status = client_open(&c, "posix", false);
  if (status == VS_OK) status = scenarios[x->scenario].run(&c, &m);
  vs_io_fault_plan(io, 0, VS_FAULT_EIO, false);
  n_injected++;
  const char *wrong = check_instance(&c, &m);
  client_deinit(&c);
  if (!wrong && c.db.alloc.n_live) wrong = "memory leaks";
  if (!wrong) wrong = check_reopened(io, &m);
  if (wrong)
    printf("# VS_CRASH_ONLY=%zu,%llu,%d,%d (%s, call said %s): %s\n", x->scenario, (unsigned long long)x->call,
           (int)x->kind, x->forever, scenarios[x->scenario].name, vs_status_name(status), wrong);
  io->ops->destroy(io);
  return wrong == NULL;
}

static uint64_t count_calls(size_t s) {
  static model m;
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  memset(&m, 0, sizeof m);
  client_init(&c, io);
  must(client_open(&c, "posix", false) == VS_OK && scenarios[s].run(&c, &m) == VS_OK);
  client_deinit(&c);
  uint64_t n = vs_io_fault_calls(io);
  io->ops->destroy(io);
  return n;
}

int main(void) {
  unsigned long long only[4];
  const char *replay = getenv("VS_CRASH_ONLY");
  if (replay && sscanf(replay, "%llu,%llu,%llu,%llu", &only[0], &only[1], &only[2], &only[3]) == 4) {
    injection x = {(size_t)only[0], only[1], (vs_fault_kind)only[2], only[3] != 0};
    ok(inject(&x), "the one case");
    return tap_done();
  }
  for (size_t s = 0; s < N_SCENARIOS; s++) {
    uint64_t n_calls = count_calls(s);
    uint32_t wrong = 0, before = n_injected;
    for (uint64_t call = 1; call <= n_calls; call++)
      for (int kind = VS_FAULT_EIO; kind <= VS_FAULT_SYNC; kind++)
        for (int forever = 0; forever < 2; forever++)
          wrong += !inject(&(injection){s, call, (vs_fault_kind)kind, forever != 0});
    ok(wrong == 0, "%s: %u injected errors, %u wrong", scenarios[s].name, n_injected - before, wrong);
  }
  printf("# injections: %u, of them poisoning: %u\n", n_injected, n_poisoned);
  return tap_done();
}
