/* trained_models.c - the model of trained codes: through an image, whole, damaged
 * and missing; trained again when the data have changed; refused where it would
 * lose too much; memory that is refused changes nothing that is searched.
 */
#include "trained.h"

static void save(world *w, vs_wr *image, vs_wr *model) {
  bool done = false;
  vs_wr_init(image, &w->a);
  vs_wr_init(model, &w->a);
  vs_index_encode_begin(w->ix);
  must(vs_index_encode_next(w->ix, image, &done) == VS_OK && done);
  for (done = false; !done;) must(vs_index_encode_model(w->ix, model, &done) == VS_OK);
}

static vs_status load(world *w, const vs_wr *image, vs_slice model) {
  create(w, w->config.quantization, w->config.options);
  VS_TRY(vs_index_load_begin(w->ix, w->n_slots, NULL));
  VS_TRY(vs_index_load_chunk(w->ix, (vs_slice){image->p, image->n}, NULL));
  for (size_t at = 0; at < model.n; at += 70000)
    VS_TRY(vs_index_load_model(w->ix, (vs_slice){model.p + at, model.n - at < 70000 ? model.n - at : 70000}));
  return vs_index_load_end(w->ix, NULL);
}

static bool same_answers(world *w, const float *queries, vs_hit before[][K]) {
  bool same = true;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_hit hit[K];
    vs_search_params params = {.k = K, .ef = 40, .rescore = 1};
    uint32_t n = 0;
    must(vs_index_search(w->ix, queries + (size_t)i * DIM, &params, hit, &n, NULL) == VS_OK && n == K);
    same = same && memcmp(hit, before[i], sizeof hit) == 0;
  }
  return same;
}

static void image(vs_quantization kind, vs_quantization_options options) {
  world w;
  vs_wr bytes, model;
  static vs_hit before[N_QUERIES][K];
  float *data = points(N + N_QUERIES), *queries = data + (size_t)N * DIM;
  const char *name = name_of(kind, options);
  init(&w, DIM, VS_EUCLIDEAN, kind, options);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  train(&w, false);
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    vs_search_params params = {.k = K, .ef = 40, .rescore = 1};
    uint32_t n = 0;
    must(vs_index_search(w.ix, queries + (size_t)i * DIM, &params, before[i], &n, NULL) == VS_OK && n == K);
  }
  save(&w, &bytes, &model);
  vs_slice whole = {model.p, model.n};
  must(load(&w, &bytes, whole) == VS_OK);
  ok(vs_index_quantization(w.ix) == kind && !vs_index_conversion_due(w.ix) && same_answers(&w, queries, before),
     "%s: loaded with its model, estimates are the same", name);
  vs_rng random = {world_seed()};
  uint32_t n_dropped = 0, n_kept = 0, n_tried = 60;
  for (uint32_t i = 0; i < n_tried; i++) {
    uint8_t *copy = malloc(model.n);
    must(copy);
    memcpy(copy, model.p, model.n);
    size_t n = i % 3 ? model.n : vs_rng_below(&random, (uint32_t)model.n);
    if (i % 3) memset(copy + vs_rng_below(&random, i % 3 == 1 ? 24 : (uint32_t)model.n - 4), 0xff, 4);
    must(load(&w, &bytes, (vs_slice){copy, n}) == VS_OK && world_check(&w));
    vs_hit hit[K];
    must(world_search(&w, queries, K, 40, false, hit) == K);
    n_dropped += vs_index_quantization(w.ix) == VS_QUANTIZE_NONE && vs_index_conversion_due(w.ix);
    n_kept += vs_index_quantization(w.ix) == kind;
    free(copy);
  }
  ok(n_dropped > 0 && n_dropped + n_kept == n_tried, "%s: of %u damaged models %u are none", name, n_tried, n_dropped);
  must(load(&w, &bytes, (vs_slice){model.p, model.n - 1}) == VS_OK);
  train(&w, false);
  ok(vs_index_quantization(w.ix) == kind && recall(&w, queries, 80) >= 0.97, "%s: and it is trained again", name);
  must(load(&w, &bytes, (vs_slice){NULL, 0}) == VS_OK);
  ok(vs_index_conversion_due(w.ix), "%s: a missing one too", name);
  vs_wr_deinit(&bytes);
  vs_wr_deinit(&model);
  world_deinit(&w);
  free(data);
}

