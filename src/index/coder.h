/* coder.h - codes that have to be trained: what every kind of them can do.
 *
 * Layer: index (L2), internal. A coder is a model trained on a sample of the
 * vectors (training.c) and the arithmetic on its codes. Its records lie where
 * 8-bit codes do, at the start of the graph's blocks, and space.c makes and
 * compares them. Unlike 8-bit codes they are compared with queries only, never
 * with each other: so the graph is built on full vectors and walked on codes.
 *
 * A coder holds the query it was asked last (`ask`), which `values` compares;
 * there is one at a time.
 */
#ifndef VS_CODER_H
#define VS_CODER_H

#include "../base/bytes.h"
#include "index.h"
#include "vectors.h"

typedef struct vs_coder vs_coder;

/* What a model is trained on: slots of vectors, which stay as they are meanwhile. */
typedef struct {
  const vs_vectors *vectors; /* borrowed */
  const uint32_t *slot;      /* borrowed */
  uint32_t n;
  bool unit; /* vectors count as normalised */
  uint64_t seed;
} vs_sample;

typedef struct {
  vs_quantization kind;
  /* Codes that a search makes besides those it looks at, while some are late. */
  uint32_t late;
  double code_cost; /* of making a code, in distances */
  /* Goes on with the training for about *budget distances; *done when the model is complete. */
  vs_status (*train)(vs_coder *c, const vs_sample *sample, double *budget, bool *done);
  /* Writes the record of x * scale. */
  void (*encode)(vs_coder *c, const float *x, float scale, void *record);
  /* The query is now q, of length 1 for cosine. */
  void (*ask)(vs_coder *c, const float *q);
  /* Values of four records, lower = nearer, never NaN. */
  void (*values)(const vs_coder *c, const void *const record[4], float out[4]);
  void (*write)(const vs_coder *c, vs_wr *out);
  /* False: malformed. The coder was made for the same configuration. */
  bool (*read)(vs_coder *c, vs_rd *in);
  size_t (*bytes)(const vs_coder *c);
  void (*destroy)(vs_coder *c);
} vs_coder_class;

struct vs_coder {
  const vs_coder_class *cls;
  vs_alloc *a;
  vs_metric metric; /* cosine, dot or euclidean */
  uint32_t dim;
  uint32_t record_bytes;           /* a multiple of 4 */
  vs_quantization_options options; /* it was made for */
};

/* An untrained coder of the configured kind, which is a trained one. */
VS_MUST_USE vs_status vs_coder_create(vs_alloc *a, const vs_index_config *config, uint32_t dim, vs_coder **out);
static inline void vs_coder_destroy(vs_coder *c) {
  if (c) c->cls->destroy(c);
}
/* Whether codes of that kind with those options are what the configuration asks for. */
bool vs_coder_same(vs_quantization kind, const vs_quantization_options *options, const vs_index_config *config);

/* The i-th of a sample, scaled, with zeros up to n floats. */
void vs_sample_copy(const vs_sample *sample, uint32_t i, float *out, uint32_t n);

VS_MUST_USE vs_status vs_binary_create(vs_alloc *a, vs_metric metric, uint32_t dim, vs_coder **out);
VS_MUST_USE vs_status vs_pq_create(vs_alloc *a, vs_metric metric, uint32_t dim, const vs_quantization_options *options,
                                   vs_coder **out);

#endif
