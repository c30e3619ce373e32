/* codes.c - a graph walked on 8-bit codes loses almost no recall, stays whole
 * through removals and replacements, converts both ways, and comes back from
 * its image; refused memory changes nothing.
 *
 * The reference for recall is the exact scan, and the same graph algorithm on
 * full vectors with the same ef.
 */
#include "world.h"

#define K 10u
#define N 1500u
#define DIM 40u
#define N_QUERIES 100u

static void init(world *w, vs_metric metric, vs_quantization quantization) {
  world_init(w, DIM, VS_INDEX_HNSW, metric, 12, 80);
  vs_index_destroy(w->ix);
  w->config.quantization = quantization;
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
}

static float *points(uint32_t n, uint32_t clusters) {
  float *data = malloc((size_t)n * DIM * sizeof(float));
  must(data);
  world_clustered(data, n, DIM, clusters, 10, world_seed());
  return data;
}

static uint32_t search(world *w, const float *q, uint32_t ef, bool exact, uint32_t rescore, vs_hit *hit) {
  vs_search_params params = {.k = K, .ef = ef, .exact = exact, .rescore = rescore};
  uint32_t n = 0;
  must(vs_index_search(w->ix, q, &params, hit, &n, NULL) == VS_OK);
  return n;
}

static double recall(world *w, const float *queries, uint32_t ef) {
  uint32_t found = 0, n_all = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit truth[K], hit[K];
    const float *q = queries + (size_t)i * DIM;
    uint32_t n = search(w, q, 0, true, 0, truth), m = search(w, q, ef, false, 0, hit);
    n_all += n;
    for (uint32_t j = 0; j < m; j++) {
      for (uint32_t l = 0; l < n; l++) found += hit[j].slot == truth[l].slot;
    }
  }
  return (double)found / n_all;
}

/* Every hit has its exact distance, and they are in order. */
static bool distances_are_exact(world *w, const float *queries) {
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit all[N], hit[K];
    const float *q = queries + (size_t)i * DIM;
    vs_search_params params = {.k = N, .exact = true};
    uint32_t n_all = 0, n = search(w, q, 50, false, 0, hit);
    must(vs_index_search(w->ix, q, &params, all, &n_all, NULL) == VS_OK);
    for (uint32_t j = 0; j < n; j++) {
      uint32_t l = 0;
      while (l < n_all && all[l].slot != hit[j].slot) l++;
      if (l == n_all || memcmp(&all[l].distance, &hit[j].distance, sizeof(float)) != 0) return false;
      if (j > 0 && hit[j].distance < hit[j - 1].distance) return false;
    }
  }
  return true;
}

/* The same changes to both. */
static void live(world *w, const float *data) {
  vs_rng r = {world_seed()};
  for (uint32_t i = 0; i < N; i++) world_insert(w, i, data + (size_t)i * DIM);
  for (uint32_t i = 0; i < N; i++) {
    uint32_t slot = vs_rng_below(&r, N);
    if (vs_index_contains(w->ix, slot)) vs_index_remove(w->ix, slot);
    world_insert(w, slot, data + (size_t)(N + i) * DIM);
    if (i % 10 == 0) vs_index_remove(w->ix, slot);
  }
}

