/* code_i8.c - distances between vectors rounded to 8 bits a component, and the rounding.
 *
 * Layer: kernels (L1), part of the kernel module in WASM: no data, no stack.
 * The record and its arithmetic are specified in kernels.h (INT8 CODES).
 *
 * THE DOT PRODUCT of codes, I = sum c(q) c(x), is the whole cost. Plain SIMD128
 * widens both to 16 bits and multiplies pairs exactly. Relaxed SIMD has one
 * instruction for 16 products, but its second operand must be 0..127, so the
 * query's codes lose their last bit there: h = (c + 128) >> 1, and
 *   c = 2 h - 127.5 + e with e = +-1/2, hence I ~ 2 sum h c(x) - 127.5 sum c(x).
 * The error of that is a tenth of what rounding to 8 bits costs anyway. All
 * sums stay within int32 for dimensions up to 2^17 (see dot_i8.c).
 *
 * Four records at a time share the query's loads; their four sums and heads are
 * transposed, so that the rest is done once for all four.
 */
#include "kernels_f32.h"
#include "lanes.h"

#define MAX_CODE 127.0f

/* Scale and offset of a vector with the given extremes. The sums of their
 * halves cannot overflow; a spread so small that its inverse does counts as none. */
static inline float code_scale(float least, float most) {
  float half = most * 0.5f - least * 0.5f;
  return MAX_CODE / half <= 1e36f ? half / MAX_CODE : 0;
}
static inline float code_offset(float least, float most) { return most * 0.5f + least * 0.5f; }

#if defined(__wasm_simd128__)

typedef v128_t ints;

static inline ints dot_step(ints sum, const int8_t *x, ints q, ints high) {
#if defined(__wasm_relaxed_simd__)
  (void)high;
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_v128_load(x), q, sum);
#else
  sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(x), q));
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(x + 8), high));
#endif
}

/* The four sums of four registers, in one. */
static inline ints sums(ints a, ints b, ints c, ints d) {
  ints ab = wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
  ints cd = wasm_i32x4_add(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
  return wasm_i32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

static inline lanes real_dots(const vs_code *q, const vs_code *const x[4], uint32_t n) {
  const int8_t *c = q->code, *x0 = x[0]->code, *x1 = x[1]->code, *x2 = x[2]->code, *x3 = x[3]->code;
  ints s0 = wasm_i32x4_splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (uint32_t i = 0; i < n; i += 16) {
#if defined(__wasm_relaxed_simd__)
    ints low = wasm_u8x16_shr(wasm_v128_xor(wasm_v128_load(c + i), wasm_i8x16_splat(-128)), 1), high = low;
#else
    ints low = wasm_i16x8_load8x8(c + i), high = wasm_i16x8_load8x8(c + i + 8);
#endif
    s0 = dot_step(s0, x0 + i, low, high);
    s1 = dot_step(s1, x1 + i, low, high);
    s2 = dot_step(s2, x2 + i, low, high);
    s3 = dot_step(s3, x3 + i, low, high);
  }
  return wasm_f32x4_convert_i32x4(sums(s0, s1, s2, s3));
}

/* The codes of 16 components: rounded to nearest and stored. */
static inline void encode_16(const float *v, lanes offset, lanes inverse, int8_t *out, ints *sum, ints *squares) {
  ints part[4];
  for (int i = 0; i < 4; i++) {
    lanes x = wasm_f32x4_mul(wasm_f32x4_sub(wasm_v128_load(v + 4 * i), offset), inverse);
    part[i] = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(x));
  }
  ints low = wasm_i16x8_narrow_i32x4(part[0], part[1]), high = wasm_i16x8_narrow_i32x4(part[2], part[3]);
  *sum = wasm_i32x4_add(*sum, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_add(low, high)));
  *squares = wasm_i32x4_add(*squares, wasm_i32x4_add(wasm_i32x4_dot_i16x8(low, low), wasm_i32x4_dot_i16x8(high, high)));
  wasm_v128_store(out, wasm_i8x16_narrow_i16x8(low, high));
}

static inline int32_t sum_of(ints a) {
  return wasm_i32x4_extract_lane(a, 0) + wasm_i32x4_extract_lane(a, 1) + wasm_i32x4_extract_lane(a, 2) +
         wasm_i32x4_extract_lane(a, 3);
}

/* The first `whole` components, a multiple of 16. */
static inline void encode_whole(const float *v, uint32_t whole, float offset, float inverse, int8_t *out, int32_t *sum,
                                int32_t *squares) {
  ints a = wasm_i32x4_splat(0), b = a;
  for (uint32_t i = 0; i < whole; i += 16) encode_16(v + i, lanes_all(offset), lanes_all(inverse), out + i, &a, &b);
  *sum = sum_of(a);
  *squares = sum_of(b);
}

/* row k of the result holds lane k of the four rows given */
static inline void transpose(lanes r[4]) {
  lanes a = wasm_i32x4_shuffle(r[0], r[1], 0, 4, 1, 5), b = wasm_i32x4_shuffle(r[2], r[3], 0, 4, 1, 5);
  lanes c = wasm_i32x4_shuffle(r[0], r[1], 2, 6, 3, 7), d = wasm_i32x4_shuffle(r[2], r[3], 2, 6, 3, 7);
  r[0] = wasm_i64x2_shuffle(a, b, 0, 2);
  r[1] = wasm_i64x2_shuffle(a, b, 1, 3);
  r[2] = wasm_i64x2_shuffle(c, d, 0, 2);
  r[3] = wasm_i64x2_shuffle(c, d, 1, 3);
}

