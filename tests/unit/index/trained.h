/* trained.h - an index with trained codes, for tests. */
#ifndef TRAINED_H
#define TRAINED_H

#include "world.h"

#define K 10u
#define N 1100u
#define DIM 64u
#define N_QUERIES 40u

static const vs_quantization_options usual = {0};

static inline void create(world *w, vs_quantization quantization, vs_quantization_options options) {
  vs_index_destroy(w->ix);
  w->config.quantization = quantization;
  w->config.options = options;
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
}

static inline void init(world *w, uint32_t dim, vs_metric metric, vs_quantization quantization,
                        vs_quantization_options options) {
  world_init(w, dim, VS_INDEX_HNSW, metric, 12, 80);
  create(w, quantization, options);
}

static inline void train(world *w, bool again) {
  bool done = false;
  uint32_t n_steps = 0;
  for (; !done; n_steps++) {
    double budget = 5000;
    must(vs_index_train(w->ix, again, &budget, &done) == VS_OK && n_steps < 100000);
  }
}

static inline float *points(uint32_t n) {
  float *data = malloc((size_t)n * DIM * sizeof(float));
  must(data);
  world_clustered(data, n, DIM, 30, 20, world_seed());
  return data;
}

static inline double recall(world *w, const float *queries, uint32_t ef) {
  uint32_t found = 0, n_all = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit truth[K], hit[K];
    const float *q = queries + (size_t)i * w->dim;
    uint32_t n = world_search(w, q, K, 0, true, truth), m = world_search(w, q, K, ef, false, hit);
    n_all += n;
    for (uint32_t j = 0; j < m; j++) {
      for (uint32_t l = 0; l < n; l++) {
        if (hit[j].slot != truth[l].slot) continue;
        must(hit[j].distance == truth[l].distance);
        found++;
      }
    }
  }
  return (double)found / n_all;
}

static inline const char *name_of(vs_quantization kind, vs_quantization_options o) {
  return kind == VS_QUANTIZE_BINARY ? "binary" : o.residual ? "pq, residual" : "pq";
}

#endif
