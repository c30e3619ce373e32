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

static inline void four_values(const vs_space *s, vs_query q, const uint32_t slot[4], float out[4]) {
  const float *x[4];
  for (uint32_t j = 0; j < 4; j++) x[j] = vs_vectors_at(s->vectors, slot[j]);
  s->kernel.four(q.v, x, s->vectors->padded, out);
  if (s->metric == VS_COSINE) {
    for (uint32_t j = 0; j < 4; j++) out[j] = out[j] * q.scale * x[j][s->vectors->padded];
  }
  for (uint32_t j = 0; j < 4; j++) out[j] = out[j] == out[j] ? out[j] : INFINITY;
}

void vs_space_values(vs_space *s, vs_query q, const uint32_t *slot, uint32_t n, float *out) {
  uint32_t i = 0;
  s->n_distances += n;
  for (; i + 4 <= n; i += 4) four_values(s, q, slot + i, out + i);
  if (i == n) return;
  uint32_t rest[4];
  float value[4];
  for (uint32_t j = 0; j < 4; j++) rest[j] = slot[i + j < n ? i + j : n - 1];
  four_values(s, q, rest, value);
  memcpy(out + i, value, (n - i) * sizeof(*out));
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
