/* rotation.h - a random rotation that makes all components of vectors alike.
 *
 * Layer: index (L2), internal. Codes of few bits need components that share one
 * scale, whatever the data. Twice: random signs and a Hadamard transform of
 * each 128 floats, with the blocks dealt out to each other in between; lengths
 * and products stay. O(n log 128). Ailon and Chazelle, the fast
 * Johnson-Lindenstrauss transform, without its last step.
 */
#ifndef VS_ROTATION_H
#define VS_ROTATION_H

#include "../base/alloc.h"
#include "../kernels/kernels.h"

typedef struct {
  uint32_t n;  /* floats, a multiple of 128 */
  float *sign; /* owned, 2n: the signs of both rounds, scaled */
} vs_rotation;

/* Of vectors of that dimension, zeros from there on. Always the same one. */
VS_MUST_USE vs_status vs_rotation_init(vs_rotation *r, vs_alloc *a, uint32_t dim);
void vs_rotation_deinit(vs_rotation *r, vs_alloc *a);
/* Rotates x (n floats, 16-byte aligned) into out; x is used up. */
void vs_rotate(const vs_rotation *r, float *x, float *out);

#endif
