/* dist_f32_simd.c - the float distance kernels the engine runs.
 *
 * Layer: kernels (L1). Pure functions: no memory, no tables, no state. In WASM
 * this file is a module of its own that must have no data, table or stack, so
 * nothing here may need an array, a constant table or a call into libc.
 *
 * ONE LOOP PER SHAPE. The operation is a compile-time constant: `step` and
 * `finish` are always inlined and their switches fold away, so each exported
 * function is a straight loop over its own two or three instructions.
 *
 * ACCUMULATORS. A sum in one register waits for the previous addition (4 cycles
 * or more), so `one` keeps four independent sums and `four` two per row. Sums of
 * counts are kept as floats too: exact, since a dimension is far below 2^24.
 *
 * INVARIANTS
 *   K1  `one` and each lane of `four` agree within the tolerance of kernels.h,
 *       not bit for bit: they add in different orders.
 *   K2  No result is NaN (see `settled`), so values are totally ordered.
 */
#include "kernels_f32.h"
#include "lanes.h"

#define INLINE static inline __attribute__((always_inline))

typedef enum { DOT, EUCLIDEAN, MANHATTAN, HAMMING, JACCARD, CHEBYSHEV, CANBERRA, BRAYCURTIS } operation;

/* `sum` for every operation; `over` is the denominator of the two that divide. */
typedef struct {
  lanes sum, over;
} partial;

INLINE partial nothing(void) {
  partial p = {lanes_all(0), lanes_all(0)};
  return p;
}

/* p with four more components. */
INLINE partial step(operation op, partial p, lanes a, lanes b) {
  lanes zero = lanes_all(0);
  lanes one = lanes_all(1);
  switch (op) {
  case DOT: p.sum = lanes_fma(p.sum, a, b); break;
  case EUCLIDEAN: {
    lanes d = lanes_sub(a, b);
    p.sum = lanes_fma(p.sum, d, d);
    break;
  }
  case MANHATTAN: p.sum = lanes_add(p.sum, lanes_abs(lanes_sub(a, b))); break;
  case CHEBYSHEV: p.sum = lanes_max(p.sum, lanes_abs(lanes_sub(a, b))); break;
  case CANBERRA: {
    /* 0/0 gives NaN; the mask of non-zero denominators makes it 0. */
    lanes size = lanes_add(lanes_abs(a), lanes_abs(b));
    lanes term = lanes_div(lanes_abs(lanes_sub(a, b)), size);
    p.sum = lanes_add(p.sum, lanes_and(term, lanes_differ(size, zero)));
    break;
  }
  case BRAYCURTIS:
    p.sum = lanes_add(p.sum, lanes_abs(lanes_sub(a, b)));
    p.over = lanes_add(p.over, lanes_abs(lanes_add(a, b)));
    break;
  case HAMMING: {
    lanes half = lanes_all(0.5f);
    lanes unlike = lanes_xor(lanes_greater(a, half), lanes_greater(b, half));
    p.sum = lanes_add(p.sum, lanes_and(unlike, one));
    break;
  }
  case JACCARD: {
    lanes in_a = lanes_differ(a, zero);
    lanes in_b = lanes_differ(b, zero);
    p.sum = lanes_add(p.sum, lanes_and(lanes_and(in_a, in_b), one));
    p.over = lanes_add(p.over, lanes_and(lanes_or(in_a, in_b), one));
    break;
  }
  }
  return p;
}

/* Two partial results as one. */
INLINE partial join(operation op, partial p, partial q) {
  p.sum = op == CHEBYSHEV ? lanes_max(p.sum, q.sum) : lanes_add(p.sum, q.sum);
  p.over = lanes_add(p.over, q.over);
  return p;
}

/* Sums beyond the range of float can end as inf - inf or inf / inf; such a pair
 * counts as infinitely far, since a NaN would break every ordered structure. */
