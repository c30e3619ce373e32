/* stem_porter.c - the Porter stemmer.
 *
 * Layer: text (L2). M. F. Porter, An algorithm for suffix stripping, 1980. A
 * rule is an ending, what replaces it, and the measure that the stem before it
 * must exceed; of the endings of a step the longest that fits is tried, and only that one.
 */
#include "stem.h"

#include <string.h>

typedef struct {
  const char *ending, *to;
  uint8_t n; /* bytes of the ending */
} rule;

#define RULE(ending, to) {ending, to, sizeof(ending) - 1}

static bool is_consonant(const uint8_t *w, uint32_t i) {
  switch (w[i]) {
  case 'a':
  case 'e':
  case 'i':
  case 'o':
  case 'u': return false;
  case 'y': return i == 0 || !is_consonant(w, i - 1);
  default: return true;
  }
}

/* How often vowels are followed by consonants in the first n bytes. */
static uint32_t measure(const uint8_t *w, uint32_t n) {
  uint32_t m = 0;
  bool vowel = false;
  for (uint32_t i = 0; i < n; i++) {
    bool consonant = w[i] == 'y' ? i == 0 || vowel : is_consonant(w, i);
    if (consonant && vowel) m++;
    vowel = !consonant;
  }
  return m;
}

static bool has_vowel(const uint8_t *w, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (!is_consonant(w, i)) return true;
  return false;
}

static bool ends_double(const uint8_t *w, uint32_t n) {
  return n >= 2 && w[n - 1] == w[n - 2] && is_consonant(w, n - 1);
}

/* Consonant, vowel, consonant at the end, the last not w, x or y. */
static bool ends_short(const uint8_t *w, uint32_t n) {
  if (n < 3 || !is_consonant(w, n - 1) || is_consonant(w, n - 2) || !is_consonant(w, n - 3)) return false;
  return w[n - 1] != 'w' && w[n - 1] != 'x' && w[n - 1] != 'y';
}

/* The last byte first: it nearly always decides. */
static bool fits(const uint8_t *w, uint32_t n, const char *ending, uint32_t length, uint32_t *stem) {
  if (n < length || w[n - 1] != (uint8_t)ending[length - 1] || memcmp(w + n - length, ending, length) != 0)
    return false;
  *stem = n - length;
  return true;
}

#define ends_with(w, n, ending, stem) fits(w, n, ending, sizeof(ending) - 1, stem)

static uint32_t replace(uint8_t *w, uint32_t stem, const char *to) {
  uint32_t length = (uint32_t)strlen(to);
  memcpy(w + stem, to, length);
  return stem + length;
}

/* Tries the first rule whose ending fits; longer endings stand before those they end with. */
static uint32_t apply(uint8_t *w, uint32_t n, const rule *rules, uint32_t n_rules, uint32_t above) {
  for (uint32_t i = 0; i < n_rules; i++) {
    uint32_t stem;
    if (!fits(w, n, rules[i].ending, rules[i].n, &stem)) continue;
    return measure(w, stem) > above ? replace(w, stem, rules[i].to) : n;
  }
  return n;
}

static uint32_t step_1(uint8_t *w, uint32_t n) {
  uint32_t stem;
  if (w[n - 1] == 's') {
    if (ends_with(w, n, "sses", &stem) || ends_with(w, n, "ies", &stem))
      n -= 2;
    else if (w[n - 2] != 's')
      n--;
  }
  if (ends_with(w, n, "eed", &stem)) {
    if (measure(w, stem) > 0) n--;
  } else if ((ends_with(w, n, "ed", &stem) || ends_with(w, n, "ing", &stem)) && has_vowel(w, stem)) {
    n = stem;
    bool lacks_e = ends_with(w, n, "at", &stem) || ends_with(w, n, "bl", &stem) || ends_with(w, n, "iz", &stem);
    bool doubled = !lacks_e && ends_double(w, n);
    if (doubled)
      n -= w[n - 1] != 'l' && w[n - 1] != 's' && w[n - 1] != 'z';
    else if (lacks_e || (measure(w, n) == 1 && ends_short(w, n)))
      w[n++] = 'e';
  }
  if (n > 0 && w[n - 1] == 'y' && has_vowel(w, n - 1)) w[n - 1] = 'i';
  return n;
}

static const rule rules_2[] = {
    RULE("ational", "ate"), RULE("tional", "tion"), RULE("enci", "ence"), RULE("anci", "ance"), RULE("izer", "ize"),
    RULE("bli", "ble"),     RULE("alli", "al"),     RULE("entli", "ent"), RULE("eli", "e"),     RULE("ousli", "ous"),
    RULE("ization", "ize"), RULE("ation", "ate"),   RULE("ator", "ate"),  RULE("alism", "al"),  RULE("iveness", "ive"),
    RULE("fulness", "ful"), RULE("ousness", "ous"), RULE("aliti", "al"),  RULE("iviti", "ive"), RULE("biliti", "ble"),
    RULE("logi", "log")};

static const rule rules_3[] = {RULE("icate", "ic"), RULE("ative", ""), RULE("alize", "al"), RULE("iciti", "ic"),
                               RULE("ical", "ic"),  RULE("ful", ""),   RULE("ness", "")};

static const rule rules_4[] = {
    RULE("al", ""),   RULE("ance", ""), RULE("ence", ""),  RULE("er", ""),   RULE("ic", ""),  RULE("able", ""),
    RULE("ible", ""), RULE("ant", ""),  RULE("ement", ""), RULE("ment", ""), RULE("ent", ""), RULE("ou", ""),
    RULE("ism", ""),  RULE("ate", ""),  RULE("iti", ""),   RULE("ous", ""),  RULE("ive", ""), RULE("ize", "")};

#define RULES(list) list, (uint32_t)(sizeof(list) / sizeof(list)[0])

static uint32_t step_4(uint8_t *w, uint32_t n) {
  uint32_t stem;
  if (ends_with(w, n, "ion", &stem)) {
    bool follows = stem > 0 && (w[stem - 1] == 's' || w[stem - 1] == 't');
    return follows && measure(w, stem) > 1 ? stem : n;
  }
  return apply(w, n, RULES(rules_4), 1);
}

static uint32_t step_5(const uint8_t *w, uint32_t n) {
  if (w[n - 1] == 'e') {
    uint32_t m = measure(w, n - 1);
    if (m > 1 || (m == 1 && !ends_short(w, n - 1))) n--;
  }
  if (w[n - 1] == 'l' && ends_double(w, n) && measure(w, n) > 1) n--;
  return n;
}

uint32_t vs_stem_porter(uint8_t *w, uint32_t n) {
  if (n <= 2) return n;
  n = step_1(w, n);
  n = apply(w, n, RULES(rules_2), 0);
  n = apply(w, n, RULES(rules_3), 0);
  n = step_4(w, n);
  return n > 0 ? step_5(w, n) : n;
}
