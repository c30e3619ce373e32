/* Every operator's truth for every kind of value, and NOT, AND, OR over the three truths. */
#include "filters.h"

typedef struct {
  const char *filter, *metadata;
  char truth;
} row;

static void ask_all(const char *what, const row *rows, size_t n) {
  size_t wrong = 0;
  for (size_t i = 0; i < n; i++) {
    char truth = filters_ask(rows[i].filter, rows[i].metadata);
    if (truth == rows[i].truth) continue;
    wrong++;
    printf("# %s of %s is %c, expected %c\n", rows[i].filter, rows[i].metadata, truth, rows[i].truth);
  }
  ok(wrong == 0, "%s: %zu truths", what, n);
}

#define ASK(what, rows) ask_all(what, rows, sizeof(rows) / sizeof((rows)[0]))

static void comparisons(void) {
  static const row rows[] = {
      {"a = 1", "{'a': 1}", 'T'},
      {"a = 1", "{'a': 1.0}", 'T'},
      {"a = 1", "{'a': true}", 'T'},
      {"a = TRUE", "{'a': 1}", 'T'},
      {"a = 1", "{'a': '1'}", 'F'},
      {"a = 1", "{'a': null}", 'U'},
      {"a = 1", "{}", 'U'},
      {"a = 1", "{'a': [1]}", 'U'},
      {"a = 1", "{'a': {'a': 1}}", 'U'},
      {"a = NULL", "{'a': null}", 'U'},
      {"a != 1", "{'a': 2}", 'T'},
      {"a <> 1", "{}", 'U'},
      {"a != 1", "{'a': 'x'}", 'T'},
      {"a == 1", "{'a': 1}", 'T'},
      {"a < 'x'", "{'a': 9e99}", 'T'},
      {"a < 5", "{'a': 'x'}", 'F'},
      {"a > 5", "{'a': '1'}", 'T'},
      {"a > 5", "{'a': 5}", 'F'},
      {"a >= 5", "{'a': 5}", 'T'},
      {"a <= -5", "{'a': -5}", 'T'},
      {"a < 0.1", "{'a': 0}", 'T'},
      {"a < 'b'", "{'a': 'a'}", 'T'},
      {"a < 'a'", "{'a': 'A'}", 'T'},
      {"a < 'ab'", "{'a': 'a'}", 'T'},
      {"a > ''", "{'a': ' '}", 'T'},
      {"a < '\xf0\x9d\x84\x9e'", "{'a': '\xef\xbf\xbf'}", 'T'},
      {"a >= '2024-01-01' AND a < '2025-01-01'", "{'a': '2024-06-30T10:00:00Z'}", 'T'},
      {"a = draft", "{'a': 'draft'}", 'T'},
  };
  ASK("comparisons", rows);
}

static void exact_numbers(void) {
  static const row rows[] = {
      {"a = 9007199254740993", "{'a': 9007199254740993}", 'T'},
      {"a = 9007199254740992", "{'a': 9007199254740993}", 'F'},
      {"a = 9007199254740992.0", "{'a': 9007199254740993}", 'F'},
      {"a > 9007199254740992.0", "{'a': 9007199254740993}", 'T'},
      {"a < 9007199254740993", "{'a': 9007199254740992.0}", 'T'},
      {"a = 9223372036854775807", "{'a': 9223372036854775807}", 'T'},
      {"a < 9223372036854775808", "{'a': 9223372036854775807}", 'T'},
      {"a = -9223372036854775808", "{'a': -9223372036854775808}", 'T'},
      {"a = -9223372036854775808.0", "{'a': -9223372036854775808}", 'T'},
      {"a > -9223372036854775809e3", "{'a': -9223372036854775808}", 'T'},
      {"a < 1e300", "{'a': 9223372036854775807}", 'T'},
      {"a > -1e300", "{'a': -9223372036854775808}", 'T'},
      {"a > 9223372036854775807", "{'a': 1e19}", 'T'},
      {"a = 0", "{'a': -0.0}", 'T'},
      {"a < 3", "{'a': 2.5}", 'T'},
      {"a > -3", "{'a': -2.5}", 'T'},
      {"a = .5", "{'a': 0.5}", 'T'},
      {"a = 5.", "{'a': 5}", 'T'},
      {"a = +1.5e-1", "{'a': 0.15}", 'T'},
      {"a = -1.5E3", "{'a': -1500}", 'T'},
  };
  ASK("numbers are exact", rows);
}

