/* Fields bare, dotted, indexed and in backticks; both kinds of quotes and their escapes; keys like
 * those of JavaScript's prototypes; keywords in any case; parameters. */
#include "filters.h"

static void fields(void) {
  static const char *const all =
      "{'a b': 1, 'x': {'y.z': {'in': 2}, '`': 3}, '__proto__': {'constructor': 4}, 'hasOwnProperty': 5, "
      "'\xc3\xbc\x62\x65r': 6, '_1': 7, '': 8, 'and': 9, '\xf0\x9f\x98\x80': 10, 'back\\slash': 12, 'list': [[1, {'k': "
      "11}]]}";
  static const char *const true_ones[] = {
      "`a b` = 1",
      "x.`y.z`.in = 2",
      "`x`.`y.z`.`in` = 2",
      "x.```` = 3",
      "__proto__.constructor = 4",
      "hasOwnProperty = 5",
      "\xc3\xbc\x62\x65r = 6",
      "_1 = 7",
      "`` = 8",
      "`and` = 9",
      "\xf0\x9f\x98\x80 = 10",
      "list[0][1].k = 11",
      "list [ 0 ] [ 1 ] . k = 11",
      "`back\\slash` = 12",
      "\xc2\xaa IS NULL",
      "toString IS NULL",
      "x.__proto__ IS NULL",
      "`A b` IS NULL",
  };
  for (size_t i = 0; i < sizeof true_ones / sizeof true_ones[0]; i++) {
    ok(filters_ask(true_ones[i], all) == 'T', "%s", true_ones[i]);
  }
}

static void strings(void) {
  static const struct {
    const char *filter, *value;
  } rows[] = {
      {"a = 'it''s'", "it's"},
      {"a = 'it\\'s'", "it's"},
      {"a = \"it's\"", "it's"},
      {"a = \"say \"\"x\"\"\"", "say \"x\""},
      {"a = '\\n\\t\\r\\\\'", "\n\t\r\\"},
      {"a = '\\d\\%'", "\\d\\%"},
      {"a = '\\\"'", "\""},
      {"a = ''", ""},
      {"a = ''''", "'"},
      {"a = '\\\\'", "\\"},
      {"a = '\xe6\x97\xa5'", "\xe6\x97\xa5"},
      {"a = 'a AND b'", "a AND b"},
      {"a = '\n'", "\n"},
      {"a = word", "word"},
      {"a = \xc3\xbc", "\xc3\xbc"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_wr w;
    vs_wr_init(&w, &filters_alloc);
    size_t mark = vs_value_object_begin(&w);
    vs_value_key(&w, "a");
    vs_value_cstring(&w, rows[i].value);
    vs_value_end(&w, mark, 1);
    vs_filter *f = filters_compile(rows[i].filter);
    ok(vs_filter_match(f, (vs_slice){w.p, w.n}), "quotes, row %zu", i);
    vs_filter_destroy(&filters_alloc, f);
    vs_wr_deinit(&w);
  }
}

static char ask_with(const char *text, const char *params, const char *metadata, vs_err *err) {
  vs_wr p = filters_encode(params), m = filters_encode(metadata);
  vs_filter *f;
  char truth = '!';
  if (vs_filter_compile_text(&filters_alloc, text, strlen(text), (vs_slice){p.p, p.n}, NULL, &f, err) == VS_OK) {
    /* The program keeps nothing of the parameters. */
    memset(p.p, 0xff, p.n);
    truth = "FUT"[vs_filter_truth(f, (vs_slice){m.p, m.n})];
  }
  vs_filter_destroy(&filters_alloc, f);
  vs_wr_deinit(&p);
  vs_wr_deinit(&m);
  return truth;
}

static void parameters(void) {
  vs_err err;
  ok(ask_with("a = $x AND b >= $y", "{'y': 2, 'x': 'text'}", "{'a': 'text', 'b': 2}", &err) == 'T', "values");
  ok(ask_with("a = $x", "{'x': '1 OR TRUE'}", "{'a': 'x'}", &err) == 'F', "a parameter is never filter text");
  ok(ask_with("a IN $list", "{'list': [1, 'x', null]}", "{'a': 'x'}", &err) == 'T', "a list");
  ok(ask_with("a NOT IN $list", "{'list': []}", "{}", &err) == 'T', "an empty list");
  ok(ask_with("a IN ($1, $2)", "{'1': 5, '2': 6}", "{'a': 6}", &err) == 'T',
     "parameters in a list, and with numbers as names");
  ok(ask_with("a LIKE $p ESCAPE $e", "{'p': 'x!%', 'e': '!'}", "{'a': 'x%'}", &err) == 'T', "patterns");
  ok(ask_with("a = $__proto__", "{'__proto__': 3}", "{'a': 3}", &err) == 'T', "any name");
  ok(ask_with("a = 1 OR a = $x", "{'y': 1}", "{}", &err) == '!' && err.status == VS_FILTER_SYNTAX && err.index == 13,
     "one that is not given");
  ok(ask_with("a = $x", "{'x': [1]}", "{}", &err) == '!' && err.index == 4, "a list where a value is wanted");
  ok(ask_with("a IN $x", "{'x': 1}", "{}", &err) == '!' && err.index == 5, "a value where a list is wanted");
  ok(ask_with("a IN $x", "{'x': [1, {}, 2]}", "{}", &err) == '!' && err.index == 5, "an object in a list");
  vs_filter *f;
  ok(vs_filter_compile_text(&filters_alloc, "a", 1, (vs_slice){(const uint8_t *)"\x03\x02", 2}, NULL, &f, &err) ==
         VS_INVALID_ARGUMENT,
     "params that are no object");
  ok(vs_filter_compile_text(&filters_alloc, "a", 1, (vs_slice){(const uint8_t *)"\x07\x01", 2}, NULL, &f, NULL) ==
         VS_INVALID_ARGUMENT,
     "params that are malformed");
}

int main(void) {
  vs_alloc_init(&filters_alloc);
  fields();
  strings();
  parameters();
  ok(filters_ask("a between 1 and 2 Or Not b is Null aNd c iN (1)", "{'a': 0, 'b': 1, 'c': 1}") == 'T',
     "keywords in any case");
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