INLINE float settled(float value) { return value == value ? value : __builtin_inff(); }

INLINE float finish(operation op, partial p) {
  switch (op) {
  case DOT: return settled(-lanes_sum(p.sum));
  case CHEBYSHEV: return lanes_largest(p.sum);
  case BRAYCURTIS: {
    float apart = lanes_sum(p.sum);
    return apart == 0 ? 0 : settled(apart / lanes_sum(p.over));
  }
  case JACCARD: {
    float either = lanes_sum(p.over);
    return either == 0 ? 0 : 1 - lanes_sum(p.sum) / either;
  }
  case EUCLIDEAN:
  case MANHATTAN:
  case HAMMING:
  case CANBERRA: break;
  }
  return settled(lanes_sum(p.sum));
}

INLINE float one(operation op, const float *a, const float *b, uint32_t n) {
  partial p0 = nothing(), p1 = nothing(), p2 = nothing(), p3 = nothing();
  const float *end = a + n;
  for (const float *whole = a + (n & ~15u); a < whole; a += 16, b += 16) {
    p0 = step(op, p0, lanes_load(a), lanes_load(b));
    p1 = step(op, p1, lanes_load(a + 4), lanes_load(b + 4));
    p2 = step(op, p2, lanes_load(a + 8), lanes_load(b + 8));
    p3 = step(op, p3, lanes_load(a + 12), lanes_load(b + 12));
  }
  for (; a < end; a += 4, b += 4) {
    p0 = step(op, p0, lanes_load(a), lanes_load(b));
  }
  return finish(op, join(op, join(op, p0, p1), join(op, p2, p3)));
}

INLINE void four(operation op, const float *q, const float *const x[4], uint32_t n, float out[4]) {
  const float *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  partial p0 = nothing(), p1 = nothing(), p2 = nothing(), p3 = nothing();
  partial r0 = nothing(), r1 = nothing(), r2 = nothing(), r3 = nothing();
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    lanes near = lanes_load(q + i), far = lanes_load(q + i + 4);
    p0 = step(op, p0, near, lanes_load(x0 + i));
    p1 = step(op, p1, near, lanes_load(x1 + i));
    p2 = step(op, p2, near, lanes_load(x2 + i));
    p3 = step(op, p3, near, lanes_load(x3 + i));
    r0 = step(op, r0, far, lanes_load(x0 + i + 4));
    r1 = step(op, r1, far, lanes_load(x1 + i + 4));
    r2 = step(op, r2, far, lanes_load(x2 + i + 4));
    r3 = step(op, r3, far, lanes_load(x3 + i + 4));
  }
  if (i < n) {
    lanes last = lanes_load(q + i);
    p0 = step(op, p0, last, lanes_load(x0 + i));
    p1 = step(op, p1, last, lanes_load(x1 + i));
    p2 = step(op, p2, last, lanes_load(x2 + i));
    p3 = step(op, p3, last, lanes_load(x3 + i));
  }
  out[0] = finish(op, join(op, p0, r0));
  out[1] = finish(op, join(op, p1, r1));
  out[2] = finish(op, join(op, p2, r2));
  out[3] = finish(op, join(op, p3, r3));
}

#define DEFINE(name, op)                                                                                               \
  float vs_k_##name##_f32(const float *a, const float *b, uint32_t n) { return one(op, a, b, n); }                     \
  void vs_k_##name##_f32x4(const float *q, const float *const x[4], uint32_t n, float out[4]) {                        \
    four(op, q, x, n, out);                                                                                            \
  }

DEFINE(dot, DOT)
DEFINE(euclidean, EUCLIDEAN)
DEFINE(manhattan, MANHATTAN)
DEFINE(hamming, HAMMING)
DEFINE(jaccard, JACCARD)
DEFINE(chebyshev, CHEBYSHEV)
DEFINE(canberra, CANBERRA)
DEFINE(braycurtis, BRAYCURTIS)
