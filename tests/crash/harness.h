/* harness.h - crashes, I/O errors and refused memory at every single point of a scenario.
 *
 * The generic part: it knows no store, only a subject made of callbacks. A
 * subject keeps a model (plain bytes, copied freely) of what it was told:
 * what was issued, what was acknowledged. Everything runs in memory on
 * io_fault; every case is a pure function of (mode, scenario, call, variant,
 * nested call) and can be replayed alone:
 *
 *   VS_CRASH_CASE="crash rotation 17 3 0" build/.../store_crash
 *
 * MODES
 *   crash  The machine stops at call i; R seeded reboots of what that leaves.
 *          Each is opened and compared. From every crash point a second crash
 *          at each call of "recover and write again" follows (nested).
 *   ioerr  Call i fails in one of five ways, once or from then on. The
 *          scenario goes on. Then the medium heals: opened and compared, as
 *          is, after one more write, and after a power cut.
 *   oom    Allocation i is refused, once or from then on; the same checks.
 *
 * After every run no memory and no file handle may be left, and an error
 * that was injected must have been reported.
 *
 * VS_CRASH_STATES is the number of crash states to aim for (all scenarios
 * together); the result says how many were checked.
 */
#ifndef CRASH_HARNESS_H
#define CRASH_HARNESS_H

#include "../../src/base/io_fault.h"
#include "../../src/base/rng.h"
#include "../unit/tap.h"

#define H_NEVER UINT64_MAX

typedef enum { H_CRASH, H_IOERR, H_OOM } h_mode;
static const char *const h_mode_names[] = {"crash", "ioerr", "oom"};

typedef struct {
  vs_io *io;     /* io_fault */
  vs_alloc *mem; /* for the subject; the io has its own */
  void *model;   /* the subject's */
  h_mode mode;
  bool counting;     /* the run without faults: everything must succeed */
  bool rebooted;     /* what was not synced may be gone */
  uint64_t at;       /* the call or allocation that is hit; H_NEVER = none */
  uint32_t n_errors; /* failures the subject was told of */
  bool hidden;       /* the failure fell into a call that reports none */
  char problem[256]; /* first broken promise, "" = none */
} h_world;

typedef struct {
  const char *name;
  /* Does the work, updates the model, frees everything also after failures. */
  void (*run)(h_world *w);
} h_scenario;

typedef struct {
  const char *name;
  size_t model_bytes;
  /* On a fresh io, never hit by faults: makes directories and syncs them. */
  void (*prepare)(h_world *w);
  /* Opens, compares with the model, closes; h_problem for what is wrong. */
  void (*check)(h_world *w);
  /* Opens, writes once more, makes it durable, closes; updates the model. */
  void (*again)(h_world *w);
  const h_scenario *scenario;
  uint32_t n_scenarios;
} h_subject;

__attribute__((format(printf, 2, 3))) static void h_problem(h_world *w, const char *fmt, ...) {
  if (w->problem[0] != '\0') return;
  va_list args;
  va_start(args, fmt);
  vsnprintf(w->problem, sizeof w->problem, fmt, args);
  va_end(args);
}

/* Notes a status the subject got; in a run without faults it must be OK. */
__attribute__((unused)) static vs_status h_note(h_world *w, vs_status status, const char *what) {
  if (status == VS_OK) return status;
  w->n_errors++;
  if (w->counting) h_problem(w, "%s: %s without any fault", what, vs_status_name(status));
  return status;
}

/* ============ One case ============ */

typedef struct {
  h_mode mode;
  uint32_t scenario;
  uint64_t call, variant, nested;
} h_case;

typedef struct {
  const h_subject *subject;
  vs_alloc io_mem;
  uint64_t states, runs, nested, errors, refusals;
  bool only_one; /* a replayed case */
  h_case only;
  uint32_t failed;
} h_harness;

