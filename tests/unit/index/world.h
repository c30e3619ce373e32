/* world.h - an index with its vectors and sequences, and data to fill it, for tests.
 *
 * Data sets are seeded; `world_seed` comes from the environment variable
 * VS_SEED or is 1, and a failing test names it.
 */
#ifndef WORLD_H
#define WORLD_H

#include "../../../src/base/rng.h"
#include "../../../src/index/index.h"
#include "../tap.h"

typedef struct {
  vs_alloc a;
  vs_vectors vectors;
  vs_blocks sequences;
  vs_index *ix;
  vs_index_config config;
  uint32_t dim;
  uint32_t n_slots;
  uint64_t sequence; /* the last one given out */
} world;

static inline uint64_t world_seed(void) {
  const char *text = getenv("VS_SEED");
  return text ? strtoull(text, NULL, 10) : 1;
}

static inline void world_init(world *w, uint32_t dim, vs_index_type type, vs_metric metric, uint32_t M, uint32_t efc) {
  memset(w, 0, sizeof(*w));
  w->dim = dim;
  w->config = (vs_index_config){type, metric, M, efc, world_seed(), VS_QUANTIZE_NONE, VS_LAYOUT_STANDARD, {0}};
  vs_alloc_init(&w->a);
  vs_vectors_init(&w->vectors, &w->a, dim);
  vs_blocks_init(&w->sequences, &w->a, sizeof(uint64_t));
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
}

static inline void world_deinit(world *w) {
  vs_index_destroy(w->ix);
  vs_vectors_deinit(&w->vectors);
  vs_blocks_deinit(&w->sequences);
  must(w->a.used == 0 && w->a.n_live == 0);
}

/* Sets the slot's vector and sequence without telling the index. */
static inline void world_set(world *w, uint32_t slot, const float *values, uint64_t sequence) {
  if (slot >= w->n_slots) w->n_slots = slot + 1;
  must(vs_vectors_reserve(&w->vectors, w->n_slots) == VS_OK);
  must(vs_blocks_reserve(&w->sequences, w->n_slots) == VS_OK);
  vs_vectors_set(&w->vectors, slot, values);
  *(uint64_t *)vs_blocks_at(&w->sequences, slot) = sequence;
}

static inline void world_insert_as(world *w, uint32_t slot, const float *values, uint64_t sequence) {
  world_set(w, slot, values, sequence);
  must(vs_index_prepare(w->ix, w->n_slots, 1, &sequence) == VS_OK);
  vs_index_insert(w->ix, slot);
}

static inline void world_insert(world *w, uint32_t slot, const float *values) {
  world_insert_as(w, slot, values, ++w->sequence);
}

static inline bool world_check(world *w) {
  vs_err err;
  vs_err_clear(&err);
  if (vs_index_check(w->ix, &err) == VS_OK) return true;
  printf("# seed %llu: %s\n", (unsigned long long)world_seed(), err.msg);
  return false;
}

static inline uint32_t world_search(world *w, const float *q, uint32_t k, uint32_t ef, bool exact, vs_hit *out) {
  vs_search_params params = {.k = k, .ef = ef, .exact = exact};
  uint32_t n = 0;
  must(vs_index_search(w->ix, q, &params, out, &n, NULL) == VS_OK);
  return n;
}

static inline float world_gauss(vs_rng *r) {
  float sum = 0;
  for (int i = 0; i < 4; i++) sum += vs_rng_f32(r);
  return (sum - 2) * 1.7320508f;
}

/* Points around `n_clusters` centres, each spread in a local subspace of
 * `local` dimensions plus a little noise: like embeddings, unlike uniform noise. */
static inline void world_clustered(float *out, uint32_t n, uint32_t dim, uint32_t n_clusters, uint32_t local,
                                   uint64_t seed) {
  vs_rng shape = {seed}, draw = {seed ^ 0x5bd1e995u};
  float *centre = malloc(n_clusters * dim * sizeof(float));
  float *basis = malloc((size_t)n_clusters * local * dim * sizeof(float));
  must(centre && basis);
  for (uint32_t i = 0; i < n_clusters * dim; i++) centre[i] = world_gauss(&shape);
  for (size_t i = 0; i < (size_t)n_clusters * local * dim; i++) basis[i] = world_gauss(&shape) * 0.3f;
  for (uint32_t i = 0; i < n; i++) {
    float u = vs_rng_f32(&draw), *x = out + (size_t)i * dim;
    uint32_t c = (uint32_t)(u * u * (float)n_clusters);
    for (uint32_t j = 0; j < dim; j++) x[j] = centre[c * dim + j] + 0.1f * world_gauss(&draw);
    for (uint32_t l = 0; l < local; l++) {
      float t = world_gauss(&draw);
      const float *b = basis + ((size_t)c * local + l) * dim;
      for (uint32_t j = 0; j < dim; j++) x[j] += t * b[j];
    }
  }
  free(centre);
  free(basis);
}

#endif
