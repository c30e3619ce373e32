/* What is no filter is refused with the byte offset, what was expected and a caret; limits hold. */
#include "filters.h"

#include "../../../src/base/utf8.h"

static const struct {
  const char *text;
  uint32_t offset;
  const char *says;
} WRONG[] = {
    {"", 0, "expected a field, NOT or ("},
    {"   ", 3, "expected a field"},
    {"a =", 3, "expected a value"},
    {"a = )", 4, "found ')'"},
    {"a = 1 b = 2", 6, "expected AND, OR or the end of the filter, found 'b'"},
    {"a = 1)", 5, "expected AND, OR or the end"},
    {"(a = 1", 6, "expected AND, OR or )"},
    {"a = 1 AND", 9, "expected a field"},
    {"a = 1 OR OR b", 9, "wants `...`"},
    {"AND a", 0, "wants `...`"},
    {"NOT", 3, "expected a field"},
    {"a year", 2, "expected an operator"},
    {"a NOT = 1", 6, "behind NOT"},
    {"a IS 1", 5, "NULL or NOT NULL"},
    {"a IS NOT 1", 9, "NULL behind IS NOT"},
    {"a IN 1", 5, "expected ( or ["},
    {"a IN (1, 2", 10, ", or )"},
    {"a IN (1, 2]", 10, ", or )"},
    {"a IN (1,)", 8, "a value of the list"},
    {"a IN [1 2]", 8, ", or ]"},
    {"a BETWEEN 1", 11, "AND between"},
    {"a BETWEEN 1 OR 2", 12, "AND between"},
    {"a LIKE 5", 7, "text is wanted"},
    {"a STARTSWITH TRUE", 13, "text is wanted"},
    {"a LIKE 'x' ESCAPE 'ab'", 7, "exactly one character"},
    {"a LIKE 'x' ESCAPE ''", 7, "exactly one character"},
    {"a LIKE 'x!' ESCAPE '!'", 7, "ends with its escape"},
    {"a = 'it", 4, "never closed"},
    {"a = 'it\\'", 4, "never closed"},
    {"`a = 1", 0, "never closed"},
    {"a = `b`", 4, "not with fields"},
    {"a = 1x", 4, "letters follow"},
    {"a = 1e999", 4, "too large"},
    {"a = -", 4, "no meaning"},
    {"a ! b", 2, "write NOT"},
    {"a = 1 && b", 6, "no meaning"},
    {"a.5 = 1", 1, "expected an operator"},
    {"a. = 1", 3, "a key behind the dot"},
    {"a[x] = 1", 2, "an index"},
    {"a[-1] = 1", 2, "an index"},
    {"a[1.5] = 1", 2, "an index"},
    {"a[1 = 1", 4, "] behind the index"},
    {"a[99999999999] = 1", 2, "too large"},
    {"in = 1", 0, "wants `...`"},
    {"f(a) = 1", 0, "ANY, ALL, LENGTH"},
    {"ANY(a = 1", 6, ") behind the field"},
    {"ANY() = 1", 4, "a field"},
    {"EXISTS", 6, "a field"},
    {"EXISTS(a", 8, ") behind"},
    {"a = $", 4, "name of a parameter"},
    {"a = $x", 4, "params has no value"},
    {"GEO_RADIUS(a, 1, 2)", 18, ", and latitude"},
    {"GEO_RADIUS(a, 91, 2, 3)", 14, "a circle is"},
    {"GEO_RADIUS(a, 1, 2, -3)", 14, "a circle is"},
    {"GEO_RADIUS(a, 'x', 2, 3)", 14, "numbers"},
    {"GEO_BBOX(a, 2, 0, 1, 0)", 12, "a box is"},
    {"GEO_BBOX(a, 1, 0, 2, 400)", 12, "a box is"},
    {"a = \xe2\x80\x9cx\xe2\x80\x9d", 4, "no meaning"},
    {"\xc3\xbc = 1 \xe6\x97\xa5", 7, "found '\xe6\x97\xa5'"},
    {"GEO_BBOX(a, -91, 0, 1, 0)", 12, "a box is"},
    {"GEO_BBOX(a, 1, 0, 91, 0)", 12, "a box is"},
    {"GEO_BBOX(a, 1, -361, 2, 0)", 12, "a box is"},
    {"a = 'x\\", 4, "never closed"},
    {"a \x01 b", 2, "no meaning"},
    {"a\x0e", 1, "no meaning"},
    {"a = 1 \xc2\xab", 6, "no meaning"},
    {"a = 1 \xc2\xbb", 6, "no meaning"},
    {"a = 1 \xc2\xa0", 6, "no meaning"},
    {"a = 2 \xc3\x97 3", 6, "no meaning"},
    {"a = 2 \xc3\xb7 3", 6, "no meaning"},
    {"a \xe3\x80\x81 3", 2, "no meaning"},
    {"a \xe3\x80\x8cx", 2, "no meaning"},
    {"a \xef\xbc\x8c 3", 2, "no meaning"},
    {"\xef\xbb\xbf"
     "a",
     0, "no meaning"},
    {"a IN $list", 5, "params has no value"},
    {"a[1e3] = 1", 2, "an index"},
    {"a[99999999999999999999] = 1", 2, "an index"},
    {"a = 1 averyveryverylongwordhere", 6, "found 'averyveryverylongwor...'"},
    {"a = 1 averyveryverylongwo\xc3\xa4\xc3\xa4\xc3\xa4", 6, "found 'averyveryverylongwo...'"},
    {"EXISTS 5", 7, "a field"},
    {"EXISTS(5)", 7, "a field"},
    {"LENGTH(5)", 7, "a field"},
    {"GEO_RADIUS(5, 1, 2, 3)", 11, "a field"},
    {"GEO_RADIUS(a, 1, 2, 3", 21, ") behind"},
    {"GEO_RADIUS(a, =, 2, 3)", 14, "a number"},
    {"a LIKE =", 7, "a value"},
    {"a BETWEEN = AND 2", 10, "a value"},
    {"a BETWEEN 1 AND =", 16, "upper value"},
    {"a LIKE 'x' ESCAPE =", 18, "escape character"},
    {"a = 'x\xff'", 6, "well-formed UTF-8"},
};