static void h_world_init(h_harness *h, h_world *w, vs_alloc *mem, h_mode mode) {
  memset(w, 0, sizeof *w);
  vs_alloc_init(mem);
  w->mem = mem;
  w->mode = mode;
  w->at = H_NEVER;
  must(vs_io_fault_create(&h->io_mem, &w->io) == VS_OK);
  must((w->model = calloc(1, h->subject->model_bytes)) != NULL);
  h->subject->prepare(w);
}

static void h_world_deinit(h_world *w) {
  w->io->ops->destroy(w->io);
  free(w->model);
}

/* The same state in another world, for one more continuation. */
static void h_world_clone(h_harness *h, const h_world *from, h_world *w, vs_alloc *mem) {
  *w = *from;
  vs_alloc_init(mem);
  w->mem = mem;
  must(vs_io_fault_clone(from->io, &w->io) == VS_OK);
  must((w->model = malloc(h->subject->model_bytes)) != NULL);
  memcpy(w->model, from->model, h->subject->model_bytes);
}

static void h_heal(h_world *w) {
  vs_io_fault_plan(w->io, H_NEVER, VS_FAULT_EIO, false);
  vs_io_fault_crash_at(w->io, H_NEVER);
  w->mem->fail_at = 0;
  w->mem->fail_forever = false;
  w->at = H_NEVER;
}

static void h_reboot(h_world *w, uint64_t seed) {
  must(vs_io_fault_reboot(w->io, vs_mix64(seed + 0x9e3779b97f4a7c15u)) == VS_OK);
  w->rebooted = true;
}

/* Ends a case: says how to replay it when a promise was broken. */
static void h_verdict(h_harness *h, h_world *w, h_case c, const char *phase) {
  if (w->mem->n_live != 0) h_problem(w, "%llu allocations left behind", (unsigned long long)w->mem->n_live);
  if (w->problem[0] == '\0') return;
  const char *name = h->subject->scenario[c.scenario].name;
  if (h->failed++ < 10)
    ok(0, "%s %s call %llu, %s: %s", h_mode_names[c.mode], name, (unsigned long long)c.call, phase, w->problem);
  printf("# replay: VS_CRASH_CASE=\"%s %s %llu %llu %llu\"\n", h_mode_names[c.mode], name, (unsigned long long)c.call,
         (unsigned long long)c.variant, (unsigned long long)c.nested);
  w->problem[0] = '\0';
  if (h->failed >= 50) {
    printf("# too many failures\n");
    exit(1);
  }
}

static void h_check(h_harness *h, h_world *w, h_case c, const char *phase) {
  h->states++;
  h->subject->check(w);
  h_verdict(h, w, c, phase);
}

static bool h_wanted(const h_harness *h, h_case c, bool whole) {
  if (!h->only_one) return true;
  if (c.mode != h->only.mode || c.scenario != h->only.scenario || c.call != h->only.call) return false;
  return whole || (c.variant == h->only.variant && c.nested == h->only.nested);
}

/* ============ Crashes ============ */

static uint64_t h_seed(h_case c) {
  return vs_mix64(vs_mix64(vs_mix64(c.scenario + 1) ^ c.call) ^ c.variant) ^ c.nested;
}

/* From a rebooted world: crashes once more at each call of recovering and writing. */
static void h_nested(h_harness *h, const h_world *crashed, h_case c) {
  uint64_t n_calls = H_NEVER;
  for (c.nested = 1; c.nested <= n_calls; c.nested++) {
    if (c.nested > 1 && !h_wanted(h, c, false)) continue;
    h_world w;
    vs_alloc mem;
    h_world_clone(h, crashed, &w, &mem);
    if (c.nested == 1) { /* a run to the end first: it gives the number of calls */
      h_world full;
      vs_alloc full_mem;
      h_world_clone(h, crashed, &full, &full_mem);
      full.counting = true;
      h->subject->again(&full);
      n_calls = vs_io_fault_calls(full.io);
      full.counting = false;
      h_check(h, &full, c, "after recovery and a write");
      h_world_deinit(&full);
    }
    vs_io_fault_crash_at(w.io, c.nested);
    h->subject->again(&w);
    h_verdict(h, &w, c, "during the second crash");
    h_reboot(&w, h_seed(c));
    h_check(h, &w, c, "after the second crash");
    h->nested++;
    h_world_deinit(&w);
  }
}

