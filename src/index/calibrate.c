/* calibrate.c - which ef gives which recall on this index's own data (see calibrate.h).
 *
 * Layer: index (L2), internal; knows a graph only as a function that walks it.
 *
 * SAMPLES are queries that the index has not seen but that lie where its data
 * lie: a vector moved by the difference of two of its neighbours, divided by
 * the root of 2, so that it is about as far from its nearest as they are from
 * theirs. A stored vector itself would be found too easily.
 *
 * THREE STAGES, each in slices: drawing the samples; finding their true nearest in
 * one pass over the vectors, all samples at a time (scan_many.c); walking for
 * each of them with growing ef until nearly all are found. A hit counts if it
 * is as near as the true k-th, so that a slot inserted meanwhile counts too.
 *
 * COST. SAMPLES * n distances, blocked, and SAMPLES walks for each of a dozen ef.
 */
#include "calibrate.h"

#include "../base/rng.h"
#include "scan_many.h"

#include <math.h>
#include <string.h>

#define SAMPLES 200u
#define K VS_CALIBRATION_K
#define SAMPLE_SEED 0x63616c6962726174u
#define NEIGHBOUR_EF 32u
/* Of a slice: a few milliseconds each. */
#define WALKS 16u
#define WORDS 16u
/* More is not looked for. */
#define ENOUGH 0.998f

static const uint16_t ladder[VS_CALIBRATION_POINTS] = {10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640};

struct vs_calibrator {
  vs_alloc *a;
  vs_space *full;
  float *values; /* SAMPLES times padded, as vs_space_query makes them, and one to make them of */
  vs_hit *hit;   /* SAMPLES times K */
  vs_ranking ranking[SAMPLES];
  uint32_t of; /* vectors at the beginning */
  enum { DRAW, SCAN, WALK } stage;
  uint32_t sample, word, found, wanted;
  vs_rng rng;
  vs_calibration result;
};

vs_status vs_calibrator_create(vs_alloc *a, vs_space *full, const vs_blocks *sequences, const vs_bitset *present,
                               vs_calibrator **out) {
  vs_calibrator *c = vs_calloc(a, 1, sizeof(*c));
  if (!c) return VS_OUT_OF_MEMORY;
  c->a = a;
  c->full = full;
  c->of = present->n_set;
  c->rng = (vs_rng){SAMPLE_SEED + present->n_set};
  c->values = vs_calloc(a, SAMPLES + 1, full->vectors->padded * sizeof(float));
  c->hit = vs_calloc(a, (size_t)SAMPLES * K, sizeof(vs_hit));
  if (!c->values || !c->hit) {
    vs_calibrator_destroy(c);
    return VS_OUT_OF_MEMORY;
  }
  for (uint32_t i = 0; i < SAMPLES; i++)
    vs_ranking_init(&c->ranking[i], c->hit + (size_t)i * K, K, sequences, full->metric);
  *out = c;
  return VS_OK;
}

void vs_calibrator_destroy(vs_calibrator *c) {
  if (!c) return;
  vs_free(c->a, c->values);
  vs_free(c->a, c->hit);
  vs_free(c->a, c);
}

size_t vs_calibrator_bytes(const vs_calibrator *c) {
  return sizeof(*c) + (SAMPLES + 1) * c->full->vectors->padded * sizeof(float) + SAMPLES * K * sizeof(vs_hit);
}

static float *sample(const vs_calibrator *c, uint32_t i) { return c->values + (size_t)i * c->full->vectors->padded; }

/* The vector as it is compared: of length 1 for cosine. */
static void add_to(const vs_calibrator *c, float *x, uint32_t slot, float factor) {
  const vs_vectors *v = c->full->vectors;
  const float *from = vs_vectors_at(v, slot);
  float scale = factor * (c->full->metric == VS_COSINE ? vs_vectors_inv_norm(v, slot) : 1);
  for (uint32_t j = 0; j < v->dim; j++) x[j] += from[j] * scale;
}

static vs_status draw(vs_calibrator *c, const vs_bitset *present, vs_walk_fn walk, void *ctx) {
  vs_hit near[K];
  uint32_t n = 0, slot = vs_bitset_next(present, vs_rng_below(&c->rng, present->n_bits));
  if (slot == VS_NO_SLOT) slot = vs_bitset_next(present, 0);
  float *x = sample(c, SAMPLES);
  memset(x, 0, c->full->vectors->padded * sizeof(float));
  add_to(c, x, slot, 1);
  VS_TRY(walk(ctx, x, NEIGHBOUR_EF, near, &n));
  if (n == K) {
    add_to(c, x, near[K / 2].slot, 0.70710678f);
    add_to(c, x, near[K - 1].slot, -0.70710678f);
  }
  bool sound = true;
  for (uint32_t j = 0; j < c->full->vectors->dim; j++) sound = sound && fabsf(x[j]) < INFINITY;
  if (!sound) memset(x, 0, c->full->vectors->padded * sizeof(float));
  vs_space_query(c->full, x, sample(c, c->sample++));
  return VS_OK;
}

/* One walk of the present ef; after the last one the point is complete. */
static vs_status try_one(vs_calibrator *c, vs_walk_fn walk, void *ctx) {
  vs_hit near[K];
  uint32_t n = 0, right = 0;
  vs_calibration *r = &c->result;
  const vs_ranking *truth = &c->ranking[c->sample];
  if (truth->n > 0) {
    VS_TRY(walk(ctx, sample(c, c->sample), ladder[r->n], near, &n));
    float farthest = truth->hit[truth->n - 1].distance;
    for (uint32_t i = 0; i < n; i++) right += near[i].distance <= farthest;
    c->found += right < truth->n ? right : truth->n;
    c->wanted += truth->n;
  }
  if (++c->sample < SAMPLES) return VS_OK;
  r->ef[r->n] = ladder[r->n];
  r->recall[r->n++] = c->wanted > 0 ? (float)c->found / (float)c->wanted : 1;
  c->sample = c->found = c->wanted = 0;
  return VS_OK;
}

vs_status vs_calibrator_step(vs_calibrator *c, const vs_bitset *present, vs_walk_fn walk, void *ctx,
                             vs_calibration *out, bool *done) {
  *done = false;
  if (present->n_set == 0) return VS_OK;
  for (uint32_t i = 0; c->stage == DRAW && i < WALKS; i++) {
    VS_TRY(draw(c, present, walk, ctx));
    if (c->sample == SAMPLES) c->stage = SCAN;
  }
  if (c->stage == SCAN) {
    VS_TRY(vs_scan_range(c->a, c->full, present, c->word, WORDS, c->values, SAMPLES, c->ranking));
    c->word += WORDS;
    if ((uint64_t)c->word * 64 < present->n_bits) return VS_OK;
    for (uint32_t i = 0; i < SAMPLES; i++) {
      uint32_t n = c->ranking[i].n;
      vs_ranking_finish(&c->ranking[i]);
      c->ranking[i].n = n;
    }
    c->sample = 0;
    c->stage = WALK;
    return VS_OK;
  }
  for (uint32_t i = 0; c->stage == WALK && i < WALKS; i++) {
    VS_TRY(try_one(c, walk, ctx));
    vs_calibration *r = &c->result;
    if (c->sample > 0 || (r->n < VS_CALIBRATION_POINTS && r->recall[r->n - 1] < ENOUGH)) continue;
    r->of = c->of;
    *out = *r;
    *done = true;
    return VS_OK;
  }
  return VS_OK;
}
