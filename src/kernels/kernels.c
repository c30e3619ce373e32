/* kernels.c - metrics by name, their kernels, and the test a build must pass.
 *
 * Layer: kernels (L1). Knows vectors only as pointers and a length; storage,
 * graphs and norms belong to the layers above.
 * One table per question (name, kernel), indexed by vs_metric.
 */
#include "kernels.h"

#include <math.h>
#include <string.h>

#include "kernels_f32.h"

static const char *const names[VS_METRIC_COUNT] = {
    [VS_COSINE] = "cosine",       [VS_EUCLIDEAN] = "euclidean", [VS_DOT] = "dot",
    [VS_MANHATTAN] = "manhattan", [VS_HAMMING] = "hamming",     [VS_JACCARD] = "jaccard",
    [VS_CHEBYSHEV] = "chebyshev", [VS_CANBERRA] = "canberra",   [VS_BRAYCURTIS] = "braycurtis",
};

static const vs_kernel_f32 kernels[VS_METRIC_COUNT] = {
    [VS_COSINE] = {vs_k_dot_f32, vs_k_dot_f32x4},
    [VS_EUCLIDEAN] = {vs_k_euclidean_f32, vs_k_euclidean_f32x4},
    [VS_DOT] = {vs_k_dot_f32, vs_k_dot_f32x4},
    [VS_MANHATTAN] = {vs_k_manhattan_f32, vs_k_manhattan_f32x4},
    [VS_HAMMING] = {vs_k_hamming_f32, vs_k_hamming_f32x4},
    [VS_JACCARD] = {vs_k_jaccard_f32, vs_k_jaccard_f32x4},
    [VS_CHEBYSHEV] = {vs_k_chebyshev_f32, vs_k_chebyshev_f32x4},
    [VS_CANBERRA] = {vs_k_canberra_f32, vs_k_canberra_f32x4},
    [VS_BRAYCURTIS] = {vs_k_braycurtis_f32, vs_k_braycurtis_f32x4},
};

vs_kernel_f32 vs_kernel_f32_for(vs_metric metric) {
  assert((unsigned)metric < VS_METRIC_COUNT);
  return kernels[metric];
}

const char *vs_metric_name(vs_metric metric) { return (unsigned)metric < VS_METRIC_COUNT ? names[metric] : NULL; }

vs_metric vs_metric_parse(const char *name, size_t n) {
  unsigned metric = 0;
  while (metric < VS_METRIC_COUNT && (strlen(names[metric]) != n || memcmp(names[metric], name, n) != 0)) {
    metric++;
  }
  return (vs_metric)metric;
}

float vs_metric_distance(vs_metric metric, float value) {
  if (metric == VS_COSINE) {
    return 1 + value;
  }
  return metric == VS_EUCLIDEAN ? sqrtf(value) : value;
}

float vs_metric_score(vs_metric metric, float distance) {
  switch (metric) {
  case VS_DOT: return -distance;
  case VS_COSINE:
  case VS_JACCARD:
  case VS_BRAYCURTIS: return 1 - distance;
  default: return 1 / (1 + distance);
  }
}

void vs_dot_4x2(const float *const q[4], const float *const x[2], uint32_t n, float out[8]) {
  vs_k_dot_4x2(q, x, n, out);
}

int32_t vs_dot_i8_i7(const int8_t *a, const int8_t *b, uint32_t n) { return vs_k_dot_i8_i7(a, b, n); }

void vs_code_encode(const float *v, uint32_t dim, uint32_t n, vs_code *out) { vs_k_code_encode(v, dim, n, out); }

void vs_code_values(const vs_code *q, const vs_code *const x[4], uint32_t n, uint32_t dim, bool euclidean,
                    float out[4]) {
  vs_k_code_x4(q, x, n, dim, euclidean, out);
}

void vs_hadamard(float *x, uint32_t n) { vs_k_hadamard(x, n); }

void vs_tables(const float *q, const float *codebook, uint32_t m, uint32_t width, float *products, uint8_t *lut,
               vs_i4_scan *scan) {
  vs_k_tables(q, codebook, m, width, products, lut, scan);
}

uint32_t vs_scan_32(const uint8_t *codes, const uint8_t *lut, uint32_t m, const float *add, const float *factor,
                    const vs_i4_scan *scan, float *out) {
  return vs_k_scan_32(codes, lut, m, add, factor, scan, out);
}

void vs_nearest(const float *x, const float *codebook, const float *half_norms, uint32_t m, uint32_t width,
                uint8_t *code) {
  vs_k_nearest(x, codebook, half_norms, m, width, code);
}

void vs_b1_encode(const float *r, uint32_t n, vs_code_b1 *out) { vs_k_b1_encode(r, n, out); }