static void h_crash_at(h_harness *h, h_case c, uint64_t n_reboots, uint64_t n_nested) {
  if (!h_wanted(h, c, true)) return;
  h_world w;
  vs_alloc mem;
  h_world_init(h, &w, &mem, H_CRASH);
  uint64_t first = vs_io_fault_calls(w.io);
  vs_io_fault_crash_at(w.io, first + c.call);
  h->subject->scenario[c.scenario].run(&w);
  h->runs++;
  h_verdict(h, &w, c, "while it crashed");
  if (h->only_one && h->only.variant >= n_reboots) n_reboots = h->only.variant + 1;
  for (c.variant = 0; c.variant < n_reboots; c.variant++) {
    c.nested = 0;
    if (h->only_one && c.variant != h->only.variant) continue;
    h_world r;
    vs_alloc r_mem;
    h_world_clone(h, &w, &r, &r_mem);
    h_reboot(&r, h_seed(c));
    h_check(h, &r, c, "after the crash");
    if (c.variant < n_nested || (h->only_one && h->only.nested > 0)) h_nested(h, &r, c);
    h_world_deinit(&r);
  }
  h_world_deinit(&w);
}

/* ============ Errors ============ */

static void h_run_hit(h_harness *h, h_world *w, h_case c) {
  static const vs_fault_kind kinds[] = {VS_FAULT_EIO, VS_FAULT_ENOSPC, VS_FAULT_SHORT, VS_FAULT_SYNC, VS_FAULT_FULL};
  bool forever = c.variant & 1;
  if (c.mode == H_IOERR) {
    w->at = vs_io_fault_calls(w->io) + c.call;
    vs_io_fault_plan(w->io, w->at, kinds[c.variant / 2], forever);
  } else {
    w->at = w->mem->fail_at = c.call;
    w->mem->fail_forever = forever;
  }
  h->subject->scenario[c.scenario].run(w);
  h->runs++;
  /* Half a read is read on, and sync cannot be short: those may go well.
   * So may a sync failure where no sync is hit. */
  bool loud = c.mode == H_OOM || c.variant / 2 < 2;
  if (loud && w->n_errors == 0 && !w->hidden) h_problem(w, "the failure was not reported");
}

static void h_error_at(h_harness *h, h_case c) {
  if (!h_wanted(h, c, false)) return;
  h_world w;
  vs_alloc mem;
  h_world_init(h, &w, &mem, c.mode);
  *(c.mode == H_OOM ? &h->refusals : &h->errors) += 1;
  h_run_hit(h, &w, c);
  h_verdict(h, &w, c, "while it failed");
  h_heal(&w);
  h_world cut;
  vs_alloc cut_mem;
  h_world_clone(h, &w, &cut, &cut_mem);
  h_check(h, &w, c, "after healing");
  h_reboot(&cut, h_seed(c));
  h_check(h, &cut, c, "after a power cut");
  h_world_deinit(&cut);
  /* What a failed sync dropped is still visible until the power cut, and no
   * later sync brings it back: no store can build on it. */
  if (c.mode != H_IOERR || c.variant / 2 < 3) {
    w.counting = true;
    h->subject->again(&w);
    w.counting = false;
    h_verdict(h, &w, c, "writing after healing");
    h_reboot(&w, h_seed(c) + 1);
    h_check(h, &w, c, "after healing, writing and a power cut");
  }
  h_world_deinit(&w);
}

/* ============ All of it ============ */

static uint64_t h_states_wanted(void) {
  const char *text = getenv("VS_CRASH_STATES");
  return text != NULL ? strtoull(text, NULL, 10) : 20000;
}

