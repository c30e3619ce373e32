/* lanes.h - four floats at a time: the handful of vector operations kernels use.
 *
 * Layer: kernels, private to it.
 * WASM gets the intrinsics, with fused multiply-add where the build has relaxed
 * SIMD; every other target gets the compiler's vector extensions, so that the
 * native tests and benchmarks run the same loops. Comparisons give a mask of
 * all ones or all zeros per lane, as a vector of floats to be used in lanes_and.
 */
#ifndef VS_LANES_H
#define VS_LANES_H

#include <stdint.h>

#if defined(__wasm_simd128__)

#include <wasm_simd128.h>

typedef v128_t lanes;

static inline lanes lanes_load(const float *p) { return wasm_v128_load(p); }
static inline lanes lanes_all(float x) { return wasm_f32x4_splat(x); }
static inline lanes lanes_add(lanes a, lanes b) { return wasm_f32x4_add(a, b); }
static inline lanes lanes_sub(lanes a, lanes b) { return wasm_f32x4_sub(a, b); }
static inline lanes lanes_div(lanes a, lanes b) { return wasm_f32x4_div(a, b); }
static inline lanes lanes_abs(lanes a) { return wasm_f32x4_abs(a); }
static inline lanes lanes_greater(lanes a, lanes b) { return wasm_f32x4_gt(a, b); }
static inline lanes lanes_differ(lanes a, lanes b) { return wasm_f32x4_ne(a, b); }
static inline lanes lanes_and(lanes a, lanes b) { return wasm_v128_and(a, b); }
static inline lanes lanes_or(lanes a, lanes b) { return wasm_v128_or(a, b); }
static inline lanes lanes_xor(lanes a, lanes b) { return wasm_v128_xor(a, b); }
/* pmax is one machine instruction where max, with its rules for NaN and -0, is several. */
static inline lanes lanes_max(lanes a, lanes b) { return wasm_f32x4_pmax(a, b); }
static inline float lanes_get(lanes a, int i) {
  return i == 0   ? wasm_f32x4_extract_lane(a, 0)
         : i == 1 ? wasm_f32x4_extract_lane(a, 1)
         : i == 2 ? wasm_f32x4_extract_lane(a, 2)
                  : wasm_f32x4_extract_lane(a, 3);
}

/* sum + a * b */
static inline lanes lanes_fma(lanes sum, lanes a, lanes b) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_madd(a, b, sum);
#else
  return wasm_f32x4_add(sum, wasm_f32x4_mul(a, b));
#endif
}

#else

typedef float lanes __attribute__((vector_size(16)));
typedef int32_t lanes_bits __attribute__((vector_size(16)));

static inline lanes lanes_load(const float *p) { return *(const lanes *)(const void *)p; }
static inline lanes lanes_all(float x) { return (lanes){x, x, x, x}; }
static inline lanes lanes_add(lanes a, lanes b) { return a + b; }
static inline lanes lanes_sub(lanes a, lanes b) { return a - b; }
static inline lanes lanes_div(lanes a, lanes b) { return a / b; }
static inline lanes lanes_and(lanes a, lanes b) { return (lanes)((lanes_bits)a & (lanes_bits)b); }
static inline lanes lanes_or(lanes a, lanes b) { return (lanes)((lanes_bits)a | (lanes_bits)b); }
static inline lanes lanes_xor(lanes a, lanes b) { return (lanes)((lanes_bits)a ^ (lanes_bits)b); }
static inline lanes lanes_abs(lanes a) {
  const lanes_bits sign_off = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
  return (lanes)((lanes_bits)a & sign_off);
}
static inline lanes lanes_greater(lanes a, lanes b) { return (lanes)(lanes_bits)(a > b); }
static inline lanes lanes_differ(lanes a, lanes b) { return (lanes)(lanes_bits)(a != b); }
static inline lanes lanes_max(lanes a, lanes b) {
  lanes_bits larger = (lanes_bits)(b > a);
  return (lanes)((larger & (lanes_bits)b) | (~larger & (lanes_bits)a));
}
static inline lanes lanes_fma(lanes sum, lanes a, lanes b) { return sum + a * b; }
static inline float lanes_get(lanes a, int i) { return a[i]; }

#endif

/* Pairs first: the order every build uses, so that their sums agree. */
static inline float lanes_sum(lanes a) {
  return (lanes_get(a, 0) + lanes_get(a, 2)) + (lanes_get(a, 1) + lanes_get(a, 3));
}

static inline float lanes_largest(lanes a) {
  float x = lanes_get(a, 0) > lanes_get(a, 1) ? lanes_get(a, 0) : lanes_get(a, 1);
  float y = lanes_get(a, 2) > lanes_get(a, 3) ? lanes_get(a, 2) : lanes_get(a, 3);
  return x > y ? x : y;
}

#endif
