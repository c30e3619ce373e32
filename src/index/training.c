/* training.c - training a coder and testing it (see training.h).
 *
 * Layer: index (L2), internal; knows no graph and no kind of code.
 *
 * THE TEST. Of the sample some vectors are queries, and some others what is
 * searched. For each query: how many of its K nearest are among the candidates
 * that the codes put first, as many as a search compares in full precision?
 * Codes that lose more than a tenth are refused: vectors whose components
 * mean something by themselves (pixels, coordinates, few dimensions) have
 * neighbours that one bit for each cannot tell apart. The test is easier than
 * a large index, where neighbours are nearer to each other, and so only tells
 * what is hopeless. Equally far vectors count as the same.
 *
 * COST. About CHECK_POINTS * CHECK_QUERIES distances besides the training.
 */
#include "training.h"

#include "../base/heap.h"
#include "../base/rng.h"

#include <math.h>
#include <string.h>

#define SAMPLE 10240u
#define CHECK_POINTS 4000u
#define CHECK_QUERIES 60u
#define K 10u
/* What a search with the usual ef has. */
#define CANDIDATES 50u
#define GROUP 32u

void vs_sample_copy(const vs_sample *sample, uint32_t i, float *out, uint32_t n) {
  const vs_vectors *v = sample->vectors;
  const float *x = vs_vectors_at(v, sample->slot[i]);
  float scale = sample->unit ? x[v->padded] : 1;
  for (uint32_t j = 0; j < v->dim; j++) out[j] = x[j] * scale;
  for (uint32_t j = v->dim; j < n; j++) out[j] = 0;
}

vs_status vs_coder_create(vs_alloc *a, const vs_index_config *config, uint32_t dim, vs_coder **out) {
  if (config->quantization == VS_QUANTIZE_BINARY) return vs_binary_create(a, config->metric, dim, out);
  return vs_pq_create(a, config->metric, dim, &config->options, out);
}

bool vs_coder_same(vs_quantization kind, const vs_quantization_options *a, const vs_index_config *config) {
  const vs_quantization_options *b = &config->options;
  if (kind != config->quantization) return false;
  bool same = a->subvectors == b->subvectors && a->centroids == b->centroids && a->residual == b->residual;
  return kind == VS_QUANTIZE_BINARY || same;
}

/* Slots at even distances, in a random order. */
static void choose(uint32_t *slot, uint32_t n, const vs_bitset *present, uint64_t seed) {
  vs_rng random = {seed};
  uint32_t at = 0, passed = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t target = (uint32_t)((uint64_t)present->n_set * i / n);
    uint32_t next = vs_bitset_next(present, at);
    for (; passed < target; passed++) next = vs_bitset_next(present, next + 1);
    slot[i] = next;
    at = next;
  }
  for (uint32_t i = n; i > 1; i--) {
    uint32_t j = vs_rng_below(&random, i), t = slot[i - 1];
    slot[i - 1] = slot[j];
    slot[j] = t;
  }
}

static uint32_t n_points(const vs_training *t) { return t->sample.n < CHECK_POINTS ? t->sample.n : CHECK_POINTS; }

vs_status vs_training_begin(vs_training *t, vs_alloc *a, const vs_index_config *config, vs_space *space,
                            const vs_bitset *present) {
  memset(t, 0, sizeof *t);
  t->a = a;
  t->space = space;
  uint32_t n = present->n_set < SAMPLE ? present->n_set : SAMPLE, *slot = vs_malloc(a, n * sizeof *slot);
  t->sample = (vs_sample){.vectors = space->vectors, .slot = slot, .n = n, .unit = config->metric == VS_COSINE};
  t->sample.seed = config->seed;
  if (!slot) return VS_OUT_OF_MEMORY;
  choose(slot, n, present, config->seed);
  t->n_queries = n < CHECK_QUERIES ? n : CHECK_QUERIES;
  vs_status status = vs_coder_create(a, config, space->vectors->dim, &t->coder);
  size_t points = n_points(t);
  if (status == VS_OK) t->records = vs_malloc(a, points * t->coder->record_bytes);
  t->exact = vs_malloc(a, points * sizeof(float));
  t->estimate = vs_malloc(a, points * sizeof(float));
  t->query = vs_malloc(a, space->vectors->padded * sizeof(float));
  if (t->records && t->exact && t->estimate && t->query) return VS_OK;
  vs_training_end(t);
  return VS_OUT_OF_MEMORY;
}

