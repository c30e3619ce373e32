/* build.c - assembling a program, whatever it is made from.
 *
 * Layer: filter. Knows terms and code, neither text nor trees.
 *
 * While it grows the program is five arrays, in which places stand for
 * pointers: a string's place in the pool is in its `i`, a key's in its `index`,
 * and a term's first segment and constant follow from the terms before it.
 * Finishing copies the arrays behind one another into one allocation and turns
 * places into pointers.
 *
 * Normal form, so that who reads programs meets fewer shapes:
 *   N1  < <= > >= are never negated; NOT behind a term negates the term, with
 *       ANY and ALL changed into each other (exact in three-valued logic too).
 *   N2  NOT NOT x is x; NOT of a constant is a constant.
 *   N3  the values of IN are sorted, unique and not NULL.
 */
#include "build.h"

#include "../base/utf8.h"
#include "geo.h"
#include "like.h"

#include <string.h>

const char VS_BUILD_NO_MEMORY[] = "no memory for the filter";

void vs_build_init(vs_filter_builder *b, vs_alloc *a, const vs_filter_limits *limits) {
  memset(b, 0, sizeof *b);
  b->a = a;
  b->limits = limits != NULL ? *limits : VS_FILTER_LIMITS;
  if (b->limits.depth > VS_FILTER_MAX_DEPTH) b->limits.depth = VS_FILTER_MAX_DEPTH;
  vs_wr *arrays[] = {&b->code, &b->terms, &b->segments, &b->constants, &b->pool};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) vs_wr_init(arrays[i], a);
}

void vs_build_deinit(vs_filter_builder *b) {
  vs_wr *arrays[] = {&b->code, &b->terms, &b->segments, &b->constants, &b->pool};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) vs_wr_deinit(arrays[i]);
}

void vs_build_fail(vs_filter_builder *b, const char *problem, uint32_t at_most) {
  if (b->problem != NULL) return;
  b->problem = problem;
  b->at_most = at_most;
}

/* Appends to one of the arrays. */
static void append(vs_filter_builder *b, vs_wr *array, const void *p, size_t n) {
  vs_wr_bytes(array, p, n);
  if (array->failed) vs_build_fail(b, VS_BUILD_NO_MEMORY, 0);
}

/* ============ Terms ============ */

/* True while the program stays below the limit on its memory. */
static bool affordable(vs_filter_builder *b, size_t more) {
  size_t held = b->code.n + b->terms.n + b->segments.n + b->constants.n + b->pool.n;
  if (b->problem == NULL && (more > b->limits.program_bytes || held > b->limits.program_bytes - more)) {
    vs_build_fail(b, "the filter takes too much memory", b->limits.program_bytes);
  }
  return b->problem == NULL;
}

void vs_build_term_begin(vs_filter_builder *b) { memset(&b->term, 0, sizeof b->term); }

static void add_segment(vs_filter_builder *b, vs_filter_segment segment) {
  if (b->term.n_path == VS_FILTER_MAX_DEPTH) {
    vs_build_fail(b, "the field has too many steps", VS_FILTER_MAX_DEPTH);
    return;
  }
  b->term.n_path++;
  append(b, &b->segments, &segment, sizeof segment);
}

void vs_build_key(vs_filter_builder *b, vs_slice key) {
  if (!affordable(b, sizeof(vs_filter_segment) + key.n)) return;
  /* Any pointer but NULL says "a key"; the right one is known at the end. */
  add_segment(b, (vs_filter_segment){{(const uint8_t *)b, key.n}, (uint32_t)b->pool.n});
  append(b, &b->pool, key.p, key.n);
}

void vs_build_index(vs_filter_builder *b, uint64_t index) {
  if (!affordable(b, sizeof(vs_filter_segment))) return;
  if (index > UINT32_MAX) {
    vs_build_fail(b, "the index is too large", UINT32_MAX);
    return;
  }
  add_segment(b, (vs_filter_segment){{NULL, 0}, (uint32_t)index});
}

/* Appends a constant whose string, if it is one, is at `place` of the pool. */
static void add_constant(vs_filter_builder *b, vs_value v, size_t place) {
  if (v.tag == VS_VALUE_STRING) {
    v.i = (int64_t)place;
    v.bytes.p = NULL;
  }
  append(b, &b->constants, &v, sizeof v);
  b->term.n_constants++;
}

