/* Decimal to binary and back agrees with libc for every kind of double, and halfway points round to even. */
#include "../../../src/base/rng.h"
#include "../../../src/filter/number.h"
#include "../tap.h"

#include <errno.h>
#include <math.h>

static bool parse(const char *text, vs_value *out) {
  size_t n = strlen(text);
  must(vs_number_length((const uint8_t *)text, n) == n);
  return vs_number_parse((const uint8_t *)text, n, out);
}

/* Whether our reading of the text, which has a point or exponent, is libc's. */
static bool agrees(const char *text) {
  vs_value v;
  double want = strtod(text, NULL);
  bool fits = parse(text, &v);
  if (isinf(want) ? !fits : fits && v.tag == VS_VALUE_F64 && memcmp(&v.f, &want, sizeof want) == 0) return true;
  printf("# %.60s: %a, libc has %a\n", text, v.f, want);
  return false;
}

static double random_double(vs_rng *r) {
  double f;
  do {
    uint64_t bits = vs_rng_u64(r);
    /* All exponents alike, and often few bits: halves, small fractions, whole numbers. */
    if (vs_rng_below(r, 3) == 0) bits &= ~(uint64_t)0 << (vs_rng_below(r, 52));
    if (vs_rng_below(r, 8) == 0) bits &= 0x800fffffffffffff;
    memcpy(&f, &bits, sizeof f);
  } while (!isfinite(f));
  return f;
}

static void reading(vs_rng *r) {
  char text[900];
  unsigned wrong = 0;
  for (int i = 0; i < 20000; i++) {
    double f = random_double(r);
    snprintf(text, sizeof text, "%.*e", (int)vs_rng_below(r, 25), f);
    wrong += !agrees(text);
    if (fabs(f) < 1e60 && fabs(f) > 1e-60) {
      snprintf(text, sizeof text, "%.*f", 1 + (int)vs_rng_below(r, 80), f);
      wrong += !agrees(text);
    }
  }
  for (int i = 0; i < 5000; i++) {
    size_t n = 0, digits = 1 + vs_rng_below(r, 30);
    for (size_t d = 0; d < digits; d++) text[n++] = (char)('0' + vs_rng_below(r, 10));
    snprintf(text + n, 20, "e%d", (int)vs_rng_below(r, 700) - 350);
    wrong += !agrees(text);
  }
  ok(wrong == 0, "random numbers read as libc reads them");
}

/* The point halfway between a double and the next, with all its digits; and a little more. */
static void halfway(vs_rng *r) {
  char text[900];
  unsigned wrong = 0;
  for (int i = 0; i < 2000; i++) {
    double f = fabs(random_double(r));
    if (f > 1e4) f = ldexp(frexp(f, &(int){0}), (int)vs_rng_below(r, 14));
    /* Exact in long double, whose 64 bits have room for one more. */
    long double half = ((long double)f + (long double)nextafter(f, INFINITY)) / 2;
    int length = snprintf(text, sizeof text - 2, "%.780Lf", half);
    if (length < 0 || (size_t)length >= sizeof text - 2) continue;
    wrong += !agrees(text);
    strcpy(text + length, "1");
    wrong += !agrees(text);
  }
  ok(wrong == 0, "halfway points round as libc rounds them");
  static const char *const hard[] = {
      "4.9406564584124654e-324",
      "2.4703282292062327e-324",
      "2.4703282292062328e-324",
      "2.2250738585072011e-308",
      "2.2250738585072014e-308",
      "1.7976931348623157e308",
      "1.7976931348623158e308",
      "1.7976931348623159e308",
      "1e308",
      "1e309",
      "1e-323",
      "1e-324",
      "1e-400",
      "0e999999999999",
      "0.0",
      "1e99999999999",
      "1e-99999999999",
      "9007199254740993.0",
      "9007199254740992.99999999999999999999999999",
      "9223372036854775808e0",
      "00000.00001",
      "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416"
      "692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959"
      "622842914819860834936475292719074168444365510704342711559699508093042880.0",
      ".5",
      "5.",
      "5.e3",
      "1E5",
      "1e+5",
      "1e-5",
  };
  wrong = 0;
  for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) wrong += !agrees(hard[i]);
  /* More digits than matter: 0.5 and a 1 a thousand digits later is above 0.5 and reads as it; but at a halfway point
   * it decides. */
  char far[2000] = "9007199254740993.";
  memset(far + 17, '0', 1500);
  strcpy(far + 1517, "1");
  wrong += !agrees(far);
  far[15] = '2';
  wrong += !agrees(far);
  memset(far, '9', 1200);
  strcpy(far + 1200, "e-900");
  wrong += !agrees(far);
  ok(wrong == 0, "the hard ones");
}

