/* rotation.h - a fixed random rotation of vectors, so that no direction of the data is special.
 *
 * Layer: index (L2), internal. Twice: random signs and a Hadamard transform of
 * each 128 floats, the blocks dealt out to each other in between. O(n) additions
 * by 7. Lengths and products stay what they are, apart from rounding.
 */
#ifndef VS_ROTATION_H
#define VS_ROTATION_H

#include "../base/alloc.h"
#include "../kernels/kernels.h"

typedef struct {
  uint32_t n;  /* floats, a multiple of 128 */
  float *sign; /* 2n: of both rounds, scaled */
} vs_rotation;

/* Floats that a vector of that dimension has once rotated. */
static inline uint32_t vs_rotation_floats(uint32_t dim) {
  return (dim + VS_ROTATION_BLOCK - 1) / VS_ROTATION_BLOCK * VS_ROTATION_BLOCK;
}
/* The same rotation for the same dimension, everywhere. */
VS_MUST_USE vs_status vs_rotation_init(vs_rotation *r, vs_alloc *a, uint32_t dim);
void vs_rotation_deinit(vs_rotation *r, vs_alloc *a);
/* Rotates x (n floats, zeros from the dimension on) into out; x is used up. Both 16-byte aligned. */
void vs_rotation_apply(const vs_rotation *r, float *x, float *out);

#endif
