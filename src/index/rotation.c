/* rotation.c - a random rotation of vectors (see rotation.h).
 *
 * Layer: index (L2), internal; knows no vectors but those it is given.
 */
#include "rotation.h"

#include "../base/rng.h"

#include <math.h>

/* Any; images depend on it, as the codebooks in them are of rotated vectors. */
#define SIGN_SEED 0x7475726b6f646573u

vs_status vs_rotation_init(vs_rotation *r, vs_alloc *a, uint32_t dim) {
  vs_rng rng = {SIGN_SEED};
  float scale = 1 / sqrtf((float)VS_ROTATION_BLOCK);
  r->n = (dim + VS_ROTATION_BLOCK - 1) / VS_ROTATION_BLOCK * VS_ROTATION_BLOCK;
  r->sign = vs_malloc(a, 2 * (size_t)r->n * sizeof(float));
  if (!r->sign) return VS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < 2 * r->n; i++) r->sign[i] = vs_rng_below(&rng, 2) ? scale : -scale;
  return VS_OK;
}

void vs_rotation_deinit(vs_rotation *r, vs_alloc *a) {
  vs_free(a, r->sign);
  r->sign = NULL;
}

void vs_rotate(const vs_rotation *r, float *x, float *out) {
  uint32_t n_blocks = r->n / VS_ROTATION_BLOCK;
  const float *first = r->sign, *second = r->sign + r->n;
  for (uint32_t i = 0; i < r->n; i++) x[i] *= first[i];
  vs_hadamard(x, r->n);
  for (uint32_t b = 0; b < n_blocks; b++) {
    for (uint32_t i = 0; i < VS_ROTATION_BLOCK; i += 4) {
      uint32_t from = b * VS_ROTATION_BLOCK + i, to = i * n_blocks + 4 * b;
      for (uint32_t j = 0; j < 4; j++) out[to + j] = x[from + j] * second[from + j];
    }
  }
  vs_hadamard(out, r->n);
}