void vs_build_value(vs_filter_builder *b, const vs_value *v) {
  if (v->tag > VS_VALUE_STRING) {
    vs_build_fail(b, "a field compares with numbers, text, true, false and null only", 0);
    return;
  }
  if (b->term.n_constants == b->limits.list_values) vs_build_fail(b, "the list is too long", b->limits.list_values);
  size_t bytes = v->tag == VS_VALUE_STRING ? v->bytes.n : 0;
  if (!affordable(b, sizeof *v + bytes)) return;
  add_constant(b, *v, b->pool.n);
  if (bytes > 0) append(b, &b->pool, v->bytes.p, bytes);
}

/* The term's constants, with strings pointing into the pool for as long as it does not grow. */
static vs_value constant(const vs_filter_builder *b, uint32_t i) {
  vs_value v;
  assert(i < b->term.n_constants);
  memcpy(&v, b->constants.p + b->constants.n - (size_t)(b->term.n_constants - i) * sizeof v, sizeof v);
  if (v.tag == VS_VALUE_STRING) v.bytes.p = v.bytes.n > 0 ? b->pool.p + v.i : (const uint8_t *)"";
  return v;
}

static void end_text(vs_filter_builder *b) {
  vs_value v = constant(b, 0);
  if (v.tag != VS_VALUE_STRING && v.tag != VS_VALUE_NULL) vs_build_fail(b, "text is wanted here", 0);
}

static void end_contains(vs_filter_builder *b) {
  if (constant(b, 0).bytes.n > b->limits.needle_bytes) vs_build_fail(b, "the text is too long", b->limits.needle_bytes);
}

/* Puts the compiled pattern between the pattern and the escape character. */
static void end_like(vs_filter_builder *b, bool fold) {
  vs_value pattern = constant(b, 0), escape = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  bool has_escape = b->term.n_constants == 2;
  end_text(b);
  if (has_escape) {
    escape = constant(b, 1);
    uint32_t length = 0;
    if (escape.tag != VS_VALUE_STRING || escape.bytes.n == 0 ||
        (vs_utf8_next(escape.bytes.p, escape.bytes.n, &length), length) != escape.bytes.n) {
      vs_build_fail(b, "ESCAPE wants exactly one character", 0);
    }
  }
  if (pattern.bytes.n > b->limits.pattern_bytes) vs_build_fail(b, "the pattern is too long", b->limits.pattern_bytes);
  /* A folded character may be a byte longer. */
  if (!affordable(b, sizeof(vs_value) + 2 * pattern.bytes.n)) return;
  b->constants.n -= (b->term.n_constants - 1) * sizeof(vs_value);
  b->term.n_constants = 1;
  if (pattern.tag == VS_VALUE_NULL) return;
  vs_wr compiled;
  vs_wr_init(&compiled, b->a);
  if (!vs_like_compile(pattern.bytes, escape.bytes, fold, &compiled)) {
    vs_build_fail(b, "the pattern ends with its escape character", 0);
  }
  add_constant(b, (vs_value){VS_VALUE_STRING, 0, 0, {NULL, compiled.n}, 0}, b->pool.n);
  if (has_escape) add_constant(b, escape, (size_t)escape.i);
  append(b, &b->pool, compiled.p, compiled.n);
  if (compiled.failed) vs_build_fail(b, VS_BUILD_NO_MEMORY, 0);
  vs_wr_deinit(&compiled);
}

static void end_geo(vs_filter_builder *b, vs_filter_op op) {
  double v[4] = {0};
  for (uint32_t i = 0; i < b->term.n_constants; i++) {
    vs_value c = constant(b, i);
    if (c.tag != VS_VALUE_INT && c.tag != VS_VALUE_F64) {
      vs_build_fail(b, "places are given in numbers", 0);
      return;
    }
    v[i] = c.f;
  }
  vs_geo_point point;
  if (op == VS_FILTER_GEO_BBOX) {
    if (!vs_geo_normalize(v[0], v[1], &point) || !vs_geo_normalize(v[2], v[3], &point) || v[0] > v[2]) {
      vs_build_fail(b, "a box is south <= north within 90 degrees, west and east within 360", 0);
    }
    return;
  }
  if (!vs_geo_normalize(v[0], v[1], &point) || !(v[2] >= 0)) {
    vs_build_fail(b, "a circle is a latitude within 90, a longitude within 360 degrees, and metres >= 0", 0);
    return;
  }
  vs_geo_circle circle = vs_geo_circle_of(point, v[2]);
  double derived[4] = {circle.x, circle.y, circle.z, circle.limit};
  for (int i = 0; i < 4; i++) add_constant(b, (vs_value){VS_VALUE_F64, 0, derived[i], {NULL, 0}, 0}, 0);
}

