/* The checksum equals bitwise division for known vectors, for every length
 * and alignment, and however a message is cut. */
#include "../../../src/base/crc32c.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#define SEED 3u

static uint32_t by_bits(uint32_t crc, const uint8_t *p, size_t n) {
  crc = ~crc;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0x82f63b78u & (0 - (crc & 1)));
  }
  return ~crc;
}

/* Long inputs take another way; its seams lie where lengths and cuts change. */
static int wrong_long(vs_rng *rng) {
  enum { LONG = 60000 };
  uint8_t *p = malloc(LONG);
  int wrong = 0;
  for (int i = 0; i < LONG; i++) p[i] = (uint8_t)vs_rng_u64(rng);
  for (int round = 0; round < 60; round++) {
    size_t at = vs_rng_below(rng, 64), n = 20000 + vs_rng_below(rng, LONG - 20064);
    uint32_t crc = (uint32_t)vs_rng_u64(rng);
    if (round < 20) n = 24570 + (size_t)round;
    wrong += vs_crc32c(crc, p + at, n) != by_bits(crc, p + at, n);
  }
  memset(p, 0, LONG);
  uint32_t zeros = vs_crc32c(0, p, LONG);
  for (size_t bit = 0; bit < LONG * 8; bit += 1 + vs_rng_below(rng, 2000)) {
    p[bit / 8] = (uint8_t)(1u << bit % 8);
    uint32_t crc = vs_crc32c(0, p, LONG);
    wrong += crc == zeros || crc != by_bits(0, p, LONG);
    p[bit / 8] = 0;
  }
  free(p);
  return wrong;
}

int main(void) {
  uint8_t v[32];
  ok(vs_crc32c(0, "123456789", 9) == 0xe3069283, "the check value");
  memset(v, 0, 32);
  ok(vs_crc32c(0, v, 32) == 0x8a9136aa, "RFC 3720: zeros");
  memset(v, 255, 32);
  ok(vs_crc32c(0, v, 32) == 0x62a8ab43, "RFC 3720: ones");
  for (int i = 0; i < 32; i++) v[i] = (uint8_t)i;
  ok(vs_crc32c(0, v, 32) == 0x46dd794e, "RFC 3720: ascending");
  ok(vs_crc32c(0, NULL, 0) == 0 && vs_crc32c(77, NULL, 0) == 77, "no bytes change nothing");

  enum { MOST = 1200 };
  uint8_t *p = malloc(MOST + 16);
  vs_rng rng = {SEED};
  for (int i = 0; i < MOST + 16; i++) p[i] = (uint8_t)vs_rng_u64(&rng);
  int wrong = 0;
  for (size_t n = 0; n <= MOST; n++) {
    size_t at = n % 16;
    wrong += vs_crc32c((uint32_t)n, p + at, n) != by_bits((uint32_t)n, p + at, n);
  }
  for (size_t at = 0; at < 16; at++) wrong += vs_crc32c(0, p + at, 333) != by_bits(0, p + at, 333);
  ok(wrong == 0, "every length and alignment equals division (seed %u, %d wrong)", SEED, wrong);
  for (size_t cut = 0; cut <= MOST; cut++) {
    wrong += vs_crc32c(vs_crc32c(0, p, cut), p + cut, MOST - cut) != by_bits(0, p, MOST);
  }
  ok(wrong == 0, "every cut in two gives the same (%d wrong)", wrong);
  /* One-bit messages exercise each table entry of the fold alone. */
  memset(p, 0, 512);
  for (size_t bit = 0; bit < 512 * 8; bit++) {
    p[bit / 8] = (uint8_t)(1u << bit % 8);
    wrong += vs_crc32c(0, p, 512) != by_bits(0, p, 512);
    p[bit / 8] = 0;
  }
  ok(wrong == 0, "each single bit has its own weight (%d wrong)", wrong);
  free(p);
  wrong = wrong_long(&rng);
  ok(wrong == 0, "so do long inputs (seed %u, %d wrong)", SEED, wrong);
  return tap_done();
}
