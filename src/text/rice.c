/* rice.c - see rice.h.
 *
 * Layer: text (L2). A few operations per number.
 */
#include "rice.h"

uint32_t vs_rice_parameter(uint64_t sum, uint32_t n) {
  /* For a geometric distribution log2(mean * ln 2) is best; 11/16 is ln 2. */
  uint64_t scaled = n ? sum / n * 11 / 16 : 0;
  uint32_t k = 0;
  while (k < VS_RICE_MOST && scaled >> (k + 1) > 0) k++;
  return k;
}

static void put_bits(vs_rice_writer *r, uint64_t v, uint32_t n) {
  r->bits |= v << r->n;
  r->n += n;
  for (; r->n >= 8; r->n -= 8, r->bits >>= 8) vs_wr_u8(r->w, (uint8_t)r->bits);
}

void vs_rice_put(vs_rice_writer *r, uint32_t v, uint32_t k) {
  uint32_t ones = v >> k;
  if (ones >= VS_RICE_ESCAPE) {
    put_bits(r, (1u << VS_RICE_ESCAPE) - 1, VS_RICE_ESCAPE);
    put_bits(r, v, 32);
    return;
  }
  put_bits(r, (UINT64_C(1) << ones) - 1, ones + 1);
  put_bits(r, v & ((UINT64_C(1) << k) - 1), k);
}

void vs_rice_flush(vs_rice_writer *r) {
  if (r->n > 0) vs_wr_u8(r->w, (uint8_t)r->bits);
  r->bits = 0;
  r->n = 0;
}

/* As many bits as fit; at the end zeros, which `n` does not count. */
static inline void fill(vs_rice_reader *r) {
  for (; r->n <= 56 && r->p < r->end; r->n += 8) r->bits |= (uint64_t)*r->p++ << r->n;
}

static inline uint32_t take(vs_rice_reader *r, uint32_t n) {
  uint32_t v = (uint32_t)(r->bits & ((UINT64_C(1) << n) - 1));
  if (n > r->n) {
    *r = (vs_rice_reader){r->end, r->end, 0, 0, true};
    return 0;
  }
  r->bits >>= n;
  r->n -= n;
  return v;
}

uint32_t vs_rice_get(vs_rice_reader *r, uint32_t k) {
  fill(r);
  uint64_t zeros = ~r->bits;
  uint32_t ones = zeros ? (uint32_t)__builtin_ctzll(zeros) : 64;
  if (ones >= VS_RICE_ESCAPE) {
    take(r, VS_RICE_ESCAPE);
    fill(r);
    return r->failed ? 0 : take(r, 32);
  }
  take(r, ones + 1);
  if (r->failed) return 0;
  if (r->n < k) fill(r);
  return ones << k | take(r, k);
}

bool vs_rice_at_end(const vs_rice_reader *r) { return !r->failed && r->p == r->end && r->n < 8 && r->bits == 0; }