static void negate(vs_filter_term *term) {
  switch (term->op) {
  case VS_FILTER_LT: term->op = VS_FILTER_GE; break;
  case VS_FILTER_LE: term->op = VS_FILTER_GT; break;
  case VS_FILTER_GT: term->op = VS_FILTER_LE; break;
  case VS_FILTER_GE: term->op = VS_FILTER_LT; break;
  default: term->negated = !term->negated;
  }
}

/* ============ Code ============ */

static uint32_t n_code(const vs_filter_builder *b) { return (uint32_t)(b->code.n / sizeof(vs_filter_instr)); }

static vs_filter_instr *instr(vs_filter_builder *b, uint32_t i) { return (vs_filter_instr *)(void *)b->code.p + i; }

static void emit(vs_filter_builder *b, vs_filter_code code, uint32_t arg, uint32_t first) {
  vs_filter_instr added;
  memset(&added, 0, sizeof added);
  added.code = (uint8_t)code;
  added.arg = arg;
  added.first = first;
  append(b, &b->code, &added, sizeof added);
}

static void emit_operand(vs_filter_builder *b, vs_filter_code code, uint32_t arg) {
  if (!affordable(b, sizeof(vs_filter_instr) + sizeof(vs_filter_term))) return;
  /* Callers cap depth before they get here. */
  assert(b->n_operands < VS_FILTER_OPERANDS);
  uint32_t here = n_code(b);
  b->starts[b->n_operands++] = here;
  emit(b, code, arg, here);
}

void vs_build_term_end(vs_filter_builder *b, vs_filter_op op, vs_filter_of of, bool negated) {
  b->term.op = (uint8_t)op;
  b->term.of = (uint8_t)of;
  if (b->problem != NULL) return;
  switch (op) {
  case VS_FILTER_CONTAINS: end_contains(b); break;
  case VS_FILTER_STARTSWITH:
  case VS_FILTER_ENDSWITH: end_text(b); break;
  case VS_FILTER_LIKE:
  case VS_FILTER_ILIKE: end_like(b, op == VS_FILTER_ILIKE); break;
  case VS_FILTER_GEO_RADIUS:
  case VS_FILTER_GEO_BBOX: end_geo(b, op); break;
  default: break;
  }
  if (negated) negate(&b->term);
  emit_operand(b, VS_FILTER_TERM, (uint32_t)(b->terms.n / sizeof b->term));
  append(b, &b->terms, &b->term, sizeof b->term);
}

void vs_build_constant(vs_filter_builder *b, vs_truth truth) { emit_operand(b, VS_FILTER_CONSTANT, truth); }

void vs_build_not(vs_filter_builder *b) {
  if (b->problem != NULL) return;
  vs_filter_instr *last = instr(b, n_code(b) - 1);
  if (last->code == VS_FILTER_TERM) {
    vs_filter_term *term = (vs_filter_term *)(void *)b->terms.p + last->arg;
    negate(term);
    if (term->of == VS_FILTER_ANY || term->of == VS_FILTER_ALL) {
      term->of = term->of == VS_FILTER_ANY ? VS_FILTER_ALL : VS_FILTER_ANY;
    }
  } else if (last->code == VS_FILTER_CONSTANT) {
    last->arg = VS_TRUE - last->arg;
  } else if (last->code == VS_FILTER_NOT) {
    b->code.n -= sizeof *last;
  } else {
    emit(b, VS_FILTER_NOT, 0, b->starts[b->n_operands - 1]);
  }
}

uint32_t vs_build_join_begin(vs_filter_builder *b, vs_filter_code op) {
  uint32_t here = n_code(b);
  if (b->problem == NULL) emit(b, op == VS_FILTER_AND ? VS_FILTER_IF_FALSE : VS_FILTER_IF_TRUE, 0, here);
  return here;
}

void vs_build_join_end(vs_filter_builder *b, vs_filter_code op, uint32_t join) {
  if (b->problem != NULL) return;
  assert(b->n_operands >= 2);
  b->n_operands--;
  emit(b, op, 0, b->starts[b->n_operands - 1]);
  instr(b, join)->arg = n_code(b);
}

/* ============ Finishing ============ */

/* Of values that compare, being scalars and not NULL. */
static int order_of(const vs_value *a, const vs_value *b) {
  int order = 0;
  (void)vs_filter_compare(a, b, &order);
  return order;
}

