/* flat_scans.c - a scan that looks at bits first finds what a full one finds, and one for many queries the same to the
 * bit. */
#include "world.h"

enum { DIM = 72, N = 6000, N_QUERIES = 40, K = 10 };

static void fill(world *w, vs_metric metric, uint32_t n, uint32_t kind) {
  float *data = malloc((size_t)(n + N_QUERIES) * DIM * sizeof(float));
  must(data);
  world_init(w, DIM, VS_INDEX_FLAT, metric, 4, 8);
  vs_index_configure(w->ix, VS_QUANTIZE_AUTO, VS_LAYOUT_STANDARD);
  world_clustered(data, n, DIM, 20, 8, world_seed() + metric);
  for (uint32_t i = 0; i < n; i++) {
    float *x = data + (size_t)i * DIM;
    for (uint32_t j = 0; j < DIM; j++) {
      if (kind == 1) x[j] = 3 + (float)(i % 7) * 0.25f; /* few different vectors, all far from zero */
      if (kind == 2) x[j] *= i % 3 == 0 ? 1e18f : i % 3 == 1 ? 1e-22f : 1;
      if (kind == 3 && i % 100 == 0) x[j] = 0;
    }
    world_insert(w, i, x);
  }
  free(data);
}

static void make_queries(float *out, vs_metric metric) {
  world_clustered(out, N_QUERIES, DIM, 20, 8, world_seed() + metric);
  for (uint32_t i = 0; i < N_QUERIES * DIM; i++) out[i] += 0.05f * (float)(i % 5);
}

static uint32_t agreeing(world *w, const float *q, const vs_bitset *among, uint64_t *n_full) {
  vs_hit got[K], want[K];
  uint32_t n = 0, m = 0, same = 0;
  vs_search_stats stats;
  vs_search_params quick = {.k = K}, exact = {.k = K, .exact = true};
  if (among) {
    must(vs_index_scan_among(w->ix, q, &quick, among, got, &n, &stats) == VS_OK);
    must(vs_index_scan_among(w->ix, q, &exact, among, want, &m, NULL) == VS_OK);
  } else {
    must(vs_index_search(w->ix, q, &quick, got, &n, &stats) == VS_OK);
    must(vs_index_search(w->ix, q, &exact, want, &m, NULL) == VS_OK);
  }
  *n_full += stats.n_full;
  if (n != m) return 0;
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t j = 0; j < n; j++) same += got[i].slot == want[j].slot && got[i].distance == want[j].distance;
  return same;
}

/* The share of hits found, over all queries; *full: the share of vectors compared in full. */
static double found(world *w, vs_metric metric, const vs_bitset *among, double *full) {
  static float q[N_QUERIES * DIM];
  uint64_t n_full = 0;
  uint32_t same = 0;
  make_queries(q, metric);
  for (uint32_t i = 0; i < N_QUERIES; i++) same += agreeing(w, q + i * DIM, among, &n_full);
  *full = (double)n_full / (double)N_QUERIES / (among ? among->n_set : vs_index_count(w->ix));
  return (double)same / (double)(N_QUERIES * K);
}