/* The caret of the message is below the character at the offset. */
static bool caret_is_right(const char *text, const vs_err *err) {
  const char *shown = strchr(err->msg, '\n'), *caret = shown != NULL ? strchr(shown + 1, '\n') : NULL;
  if (caret == NULL || caret[strlen(caret) - 1] != '^') return false;
  size_t columns = strlen(caret + 1) - 1, at = 0;
  const uint8_t *p = (const uint8_t *)shown + 1;
  for (uint32_t length; at < columns; at++, p += length) {
    if (vs_utf8_next(p, strlen((const char *)p), &length) == UINT32_MAX) return false;
  }
  /* What follows is the text at the offset, with spaces for control characters, as far as it is shown. */
  for (const char *from = text + err->index; *p != '\n'; p++, from++) {
    if (*p != ((uint8_t)*from < 0x20 ? ' ' : (uint8_t)*from)) return false;
  }
  return true;
}

static void messages(void) {
  for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
    vs_filter *f = (vs_filter *)(void *)&f;
    vs_err err;
    const char *text = WRONG[i].text;
    vs_status status = vs_filter_compile_text(&filters_alloc, text, strlen(text), (vs_slice){NULL, 0}, NULL, &f, &err);
    bool right = status == VS_FILTER_SYNTAX && err.status == status && f == NULL && err.index == WRONG[i].offset &&
                 strstr(err.msg, WRONG[i].says) != NULL && caret_is_right(text, &err) &&
                 vs_utf8_valid(err.msg, strlen(err.msg));
    ok(right, "%.30s is refused at %u", text, WRONG[i].offset);
    if (!right) printf("# status %d, offset %u: %s\n", status, err.index, err.msg);
    status = vs_filter_compile_text(&filters_alloc, text, strlen(text), (vs_slice){NULL, 0}, NULL, &f, NULL);
    must(status == VS_FILTER_SYNTAX && f == NULL);
  }
}

static void long_text(void) {
  char text[6001];
  vs_filter *f;
  vs_err err;
  unsigned wrong = 0;
  /* A wrong character at each distance from both ends, among characters of all lengths. */
  for (size_t at = 0; at < 200; at++) {
    size_t n = 0;
    for (const char *cycle = "x\xc3\xa4\xe6\x97\xa5\xf0\x9f\x98\x80"; n < at + 5;) {
      text[n++] = *cycle++;
      if (*cycle == 0) cycle -= 10;
    }
    while (((uint8_t)text[n - 1] & 0x80) != 0) n--;
    uint32_t offset = (uint32_t)n;
    text[n++] = '#';
    for (size_t i = 0; i < at; i++) text[n++] = "\t\n z"[i % 4];
    wrong += vs_filter_compile_text(&filters_alloc, text, n, (vs_slice){NULL, 0}, NULL, &f, &err) != VS_FILTER_SYNTAX ||
             err.index != offset || err.msg[strlen(err.msg) - 1] != '^' || !vs_utf8_valid(err.msg, strlen(err.msg));
  }
  ok(wrong == 0, "excerpts never split characters and always show the caret");
}

static vs_status compile_n(const char *text, const vs_filter_limits *limits, vs_err *err) {
  vs_filter *f;
  vs_status status = vs_filter_compile_text(&filters_alloc, text, strlen(text), (vs_slice){NULL, 0}, limits, &f, err);
  vs_filter_destroy(&filters_alloc, f);
  return status;
}

/* `before` n times, then `middle`, then `after` n times. */
static char *nested(const char *before, const char *middle, const char *after, size_t n) {
  char *text = calloc(1, n * (strlen(before) + strlen(after)) + strlen(middle) + 1);
  must(text != NULL);
  for (size_t i = 0; i < n; i++) strcat(text, before);
  strcat(text, middle);
  for (size_t i = 0; i < n; i++) strcat(text, after);
  return text;
}

