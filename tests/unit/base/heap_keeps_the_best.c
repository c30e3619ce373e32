/* A bounded heap keeps the k smallest pairs of any stream, equal keys ordered
 * by value, pops the largest first and sorts ascending. */
#include "../../../src/base/heap.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#define SEED 5u

static int by_pair(const void *x, const void *y) {
  const vs_pair *a = x, *b = y;
  return vs_pair_less(*a, *b) ? -1 : vs_pair_less(*b, *a);
}

static bool equal(vs_pair a, vs_pair b) { return a.key == b.key && a.value == b.value; }

int main(void) {
  vs_rng rng = {SEED};
  int wrong = 0;
  for (int round = 0; round < 400; round++) {
    vs_pair all[300], memory[64];
    uint32_t n = vs_rng_below(&rng, 300), cap = vs_rng_below(&rng, 65), range = 1 + vs_rng_below(&rng, 100);
    vs_heap h;
    vs_heap_init(&h, memory, cap);
    for (uint32_t i = 0; i < n; i++) {
      all[i] = (vs_pair){(float)vs_rng_below(&rng, range) - 20, vs_rng_below(&rng, 1000)};
      bool full = h.n == cap;
      bool expected = !full || (cap > 0 && vs_pair_less(all[i], h.item[0]));
      wrong += vs_heap_push(&h, all[i]) != expected;
    }
    qsort(all, n, sizeof *all, by_pair);
    uint32_t kept = n < cap ? n : cap;
    wrong += h.n != kept;
    if (round % 2 == 0) {
      for (uint32_t i = kept; i-- > 0;) wrong += !equal(vs_heap_pop(&h), all[i]);
      wrong += h.n != 0;
    } else {
      vs_heap_sort(&h);
      wrong += h.n != kept;
      for (uint32_t i = 0; i < kept; i++) wrong += !equal(h.item[i], all[i]);
    }
  }
  ok(wrong == 0, "the k smallest, in order (seed %u, %d wrong)", SEED, wrong);
  return tap_done();
}
