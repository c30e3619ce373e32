/* turnover.c - after every vector has been replaced ten times, all are reachable and recall is that of a new graph.
 *
 * Both layouts, on clustered and on duplicate-heavy data, walked on int8 codes. A new graph of the same vectors, made
 * the same way, is the measure: the churned one loses at most a hundredth of recall; where each vector is there five
 * times, links to copies crowd out the others in time, and up to LOSS_OF_COPIES is lost (in the turbo layout, 0.02 in
 * the standard one). Reachable: a walk as wide as there are nodes finds all of them.
 */
#include "world.h"

enum { DIM = 24, N = 300, TIMES = 10, K = 10, N_QUERIES = 100, EF = 40 };

#define LOSS 0.01
#define LOSS_OF_COPIES 0.12

static void create(world *w, vs_layout layout) {
  world_init(w, DIM, VS_INDEX_HNSW, VS_EUCLIDEAN, 12, 60);
  vs_index_destroy(w->ix);
  w->config.quantization = VS_QUANTIZE_INT8;
  w->config.layout = layout;
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
}

static void optimize(world *w) {
  bool done = false;
  for (double budget = 1e12; !done; budget = 1e12) must(vs_index_optimize(w->ix, &budget, &done) == VS_OK);
}

static double recall(world *w, const float *queries) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit got[K], want[K];
    uint32_t n = world_search(w, queries + i * DIM, K, EF, false, got);
    must(world_search(w, queries + i * DIM, K, EF, true, want) == K);
    for (uint32_t j = 0; j < n; j++) found += got[j].distance <= want[K - 1].distance;
  }
  return (double)found / (double)(K * N_QUERIES);
}

static void vector_of(const float *data, uint32_t number, bool few, float *out) {
  uint32_t from = few ? number * 7919u % 60 : number; /* few: each some five times */
  memcpy(out, data + (size_t)from * DIM, DIM * sizeof(float));
}

static void turn(vs_layout layout, bool few) {
  const char *name = few ? "duplicates" : "clustered";
  float *data = malloc((size_t)((TIMES + 1) * N + N_QUERIES) * DIM * sizeof(float)), x[DIM];
  must(data);
  const float *queries = data + (size_t)(TIMES + 1) * N * DIM;
  world_clustered(data, (TIMES + 1) * N + N_QUERIES, DIM, 12, 8, world_seed());
  world w, fresh;
  vs_rng r = {world_seed()};
  create(&w, layout);
  create(&fresh, layout);
  uint32_t number = 0;
  for (uint32_t i = 0; i < N; i++) {
    vector_of(data, number++, few, x);
    world_insert(&w, i, x);
  }
  optimize(&w);
  for (uint32_t i = 0; i < TIMES * N; i++) {
    uint32_t slot = vs_rng_below(&r, N);
    vs_index_remove(w.ix, slot);
    vector_of(data, number++, few, x);
    world_insert(&w, slot, x);
  }
  for (uint32_t i = 0; i < N; i++) world_insert(&fresh, i, vs_vectors_at(&w.vectors, i));
  optimize(&fresh);
  ok(world_check(&w), "layout %d, %s: the graph is whole", layout, name);
  static vs_hit all[N];
  uint32_t reached = world_search(&w, queries, N, N, false, all);
  ok(reached == N, "layout %d, %s: %u of %d are reached", layout, name, reached, N);
  double churned = recall(&w, queries), afresh = recall(&fresh, queries);
  ok(churned >= afresh - (few ? LOSS_OF_COPIES : LOSS), "layout %d, %s: recall %.4f, of a new graph %.4f, seed %llu",
     layout, name, churned, afresh, (unsigned long long)world_seed());
  free(data);
  world_deinit(&w);
  world_deinit(&fresh);
}

int main(void) {
  for (uint32_t layout = 0; layout < 2; layout++) {
    turn((vs_layout)layout, false);
    turn((vs_layout)layout, true);
  }
  return tap_done();
}
