/* stem_english.c - the Porter2 stemmer, Snowball's "english".
 *
 * Layer: text (L2). snowballstem.org/algorithms/english/stemmer.html. R1 is what
 * follows the first consonant after a vowel, R2 the same within R1. A y that
 * stands for a consonant is written Y meanwhile.
 */
#include "stem.h"

#include <string.h>

typedef struct {
  const char *ending, *to;
  uint8_t n; /* bytes of the ending */
} rule;

#define RULE(ending, to) {ending, to, sizeof(ending) - 1}

typedef struct {
  uint8_t *w;
  uint32_t n, r1, r2;
} word;

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof(list)[0]))

static bool is_vowel(uint8_t c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }

/* The last byte first: it nearly always decides. */
static bool ends_with(const word *x, const char *ending, uint32_t length, uint32_t *stem) {
  if (x->n < length || x->w[x->n - 1] != (uint8_t)ending[length - 1] ||
      memcmp(x->w + x->n - length, ending, length) != 0)
    return false;
  *stem = x->n - length;
  return true;
}

#define ends(x, ending, stem) ends_with(x, ending, sizeof(ending) - 1, stem)

static bool is_any(const word *x, const char *const *list, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (strlen(list[i]) == x->n && memcmp(list[i], x->w, x->n) == 0) return true;
  return false;
}

static void put(word *x, uint32_t stem, const char *to) {
  uint32_t length = (uint32_t)strlen(to);
  memcpy(x->w + stem, to, length);
  x->n = stem + length;
}

static bool has_vowel(const word *x, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (is_vowel(x->w[i])) return true;
  return false;
}

/* The place behind the first non-vowel that follows a vowel from `from` on. */
static uint32_t region(const word *x, uint32_t from) {
  uint32_t i = from;
  while (i < x->n && !is_vowel(x->w[i])) i++;
  while (i < x->n && is_vowel(x->w[i])) i++;
  return i < x->n ? i + 1 : x->n;
}

static void find_regions(word *x) {
  static const char *const starts[] = {"gener", "commun", "arsen"};
  x->r1 = UINT32_MAX;
  for (uint32_t i = 0; i < COUNT(starts); i++) {
    uint32_t length = (uint32_t)strlen(starts[i]);
    if (x->n >= length && memcmp(x->w, starts[i], length) == 0) x->r1 = length;
  }
  if (x->r1 == UINT32_MAX) x->r1 = region(x, 0);
  x->r2 = region(x, x->r1);
}

/* A short syllable ends the first n bytes. */
static bool ends_short(const word *x, uint32_t n) {
  const uint8_t *w = x->w;
  if (n == 2) return is_vowel(w[0]) && !is_vowel(w[1]);
  return n > 2 && !is_vowel(w[n - 3]) && is_vowel(w[n - 2]) && !is_vowel(w[n - 1]) && w[n - 1] != 'w' &&
         w[n - 1] != 'x' && w[n - 1] != 'Y';
}

static void step_0_1a(word *x) {
  uint32_t stem;
  if (ends(x, "'s'", &stem) || ends(x, "'s", &stem) || ends(x, "'", &stem)) x->n = stem;
  if (ends(x, "sses", &stem)) {
    x->n -= 2;
  } else if (ends(x, "ied", &stem) || ends(x, "ies", &stem)) {
    x->n -= stem > 1 ? 2 : 1;
  } else if (ends(x, "s", &stem) && !ends(x, "us", &stem) && !ends(x, "ss", &stem)) {
    if (x->n >= 3 && has_vowel(x, x->n - 2)) x->n--;
  }
}

static void step_1b(word *x) {
  uint32_t stem;
  if (ends(x, "eedly", &stem) || ends(x, "eed", &stem)) {
    if (stem >= x->r1) put(x, stem, "ee");
    return;
  }
  if (!(ends(x, "ingly", &stem) || ends(x, "edly", &stem) || ends(x, "ing", &stem) || ends(x, "ed", &stem))) return;
  if (!has_vowel(x, stem)) return;
  x->n = stem;
  const uint8_t *w = x->w;
  uint32_t n = x->n;
  bool lacks_e = ends(x, "at", &stem) || ends(x, "bl", &stem) || ends(x, "iz", &stem);
  bool doubled = !lacks_e && n >= 2 && w[n - 1] == w[n - 2] && strchr("bdfgmnprt", w[n - 1]);
  if (doubled)
    x->n--;
  else if (lacks_e || (x->r1 >= n && ends_short(x, n)))
    put(x, n, "e");
}

static void step_1c(word *x) {
  uint8_t *last = x->w + x->n - 1;
  if (x->n > 2 && (*last == 'y' || *last == 'Y') && !is_vowel(x->w[x->n - 2])) *last = 'i';
}

static const rule rules_2[] = {
    RULE("ization", "ize"), RULE("ational", "ate"), RULE("fulness", "ful"), RULE("ousness", "ous"),
    RULE("iveness", "ive"), RULE("tional", "tion"), RULE("biliti", "ble"),  RULE("lessli", "less"),
    RULE("entli", "ent"),   RULE("ation", "ate"),   RULE("alism", "al"),    RULE("aliti", "al"),
    RULE("ousli", "ous"),   RULE("iviti", "ive"),   RULE("fulli", "ful"),   RULE("enci", "ence"),
    RULE("anci", "ance"),   RULE("abli", "able"),   RULE("izer", "ize"),    RULE("ator", "ate"),
    RULE("alli", "al"),     RULE("bli", "ble")};

