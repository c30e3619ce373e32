/* number.c - decimal text to numbers and back, exactly.
 *
 * Layer: filter. Knows decimal digits and IEEE 754, nothing of filters.
 *
 * libc's strtod and printf would bring ten kilobytes into the WASM build, and
 * numbers are converted once per compiled filter, so simplicity decides: both
 * directions work on the fraction `num / den` of two large integers. Reading
 * divides bit by bit until 64 bits of the quotient are known and the rest is
 * known to be zero or not, which rounds correctly. Writing takes 17 digits,
 * always enough, and tries how few of them read back as the same number.
 *
 * Digits beyond the 768th cannot change a rounding except by being there
 * (a halfway point between doubles has at most 767), so they are replaced by
 * a single 1. The integers then stay below 10^1093, 3631 bits.
 */
#include "number.h"

#include <string.h>

#define MAX_DIGITS 768u
#define LIMBS 128u

/* ============ Large integers: little-endian limbs, the topmost not 0 ============ */

typedef struct {
  uint32_t n;
  uint32_t limb[LIMBS];
} big;

static void big_set(big *b, uint64_t v) {
  b->limb[0] = (uint32_t)v;
  b->limb[1] = (uint32_t)(v >> 32);
  b->n = v >> 32 != 0 ? 2 : v != 0;
}

static void big_mul_add(big *b, uint32_t factor, uint32_t carry) {
  for (uint32_t i = 0; i < b->n; i++) {
    uint64_t t = (uint64_t)b->limb[i] * factor + carry;
    b->limb[i] = (uint32_t)t;
    carry = (uint32_t)(t >> 32);
  }
  if (carry == 0) return;
  assert(b->n < LIMBS);
  b->limb[b->n++] = carry;
}

static void big_shift_left(big *b, uint32_t bits) {
  for (; bits >= 31; bits -= 31) big_mul_add(b, 1u << 31, 0);
  big_mul_add(b, 1u << bits, 0);
}

static void big_mul_pow10(big *b, uint32_t exponent) {
  for (; exponent >= 9; exponent -= 9) big_mul_add(b, 1000000000u, 0);
  for (; exponent > 0; exponent--) big_mul_add(b, 10, 0);
}

/* Of a number that is not 0. */
static uint32_t big_bits(const big *b) { return b->n * 32 - (uint32_t)__builtin_clz(b->limb[b->n - 1]); }

static bool big_less(const big *a, const big *b) {
  if (a->n != b->n) return a->n < b->n;
  for (uint32_t i = a->n; i-- > 0;) {
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i];
  }
  return false;
}

/* a -= b where a >= b. */
static void big_sub(big *a, const big *b) {
  uint64_t borrow = 0;
  for (uint32_t i = 0; i < a->n; i++) {
    uint64_t t = (uint64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0) - borrow;
    a->limb[i] = (uint32_t)t;
    borrow = t >> 63;
  }
  while (a->n > 0 && a->limb[a->n - 1] == 0) a->n--;
}

/* ============ Reading ============ */

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static size_t count_digits(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n && is_digit(p[i])) i++;
  return i;
}

size_t vs_number_length(const uint8_t *p, size_t n) {
  size_t i = n > 0 && (p[0] == '+' || p[0] == '-');
  size_t whole = count_digits(p + i, n - i), fraction = 0;
  i += whole;
  if (i < n && p[i] == '.') {
    fraction = count_digits(p + i + 1, n - i - 1);
    if (whole + fraction > 0) i += 1 + fraction;
  }
  if (whole + fraction == 0) return 0;
  if (i < n && (p[i] | 0x20) == 'e') {
    size_t sign = i + 1 < n && (p[i + 1] == '+' || p[i + 1] == '-');
    size_t digits = count_digits(p + i + 1 + sign, n - i - 1 - sign);
    if (digits > 0) i += 1 + sign + digits;
  }
  return i;
}

/* Rounds q * 2^e2, q with its top bit set, `more` telling of a rest below it,
 * to the nearest double, ties to even. False when that is infinite. */
