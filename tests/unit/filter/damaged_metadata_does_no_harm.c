/* Metadata cut short, changed at random or made of noise is evaluated without reading outside of it (the
 * sanitizers watch), and intact fields before the damage still answer. */
#include "filters.h"

static const char *const FILTERS[] = {
    "a = 1 AND s CONTAINS 'x' OR ANY(list) LIKE '%y%' OR LENGTH(s) > 2",
    "o.x.y[1].z BETWEEN 1 AND 'z' OR ALL(list) IN (1, 'x', NULL)",
    "GEO_RADIUS(p, 1, 2, 1e6) OR GEO_BBOX(q, -10, 170, 10, -170) OR EXISTS o.x.y",
    "list[2] ILIKE '\xc3\x84%_' OR ANY(o.list) CONTAINS 2 OR list ENDSWITH 'x' OR LENGTH(list) = 3",
    "a = 2 AND b",
    "n IS NOT NULL OR s STARTSWITH 'y'",
};
#define N_FILTERS (sizeof FILTERS / sizeof FILTERS[0])

int main(void) {
  vs_alloc_init(&filters_alloc);
  vs_rng r = {99};
  printf("# seed %llu\n", (unsigned long long)r.state);
  vs_filter *filters[N_FILTERS];
  for (size_t i = 0; i < N_FILTERS; i++) filters[i] = filters_compile(FILTERS[i]);
  vs_wr w = filters_encode(
      "{'a': 1, 'f': 2.5, 's': 'text with x', 'list': [1, 'xyz', '\xc3\xa4\xc3\xb6', null, [1, [2]]], 'o': {'x': "
      "{'y': [0, {'z': 3}]}, 'list': [[2]]}, 'p': {'lat': 1, 'lon': 2}, 'q': [175, 0], 'n': null, 'b': true}");
  unsigned truths[3] = {0};
  for (int i = 0; i < 60000; i++) {
    size_t n = vs_rng_below(&r, 4) == 0 ? vs_rng_below(&r, (uint32_t)w.n + 1) : w.n;
    /* A block of exactly n bytes, so that a byte too far is noticed. */
    uint8_t *damaged = malloc(n > 0 ? n : 1);
    must(damaged != NULL);
    memcpy(damaged, w.p, n);
    for (uint32_t changes = n > 0 ? vs_rng_below(&r, 4) : 0; changes > 0; changes--) {
      damaged[vs_rng_below(&r, (uint32_t)n)] = (uint8_t)vs_rng_u64(&r);
    }
    if (i % 10 == 0) {
      for (size_t j = 0; j < n; j++) damaged[j] = (uint8_t)(vs_rng_u64(&r) % (i % 20 ? 256 : 9));
    }
    for (size_t j = 0; j < N_FILTERS; j++) truths[vs_filter_truth(filters[j], (vs_slice){damaged, n})]++;
    free(damaged);
  }
  ok(truths[VS_TRUE] > 1000 && truths[VS_FALSE] > 1000 && truths[VS_UNKNOWN] > 1000, "F %u, U %u, T %u", truths[0],
     truths[1], truths[2]);
  vs_filter *first = filters_compile("a = 1");
  ok(vs_filter_match(first, (vs_slice){w.p, w.n}), "intact metadata");
  ok(vs_filter_truth(first, (vs_slice){w.p, w.n - 1}) == VS_UNKNOWN, "cut metadata is no object");
  ok(vs_filter_truth(first, (vs_slice){(const uint8_t *)"\x03\x02", 2}) == VS_UNKNOWN, "nor is a number");
  vs_filter_destroy(&filters_alloc, first);
  for (size_t i = 0; i < N_FILTERS; i++) vs_filter_destroy(&filters_alloc, filters[i]);
  vs_wr_deinit(&w);
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
