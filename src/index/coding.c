/* coding.c - when trained codes are due, refused or too old, and their model's bytes (see coding.h).
 *
 * Layer: index (L2), internal. The bytes, cut into pieces by encode:
 *
 *   u8 version (1), u8 kind (vs_quantization), u8 1 = refused, u32 recall of
 *   the test in ten thousandths (0 with a model), u32 vectors when it was
 *   refused or inserted since the training, u32 subvectors, u32 centroids,
 *   u8 residual; then, unless refused, what the coder writes
 *
 * The blocks they are stored in have checksums. Bytes that cannot be read
 * beyond that count as no model, and training is due again.
 */
#include "coding.h"

#include <string.h>

#define MODEL_VERSION 1u
/* Of the largest model: two codebooks of 256 centroids for VS_MAX_DIMENSION, padded. */
#define MAX_MODEL_BYTES ((size_t)2 * (VS_MAX_DIMENSION + 256) * VS_PQ_CENTROIDS * sizeof(float))
/* Refused codes are tried again once the index has grown by this factor. */
#define RETRY_GROWTH 4u
/* Codes are trained again when one of so many vectors came after their training. */
#define RETRAIN_SHARE 5u
#define SHARES 10000.0f

void vs_coding_init(vs_coding *c, vs_alloc *a) {
  memset(c, 0, sizeof *c);
  c->a = a;
  c->refused.kind = VS_QUANTIZE_NONE;
  vs_wr_init(&c->model, a);
}

void vs_coding_deinit(vs_coding *c) {
  vs_coding_abandon(c);
  vs_coder_destroy(c->coder);
  vs_wr_deinit(&c->model);
}

size_t vs_coding_bytes(const vs_coding *c) { return c->coder ? c->coder->cls->bytes(c->coder) : 0; }

static bool is_in_force(const vs_coding *c, const vs_index_config *config) {
  return c->coder && c->coder->cls->kind == config->quantization;
}

bool vs_coding_is_refused(const vs_coding *c, const vs_index_config *config, uint32_t count) {
  bool same = vs_coder_same(c->refused.kind, &c->refused.options, config);
  return same && vs_coding_is_trained(c->refused.kind) && count / RETRY_GROWTH < c->refused.count;
}

bool vs_coding_is_other(const vs_coding *c, const vs_index_config *config, uint32_t count) {
  bool other = is_in_force(c, config) && !vs_coder_same(c->coder->cls->kind, &c->coder->options, config);
  return other && count >= VS_TRAIN_FROM && !vs_coding_is_refused(c, config, count);
}

/* -- Training ---------------------------------------------------------- */

bool vs_coding_is_due(const vs_coding *c, const vs_index_config *config, uint32_t count, bool again) {
  if (c->is_training) return true;
  if (!vs_coding_is_trained(config->quantization) || count < VS_TRAIN_FROM) return false;
  if (!is_in_force(c, config)) return again || !vs_coding_is_refused(c, config, count);
  return vs_coding_is_other(c, config, count) || (again && c->n_since >= count / RETRAIN_SHARE);
}

void vs_coding_abandon(vs_coding *c) {
  if (c->is_training) vs_training_end(&c->training);
  c->is_training = false;
}

vs_status vs_coding_train(vs_coding *c, const vs_index_config *config, vs_space *space, const vs_bitset *present,
                          double *budget, bool *passed, bool *done) {
  if (!c->is_training) VS_TRY(vs_training_begin(&c->training, c->a, config, space, present));
  c->is_training = true;
  vs_status status = vs_training_some(&c->training, budget, done);
  if (status != VS_OK) vs_coding_abandon(c);
  if (status != VS_OK || !*done) return status;
  float recall = vs_training_recall(&c->training);
  *passed = recall >= VS_CODER_RECALL;
  if (*passed) return VS_OK;
  c->refused.kind = config->quantization;
  c->refused.options = config->options;
  c->refused.recall = (uint32_t)(recall * SHARES);
  c->refused.count = present->n_set;
  vs_coding_abandon(c);
  return VS_OK;
}

void vs_coding_accept(vs_coding *c) {
  c->coder = c->training.coder;
  c->training.coder = NULL;
  c->n_since = 0;
  c->refused.kind = VS_QUANTIZE_NONE;
  vs_coding_abandon(c);
}

/* -- The model's bytes ------------------------------------------------- */

