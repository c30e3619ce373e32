/* 8-bit codes: rounding is to the nearest step, the distances of records are
 * those of the rounded vectors, and extreme vectors give neither NaN nor
 * surprises. Dimensions around every loop boundary; the reference is in double
 * and reads the records component by component. */
#include "../../../src/base/rng.h"
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <float.h>
#include <math.h>

enum { MAX_DIM = 300, ROWS = 5 };

typedef struct {
  _Alignas(16) float head[4];
  int8_t code[MAX_DIM + 16];
} record;

static _Alignas(16) float row[ROWS][MAX_DIM + 16];
static record rec[ROWS];

static vs_code *code(int r) { return (vs_code *)(void *)&rec[r]; }
static uint32_t padded(uint32_t dim) { return (dim + 15) & ~15u; }
static double rounded(int r, uint32_t i) { return (double)code(r)->offset + (double)code(r)->scale * code(r)->code[i]; }

static void fill(vs_rng *rng, uint32_t dim, float spread, float middle) {
  for (int r = 0; r < ROWS; r++) {
    for (uint32_t i = 0; i < dim; i++) row[r][i] = middle + spread * (vs_rng_f32(rng) - 0.5f);
    memset(&rec[r], 0x55, sizeof(rec[r]));
    vs_code_encode(row[r], dim, padded(dim), code(r));
  }
}

static bool encoded_well(int r, uint32_t dim) {
  float least = row[r][0], most = row[r][0];
  double sum = 0, squares = 0;
  for (uint32_t i = 0; i < dim; i++) {
    least = fminf(least, row[r][i]);
    most = fmaxf(most, row[r][i]);
  }
  double step = ((double)most - (double)least) / 254;
  for (uint32_t i = 0; i < dim; i++) {
    if (fabs(rounded(r, i) - (double)row[r][i]) > 0.501 * step + 1e-6 * fabs((double)row[r][i])) return false;
    sum += code(r)->code[i];
    squares += code(r)->code[i] * code(r)->code[i];
  }
  for (uint32_t i = dim; i < padded(dim); i++) {
    if (code(r)->code[i] != 0) return false;
  }
  double s = (double)code(r)->scale;
  return fabs((double)code(r)->part - s * sum) <= 1e-6 * s * 127 * dim &&
         fabs((double)code(r)->norm - s * s * squares) <= 1e-5 * s * s * squares;
}

static bool distances_agree(uint32_t dim) {
  const vs_code *const x[4] = {code(1), code(2), code(3), code(4)};
  float dot[4], square[4];
  vs_code_values(code(0), x, padded(dim), dim, false, dot);
  vs_code_values(code(0), x, padded(dim), dim, true, square);
  for (int r = 1; r < ROWS; r++) {
    double want_dot = 0, want_square = 0, size = 0;
    for (uint32_t i = 0; i < dim; i++) {
      double a = rounded(0, i), b = rounded(r, i);
      want_dot -= a * b;
      want_square += (a - b) * (a - b);
      size += fabs(a * b);
    }
    double around = 4e-6 * (want_square + (double)code(0)->norm + (double)code(r)->norm);
    if (fabs((double)dot[r - 1] - want_dot) > 4e-6 * size) return false;
    if (fabs((double)square[r - 1] - want_square) > around) return false;
  }
  return true;
}

static void sizes(float spread, float middle, uint64_t seed) {
  vs_rng rng = {.state = seed};
  uint32_t bad_code = 0, bad_value = 0;
  for (uint32_t dim = 1; dim <= MAX_DIM; dim += dim < 70 ? 1 : 23) {
    fill(&rng, dim, spread, middle);
    for (int r = 0; r < ROWS; r++) bad_code = encoded_well(r, dim) ? bad_code : dim;
    bad_value = distances_agree(dim) ? bad_value : dim;
  }
  ok(bad_code == 0, "spread %g around %g: every component to the nearest step (dimension %u, seed %llu)",
     (double)spread, (double)middle, bad_code, (unsigned long long)seed);
  ok(bad_value == 0, "  and distances are those of the rounded vectors (dimension %u)", bad_value);
}

static void extremes(void) {
  static const float special[] = {0, 1, -3, FLT_MAX, -FLT_MAX, FLT_MIN, 1e-40f, 1e19f, -1e19f};
  enum { N = sizeof(special) / sizeof(*special), DIM = 21 };
  bool exact = true, number = true, not_negative = true;
  for (int a = 0; a < N; a++) {
    for (int b = 0; b < N; b++) {
      for (int i = 0; i < DIM; i++) {
        row[0][i] = special[a];
        for (int r = 1; r < ROWS; r++) row[r][i] = i % 3 ? special[b] : special[(a + r) % N];
      }
      for (int r = 0; r < ROWS; r++) vs_code_encode(row[r], DIM, padded(DIM), code(r));
      exact = exact && code(0)->scale == 0 && rounded(0, 3) == (double)special[a];
      const vs_code *const x[4] = {code(1), code(2), code(3), code(4)};
      for (int euclidean = 0; euclidean < 2; euclidean++) {
        float out[4];
        vs_code_values(code(b % ROWS), x, padded(DIM), DIM, euclidean, out);
        for (int j = 0; j < 4; j++) {
          number = number && out[j] == out[j];
          not_negative = not_negative && (!euclidean || out[j] >= 0);
        }
      }
    }
  }
  ok(exact, "a constant vector is kept exactly");
  ok(number, "no value is NaN, whatever overflows");
  ok(not_negative, "a squared distance is never negative");
}

int main(void) {
  const char *text = getenv("VS_SEED");
  uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
  sizes(2, 0, seed);
  sizes(1, 0.5f, seed);
  sizes(1e-3f, 1, seed);
  sizes(1e10f, -3e10f, seed);
  extremes();
  return tap_done();
}
