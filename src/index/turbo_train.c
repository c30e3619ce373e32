/* turbo_train.c - the centroids and the mean that neighbours' codes are made with.
 *
 * Layer: index (L2), internal. Lloyd's k-means for each piece apart, on
 * differences between linked nodes, rotated and scaled to length 1: that is
 * what the codes stand for. SAMPLES differences and ROUNDS rounds; more of
 * either gained nothing that could be measured. Seeded, so that the same graph
 * gives the same model. Memory: the sample, SAMPLES * n floats, until the end.
 */
#include "turbo.h"

#include "../base/rng.h"

#include <math.h>
#include <string.h>

#define SAMPLES 4096u
#define ROUNDS 10u
#define TRAIN_SEED 0x6b6d65616e73u

static float *sample_at(const vs_turbo_trainer *r, uint32_t i) { return vs_blocks_at(&r->sample, i); }

static vs_status allocate(const vs_turbo *t, vs_turbo_trainer *r) {
  size_t floats = VS_CENTROIDS * (size_t)t->n, pieces = VS_CENTROIDS * (size_t)t->m;
  r->model.codebook = vs_calloc(t->a, floats, sizeof(float));
  r->model.half_norms = vs_calloc(t->a, pieces, sizeof(float));
  r->model.mean = vs_calloc(t->a, t->n, sizeof(float));
  r->sum = vs_malloc(t->a, floats * sizeof(float));
  r->count = vs_malloc(t->a, pieces * sizeof(uint32_t));
  if (!r->model.codebook || !r->model.half_norms || !r->model.mean || !r->sum || !r->count) return VS_OUT_OF_MEMORY;
  return vs_blocks_reserve(&r->sample, SAMPLES);
}

/* A node drawn at random: the first at or after a random slot. */
static uint32_t draw(vs_rng *rng, const vs_bitset *present) {
  uint32_t slot = vs_bitset_next(present, vs_rng_below(rng, present->n_bits));
  return slot != VS_NO_SLOT ? slot : vs_bitset_next(present, 0);
}

/* The difference of a random link, and the node's part of the mean. */
static void take_sample(vs_turbo *t, vs_turbo_trainer *r, uint32_t i, uint32_t slot, vs_rng *rng) {
  const vs_links *links = vs_hnsw_base(t->g, slot);
  float *out = sample_at(r, i), square = 0;
  vs_turbo_restore(t, slot, t->x);
  memcpy(t->z, t->x, t->n * sizeof(float));
  vs_turbo_rotate(t, t->z, t->y);
  for (uint32_t k = 0; k < t->n; k++) r->model.mean[k] += t->y[k] / (float)SAMPLES;
  uint32_t y = links->n ? links->link[vs_rng_below(rng, links->n)] & VS_LINK_SLOT : slot;
  vs_turbo_restore(t, y, t->y);
  for (uint32_t k = 0; k < t->n; k++) t->y[k] -= t->x[k];
  vs_turbo_rotate(t, t->y, out);
  for (uint32_t k = 0; k < t->n; k++) square += out[k] * out[k];
  float inverse = square > 0 ? 1 / sqrtf(square) : 0;
  for (uint32_t k = 0; k < t->n; k++) out[k] *= inverse;
}

static void set_half_norms(const vs_turbo *t, vs_turbo_model *model) {
  for (uint32_t j = 0; j < t->m; j++) {
    for (uint32_t k = 0; k < VS_CENTROIDS; k++) {
      float sum = 0;
      for (uint32_t i = 0; i < t->width; i++) {
        float c = model->codebook[(size_t)(j * t->width + i) * VS_CENTROIDS + k];
        sum += c * c;
      }
      model->half_norms[j * VS_CENTROIDS + k] = sum / 2;
    }
  }
}

