/* What a planner reads: conjuncts, terms in normal form, explain; and terms asked one by one. */
#include "filters.h"

static void explained(const char *text, const char *want) {
  vs_filter *f = filters_compile(text), *again;
  vs_wr w, w2;
  vs_wr_init(&w, &filters_alloc);
  vs_wr_init(&w2, &filters_alloc);
  vs_filter_explain(f, &w);
  vs_err err;
  vs_status status =
      vs_filter_compile_text(&filters_alloc, (const char *)w.p, w.n, (vs_slice){NULL, 0}, NULL, &again, &err);
  if (status == VS_OK) vs_filter_explain(again, &w2);
  bool same = w.n == strlen(want) && memcmp(w.p, want, w.n) == 0;
  ok(same && status == VS_OK && w2.n == w.n && memcmp(w.p, w2.p, w.n) == 0, "%s", want);
  if (!same) printf("# got %.*s\n", (int)w.n, (const char *)w.p);
  vs_filter_destroy(&filters_alloc, f);
  vs_filter_destroy(&filters_alloc, again);
  vs_wr_deinit(&w);
  vs_wr_deinit(&w2);
}

static void explain(void) {
  explained("a=1", "a = 1");
  explained("not a == 'it''s' or b<>\"\\\\\"", "a != 'it''s' OR b != '\\\\'");
  explained("NOT (a < 1) AND NOT b >= 2", "a >= 1 AND b < 2");
  explained("(a AND b) AND c", "a AND b AND c");
  explained("a AND (b AND c)", "a AND (b AND c)");
  explained("(a OR b) AND (c OR d)", "(a OR b) AND (c OR d)");
  explained("((a AND b)) OR c", "a AND b OR c");
  explained("NOT (a OR NOT (b AND c))", "NOT (a OR NOT (b AND c))");
  explained("NOT NOT NOT (a OR b)", "NOT (a OR b)");
  explained("NOT (NOT (a OR b)) AND NOT TRUE", "(a OR b) AND FALSE");
  explained("NOT ANY(x) = 1", "ALL(x) != 1");
  explained("NOT ANY(x)", "NOT ANY(x)");
  explained("NOT ALL(x)", "NOT ALL(x)");
  explained("NOT a <= 1 AND NOT b > 2", "a > 1 AND b <= 2");
  explained("NOT ALL(x) IN (1)", "ANY(x) NOT IN (1)");
  explained("length(x) not between 1 and 2.5", "LENGTH(x) NOT BETWEEN 1 AND 2.5");
  explained("a IN ('b', 2, 1.5, TRUE, 'a', NULL, 1, 2.0)", "a IN (TRUE, 1.5, 2, 'a', 'b', NULL)");
  explained("a IN ()", "a IN ()");
  explained("a IN (null)", "a IN (NULL)");
  explained("a like 'x' AND b not ilike '%y!%' escape '!'", "a LIKE 'x' AND b NOT ILIKE '%y!%' ESCAPE '!'");
  explained("a LIKE NULL", "a LIKE NULL");
  explained("a is not null and exists b or not exists(c)", "a IS NOT NULL AND EXISTS(b) OR NOT EXISTS(c)");
  explained("a.b[3].`c d`.`e``f`.`or`.in", "a.b[3].`c d`.`e``f`.`or`.`in`");
  explained("a CONTAINS 'x\ny' AND b STARTSWITH 'p' AND c ENDSWITH NULL",
            "a CONTAINS 'x\\ny' AND b STARTSWITH 'p' AND c ENDSWITH NULL");
  explained("NOT GEO_RADIUS(l, 1, 2.5, 3e3) OR geo_bbox(l,-1,170,1,-170)",
            "NOT GEO_RADIUS(l, 1, 2.5, 3000) OR GEO_BBOX(l, -1, 170, 1, -170)");
  explained("a = 1e300 OR a = -0.1 OR a = 9223372036854775807", "a = 1e300 OR a = -0.1 OR a = 9223372036854775807");
  explained("`` = NULL", "`` = NULL");
  explained("NULL", "NULL");
}

static void long_list(void) {
  vs_filter *f = filters_compile("a IN (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22)");
  vs_wr w;
  vs_wr_init(&w, &filters_alloc);
  vs_filter_explain(f, &w);
  static const char end[] = "19, 20, and 2 more)";
  ok(w.n > sizeof end && memcmp(w.p + w.n - strlen(end), end, strlen(end)) == 0, "long lists are cut");
  vs_wr_deinit(&w);
  vs_filter_destroy(&filters_alloc, f);
}

/* "term op | compound | ..." of the conjuncts. */
static void conjuncts_are(const char *text, const char *want) {
  vs_filter *f = filters_compile(text);
  vs_filter_conjunct parts[8];
  vs_wr w;
  vs_wr_init(&w, &filters_alloc);
  must(f->n_conjuncts <= 8);
  vs_filter_conjuncts(f, parts);
  for (uint32_t i = 0; i < f->n_conjuncts; i++) {
    if (i > 0) vs_wr_bytes(&w, " | ", 3);
    if (parts[i].term != NULL) {
      vs_filter_explain_term(parts[i].term, &w);
      must(parts[i].term == &f->terms[f->code[parts[i].root].arg]);
    } else {
      vs_wr_bytes(&w, "...", 3);
    }
  }
  ok(w.n == strlen(want) && memcmp(w.p, want, w.n) == 0, "%s has the parts %.*s", text, (int)w.n, (const char *)w.p);
  vs_wr_deinit(&w);
  vs_filter_destroy(&filters_alloc, f);
}