static bool round_f64(uint64_t q, int32_t e2, bool more, double *out) {
  int32_t exponent = e2 + 63; /* of the leading bit */
  uint32_t drop = 11;
  if (exponent < -1022) drop += (uint32_t)(-1022 - exponent);
  uint64_t bits = 0;
  if (drop <= 64) {
    uint64_t half = (uint64_t)1 << (drop - 1);
    uint64_t kept = drop == 64 ? 0 : q >> drop, rest = drop == 64 ? q : q & (2 * half - 1);
    if (rest > half || (rest == half && (more || (kept & 1) != 0))) kept++;
    /* The hidden bit adds one to the biased exponent, and so does a carry. */
    bits = kept + (exponent < -1022 ? 0 : (uint64_t)(exponent + 1022) << 52);
  }
  if (bits >> 52 >= 0x7ff) return false;
  memcpy(out, &bits, sizeof *out);
  return true;
}

/* num / den as a double, both not 0; destroys them. */
static bool divide(big *num, big *den, double *out) {
  int32_t shift = (int32_t)big_bits(den) - (int32_t)big_bits(num);
  if (shift > 0) big_shift_left(num, (uint32_t)shift);
  if (shift < 0) big_shift_left(den, (uint32_t)-shift);
  uint64_t q = 0;
  int32_t e2 = 1 - shift;
  /* num / den is within (1/2, 2) now: after 64 or 65 steps q has 64 bits. */
  while (q >> 63 == 0) {
    q <<= 1;
    e2--;
    if (!big_less(num, den)) {
      big_sub(num, den);
      q |= 1;
    }
    big_mul_add(num, 2, 0);
  }
  return round_f64(q, e2, num->n > 0, out);
}

/* The digits of p as an integer in *num, and the power of ten it is to be
 * multiplied by. `n_digits` counts from the first digit that is not 0. */
static void read_digits(const uint8_t *p, size_t n, big *num, int32_t *exp10, uint32_t *n_digits) {
  bool point = false, more = false;
  size_t i = 0;
  for (; i < n && (p[i] | 0x20) != 'e'; i++) {
    if (p[i] == '.') {
      point = true;
      continue;
    }
    uint32_t digit = p[i] - (uint32_t)'0';
    if (*n_digits < MAX_DIGITS) {
      if (*n_digits > 0 || digit != 0) (*n_digits)++;
      big_mul_add(num, 10, digit);
      *exp10 -= point;
    } else {
      more |= digit != 0;
      *exp10 += !point;
    }
  }
  if (more) {
    big_mul_add(num, 10, 1);
    (*exp10)--;
    (*n_digits)++;
  }
  if (i >= n) return;
  bool negative = p[i + 1] == '-';
  int32_t e = 0;
  for (i += 1 + (negative || p[i + 1] == '+'); i < n; i++) {
    if (e < 100000) e = e * 10 + (p[i] - '0');
  }
  *exp10 += negative ? -e : e;
}

static bool parse_f64(const uint8_t *p, size_t n, double *out) {
  big num = {.n = 0}, den = {.n = 0};
  int32_t exp10 = 0;
  uint32_t n_digits = 0;
  read_digits(p, n, &num, &exp10, &n_digits);
  *out = 0;
  /* The value is below 10^magnitude and at least a tenth of that. */
  int32_t magnitude = (int32_t)n_digits + exp10;
  if (num.n == 0 || magnitude < -323) return true;
  if (magnitude > 309) return false;
  big_set(&den, 1);
  big_mul_pow10(exp10 < 0 ? &den : &num, (uint32_t)(exp10 < 0 ? -exp10 : exp10));
  return divide(&num, &den, out);
}

/* True if the n bytes are digits only and, with the sign, fit 64 bits. */
static bool parse_int(const uint8_t *p, size_t n, bool negative, int64_t *out) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_digit(p[i])) return false;
    if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(p[i] - '0'), &v)) return false;
  }
  if (v > (uint64_t)INT64_MAX + negative) return false;
  *out = (int64_t)(negative ? 0 - v : v);
  return true;
}

bool vs_number_parse(const uint8_t *p, size_t n, vs_value *out) {
  assert(n > 0 && vs_number_length(p, n) == n);
  bool negative = p[0] == '-';
  if (negative || p[0] == '+') {
    p++;
    n--;
  }
  *out = (vs_value){VS_VALUE_INT, 0, 0, {NULL, 0}, 0};
  if (parse_int(p, n, negative, &out->i)) {
    out->f = (double)out->i;
    return true;
  }
  out->i = 0;
  out->tag = VS_VALUE_F64;
  if (!parse_f64(p, n, &out->f)) return false;
  if (negative) out->f = -out->f;
  return true;
}