static void limits(void) {
  vs_err err;
  char *deep = nested("(", "a", ")", 32), *deeper = nested("NOT (x OR y AND NOT (", "a", "))", 16);
  ok(compile_n(deep, NULL, &err) == VS_OK && compile_n(deeper, NULL, &err) == VS_OK, "32 levels");
  free(deep);
  free(deeper);
  deep = nested("(", "a", ")", 33);
  ok(compile_n(deep, NULL, &err) == VS_FILTER_SYNTAX && err.index == 32, "not 33");
  free(deep);
  deep = nested("(", "a", "", 8000);
  ok(compile_n(deep, NULL, &err) == VS_FILTER_SYNTAX && err.index == 32, "nor 8000 never closed");
  free(deep);
  deep = nested("NOT ", "a", "", 2000);
  ok(compile_n(deep, NULL, &err) == VS_OK, "NOT does not nest");
  free(deep);
  deep = nested("a.", "a", "", 31);
  ok(compile_n(deep, NULL, &err) == VS_OK, "a field of 32 steps");
  free(deep);
  deep = nested("a.", "a", "", 32);
  ok(compile_n(deep, NULL, &err) == VS_FILTER_SYNTAX, "not of 33");
  free(deep);
  deep = nested("a OR ", "a", "", 1638);
  ok(compile_n(deep, NULL, &err) == VS_OK, "8 kB of text");
  free(deep);
  deep = nested("a OR ", "a    ", "", 1638);
  ok(compile_n(deep, NULL, &err) == VS_FILTER_SYNTAX, "not more");
  free(deep);
  vs_filter_limits small = VS_FILTER_LIMITS;
  small.list_values = 4;
  small.pattern_bytes = 3;
  small.needle_bytes = 2;
  small.program_bytes = 1 << 20;
  ok(compile_n("a IN (1,2,3,4)", &small, &err) == VS_OK, "a list of the limit");
  ok(compile_n("a IN (1,2,3,4,5)", &small, &err) == VS_FILTER_SYNTAX && err.index == 14 && strstr(err.msg, "at most 4"),
     "not one more");
  ok(compile_n("a LIKE 'abc'", &small, &err) == VS_OK && compile_n("a ILIKE 'abcd'", &small, &err) == VS_FILTER_SYNTAX,
     "patterns");
  ok(compile_n("a CONTAINS 'ab'", &small, &err) == VS_OK &&
         compile_n("a CONTAINS 'abc'", &small, &err) == VS_FILTER_SYNTAX,
     "needles");
  small.program_bytes = 400;
  small.depth = 1000;
  small.program_bytes = 400;
  deep = nested("(", "a", ")", 33);
  ok(compile_n(deep, &small, &err) == VS_FILTER_SYNTAX, "depth cannot be raised");
  free(deep);
  ok(compile_n("a = "
               "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
               "xxxxxxxxx"
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
               "xxxxxxxxx"
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
               "xxxxxxxxx"
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
               "xxxxxxx'",
               &small, &err) == VS_FILTER_SYNTAX &&
         strstr(err.msg, "at most 400") != NULL,
     "one value");
  ok(compile_n("a = 1 AND b = 2 AND c = 3 AND d = 4 AND e = 5", &small, &err) == VS_FILTER_SYNTAX, "memory");
}

/* Each allocation refused in turn: OUT_OF_MEMORY, nothing left behind. */
static void no_memory(void) {
  const char *text =
      "(a.`b c`[3] = 'x\\n' OR NOT b IN (1, 2, $p)) AND c LIKE 'x!%' ESCAPE '!' AND GEO_RADIUS(l, 1, 2, 3)";
  vs_wr params = filters_encode("{'p': 'text'}");
  vs_filter *f = NULL;
  vs_err err;
  uint64_t before = filters_alloc.n_calls, calls = 0;
  vs_slice p = {params.p, params.n};
  must(vs_filter_compile_text(&filters_alloc, text, strlen(text), p, NULL, &f, &err) == VS_OK);
  calls = filters_alloc.n_calls - before;
  vs_filter_destroy(&filters_alloc, f);
  size_t used = filters_alloc.used;
  unsigned wrong = 0;
  for (uint64_t i = 1; i <= calls; i++) {
    for (int forever = 0; forever < 2; forever++) {
      filters_alloc.fail_at = filters_alloc.n_calls + i;
      filters_alloc.fail_forever = forever != 0;
      vs_status status = vs_filter_compile_text(&filters_alloc, text, strlen(text), p, NULL, &f, &err);
      wrong += status != VS_OUT_OF_MEMORY || f != NULL || filters_alloc.used != used;
      filters_alloc.fail_at = 0;
    }
  }
  ok(wrong == 0 && calls > 5, "every one of %u allocations refused is OUT_OF_MEMORY and leaves nothing",
     (unsigned)calls);
  vs_wr_deinit(&params);
}

int main(void) {
  vs_alloc_init(&filters_alloc);
  messages();
  long_text();
  limits();
  no_memory();
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
