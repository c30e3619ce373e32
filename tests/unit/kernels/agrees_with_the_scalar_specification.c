/* Every kernel, single and 1x4, equals the scalar specification within the
 * tolerance of kernels.h, for dimensions around every loop boundary. */
#include "../../../src/base/rng.h"
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <math.h>

enum { MAX_N = 2052, ROWS = 5 };

static _Alignas(16) float row[ROWS][MAX_N];

/* Mixes magnitudes with exact zeros and equal components, which the metrics
 * that count or divide treat apart. */
static void fill(vs_rng *rng, uint32_t n) {
  for (int r = 0; r < ROWS; r++) {
    for (uint32_t i = 0; i < n; i++) {
      uint32_t kind = vs_rng_below(rng, 8);
      float x = (float)vs_rng_below(rng, 20001) / 5000.0f - 2.0f;
      row[r][i] = kind == 0 ? 0 : kind == 1 && r > 0 ? row[0][i] : x;
    }
  }
}

/* The sum of the terms' sizes: what the rounding of a sum is relative to. */
static double scale(vs_metric metric, const float *a, const float *b, uint32_t n, double value) {
  if (metric != VS_COSINE && metric != VS_DOT) {
    return fabs(value);
  }
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    sum += fabs((double)a[i] * (double)b[i]);
  }
  return sum;
}

static bool near(vs_metric metric, const float *a, const float *b, uint32_t n, float got) {
  float want = vs_kernel_f32_scalar(metric).one(a, b, n);
  double tolerance = metric == VS_HAMMING ? 0 : 1e-6 * sqrt((double)n) * scale(metric, a, b, n, (double)want);
  return fabs((double)got - (double)want) <= tolerance;
}

static void check_metric(vs_metric metric, uint64_t seed) {
  vs_rng rng = {.state = seed};
  uint32_t wrong_n = 0, wrong_row = 0;
  for (uint32_t n = 0; n <= MAX_N; n += n < 160 ? 4 : 172) {
    fill(&rng, n);
    const float *const x[4] = {row[1], row[2], row[3], row[4]};
    float out[4];
    vs_kernel_f32_for(metric).four(row[0], x, n, out);
    for (uint32_t j = 0; j < 4; j++) {
      bool right = near(metric, row[0], x[j], n, out[j]);
      right = right && near(metric, row[0], x[j], n, vs_kernel_f32_for(metric).one(row[0], x[j], n));
      if (!right) {
        wrong_n = n + 1;
        wrong_row = j;
      }
    }
  }
  if (!ok(wrong_n == 0, "%s agrees for dimensions 0 to %d", vs_metric_name(metric), MAX_N)) {
    printf("# seed %llu, n %u, row %u\n", (unsigned long long)seed, wrong_n - 1, wrong_row);
  }
}

int main(void) {
  for (int m = 0; m < VS_METRIC_COUNT; m++) {
    check_metric((vs_metric)m, 1234567u + (uint64_t)m);
  }
  return tap_done();
}
