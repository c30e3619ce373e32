/* trained_codes.c - a graph walked on trained codes, of one bit or of products:
 * recall floors for each metric through inserts, removals and replacements,
 * also among some of the nodes; conversions between all kinds of codes.
 */
#include "trained.h"

static void quality(vs_metric metric, vs_quantization kind, vs_quantization_options options) {
  world w;
  vs_rng random = {world_seed()};
  float *data = points(2 * N + N_QUERIES), *queries = data + (size_t)2 * N * DIM;
  const char *name = name_of(kind, options), *metric_name = vs_metric_name(metric);
  init(&w, DIM, metric, kind, options);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  must(vs_index_conversion_due(w.ix) && vs_index_quantization(w.ix) == VS_QUANTIZE_NONE);
  train(&w, false);
  ok(vs_index_quantization(w.ix) == kind && !vs_index_conversion_due(w.ix) && world_check(&w), "%s, %s: in force", name,
     metric_name);
  double wide = recall(&w, queries, 100), narrow = recall(&w, queries, 40);
  ok(wide >= 0.97 && narrow >= 0.9, "  recall@10 at ef 100: %.4f, at 40: %.4f", wide, narrow);
  for (uint32_t i = 0; i < N / 2; i++) {
    uint32_t slot = vs_rng_below(&random, N);
    if (vs_index_contains(w.ix, slot)) vs_index_remove(w.ix, slot);
    if (i % 10) world_insert(&w, slot, data + (size_t)(N + i) * DIM);
  }
  wide = recall(&w, queries, 100);
  ok(world_check(&w) && wide >= 0.96, "  after removals and replacements %.4f", wide);
  vs_bitset some;
  vs_bitset_init(&some, &w.a);
  must(vs_bitset_reserve(&some, w.n_slots) == VS_OK);
  for (uint32_t i = 0; i < N; i += 2)
    if (vs_index_contains(w.ix, i)) vs_bitset_set(&some, i);
  uint32_t found = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit all[K], hit[K];
    vs_search_params params = {.k = K, .ef = 60}, exact = {.k = K, .exact = true};
    uint32_t n, m;
    bool local;
    const float *q = queries + (size_t)i * DIM;
    must(vs_index_scan_among(w.ix, q, &exact, &some, all, &n, NULL) == VS_OK && n == K);
    must(vs_index_search_among(w.ix, q, &params, &some, hit, &m, &local, NULL) == VS_OK);
    for (uint32_t a = 0; a < m; a++)
      for (uint32_t b = 0; b < n; b++) found += hit[a].slot == all[b].slot;
    must(vs_index_scan_among(w.ix, q, &params, &some, hit, &m, NULL) == VS_OK && m == K);
  }
  ok(found >= N_QUERIES * K * 93 / 100, "  among half of them %.4f", (double)found / (N_QUERIES * K));
  vs_bitset_deinit(&some);
  world_deinit(&w);
  free(data);
}

static void conversions(void) {
  static const vs_quantization order[] = {VS_QUANTIZE_BINARY, VS_QUANTIZE_PQ,     VS_QUANTIZE_INT8,
                                          VS_QUANTIZE_PQ,     VS_QUANTIZE_NONE,   VS_QUANTIZE_BINARY,
                                          VS_QUANTIZE_INT8,   VS_QUANTIZE_BINARY, VS_QUANTIZE_AUTO};
  world w;
  float *data = points(N + N_QUERIES), *queries = data + (size_t)N * DIM;
  init(&w, DIM, VS_COSINE, VS_QUANTIZE_NONE, (vs_quantization_options){.centroids = 32});
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  for (uint32_t i = 0; i < sizeof order / sizeof *order; i++) {
    vs_quantization before = vs_index_quantization(w.ix);
    vs_index_configure(w.ix, order[i], VS_LAYOUT_STANDARD);
    must(vs_index_convert(w.ix) == VS_OK);
    train(&w, false);
    vs_quantization expected = order[i] == VS_QUANTIZE_AUTO ? before : order[i], now = vs_index_quantization(w.ix);
    double share = recall(&w, queries, 80);
    ok(now == expected && world_check(&w) && share >= 0.97, "from %d to %d: recall %.4f", before, order[i], share);
    world_insert(&w, N + i, data);
    vs_index_remove(w.ix, N + i);
  }
  world_deinit(&w);
  free(data);
}

static void unsupported(void) {
  world w;
  init(&w, DIM, VS_COSINE, VS_QUANTIZE_NONE, usual);
  bool refused = true;
  for (vs_quantization kind = VS_QUANTIZE_BINARY; kind <= VS_QUANTIZE_PQ; kind++) {
    vs_index *ix;
    vs_index_config config = {VS_INDEX_HNSW, VS_MANHATTAN, 8, 20, 1, kind, VS_LAYOUT_STANDARD, {0}};
    refused = refused && vs_index_create(&w.a, &config, &w.vectors, &w.sequences, &ix) == VS_UNSUPPORTED;
    config.metric = VS_COSINE;
    config.type = VS_INDEX_FLAT;
    refused = refused && vs_index_create(&w.a, &config, &w.vectors, &w.sequences, &ix) == VS_UNSUPPORTED;
    config.type = VS_INDEX_AUTO;
    config.layout = VS_LAYOUT_TURBO;
    refused = refused && vs_index_create(&w.a, &config, &w.vectors, &w.sequences, &ix) == VS_UNSUPPORTED;
  }
  ok(refused, "other metrics, flat indexes and the turbo layout have no trained codes");
  world_deinit(&w);
}

int main(void) {
  static const vs_metric metrics[] = {VS_COSINE, VS_DOT, VS_EUCLIDEAN};
  for (uint32_t i = 0; i < 3; i++) {
    quality(metrics[i], VS_QUANTIZE_BINARY, usual);
    quality(metrics[i], VS_QUANTIZE_PQ, (vs_quantization_options){.centroids = 64});
  }
  quality(VS_EUCLIDEAN, VS_QUANTIZE_PQ, (vs_quantization_options){.subvectors = 21, .centroids = 32, .residual = true});
  conversions();
  unsupported();
  return tap_done();
}
