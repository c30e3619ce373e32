/* vectors.c - keeping the full-precision vectors.
 *
 * Layer: index (L2); knows neither records nor graphs. An item is the padded
 * vector, its inverse norm, and filler up to a multiple of 16 bytes, so that
 * every vector is aligned for SIMD loads. Setting a slot is O(dim).
 */
#include "vectors.h"

#include <float.h>
#include <math.h>
#include <string.h>

void vs_vectors_init(vs_vectors *v, vs_alloc *a, uint32_t dim) {
  assert(dim >= 1 && dim <= VS_MAX_DIMENSION);
  v->dim = dim;
  v->padded = (dim + 3u) & ~3u;
  vs_blocks_init(&v->blocks, a, (v->padded + 4u) * (uint32_t)sizeof(float));
  v->blocks.raw = true; /* vs_vectors_set writes whole items */
}

void vs_vectors_deinit(vs_vectors *v) { vs_blocks_deinit(&v->blocks); }

vs_status vs_vectors_reserve(vs_vectors *v, uint32_t n_slots) { return vs_blocks_reserve(&v->blocks, n_slots); }

/* The sum is in double, so that no finite float vector overflows it or
 * vanishes in it; a NaN or an infinity among the values stays visible in it.
 * Four sums, because one would wait for the addition before. */
static double sum_of_squares(const float *x, uint32_t padded) {
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (uint32_t i = 0; i < padded; i += 4) {
    s0 += (double)x[i] * (double)x[i];
    s1 += (double)x[i + 1] * (double)x[i + 1];
    s2 += (double)x[i + 2] * (double)x[i + 2];
    s3 += (double)x[i + 3] * (double)x[i + 3];
  }
  return (s0 + s1) + (s2 + s3);
}

/* The inverse of a subnormal norm would be infinite as a float; the largest
 * float stands in for it and keeps products finite. */
static float inverse_root(double sum) {
  if (sum == 0) return 0;
  double inverse = 1 / sqrt(sum);
  return inverse > (double)FLT_MAX ? FLT_MAX : (float)inverse;
}

bool vs_vectors_set(vs_vectors *v, uint32_t slot, const void *values) {
  float *x = vs_blocks_at(&v->blocks, slot);
  memcpy(x, values, v->dim * sizeof(float));
  for (uint32_t i = v->dim; i < v->padded; i++) x[i] = 0;
  double sum = sum_of_squares(x, v->padded);
  x[v->padded] = inverse_root(sum);
  for (uint32_t i = 1; i < 4; i++) x[v->padded + i] = 0;
  return sum <= DBL_MAX;
}
