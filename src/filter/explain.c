/* explain.c - a program back to text.
 *
 * Layer: filter. Knows programs and how lex.c reads.
 *
 * Postfix becomes infix without recursion and without memory: the jump of an
 * AND or OR stands exactly where its word belongs. What is left are NOT and
 * parentheses, which open where the code of a node begins: for each operand
 * the nodes that begin there are looked for from the outermost inwards. That is
 * O(code * operands), which is nothing for a text of a few kilobytes.
 *
 * Parentheses are put around an OR inside an AND, around an AND or OR below
 * NOT, and around a right operand of the same operator, because it was written
 * that way and comes out the same when compiled again.
 */
#include "filter.h"
#include "lex.h"
#include "number.h"

#include <string.h>

#define LIST_VALUES 20u

static void put(vs_wr *w, const char *s) { vs_wr_bytes(w, s, strlen(s)); }

static void put_u32(vs_wr *w, uint32_t v) {
  char text[VS_NUMBER_BYTES];
  vs_value value = {VS_VALUE_INT, v, 0, {NULL, 0}, 0};
  vs_wr_bytes(w, text, vs_number_format(&value, text));
}

static void put_string(vs_wr *w, vs_slice s) {
  put(w, "'");
  for (size_t i = 0; i < s.n; i++) {
    uint8_t c = s.p[i];
    if (c == '\'' || c == '\\') {
      vs_wr_u8(w, c);
      vs_wr_u8(w, c);
    } else if (c == '\n') {
      put(w, "\\n");
    } else {
      vs_wr_u8(w, c);
    }
  }
  put(w, "'");
}

static void put_value(vs_wr *w, const vs_value *v) {
  char text[VS_NUMBER_BYTES];
  switch (v->tag) {
  case VS_VALUE_NULL: put(w, "NULL"); break;
  case VS_VALUE_FALSE: put(w, "FALSE"); break;
  case VS_VALUE_TRUE: put(w, "TRUE"); break;
  case VS_VALUE_STRING: put_string(w, v->bytes); break;
  default: vs_wr_bytes(w, text, vs_number_format(v, text));
  }
}

static void put_key(vs_wr *w, vs_slice key) {
  if (vs_lex_is_bare(key)) {
    vs_wr_bytes(w, key.p, key.n);
    return;
  }
  put(w, "`");
  for (size_t i = 0; i < key.n; i++) {
    if (key.p[i] == '`') vs_wr_u8(w, '`');
    vs_wr_u8(w, key.p[i]);
  }
  put(w, "`");
}

static void put_field(vs_wr *w, const vs_filter_term *term) {
  for (uint32_t i = 0; i < term->n_path; i++) {
    if (term->path[i].key.p == NULL) {
      put(w, "[");
      put_u32(w, term->path[i].index);
      put(w, "]");
    } else {
      if (i > 0) put(w, ".");
      put_key(w, term->path[i].key);
    }
  }
}

static void put_list(vs_wr *w, const vs_filter_term *term) {
  uint32_t shown = term->n_constants < LIST_VALUES ? term->n_constants : LIST_VALUES;
  put(w, "(");
  for (uint32_t i = 0; i < shown; i++) {
    if (i > 0) put(w, ", ");
    put_value(w, &term->constants[i]);
  }
  if (term->has_null) put(w, shown > 0 ? ", NULL" : "NULL");
  if (shown < term->n_constants) {
    put(w, ", and ");
    put_u32(w, term->n_constants - shown);
    put(w, " more");
  }
  put(w, ")");
}

/* What stands behind the operand; terms of a call have nothing there. */
static void put_tail(vs_wr *w, const vs_filter_term *term) {
  static const char *const operators[VS_FILTER_OP_COUNT] = {
      "= ",        "< ",    "<= ",    "> ",   ">= ", "IN ", "BETWEEN ", "CONTAINS ", "STARTSWITH ",
      "ENDSWITH ", "LIKE ", "ILIKE ", "NULL", "",    "",    "",         ""};
  const vs_value *c = term->constants;
  put(w, " ");
  if (term->op == VS_FILTER_EQ) {
    put(w, term->negated ? "!= " : "= ");
  } else {
    if (term->op == VS_FILTER_IS_NULL) put(w, "IS ");
    if (term->negated) put(w, "NOT ");
    put(w, operators[term->op]);
  }
  if (term->op == VS_FILTER_IS_NULL) return;
  if (term->op == VS_FILTER_IN) {
    put_list(w, term);
    return;
  }
  put_value(w, &c[0]);
  if (term->op == VS_FILTER_BETWEEN) {
    put(w, " AND ");
    put_value(w, &c[1]);
  } else if (term->n_constants == 3) {
    put(w, " ESCAPE ");
    put_value(w, &c[2]);
  }
}