vs_status vs_turbo_train_begin(vs_turbo *t, vs_turbo_trainer *r, const vs_bitset *present) {
  vs_rng rng = {TRAIN_SEED};
  memset(r, 0, sizeof(*r));
  vs_blocks_init(&r->sample, t->a, t->n * (uint32_t)sizeof(float));
  r->sample.raw = true;
  vs_status status = allocate(t, r);
  if (status != VS_OK) {
    vs_turbo_train_end(t, r, false);
    return status;
  }
  r->n_sample = SAMPLES;
  for (uint32_t i = 0; i < SAMPLES; i++) take_sample(t, r, i, draw(&rng, present), &rng);
  for (uint32_t i = 0; i < t->n; i++) {
    for (uint32_t k = 0; k < VS_CENTROIDS; k++) {
      /* One sample for all floats of a piece, another one for each piece and centroid. */
      uint32_t from = (i / t->width * VS_CENTROIDS + k) * 37 % SAMPLES;
      r->model.codebook[(size_t)i * VS_CENTROIDS + k] = sample_at(r, from)[i];
    }
  }
  set_half_norms(t, &r->model);
  return VS_OK;
}

double vs_turbo_round_cost(const vs_turbo_trainer *r) { return 16.0 * r->n_sample; }

static void add_sample(const vs_turbo *t, vs_turbo_trainer *r, const float *x) {
  for (uint32_t j = 0, i = 0; j < t->m; j++) {
    uint32_t k = t->code[j];
    r->count[j * VS_CENTROIDS + k]++;
    for (uint32_t end = i + t->width; i < end; i++) r->sum[(size_t)i * VS_CENTROIDS + k] += x[i];
  }
}

bool vs_turbo_train_round(vs_turbo *t, vs_turbo_trainer *r) {
  memset(r->sum, 0, VS_CENTROIDS * (size_t)t->n * sizeof(float));
  memset(r->count, 0, VS_CENTROIDS * (size_t)t->m * sizeof(uint32_t));
  for (uint32_t i = 0; i < r->n_sample; i++) {
    vs_nearest(sample_at(r, i), r->model.codebook, r->model.half_norms, t->m, t->width, t->code);
    add_sample(t, r, sample_at(r, i));
  }
  for (uint32_t i = 0; i < t->n; i++) {
    const uint32_t *count = r->count + i / t->width * VS_CENTROIDS;
    float *c = r->model.codebook + (size_t)i * VS_CENTROIDS;
    for (uint32_t k = 0; k < VS_CENTROIDS; k++) {
      /* A centroid that nothing is nearest to stays where it is. */
      if (count[k] > 0) c[k] = r->sum[(size_t)i * VS_CENTROIDS + k] / (float)count[k];
    }
  }
  set_half_norms(t, &r->model);
  return ++r->n_rounds == ROUNDS;
}

void vs_turbo_train_end(vs_turbo *t, vs_turbo_trainer *r, bool keep) {
  vs_turbo_model unused = keep ? t->model : r->model;
  if (keep) {
    t->model = r->model;
    vs_turbo_forget(t);
  }
  vs_free(t->a, unused.codebook);
  vs_free(t->a, unused.half_norms);
  vs_free(t->a, unused.mean);
  vs_free(t->a, r->sum);
  vs_free(t->a, r->count);
  vs_blocks_deinit(&r->sample);
  memset(r, 0, sizeof(*r));
}

/* -- The model as bytes: little-endian floats ---------------------------- */

size_t vs_turbo_model_bytes(const vs_turbo *t) { return (1 + VS_CENTROIDS) * (size_t)t->n * sizeof(float); }

void vs_turbo_encode_model(const vs_turbo *t, vs_wr *out) {
  vs_wr_bytes(out, t->model.mean, t->n * sizeof(float));
  vs_wr_bytes(out, t->model.codebook, VS_CENTROIDS * (size_t)t->n * sizeof(float));
}

static bool read_floats(vs_rd *in, float *out, size_t n) {
  const uint8_t *bytes = vs_rd_bytes(in, n * sizeof(float));
  if (!bytes) return false;
  memcpy(out, bytes, n * sizeof(float));
  for (size_t i = 0; i < n; i++) {
    if (!(fabsf(out[i]) <= 1e18f)) return false;
  }
  return true;
}

bool vs_turbo_decode_model(vs_turbo *t, vs_rd *in) {
  if (!read_floats(in, t->model.mean, t->n)) return false;
  if (!read_floats(in, t->model.codebook, VS_CENTROIDS * (size_t)t->n)) return false;
  set_half_norms(t, &t->model);
  return true;
}
