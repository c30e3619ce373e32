/* db_io_errors.c - every file call of every scenario fails, in five ways, once and for ever.
 *
 * After the failure the medium is healed. Then: a call that failed without
 * poisoning changed nothing and the same instance goes on (one further
 * commit must succeed); a poisoned one refuses writes and answers reads. One that
 * found the medium full at a sync answers reads, refuses writes with VS_NO_SPACE while
 * there is no room, and once there is takes them, and everything it shows is durable
 * then: power cuts follow. The database reopened afterwards shows a commit j with
 * acknowledged <= j <= issued, and verify finds nothing.
 * VS_CRASH_ONLY="scenario,call,kind,forever" replays one case.
 */
#include "db_scenarios.h"

static uint32_t n_injected, n_poisoned, n_full;

/* No room yet: refused, nothing changes, and what was there is read. Then no room for one of the later
 * syncs of healing and writing. */
static const char *check_full(client *c, model *m, vs_io *io) {
  for (uint64_t ahead = 1; ahead < 40 && vs_store_full(c->db.store); ahead += 5) {
    int shown = shown_commit(&c->db, m);
    m->issued = (uint32_t)shown;
    vs_io_fault_plan(io, vs_io_fault_calls(io) + ahead, VS_FAULT_FULL, true);
    vs_status status = put(c, m, 3, 1, false);
    vs_io_fault_plan(io, 0, VS_FAULT_EIO, false);
    if (status == VS_OK && ahead == 1) return "a full store takes a write";
    if (status != VS_OK && status != VS_NO_SPACE) return "a full store does not say so";
    int now = shown_commit(&c->db, m);
    if (now < shown || (ahead == 1 && now != shown)) return "a write refused for want of room changed something";
  }
  m->issued = (uint32_t)shown_commit(&c->db, m);
  return NULL;
}

typedef struct {
  size_t scenario;
  uint64_t call;
  vs_fault_kind kind;
  bool forever;
} injection;

/* The instance after its failed call, with the medium healed. */
static const char *check_instance(client *c, model *m, vs_io *io) {
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
  if (vs_store_full(db->store)) {
    n_full++;
    const char *wrong = check_full(c, m, io);
    if (wrong) return wrong;
    shown = (int)m->issued;
  }
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

/* What the instance acknowledged after the failure survives the power. */
static const char *check_power_cuts(vs_io *io, const model *m) {
  for (uint64_t seed = 1; seed <= 3; seed++) {
    vs_io *cut;
    must(vs_io_fault_clone(io, &cut) == VS_OK);
    must(vs_io_fault_reboot(cut, seed) == VS_OK);
    const char *wrong = check_reopened(cut, m);
    cut->ops->destroy(cut);
    if (wrong) return wrong;
  }
  return NULL;
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
  bool lasts = c.db.open && !vs_store_poisoned(c.db.store);
  const char *wrong = check_instance(&c, &m, io);
  client_deinit(&c);
  if (!wrong && c.db.alloc.n_live) wrong = "memory leaks";
  if (!wrong && lasts) wrong = check_power_cuts(io, &m);
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
      for (int kind = VS_FAULT_EIO; kind <= VS_FAULT_FULL; kind++)
        for (int forever = 0; forever < 2; forever++)
          wrong += !inject(&(injection){s, call, (vs_fault_kind)kind, forever != 0});
    ok(wrong == 0, "%s: %u injected errors, %u wrong", scenarios[s].name, n_injected - before, wrong);
  }
  printf("# injections: %u, of them poisoning: %u, leaving the store full: %u\n", n_injected, n_poisoned, n_full);
  ok(n_injected >= 5000 && n_full > 0, "at least 5,000 errors were injected");
  return tap_done();
}
