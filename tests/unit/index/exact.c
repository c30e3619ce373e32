/* exact.c - the scan, and the order of hits, against a naive search in double.
 *
 * All nine metrics; ties by sequence where sequences and slots disagree; k
 * larger than the index; empty and one-element indexes; graph searches wide
 * enough to see everything must equal the scan, because every node is reachable.
 */
#include <math.h>

#include "world.h"

#define N 300u
#define DIM 13u
#define K 20u

static double naive(vs_metric metric, const float *a, const float *b) {
  double dot = 0, aa = 0, bb = 0, sq = 0, man = 0, cheb = 0, canb = 0, plus = 0, ham = 0, both = 0, any = 0;
  for (uint32_t i = 0; i < DIM; i++) {
    double x = a[i], y = b[i], d = fabs(x - y), s = fabs(x) + fabs(y);
    dot += x * y, aa += x * x, bb += y * y, sq += d * d, man += d, plus += fabs(x + y);
    if (d > cheb) cheb = d;
    if (s > 0) canb += d / s;
    ham += (x > 0.5) != (y > 0.5);
    both += x != 0 && y != 0;
    any += x != 0 || y != 0;
  }
  switch (metric) {
  case VS_COSINE: return aa > 0 && bb > 0 ? 1 - dot / sqrt(aa * bb) : 1;
  case VS_DOT: return -dot;
  case VS_EUCLIDEAN: return sqrt(sq);
  case VS_MANHATTAN: return man;
  case VS_CHEBYSHEV: return cheb;
  case VS_CANBERRA: return canb;
  case VS_BRAYCURTIS: return plus > 0 ? man / plus : 0;
  case VS_HAMMING: return ham;
  default: return any > 0 ? 1 - both / any : 0;
  }
}

static void random_vector(vs_rng *r, float *x) {
  for (uint32_t j = 0; j < DIM; j++) {
    uint32_t kind = vs_rng_below(r, 4);
    x[j] = kind == 0 ? 0 : kind == 1 ? 1 : world_gauss(r);
  }
}