static void step_2(word *x) {
  uint32_t stem;
  for (uint32_t i = 0; i < COUNT(rules_2); i++) {
    if (!ends_with(x, rules_2[i].ending, rules_2[i].n, &stem)) continue;
    if (stem >= x->r1) put(x, stem, rules_2[i].to);
    return;
  }
  if (ends(x, "ogi", &stem)) {
    if (stem >= x->r1 && stem > 0 && x->w[stem - 1] == 'l') x->n--;
  } else if (ends(x, "li", &stem)) {
    if (stem >= x->r1 && stem > 0 && strchr("cdeghkmnrt", x->w[stem - 1])) x->n = stem;
  }
}

static const rule rules_3[] = {RULE("ational", "ate"), RULE("tional", "tion"), RULE("alize", "al"), RULE("icate", "ic"),
                               RULE("iciti", "ic"),    RULE("ical", "ic"),     RULE("ness", ""),    RULE("ful", "")};

static void step_3(word *x) {
  uint32_t stem;
  if (ends(x, "ative", &stem)) {
    if (stem >= x->r2) x->n = stem;
    return;
  }
  for (uint32_t i = 0; i < COUNT(rules_3); i++) {
    if (!ends_with(x, rules_3[i].ending, rules_3[i].n, &stem)) continue;
    if (stem >= x->r1) put(x, stem, rules_3[i].to);
    return;
  }
}

static const rule rules_4[] = {
    RULE("ement", ""), RULE("ance", ""), RULE("ence", ""), RULE("able", ""), RULE("ible", ""), RULE("ment", ""),
    RULE("ant", ""),   RULE("ent", ""),  RULE("ism", ""),  RULE("ate", ""),  RULE("iti", ""),  RULE("ous", ""),
    RULE("ive", ""),   RULE("ize", ""),  RULE("al", ""),   RULE("er", ""),   RULE("ic", "")};

static void step_4(word *x) {
  uint32_t stem;
  for (uint32_t i = 0; i < COUNT(rules_4); i++) {
    if (!ends_with(x, rules_4[i].ending, rules_4[i].n, &stem)) continue;
    if (stem >= x->r2) x->n = stem;
    return;
  }
  if (ends(x, "ion", &stem) && stem >= x->r2 && stem > 0 && (x->w[stem - 1] == 's' || x->w[stem - 1] == 't'))
    x->n = stem;
}

static void step_5(word *x) {
  uint32_t stem;
  if (ends(x, "e", &stem)) {
    if (stem >= x->r2 || (stem >= x->r1 && !ends_short(x, stem))) x->n = stem;
  } else if (ends(x, "l", &stem) && stem >= x->r2 && stem > 0 && x->w[stem - 1] == 'l') {
    x->n = stem;
  }
}

/* Words that the rules would treat badly. */
static bool is_exception(word *x) {
  if (x->n > 6) return false;
  static const rule words[] = {RULE("skis", "ski"),      RULE("skies", "sky"),    RULE("dying", "die"),
                               RULE("lying", "lie"),     RULE("tying", "tie"),    RULE("idly", "idl"),
                               RULE("gently", "gentl"),  RULE("ugly", "ugli"),    RULE("early", "earli"),
                               RULE("only", "onli"),     RULE("singly", "singl"), RULE("sky", "sky"),
                               RULE("news", "news"),     RULE("howe", "howe"),    RULE("atlas", "atlas"),
                               RULE("cosmos", "cosmos"), RULE("bias", "bias"),    RULE("andes", "andes")};
  for (uint32_t i = 0; i < COUNT(words); i++) {
    if (words[i].n != x->n || memcmp(words[i].ending, x->w, x->n) != 0) continue;
    put(x, 0, words[i].to);
    return true;
  }
  return false;
}

/* Marks each y at the start or after a vowel as a consonant. */
static bool mark_y(word *x) {
  bool any = false;
  for (uint32_t i = 0; i < x->n; i++) {
    if (x->w[i] != 'y' || (i > 0 && !is_vowel(x->w[i - 1]))) continue;
    x->w[i] = 'Y';
    any = true;
  }
  return any;
}

uint32_t vs_stem_english(uint8_t *w, uint32_t n) {
  static const char *const kept[] = {"inning",  "outing",  "canning", "herring",
                                     "earring", "proceed", "exceed",  "succeed"};
  word x = {w, n, 0, 0};
  if (n <= 2 || is_exception(&x)) return x.n;
  if (w[0] == '\'') memmove(w, w + 1, --x.n);
  bool marked = mark_y(&x);
  find_regions(&x);
  step_0_1a(&x);
  if (x.n > 7 || !is_any(&x, kept, COUNT(kept))) {
    step_1b(&x);
    step_1c(&x);
    step_2(&x);
    step_3(&x);
    step_4(&x);
    step_5(&x);
  }
  for (uint32_t i = 0; marked && i < x.n; i++)
    if (w[i] == 'Y') w[i] = 'y';
  return x.n;
}