static void bits_on(vs_metric metric, uint32_t kind) {
  world w;
  double full, first, later;
  static float x[DIM], q[N_QUERIES * DIM];
  vs_rng rng = {world_seed()};
  fill(&w, metric, N, kind);
  uint64_t n_full = 0;
  make_queries(q, metric);
  ok(agreeing(&w, q, NULL, &n_full) == K && n_full >= N / 2, "metric %d, data %u: right before there are codes", metric,
     kind);
  first = found(&w, metric, NULL, &full);
  later = found(&w, metric, NULL, &full);
  ok(first >= 0.995 && later >= 0.995, "metric %d, data %u: found %.4f then %.4f, seed %llu", metric, kind, first,
     later, (unsigned long long)world_seed());
  if (kind == 0) ok(full < 0.25, "and %.3f of the vectors were compared in full", full);
  for (uint32_t i = 0; i < N / 2; i++) {
    uint32_t slot = vs_rng_below(&rng, N);
    vs_index_remove(w.ix, slot);
    for (uint32_t j = 0; j < DIM; j++) x[j] = world_gauss(&rng);
    world_insert(&w, slot, x);
  }
  later = found(&w, metric, NULL, &full);
  ok(later >= 0.995, "metric %d, data %u: found %.4f after half was replaced", metric, kind, later);
  vs_bitset among;
  vs_bitset_init(&among, &w.a);
  must(vs_bitset_reserve(&among, N) == VS_OK);
  for (uint32_t i = 0; i < N; i++)
    if (i % 40 < 33) vs_bitset_set(&among, i);
  later = found(&w, metric, &among, &full);
  ok(later >= 0.995, "metric %d, data %u: found %.4f among some", metric, kind, later);
  ok(vs_index_code_bytes(w.ix) > 0 && vs_index_bytes(w.ix) > vs_index_code_bytes(w.ix), "their memory is told");
  vs_index_configure(w.ix, VS_QUANTIZE_NONE, VS_LAYOUT_STANDARD);
  ok(vs_index_code_bytes(w.ix) == 0, "and given back with 'none'");
  vs_bitset_deinit(&among);
  world_deinit(&w);
}

/* Whatever allocation is refused, the answer is there. */
static void refused(void) {
  world w;
  static float q[N_QUERIES * DIM];
  uint32_t wrong = 0;
  fill(&w, VS_COSINE, N, 0);
  make_queries(q, VS_COSINE);
  for (uint32_t at = 1; at < 24; at++) {
    uint64_t n_full = 0;
    w.a.fail_at = w.a.n_calls + at;
    wrong += agreeing(&w, q, NULL, &n_full) != K;
    w.a.fail_at = 0;
    vs_index_configure(w.ix, VS_QUANTIZE_NONE, VS_LAYOUT_STANDARD);
    vs_index_configure(w.ix, VS_QUANTIZE_AUTO, VS_LAYOUT_STANDARD);
  }
  ok(wrong == 0, "without memory for codes scans are as they were (%u wrong)", wrong);
  world_deinit(&w);
}

static void many_on(vs_metric metric, uint32_t kind) {
  world w;
  static float q[N_QUERIES * DIM];
  static vs_hit out[N_QUERIES * K];
  uint32_t n_out[N_QUERIES], unlike = 0;
  fill(&w, metric, 700, kind);
  make_queries(q, metric);
  for (uint32_t i = 0; kind == 2 && i < DIM; i++) q[i] *= 1e18f;
  for (uint32_t i = 0; kind == 3 && i < DIM; i++) q[DIM + i] = 0;
  for (uint32_t n = 1; n < 8; n += 2) {
    for (uint32_t from = 0; from + n <= N_QUERIES; from += n) {
      must(vs_index_search_many(w.ix, q + from * DIM, n, K, out, n_out) == VS_OK);
      for (uint32_t i = 0; i < n; i++) {
        vs_hit want[K];
        uint32_t m = world_search(&w, q + (from + i) * DIM, K, 10, true, want);
        bool same = m == n_out[i];
        for (uint32_t j = 0; j < m && same; j++)
          same = out[i * K + j].slot == want[j].slot && out[i * K + j].distance == want[j].distance;
        unlike += !same;
      }
    }
  }
  ok(unlike == 0, "metric %d, data %u: many at once equal one by one (%u do not), seed %llu", metric, kind, unlike,
     (unsigned long long)world_seed());
  w.a.fail_at = w.a.n_calls + 2;
  ok(vs_index_search_many(w.ix, q, 3, K, out, n_out) == VS_OUT_OF_MEMORY, "or say that memory is short");
  w.a.fail_at = 0;
  world_deinit(&w);
}

int main(void) {
  const vs_metric coded[] = {VS_COSINE, VS_EUCLIDEAN, VS_DOT};
  for (uint32_t m = 0; m < 3; m++)
    for (uint32_t kind = 0; kind < 4; kind++) bits_on(coded[m], kind);
  refused();
  for (uint32_t m = 0; m < VS_METRIC_COUNT; m++)
    for (uint32_t kind = 0; kind < 4; kind++) many_on((vs_metric)m, kind);
  return tap_done();
}