void vs_training_end(vs_training *t) {
  vs_coder_destroy(t->coder);
  vs_free(t->a, (void *)(uintptr_t)t->sample.slot);
  vs_free(t->a, t->records);
  vs_free(t->a, t->exact);
  vs_free(t->a, t->estimate);
  vs_free(t->a, t->query);
  memset(t, 0, sizeof *t);
}

/* -- The test ---------------------------------------------------------- */

static uint8_t *record_at(const vs_training *t, uint32_t i) { return t->records + (size_t)i * t->coder->record_bytes; }

static void code_one(vs_training *t) {
  const vs_vectors *v = t->space->vectors;
  const float *x = vs_vectors_at(v, t->sample.slot[t->n_coded]);
  t->coder->cls->encode(t->coder, x, t->sample.unit ? x[v->padded] : 1, record_at(t, t->n_coded));
  t->n_coded++;
}

static void measure(vs_training *t, uint32_t query) {
  uint32_t n = n_points(t);
  vs_sample_copy(&t->sample, query, t->query, t->space->vectors->padded);
  vs_query q = {.v = t->query, .scale = 1};
  for (uint32_t i = 0; i < n; i += GROUP)
    vs_space_values(t->space, q, t->sample.slot + i, n - i < GROUP ? n - i : GROUP, t->exact + i);
  t->coder->cls->ask(t->coder, t->query);
  for (uint32_t i = 0; i < n; i += 4) {
    const void *record[4];
    float value[4];
    for (uint32_t j = 0; j < 4; j++) record[j] = record_at(t, i + j < n ? i + j : n - 1);
    t->coder->cls->values(t->coder, record, value);
    for (uint32_t j = 0; j < 4 && i + j < n; j++) t->estimate[i + j] = value[j];
  }
}

/* The `most` smallest of values, without the query itself. */
static uint32_t smallest(const float *value, uint32_t n, uint32_t query, uint32_t most, vs_pair *out) {
  vs_heap h;
  vs_heap_init(&h, out, most);
  for (uint32_t i = 0; i < n; i++)
    if (i != query) vs_heap_push(&h, (vs_pair){value[i], i});
  vs_heap_sort(&h);
  return h.n;
}

static void check_one(vs_training *t) {
  vs_pair nearest[K], candidate[CANDIDATES];
  uint32_t query = t->n_checked++;
  measure(t, query);
  uint32_t n = smallest(t->exact, n_points(t), query, K, nearest), n_kept = 0;
  uint32_t n_candidates = smallest(t->estimate, n_points(t), query, CANDIDATES, candidate);
  if (n == 0) return;
  for (uint32_t i = 0; i < n_candidates; i++) n_kept += t->exact[candidate[i].value] <= nearest[n - 1].key;
  t->n_found += n_kept < n ? n_kept : n;
  t->n_wanted += n;
}

vs_status vs_training_some(vs_training *t, double *budget, bool *done) {
  *done = false;
  if (!t->trained) VS_TRY(t->coder->cls->train(t->coder, &t->sample, budget, &t->trained));
  for (; t->trained && t->n_coded < n_points(t) && *budget > 0; *budget -= t->coder->cls->code_cost) code_one(t);
  for (; t->trained && t->n_coded == n_points(t) && t->n_checked < t->n_queries && *budget > 0;
       *budget -= 2.0 * n_points(t))
    check_one(t);
  *done = t->trained && t->n_checked == t->n_queries;
  return VS_OK;
}

float vs_training_recall(const vs_training *t) { return t->n_wanted ? (float)t->n_found / (float)t->n_wanted : 1; }
