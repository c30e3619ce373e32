/* space.c - distances between stored vectors and queries (see space.h).
 *
 * Layer: index (L2); knows no graph. Cost: n distances of `dim` operations.
 */
#include "space.h"

#include <math.h>
#include <string.h>

#define CACHE_LINE_BYTES 64u

void vs_space_init(vs_space *s, const vs_vectors *vectors, vs_metric metric) {
  s->vectors = vectors;
  s->kernel = vs_kernel_f32_for(metric);
  s->metric = metric;
  s->n_distances = 0;
  s->sink = 0;
}

vs_query vs_space_query(const vs_space *s, const void *values, float *buffer) {
  uint32_t dim = s->vectors->dim, padded = s->vectors->padded;
  memcpy(buffer, values, dim * sizeof(float));
  for (uint32_t i = dim; i < padded; i++) buffer[i] = 0;
  if (s->metric == VS_COSINE) {
    double sum = 0;
    for (uint32_t i = 0; i < dim; i++) sum += (double)buffer[i] * (double)buffer[i];
    double inverse = sum > 0 ? 1 / sqrt(sum) : 0;
    for (uint32_t i = 0; i < dim; i++) buffer[i] = (float)((double)buffer[i] * inverse);
  }
  return (vs_query){buffer, 1};
}

vs_query vs_space_query_slot(const vs_space *s, uint32_t slot) {
  const float *v = vs_vectors_at(s->vectors, slot);
  return (vs_query){v, s->metric == VS_COSINE ? v[s->vectors->padded] : 1};
}

void vs_space_values(vs_space *s, vs_query q, const uint32_t *slot, uint32_t n, float *out) {
  const vs_vectors *vectors = s->vectors;
  uint32_t padded = vectors->padded;
  s->n_distances += n;
  for (uint32_t i = 0; i < n; i += 4) {
    uint32_t m = n - i < 4 ? n - i : 4;
    const float *x[4];
    float value[4];
    for (uint32_t j = 0; j < 4; j++) x[j] = vs_vectors_at(vectors, slot[i + (j < m ? j : m - 1)]);
    s->kernel.four(q.v, x, padded, value);
    for (uint32_t j = 0; j < m; j++) {
      float v = s->metric == VS_COSINE ? value[j] * q.scale * x[j][padded] : value[j];
      out[i + j] = v == v ? v : INFINITY;
    }
  }
}

void vs_space_touch(vs_space *s, const uint32_t *slot, uint32_t n) {
  uint32_t bytes = s->vectors->blocks.item_bytes, sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t *p = (const uint8_t *)vs_vectors_at(s->vectors, slot[i]);
    for (uint32_t at = 0; at < bytes; at += CACHE_LINE_BYTES) {
      uint32_t word;
      memcpy(&word, p + at, sizeof(word));
      sum ^= word;
    }
  }
  s->sink = sum;
}