static void integers(void) {
  static const struct {
    const char *text;
    vs_value_tag tag;
    int64_t i;
  } rows[] = {
      {"0", VS_VALUE_INT, 0},
      {"-0", VS_VALUE_INT, 0},
      {"+7", VS_VALUE_INT, 7},
      {"007", VS_VALUE_INT, 7},
      {"9223372036854775807", VS_VALUE_INT, INT64_MAX},
      {"-9223372036854775808", VS_VALUE_INT, INT64_MIN},
      {"9223372036854775808", VS_VALUE_F64, 0},
      {"-9223372036854775809", VS_VALUE_F64, 0},
      {"18446744073709551616", VS_VALUE_F64, 0},
      {"7e0", VS_VALUE_F64, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_value v;
    bool right =
        parse(rows[i].text, &v) && v.tag == rows[i].tag && v.i == rows[i].i && v.f == strtod(rows[i].text, NULL);
    ok(right, "%s", rows[i].text);
  }
}

static void prefixes(void) {
  static const struct {
    const char *text;
    size_t length;
  } rows[] = {{"", 0},    {"-", 0},     {".", 0},  {"+.", 0},   {"e5", 0},   {"1", 1},     {"1.", 2},
              {".5", 2},  {"1.5.6", 3}, {"1e", 1}, {"1e+", 1},  {"1e5", 3},  {"1e-5x", 4}, {"-1.5e3", 6},
              {"--1", 0}, {"1-2", 1},   {"+1", 2}, {"12ab", 2}, {"1.e2 ", 4}};
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    wrong += vs_number_length((const uint8_t *)rows[i].text, strlen(rows[i].text)) != rows[i].length;
  }
  ok(wrong == 0, "what of a text is a number");
}

/* Fewest digits with which libc reads the same number. */
static int shortest(double f) {
  char text[64];
  for (int digits = 1; digits < 17; digits++) {
    snprintf(text, sizeof text, "%.*e", digits - 1, f);
    if (strtod(text, NULL) == f) return digits;
  }
  return 17;
}

static int count_digits(const char *text) {
  int n = 0, zeros = 0;
  for (; *text != 0 && *text != 'e'; text++) {
    if (*text < '0' || *text > '9' || (n == 0 && *text == '0')) continue;
    zeros = *text == '0' ? zeros + 1 : 0;
    n++;
  }
  return n - zeros;
}

static void writing(vs_rng *r) {
  unsigned wrong = 0;
  for (int i = 0; i < 3000; i++) {
    vs_value v = {VS_VALUE_F64, 0, random_double(r), {NULL, 0}, 0}, back;
    char text[VS_NUMBER_BYTES + 1];
    size_t n = vs_number_format(&v, text);
    text[n] = 0;
    bool right = n <= VS_NUMBER_BYTES && strtod(text, NULL) == v.f && parse(text, &back) && back.f == v.f &&
                 (v.f == 0 || count_digits(text) <= shortest(v.f));
    if (!right) printf("# %a is written %s\n", v.f, text);
    wrong += !right;
    v = (vs_value){VS_VALUE_INT, (int64_t)(vs_rng_u64(r) >> vs_rng_below(r, 64)) * (i % 2 ? 1 : -1), 0, {NULL, 0}, 0};
    n = vs_number_format(&v, text);
    text[n] = 0;
    wrong += strtoll(text, NULL, 10) != v.i;
  }
  ok(wrong == 0, "what is written reads back, and is as short as can be");
  static const struct {
    double f;
    const char *text;
  } rows[] = {{1, "1"},
              {0.1, "0.1"},
              {-2.5, "-2.5"},
              {1e21, "1e21"},
              {1e20, "100000000000000000000"},
              {1e-6, "0.000001"},
              {1e-7, "1e-7"},
              {0.00001, "0.00001"},
              {5e-324, "5e-324"},
              {0, "0.0"},
              {9.995e22, "9.995e22"},
              {1.7976931348623157e308, "1.7976931348623157e308"}};
  wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_value v = {VS_VALUE_F64, 0, rows[i].f, {NULL, 0}, 0};
    char text[VS_NUMBER_BYTES + 1];
    text[vs_number_format(&v, text)] = 0;
    wrong += strcmp(text, rows[i].text) != 0;
    if (strcmp(text, rows[i].text) != 0) printf("# %s, expected %s\n", text, rows[i].text);
  }
  ok(wrong == 0, "how it looks");
}

int main(void) {
  vs_rng r = {20240607};
  printf("# seed %llu\n", (unsigned long long)r.state);
  reading(&r);
  halfway(&r);
  integers();
  prefixes();
  writing(&r);
  return tap_done();
}