static inline lanes lanes_mul(lanes a, lanes b) { return wasm_f32x4_mul(a, b); }
static inline lanes not_nan(lanes a) {
  return wasm_v128_bitselect(a, lanes_all(__builtin_inff()), wasm_f32x4_eq(a, a));
}
static inline void lanes_store(float *p, lanes a) { wasm_v128_store(p, a); }

#else

static inline lanes real_dots(const vs_code *q, const vs_code *const x[4], uint32_t n) {
  lanes out;
  for (int j = 0; j < 4; j++) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) sum += q->code[i] * x[j]->code[i];
    out[j] = (float)sum;
  }
  return out;
}

static inline void encode_whole(const float *v, uint32_t whole, float offset, float inverse, int8_t *out, int32_t *sum,
                                int32_t *squares) {
  *sum = *squares = 0;
  for (uint32_t i = 0; i < whole; i++) {
    out[i] = (int8_t)__builtin_nearbyintf((v[i] - offset) * inverse);
    *sum += out[i];
    *squares += out[i] * out[i];
  }
}

static inline void transpose(lanes r[4]) {
  lanes a[4] = {r[0], r[1], r[2], r[3]};
  for (int k = 0; k < 4; k++) r[k] = (lanes){a[0][k], a[1][k], a[2][k], a[3][k]};
}

static inline lanes lanes_mul(lanes a, lanes b) { return a * b; }
static inline lanes not_nan(lanes a) {
  for (int j = 0; j < 4; j++) a[j] = a[j] == a[j] ? a[j] : __builtin_inff();
  return a;
}
static inline void lanes_store(float *p, lanes a) {
  for (int j = 0; j < 4; j++) p[j] = a[j];
}

#endif

void vs_k_code_x4(const vs_code *q, const vs_code *const x[4], uint32_t n, uint32_t dim, uint32_t euclidean,
                  float out[4]) {
  lanes head[4] = {lanes_load(&x[0]->scale), lanes_load(&x[1]->scale), lanes_load(&x[2]->scale),
                   lanes_load(&x[3]->scale)};
  lanes dots = real_dots(q, x, n);
  transpose(head);
  lanes scale = head[0], offset = head[1], part = head[2], norm = head[3];
#if defined(__wasm_relaxed_simd__)
  dots = lanes_sub(lanes_mul(lanes_mul(scale, lanes_all(2)), dots), lanes_mul(lanes_all(127.5f), part));
#else
  dots = lanes_mul(scale, dots);
#endif
  lanes cross = lanes_mul(lanes_all(q->scale), dots), many = lanes_all((float)dim), value;
  if (euclidean) {
    lanes apart = lanes_sub(lanes_all(q->offset), offset);
    lanes parts = lanes_sub(lanes_all(q->part), part);
    value = lanes_mul(apart, lanes_add(lanes_mul(many, apart), lanes_add(parts, parts)));
    value = lanes_add(value, lanes_sub(lanes_add(lanes_all(q->norm), norm), lanes_add(cross, cross)));
    value = lanes_max(lanes_all(0), value);
  } else {
    lanes own = lanes_add(lanes_mul(many, lanes_all(q->offset)), lanes_all(q->part));
    value = lanes_add(cross, lanes_add(lanes_mul(offset, own), lanes_mul(lanes_all(q->offset), part)));
    value = lanes_sub(lanes_all(0), value);
  }
  lanes_store(out, not_nan(value));
}

/* Least and greatest component. */
static inline void extremes(const float *v, uint32_t dim, float *least, float *most) {
  float low = v[0], high = v[0];
  uint32_t i = 0;
  if (dim >= 4) {
    lanes zero = lanes_all(0), negated = lanes_sub(zero, lanes_load(v)), plain = lanes_load(v);
    for (i = 4; i + 4 <= dim; i += 4) {
      negated = lanes_max(negated, lanes_sub(zero, lanes_load(v + i)));
      plain = lanes_max(plain, lanes_load(v + i));
    }
    low = -lanes_largest(negated);
    high = lanes_largest(plain);
  }
  for (; i < dim; i++) {
    low = v[i] < low ? v[i] : low;
    high = v[i] > high ? v[i] : high;
  }
  *least = low;
  *most = high;
}

void vs_k_code_encode(const float *v, uint32_t dim, uint32_t n, vs_code *out) {
  float least, most;
  extremes(v, dim, &least, &most);
  float scale = code_scale(least, most), offset = code_offset(least, most), inverse = scale > 0 ? 1 / scale : 0;
  int32_t sum, squares;
  uint32_t whole = dim & ~15u, i = whole;
  encode_whole(v, whole, offset, inverse, out->code, &sum, &squares);
  for (; i < dim; i++) {
    float x = (v[i] - offset) * inverse;
    int32_t c = (int32_t)(x + (x < 0 ? -0.5f : 0.5f));
    out->code[i] = (int8_t)c;
    sum += c;
    squares += c * c;
  }
  for (; i < n; i++) out->code[i] = 0;
  out->scale = scale;
  out->offset = offset;
  out->part = scale * (float)sum;
  out->norm = scale * scale * (float)squares;
}
