/* many_products_at_once.c - vs_dot_4x2 is eight dot products, whatever the length. */
#include "../../../src/base/rng.h"
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <math.h>

enum { MOST = 2052 };

int main(void) {
  static _Alignas(16) float row[6][MOST];
  const char *text = getenv("VS_SEED");
  vs_rng rng = {text ? strtoull(text, NULL, 10) : 1};
  uint32_t wrong = 0;
  for (uint32_t r = 0; r < 6; r++)
    for (uint32_t i = 0; i < MOST; i++) row[r][i] = vs_rng_f32(&rng) * 4 - 2;
  const float *const q[4] = {row[0], row[1], row[2], row[3]}, *const x[2] = {row[4], row[5]};
  for (uint32_t n = 4; n <= MOST; n += 4) {
    float out[8];
    vs_dot_4x2(q, x, n, out);
    for (uint32_t at = 0; at < 8; at++) {
      double want = 0, size = 0;
      for (uint32_t i = 0; i < n; i++) {
        double term = (double)q[at % 4][i] * (double)x[at / 4][i];
        want += term;
        size += fabs(term);
      }
      wrong += !(fabs((double)out[at] - want) <= 1e-6 * sqrt((double)n) * size);
    }
  }
  ok(wrong == 0, "%u products of any length are not what they should be", wrong);
  return tap_done();
}