static void quality(vs_metric metric) {
  world full, coded;
  float *data = points(2 * N + N_QUERIES, 30), *queries = data + (size_t)2 * N * DIM;
  init(&full, metric, VS_QUANTIZE_NONE);
  init(&coded, metric, VS_QUANTIZE_INT8);
  live(&full, data);
  live(&coded, data);
  const char *name = vs_metric_name(metric);
  ok(world_check(&coded) && vs_index_quantization(coded.ix) == VS_QUANTIZE_INT8, "%s: the graph is sound", name);
  for (uint32_t ef = 10; ef <= 80; ef *= 2) {
    double a = recall(&full, queries, ef), b = recall(&coded, queries, ef);
    ok(b >= a - 0.012, "%s: recall@10 at ef %u is %.4f with codes, %.4f without", name, ef, b, a);
  }
  ok(recall(&coded, queries, 80) >= 0.97, "%s: and high enough", name);
  double budget = 1e30, narrow = recall(&coded, queries, 10);
  bool done = false;
  must(vs_index_optimize(coded.ix, &budget, &done) == VS_OK && done);
  ok(world_check(&coded) && recall(&coded, queries, 10) >= narrow - 0.01,
     "%s: optimized: sound, at ef 10 %.4f after %.4f", name, recall(&coded, queries, 10), narrow);
  ok(distances_are_exact(&coded, queries), "%s: distances are those of full vectors, in order", name);
  ok(recall(&coded, queries, N) >= 0.999, "%s: with ef = n everything is found", name);
  world_deinit(&full);
  world_deinit(&coded);
  free(data);
}

/* Thousands of equal vectors among a few others: each is reached. */
static void duplicates(void) {
  world w;
  float *data = points(40, 4);
  init(&w, VS_COSINE, VS_QUANTIZE_INT8);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)(i % 5 ? 0 : i % 40) * DIM);
  for (uint32_t i = 0; i < N; i += 3) vs_index_remove(w.ix, i);
  uint32_t count = vs_index_count(w.ix), n = 0;
  vs_hit *hit = malloc(count * sizeof(*hit));
  must(hit);
  vs_search_params params = {.k = count, .ef = count};
  must(vs_index_search(w.ix, data, &params, hit, &n, NULL) == VS_OK);
  ok(world_check(&w) && n == count, "%u of %u records of duplicate-heavy data are reached", n, count);
  free(hit);
  world_deinit(&w);
  free(data);
}

static void rescoring(void) {
  world w;
  float *data = points(N + N_QUERIES, 30), *queries = data + (size_t)N * DIM;
  init(&w, VS_EUCLIDEAN, VS_QUANTIZE_INT8);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  bool near = true, differ = false;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit with[K], without[K], least[K];
    must(search(&w, queries + (size_t)i * DIM, 60, false, 0, with) == K);
    must(search(&w, queries + (size_t)i * DIM, 60, false, 1, without) == K);
    must(search(&w, queries + (size_t)i * DIM, 60, false, 2, least) == K);
    for (uint32_t j = 0; j < K; j++) {
      float apart = with[j].distance - without[j].distance;
      near = near && apart < 0.05f * with[j].distance && apart > -0.05f * with[j].distance;
      differ = differ || apart != 0;
    }
  }
  ok(near && differ, "without rescoring distances are estimates, within a twentieth");
  world_deinit(&w);
  free(data);
}

