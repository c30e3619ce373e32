/* dist_f32_scalar.c - the specification of the distance kernels.
 *
 * Layer: kernels (L1). Written to be read against the table in kernels.h:
 * one component at a time, sums in double, no tricks. Tests compare every
 * other implementation with it; the linked engine does not contain it.
 */
#include "kernels.h"

static double size(double x) { return x < 0 ? -x : x; }

static float spec_dot(const float *a, const float *b, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    sum += (double)a[i] * (double)b[i];
  }
  return (float)-sum;
}

static float spec_euclidean(const float *a, const float *b, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    double d = (double)a[i] - (double)b[i];
    sum += d * d;
  }
  return (float)sum;
}

static float spec_manhattan(const float *a, const float *b, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    sum += size((double)a[i] - (double)b[i]);
  }
  return (float)sum;
}

static float spec_chebyshev(const float *a, const float *b, uint32_t n) {
  double largest = 0;
  for (uint32_t i = 0; i < n; i++) {
    double d = size((double)a[i] - (double)b[i]);
    largest = d > largest ? d : largest;
  }
  return (float)largest;
}

static float spec_canberra(const float *a, const float *b, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    double both = size((double)a[i]) + size((double)b[i]);
    sum += both > 0 ? size((double)a[i] - (double)b[i]) / both : 0;
  }
  return (float)sum;
}

static float spec_braycurtis(const float *a, const float *b, uint32_t n) {
  double apart = 0, together = 0;
  for (uint32_t i = 0; i < n; i++) {
    apart += size((double)a[i] - (double)b[i]);
    together += size((double)a[i] + (double)b[i]);
  }
  if (apart <= 0) {
    return 0;
  }
  return together > 0 ? (float)(apart / together) : __builtin_inff();
}

static float spec_hamming(const float *a, const float *b, uint32_t n) {
  uint32_t unlike = 0;
  for (uint32_t i = 0; i < n; i++) {
    unlike += (a[i] > 0.5f) != (b[i] > 0.5f);
  }
  return (float)unlike;
}

static float spec_jaccard(const float *a, const float *b, uint32_t n) {
  uint32_t both = 0, either = 0;
  for (uint32_t i = 0; i < n; i++) {
    bool in_a = a[i] < 0 || a[i] > 0;
    bool in_b = b[i] < 0 || b[i] > 0;
    both += in_a && in_b;
    either += in_a || in_b;
  }
  return either == 0 ? 0 : (float)(1.0 - (double)both / (double)either);
}

/* The batched shape is four times the single one, by definition. */
#define DEFINE_FOUR(op)                                                                                                \
  static void spec_##op##_x4(const float *q, const float *const x[4], uint32_t n, float out[4]) {                      \
    for (int j = 0; j < 4; j++) {                                                                                      \
      out[j] = spec_##op(q, x[j], n);                                                                                  \
    }                                                                                                                  \
  }
DEFINE_FOUR(dot)
DEFINE_FOUR(euclidean)
DEFINE_FOUR(manhattan)
DEFINE_FOUR(hamming)
DEFINE_FOUR(jaccard)
DEFINE_FOUR(chebyshev)
DEFINE_FOUR(canberra)
DEFINE_FOUR(braycurtis)

vs_kernel_f32 vs_kernel_f32_scalar(vs_metric metric) {
  static const vs_kernel_f32 table[VS_METRIC_COUNT] = {
      [VS_COSINE] = {spec_dot, spec_dot_x4},
      [VS_EUCLIDEAN] = {spec_euclidean, spec_euclidean_x4},
      [VS_DOT] = {spec_dot, spec_dot_x4},
      [VS_MANHATTAN] = {spec_manhattan, spec_manhattan_x4},
      [VS_HAMMING] = {spec_hamming, spec_hamming_x4},
      [VS_JACCARD] = {spec_jaccard, spec_jaccard_x4},
      [VS_CHEBYSHEV] = {spec_chebyshev, spec_chebyshev_x4},
      [VS_CANBERRA] = {spec_canberra, spec_canberra_x4},
      [VS_BRAYCURTIS] = {spec_braycurtis, spec_braycurtis_x4},
  };
  assert((unsigned)metric < VS_METRIC_COUNT);
  return table[metric];
}
