/* code_i4.c - 4-bit codes of differences: rotation, the nearest of 16 centroids, and 32 estimates at a time.
 *
 * Layer: kernels (L1), part of the kernel module in WASM: no data, no stack.
 * The arithmetic is specified in kernels.h (4-BIT CODES); what the codes are
 * for is index/turbo.h's. Product quantization with one byte shuffle per
 * table: Andre, Kermarrec, Le Scouarnec, "Cache locality is not enough", VLDB
 * 2015; the layout for many neighbours at once follows NGT-QG and SymphonyQG.
 *
 * ESTIMATES. Table j has 16 entries of 6 bits. One shuffle looks up the codes of
 * 16 neighbours; four tables are added in bytes (4 * 63 < 256) before they are
 * widened. A register of 16-bit sums keeps the even neighbours' bytes low and
 * the odd ones' high: `all` adds both, `odd` the high ones alone, and the even
 * sums are all - (odd << 8). At most 128 tables: 128 * 63 < 2^16.
 */
#include "kernels_f32.h"
#include "lanes.h"

#define BLOCK VS_ROTATION_BLOCK
#define CENTROIDS VS_CENTROIDS
#define LARGEST 63.0f

#if defined(__wasm_simd128__)

typedef v128_t bytes;

static inline lanes swap_pairs(lanes v) { return wasm_i32x4_shuffle(v, v, 2, 3, 0, 1); }
static inline lanes swap_neighbours(lanes v) { return wasm_i32x4_shuffle(v, v, 1, 0, 3, 2); }
static inline lanes times(lanes a, lanes b) { return wasm_f32x4_mul(a, b); }
static inline void store(float *p, lanes v) { wasm_v128_store(p, v); }
static inline lanes four(float a, float b, float c, float d) { return wasm_f32x4_make(a, b, c, d); }
static inline lanes choose(lanes mask, lanes yes, lanes no) { return wasm_v128_bitselect(yes, no, mask); }

/* 16 floats of at least 0 as bytes, rounded down. */
static inline void store_bytes(uint8_t *p, lanes a, lanes b, lanes c, lanes d) {
  v128_t low = wasm_i16x8_narrow_i32x4(wasm_i32x4_trunc_sat_f32x4(a), wasm_i32x4_trunc_sat_f32x4(b));
  v128_t high = wasm_i16x8_narrow_i32x4(wasm_i32x4_trunc_sat_f32x4(c), wasm_i32x4_trunc_sat_f32x4(d));
  wasm_v128_store(p, wasm_u8x16_narrow_i16x8(low, high));
}

static inline bytes look_up(bytes table, bytes index) {
#if defined(__wasm_relaxed_simd__)
  return wasm_i8x16_relaxed_swizzle(table, index);
#else
  return wasm_i8x16_swizzle(table, index);
#endif
}

static inline bytes low_half(bytes x) { return wasm_v128_and(x, wasm_i8x16_splat(15)); }
static inline bytes high_half(bytes x) { return wasm_u8x16_shr(x, 4); }

/* Four tables for 16 neighbours: two rows of 16 bytes. */
static inline bytes four_tables(const uint8_t *row, const uint8_t *lut) {
  bytes a = wasm_v128_load(row), b = wasm_v128_load(row + 16);
  bytes x = wasm_i8x16_add(look_up(wasm_v128_load(lut), low_half(a)), look_up(wasm_v128_load(lut + 16), high_half(a)));
  bytes y =
      wasm_i8x16_add(look_up(wasm_v128_load(lut + 32), low_half(b)), look_up(wasm_v128_load(lut + 48), high_half(b)));
  return wasm_i8x16_add(x, y);
}

/* Estimates of four neighbours from their sums; the mask of those below the limit. */
static inline uint32_t four_estimates(bytes sums, const float *add, const float *factor, vs_i4_scan scan, float *out) {
  lanes product = lanes_fma(lanes_all(scan.least), wasm_f32x4_convert_i32x4(sums), lanes_all(scan.step));
  lanes value = lanes_sub(lanes_add(lanes_all(scan.base), lanes_load(add)), times(lanes_load(factor), product));
  wasm_v128_store(out, value);
  return (uint32_t)wasm_i32x4_bitmask(wasm_f32x4_lt(value, lanes_all(scan.limit)));
}