/* Heap sort. */
static void sort_values(vs_value *v, uint32_t n) {
  for (uint32_t start = n / 2, end = n; end > 1;) {
    if (start > 0) {
      start--;
    } else {
      vs_value top = v[0];
      v[0] = v[--end];
      v[end] = top;
    }
    vs_value sifted = v[start];
    uint32_t at = start;
    for (uint32_t child; (child = 2 * at + 1) < end; at = child) {
      if (child + 1 < end && order_of(&v[child], &v[child + 1]) < 0) child++;
      if (order_of(&sifted, &v[child]) >= 0) break;
      v[at] = v[child];
    }
    v[at] = sifted;
  }
}

/* Brings the values of an IN into normal form N3. */
static void tidy_list(vs_filter_term *term, vs_value *v) {
  uint32_t n = 0, unique = 0;
  for (uint32_t i = 0; i < term->n_constants; i++) {
    if (v[i].tag != VS_VALUE_NULL) v[n++] = v[i];
  }
  term->has_null = n < term->n_constants;
  sort_values(v, n);
  for (uint32_t i = 0; i < n; i++) {
    if (unique == 0 || order_of(&v[i], &v[unique - 1]) != 0) v[unique++] = v[i];
  }
  term->n_constants = unique;
}

/* Places to pointers, in the finished arrays. */
static void link(vs_filter_term *terms, uint32_t n_terms, vs_filter_segment *segments, vs_value *constants,
                 const uint8_t *pool) {
  for (uint32_t t = 0; t < n_terms; t++) {
    vs_filter_term *term = &terms[t];
    term->path = segments;
    term->constants = constants;
    for (uint32_t i = 0; i < term->n_path; i++, segments++) {
      if (segments->key.p == NULL) continue;
      segments->key.p = pool + segments->index;
      segments->index = 0;
    }
    for (uint32_t i = 0; i < term->n_constants; i++, constants++) {
      if (constants->tag != VS_VALUE_STRING) continue;
      constants->bytes.p = pool + constants->i;
      constants->i = 0;
    }
    if (term->op == VS_FILTER_IN) tidy_list(term, constants - term->n_constants);
  }
}

/* From the end: an AND is followed by its right operand; what begins where a
 * part ended is the jump of the AND it belongs to, and then the left operand. */
static uint32_t count_conjuncts(const vs_filter_instr *code, uint32_t n) {
  uint32_t count = 0;
  for (uint32_t i = n; i-- > 0;) {
    if (code[i].code == VS_FILTER_AND || code[i].code == VS_FILTER_IF_FALSE) continue;
    count++;
    i = code[i].first;
  }
  return count;
}

/* Copies an array behind what is there, at a multiple of 16. */
static void *place(vs_filter *f, size_t *at, const vs_wr *array) {
  uint8_t *to = (uint8_t *)f + *at;
  if (array->n > 0) memcpy(to, array->p, array->n);
  *at += (array->n + 15) & ~(size_t)15;
  return to;
}

vs_status vs_build_finish(vs_filter_builder *b, vs_filter **out, vs_err *err) {
  *out = NULL;
  const vs_wr *arrays[] = {&b->code, &b->terms, &b->segments, &b->constants, &b->pool};
  size_t head = (sizeof(vs_filter) + 15) & ~(size_t)15, bytes = head;
  /* The limit on memory keeps the sum far from overflowing. */
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) bytes += (arrays[i]->n + 15) & ~(size_t)15;
  assert(b->problem == NULL && b->n_operands == 1);
  vs_filter *f = vs_malloc(b->a, bytes);
  if (f == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "%s", VS_BUILD_NO_MEMORY);
  size_t at = head;
  f->code = place(f, &at, &b->code);
  vs_filter_term *terms = place(f, &at, &b->terms);
  vs_filter_segment *segments = place(f, &at, &b->segments);
  vs_value *constants = place(f, &at, &b->constants);
  f->terms = terms;
  f->n_code = n_code(b);
  f->n_terms = (uint32_t)(b->terms.n / sizeof *terms);
  link(terms, f->n_terms, segments, constants, place(f, &at, &b->pool));
  f->n_conjuncts = count_conjuncts(f->code, f->n_code);
  f->bytes = bytes;
  *out = f;
  return VS_OK;
}

void vs_filter_destroy(vs_alloc *a, vs_filter *f) { vs_free(a, f); }
