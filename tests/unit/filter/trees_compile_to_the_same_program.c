/* The tree form gives the program that the text form gives; what is no tree is refused. */
#include "filters.h"

static vs_status compile_tree(const char *tree, const vs_filter_limits *limits, vs_filter **f, vs_err *err) {
  vs_wr w = filters_encode(tree);
  vs_status status = vs_filter_compile_tree(&filters_alloc, (vs_slice){w.p, w.n}, limits, f, err);
  vs_wr_deinit(&w);
  return status;
}

/* Programs are the same when all but their pointers is. */
static bool same_program(const vs_filter *a, const vs_filter *b) {
  vs_wr x, y;
  bool same = a->n_code == b->n_code && a->n_terms == b->n_terms && a->n_conjuncts == b->n_conjuncts &&
              a->bytes == b->bytes && memcmp(a->code, b->code, a->n_code * sizeof *a->code) == 0;
  vs_wr_init(&x, &filters_alloc);
  vs_wr_init(&y, &filters_alloc);
  vs_filter_explain(a, &x);
  vs_filter_explain(b, &y);
  same = same && x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
  vs_wr_deinit(&x);
  vs_wr_deinit(&y);
  return same;
}

static void same(const char *tree, const char *text) {
  vs_filter *f, *g = filters_compile(text);
  vs_err err;
  vs_status status = compile_tree(tree, NULL, &f, &err);
  ok(status == VS_OK && same_program(f, g), "%s", tree);
  if (status != VS_OK) printf("# %s\n", err.msg);
  vs_filter_destroy(&filters_alloc, f);
  vs_filter_destroy(&filters_alloc, g);
}

static void refused(const char *tree, const char *says) {
  vs_filter *f = (vs_filter *)(void *)&f;
  vs_err err;
  vs_status status = compile_tree(tree, NULL, &f, &err);
  ok(status == VS_FILTER_SYNTAX && f == NULL && err.index == VS_ERR_NO_INDEX && strstr(err.msg, says) != NULL,
     "%s is refused", tree);
  if (status != VS_FILTER_SYNTAX || strstr(err.msg, says) == NULL) printf("# status %d: %s\n", status, err.msg);
}

static void pairs(void) {
  same("true", "TRUE");
  same("false", "FALSE");
  same("null", "NULL");
  same("['and']", "TRUE");
  same("['or']", "FALSE");
  same("['=', '', ['a'], 1]", "a = 1");
  same("['!=', '', ['a'], 'x']", "a != 'x'");
  same("['<', '', ['a', 'b', 2], 1.5]", "a.b[2] < 1.5");
  same("['and', ['<=', '', ['a'], 1], ['>', '', ['b'], null], ['>=', '', ['c'], true]]",
       "a <= 1 AND b > NULL AND c >= TRUE");
  same("['or', ['truth', '', ['a']], ['not truth', '', ['b']]]", "a OR NOT b");
  same("['and', ['or', ['truth', '', ['a']], ['truth', '', ['b']]], ['not', ['and', ['truth', '', ['c']], ['truth', "
       "'', ['d']]]]]",
       "(a OR b) AND NOT (c AND d)");
  same("['and', ['truth', '', ['a']]]", "a");
  same("['not', ['not', ['and', ['truth', '', ['a']], ['truth', '', ['b']]]]]", "a AND b");
  same("['not', ['=', 'any', ['a'], 1]]", "ALL(a) != 1");
  same("['in', '', ['a'], [2, 1, null]]", "a IN (1, 2, NULL)");
  same("['not in', '', ['a'], []]", "a NOT IN ()");
  same("['between', 'length', ['a'], 1, 2]", "LENGTH(a) BETWEEN 1 AND 2");
  same("['like', '', ['a'], 'x%']", "a LIKE 'x%'");
  same("['not ilike', 'all', ['a'], 'x!%', '!']", "ALL(a) NOT ILIKE 'x!%' ESCAPE '!'");
  same("['contains', '', ['a'], 'x']", "a CONTAINS 'x'");
  same("['and', ['startswith', '', ['a'], 'x'], ['not endswith', '', ['a'], 'x']]",
       "a STARTSWITH 'x' AND a NOT ENDSWITH 'x'");
  same("['or', ['null', '', ['a']], ['not null', 'any', ['a']], ['exists', '', ['b']], ['not exists', '', ['b']]]",
       "a IS NULL OR ANY(a) IS NOT NULL OR EXISTS b OR NOT EXISTS b");
  same("['geo_radius', '', ['l'], 1, 2, 3]", "GEO_RADIUS(l, 1, 2, 3)");
  same("['not geo_bbox', '', ['l'], 1, 2, 3, 4]", "NOT GEO_BBOX(l, 1, 2, 3, 4)");
  same("['=', '', ['a b', 'and', ''], 1]", "`a b`.`and`.`` = 1");
}