/* Uniform vectors have no structure that few bits could keep. */
static void refusal(void) {
  world w;
  vs_wr bytes, model;
  vs_rng random = {world_seed()};
  float x[128];
  init(&w, 128, VS_EUCLIDEAN, VS_QUANTIZE_BINARY, usual);
  for (uint32_t i = 0; i < 1200; i++) {
    for (uint32_t j = 0; j < 128; j++) x[j] = vs_rng_f32(&random);
    world_insert(&w, i, x);
  }
  train(&w, false);
  double share = vs_index_refused(w.ix);
  ok(vs_index_quantization(w.ix) == VS_QUANTIZE_INT8 && share > 0 && share < 0.9 && !vs_index_conversion_due(w.ix),
     "binary codes that keep %.2f are refused, int8 is in force", share);
  save(&w, &bytes, &model);
  must(load(&w, &bytes, (vs_slice){model.p, model.n}) == VS_OK);
  ok(vs_index_refused(w.ix) == share && vs_index_quantization(w.ix) == VS_QUANTIZE_INT8 &&
         !vs_index_conversion_due(w.ix),
     "which is remembered");
  vs_index_configure(w.ix, VS_QUANTIZE_PQ, VS_LAYOUT_STANDARD);
  ok(vs_index_refused(w.ix) < 0 && vs_index_conversion_due(w.ix), "but is no judgement of other codes");
  vs_wr_deinit(&bytes);
  vs_wr_deinit(&model);
  world_deinit(&w);
}

/* What came after the training counts at optimize. */
static void drift(void) {
  world w;
  float *data = points(N + N_QUERIES), *moved = malloc((size_t)N * DIM * sizeof(float));
  must(moved);
  world_clustered(moved, N, DIM, 10, 20, world_seed() + 1);
  for (size_t i = 0; i < (size_t)N * DIM; i++) moved[i] += 4;
  init(&w, DIM, VS_EUCLIDEAN, VS_QUANTIZE_BINARY, usual);
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  train(&w, false);
  for (uint32_t i = 0; i < N; i++) {
    vs_index_remove(w.ix, i);
    world_insert(&w, i, moved + (size_t)i * DIM);
  }
  double before = recall(&w, moved, 40);
  bool done = false;
  double budget = 1e30;
  must(vs_index_train(w.ix, false, &budget, &done) == VS_OK && done);
  double same = recall(&w, moved, 40);
  train(&w, true);
  double after = recall(&w, moved, 40);
  ok(same == before && after > before && after >= 0.95, "trained again: recall %.4f after %.4f", after, before);
  world_deinit(&w);
  free(data);
  free(moved);
}

static void no_memory(vs_quantization kind) {
  world w;
  float *data = points(N + N_QUERIES), *queries = data + (size_t)N * DIM;
  init(&w, DIM, VS_DOT, kind, (vs_quantization_options){.subvectors = 32, .centroids = 4});
  for (uint32_t i = 0; i < N; i++) world_insert(&w, i, data + (size_t)i * DIM);
  size_t used = w.a.used;
  uint32_t n_refused = 0, n_sound = 0;
  for (uint64_t at = 1;; at++) {
    bool done = false;
    double budget = 1e30;
    w.a.fail_at = w.a.n_calls + at;
    vs_status status = vs_index_train(w.ix, false, &budget, &done);
    w.a.fail_at = 0;
    if (status == VS_OK) break;
    n_refused++;
    n_sound += vs_index_quantization(w.ix) == VS_QUANTIZE_NONE && w.a.used == used && world_check(&w);
  }
  ok(n_refused > 5 && n_sound == n_refused && recall(&w, queries, 80) > 0.8, "%u refusals of memory change nothing",
     n_refused);
  world_deinit(&w);
  free(data);
}

int main(void) {
  vs_quantization_options few = {.centroids = 20}, residual = {.subvectors = 16, .centroids = 20, .residual = true};
  image(VS_QUANTIZE_BINARY, usual);
  image(VS_QUANTIZE_PQ, few);
  image(VS_QUANTIZE_PQ, residual);
  refusal();
  drift();
  no_memory(VS_QUANTIZE_BINARY);
  no_memory(VS_QUANTIZE_PQ);
  return tap_done();
}