void vs_b1_query(const float *r, uint32_t n, vs_query_b1 *out) { vs_k_b1_query(r, n, out); }

void vs_b1_values(const vs_query_b1 *q, const vs_code_b1 *const x[4], uint32_t n, float least, float out[4]) {
  vs_k_b1_values(q, x, n, least, out);
}

void vs_pq_products(const float *x, const float *codebook, uint32_t m, uint32_t width, float *products) {
  vs_k_pq_products(x, codebook, m, width, products);
}

void vs_pq_nearest(const float *products, const float *half_norms, uint32_t m, uint8_t *code) {
  vs_k_pq_nearest(products, half_norms, m, code);
}

void vs_pq_sums(const float *table, const uint8_t *const code[4], uint32_t m, float out[4]) {
  vs_k_pq_sums(table, code, m, out);
}

/* ---- Self-test -------------------------------------------------------------
 * 28 components are one whole turn of the widest loop and a rest. The inputs are
 * small integers, so that every sum below is exact in float in any order; only
 * the three quotients are compared with a tolerance. */

enum { SAMPLE = 28 };

static const float expected[VS_METRIC_COUNT] = {
    [VS_COSINE] = -81,   [VS_EUCLIDEAN] = 527,       [VS_DOT] = -81,
    [VS_MANHATTAN] = 99, [VS_HAMMING] = 11,          [VS_JACCARD] = 1 - 24 / 28.0f,
    [VS_CHEBYSHEV] = 9,  [VS_CANBERRA] = 16.852020f, [VS_BRAYCURTIS] = 99 / 139.0f,
};

static bool close_to(float got, float want) {
  float apart = got - want;
  return (apart < 0 ? -apart : apart) <= 1e-5f * (want < 0 ? -want : want);
}

/* `four` gets three different rows, so that a mixed-up one shows. */
static int failing_f32(void) {
  _Alignas(16) float a[SAMPLE], b[SAMPLE], far[SAMPLE];
  for (int i = 0; i < SAMPLE; i++) {
    a[i] = (float)(i * 7 % 11 - 5);
    b[i] = (float)(i * 5 % 13 - 6);
    far[i] = a[i] + 100;
  }
  const float *const rows[4] = {b, far, a, b};
  for (int m = 0; m < VS_METRIC_COUNT; m++) {
    float out[4];
    kernels[m].four(a, rows, SAMPLE, out);
    bool same_row = close_to(out[0], expected[m]) && close_to(out[3], expected[m]);
    bool own_rows = close_to(out[1], kernels[m].one(a, far, SAMPLE)) && close_to(out[2], kernels[m].one(a, a, SAMPLE));
    if (!close_to(kernels[m].one(a, b, SAMPLE), expected[m]) || !same_row || !own_rows) {
      return 1 + m;
    }
  }
  return 0;
}

static bool dot_i8_ok(void) {
  _Alignas(16) int8_t a[48], b[48];
  int32_t want = 0;
  for (int i = 0; i < 48; i++) {
    a[i] = (int8_t)(i < 16 ? -128 : i * 37 % 256 - 128);
    b[i] = (int8_t)(i < 16 ? 127 : i * 53 % 128);
    want += a[i] * b[i];
  }
  return vs_k_dot_i8_i7(a, b, 16) == -260096 && vs_k_dot_i8_i7(a, b, 48) == want;
}

/* Codes of the same two vectors: within what rounding may cost. */
static bool codes_ok(void) {
  enum { CODES = 32 };
  struct {
    _Alignas(16) float head[4];
    int8_t code[CODES];
  } record[2];
  _Alignas(16) float v[2][SAMPLE];
  for (int i = 0; i < SAMPLE; i++) {
    v[0][i] = (float)(i * 7 % 11 - 5);
    v[1][i] = (float)(i * 5 % 13 - 6);
  }
  const vs_code *rows[4];
  for (int j = 0; j < 4; j++) rows[j] = (const vs_code *)(const void *)&record[1 - j % 2];
  for (int j = 0; j < 2; j++) vs_k_code_encode(v[j], SAMPLE, CODES, (vs_code *)(void *)&record[j]);
  float dot[4], square[4];
  vs_k_code_x4(rows[1], rows, CODES, SAMPLE, 0, dot);
  vs_k_code_x4(rows[1], rows, CODES, SAMPLE, 1, square);
  bool near = dot[0] > -84 && dot[0] < -78 && square[0] > 520 && square[0] < 534 && square[1] < 4;
  return near && dot[0] == dot[2] && square[1] == square[3];
}

int vs_kernels_selftest(void) {
  int failing = failing_f32();
  if (failing != 0) return failing;
  return dot_i8_ok() && codes_ok() ? 0 : 1 + VS_METRIC_COUNT;
}