static void conversion(void) {
  world w;
  vs_hit before[N_QUERIES][K], after[N_QUERIES][K];
  float *data = points(2 * N + N_QUERIES, 30), *queries = data + (size_t)2 * N * DIM;
  init(&w, VS_DOT, VS_QUANTIZE_NONE);
  live(&w, data);
  for (uint32_t i = 0; i < N_QUERIES; i++) search(&w, queries + (size_t)i * DIM, 60, false, 0, before[i]);
  ok(!vs_index_conversion_due(w.ix), "nothing is due where nothing else is asked for");
  vs_index_configure(w.ix, VS_QUANTIZE_AUTO, VS_LAYOUT_STANDARD);
  ok(!vs_index_conversion_due(w.ix), "nor under auto with %u vectors", N);
  vs_index_configure(w.ix, VS_QUANTIZE_INT8, VS_LAYOUT_STANDARD);
  size_t used = w.a.used, code_bytes = vs_index_code_bytes(w.ix);
  ok(vs_index_conversion_due(w.ix) && code_bytes == 0, "it is when int8 is");

  uint32_t n_refused = 0;
  for (uint64_t at = 1;; at++) {
    w.a.fail_at = w.a.n_calls + at;
    vs_status status = vs_index_convert(w.ix);
    w.a.fail_at = 0;
    if (status == VS_OK) break;
    n_refused += vs_index_quantization(w.ix) == VS_QUANTIZE_NONE && w.a.used == used && world_check(&w);
    must(at == n_refused);
  }
  ok(n_refused > 0, "each of %u refusals of memory changes nothing", n_refused);
  ok(vs_index_quantization(w.ix) == VS_QUANTIZE_INT8 && vs_index_code_bytes(w.ix) >= N * (DIM + 16) && world_check(&w),
     "the graph has codes, and is sound");
  ok(recall(&w, queries, 40) >= 0.97, "recall on converted codes %.4f", recall(&w, queries, 40));
  for (uint32_t i = 0; i < 50; i++) world_insert(&w, N + i, data + (size_t)i * DIM);
  ok(world_check(&w) && recall(&w, queries, 40) >= 0.97, "inserting goes on");
  for (uint32_t i = 0; i < 50; i++) vs_index_remove(w.ix, N + i);

  vs_index_configure(w.ix, VS_QUANTIZE_NONE, VS_LAYOUT_STANDARD);
  w.a.fail_at = w.a.n_calls + 1;
  bool refused = vs_index_convert(w.ix) == VS_OUT_OF_MEMORY;
  w.a.fail_at = 0;
  ok(refused && vs_index_quantization(w.ix) == VS_QUANTIZE_INT8 && world_check(&w), "a refusal leaves codes in force");
  must(vs_index_convert(w.ix) == VS_OK);
  ok(vs_index_quantization(w.ix) == VS_QUANTIZE_NONE && world_check(&w), "and back");
  uint32_t n_same = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    search(&w, queries + (size_t)i * DIM, 60, false, 0, after[i]);
    for (uint32_t j = 0; j < K; j++) n_same += before[i][j].slot == after[i][j].slot;
  }
  ok(n_same >= N_QUERIES * K * 98 / 100, "answers are those of before (%u of %u)", n_same, N_QUERIES * K);
  world_deinit(&w);
  free(data);
}

static void save(world *w, vs_wr *image) {
  bool done = false;
  vs_wr_init(image, &w->a);
  vs_index_encode_begin(w->ix);
  must(vs_index_encode_next(w->ix, image, &done) == VS_OK && done);
}

static vs_status load(world *w, const vs_wr *image, vs_quantization quantization) {
  vs_index_destroy(w->ix);
  w->config.quantization = quantization;
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
  VS_TRY(vs_index_load_begin(w->ix, w->n_slots, NULL));
  VS_TRY(vs_index_load_chunk(w->ix, (vs_slice){image->p, image->n}, NULL));
  VS_TRY(vs_index_load_end(w->ix, NULL));
  return VS_OK;
}

/* Codes made when they are first looked at, lists that move meanwhile: whatever is called in between, searches
 * and changes answer as in an index that has had its codes all the time. */
static void late(vs_metric metric, bool back) {
  world early, w;
  float *data = points(2 * N, 30), *queries = data + (size_t)N * DIM;
  vs_rng r = {world_seed()};
  vs_wr image;
  init(&early, metric, VS_QUANTIZE_INT8);
  init(&w, metric, VS_QUANTIZE_INT8);
  live(&early, data);
  live(&w, data);
  save(&w, &image);
  must(load(&w, &image, VS_QUANTIZE_INT8) == VS_OK);
  uint32_t n_same = 0, n_asked = 0;
  for (uint32_t i = 0; i < N; i++) {
    uint32_t slot = vs_rng_below(&r, N);
    if (i % 40 == 0) {
      vs_hit a[K], b[K];
      must(search(&early, queries + (size_t)slot * DIM, 40, false, 1, a) == K);
      must(search(&w, queries + (size_t)slot * DIM, 40, false, 1, b) == K);
      n_same += memcmp(a, b, sizeof a) == 0;
      n_asked++;
    }
    if (vs_index_contains(w.ix, slot)) {
      vs_index_remove(early.ix, slot);
      vs_index_remove(w.ix, slot);
    } else {
      const float *x = data + (size_t)(N + i) * DIM;
      early.sequence = w.sequence;
      world_insert(&early, slot, x);
      world_insert(&w, slot, x);
    }
    if (back && i == 4) {
      vs_index_configure(w.ix, VS_QUANTIZE_NONE, VS_LAYOUT_STANDARD);
      must(vs_index_convert(w.ix) == VS_OK && world_check(&w));
      vs_index_configure(w.ix, VS_QUANTIZE_INT8, VS_LAYOUT_STANDARD);
      must(vs_index_convert(w.ix) == VS_OK);
    }
  }
  ok(world_check(&w) && n_same == n_asked, "%s: late codes change nothing%s (%u of %u answers, seed %llu)",
     vs_metric_name(metric), back ? ", nor do others instead" : "", n_same, n_asked, (unsigned long long)world_seed());
  vs_wr_deinit(&image);
  world_deinit(&early);
  world_deinit(&w);
  free(data);
}