static inline uint32_t scan_16(const uint8_t *codes, const uint8_t *lut, uint32_t m, const float *add,
                               const float *factor, vs_i4_scan scan, float *out) {
  bytes all = wasm_i32x4_splat(0), odd = all;
  for (uint32_t j = 0; j < m; j += 4, codes += 32, lut += 64) {
    bytes x = four_tables(codes, lut);
    all = wasm_i16x8_add(all, x);
    odd = wasm_i16x8_add(odd, wasm_u16x8_shr(x, 8));
  }
  bytes even = wasm_i16x8_sub(all, wasm_i16x8_shl(odd, 8));
  bytes low = wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
  bytes high = wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
  uint32_t mask = four_estimates(wasm_u32x4_extend_low_u16x8(low), add, factor, scan, out);
  mask |= four_estimates(wasm_u32x4_extend_high_u16x8(low), add + 4, factor + 4, scan, out + 4) << 4;
  mask |= four_estimates(wasm_u32x4_extend_low_u16x8(high), add + 8, factor + 8, scan, out + 8) << 8;
  return mask | four_estimates(wasm_u32x4_extend_high_u16x8(high), add + 12, factor + 12, scan, out + 12) << 12;
}

#else

static inline lanes swap_pairs(lanes v) { return (lanes){v[2], v[3], v[0], v[1]}; }
static inline lanes swap_neighbours(lanes v) { return (lanes){v[1], v[0], v[3], v[2]}; }
static inline lanes times(lanes a, lanes b) { return a * b; }
static inline void store(float *p, lanes v) { *(lanes *)(void *)p = v; }
static inline lanes four(float a, float b, float c, float d) { return (lanes){a, b, c, d}; }
static inline lanes choose(lanes mask, lanes yes, lanes no) {
  return (lanes)(((lanes_bits)mask & (lanes_bits)yes) | (~(lanes_bits)mask & (lanes_bits)no));
}

static inline void store_bytes(uint8_t *p, lanes a, lanes b, lanes c, lanes d) {
  for (int i = 0; i < 4; i++) {
    p[i] = (uint8_t)a[i];
    p[4 + i] = (uint8_t)b[i];
    p[8 + i] = (uint8_t)c[i];
    p[12 + i] = (uint8_t)d[i];
  }
}

static inline uint32_t scan_16(const uint8_t *codes, const uint8_t *lut, uint32_t m, const float *add,
                               const float *factor, vs_i4_scan scan, float *out) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 16; i++) {
    uint32_t sum = 0;
    for (uint32_t j = 0; j < m; j++) sum += lut[16 * j + (codes[j / 2 * 16 + i] >> (j % 2 * 4) & 15)];
    out[i] = scan.base + add[i] - factor[i] * (scan.least + (float)sum * scan.step);
    mask |= (uint32_t)(out[i] < scan.limit) << i;
  }
  return mask;
}

#endif

uint32_t vs_k_scan_32(const uint8_t *codes, const uint8_t *lut, uint32_t m, const float *add, const float *factor,
                      const vs_i4_scan *scan, float *out) {
  vs_i4_scan s = *scan;
  uint32_t low = scan_16(codes, lut, m, add, factor, s, out);
  return low | scan_16(codes + 8 * m, lut, m, add + 16, factor + 16, s, out + 16) << 16;
}

/* One butterfly over a block of 128: pairs `apart` floats from each other, at least 4. */
static inline void butterfly(float *x, uint32_t apart) {
  for (uint32_t i = 0; i < BLOCK; i += 2 * apart) {
    for (uint32_t j = i; j < i + apart; j += 4) {
      lanes a = lanes_load(x + j), b = lanes_load(x + j + apart);
      store(x + j, lanes_add(a, b));
      store(x + j + apart, lanes_sub(a, b));
    }
  }
}

void vs_k_hadamard(float *x, uint32_t n) {
  for (float *end = x + n; x < end; x += BLOCK) {
    for (uint32_t apart = BLOCK / 2; apart >= 4; apart /= 2) butterfly(x, apart);
    for (uint32_t j = 0; j < BLOCK; j += 4) {
      lanes v = lanes_load(x + j);
      v = lanes_add(swap_pairs(v), times(v, four(1, 1, -1, -1)));
      store(x + j, lanes_add(swap_neighbours(v), times(v, four(1, -1, 1, -1))));
    }
  }
}