/* ============ Writing ============ */

#define F64_DIGITS 17

/* The first 17 decimal digits of f > 0, rounded down, `up` telling whether the
 * nearest 17 are one more; f is 0.d1d2d3... * 10^result. */
static int32_t first_digits(double f, uint8_t digits[F64_DIGITS], bool *up) {
  big num, den;
  uint64_t bits;
  memcpy(&bits, &f, sizeof bits);
  uint32_t biased = (uint32_t)(bits >> 52) & 0x7ff;
  int32_t e2 = (biased == 0 ? 1 : (int32_t)biased) - 1075, exp10 = 0;
  big_set(&num, (bits & 0xfffffffffffffu) | (uint64_t)(biased != 0) << 52);
  big_set(&den, 1);
  big_shift_left(e2 < 0 ? &den : &num, (uint32_t)(e2 < 0 ? -e2 : e2));
  for (; !big_less(&num, &den); exp10++) big_mul_add(&den, 10, 0);
  for (;; exp10--) {
    big tenfold = num;
    big_mul_add(&tenfold, 10, 0);
    if (!big_less(&tenfold, &den)) break;
    num = tenfold;
  }
  for (int i = 0; i < F64_DIGITS; i++) {
    big_mul_add(&num, 10, 0);
    digits[i] = 0;
    for (; !big_less(&num, &den); digits[i]++) big_sub(&num, &den);
  }
  big_mul_add(&num, 2, 0);
  *up = !big_less(&num, &den);
  return exp10;
}

static size_t format_u64(uint64_t v, char *out) {
  char digits[20];
  size_t n = 0;
  do {
    digits[n++] = (char)('0' + v % 10);
    v /= 10;
  } while (v != 0);
  for (size_t i = 0; i < n; i++) out[i] = digits[n - 1 - i];
  return n;
}

/* n digits with the point behind the first `exp10` of them, or an exponent. */
static size_t lay_out(const uint8_t *digits, int32_t n, int32_t exp10, char *out) {
  size_t at = 0;
  bool plain = exp10 > -6 && exp10 <= 21;
  int32_t point = plain ? exp10 : 1, end = n > point ? n : point;
  if (point <= 0) out[at++] = '0';
  for (int32_t i = point <= 0 ? point : 0; i < end; i++) {
    if (i == point) out[at++] = '.';
    out[at++] = (char)('0' + (i >= 0 && i < n ? digits[i] : 0));
  }
  if (plain) return at;
  out[at++] = 'e';
  if (exp10 - 1 < 0) out[at++] = '-';
  return at + format_u64((uint64_t)(exp10 - 1 < 0 ? 1 - exp10 : exp10 - 1), out + at);
}

/* Rounds 17 digits to the first n. */
static size_t format_rounded(const uint8_t digits[F64_DIGITS], int32_t n, int32_t exp10, bool up, char *out) {
  uint8_t rounded[F64_DIGITS];
  memcpy(rounded, digits, sizeof rounded);
  bool carry = n < F64_DIGITS ? digits[n] >= 5 : up;
  for (int32_t i = n; carry && i-- > 0;) {
    carry = rounded[i] == 9;
    rounded[i] = carry ? 0 : rounded[i] + 1;
  }
  if (carry) {
    rounded[0] = 1;
    exp10++;
  }
  return lay_out(rounded, n, exp10, out);
}

size_t vs_number_format(const vs_value *v, char out[VS_NUMBER_BYTES]) {
  assert(v->tag == VS_VALUE_INT || v->tag == VS_VALUE_F64);
  size_t at = 0;
  if (v->tag == VS_VALUE_INT ? v->i < 0 : v->f < 0) out[at++] = '-';
  if (v->tag == VS_VALUE_INT) return at + format_u64(v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i, out + at);
  double f = v->f < 0 ? -v->f : v->f, back = 0;
  if (f == 0) {
    memcpy(out, "0.0", 3);
    return 3;
  }
  uint8_t digits[F64_DIGITS];
  bool up;
  int32_t exp10 = first_digits(f, digits, &up);
  size_t n = 0;
  for (int32_t precision = 1; precision <= F64_DIGITS; precision++) {
    n = format_rounded(digits, precision, exp10, up, out + at);
    if (parse_f64((const uint8_t *)out + at, n, &back) && back == f) break;
  }
  return at + n;
}