static void lists(void) {
  static const row rows[] = {
      {"a IN (3, 1, 2)", "{'a': 2}", 'T'},
      {"a IN [3, 1, 2]", "{'a': 4}", 'F'},
      {"a IN (1, 'x', 2.5)", "{'a': 'x'}", 'T'},
      {"a IN (1, 1, 1.0, TRUE)", "{'a': true}", 'T'},
      {"a IN ()", "{}", 'F'},
      {"a NOT IN []", "{'a': null}", 'T'},
      {"a IN (1)", "{}", 'U'},
      {"a NOT IN (1)", "{}", 'U'},
      {"a NOT IN (1)", "{'a': 2}", 'T'},
      {"a IN (1, NULL)", "{'a': 1}", 'T'},
      {"a IN (1, NULL)", "{'a': 2}", 'U'},
      {"a NOT IN (1, NULL)", "{'a': 2}", 'U'},
      {"a IN (NULL)", "{'a': 2}", 'U'},
      {"a IN (1)", "{'a': [1]}", 'U'},
      {"a BETWEEN 1 AND 3", "{'a': 1}", 'T'},
      {"a BETWEEN 1 AND 3", "{'a': 3.5}", 'F'},
      {"a BETWEEN 3 AND 1", "{'a': 2}", 'F'},
      {"a NOT BETWEEN 1 AND 3", "{'a': 0}", 'T'},
      {"a BETWEEN 1 AND 3", "{}", 'U'},
      {"a BETWEEN 1 AND NULL", "{'a': 0}", 'F'},
      {"a BETWEEN 1 AND NULL", "{'a': 2}", 'U'},
      {"a BETWEEN 1 AND 3 AND b = 2", "{'a': 2, 'b': 2}", 'T'},
  };
  ASK("IN and BETWEEN", rows);
}

static void texts(void) {
  static const row rows[] = {
      {"a CONTAINS 'ell'", "{'a': 'hello'}", 'T'},
      {"a CONTAINS 'Ell'", "{'a': 'hello'}", 'F'},
      {"a CONTAINS ''", "{'a': 'x'}", 'T'},
      {"a CONTAINS 'xyz'", "{'a': 'xy'}", 'F'},
      {"a CONTAINS 'aab'", "{'a': 'aaab'}", 'T'},
      {"a CONTAINS 1", "{'a': '1'}", 'U'},
      {"a CONTAINS NULL", "{'a': 'x'}", 'U'},
      {"a CONTAINS 'x'", "{'a': 1}", 'U'},
      {"a CONTAINS 'x'", "{'a': ['y', 'x']}", 'T'},
      {"a CONTAINS 'x'", "{'a': ['xx']}", 'F'},
      {"a CONTAINS 1", "{'a': [null, true]}", 'T'},
      {"a CONTAINS 1", "{'a': [[1], {'x': 1}]}", 'F'},
      {"a CONTAINS NULL", "{'a': [null]}", 'U'},
      {"a NOT CONTAINS 'x'", "{'a': []}", 'T'},
      {"a NOT CONTAINS 'x'", "{}", 'U'},
      {"a STARTSWITH 'he'", "{'a': 'hello'}", 'T'},
      {"a STARTSWITH 'hello!'", "{'a': 'hello'}", 'F'},
      {"a startswith 'x'", "{'a': 5}", 'U'},
      {"a ENDSWITH 'lo'", "{'a': 'hello'}", 'T'},
      {"a NOT ENDSWITH 'x'", "{'a': 'hello'}", 'T'},
      {"a ENDSWITH NULL", "{'a': 'hello'}", 'U'},
      {"a LIKE 'h%o'", "{'a': 'hello'}", 'T'},
      {"a LIKE 'H%'", "{'a': 'hello'}", 'F'},
      {"a ILIKE 'H%'", "{'a': 'hello'}", 'T'},
      {"a NOT ILIKE 'H%'", "{'a': 'hello'}", 'F'},
      {"a LIKE NULL", "{'a': 'hello'}", 'U'},
      {"a LIKE '1'", "{'a': 1}", 'U'},
      {"a LIKE '50!%' ESCAPE '!'", "{'a': '50%'}", 'T'},
      {"a LIKE '50!%' ESCAPE '!'", "{'a': '500'}", 'F'},
      {"a LIKE '50\\%' ESCAPE '\\\\'", "{'a': '50%'}", 'T'},
      {"a LIKE '50\\%'", "{'a': '50\\x'}", 'T'},
  };
  ASK("CONTAINS, STARTSWITH, ENDSWITH, LIKE", rows);
}

static void presence(void) {
  static const row rows[] = {
      {"a IS NULL", "{}", 'T'},
      {"a IS NULL", "{'a': null}", 'T'},
      {"a IS NULL", "{'a': []}", 'F'},
      {"a IS NOT NULL", "{'a': 0}", 'T'},
      {"a is not null", "{}", 'F'},
      {"EXISTS a", "{'a': null}", 'T'},
      {"EXISTS(a)", "{}", 'F'},
      {"NOT EXISTS a.b", "{'a': 5}", 'T'},
      {"a", "{'a': true}", 'T'},
      {"NOT a", "{'a': false}", 'T'},
      {"a", "{'a': 0}", 'F'},
      {"a", "{'a': -0.5}", 'T'},
      {"a", "{'a': 0.0}", 'F'},
      {"a", "{'a': '1'}", 'U'},
      {"a", "{}", 'U'},
      {"NOT a", "{}", 'U'},
      {"a", "{'a': [1]}", 'U'},
      {"NOT a = 1", "{}", 'U'},
  };
  ASK("IS NULL, EXISTS, bare fields", rows);
}

