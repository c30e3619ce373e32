/* LIKE and ILIKE agree with a matcher that follows the definition by recursion; the worst patterns take linear time. */
#include "../../../src/base/rng.h"
#include "../../../src/base/utf8.h"
#include "../../../src/filter/like.h"
#include "../tap.h"

#include <time.h>

static vs_alloc alloc;

static vs_slice slice(const char *s) { return (vs_slice){(const uint8_t *)s, strlen(s)}; }

static uint32_t step(const char **s) {
  uint32_t length, code = vs_utf8_next((const uint8_t *)*s, strlen(*s), &length);
  *s += length;
  return code;
}

/* By definition: % is any run, _ any character, the escape character takes the next as itself. */
static bool naive(const char *text, const char *pattern, char escape, bool fold) {
  if (*pattern == 0) return *text == 0;
  bool literal = escape != 0 && *pattern == escape;
  if (literal) pattern++;
  if (!literal && *pattern == '%') {
    for (const char *t = text;; step(&t)) {
      if (naive(t, pattern + 1, escape, fold)) return true;
      if (*t == 0) return false;
    }
  }
  if (*text == 0) return false;
  bool one = !literal && *pattern == '_';
  uint32_t a = step(&text), b = step(&pattern);
  return (one || a == b || (fold && vs_like_fold(a) == vs_like_fold(b))) && naive(text, pattern, escape, fold);
}

static bool match(const char *text, const char *pattern, const char *escape, bool fold) {
  vs_wr w;
  vs_wr_init(&w, &alloc);
  must(vs_like_compile(slice(pattern), slice(escape), fold, &w) && !w.failed);
  bool matches = vs_like_match(slice(text), (vs_slice){w.n > 0 ? w.p : (const uint8_t *)"", w.n}, fold);
  vs_wr_deinit(&w);
  return matches;
}

static void random_text(vs_rng *r, const char *const *pieces, uint32_t n_pieces, uint32_t max, char *out) {
  *out = 0;
  for (uint32_t n = vs_rng_below(r, max + 1); n > 0; n--) strcat(out, pieces[vs_rng_below(r, n_pieces)]);
}

static void against_naive(void) {
  static const char *const letters[] = {"a", "b", "A", "\xc3\xa4", "\xc3\x84", "\xe6\x97\xa5", "\xf0\x9d\x84\x9e",
                                        "!", "%", "_"};
  static const char *const wild[] = {"%", "%", "_", "a", "b", "A", "\xc3\xa4", "\xe6\x97\xa5", "!%", "!_", "!!"};
  vs_rng r = {7};
  char text[80], pattern[80];
  unsigned wrong = 0, matches = 0;
  for (int i = 0; i < 60000; i++) {
    bool fold = vs_rng_below(&r, 2), escape = vs_rng_below(&r, 2);
    random_text(&r, letters, 10, 8, text);
    random_text(&r, wild, 11, 7, pattern);
    bool want = naive(text, pattern, escape ? '!' : 0, fold);
    matches += want;
    if (match(text, pattern, escape ? "!" : "", fold) == want) continue;
    wrong++;
    printf("# '%s' %s '%s': expected %d (seed 7)\n", text, fold ? "ILIKE" : "LIKE", pattern, want);
  }
  ok(wrong == 0 && matches > 2000, "60000 random patterns, %u of which match", matches);
}

static void details(void) {
  vs_wr w;
  vs_wr_init(&w, &alloc);
  ok(!vs_like_compile(slice("a!"), slice("!"), false, &w), "a pattern that ends with its escape character is refused");
  vs_wr_deinit(&w);
  ok(match("a\xc3\xa4%", "__\xc3\xa4%", "\xc3\xa4", false), "the escape character may be any character");
  ok(match("%", "%%", "%", false) && !match("x", "%%", "%", false), "even a wildcard");
  ok(match("STRASSE \xc3\x9c\xce\xa9\xd0\x96", "strasse \xc3\xbc\xcf\x89\xd0\xb6", "", true),
     "cases of several alphabets");
  ok(!match("\xc3\x9c", "\xc3\xbc", "", false), "LIKE tells them apart");
  ok(match("\xe2\x84\xaa", "k", "", true) && match("\xcf\x82", "\xce\xa3", "", true), "Kelvin sign and final sigma");
  bool idempotent = true;
  for (uint32_t code = 0; code < 0x11000; code++) idempotent &= vs_like_fold(vs_like_fold(code)) == vs_like_fold(code);
  ok(idempotent, "folding twice is folding once");
  /* Bytes that are no UTF-8 are single characters and do no harm. */
  ok(vs_like_match((vs_slice){(const uint8_t *)"\xff\xc3", 2}, (vs_slice){(const uint8_t *)"\xfe\xfe", 2}, true),
     "malformed text");
}

static void substrings(void) {
  vs_rng r = {9};
  unsigned wrong = 0;
  for (int i = 0; i < 50000; i++) {
    char text[20], needle[6];
    size_t n = vs_rng_below(&r, 16), m = vs_rng_below(&r, 5);
    for (size_t j = 0; j < n; j++) text[j] = (char)('a' + vs_rng_below(&r, 2));
    for (size_t j = 0; j < m; j++) needle[j] = (char)('a' + vs_rng_below(&r, 2));
    text[n] = needle[m] = 0;
    wrong += vs_like_contains(slice(text), slice(needle)) != (strstr(text, needle) != NULL);
  }
  ok(wrong == 0, "substrings are found as strstr finds them");
}

static void worst_case(void) {
  enum { N = 1 << 20 };
  static uint8_t text[N];
  memset(text, 'a', N);
  char pattern[257] = "";
  for (int i = 0; i < 64; i++) strcat(pattern, "%a_a");
  pattern[255] = 'b';
  vs_wr w;
  vs_wr_init(&w, &alloc);
  must(vs_like_compile(slice(pattern), slice(""), false, &w));
  clock_t start = clock();
  ok(!vs_like_match((vs_slice){text, N}, (vs_slice){w.p, w.n}, false), "a megabyte against a pattern made to be slow");
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  ok(seconds < 10, "takes linear time: %.2f s", seconds);
  vs_wr_deinit(&w);
}

int main(void) {
  vs_alloc_init(&alloc);
  against_naive();
  details();
  substrings();
  worst_case();
  ok(alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
