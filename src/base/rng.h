/* rng.h - seeded random numbers: splitmix64.
 *
 * Layer: base. Steele, Lea and Flood 2014. Deterministic everywhere; never
 * used for anything secret.
 */
#ifndef VS_RNG_H
#define VS_RNG_H

#include "vs_base.h"

/* The splitmix64 finalizer: a good 64-bit mix of x. */
static inline uint64_t vs_mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

typedef struct {
  uint64_t state;
} vs_rng;

static inline uint64_t vs_rng_u64(vs_rng *r) { return vs_mix64(r->state += 0x9e3779b97f4a7c15u); }
/* Uniform in [0, n); n > 0. The bias is below n / 2^32. */
static inline uint32_t vs_rng_below(vs_rng *r, uint32_t n) {
  return (uint32_t)(((vs_rng_u64(r) >> 32) * (uint64_t)n) >> 32);
}
/* Uniform in [0, 1). */
static inline float vs_rng_f32(vs_rng *r) { return (float)(vs_rng_u64(r) >> 40) * 0x1p-24f; }

#endif
