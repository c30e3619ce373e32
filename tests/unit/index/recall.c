/* recall.c - the graph finds what a scan finds, also after deletions and churn.
 *
 * Clustered data, the default parameters (M 16, ef_construction 200, ef 50),
 * recall@10 at least 0.95 at every stage. With ef 10, where differences between
 * graphs show, it is not worse than in a graph built afresh from the same
 * vectors by more than 0.04. VS_RECALL_N and VS_RECALL_DIM
 * set another size (20000 and 128 take about a minute under ASan).
 */
#include "world.h"

#define K 10u
#define N_QUERIES 100u

static uint32_t from_environment(const char *name, uint32_t otherwise) {
  const char *text = getenv(name);
  return text ? (uint32_t)atoi(text) : otherwise;
}

static double recall(world *w, const float *queries, uint32_t ef) {
  uint32_t found = 0, n_all = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit truth[K], hit[K];
    const float *q = queries + (size_t)i * w->dim;
    uint32_t n = world_search(w, q, K, 0, true, truth), m = world_search(w, q, K, ef, false, hit);
    n_all += n;
    for (uint32_t j = 0; j < m; j++) {
      for (uint32_t l = 0; l < n; l++) found += hit[j].slot == truth[l].slot;
    }
  }
  return (double)found / n_all;
}

/* The recall of a new graph over the vectors that are in w now. */
static double recall_afresh(world *w, const float *queries) {
  world fresh;
  world_init(&fresh, w->dim, VS_INDEX_HNSW, w->config.metric, 16, 200);
  for (uint32_t i = 0; i < w->n_slots; i++) {
    if (vs_index_contains(w->ix, i)) world_insert(&fresh, i, vs_vectors_at(&w->vectors, i));
  }
  double r = recall(&fresh, queries, 10);
  world_deinit(&fresh);
  return r;
}

static void stage(world *w, const float *queries, const char *when) {
  double r = recall(w, queries, 50), narrow = recall(w, queries, 10), afresh = recall_afresh(w, queries);
  ok(r >= 0.95, "%s, %s: recall@10 %.4f", vs_metric_name(w->config.metric), when, r);
  ok(narrow >= afresh - 0.04, "  with ef 10 %.4f, built afresh %.4f", narrow, afresh);
  ok(world_check(w), "  and the graph is sound");
}

static void life(vs_metric metric, uint32_t n, uint32_t dim) {
  /* Vectors n .. 4n - 1 take the place of earlier ones in the churn. */
  float *data = malloc((size_t)(4 * n + N_QUERIES) * dim * sizeof(float));
  must(data);
  world_clustered(data, 4 * n + N_QUERIES, dim, 40, 12, world_seed());
  const float *queries = data + (size_t)4 * n * dim;
  world w;
  vs_rng r = {world_seed()};
  world_init(&w, dim, VS_INDEX_HNSW, metric, 16, 200);
  for (uint32_t i = 0; i < n; i++) world_insert(&w, i, data + (size_t)i * dim);
  stage(&w, queries, "built");
  for (uint32_t i = 0; i < n / 10;) {
    uint32_t slot = vs_rng_below(&r, n);
    if (!vs_index_contains(w.ix, slot)) continue;
    vs_index_remove(w.ix, slot);
    i++;
  }
  stage(&w, queries, "10 % removed");
  for (uint32_t i = n; i < 4 * n; i++) {
    uint32_t slot = vs_rng_below(&r, n);
    if (vs_index_contains(w.ix, slot)) vs_index_remove(w.ix, slot);
    world_insert(&w, slot, data + (size_t)i * dim);
  }
  stage(&w, queries, "every vector replaced three times");
  for (uint32_t i = 0; i < n; i++) {
    if (i % 3 && vs_index_contains(w.ix, i)) vs_index_remove(w.ix, i);
  }
  stage(&w, queries, "two thirds removed");
  world_deinit(&w);
  free(data);
}

/* Tight clusters far apart: all the near neighbours of a point are in its own
 * cluster, so a graph of near neighbours alone cannot be crossed. */
static void islands(uint32_t n_islands, uint32_t size) {
  enum { DIM = 8 };
  world w;
  vs_rng r = {world_seed()};
  float(*centre)[DIM] = malloc(n_islands * sizeof(*centre));
  must(centre);
  world_init(&w, DIM, VS_INDEX_HNSW, VS_EUCLIDEAN, 16, 200);
  for (uint32_t c = 0; c < n_islands; c++) {
    for (uint32_t j = 0; j < DIM; j++) centre[c][j] = 100 * world_gauss(&r);
  }
  for (uint32_t i = 0; i < n_islands * size; i++) {
    float x[DIM];
    for (uint32_t j = 0; j < DIM; j++) x[j] = centre[i / size][j] + world_gauss(&r);
    world_insert(&w, i, x);
  }
  ok(recall(&w, centre[0], 50) >= 0.95, "%u islands of %u: recall@10 %.4f", n_islands, size, recall(&w, centre[0], 50));
  ok(world_check(&w), "  and the graph is sound");
  world_deinit(&w);
  free(centre);
}

int main(void) {
  uint32_t n = from_environment("VS_RECALL_N", 1000), dim = from_environment("VS_RECALL_DIM", 32);
  life(VS_EUCLIDEAN, n, dim);
  life(VS_COSINE, n, dim);
  islands(N_QUERIES, 30);
  return tap_done();
}
