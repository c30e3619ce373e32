/* fail_at makes exactly that attempt fail, once or for ever, and a refused
 * realloc leaves the old memory alone. */
#include "../../../src/base/alloc.h"

#include "../tap.h"

int main(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  a.fail_at = 3;
  void *p[6];
  for (int i = 0; i < 6; i++) p[i] = vs_malloc(&a, 10);
  ok(p[0] && p[1] && !p[2] && p[3] && p[4] && p[5], "attempt 3 alone fails");
  ok(a.n_calls == 6 && a.n_live == 5, "refused attempts count as calls, not as live");
  a.fail_at = a.n_calls + 2;
  a.fail_forever = true;
  void *x = vs_calloc(&a, 2, 8);
  ok(x != NULL, "the attempt before succeeds");
  memset(x, 7, 16);
  ok(vs_realloc(&a, x, 1000) == NULL && vs_malloc_aligned(&a, 5, 64) == NULL && vs_calloc(&a, 1, 1) == NULL,
     "every later attempt of every kind fails");
  bool same = true;
  for (int i = 0; i < 16; i++) same = same && ((uint8_t *)x)[i] == 7;
  ok(same, "a refused realloc keeps the old bytes");
  vs_free(&a, x);
  for (int i = 0; i < 6; i++) vs_free(&a, p[i]);
  ok(a.used == 0 && a.n_live == 0, "freeing works while allocations fail");
  return tap_done();
}
