/* A bitset equals an array of bools over random sets and clears, reads false
 * beyond its size, and walks its bits in order. */
#include "../../../src/base/bitset.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#define MOST 3000u
#define SEED 4u

static bool naive[MOST];

static int compare(const vs_bitset *b) {
  uint32_t count = 0, next = 0;
  int wrong = 0;
  for (uint32_t i = 0; i < MOST; i++) {
    wrong += vs_bitset_test(b, i) != naive[i];
    count += naive[i];
  }
  for (uint32_t i = 0; i < MOST; i++) {
    if (!naive[i]) continue;
    wrong += vs_bitset_next(b, next) != i;
    next = i + 1;
  }
  return wrong + (vs_bitset_next(b, next) != VS_NO_SLOT) + (b->n_set != count);
}

int main(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_bitset b;
  vs_bitset_init(&b, &a);
  vs_rng rng = {SEED};
  ok(!vs_bitset_test(&b, 0) && vs_bitset_next(&b, 0) == VS_NO_SLOT, "an empty set has nothing");
  int wrong = 0;
  for (uint32_t n = 1; n <= MOST; n += 1 + vs_rng_below(&rng, 200)) {
    must(vs_bitset_reserve(&b, n) == VS_OK);
    for (int k = 0; k < 60; k++) {
      uint32_t i = vs_rng_below(&rng, n);
      bool on = vs_rng_below(&rng, 3) != 0;
      wrong += (on ? vs_bitset_set(&b, i) : vs_bitset_clear(&b, i)) != (naive[i] != on);
      naive[i] = on;
    }
    wrong += compare(&b);
  }
  ok(wrong == 0, "set, clear, test and next agree (seed %u, %d wrong)", SEED, wrong);
  ok(!vs_bitset_test(&b, UINT32_MAX) && vs_bitset_next(&b, UINT32_MAX) == VS_NO_SLOT, "beyond the size is false");
  vs_bitset_clear_all(&b);
  memset(naive, 0, sizeof naive);
  ok(compare(&b) == 0 && b.n_set == 0, "clear_all clears all");
  uint32_t big = 20000000;
  must(vs_bitset_reserve(&b, big) == VS_OK);
  vs_bitset_set(&b, big - 1);
  vs_bitset_set(&b, 9000000);
  ok(vs_bitset_next(&b, 0) == 9000000 && vs_bitset_next(&b, 9000001) == big - 1, "over several blocks");
  vs_bitset_clear_all(&b);
  ok(vs_bitset_next(&b, 0) == VS_NO_SLOT, "and cleared there too");
  a.fail_at = a.n_calls + 1;
  uint32_t more = 40000000;
  ok(vs_bitset_reserve(&b, more) == VS_OUT_OF_MEMORY && b.n_bits == big, "a refusal keeps the size");
  vs_bitset_deinit(&b);
  ok(a.used == 0, "nothing leaks");
  return tap_done();
}