void vs_filter_explain_term(const vs_filter_term *term, vs_wr *w) {
  static const char *const of[VS_FILTER_OF_COUNT] = {"", "ANY(", "ALL(", "LENGTH("};
  bool geo = term->op >= VS_FILTER_GEO_RADIUS, exists = term->op == VS_FILTER_EXISTS;
  bool plain = geo || exists || term->op == VS_FILTER_TRUTH;
  /* Truth of elements has no negated spelling; NOT ANY is ALL with each element negated. */
  uint8_t spelled = term->of;
  if (plain && term->negated) {
    put(w, "NOT ");
    if (term->of == VS_FILTER_ANY || term->of == VS_FILTER_ALL)
      spelled = (uint8_t)(VS_FILTER_ANY + VS_FILTER_ALL - term->of);
  }
  put(w, geo ? (term->op == VS_FILTER_GEO_RADIUS ? "GEO_RADIUS(" : "GEO_BBOX(") : exists ? "EXISTS(" : of[spelled]);
  put_field(w, term);
  uint32_t given = term->op == VS_FILTER_GEO_RADIUS ? 3 : 4;
  for (uint32_t i = 0; geo && i < given; i++) {
    put(w, ", ");
    put_value(w, &term->constants[i]);
  }
  if (geo || exists || term->of != VS_FILTER_VALUE) put(w, ")");
  if (!plain) put_tail(w, term);
}

/* ============ The whole ============ */

/* The node that node i is an operand of, and whether as the right one; false for the root. */
static bool parent_of(const vs_filter *f, uint32_t i, uint32_t *parent, bool *right) {
  if (i + 1 == f->n_code) return false;
  const vs_filter_instr *next = &f->code[i + 1];
  *right = next->code == VS_FILTER_AND || next->code == VS_FILTER_OR;
  /* Behind a left operand stands the jump, which goes to what follows the parent. */
  *parent = *right || next->code == VS_FILTER_NOT ? i + 1 : next->arg - 1;
  return true;
}

static bool wants_parentheses(const vs_filter *f, uint32_t i) {
  uint8_t code = f->code[i].code, above;
  uint32_t parent;
  bool right;
  if ((code != VS_FILTER_AND && code != VS_FILTER_OR) || !parent_of(f, i, &parent, &right)) return false;
  above = f->code[parent].code;
  return above == VS_FILTER_NOT || (above == code ? right : code == VS_FILTER_OR);
}

/* Opens what begins at the operand i, from the outermost inwards. */
static void put_opening(const vs_filter *f, uint32_t i, vs_wr *w) {
  for (uint32_t node = f->n_code; node-- > i;) {
    if (f->code[node].first != i) continue;
    if (f->code[node].code == VS_FILTER_NOT) put(w, "NOT ");
    if (wants_parentheses(f, node)) put(w, "(");
  }
}

void vs_filter_explain(const vs_filter *f, vs_wr *w) {
  static const char *const truths[] = {"FALSE", "NULL", "TRUE"};
  for (uint32_t i = 0; i < f->n_code; i++) {
    const vs_filter_instr *in = &f->code[i];
    switch (in->code) {
    case VS_FILTER_TERM:
      put_opening(f, i, w);
      vs_filter_explain_term(&f->terms[in->arg], w);
      break;
    case VS_FILTER_CONSTANT:
      put_opening(f, i, w);
      put(w, truths[in->arg]);
      break;
    case VS_FILTER_IF_FALSE: put(w, " AND "); break;
    case VS_FILTER_IF_TRUE: put(w, " OR "); break;
    default:
      if (wants_parentheses(f, i)) put(w, ")");
    }
  }
}
