/* tree.c - the tree form of a filter to a program.
 *
 * Layer: filter. Knows the nodes of filter.h.
 *
 * The tree is walked with a stack of fixed size of the ANDs, ORs and NOTs that
 * are open; a leaf goes to the builder at once, an inner node after each of
 * its children. The bytes are checked as a whole before, so reading cannot
 * fail; what remains is whether the values are of the right kinds.
 */
#include "build.h"
#include "lex.h"

#include <string.h>

typedef struct {
  vs_rd rest;    /* children not yet read */
  uint32_t left; /* how many */
  uint32_t done;
  uint32_t join; /* AND, OR: since the last child */
  uint8_t op;    /* VS_FILTER_AND, _OR or _NOT */
} frame;

typedef struct {
  vs_filter_builder b;
  frame stack[VS_FILTER_MAX_DEPTH];
  uint32_t depth;
} walker;

/* ============ Terms ============ */

typedef struct {
  const char *name;
  uint8_t op, negated;
  uint8_t min, max; /* values */
} operator_row;

static const operator_row OPERATORS[] = {
    {"=", VS_FILTER_EQ, false, 1, 1},
    {"!=", VS_FILTER_EQ, true, 1, 1},
    {"<", VS_FILTER_LT, false, 1, 1},
    {"<=", VS_FILTER_LE, false, 1, 1},
    {">", VS_FILTER_GT, false, 1, 1},
    {">=", VS_FILTER_GE, false, 1, 1},
    {"in", VS_FILTER_IN, false, 1, 1},
    {"between", VS_FILTER_BETWEEN, false, 2, 2},
    {"contains", VS_FILTER_CONTAINS, false, 1, 1},
    {"startswith", VS_FILTER_STARTSWITH, false, 1, 1},
    {"endswith", VS_FILTER_ENDSWITH, false, 1, 1},
    {"like", VS_FILTER_LIKE, false, 1, 2},
    {"ilike", VS_FILTER_ILIKE, false, 1, 2},
    {"null", VS_FILTER_IS_NULL, false, 0, 0},
    {"exists", VS_FILTER_EXISTS, false, 0, 0},
    {"truth", VS_FILTER_TRUTH, false, 0, 0},
    {"geo_radius", VS_FILTER_GEO_RADIUS, false, 3, 3},
    {"geo_bbox", VS_FILTER_GEO_BBOX, false, 4, 4},
};

static const operator_row *find_operator(vs_slice name) {
  for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++) {
    if (vs_lex_same_word(name, OPERATORS[i].name)) return &OPERATORS[i];
  }
  return NULL;
}

static vs_filter_of read_of(const vs_value *v) {
  static const char *const names[VS_FILTER_OF_COUNT] = {"", "any", "all", "length"};
  for (uint32_t i = 0; v->tag == VS_VALUE_STRING && i < VS_FILTER_OF_COUNT; i++) {
    if (vs_lex_same_word(v->bytes, names[i])) return (vs_filter_of)i;
  }
  return VS_FILTER_OF_COUNT;
}

static void read_path(vs_filter_builder *b, const vs_value *path) {
  vs_rd r = vs_rd_of(path->bytes.p, path->bytes.n);
  if (path->tag != VS_VALUE_ARRAY || path->count == 0) vs_build_fail(b, "a field is an array of keys and indices", 0);
  for (uint32_t i = 0; i < path->count && b->problem == NULL; i++) {
    vs_value step = vs_value_read(&r);
    if (step.tag == VS_VALUE_STRING) {
      vs_build_key(b, step.bytes);
    } else if (i > 0 && step.tag == VS_VALUE_INT && step.i >= 0) {
      vs_build_index(b, (uint64_t)step.i);
    } else {
      vs_build_fail(b, "a field is an array of keys and indices", 0);
    }
  }
}

static void read_values(vs_filter_builder *b, vs_rd *r, uint32_t n) {
  for (uint32_t i = 0; i < n && b->problem == NULL; i++) {
    vs_value v = vs_value_read(r);
    vs_build_value(b, &v);
  }
}

