/* turbo.c - neighbours' codes beside the node: recall, life under changes, images, refused memory.
 *
 * The reference is the exact scan. A walk must give the same answers whether
 * items were coded by optimize, by earlier walks or by itself.
 */
#include "world.h"

#define K 10u
#define N 1200u
#define DIM 40u
#define N_QUERIES 60u

static void init(world *w, vs_metric metric, uint32_t M) {
  world_init(w, DIM, VS_INDEX_HNSW, metric, M, 80);
  vs_index_destroy(w->ix);
  w->config.layout = VS_LAYOUT_TURBO;
  w->config.quantization = VS_QUANTIZE_AUTO;
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
}

static float *points(uint32_t n) {
  float *data = malloc((size_t)n * DIM * sizeof(float));
  must(data);
  world_clustered(data, n, DIM, 30, 10, world_seed());
  return data;
}

/* Optimizes in small steps; false = refused. */
static bool optimize(world *w) {
  for (bool done = false; !done;) {
    double budget = 30000;
    if (vs_index_optimize(w->ix, &budget, &done) != VS_OK) return false;
  }
  return true;
}

static double recall(world *w, const float *queries, uint32_t ef) {
  uint32_t found = 0, n_all = 0;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit truth[K], hit[K];
    const float *q = queries + (size_t)i * DIM;
    uint32_t n = world_search(w, q, K, 0, true, truth), m = world_search(w, q, K, ef, false, hit);
    n_all += n;
    for (uint32_t j = 0; j < m; j++) {
      for (uint32_t l = 0; l < n; l++) {
        found += hit[j].slot == truth[l].slot && memcmp(&hit[j].distance, &truth[l].distance, 4) == 0;
      }
    }
  }
  return (double)found / n_all;
}

static void answers(world *w, const float *queries, vs_hit (*hit)[K]) {
  memset(hit, 0, N_QUERIES * sizeof(*hit));
  for (uint32_t i = 0; i < N_QUERIES; i++) world_search(w, queries + (size_t)i * DIM, K, 25, false, hit[i]);
}

static void save(world *w, vs_wr *image) {
  bool done = false;
  vs_wr_init(image, &w->a);
  vs_index_encode_begin(w->ix);
  must(vs_index_encode_next(w->ix, image, &done) == VS_OK && done);
}

static vs_status load(world *w, const uint8_t *bytes, size_t n) {
  vs_index_destroy(w->ix);
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
  VS_TRY(vs_index_load_begin(w->ix, w->n_slots, NULL));
  VS_TRY(vs_index_load_chunk(w->ix, (vs_slice){bytes, n}, NULL));
  VS_TRY(vs_index_load_end(w->ix, NULL));
  return VS_OK;
}

static void churn(world *w, const float *data) {
  vs_rng r = {world_seed()};
  for (uint32_t i = 0; i < N; i++) {
    uint32_t slot = vs_rng_below(&r, N);
    if (vs_index_contains(w->ix, slot)) vs_index_remove(w->ix, slot);
    world_insert(w, slot, data + (size_t)(N + i) * DIM);
    if (i % 10 == 0) vs_index_remove(w->ix, slot);
  }
}

static void life(vs_metric metric, uint32_t M) {
  world w;
  vs_hit before[N_QUERIES][K], after[N_QUERIES][K];
  float *data = points(2 * N + N_QUERIES), *queries = data + (size_t)2 * N * DIM;
  const char *name = vs_metric_name(metric);
  init(&w, metric, M);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  ok(vs_index_layout(w.ix) == VS_LAYOUT_STANDARD && optimize(&w) && vs_index_layout(w.ix) == VS_LAYOUT_TURBO,
     "%s, M = %u: turbo from optimize on", name, M);
  double built = recall(&w, queries, 60);
  ok(built >= 0.96, "%s: recall@10 at ef 60 is %.4f, distances exact", name, built);
  churn(&w, data);
  ok(world_check(&w), "%s: the graph is sound after replacing as many vectors as there are", name);
  double changed = recall(&w, queries, 60);
  ok(changed >= 0.95, "%s: recall@10 is %.4f then", name, changed);
  ok(recall(&w, queries, N) >= 0.999, "%s: with ef = n everything is found", name);

  vs_wr image, again;
  answers(&w, queries, before);
  save(&w, &image);
  ok(load(&w, image.p, image.n) == VS_OK && vs_index_layout(w.ix) == VS_LAYOUT_TURBO, "%s: an image loads", name);
  answers(&w, queries, after);
  ok(memcmp(before, after, sizeof(before)) == 0, "%s: and answers as before, coding as it walks", name);
  save(&w, &again);
  ok(image.n == again.n && memcmp(image.p, again.p, image.n) == 0, "%s: saved again it is the same", name);
  double again_trained = optimize(&w) ? recall(&w, queries, 60) : 0;
  ok(again_trained >= 0.95, "%s: recall@10 is %.4f after training anew", name, again_trained);
  vs_wr_deinit(&image);
  vs_wr_deinit(&again);
  world_deinit(&w);
  free(data);
}

