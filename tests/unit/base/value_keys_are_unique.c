/* A key that comes twice is found in objects of every size, wherever the two
 * stand; distinct keys pass. */
#include "../../../src/base/rng.h"
#include "../../../src/base/value.h"

#include "../tap.h"

#define SEED 9u

/* An object of n keys, in which member `second` repeats the key of `first`. */
static bool check_with_repeat(vs_wr *w, uint32_t n, uint32_t first, uint32_t second) {
  vs_wr_reset(w);
  size_t mark = vs_value_object_begin(w);
  for (uint32_t i = 0; i < n; i++) {
    char key[16];
    snprintf(key, sizeof key, "key %u", i == second ? first : i);
    vs_value_key(w, key);
    vs_value_int(w, i);
  }
  vs_value_end(w, mark, n);
  must(!w->failed);
  return vs_value_check(w->p, w->n);
}

int main(void) {
  static const uint32_t sizes[] = {2, 3, 63, 64, 65, 66, 511, 512, 513, 1500, 5000, 20000};
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  vs_rng rng = {SEED};
  int wrong = 0;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    uint32_t n = sizes[s];
    wrong += !check_with_repeat(&w, n, 0, 0);
    wrong += check_with_repeat(&w, n, 0, n - 1) + check_with_repeat(&w, n, n - 1, 0) + check_with_repeat(&w, n, 0, 1);
    for (int i = 0; i < 6; i++) {
      uint32_t first = vs_rng_below(&rng, n), second = vs_rng_below(&rng, n);
      wrong += check_with_repeat(&w, n, first, second) != (first == second);
    }
  }
  ok(wrong == 0, "repeats are found in objects of every size (seed %u, %d wrong)", SEED, wrong);
  vs_wr_deinit(&w);
  ok(a.used == 0, "nothing leaks");
  return tap_done();
}