static void wrong(void) {
  refused("1", "array, true");
  refused("'a = 1'", "array, true");
  refused("{}", "array, true");
  refused("[]", "begins with an operator");
  refused("[1]", "begins with an operator");
  refused("['xor', ['a']]", "no such operator");
  refused("['not =', '', ['a'], 1]", "no such operator");
  refused("['not ', '', ['a'], 1]", "no such operator");
  refused("['not']", "NOT wants one");
  refused("['not', true, true]", "NOT wants one");
  refused("['and', 5]", "array, true");
  refused("['=']", "not for that");
  refused("['=', '']", "not for that");
  refused("['=', 'every', ['a'], 1]", "not for that");
  refused("['=', 1, ['a'], 1]", "not for that");
  refused("['exists', 'any', ['a']]", "not for that");
  refused("['geo_bbox', 'length', ['a'], 1, 2, 3, 4]", "not for that");
  refused("['=', '', ['a']]", "number of values");
  refused("['=', '', ['a'], 1, 2]", "number of values");
  refused("['like', '', ['a'], 'x', '!', 3]", "number of values");
  refused("['null', '', ['a'], 1]", "number of values");
  refused("['=', '', [], 1]", "keys and indices");
  refused("['=', '', 'a', 1]", "keys and indices");
  refused("['=', '', [0], 1]", "keys and indices");
  refused("['=', '', ['a', -1], 1]", "keys and indices");
  refused("['=', '', ['a', 1.5], 1]", "keys and indices");
  refused("['=', '', ['a', 4294967296], 1]", "index is too large");
  refused("['=', '', ['a'], [1]]", "numbers, text");
  refused("['=', '', ['a'], {'x': 1}]", "numbers, text");
  refused("['in', '', ['a'], 1]", "IN wants an array");
  refused("['in', '', ['a'], [[1]]]", "numbers, text");
  refused("['like', '', ['a'], 5]", "text is wanted");
  refused("['like', '', ['a'], 'x', 5]", "exactly one");
  refused("['geo_radius', '', ['a'], 1, 2, 'x']", "numbers");
}

static void limits(void) {
  char tree[1000] = "";
  for (int i = 0; i < 32; i++) strcat(tree, "['not', ");
  strcat(tree, "true");
  for (int i = 0; i < 32; i++) strcat(tree, "]");
  vs_filter *f;
  vs_err err;
  ok(compile_tree(tree, NULL, &f, &err) == VS_OK, "32 levels");
  vs_filter_destroy(&filters_alloc, f);
  char deeper[1010];
  snprintf(deeper, sizeof deeper, "['and', %s]", tree);
  ok(compile_tree(deeper, NULL, &f, &err) == VS_FILTER_SYNTAX && strstr(err.msg, "at most 32") != NULL, "not 33");
  vs_filter_limits small = VS_FILTER_LIMITS;
  small.program_bytes = 200;
  ok(compile_tree("['or', true, true, true, true, true, true, true, true]", &small, &f, &err) == VS_FILTER_SYNTAX,
     "memory");
}

static void bytes(void) {
  vs_wr w = filters_encode(
      "['and', ['=', '', ['a', 1], 'x'], ['in', 'any', ['b'], [1, 2.5]], ['like', '', ['c'], 'x', '!']]");
  vs_filter *f;
  unsigned wrong_status = 0;
  for (size_t n = 0; n < w.n; n++) {
    wrong_status +=
        vs_filter_compile_tree(&filters_alloc, (vs_slice){w.p, n}, NULL, &f, NULL) != VS_INVALID_ARGUMENT || f != NULL;
  }
  ok(wrong_status == 0, "no prefix of a tree is a tree");
  must(vs_filter_compile_tree(&filters_alloc, (vs_slice){w.p, w.n}, NULL, &f, NULL) == VS_OK);
  vs_filter_destroy(&filters_alloc, f);
  wrong_status = 0;
  size_t used = filters_alloc.used;
  for (uint64_t i = 1; i < 8; i++) {
    filters_alloc.fail_at = filters_alloc.n_calls + i;
    vs_status status = vs_filter_compile_tree(&filters_alloc, (vs_slice){w.p, w.n}, NULL, &f, NULL);
    wrong_status += status != VS_OUT_OF_MEMORY || f != NULL || filters_alloc.used != used;
    filters_alloc.fail_at = 0;
  }
  ok(wrong_status == 0, "refused memory is OUT_OF_MEMORY");
  vs_wr_deinit(&w);
}

int main(void) {
  vs_alloc_init(&filters_alloc);
  pairs();
  wrong();
  limits();
  bytes();
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
