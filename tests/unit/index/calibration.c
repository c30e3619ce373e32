/* calibration.c - the ef that is measured for a recall gives it on other queries, and is measured again when it must
 * be. */
#include "world.h"

enum { DIM = 48, N = 1600, K = 10, N_QUERIES = 200, CLUSTERS = 25, LOCAL = 12 };

static uint32_t settle(world *w) {
  uint32_t slices = 0;
  for (; slices < 5000 && vs_index_calibration_due(w->ix); slices++) vs_index_calibrate_some(w->ix);
  return slices;
}

/* Recall on queries of the same distribution that are in nothing. */
static double recall_at(world *w, const float *q, uint32_t ef) {
  uint32_t same = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit got[K], want[K];
    uint32_t n = world_search(w, q + (size_t)i * DIM, K, ef, false, got);
    must(world_search(w, q + (size_t)i * DIM, K, ef, true, want) == K);
    for (uint32_t j = 0; j < n; j++) same += got[j].distance <= want[K - 1].distance;
  }
  return (double)same / (double)(K * N_QUERIES);
}

static void targets(world *w, const float *q, const char *when) {
  const float target[] = {0.95f, 0.99f};
  for (uint32_t i = 0; i < 2; i++) {
    float measured;
    uint32_t ef = vs_calibration_ef(vs_index_calibration(w->ix), target[i], &measured);
    double recall = ef ? recall_at(w, q, ef) : 0;
    ok(ef > 0 && measured >= target[i] && recall >= (double)target[i] - 0.01,
       "%s: for %.2f ef %u, measured %.4f, on other queries %.4f, seed %llu", when, (double)target[i], ef,
       (double)measured, recall, (unsigned long long)world_seed());
  }
}

static void life(vs_metric metric, vs_quantization quantization, vs_layout layout) {
  world w;
  float *data = malloc((size_t)(2 * N + N_QUERIES) * DIM * sizeof(float)), measured;
  must(data);
  const float *q = data + (size_t)2 * N * DIM;
  world_init(&w, DIM, VS_INDEX_HNSW, metric, 8, 48);
  vs_index_destroy(w.ix);
  w.config.quantization = quantization;
  w.config.layout = layout;
  must(vs_index_create(&w.a, &w.config, &w.vectors, &w.sequences, &w.ix) == VS_OK);
  world_clustered(data, 2 * N + N_QUERIES, DIM, CLUSTERS, LOCAL, world_seed());
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  ok(vs_calibration_ef(vs_index_calibration(w.ix), 0.9f, &measured) == 0, "nothing is measured at first");
  uint32_t slices = settle(&w);
  ok(slices > 10 && !vs_index_calibration_due(w.ix), "measured in %u slices", slices);
  targets(&w, q, "first");
  vs_calibration kept = *vs_index_calibration(w.ix);
  if (layout == VS_LAYOUT_TURBO) {
    double budget = 1e12;
    bool done = false;
    while (!done) must(vs_index_optimize(w.ix, &budget, &done) == VS_OK);
    ok(vs_index_calibration_due(w.ix), "other codes to walk on: due again");
    settle(&w);
    targets(&w, q, "turbo");
  }
  for (uint32_t i = N; i < N + N / 4; i++) world_insert(&w, i, data + (size_t)i * DIM);
  ok(!vs_index_calibration_due(w.ix), "a quarter more: not due");
  for (uint32_t i = N + N / 4; i < 2 * N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  ok(vs_index_calibration_due(w.ix) && vs_index_calibration(w.ix)->n > 0, "twice as many: due, the old one in use");
  settle(&w);
  ok(vs_index_calibration(w.ix)->of == 2 * N, "and measured again");
  targets(&w, q, "grown");
  for (uint32_t i = 0; i < N + 10; i++) {
    vs_index_remove(w.ix, i);
    world_insert(&w, i, data + (size_t)i * DIM);
  }
  ok(vs_index_calibration_due(w.ix), "half replaced: due");
  vs_index_calibrated(w.ix, &kept);
  ok(vs_index_calibration(w.ix)->of == N && vs_index_calibration_due(w.ix),
     "one of fewer vectors that was saved is due");
  free(data);
  world_deinit(&w);
}

/* Memory may be refused at any time; the calibrator gives up, and all else goes on. */
static void refused(void) {
  world w;
  float *data = malloc((size_t)1200 * DIM * sizeof(float));
  must(data);
  world_init(&w, DIM, VS_INDEX_HNSW, VS_COSINE, 6, 40);
  world_clustered(data, 1200, DIM, CLUSTERS, LOCAL, world_seed());
  for (uint32_t i = 0; i < 1200; i++) world_insert(&w, i, data + (size_t)i * DIM);
  size_t before = w.a.used;
  w.a.fail_at = w.a.n_calls + 3;
  for (uint32_t i = 0; i < 3; i++) vs_index_calibrate_some(w.ix);
  w.a.fail_at = 0;
  ok(w.a.used <= before + 4096, "a refused calibration keeps nothing");
  for (uint32_t i = 0; i < 100; i++) vs_index_remove(w.ix, i);
  for (uint32_t i = 0; i < 2; i++) {
    vs_index_calibrate_some(w.ix);
    w.a.fail_at = w.a.n_calls + 1;
    w.a.fail_forever = true;
  }
  w.a.fail_forever = false;
  w.a.fail_at = 0;
  ok(world_check(&w), "the graph is whole");
  free(data);
  world_deinit(&w);
}

int main(void) {
  life(VS_EUCLIDEAN, VS_QUANTIZE_NONE, VS_LAYOUT_STANDARD);
  life(VS_COSINE, VS_QUANTIZE_INT8, VS_LAYOUT_STANDARD);
  life(VS_COSINE, VS_QUANTIZE_INT8, VS_LAYOUT_TURBO);
  refused();
  return tap_done();
}
