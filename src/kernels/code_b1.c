/* code_b1.c - vectors as one bit per component, compared with a query of four bits per component.
 *
 * Layer: kernels (L1), part of the kernel module in WASM: no data, no stack.
 * The records and their arithmetic are specified in kernels.h (1-BIT CODES);
 * after Gao and Long, "RaBitQ", SIGMOD 2024: one side is rounded to signs, the
 * other only to 15 steps, which costs next to nothing and needs popcounts only.
 *
 * THE SUM over the set bits b of the query's u in -7..7: with u's bits as four
 * planes p (two's complement), it is |b p0| + 2 |b p1| + 4 |b p2| - 8 |b p3|.
 * Bits of half a byte are counted by a table of 16 entries, one table for each
 * weight, so that a byte gathers the weighted counts of all planes: at most
 * 8 * 7 and at least -8 * 8 of one row, and -128 of two, which a byte holds. The
 * planes lie in halves, low and high, each in 16 bytes, as the tables want them.
 *
 * All results are exact integers, then float operations in one order without
 * fused ones: every build gives the same bits.
 */
#include "kernels_f32.h"
#include "lanes.h"

#define ROW_BITS 128u
#define ROW_BYTES 16u
#define PLANES 4u
#define MOST 7.0f

#if defined(__wasm_simd128__)

typedef v128_t bytes;

static inline lanes times(lanes a, lanes b) { return wasm_f32x4_mul(a, b); }
static inline lanes four(float a, float b, float c, float d) { return wasm_f32x4_make(a, b, c, d); }
static inline lanes from_ints(int32_t a, int32_t b, int32_t c, int32_t d) {
  return wasm_f32x4_convert_i32x4(wasm_i32x4_make(a, b, c, d));
}
static inline void store(float *p, lanes v) { wasm_v128_store(p, v); }
/* Which of four are greater than zero, as four bits. */
static inline uint32_t positive(lanes v) { return wasm_i32x4_bitmask(wasm_f32x4_gt(v, wasm_f32x4_splat(0))); }

static inline bytes count(bytes table, bytes halves, const uint8_t *plane) {
#if defined(__wasm_relaxed_simd__)
  return wasm_i8x16_relaxed_swizzle(table, wasm_v128_and(halves, wasm_v128_load(plane)));
#else
  return wasm_i8x16_swizzle(table, wasm_v128_and(halves, wasm_v128_load(plane)));
#endif
}

/* The weighted counts of a row of 128 bits, in its bytes. */
static inline bytes row_counts(const uint8_t *bits, const uint8_t *plane) {
  const bytes ones = wasm_i8x16_const(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const bytes twos = wasm_i8x16_const(0, 2, 2, 4, 2, 4, 4, 6, 2, 4, 4, 6, 4, 6, 6, 8);
  const bytes fours = wasm_i8x16_const(0, 4, 4, 8, 4, 8, 8, 12, 4, 8, 8, 12, 8, 12, 12, 16);
  const bytes eights = wasm_i8x16_const(0, 8, 8, 16, 8, 16, 16, 24, 8, 16, 16, 24, 16, 24, 24, 32);
  bytes x = wasm_v128_load(bits), low = wasm_v128_and(x, wasm_i8x16_splat(15)), high = wasm_u8x16_shr(x, 4);
  bytes a = wasm_i8x16_add(count(ones, low, plane), count(ones, high, plane + 16));
  bytes b = wasm_i8x16_add(count(twos, low, plane + 32), count(twos, high, plane + 48));
  bytes c = wasm_i8x16_add(count(fours, low, plane + 64), count(fours, high, plane + 80));
  bytes d = wasm_i8x16_add(count(eights, low, plane + 96), count(eights, high, plane + 112));
  return wasm_i8x16_sub(wasm_i8x16_add(wasm_i8x16_add(a, b), c), d);
}

static inline bytes widened(bytes sums) {
  return wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extadd_pairwise_i8x16(sums));
}

static inline int32_t weighted(const uint8_t *bits, const uint8_t *plane, uint32_t n_rows) {
  bytes sum = wasm_i32x4_splat(0);
  uint32_t row = 0;
  for (; row + 2 <= n_rows; row += 2, bits += 2 * ROW_BYTES, plane += 2 * VS_B1_PLANE_BYTES) {
    bytes counts = wasm_i8x16_add(row_counts(bits, plane), row_counts(bits + ROW_BYTES, plane + VS_B1_PLANE_BYTES));
    sum = wasm_i32x4_add(sum, widened(counts));
  }
  if (row < n_rows) sum = wasm_i32x4_add(sum, widened(row_counts(bits, plane)));
  return wasm_i32x4_extract_lane(sum, 0) + wasm_i32x4_extract_lane(sum, 1) + wasm_i32x4_extract_lane(sum, 2) +
         wasm_i32x4_extract_lane(sum, 3);
}

#else

