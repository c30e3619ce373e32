/* embed.c - text to unit vector: tokens, a weighted sum of table rows, one division.
 *
 * Layer: embed (L2). Knows the model and the tokenizer; no storage, no host.
 * SAME BITS EVERYWHERE. Rows and weights are integers and their sums are exact (model.h bounds them), in whatever
 * order a compiler computes them. The length is summed in double, one component after the other; products and sums are
 * kept apart, as fusing them would round once instead of twice. Division and root are exactly rounded by IEEE 754.
 * Arora, Liang and Ma 2017 (weighted means of word vectors); van Dongen and Tulkens 2024 (tables distilled from an
 * encoder).
 */
#include "embed.h"

#include <math.h>
#include <string.h>

#include "../base/bytes.h"
#include "model.h"
#include "wordpiece.h"

struct vs_embedder {
  vs_alloc *alloc;
  vs_model model;
  vs_wordpiece words;
  int32_t sum[VS_MODEL_MAX_DIMENSION];
  uint32_t tokens[VS_MODEL_MAX_TOKENS];
};

vs_status vs_embedder_open(vs_alloc *alloc, const uint8_t *model, size_t n, vs_embedder **out, vs_err *err) {
  vs_model m;
  VS_TRY(vs_model_decode(model, n, &m, err));
  vs_embedder *e = vs_calloc(alloc, 1, sizeof *e);
  if (!e) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the embedder");
  e->alloc = alloc;
  e->model = m;
  vs_status status = vs_wordpiece_init(&e->words, alloc, m.lengths, m.spellings, m.n_tokens, m.unknown, err);
  if (status != VS_OK) {
    vs_free(alloc, e);
    return status;
  }
  *out = e;
  return VS_OK;
}

void vs_embedder_close(vs_embedder *e) {
  if (!e) return;
  vs_wordpiece_deinit(&e->words);
  vs_free(e->alloc, e);
}

uint32_t vs_embedder_dimension(const vs_embedder *e) { return e->model.dimension; }

const char *vs_embedder_name(const vs_embedder *e) { return e->model.name; }

/* sum += weight * row, 16 at a time so that the compiler sees a whole vector. */
static void add_row(int32_t *restrict sum, const int8_t *restrict row, int32_t weight, uint32_t dimension) {
  for (uint32_t d = 0; d < dimension; d += 16)
    for (uint32_t i = 0; i < 16; i++) sum[d + i] += weight * row[d + i];
}

static void scale_to_unit(const int32_t *sum, uint32_t dimension, float *out) {
#pragma STDC FP_CONTRACT OFF
  double squares = 0;
  for (uint32_t i = 0; i < dimension; i++) {
    double square = (double)sum[i] * (double)sum[i];
    squares += square;
  }
  double length = sqrt(squares);
  for (uint32_t i = 0; i < dimension; i++) out[i] = squares > 0 ? (float)((double)sum[i] / length) : 0.0f;
}

uint32_t vs_embedder_embed(vs_embedder *e, const uint8_t *text, size_t n, float *out) {
  uint32_t dimension = e->model.dimension;
  uint32_t n_tokens = vs_wordpiece_tokens(&e->words, text, n, e->tokens, e->model.max_tokens);
  memset(e->sum, 0, dimension * sizeof e->sum[0]);
  for (uint32_t i = 0; i < n_tokens; i++) {
    uint32_t token = e->tokens[i];
    int32_t weight = vs_load_u16(e->model.weights + (size_t)2 * token);
    if (weight != 0) add_row(e->sum, e->model.rows + (size_t)token * dimension, weight, dimension);
  }
  scale_to_unit(e->sum, dimension, out);
  return n_tokens;
}