/* Equal and zero vectors: differences of length 0. */
static void duplicates(vs_metric metric) {
  world w;
  float *data = points(40);
  init(&w, metric, 8);
  memset(data + DIM, 0, DIM * sizeof(float));
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)(i % 5 ? 0 : i % 40) * DIM);
  must(optimize(&w));
  for (uint32_t i = 0; i < N; i += 3) vs_index_remove(w.ix, i);
  uint32_t count = vs_index_count(w.ix), n = 0;
  vs_hit *hit = malloc(count * sizeof(*hit));
  must(hit);
  vs_search_params params = {.k = count, .ef = count};
  must(vs_index_search(w.ix, data, &params, hit, &n, NULL) == VS_OK);
  ok(world_check(&w) && n == count, "%s: %u of %u records of duplicate-heavy data are reached", vs_metric_name(metric),
     n, count);
  free(hit);
  world_deinit(&w);
  free(data);
}

/* Looking again for neighbours may have changed the graph, nothing else. */
static bool as_good(world *w, const float *queries, size_t used, vs_layout layout) {
  return w->a.used == used && vs_index_layout(w->ix) == layout && world_check(w) && recall(w, queries, 60) >= 0.95;
}

static void refused_memory(void) {
  world w;
  float *data = points(N + N_QUERIES), *queries = data + (size_t)N * DIM;
  init(&w, VS_COSINE, 8);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  for (int round = 0; round < 2; round++) {
    uint32_t n_refused = 0;
    vs_layout layout = vs_index_layout(w.ix);
    must(recall(&w, queries, 60) >= 0.95);
    size_t used = w.a.used;
    for (uint64_t at = 1;; at++) {
      w.a.fail_at = w.a.n_calls + at;
      bool done = optimize(&w);
      w.a.fail_at = 0;
      if (done) break;
      n_refused++;
      must(as_good(&w, queries, used, layout));
    }
    ok(n_refused > 5, "%s time: each of %u refusals leaves the layout and a sound graph",
       round ? "a second" : "the first", n_refused);
  }
  must(recall(&w, queries, 60) >= 0.95);
  size_t used = w.a.used;
  bool stopped = true;
  for (double first = 1; first < 1e7; first *= 30) {
    double budget = first;
    bool done;
    must(vs_index_optimize(w.ix, &budget, &done) == VS_OK);
    vs_index_optimize_abandon(w.ix);
    stopped = stopped && as_good(&w, queries, used, VS_LAYOUT_TURBO);
  }
  ok(stopped, "optimizing that is given up at any time does so too");
  vs_wr image;
  save(&w, &image);
  uint32_t n_refused = 0;
  vs_status status = VS_OUT_OF_MEMORY;
  for (uint64_t at = 1; status == VS_OUT_OF_MEMORY; at++) {
    vs_index *copy;
    must(vs_index_create(&w.a, &w.config, &w.vectors, &w.sequences, &copy) == VS_OK);
    w.a.fail_at = w.a.n_calls + at;
    status = vs_index_load_begin(copy, w.n_slots, NULL);
    if (status == VS_OK) status = vs_index_load_chunk(copy, (vs_slice){image.p, image.n}, NULL);
    if (status == VS_OK) status = vs_index_load_end(copy, NULL);
    w.a.fail_at = 0;
    n_refused += status == VS_OUT_OF_MEMORY;
    vs_index_destroy(copy);
  }
  ok(status == VS_OK && n_refused > 8, "loading survives each of %u refusals", n_refused);
  vs_wr_deinit(&image);
  world_deinit(&w);
  free(data);
}

/* Whatever a damaged image lets in can be searched and changed. */
static void damage(void) {
  world w;
  vs_wr image;
  vs_rng r = {world_seed()};
  float *data = points(2 * N);
  init(&w, VS_EUCLIDEAN, 4);
  for (uint32_t i = 0; i < 300; i++) world_insert(&w, i, data + (size_t)i * DIM);
  must(optimize(&w));
  save(&w, &image);
  uint8_t *bytes = malloc(image.n);
  must(bytes);
  uint32_t n_in = 0;
  for (uint32_t i = 0; i < 300; i++) {
    memcpy(bytes, image.p, image.n);
    for (uint32_t j = 0; j < 4; j++) bytes[vs_rng_below(&r, 9000)] ^= (uint8_t)(1 + vs_rng_below(&r, 255));
    if (load(&w, bytes, image.n) != VS_OK) continue;
    n_in++;
    vs_hit hit[K];
    world_search(&w, data, K, 30, false, hit);
    vs_index_remove(w.ix, 5);
    world_insert(&w, 5, data + 5 * DIM);
    world_search(&w, data, K, 30, false, hit);
  }
  bool short_ones = true;
  for (size_t n = 0; n < image.n; n += 97) short_ones = short_ones && load(&w, image.p, n) != VS_OK;
  ok(n_in > 0, "%u of 300 damaged models are let in, and are searched", n_in);
  ok(short_ones, "truncated images are refused");
  free(bytes);
  vs_wr_deinit(&image);
  world_deinit(&w);
  free(data);
}

int main(void) {
  life(VS_COSINE, 16);
  life(VS_EUCLIDEAN, 5);
  life(VS_DOT, 20);
  duplicates(VS_COSINE);
  duplicates(VS_EUCLIDEAN);
  refused_memory();
  damage();
  return tap_done();
}
