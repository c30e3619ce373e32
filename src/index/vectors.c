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

typedef float float4 __attribute__((vector_size(16)));
typedef double double2 __attribute__((vector_size(16)));

/* Copies n floats, a multiple of 4, and gives the sum of their squares. In
 * double, so that no finite float vector overflows it or vanishes in it; a NaN
 * or an infinity among the values stays visible in it. */
static double copy_squared(float *to, const uint8_t *from, uint32_t n) {
  double2 low = {0, 0}, high = {0, 0};
  for (uint32_t i = 0; i < n; i += 4) {
    float4 x;
    memcpy(&x, from + (size_t)i * sizeof(float), sizeof x);
    memcpy(to + i, &x, sizeof x);
    double2 a = __builtin_convertvector(__builtin_shufflevector(x, x, 0, 1), double2);
    double2 b = __builtin_convertvector(__builtin_shufflevector(x, x, 2, 3), double2);
    low += a * a;
    high += b * b;
  }
  return (low[0] + high[0]) + (low[1] + high[1]);
}

/* The inverse of a subnormal norm would be infinite as a float; the largest
 * float stands in for it and keeps products finite. */
static float inverse_root(double sum) {
  if (sum == 0) return 0;
  double inverse = 1 / sqrt(sum);
  return inverse > (double)FLT_MAX ? FLT_MAX : (float)inverse;
}

bool vs_vectors_set(vs_vectors *v, uint32_t slot, const void *values) {
  float *x = vs_blocks_at(&v->blocks, slot), tail[4] = {0, 0, 0, 0};
  uint32_t whole = v->dim & ~3u;
  double sum = copy_squared(x, values, whole);
  if (whole < v->padded) {
    memcpy(tail, (const uint8_t *)values + (size_t)whole * sizeof(float), (v->dim - whole) * sizeof(float));
    sum += copy_squared(x + whole, (const uint8_t *)tail, 4);
  }
  x[v->padded] = inverse_root(sum);
  for (uint32_t i = 1; i < 4; i++) x[v->padded + i] = 0;
  return sum <= DBL_MAX;
}
