/* used, peak and n_live are exact over random traffic; contents and alignment
 * survive; the budget is never passed. */
#include "../../../src/base/alloc.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#define SLOTS 64
#define SEED 1u

typedef struct {
  uint8_t *p;
  size_t n;
  uint8_t fill;
  bool plain; /* may be reallocated */
} piece;

static bool intact(const piece *x) {
  for (size_t i = 0; i < x->n; i++) {
    if (x->p[i] != x->fill) return false;
  }
  return true;
}

static void random_traffic(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_rng rng = {SEED};
  piece piece_of[SLOTS] = {{0}};
  size_t expected = 0, peak = 0;
  uint64_t live = 0;
  int wrong = 0;
  for (int step = 0; step < 20000; step++) {
    piece *x = &piece_of[vs_rng_below(&rng, SLOTS)];
    size_t n = 1 + vs_rng_below(&rng, 3000), align = (size_t)16 << vs_rng_below(&rng, 9);
    if (x->p == NULL) {
      x->plain = vs_rng_below(&rng, 2) == 0;
      x->p = x->plain ? vs_malloc(&a, n) : vs_malloc_aligned(&a, n, align);
      must(x->p != NULL);
      wrong += (uintptr_t)x->p % (x->plain ? 16 : align) != 0;
      expected += n + 16;
      live++;
    } else if (x->plain && vs_rng_below(&rng, 2) == 0) {
      wrong += !intact(x);
      uint8_t *p = vs_realloc(&a, x->p, n);
      must(p != NULL);
      for (size_t i = 0; i < (n < x->n ? n : x->n); i++) wrong += p[i] != x->fill;
      wrong += (uintptr_t)p % 16 != 0;
      expected += n - x->n;
      x->p = p;
    } else {
      wrong += !intact(x);
      vs_free(&a, x->p);
      expected -= x->n + 16;
      live--;
      x->p = NULL;
      n = 0;
    }
    x->n = n;
    x->fill = (uint8_t)vs_rng_u64(&rng);
    if (x->p != NULL) memset(x->p, x->fill, n);
    if (expected > peak) peak = expected;
    wrong += a.used != expected || a.n_live != live || a.peak != peak;
  }
  ok(wrong == 0, "counts, contents and alignment hold (seed %u, %d wrong)", SEED, wrong);
  for (int i = 0; i < SLOTS; i++) vs_free(&a, piece_of[i].p);
  ok(a.used == 0 && a.n_live == 0, "all given back is nothing held");
}

static void budget(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  a.budget = 1000;
  void *p = vs_malloc(&a, 984);
  ok(p != NULL && a.used == 1000, "exactly the budget is allowed");
  ok(vs_malloc(&a, 1) == NULL && a.used == 1000 && a.n_live == 1, "one byte more is not");
  void *grown = vs_realloc(&a, p, 985);
  ok(grown == NULL && a.used == 1000, "nor by growing");
  a.budget = 500;
  void *smaller = vs_realloc(&a, p, 900);
  ok(smaller != NULL && a.used == 916, "shrinking is allowed above a lowered budget");
  vs_free(&a, smaller);
  volatile size_t huge = SIZE_MAX;
  ok(vs_malloc(&a, huge) == NULL && vs_malloc_aligned(&a, huge - 8, 4096) == NULL && vs_calloc(&a, huge / 2, 3) == NULL,
     "sizes that overflow are refused");
  a.budget = 0;
  ok(vs_malloc(&a, huge) == NULL && vs_calloc(&a, huge, 2) == NULL && a.used == 0, "without a budget too");
}

int main(void) {
  random_traffic();
  budget();
  return tap_done();
}