/* The run without faults: gives the numbers of calls and allocations. */
static void h_count(h_harness *h, uint32_t scenario, uint64_t *n_calls, uint64_t *n_allocs) {
  h_world w;
  vs_alloc mem;
  h_world_init(h, &w, &mem, H_CRASH);
  uint64_t first = vs_io_fault_calls(w.io);
  w.counting = true;
  h->subject->scenario[scenario].run(&w);
  w.counting = false;
  *n_calls = vs_io_fault_calls(w.io) - first;
  *n_allocs = mem.n_calls;
  h_check(h, &w, (h_case){H_CRASH, scenario, 0, 0, 0}, "without any fault");
  h_world_deinit(&w);
}

static void h_run_scenario(h_harness *h, uint32_t scenario, uint64_t budget) {
  uint64_t n_calls, n_allocs, before = h->states;
  h_count(h, scenario, &n_calls, &n_allocs);
  /* The errors come first: their number is given. What is left of the budget
   * goes to crashes, about half of it to nested ones (of some 20 calls each). */
  for (uint64_t i = 1; i <= n_calls; i++)
    for (uint64_t v = 0; v < 10; v++) h_error_at(h, (h_case){H_IOERR, scenario, i, v, 0});
  for (uint64_t i = 1; i <= n_allocs; i++)
    for (uint64_t v = 0; v < 2; v++) h_error_at(h, (h_case){H_OOM, scenario, i, v, 0});
  uint64_t per_call = budget / (n_calls > 0 ? n_calls : 1);
  uint64_t n_reboots = per_call / 2 > 2 ? per_call / 2 : 2;
  uint64_t n_nested = per_call / 40;
  uint64_t every = n_nested > 0 ? 1 : 40 / (per_call > 0 ? per_call : 1) + 1;
  for (uint64_t i = 1; i <= n_calls; i++) {
    uint64_t nested = n_nested > 0 ? n_nested : (i % every == 0 ? 1 : 0);
    h_crash_at(h, (h_case){H_CRASH, scenario, i, 0, 0}, n_reboots, nested);
  }
  printf("# %s: %llu calls, %llu allocations, %llu states\n", h->subject->scenario[scenario].name,
         (unsigned long long)n_calls, (unsigned long long)n_allocs, (unsigned long long)(h->states - before));
}

static void h_read_case(h_harness *h) {
  const char *text = getenv("VS_CRASH_CASE");
  if (text == NULL) return;
  char mode[16], name[64];
  unsigned long long call, variant, nested;
  must(sscanf(text, "%15s %63s %llu %llu %llu", mode, name, &call, &variant, &nested) == 5);
  h->only_one = true;
  h->only = (h_case){H_CRASH, UINT32_MAX, call, variant, nested};
  for (uint32_t i = 0; i < 3; i++)
    if (strcmp(mode, h_mode_names[i]) == 0) h->only.mode = (h_mode)i;
  for (uint32_t i = 0; i < h->subject->n_scenarios; i++)
    if (strcmp(name, h->subject->scenario[i].name) == 0) h->only.scenario = i;
  must(h->only.scenario != UINT32_MAX);
}

/* Runs every scenario of the subject; a main can return it. */
static int h_run(const h_subject *subject) {
  h_harness h = {.subject = subject};
  vs_alloc_init(&h.io_mem);
  h_read_case(&h);
  uint64_t budget = h_states_wanted() / subject->n_scenarios;
  for (uint32_t i = 0; i < subject->n_scenarios; i++) {
    if (h.only_one && h.only.scenario != i) continue;
    uint32_t failed = h.failed;
    h_run_scenario(&h, i, budget);
    ok(h.failed == failed, "%s: nothing lost, nothing half done", subject->scenario[i].name);
  }
  ok(h.io_mem.n_live == 0, "no file is left open");
  printf("# states: %llu, of them after a second crash: %llu\n", (unsigned long long)h.states,
         (unsigned long long)h.nested);
  printf("# injections: %llu I/O errors, %llu refused allocations\n", (unsigned long long)h.errors,
         (unsigned long long)h.refusals);
  printf("# runs: %llu\n", (unsigned long long)h.runs);
  return tap_done();
}

#endif
