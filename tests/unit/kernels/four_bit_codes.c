/* 4-bit codes: the rotation keeps lengths and products, the nearest centroid is
 * the nearest, tables approximate the products, and 32 estimates are what adding
 * up table entries one by one gives. References are naive and in double. */
#include "../../../src/base/rng.h"
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <math.h>

enum { MAX = 512 };

static _Alignas(16) float x[MAX], y[MAX], codebook[16 * MAX],
    half_norms[16 * VS_MAX_PIECES], products[16 * VS_MAX_PIECES];
static _Alignas(16) uint8_t lut[16 * VS_MAX_PIECES], codes[16 * VS_MAX_PIECES];

static float number(vs_rng *r) { return 2 * vs_rng_f32(r) - 1; }

static double dot(const float *a, const float *b, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static void hadamard(vs_rng *r) {
  for (uint32_t n = 128; n <= 384; n += 128) {
    double first = 0;
    for (uint32_t i = 0; i < n; i++) {
      x[i] = number(r);
      y[i] = number(r);
      if (i < 128) first += (double)x[i];
    }
    double length = dot(x, x, n), both = dot(x, y, n);
    vs_hadamard(x, n);
    vs_hadamard(y, n);
    bool kept = fabs(dot(x, x, n) / 128 - length) < 1e-4 * length && fabs(dot(x, y, n) / 128 - both) < 1e-4 * length;
    ok(kept && fabs((double)x[0] - first) < 1e-4, "%u floats: products are 128 times what they were", n);
    vs_hadamard(x, n);
    ok(fabs(dot(x, x, n) / 16384 - length) < 1e-4 * length, "  and twice gives 128 times the vector");
  }
}

static double from_centroid(uint32_t j, uint32_t width, uint32_t k) {
  double sum = 0;
  for (uint32_t t = 0; t < width; t++) {
    double d = (double)x[j * width + t] - (double)codebook[(j * width + t) * 16 + k];
    sum += d * d;
  }
  return sum;
}

static void fill(vs_rng *r, uint32_t m, uint32_t width) {
  for (uint32_t i = 0; i < m * width; i++) {
    x[i] = number(r);
    for (uint32_t k = 0; k < 16; k++) codebook[i * 16 + k] = number(r);
  }
  for (uint32_t j = 0; j < m; j++) {
    for (uint32_t k = 0; k < 16; k++) {
      half_norms[j * 16 + k] = 0;
      for (uint32_t t = 0; t < width; t++) {
        float c = codebook[(j * width + t) * 16 + k];
        half_norms[j * 16 + k] += c * c / 2;
      }
    }
  }
}

static void nearest(vs_rng *r, uint32_t m, uint32_t width) {
  uint8_t code[VS_MAX_PIECES];
  bool good = true;
  fill(r, m, width);
  vs_nearest(x, codebook, half_norms, m, width, code);
  for (uint32_t j = 0; j < m; j++) {
    for (uint32_t k = 0; k < 16; k++) {
      good = good && code[j] < 16 && from_centroid(j, width, code[j]) <= from_centroid(j, width, k) + 1e-5;
    }
  }
  ok(good, "%u pieces of %u: no centroid is nearer than the chosen one", m, width);
}

static void scan(vs_rng *r, uint32_t m, uint32_t width) {
  _Alignas(16) float add[32], factor[32], out[32];
  vs_i4_scan s = {.base = 0.5f, .limit = 0.25f};
  bool tables = true, sums = true, mask = true, close = true;
  fill(r, m, width);
  vs_tables(x, codebook, m, width, products, lut, &s);
  for (uint32_t i = 0; i < 16 * m; i++) tables = tables && lut[i] <= 63;
  for (uint32_t i = 0; i < 16 * m; i++) codes[i] = (uint8_t)vs_rng_below(r, 256);
  for (uint32_t i = 0; i < 32; i++) {
    add[i] = i == 5 ? INFINITY : number(r);
    factor[i] = 0.1f * vs_rng_f32(r);
  }
  uint32_t below = vs_scan_32(codes, lut, m, add, factor, &s, out);
  for (uint32_t i = 0; i < 32; i++) {
    const uint8_t *group = codes + i / 16 * 8 * m;
    double sum = 0, exact = 0;
    for (uint32_t j = 0; j < m; j++) {
      uint32_t k = group[j / 2 * 16 + i % 16] >> (j % 2 * 4) & 15;
      sum += lut[j * 16 + k];
      for (uint32_t t = 0; t < width; t++) {
        exact += (double)x[j * width + t] * (double)codebook[(j * width + t) * 16 + k];
      }
    }
    double product = (double)s.least + sum * (double)s.step;
    double want = (double)s.base + (double)add[i] - (double)factor[i] * product;
    close = close && fabs(product - exact) <= 0.51 * (double)s.step * m;
    sums = sums && (i == 5 ? out[i] == INFINITY : fabs((double)out[i] - want) < 1e-4 * (1 + fabs(want)));
    mask = mask && (below >> i & 1) == (out[i] < s.limit);
  }
  ok(tables && close, "%u pieces of %u: tables have 6 bits and are within half a step", m, width);
  ok(sums && mask, "  32 estimates and their mask are right");
}

int main(void) {
  const char *text = getenv("VS_SEED");
  vs_rng r = {text ? strtoull(text, NULL, 10) : 1};
  hadamard(&r);
  const uint32_t shape[][2] = {{4, 2}, {64, 2}, {96, 4}, {112, 4}, {128, 4}};
  for (int i = 0; i < 5; i++) {
    nearest(&r, shape[i][0], shape[i][1]);
    scan(&r, shape[i][0], shape[i][1]);
  }
  return tap_done();
}