/* The products of `width` floats with the 16 centroids of one table. */
#define PRODUCTS(x, centroids, width)                                                                                  \
  for (uint32_t t = 0; t < (width); t++) {                                                                             \
    lanes component = lanes_all((x)[t]);                                                                               \
    const float *row = (centroids) + t * CENTROIDS;                                                                    \
    a = lanes_fma(a, component, lanes_load(row));                                                                      \
    b = lanes_fma(b, component, lanes_load(row + 4));                                                                  \
    c = lanes_fma(c, component, lanes_load(row + 8));                                                                  \
    d = lanes_fma(d, component, lanes_load(row + 12));                                                                 \
  }

static inline float smallest(lanes v) { return -lanes_largest(lanes_sub(lanes_all(0), v)); }
static inline lanes lesser(lanes a, lanes b) {
  lanes zero = lanes_all(0);
  return lanes_sub(zero, lanes_max(lanes_sub(zero, a), lanes_sub(zero, b)));
}

void vs_k_tables(const float *q, const float *codebook, uint32_t m, uint32_t width, float *products, uint8_t *lut,
                 vs_i4_scan *scan) {
  float widest = 1e-30f, least = 0;
  for (uint32_t j = 0; j < m; j++, q += width, codebook += width * CENTROIDS) {
    lanes a = lanes_all(0), b = a, c = a, d = a;
    PRODUCTS(q, codebook, width)
    float low = smallest(lesser(lesser(a, b), lesser(c, d)));
    float range = lanes_largest(lanes_max(lanes_max(a, b), lanes_max(c, d))) - low;
    lanes from = lanes_all(low);
    store(products + 16 * j, lanes_sub(a, from));
    store(products + 16 * j + 4, lanes_sub(b, from));
    store(products + 16 * j + 8, lanes_sub(c, from));
    store(products + 16 * j + 12, lanes_sub(d, from));
    widest = range > widest ? range : widest;
    least += low;
  }
  lanes inverse = lanes_all(LARGEST / widest), half = lanes_all(0.5f);
  for (uint32_t j = 0; j < 16 * m; j += 16) {
    const float *p = products + j;
    store_bytes(lut + j, lanes_fma(half, lanes_load(p), inverse), lanes_fma(half, lanes_load(p + 4), inverse),
                lanes_fma(half, lanes_load(p + 8), inverse), lanes_fma(half, lanes_load(p + 12), inverse));
  }
  scan->step = widest / LARGEST;
  scan->least = least;
}

/* Place of the greatest of 16, the first of equals within each lane. */
static inline uint32_t greatest(lanes a, lanes b, lanes c, lanes d) {
  lanes ab = lanes_greater(b, a), cd = lanes_greater(d, c);
  lanes value = choose(ab, b, a), other = choose(cd, d, c);
  lanes place = choose(ab, four(4, 5, 6, 7), four(0, 1, 2, 3));
  lanes further = lanes_greater(other, value);
  place = choose(further, choose(cd, four(12, 13, 14, 15), four(8, 9, 10, 11)), place);
  value = choose(further, other, value);
  float best = lanes_get(value, 0), at = lanes_get(place, 0);
  if (lanes_get(value, 1) > best) best = lanes_get(value, 1), at = lanes_get(place, 1);
  if (lanes_get(value, 2) > best) best = lanes_get(value, 2), at = lanes_get(place, 2);
  if (lanes_get(value, 3) > best) at = lanes_get(place, 3);
  return (uint32_t)at;
}

void vs_k_nearest(const float *x, const float *codebook, const float *half_norms, uint32_t m, uint32_t width,
                  uint8_t *code) {
  for (uint32_t j = 0; j < m; j++, x += width, codebook += width * CENTROIDS, half_norms += CENTROIDS) {
    lanes zero = lanes_all(0);
    lanes a = lanes_sub(zero, lanes_load(half_norms)), b = lanes_sub(zero, lanes_load(half_norms + 4));
    lanes c = lanes_sub(zero, lanes_load(half_norms + 8)), d = lanes_sub(zero, lanes_load(half_norms + 12));
    PRODUCTS(x, codebook, width)
    code[j] = (uint8_t)greatest(a, b, c, d);
  }
}