static inline lanes times(lanes a, lanes b) { return a * b; }
static inline lanes four(float a, float b, float c, float d) { return (lanes){a, b, c, d}; }
static inline lanes from_ints(int32_t a, int32_t b, int32_t c, int32_t d) {
  return (lanes){(float)a, (float)b, (float)c, (float)d};
}
static inline void store(float *p, lanes v) { *(lanes *)(void *)p = v; }
static inline uint32_t positive(lanes v) {
  return (v[0] > 0 ? 1u : 0u) | (v[1] > 0 ? 2u : 0u) | (v[2] > 0 ? 4u : 0u) | (v[3] > 0 ? 8u : 0u);
}

static inline uint64_t word_at(const uint8_t *p) {
  uint64_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}

static inline int32_t weighted(const uint8_t *bits, const uint8_t *plane, uint32_t n_rows) {
  const uint64_t halves = 0x0f0f0f0f0f0f0f0fu;
  int32_t sum = 0;
  for (uint32_t row = 0; row < n_rows; row++, bits += ROW_BYTES, plane += VS_B1_PLANE_BYTES) {
    for (uint32_t at = 0; at < ROW_BYTES; at += 8) {
      uint64_t low = word_at(bits + at) & halves, high = word_at(bits + at) >> 4 & halves;
      for (uint32_t j = 0; j < PLANES; j++) {
        const uint8_t *p = plane + 2 * j * ROW_BYTES + at;
        int32_t n = __builtin_popcountll(low & word_at(p)) + __builtin_popcountll(high & word_at(p + ROW_BYTES));
        sum += j == PLANES - 1 ? -n * 8 : n << j;
      }
    }
  }
  return sum;
}

#endif

void vs_k_b1_encode(const float *r, uint32_t n, vs_code_b1 *out) {
  lanes size = lanes_all(0), square = lanes_all(0);
  for (uint32_t i = 0; i < n; i += 8) {
    lanes a = lanes_load(r + i), b = lanes_load(r + i + 4);
    out->bits[i / 8] = (uint8_t)(positive(a) | positive(b) << 4);
    size = lanes_add(size, lanes_add(lanes_abs(a), lanes_abs(b)));
    square = lanes_add(square, lanes_add(times(a, a), times(b, b)));
  }
  out->add = lanes_sum(size);
  out->factor = lanes_sum(square);
}

/* The query's component in steps, rounded to nearest. */
static inline int32_t steps_of(float x, float inverse) {
  float y = x * inverse;
  return (int32_t)(y + (y < 0 ? -0.5f : 0.5f));
}

void vs_k_b1_query(const float *r, uint32_t n, vs_query_b1 *out) {
  lanes most = lanes_all(0);
  for (uint32_t i = 0; i < n; i += 4) most = lanes_max(most, lanes_abs(lanes_load(r + i)));
  float largest = lanes_largest(most), inverse = MOST / largest;
  if (!(inverse <= 1e36f)) largest = inverse = 0;
  int32_t sum = 0;
  for (uint32_t i = 0; i < n; i += 8) {
    uint32_t plane[PLANES] = {0, 0, 0, 0};
    for (uint32_t b = 0; b < 8; b++) {
      int32_t u = steps_of(r[i + b], inverse);
      sum += u;
      plane[0] |= ((uint32_t)u & 1) << b;
      plane[1] |= ((uint32_t)u >> 1 & 1) << b;
      plane[2] |= ((uint32_t)u >> 2 & 1) << b;
      plane[3] |= ((uint32_t)u >> 3 & 1) << b;
    }
    uint8_t *p = out->plane + i / ROW_BITS * VS_B1_PLANE_BYTES + i % ROW_BITS / 8;
    for (uint32_t j = 0; j < PLANES; j++) {
      p[2 * j * ROW_BYTES] = (uint8_t)(plane[j] & 15);
      p[(2 * j + 1) * ROW_BYTES] = (uint8_t)(plane[j] >> 4);
    }
  }
  out->step = largest / MOST;
  out->sum = sum;
}

void vs_k_b1_values(const vs_query_b1 *q, const vs_code_b1 *const x[4], uint32_t n, float least, float out[4]) {
  uint32_t n_rows = n / ROW_BITS;
  int32_t a = weighted(x[0]->bits, q->plane, n_rows), b = weighted(x[1]->bits, q->plane, n_rows);
  int32_t c = weighted(x[2]->bits, q->plane, n_rows), d = weighted(x[3]->bits, q->plane, n_rows);
  lanes signs = from_ints(2 * a - q->sum, 2 * b - q->sum, 2 * c - q->sum, 2 * d - q->sum);
  lanes factor = four(x[0]->factor, x[1]->factor, x[2]->factor, x[3]->factor);
  lanes add = four(x[0]->add, x[1]->add, x[2]->add, x[3]->add);
  lanes product = times(factor, times(lanes_all(q->step), signs));
  lanes value = lanes_add(lanes_all(q->base), lanes_sub(add, product));
  store(out, lanes_max(lanes_all(least), value));
}