static void conjuncts(void) {
  conjuncts_are("a = 1", "a = 1");
  conjuncts_are("a = 1 AND b = 2 AND c = 3", "a = 1 | b = 2 | c = 3");
  conjuncts_are("a = 1 AND (b = 2 AND (c = 3 AND d))", "a = 1 | b = 2 | c = 3 | d");
  conjuncts_are("(a AND b) AND (c AND d)", "a | b | c | d");
  conjuncts_are("a OR b", "...");
  conjuncts_are("a = 1 AND (b OR c) AND NOT d", "a = 1 | ... | NOT d");
  conjuncts_are("(b OR c AND d) AND (NOT (e OR f)) AND g", "... | ... | g");
  conjuncts_are("NOT (a AND b)", "...");
  conjuncts_are("TRUE AND a", "... | a");
}

static void terms(void) {
  vs_filter *f = filters_compile("year >= 2020 AND NOT tags[1].`x y` IN ('b', 'a', NULL, 'b') OR c LIKE 'a%_'");
  const vs_filter_term *t = f->terms;
  ok(f->n_terms == 3 && f->n_conjuncts == 1, "three terms");
  ok(t[0].op == VS_FILTER_GE && t[0].of == VS_FILTER_VALUE && !t[0].negated && t[0].n_constants == 1 &&
         t[0].constants[0].tag == VS_VALUE_INT && t[0].constants[0].i == 2020 && t[0].n_path == 1 &&
         t[0].path[0].key.n == 4 && memcmp(t[0].path[0].key.p, "year", 4) == 0,
     "a comparison");
  ok(t[1].op == VS_FILTER_IN && t[1].negated && t[1].has_null && t[1].n_constants == 2 && t[1].n_path == 3 &&
         t[1].path[1].key.p == NULL && t[1].path[1].index == 1 && t[1].constants[0].bytes.p[0] == 'a',
     "a list, sorted, without NULL and repetition");
  ok(t[2].op == VS_FILTER_LIKE && t[2].n_constants == 2 && memcmp(t[2].constants[1].bytes.p, "a\xff\xfe", 3) == 0,
     "a pattern and its compiled form");
  vs_wr w = filters_encode("{'year': 2021, 'tags': [0, {'x y': 'b'}], 'c': 'abc'}");
  vs_slice m = {w.p, w.n};
  ok(vs_filter_term_truth(&t[0], m) == VS_TRUE && vs_filter_term_truth(&t[1], m) == VS_FALSE &&
         vs_filter_term_truth(&t[2], m) == VS_TRUE && vs_filter_match(f, m),
     "which terms matched");
  vs_value v;
  ok(vs_filter_find(t[1].path, t[1].n_path, m, &v) && v.tag == VS_VALUE_STRING &&
         vs_filter_term_test(&t[1], &v) == VS_FALSE && vs_filter_term_test(&t[1], NULL) == VS_UNKNOWN,
     "terms of values");
  vs_wr_deinit(&w);
  vs_filter_destroy(&filters_alloc, f);
  f = filters_compile("NOT EXISTS a");
  ok(vs_filter_term_test(&f->terms[0], NULL) == VS_TRUE && vs_filter_match(f, (vs_slice){NULL, 0}),
     "no metadata is {}");
  vs_filter_destroy(&filters_alloc, f);
}

static void one_allocation(void) {
  uint64_t live = filters_alloc.n_live;
  size_t used = filters_alloc.used;
  vs_filter *f = filters_compile("a = 1 AND b IN ('x', 'y') OR c LIKE '%'");
  ok(filters_alloc.n_live == live + 1 && filters_alloc.used == used + f->bytes + 16, "a program is one allocation");
  vs_wr w = filters_encode("{'a': 1, 'b': 'x'}");
  uint64_t calls = filters_alloc.n_calls;
  (void)vs_filter_match(f, (vs_slice){w.p, w.n});
  ok(filters_alloc.n_calls == calls, "evaluation allocates nothing");
  vs_wr_deinit(&w);
  vs_filter_destroy(&filters_alloc, f);
  vs_filter_destroy(&filters_alloc, NULL);
}

/* A list of many values is searched, not walked: all are found and nothing else is. */
static void big_list(void) {
  vs_wr params, m;
  vs_wr_init(&params, &filters_alloc);
  size_t mark = vs_value_object_begin(&params);
  vs_value_key(&params, "p");
  size_t list = vs_value_array_begin(&params);
  for (uint32_t i = 0; i < 10000; i++) vs_value_int(&params, (int64_t)(i * 7919u % 10000u) * 2);
  vs_value_end(&params, list, 10000);
  vs_value_end(&params, mark, 1);
  vs_filter *f;
  vs_err err;
  must(vs_filter_compile_text(&filters_alloc, "a IN $p", 7, (vs_slice){params.p, params.n}, NULL, &f, &err) == VS_OK);
  unsigned wrong = 0;
  for (int i = -1; i <= 20000; i++) {
    vs_wr_init(&m, &filters_alloc);
    mark = vs_value_object_begin(&m);
    vs_value_key(&m, "a");
    vs_value_int(&m, i);
    vs_value_end(&m, mark, 1);
    wrong += vs_filter_match(f, (vs_slice){m.p, m.n}) != (i >= 0 && i < 20000 && i % 2 == 0);
    vs_wr_deinit(&m);
  }
  ok(wrong == 0, "a list of 10000 values");
  vs_filter_destroy(&filters_alloc, f);
  vs_wr_deinit(&params);
}

int main(void) {
  vs_alloc_init(&filters_alloc);
  explain();
  long_list();
  conjuncts();
  terms();
  one_allocation();
  big_list();
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
