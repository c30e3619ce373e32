/* eval.c - the truth of a filter for the metadata of a record.
 *
 * Layer: filter. Knows programs and encoded values; does not allocate.
 *
 * VALUES. A field's value is what json_extract of SQLite gives: booleans are
 * the numbers 1 and 0, numbers and strings are themselves, and NULL is the
 * value of a null, of a missing field, and (where SQLite would give their
 * text) of arrays and objects: those are for CONTAINS, ANY, ALL, LENGTH and
 * the places of GEO_....
 *
 * TRUTH. TRUE, FALSE, or UNKNOWN, as in SQL:
 *   - A comparison (= != < <= > >= BETWEEN IN) with a NULL on either side is
 *     UNKNOWN, so `f = NULL` never matches. All other pairs compare: numbers
 *     by value, exactly, whether integer or floating point; strings by code
 *     point; every number before every string. '10' is no number.
 *   - `f IN ()` is FALSE, even of NULL, as in SQLite. IN a list with NULL is
 *     TRUE or UNKNOWN.
 *   - x BETWEEN a AND b is x >= a AND x <= b.
 *   - STARTSWITH, ENDSWITH, LIKE, ILIKE are for strings; of any other value
 *     they are UNKNOWN. So is CONTAINS, but that it also takes arrays: there it
 *     is TRUE or FALSE by whether an element equals the value. With NULL on
 *     their right all are UNKNOWN.
 *   - IS NULL is TRUE of null and missing, else FALSE; EXISTS is TRUE unless
 *     missing. They are never UNKNOWN.
 *   - A value by itself: a number is TRUE unless 0 (and so a boolean is
 *     itself); strings, unlike in SQLite, and NULL are UNKNOWN.
 *   - ANY is the OR over the elements and ALL the AND: of the empty array FALSE
 *     and TRUE. Of what is no array both are UNKNOWN. LENGTH of what is neither
 *     array nor string is NULL.
 *   - GEO_... of what is no place is UNKNOWN.
 *   - NOT x is 2 - x, x AND y the smaller, x OR y the larger, for FALSE = 0,
 *     UNKNOWN = 1, TRUE = 2. A filter matches when it is TRUE.
 *
 * COST. A field is found by walking over the members before it, comparing
 * key bytes and skipping values; containers are skipped in O(1). AND and OR
 * do not look at their right side when the left one decides.
 */
#include "filter.h"

#include "../base/utf8.h"
#include "build.h"
#include "geo.h"
#include "like.h"

#include <string.h>

/* ============ Finding fields ============ */

/* What bytes.c does, but in this file, to be inlined: most of an evaluation is
 * stepping over the members before the one that is looked for. */
static const uint8_t *take(vs_rd *r, uint64_t n) {
  const uint8_t *p = r->p;
  if (n > (uint64_t)(r->end - p)) {
    r->failed = true;
    r->p = r->end;
    return NULL;
  }
  r->p += n;
  return p;
}

static uint64_t read_length(vs_rd *r) { return r->p < r->end && *r->p < 0x80 ? *r->p++ : vs_rd_varint(r); }

/* Skips the value at the reader. */
static void skip(vs_rd *r) {
  const uint8_t *p = take(r, 1);
  switch (p != NULL ? *p : VS_VALUE_NULL) {
  case VS_VALUE_NULL:
  case VS_VALUE_FALSE:
  case VS_VALUE_TRUE: break;
  case VS_VALUE_INT:
    do p = take(r, 1);
    while (p != NULL && *p >= 0x80);
    break;
  case VS_VALUE_F64: take(r, 8); break;
  case VS_VALUE_STRING: take(r, read_length(r)); break;
  default: r->p--; vs_value_read(r);
  }
}

/* Moves the reader over an object's members to the value of a key. */
static bool find_key(vs_rd *r, uint32_t count, vs_slice key) {
  for (; count > 0 && !r->failed; count--) {
    uint64_t n = read_length(r);
    const uint8_t *p = take(r, n);
    if (p != NULL && n == key.n && memcmp(p, key.p, key.n) == 0) return true;
    skip(r);
  }
  return false;
}

