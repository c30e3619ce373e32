/* Whatever finite components come in, no kernel gives NaN, and the special
 * cases have the values kernels.h states. */
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <float.h>
#include <math.h>

enum { N = 24 };

static const float extremes[] = {0.0f, -0.0f, 1.0f, -1.0f, FLT_MAX, -FLT_MAX, FLT_MIN, FLT_TRUE_MIN, 0.5f};
enum { EXTREMES = sizeof extremes / sizeof extremes[0] };

/* Vectors of x, every other component y: sums of both signs overflow at once. */
static void fill(float *v, float x, float y) {
  for (int i = 0; i < N; i++) {
    v[i] = i % 2 == 0 ? x : y;
  }
}

static bool defined_for(vs_metric metric, int x, int y) {
  _Alignas(16) float a[N], b[N];
  fill(a, extremes[x], extremes[y]);
  fill(b, extremes[y], extremes[y]);
  const float *const rows[4] = {a, b, b, a};
  float out[4];
  vs_kernel_f32_for(metric).four(a, rows, N, out);
  return !isnan(out[0]) && !isnan(out[1]) && out[1] == out[2] && out[0] == out[3] &&
         !isnan(vs_kernel_f32_for(metric).one(a, b, N));
}

static float one(vs_metric metric, const float *a, const float *b) { return vs_kernel_f32_for(metric).one(a, b, N); }

int main(void) {
  for (int m = 0; m < VS_METRIC_COUNT; m++) {
    bool defined = true;
    for (int x = 0; x < EXTREMES; x++) {
      for (int y = 0; y < EXTREMES; y++) {
        defined = defined && defined_for((vs_metric)m, x, y);
      }
    }
    ok(defined, "%s is a number for all pairs of extreme components", vs_metric_name((vs_metric)m));
  }

  _Alignas(16) float zero[N] = {0}, minus_zero[N], half[N], tiny[N], up[N], down[N];
  fill(minus_zero, -0.0f, -0.0f);
  fill(half, 0.5f, 0.5f);
  fill(tiny, FLT_TRUE_MIN, FLT_TRUE_MIN);
  fill(up, 3, 3);
  fill(down, -3, -3);
  for (int m = 0; m < VS_METRIC_COUNT; m++) {
    ok(one((vs_metric)m, zero, minus_zero) == 0, "%s of two zero vectors is 0", vs_metric_name((vs_metric)m));
  }
  ok(one(VS_HAMMING, half, zero) == 0, "0.5 is not a set bit");
  ok(one(VS_HAMMING, up, down) == 24, "components above and below 0.5 differ");
  ok(one(VS_JACCARD, tiny, zero) == 1, "a denormal component is not zero");
  ok(one(VS_JACCARD, minus_zero, up) == 1, "minus zero is zero");
  ok(one(VS_CANBERRA, tiny, zero) == 24, "canberra counts denormals");
  ok(one(VS_BRAYCURTIS, up, down) == INFINITY, "braycurtis of opposites divides by zero: infinitely far");
  ok(one(VS_CHEBYSHEV, up, down) == 6, "chebyshev is the largest difference");
  return tap_done();
}