static void go_on(world *w, const float *data) {
  w->sequence = 100000;
  for (uint32_t i = 0; i < N / 2; i++) {
    if (vs_index_contains(w->ix, i)) vs_index_remove(w->ix, i);
    if (i % 3) world_insert(w, i, data + (size_t)(N + i) * DIM);
  }
}

static void image(vs_metric metric) {
  world w;
  vs_wr before, after, continued;
  vs_hit hit[K], again[K];
  float *data = points(2 * N, 30);
  init(&w, metric, VS_QUANTIZE_INT8);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  save(&w, &before);
  search(&w, data, 30, false, 1, hit);
  ok(load(&w, &before, VS_QUANTIZE_AUTO) == VS_OK && vs_index_quantization(w.ix) == VS_QUANTIZE_INT8,
     "%s: an image with codes loads under auto", vs_metric_name(metric));
  search(&w, data, 30, false, 1, again);
  ok(memcmp(hit, again, sizeof(hit)) == 0, "%s: and even estimates are as before", vs_metric_name(metric));
  go_on(&w, data);
  save(&w, &after);
  for (uint32_t i = 0; i < N; i++) world_set(&w, i, data + (size_t)i * DIM, i + 1);
  must(load(&w, &before, VS_QUANTIZE_INT8) == VS_OK);
  go_on(&w, data);
  save(&w, &continued);
  ok(after.n == continued.n && memcmp(after.p, continued.p, after.n) == 0,
     "%s: and the same calls lead to the same graph", vs_metric_name(metric));
  w.config.metric = VS_MANHATTAN;
  ok(load(&w, &before, VS_QUANTIZE_AUTO) == VS_CORRUPT, "codes are refused where the metric has none");
  vs_wr_deinit(&before);
  vs_wr_deinit(&after);
  vs_wr_deinit(&continued);
  world_deinit(&w);
  free(data);
}

static void refusals(void) {
  vs_index_config config = {VS_INDEX_HNSW, VS_MANHATTAN, 8, 20, 1, VS_QUANTIZE_INT8, VS_LAYOUT_STANDARD, {0}};
  world w;
  init(&w, VS_COSINE, VS_QUANTIZE_INT8);
  vs_index *ix = NULL;
  ok(vs_index_create(&w.a, &config, &w.vectors, &w.sequences, &ix) == VS_UNSUPPORTED, "manhattan has no codes");
  config.metric = VS_COSINE;
  config.type = VS_INDEX_FLAT;
  ok(vs_index_create(&w.a, &config, &w.vectors, &w.sequences, &ix) == VS_UNSUPPORTED && !ix, "nor has a flat index");
  world_deinit(&w);
}

int main(void) {
  quality(VS_COSINE);
  quality(VS_DOT);
  quality(VS_EUCLIDEAN);
  duplicates();
  rescoring();
  conversion();
  late(VS_COSINE, false);
  late(VS_EUCLIDEAN, true);
  image(VS_COSINE);
  image(VS_EUCLIDEAN);
  refusals();
  return tap_done();
}