/* A term, of which the operator has been read. */
static void read_term(vs_filter_builder *b, vs_slice name, vs_rd *r, uint32_t n) {
  bool negated = name.n > 4 && memcmp(name.p, "not ", 4) == 0;
  const operator_row *row = find_operator(negated ? (vs_slice){name.p + 4, name.n - 4} : name);
  if (row == NULL || (negated && row->op < VS_FILTER_IN)) {
    vs_build_fail(b, "there is no such operator", 0);
    return;
  }
  vs_value of_value = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0}, path = of_value;
  if (n >= 2) {
    of_value = vs_value_read(r);
    path = vs_value_read(r);
  }
  vs_filter_of of = read_of(&of_value);
  bool plain = row->op == VS_FILTER_EXISTS || row->op >= VS_FILTER_GEO_RADIUS;
  if (of == VS_FILTER_OF_COUNT || (plain && of != VS_FILTER_VALUE)) vs_build_fail(b, "the operator is not for that", 0);
  if (n < 2u + row->min || n > 2u + row->max) vs_build_fail(b, "the operator wants another number of values", 0);
  vs_build_term_begin(b);
  if (b->problem == NULL) read_path(b, &path);
  if (row->op == VS_FILTER_IN && b->problem == NULL) {
    vs_value list = vs_value_read(r);
    vs_rd items = vs_rd_of(list.bytes.p, list.bytes.n);
    if (list.tag != VS_VALUE_ARRAY) vs_build_fail(b, "IN wants an array", 0);
    read_values(b, &items, list.count);
  } else {
    read_values(b, r, n - 2);
  }
  vs_build_term_end(b, (vs_filter_op)row->op, of, negated != (row->negated != 0));
}

/* ============ Nodes ============ */

static frame *top(walker *w) { return &w->stack[w->depth - 1]; }

/* An array node: true when it is complete, false when its children come first. */
static bool open_array(walker *w, const vs_value *v) {
  vs_rd r = vs_rd_of(v->bytes.p, v->bytes.n);
  vs_value name = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  if (v->count > 0) name = vs_value_read(&r);
  if (name.tag != VS_VALUE_STRING) {
    vs_build_fail(&w->b, "a condition begins with an operator", 0);
    return true;
  }
  uint32_t left = v->count - 1;
  bool is_or = vs_lex_same_word(name.bytes, "or"), is_not = vs_lex_same_word(name.bytes, "not");
  if (!is_or && !is_not && !vs_lex_same_word(name.bytes, "and")) {
    read_term(&w->b, name.bytes, &r, left);
    return true;
  }
  if (is_not && left != 1) vs_build_fail(&w->b, "NOT wants one condition", 0);
  if (left == 0) {
    vs_build_constant(&w->b, is_or ? VS_FALSE : VS_TRUE);
    return true;
  }
  if (w->depth == w->b.limits.depth) {
    vs_build_fail(&w->b, "conditions are nested too deep", w->b.limits.depth);
    return true;
  }
  uint8_t op = is_not ? VS_FILTER_NOT : is_or ? VS_FILTER_OR : VS_FILTER_AND;
  w->stack[w->depth++] = (frame){r, left, 0, 0, op};
  return false;
}

/* The same for any node. */
static bool open_node(walker *w, const vs_value *v) {
  switch (v->tag) {
  case VS_VALUE_NULL: vs_build_constant(&w->b, VS_UNKNOWN); return true;
  case VS_VALUE_FALSE: vs_build_constant(&w->b, VS_FALSE); return true;
  case VS_VALUE_TRUE: vs_build_constant(&w->b, VS_TRUE); return true;
  case VS_VALUE_ARRAY: return open_array(w, v);
  default: vs_build_fail(&w->b, "a condition is an array, true, false or null", 0); return true;
  }
}

/* A child of the topmost node is complete. True when the node is too. */
static bool close_child(walker *w) {
  frame *f = top(w);
  if (f->op == VS_FILTER_NOT) {
    vs_build_not(&w->b);
    return true;
  }
  if (f->done++ > 0) vs_build_join_end(&w->b, (vs_filter_code)f->op, f->join);
  if (f->left == 0) return true;
  f->join = vs_build_join_begin(&w->b, (vs_filter_code)f->op);
  return false;
}

static void walk(walker *w, vs_value v) {
  while (w->b.problem == NULL) {
    if (open_node(w, &v)) {
      while (w->depth > 0 && close_child(w)) w->depth--;
      if (w->depth == 0) return;
    }
    top(w)->left--;
    v = vs_value_read(&top(w)->rest);
  }
}

vs_status vs_filter_compile_tree(vs_alloc *a, vs_slice tree, const vs_filter_limits *limits, vs_filter **out,
                                 vs_err *err) {
  walker w;
  *out = NULL;
  if (!vs_value_check(tree.p, tree.n)) return vs_fail(err, VS_INVALID_ARGUMENT, "the filter's bytes are malformed");
  w.depth = 0;
  vs_build_init(&w.b, a, limits);
  vs_rd r = vs_rd_of(tree.p, tree.n);
  walk(&w, vs_value_read(&r));
  vs_status status;
  if (w.b.problem == NULL) {
    status = vs_build_finish(&w.b, out, err);
  } else if (w.b.problem == VS_BUILD_NO_MEMORY) {
    status = vs_fail(err, VS_OUT_OF_MEMORY, "%s", w.b.problem);
  } else {
    status = vs_fail(err, VS_FILTER_SYNTAX, w.b.at_most > 0 ? "%s (at most %u)" : "%s", w.b.problem, w.b.at_most);
  }
  vs_build_deinit(&w.b);
  return status;
}
