/* dot_i8.c - the exact integer dot product of 8-bit codes.
 *
 * Layer: kernels (L1), part of the kernel module in WASM: no data, no stack.
 * The second operand is 0..127: relaxed SIMD lets a machine read it as signed
 * or unsigned, and only 7-bit values mean the same in both. Each product sum
 * of two stays within int16 then, (-128 * 127) * 2 = -32512, so the relaxed
 * instruction cannot saturate either, and every build gives the same integer.
 * A total stays within int32 for any dimension up to 2^17.
 */
#include "kernels_f32.h"

#if defined(__wasm_simd128__)

#include <wasm_simd128.h>

static inline v128_t dot_step(v128_t sum, v128_t a, v128_t b) {
#if defined(__wasm_relaxed_simd__)
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(a, b, sum);
#else
  sum = wasm_i32x4_add(sum, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extmul_low_i8x16(a, b)));
  return wasm_i32x4_add(sum, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extmul_high_i8x16(a, b)));
#endif
}

int32_t vs_k_dot_i8_i7(const int8_t *a, const int8_t *b, uint32_t n) {
  v128_t even = wasm_i32x4_splat(0), odd = wasm_i32x4_splat(0);
  const int8_t *end = a + n;
  for (const int8_t *whole = a + (n & ~31u); a < whole; a += 32, b += 32) {
    even = dot_step(even, wasm_v128_load(a), wasm_v128_load(b));
    odd = dot_step(odd, wasm_v128_load(a + 16), wasm_v128_load(b + 16));
  }
  if (a < end) {
    even = dot_step(even, wasm_v128_load(a), wasm_v128_load(b));
  }
  v128_t sum = wasm_i32x4_add(even, odd);
  return wasm_i32x4_extract_lane(sum, 0) + wasm_i32x4_extract_lane(sum, 1) + wasm_i32x4_extract_lane(sum, 2) +
         wasm_i32x4_extract_lane(sum, 3);
}

#else

int32_t vs_k_dot_i8_i7(const int8_t *a, const int8_t *b, uint32_t n) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

#endif