bool vs_filter_find(const vs_filter_segment *path, uint32_t n_path, vs_slice metadata, vs_value *out) {
  if (metadata.n == 0) return false;
  vs_rd r = vs_rd_of(metadata.p, metadata.n);
  vs_value v = vs_value_read(&r);
  for (uint32_t i = 0; i < n_path; i++) {
    if (r.failed || v.tag != (path[i].key.p != NULL ? VS_VALUE_OBJECT : VS_VALUE_ARRAY)) return false;
    r = vs_rd_of(v.bytes.p, v.bytes.n);
    if (path[i].key.p != NULL) {
      if (!find_key(&r, v.count, path[i].key)) return false;
    } else {
      if (path[i].index >= v.count) return false;
      for (uint32_t skipped = 0; skipped < path[i].index && !r.failed; skipped++) skip(&r);
    }
    v = vs_value_read(&r);
  }
  *out = v;
  return !r.failed;
}

/* ============ Comparing ============ */

static vs_truth truth_of(bool b) { return b ? VS_TRUE : VS_FALSE; }

static int order_of(bool less, bool greater) { return (int)greater - (int)less; }

/* Neither converts to the other's type without loss: the floating point number
 * is cut to an integer where it fits, and its fraction decides ties. */
static int compare_int_f64(int64_t i, double f) {
  if (f >= 0x1p63) return -1;
  if (f < -0x1p63) return 1;
  int64_t whole = (int64_t)f;
  if (i != whole) return order_of(i<whole, i> whole);
  return order_of((double)whole<f, (double)whole> f);
}

static int compare_strings(vs_slice a, vs_slice b) {
  size_t n = vs_min_size(a.n, b.n);
  int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
  return order != 0 ? order : order_of(a.n<b.n, a.n> b.n);
}

bool vs_filter_compare(const vs_value *a, const vs_value *b, int *order) {
  if (a->tag == VS_VALUE_NULL || a->tag > VS_VALUE_STRING || b->tag == VS_VALUE_NULL || b->tag > VS_VALUE_STRING) {
    return false;
  }
  if (a->tag == VS_VALUE_STRING || b->tag == VS_VALUE_STRING) {
    *order = a->tag == b->tag ? compare_strings(a->bytes, b->bytes) : a->tag == VS_VALUE_STRING ? 1 : -1;
    return true;
  }
  int64_t x = a->tag == VS_VALUE_INT ? a->i : a->tag == VS_VALUE_TRUE;
  int64_t y = b->tag == VS_VALUE_INT ? b->i : b->tag == VS_VALUE_TRUE;
  if (a->tag == VS_VALUE_F64 && b->tag == VS_VALUE_F64) {
    *order = order_of(a->f<b->f, a->f> b->f);
  } else if (a->tag == VS_VALUE_F64) {
    *order = -compare_int_f64(y, a->f);
  } else if (b->tag == VS_VALUE_F64) {
    *order = compare_int_f64(x, b->f);
  } else {
    *order = order_of(x<y, x> y);
  }
  return true;
}

/* ============ One value ============ */

static vs_truth test_order(const vs_filter_term *term, const vs_value *v) {
  int order;
  if (!vs_filter_compare(v, &term->constants[0], &order)) return VS_UNKNOWN;
  switch (term->op) {
  case VS_FILTER_EQ: return truth_of(order == 0);
  case VS_FILTER_LT: return truth_of(order < 0);
  case VS_FILTER_LE: return truth_of(order <= 0);
  case VS_FILTER_GT: return truth_of(order > 0);
  default: return truth_of(order >= 0);
  }
}

static vs_truth test_between(const vs_filter_term *term, const vs_value *v) {
  int low, high;
  vs_truth above = VS_UNKNOWN, below = VS_UNKNOWN;
  if (vs_filter_compare(v, &term->constants[0], &low)) above = truth_of(low >= 0);
  if (vs_filter_compare(v, &term->constants[1], &high)) below = truth_of(high <= 0);
  return above < below ? above : below;
}