static void arrays(void) {
  static const row rows[] = {
      {"ANY(a) = 2", "{'a': [1, 2]}", 'T'},
      {"ANY(a) = 3", "{'a': [1, 2]}", 'F'},
      {"ANY(a) = 3", "{'a': [1, null]}", 'U'},
      {"ANY(a) = 1", "{'a': []}", 'F'},
      {"ANY(a) = 1", "{'a': 1}", 'U'},
      {"ALL(a) > 0", "{'a': [1, 2]}", 'T'},
      {"ALL(a) > 1", "{'a': [1, null]}", 'F'},
      {"ALL(a) > 0", "{'a': [1, null]}", 'U'},
      {"ALL(a) > 0", "{'a': []}", 'T'},
      {"NOT ANY(a) = 2", "{'a': [1, 2]}", 'F'},
      {"NOT ANY(a) = 2", "{'a': [1, 3]}", 'T'},
      {"NOT ALL(a) > 1", "{'a': [1, 2]}", 'T'},
      {"NOT ANY(a) = 2", "{}", 'U'},
      {"ANY(a) NOT IN (1, 2)", "{'a': [1, 3]}", 'T'},
      {"ALL(a) LIKE 'x%'", "{'a': ['xa', 'xb']}", 'T'},
      {"any(a) IS NULL", "{'a': [1, null]}", 'T'},
      {"ANY(a)", "{'a': [false, true]}", 'T'},
      {"ANY(a) CONTAINS 1", "{'a': [[0], [1]]}", 'T'},
      {"LENGTH(a) = 2", "{'a': [1, 2]}", 'T'},
      {"LENGTH(a) > 2", "{'a': '\xc3\xa4\xf0\x9d\x84\x9ex'}", 'T'},
      {"LENGTH(a) = 0", "{'a': {}}", 'U'},
      {"LENGTH(a) BETWEEN 1 AND 2", "{'a': []}", 'F'},
      {"length(a)", "{'a': [0]}", 'T'},
      {"any = 1 AND length = 2 AND all", "{'any': 1, 'length': 2, 'all': true}", 'T'},
      {"a[1] = 2", "{'a': [1, 2]}", 'T'},
      {"a[2] IS NULL", "{'a': [1, 2]}", 'T'},
      {"a[0].b[1] = 'x'", "{'a': [{'b': [0, 'x']}]}", 'T'},
      {"a.b = 1", "{'a': [1]}", 'U'},
      {"a[0] = 1", "{'a': {'0': 1}}", 'U'},
  };
  ASK("arrays", rows);
}

static void connectives(void) {
  /* F, U and T as filters, on both sides of each connective. */
  static const char *const sides[] = {"f = 1", "u = 1", "t = 1"}, *const constants[] = {"FALSE", "NULL", "TRUE"};
  unsigned wrong = 0;
  char text[100];
  for (unsigned x = 0; x < 3; x++) {
    for (unsigned y = 0; y < 3; y++) {
      for (unsigned kind = 0; kind < 4; kind++) {
        const char *a = (kind & 1 ? constants : sides)[x], *b = (kind & 2 ? constants : sides)[y];
        snprintf(text, sizeof text, "%s AND %s", a, b);
        wrong += filters_ask(text, "{'f': 0, 't': 1}") != "FUT"[x < y ? x : y];
        snprintf(text, sizeof text, "%s OR %s", a, b);
        wrong += filters_ask(text, "{'f': 0, 't': 1}") != "FUT"[x > y ? x : y];
        snprintf(text, sizeof text, "NOT (%s OR %s)", a, b);
        wrong += filters_ask(text, "{'f': 0, 't': 1}") != "TUF"[x > y ? x : y];
        snprintf(text, sizeof text, "NOT (NOT (%s AND %s))", a, b);
        wrong += filters_ask(text, "{'f': 0, 't': 1}") != "FUT"[x < y ? x : y];
      }
    }
  }
  ok(wrong == 0, "AND, OR and NOT over FALSE, UNKNOWN and TRUE");
  static const row rows[] = {
      {"t OR f AND f", "{'t': 1, 'f': 0}", 'T'},
      {"(t OR f) AND f", "{'t': 1, 'f': 0}", 'F'},
      {"NOT f AND f", "{'f': 0}", 'F'},
      {"NOT (f AND f)", "{'f': 0}", 'T'},
      {"NOT NOT t", "{'t': 1}", 'T'},
      {"NOT NOT NOT t = 1", "{'t': 1}", 'F'},
      {"f AND f OR t", "{'t': 1, 'f': 0}", 'T'},
      {"NOT t = 1 OR t = 1", "{'t': 1}", 'T'},
      {"((((t))))", "{'t': 1}", 'T'},
      {"f OR f OR t AND NOT f", "{'t': 1, 'f': 0}", 'T'},
      {"t AND (f OR (t AND NOT (f OR f)))", "{'t': 1, 'f': 0}", 'T'},
  };
  ASK("precedence and parentheses", rows);
}

int main(void) {
  vs_alloc_init(&filters_alloc);
  comparisons();
  exact_numbers();
  lists();
  texts();
  presence();
  arrays();
  connectives();
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