/* Hits must be in order, of the right distance, and as near as the naive ones. */
static bool agrees(world *w, const float *q, const vs_hit *hit, uint32_t n) {
  double all[N];
  uint32_t m = 0;
  for (uint32_t i = 0; i < N; i++) {
    if (vs_index_contains(w->ix, i)) all[m++] = naive(w->config.metric, q, vs_vectors_at(&w->vectors, i));
  }
  for (uint32_t i = 1; i < m; i++) {
    for (uint32_t j = i; j > 0 && all[j] < all[j - 1]; j--) {
      double t = all[j];
      all[j] = all[j - 1];
      all[j - 1] = t;
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    double d = naive(w->config.metric, q, vs_vectors_at(&w->vectors, hit[i].slot));
    double slack = 2e-5 * (1 + fabs(d));
    /* The root of a small difference of squares is less exact than the squares. */
    if (fabs(d - (double)hit[i].distance) > slack || fabs(all[i] - d) > slack) return false;
    if (i == 0) continue;
    if (hit[i - 1].distance > hit[i].distance) return false;
    uint64_t before = *(uint64_t *)vs_blocks_at(&w->sequences, hit[i - 1].slot);
    uint64_t here = *(uint64_t *)vs_blocks_at(&w->sequences, hit[i].slot);
    if (hit[i - 1].distance == hit[i].distance && before >= here) return false;
  }
  return true;
}

static void metric_on(vs_metric metric, vs_index_type type) {
  world w;
  vs_rng r = {world_seed() + (uint64_t)metric};
  world_init(&w, DIM, type, metric, 8, 50);
  for (uint32_t i = 0; i < N; i++) {
    float x[DIM];
    random_vector(&r, x);
    world_insert_as(&w, i, x, 10000 - i);
  }
  for (uint32_t i = 0; i < N; i += 7) vs_index_remove(w.ix, i);
  bool exact = true, wide = true;
  for (uint32_t i = 0; i < 50; i++) {
    float q[DIM];
    vs_hit hit[K], graph[K];
    random_vector(&r, q);
    uint32_t n = world_search(&w, q, K, 0, true, hit), m = world_search(&w, q, K, N, false, graph);
    exact = exact && n == K && agrees(&w, q, hit, n);
    wide = wide && m == K && memcmp(hit, graph, sizeof(hit)) == 0;
  }
  const char *kind = type == VS_INDEX_FLAT ? "flat" : "hnsw";
  ok(exact, "%s %s: the scan agrees with the naive search (seed %llu)", kind, vs_metric_name(metric),
     (unsigned long long)world_seed());
  ok(wide, "%s %s: a search with ef = n equals the scan", kind, vs_metric_name(metric));
  world_deinit(&w);
}

/* Equal vectors in slots whose order is not that of their sequences. */
static void ties(vs_index_type type, vs_metric metric) {
  world w;
  world_init(&w, 3, type, metric, 4, 40);
  const float x[3] = {1, 2, 3};
  for (uint32_t i = 0; i < 60; i++) world_insert_as(&w, i, x, (uint64_t)(i * 37 % 61) << 33);
  vs_hit hit[8];
  bool good = world_search(&w, x, 8, 60, false, hit) == 8;
  for (uint32_t i = 0; i < 8; i++) {
    good = good && *(uint64_t *)vs_blocks_at(&w.sequences, hit[i].slot) == (uint64_t)i << 33 &&
           hit[i].distance == hit[0].distance;
  }
  ok(good, "%s, type %d: equal distances come by sequence, not by slot", vs_metric_name(metric), type);
  world_deinit(&w);
}

static void small(vs_index_type type) {
  world w;
  vs_hit hit[10];
  const float x[3] = {1, 0, 0}, zero[3] = {0, 0, 0};
  world_init(&w, 3, type, VS_COSINE, 2, 4);
  ok(world_search(&w, x, 10, 50, false, hit) == 0 && world_check(&w), "type %d: nothing in an empty index", type);
  world_insert(&w, 5, zero);
  ok(world_search(&w, x, 10, 50, false, hit) == 1 && hit[0].slot == 5 && hit[0].distance == 1,
     "type %d: the zero vector is at cosine distance exactly 1", type);
  ok(world_search(&w, zero, 10, 50, false, hit) == 1 && hit[0].distance == 1, "type %d: and so is a zero query", type);
  for (uint32_t i = 0; i < 4; i++) world_insert(&w, i, x);
  ok(world_search(&w, x, 10, 1, false, hit) == 5 && hit[4].slot == 5, "type %d: k > n gives everything", type);
  for (uint32_t i = 0; i < 6; i++) {
    if (vs_index_contains(w.ix, i)) vs_index_remove(w.ix, i);
  }
  ok(vs_index_count(w.ix) == 0 && world_check(&w) && world_search(&w, x, 10, 9, false, hit) == 0,
     "type %d: everything removed", type);
  world_insert(&w, 3, x);
  ok(world_search(&w, x, 10, 9, false, hit) == 1 && world_check(&w), "type %d: and filled again", type);
  world_deinit(&w);
}

/* Finite floats whose products are not. */
static void extremes(vs_metric metric) {
  world w;
  vs_rng r = {world_seed()};
  world_init(&w, 4, VS_INDEX_HNSW, metric, 3, 10);
  const float size[] = {3e38f, 1e30f, 1, 1e-30f, 1e-42f};
  bool good = true;
  for (uint32_t i = 0; i < 100; i++) {
    float x[4];
    for (uint32_t j = 0; j < 4; j++) x[j] = size[i % 5] * (vs_rng_f32(&r) - 0.5f);
    world_insert(&w, i, x);
    good = good && world_check(&w);
  }
  vs_hit hit[100];
  float q[4] = {3e38f, -3e38f, 3e38f, 3e38f};
  uint32_t n = world_search(&w, q, 100, 100, false, hit);
  for (uint32_t i = 1; i < n; i++) good = good && hit[i - 1].distance <= hit[i].distance;
  for (uint32_t i = 0; i < 100; i += 2) vs_index_remove(w.ix, i);
  ok(good && n == 100 && world_check(&w), "%s: huge and tiny vectors keep the order total", vs_metric_name(metric));
  world_deinit(&w);
}

/* auto gives what flat gives while it scans, and says so. */
static void automatic(void) {
  world w;
  vs_rng r = {world_seed()};
  world_init(&w, DIM, VS_INDEX_AUTO, VS_EUCLIDEAN, 4, 20);
  for (uint32_t i = 0; i < N; i++) {
    float x[DIM];
    random_vector(&r, x);
    world_insert(&w, i, x);
  }
  vs_hit hit[K];
  vs_search_params params = {.k = K, .ef = 50};
  vs_search_stats stats;
  uint32_t n;
  must(vs_index_search(w.ix, vs_vectors_at(&w.vectors, 3), &params, hit, &n, &stats) == VS_OK);
  ok(vs_index_would_scan(w.ix, K, 50) && stats.n_distances == N && stats.n_hops == 0, "auto scans a small set");
  ok(n == K && agrees(&w, vs_vectors_at(&w.vectors, 3), hit, n), "and is exact there");
  world_deinit(&w);
}

int main(void) {
  for (uint32_t m = 0; m < VS_METRIC_COUNT; m++) {
    metric_on((vs_metric)m, VS_INDEX_FLAT);
    metric_on((vs_metric)m, VS_INDEX_HNSW);
    extremes((vs_metric)m);
    ties(VS_INDEX_FLAT, (vs_metric)m);
    ties(VS_INDEX_HNSW, (vs_metric)m);
  }
  small(VS_INDEX_FLAT);
  small(VS_INDEX_HNSW);
  small(VS_INDEX_AUTO);
  automatic();
  return tap_done();
}
