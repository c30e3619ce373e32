/* dot_block.c - dot products of four queries with two vectors at once.
 *
 * Layer: kernels (L1), part of the kernel module in WASM: no data, no stack.
 * A multiplication needs 5/4 loads where one query is compared with four vectors,
 * 3/4 here: the loop is bound by arithmetic once the vectors are in a near cache.
 * Eight sums are as many as multiplications are in flight; with twelve (3 x 4)
 * V8 runs out of registers and takes three times as long.
 * Each sum is kept in one register, so results differ in rounding from those of
 * dist_f32_simd.c: callers take them for a sieve (index/scan_many.c).
 */
#include "kernels_f32.h"
#include "lanes.h"

void vs_k_dot_4x2(const float *const q[4], const float *const x[2], uint32_t n, float *out) {
  const float *q0 = q[0], *q1 = q[1], *q2 = q[2], *q3 = q[3], *x0 = x[0], *x1 = x[1];
  lanes a0 = lanes_all(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (uint32_t i = 0; i < n; i += 4) {
    lanes u0 = lanes_load(q0 + i), u1 = lanes_load(q1 + i), u2 = lanes_load(q2 + i), u3 = lanes_load(q3 + i);
    lanes y = lanes_load(x0 + i);
    a0 = lanes_fma(a0, u0, y);
    a1 = lanes_fma(a1, u1, y);
    a2 = lanes_fma(a2, u2, y);
    a3 = lanes_fma(a3, u3, y);
    y = lanes_load(x1 + i);
    b0 = lanes_fma(b0, u0, y);
    b1 = lanes_fma(b1, u1, y);
    b2 = lanes_fma(b2, u2, y);
    b3 = lanes_fma(b3, u3, y);
  }
  out[0] = lanes_sum(a0);
  out[1] = lanes_sum(a1);
  out[2] = lanes_sum(a2);
  out[3] = lanes_sum(a3);
  out[4] = lanes_sum(b0);
  out[5] = lanes_sum(b1);
  out[6] = lanes_sum(b2);
  out[7] = lanes_sum(b3);
}