static vs_truth test_in(const vs_filter_term *term, const vs_value *v) {
  uint32_t low = 0, high = term->n_constants;
  int order;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (!vs_filter_compare(v, &term->constants[middle], &order)) return VS_UNKNOWN;
    if (order == 0) return VS_TRUE;
    if (order < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return term->has_null ? VS_UNKNOWN : VS_FALSE;
}

static vs_truth test_contains(const vs_filter_term *term, const vs_value *v) {
  const vs_value *wanted = &term->constants[0];
  if (v->tag == VS_VALUE_STRING && wanted->tag == VS_VALUE_STRING) {
    return truth_of(vs_like_contains(v->bytes, wanted->bytes));
  }
  if (v->tag != VS_VALUE_ARRAY || wanted->tag == VS_VALUE_NULL) return VS_UNKNOWN;
  vs_rd r = vs_rd_of(v->bytes.p, v->bytes.n);
  for (uint32_t i = 0; i < v->count; i++) {
    vs_value element = vs_value_read(&r);
    int order;
    if (r.failed) break;
    if (vs_filter_compare(&element, wanted, &order) && order == 0) return VS_TRUE;
  }
  return VS_FALSE;
}

static vs_truth test_text(const vs_filter_term *term, const vs_value *v) {
  vs_slice text = v->bytes, wanted = term->constants[0].bytes;
  if (v->tag != VS_VALUE_STRING || term->constants[0].tag != VS_VALUE_STRING) return VS_UNKNOWN;
  switch (term->op) {
  case VS_FILTER_STARTSWITH: return truth_of(text.n >= wanted.n && memcmp(text.p, wanted.p, wanted.n) == 0);
  case VS_FILTER_ENDSWITH:
    return truth_of(text.n >= wanted.n && memcmp(text.p + text.n - wanted.n, wanted.p, wanted.n) == 0);
  default: return truth_of(vs_like_match(text, term->constants[1].bytes, term->op == VS_FILTER_ILIKE));
  }
}

static vs_truth test_geo(const vs_filter_term *term, const vs_value *v) {
  const vs_value *c = term->constants;
  vs_geo_point p;
  if (!vs_geo_read(v, &p)) return VS_UNKNOWN;
  if (term->op == VS_FILTER_GEO_BBOX) return truth_of(vs_geo_in_box(p, c[0].f, c[1].f, c[2].f, c[3].f));
  return truth_of(vs_geo_in_circle(p, &(vs_geo_circle){c[3].f, c[4].f, c[5].f, c[6].f}));
}

/* The value itself as a condition. */
static vs_truth test_truth(const vs_value *v) {
  switch (v->tag) {
  case VS_VALUE_FALSE: return VS_FALSE;
  case VS_VALUE_TRUE: return VS_TRUE;
  case VS_VALUE_INT: return truth_of(v->i != 0);
  case VS_VALUE_F64: return truth_of(v->f != 0);
  default: return VS_UNKNOWN;
  }
}

/* The term's truth for one value, be it the field or an element. */
static vs_truth test_value(const vs_filter_term *term, const vs_value *v) {
  vs_truth truth;
  switch (term->op) {
  case VS_FILTER_IN: truth = test_in(term, v); break;
  case VS_FILTER_BETWEEN: truth = test_between(term, v); break;
  case VS_FILTER_CONTAINS: truth = test_contains(term, v); break;
  case VS_FILTER_STARTSWITH:
  case VS_FILTER_ENDSWITH:
  case VS_FILTER_LIKE:
  case VS_FILTER_ILIKE: truth = test_text(term, v); break;
  case VS_FILTER_IS_NULL: truth = truth_of(v->tag == VS_VALUE_NULL); break;
  case VS_FILTER_EXISTS: truth = VS_TRUE; break;
  case VS_FILTER_TRUTH: truth = test_truth(v); break;
  case VS_FILTER_GEO_RADIUS:
  case VS_FILTER_GEO_BBOX: truth = test_geo(term, v); break;
  default: truth = test_order(term, v);
  }
  return term->negated ? VS_TRUE - truth : truth;
}

/* ============ One field ============ */

static vs_truth test_elements(const vs_filter_term *term, const vs_value *array) {
  bool any = term->of == VS_FILTER_ANY;
  vs_truth sum = any ? VS_FALSE : VS_TRUE;
  if (array->tag != VS_VALUE_ARRAY) return VS_UNKNOWN;
  vs_rd r = vs_rd_of(array->bytes.p, array->bytes.n);
  for (uint32_t i = 0; i < array->count; i++) {
    vs_value element = vs_value_read(&r);
    if (r.failed) return VS_UNKNOWN;
    vs_truth truth = test_value(term, &element);
    if (any ? truth > sum : truth < sum) sum = truth;
    if (sum == (any ? VS_TRUE : VS_FALSE)) break;
  }
  return sum;
}

static vs_value length_of(const vs_value *v) {
  vs_value length = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  if (v->tag == VS_VALUE_ARRAY) {
    length.tag = VS_VALUE_INT;
    length.i = v->count;
  } else if (v->tag == VS_VALUE_STRING) {
    length.tag = VS_VALUE_INT;
    /* Every byte that does not continue a character begins one. */
    for (size_t i = 0; i < v->bytes.n; i++) length.i += (v->bytes.p[i] & 0xc0) != 0x80;
  }
  length.f = (double)length.i;
  return length;
}

vs_truth vs_filter_term_test(const vs_filter_term *term, const vs_value *value) {
  static const vs_value null = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  if (value == NULL && term->op == VS_FILTER_EXISTS) return truth_of(term->negated);
  if (value == NULL) value = &null;
  if (term->of == VS_FILTER_VALUE) return test_value(term, value);
  if (term->of != VS_FILTER_LENGTH) return test_elements(term, value);
  vs_value length = length_of(value);
  return test_value(term, &length);
}

vs_truth vs_filter_term_truth(const vs_filter_term *term, vs_slice metadata) {
  vs_value v;
  return vs_filter_term_test(term, vs_filter_find(term->path, term->n_path, metadata, &v) ? &v : NULL);
}

/* ============ The whole ============ */

vs_truth vs_filter_truth_at(const vs_filter *f, uint32_t root, vs_slice metadata) {
  /* The topmost truth, and those below it; build.c lets no program want more. */
  uint8_t top = VS_UNKNOWN, below[VS_FILTER_OPERANDS];
  uint32_t n = 0;
  for (uint32_t i = f->code[root].first; i <= root; i++) {
    const vs_filter_instr *in = &f->code[i];
    switch (in->code) {
    case VS_FILTER_TERM:
      below[n++] = top;
      top = (uint8_t)vs_filter_term_truth(&f->terms[in->arg], metadata);
      break;
    case VS_FILTER_CONSTANT:
      below[n++] = top;
      top = (uint8_t)in->arg;
      break;
    case VS_FILTER_NOT: top = (uint8_t)(VS_TRUE - top); break;
    case VS_FILTER_IF_FALSE:
      if (top == VS_FALSE) i = in->arg - 1;
      break;
    case VS_FILTER_IF_TRUE:
      if (top == VS_TRUE) i = in->arg - 1;
      break;
    default: { /* AND, OR: the smaller, the larger */
      assert(n > 1);
      uint8_t left = below[--n];
      if ((in->code == VS_FILTER_AND) == (left < top)) top = left;
    }
    }
  }
  assert(n == 1);
  return (vs_truth)top;
}

vs_truth vs_filter_truth(const vs_filter *f, vs_slice metadata) {
  return vs_filter_truth_at(f, f->n_code - 1, metadata);
}

bool vs_filter_match(const vs_filter *f, vs_slice metadata) { return vs_filter_truth(f, metadata) == VS_TRUE; }

void vs_filter_conjuncts(const vs_filter *f, vs_filter_conjunct *out) {
  uint32_t left = f->n_conjuncts;
  for (uint32_t i = f->n_code; i-- > 0;) {
    const vs_filter_instr *in = &f->code[i];
    if (in->code == VS_FILTER_AND || in->code == VS_FILTER_IF_FALSE) continue;
    out[--left] = (vs_filter_conjunct){i, in->code == VS_FILTER_TERM ? &f->terms[in->arg] : NULL};
    i = in->first;
  }
  assert(left == 0);
}