static void forget_bytes(vs_coding *c) {
  vs_wr_deinit(&c->model);
  vs_wr_init(&c->model, c->a);
  c->model_at = 0;
}

static void encode_whole(vs_coding *c, vs_wr *out) {
  const vs_coder *coder = c->coder;
  const vs_quantization_options *o = coder ? &coder->options : &c->refused.options;
  vs_wr_u8(out, MODEL_VERSION);
  vs_wr_u8(out, (uint8_t)(coder ? coder->cls->kind : c->refused.kind));
  vs_wr_u8(out, coder ? 0 : 1);
  vs_wr_u32(out, coder ? 0 : c->refused.recall);
  vs_wr_u32(out, coder ? c->n_since : c->refused.count);
  vs_wr_u32(out, o->subvectors);
  vs_wr_u32(out, o->centroids);
  vs_wr_u8(out, o->residual);
  if (coder) coder->cls->write(coder, out);
}

void vs_coding_encode_begin(vs_coding *c) { forget_bytes(c); }

vs_status vs_coding_encode(vs_coding *c, vs_wr *out, bool *done) {
  bool none = !c->coder && c->refused.kind == VS_QUANTIZE_NONE;
  if (!none && c->model.n == 0) encode_whole(c, &c->model);
  size_t n = c->model.n - c->model_at;
  if (n > VS_INDEX_CHUNK_BYTES) n = VS_INDEX_CHUNK_BYTES;
  if (n > 0) vs_wr_bytes(out, c->model.p + c->model_at, n);
  c->model_at += (uint32_t)n;
  bool failed = c->model.failed || out->failed;
  *done = c->model_at == c->model.n;
  if (*done || failed) forget_bytes(c);
  return failed ? VS_OUT_OF_MEMORY : VS_OK;
}

vs_status vs_coding_load(vs_coding *c, vs_slice piece) {
  if (piece.n > MAX_MODEL_BYTES - c->model.n) return VS_CORRUPT;
  vs_wr_bytes(&c->model, piece.p, piece.n);
  return c->model.failed ? VS_OUT_OF_MEMORY : VS_OK;
}

/* A coder of the configuration, if it is wanted and reads the rest. */
static vs_status read_coder(vs_coding *c, const vs_index_config *config, uint32_t dim, vs_rd *in, vs_coder **out) {
  vs_coder *coder;
  VS_TRY(vs_coder_create(c->a, config, dim, &coder));
  if (coder->cls->read(coder, in)) {
    *out = coder;
  } else {
    vs_coder_destroy(coder);
  }
  return VS_OK;
}

static vs_status decode(vs_coding *c, const vs_index_config *config, uint32_t dim, vs_rd in, vs_coder **out) {
  vs_index_config saved = *config;
  uint32_t version = vs_rd_u8(&in);
  saved.quantization = (vs_quantization)vs_rd_u8(&in);
  bool refused = vs_rd_u8(&in) != 0;
  uint32_t recall = vs_rd_u32(&in), count = vs_rd_u32(&in);
  saved.options.subvectors = vs_rd_u32(&in);
  saved.options.centroids = vs_rd_u32(&in);
  saved.options.residual = vs_rd_u8(&in) != 0;
  bool sound = !in.failed && version == MODEL_VERSION && vs_coding_is_trained(saved.quantization) &&
               saved.options.centroids != 1 && saved.options.centroids <= VS_PQ_CENTROIDS;
  if (!sound) return VS_OK;
  if (refused) {
    if (recall >= (uint32_t)(VS_CODER_RECALL * SHARES)) return VS_OK;
    c->refused.kind = saved.quantization;
    c->refused.options = saved.options;
    c->refused.recall = recall;
    c->refused.count = count;
    return VS_OK;
  }
  c->n_since = count;
  bool kept = config->quantization == saved.quantization || config->quantization == VS_QUANTIZE_AUTO;
  return c->expected && kept ? read_coder(c, &saved, dim, &in, out) : VS_OK;
}

vs_status vs_coding_decode(vs_coding *c, const vs_index_config *config, uint32_t dim, vs_coder **out) {
  *out = NULL;
  vs_status status = c->model.n > 0 ? decode(c, config, dim, vs_rd_of(c->model.p, c->model.n), out) : VS_OK;
  forget_bytes(c);
  return status;
}
