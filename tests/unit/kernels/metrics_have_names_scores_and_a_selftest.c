/* Names parse to themselves and nothing else does; distance and score follow
 * the table of the JavaScript contract; the self-test of this build passes. */
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <math.h>

static void check_names(void) {
  for (int m = 0; m < VS_METRIC_COUNT; m++) {
    const char *name = vs_metric_name((vs_metric)m);
    ok(vs_metric_parse(name, strlen(name)) == (vs_metric)m, "%s parses to itself", name);
    ok(vs_metric_parse(name, strlen(name) - 1) == VS_METRIC_COUNT, "a prefix of %s does not parse", name);
  }
  ok(vs_metric_name(VS_METRIC_COUNT) == NULL, "no name beyond the last metric");
  ok(vs_metric_parse("", 0) == VS_METRIC_COUNT, "the empty name is unknown");
  ok(vs_metric_parse("Cosine", 6) == VS_METRIC_COUNT, "names are case-sensitive");
  ok(vs_metric_parse("dot product", 3) == VS_DOT, "only n bytes of the name are read");
}

static void check_scores(void) {
  static const struct {
    vs_metric metric;
    float value, distance, score;
  } rows[] = {
      {VS_COSINE, -0.75f, 0.25f, 0.75f}, {VS_DOT, -6, -6, 6},
      {VS_EUCLIDEAN, 9, 3, 0.25f},       {VS_MANHATTAN, 3, 3, 0.25f},
      {VS_CHEBYSHEV, 1, 1, 0.5f},        {VS_CANBERRA, 0, 0, 1},
      {VS_HAMMING, 7, 7, 0.125f},        {VS_JACCARD, 0.25f, 0.25f, 0.75f},
      {VS_BRAYCURTIS, 1, 1, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *name = vs_metric_name(rows[i].metric);
    float distance = vs_metric_distance(rows[i].metric, rows[i].value);
    ok(distance == rows[i].distance, "%s distance is %g", name, (double)rows[i].distance);
    ok(vs_metric_score(rows[i].metric, distance) == rows[i].score, "%s score is %g", name, (double)rows[i].score);
  }
  ok(vs_metric_score(VS_EUCLIDEAN, INFINITY) == 0, "infinitely far scores 0");
}

static void check_dot_i8(void) {
  _Alignas(16) int8_t a[64], b[64];
  int32_t want = 0;
  for (int i = 0; i < 64; i++) {
    a[i] = (int8_t)(i * 29 % 256 - 128);
    b[i] = (int8_t)(127 - i);
    want += a[i] * b[i];
  }
  ok(vs_dot_i8_i7(a, b, 64) == want, "the int8 dot product is exact");
  memset(a, -128, sizeof a);
  memset(b, 127, sizeof b);
  ok(vs_dot_i8_i7(a, b, 64) == -128 * 127 * 64, "also at its extremes");
  ok(vs_dot_i8_i7(a, b, 0) == 0, "and for no components");
}

int main(void) {
  check_names();
  check_scores();
  check_dot_i8();
  ok(vs_kernels_selftest() == 0, "the self-test passes");
  return tap_done();
}
