/* parse.c - filter text to a program.
 *
 * Layer: filter. Knows the grammar of filter.h.
 *
 * Operator precedence with a stack of the operators not yet applied, so that
 * nothing recurses. A condition goes to the builder as soon as it is read; an
 * operator goes there once an operator that binds no tighter, a closing
 * parenthesis or the end follows. Of one level the stack holds at most an OR,
 * an AND, a NOT and the parenthesis that opened the next.
 */
#include "build.h"
#include "lex.h"
#include "number.h"

#include "../base/utf8.h"

#include <string.h>

typedef struct {
  uint8_t kind;  /* VS_TOKEN_OPEN, _NOT, _AND or _OR */
  uint32_t join; /* AND, OR: what vs_build_join_begin gave */
} pending;

typedef struct {
  const char *text;
  size_t n;
  vs_token token; /* the one looked at */
  vs_value params;
  vs_filter_builder b;
  vs_wr scratch; /* of one quoted text */
  pending stack[4 * (VS_FILTER_MAX_DEPTH + 1)];
  uint32_t n_pending, depth;
  vs_err *err;
  vs_status status; /* the first failure sticks */
} parser;

/* ============ Errors ============ */

/* Bytes of text shown on either side of the place, and of a token in a message. */
#define EXCERPT_BYTES 36u
#define FOUND_BYTES 20u

static bool continues(char c) { return ((uint8_t)c & 0xc0) == 0x80; }

/* Copies with spaces for control characters. */
static size_t copy_plain(char *to, const char *from, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = (uint8_t)from[i] < 0x20 ? ' ' : from[i];
  return n;
}

/* Writes the text around `at` and below it a caret: two lines, each indented by
 * two. What is behind `end` is not shown. */
static void draw_caret(const char *text, size_t at, size_t end, char out[4 * EXCERPT_BYTES]) {
  size_t first = at > EXCERPT_BYTES ? at - EXCERPT_BYTES : 0, last = vs_min_size(end, at + EXCERPT_BYTES), n = 0;
  while (first < at && continues(text[first])) first++;
  while (last < end && last > at && continues(text[last])) last--;
  memcpy(out, "\n  ", 3);
  n = 3 + copy_plain(out + 3, text + first, last - first);
  memcpy(out + n, "\n  ", 3);
  n += 3;
  for (size_t i = first; i < at; i++) {
    if (!continues(text[i])) out[n++] = ' ';
  }
  out[n++] = '^';
  out[n] = '\0';
}

static void fail_at(parser *p, size_t at, const char *what, const char *detail, const char *found) {
  if (p->status != VS_OK) return;
  char caret[4 * EXCERPT_BYTES];
  draw_caret(p->text, at, p->n, caret);
  p->status = vs_fail(p->err, VS_FILTER_SYNTAX, "%s%s%s%s", what, detail, found, caret);
  if (p->err != NULL) p->err->index = (uint32_t)at;
}

static size_t offset_of(const parser *p, const vs_token *token) {
  return (size_t)(token->text.p - (const uint8_t *)p->text);
}

/* "expected <what>, found '<token>'". */
static void expected(parser *p, const char *what) {
  const vs_token *t = &p->token;
  char found[FOUND_BYTES + 16] = ", found '";
  size_t at = strlen(found), n = vs_min_size(t->text.n, FOUND_BYTES);
  if (t->kind == VS_TOKEN_WRONG) {
    fail_at(p, offset_of(p, t), t->problem, "", "");
    return;
  }
  if (n < t->text.n) {
    while (n > 0 && continues((char)t->text.p[n])) n--;
  }
  at += copy_plain(found + at, (const char *)t->text.p, n);
  memcpy(found + at, n < t->text.n ? "...'" : "'", n < t->text.n ? 5 : 2);
  fail_at(p, offset_of(p, t), "expected ", what, t->kind == VS_TOKEN_END ? "" : found);
}

/* Reports what the builder found wrong, as being at `at`. */
static void check_builder(parser *p, size_t at) {
  if (p->b.problem == NULL || p->status != VS_OK) return;
  if (p->b.problem == VS_BUILD_NO_MEMORY) {
    p->status = vs_fail(p->err, VS_OUT_OF_MEMORY, "%s", p->b.problem);
    return;
  }
  char limit[2 * VS_NUMBER_BYTES] = "";
  if (p->b.at_most > 0) {
    char digits[VS_NUMBER_BYTES];
    vs_value v = {VS_VALUE_INT, p->b.at_most, 0, {NULL, 0}, 0};
    size_t n = vs_number_format(&v, digits);
    memcpy(limit, " (at most ", 10);
    memcpy(limit + 10, digits, n);
    memcpy(limit + 10 + n, ")", 2);
  }
  fail_at(p, at, p->b.problem, limit, "");
}

/* ============ Tokens ============ */

static void advance(parser *p) { p->token = vs_lex_next(p->text, p->n, offset_of(p, &p->token) + p->token.text.n); }

static bool accept(parser *p, vs_token_kind kind) {
  if (p->token.kind != kind) return false;
  advance(p);
  return true;
}

static void expect(parser *p, vs_token_kind kind, const char *what) {
  if (!accept(p, kind)) expected(p, what);
}

static bool opens_call(const parser *p) {
  size_t behind = offset_of(p, &p->token) + p->token.text.n;
  return p->token.kind == VS_TOKEN_WORD && vs_lex_next(p->text, p->n, behind).kind == VS_TOKEN_OPEN;
}

/* ============ Values ============ */

static vs_slice unquote(parser *p, const vs_token *token) {
  vs_wr_reset(&p->scratch);
  vs_lex_unquote(token, &p->scratch);
  if (p->scratch.failed) vs_build_fail(&p->b, VS_BUILD_NO_MEMORY, 0);
  return (vs_slice){p->scratch.p, p->scratch.n};
}

/* Looks up the parameter that the token names. */
static bool param(parser *p, vs_value *out) {
  vs_filter_segment step = {{p->token.text.p + 1, p->token.text.n - 1}, 0};
  vs_rd r = vs_rd_of(p->params.bytes.p, p->params.bytes.n);
  for (uint32_t i = 0; i < p->params.count; i++) {
    vs_slice key = vs_rd_slice(&r);
    *out = vs_value_read(&r);
    if (key.n == step.key.n && memcmp(key.p, step.key.p, key.n) == 0) return true;
  }
  fail_at(p, offset_of(p, &p->token), "params has no value for this parameter", "", "");
  return false;
}

/* Reads one value and adds it to the term. */
static void parse_value(parser *p, const char *what) {
  vs_value v = {VS_VALUE_STRING, 0, 0, p->token.text, 0};
  size_t at = offset_of(p, &p->token);
  switch (p->token.kind) {
  case VS_TOKEN_STRING: v.bytes = unquote(p, &p->token); break;
  case VS_TOKEN_WORD: break;
  case VS_TOKEN_TRUE: v.tag = VS_VALUE_TRUE; break;
  case VS_TOKEN_FALSE: v.tag = VS_VALUE_FALSE; break;
  case VS_TOKEN_NULL: v.tag = VS_VALUE_NULL; break;
  case VS_TOKEN_NUMBER:
    if (!vs_number_parse(p->token.text.p, p->token.text.n, &v)) fail_at(p, at, "the number is too large", "", "");
    break;
  case VS_TOKEN_PARAM:
    if (!param(p, &v)) return;
    break;
  case VS_TOKEN_QUOTED:
    fail_at(p, at, "a field compares with values, not with fields; text wants ' or \"", "", "");
    return;
  default: expected(p, what); return;
  }
  vs_build_value(&p->b, &v);
  check_builder(p, at);
  advance(p);
}

/* The values of an array given as a parameter. */
static void list_param(parser *p) {
  vs_value list;
  size_t at = offset_of(p, &p->token);
  if (!param(p, &list)) return;
  if (list.tag != VS_VALUE_ARRAY) {
    fail_at(p, at, "the parameter behind IN must be an array", "", "");
    return;
  }
  vs_rd r = vs_rd_of(list.bytes.p, list.bytes.n);
  for (uint32_t i = 0; i < list.count && p->b.problem == NULL; i++) {
    vs_value v = vs_value_read(&r);
    vs_build_value(&p->b, &v);
  }
  check_builder(p, at);
  advance(p);
}

static void parse_list(parser *p) {
  bool bracket = p->token.kind == VS_TOKEN_OPEN_BRACKET;
  vs_token_kind close = bracket ? VS_TOKEN_CLOSE_BRACKET : VS_TOKEN_CLOSE;
  if (p->token.kind == VS_TOKEN_PARAM) {
    list_param(p);
    return;
  }
  if (!bracket && p->token.kind != VS_TOKEN_OPEN) {
    expected(p, "( or [ and the values of IN");
    return;
  }
  advance(p);
  if (accept(p, close)) return;
  do parse_value(p, "a value of the list");
  while (p->status == VS_OK && accept(p, VS_TOKEN_COMMA));
  expect(p, close, bracket ? ", or ] in the list" : ", or ) in the list");
}

/* ============ Fields ============ */

static void parse_key(parser *p, bool first) {
  const vs_token *t = &p->token;
  size_t at = offset_of(p, t);
  if (t->kind == VS_TOKEN_WORD || (!first && t->kind >= VS_TOKEN_KEYWORDS)) {
    vs_build_key(&p->b, t->text);
  } else if (t->kind == VS_TOKEN_QUOTED) {
    vs_build_key(&p->b, unquote(p, t));
  } else {
    expected(p, first ? "a field" : "a key behind the dot");
    return;
  }
  check_builder(p, at);
  advance(p);
}

static void parse_index(parser *p) {
  vs_value v = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  size_t at = offset_of(p, &p->token);
  bool digits = p->token.kind == VS_TOKEN_NUMBER && p->token.text.p[0] >= '0' && p->token.text.p[0] <= '9';
  if (!digits || !vs_number_parse(p->token.text.p, p->token.text.n, &v) || v.tag != VS_VALUE_INT) {
    expected(p, "an index, 0 or more, in brackets");
    return;
  }
  vs_build_index(&p->b, (uint64_t)v.i);
  check_builder(p, at);
  advance(p);
  expect(p, VS_TOKEN_CLOSE_BRACKET, "] behind the index");
}

static void parse_field(parser *p) {
  parse_key(p, true);
  while (p->status == VS_OK) {
    if (accept(p, VS_TOKEN_DOT)) {
      parse_key(p, false);
    } else if (accept(p, VS_TOKEN_OPEN_BRACKET)) {
      parse_index(p);
    } else {
      return;
    }
  }
}

/* ============ Conditions ============ */

/* Ends the term; what is wrong with it as a whole is at `at`. */
static void end_term(parser *p, size_t at, vs_filter_op op, vs_filter_of of, bool negated) {
  if (p->status != VS_OK) return;
  vs_build_term_end(&p->b, op, of, negated);
  check_builder(p, at);
}

/* The operator's operands, up to where the condition ends. `at` becomes the place of the first. */
static void parse_operands(parser *p, vs_filter_op op, size_t *at) {
  advance(p);
  *at = offset_of(p, &p->token);
  if (op == VS_FILTER_IN) {
    parse_list(p);
    return;
  }
  parse_value(p, "a value");
  if (p->status != VS_OK) return;
  if (op == VS_FILTER_BETWEEN) {
    expect(p, VS_TOKEN_AND, "AND between the two values of BETWEEN");
    if (p->status == VS_OK) parse_value(p, "the upper value of BETWEEN");
  } else if ((op == VS_FILTER_LIKE || op == VS_FILTER_ILIKE) && accept(p, VS_TOKEN_ESCAPE)) {
    parse_value(p, "the escape character");
  }
}

/* The operator that a token is, besides IS; VS_FILTER_TRUTH when it is none. */
static vs_filter_op operator_of(vs_token_kind kind) {
  switch (kind) {
  case VS_TOKEN_EQ:
  case VS_TOKEN_NE: return VS_FILTER_EQ;
  case VS_TOKEN_LT: return VS_FILTER_LT;
  case VS_TOKEN_LE: return VS_FILTER_LE;
  case VS_TOKEN_GT: return VS_FILTER_GT;
  case VS_TOKEN_GE: return VS_FILTER_GE;
  case VS_TOKEN_IN: return VS_FILTER_IN;
  case VS_TOKEN_BETWEEN: return VS_FILTER_BETWEEN;
  case VS_TOKEN_CONTAINS: return VS_FILTER_CONTAINS;
  case VS_TOKEN_STARTSWITH: return VS_FILTER_STARTSWITH;
  case VS_TOKEN_ENDSWITH: return VS_FILTER_ENDSWITH;
  case VS_TOKEN_LIKE: return VS_FILTER_LIKE;
  case VS_TOKEN_ILIKE: return VS_FILTER_ILIKE;
  default: return VS_FILTER_TRUTH;
  }
}

/* What follows an operand: an operator with its values, or nothing. */
static void parse_tail(parser *p, vs_filter_of of) {
  if (p->status != VS_OK) return;
  size_t at = offset_of(p, &p->token);
  if (accept(p, VS_TOKEN_IS)) {
    bool negated = accept(p, VS_TOKEN_NOT);
    expect(p, VS_TOKEN_NULL, negated ? "NULL behind IS NOT" : "NULL or NOT NULL behind IS");
    end_term(p, at, VS_FILTER_IS_NULL, of, negated);
    return;
  }
  bool negated = accept(p, VS_TOKEN_NOT);
  vs_filter_op op = operator_of(p->token.kind);
  if (negated && op < VS_FILTER_IN) op = VS_FILTER_TRUTH;
  if (negated && op == VS_FILTER_TRUTH) {
    expected(p, "IN, BETWEEN, LIKE, ILIKE, CONTAINS, STARTSWITH or ENDSWITH behind NOT");
  } else if (op == VS_FILTER_TRUTH) {
    vs_token_kind kind = p->token.kind;
    bool ends = kind == VS_TOKEN_AND || kind == VS_TOKEN_OR || kind == VS_TOKEN_CLOSE || kind == VS_TOKEN_END;
    if (!ends) expected(p, "an operator such as =, or AND, OR or the end");
  } else {
    negated |= p->token.kind == VS_TOKEN_NE;
    parse_operands(p, op, &at);
  }
  end_term(p, at, op, of, negated);
}

static void parse_geo(parser *p, vs_filter_op op) {
  size_t at = 0;
  int n = op == VS_FILTER_GEO_RADIUS ? 3 : 4;
  parse_field(p);
  for (int i = 0; i < n && p->status == VS_OK; i++) {
    expect(p, VS_TOKEN_COMMA, n == 3 ? ", and latitude, longitude, metres" : ", and south, west, north, east");
    if (i == 0) at = offset_of(p, &p->token);
    if (p->status == VS_OK) parse_value(p, "a number");
  }
  if (p->status == VS_OK) expect(p, VS_TOKEN_CLOSE, ") behind the last number");
  end_term(p, at, op, VS_FILTER_VALUE, false);
}

/* A word with a parenthesis behind it. */
static void parse_call(parser *p) {
  static const struct {
    const char *name;
    uint8_t op, of;
  } calls[] = {
      {"any", VS_FILTER_TRUTH, VS_FILTER_ANY},           {"all", VS_FILTER_TRUTH, VS_FILTER_ALL},
      {"length", VS_FILTER_TRUTH, VS_FILTER_LENGTH},     {"geo_radius", VS_FILTER_GEO_RADIUS, VS_FILTER_VALUE},
      {"geo_bbox", VS_FILTER_GEO_BBOX, VS_FILTER_VALUE},
  };
  size_t i = 0, n = sizeof calls / sizeof calls[0];
  while (i < n && !vs_lex_same_word(p->token.text, calls[i].name)) i++;
  if (i == n) {
    expected(p, "ANY, ALL, LENGTH, GEO_RADIUS or GEO_BBOX before (");
    return;
  }
  advance(p);
  advance(p);
  if (calls[i].op != VS_FILTER_TRUTH) {
    parse_geo(p, (vs_filter_op)calls[i].op);
    return;
  }
  parse_field(p);
  if (p->status == VS_OK) expect(p, VS_TOKEN_CLOSE, ") behind the field");
  parse_tail(p, (vs_filter_of)calls[i].of);
}

static void parse_exists(parser *p) {
  size_t at = offset_of(p, &p->token);
  advance(p);
  bool parenthesis = accept(p, VS_TOKEN_OPEN);
  parse_field(p);
  if (parenthesis && p->status == VS_OK) expect(p, VS_TOKEN_CLOSE, ") behind the field");
  end_term(p, at, VS_FILTER_EXISTS, VS_FILTER_VALUE, false);
}

static void parse_condition(parser *p) {
  vs_token_kind kind = p->token.kind;
  size_t at = offset_of(p, &p->token);
  vs_build_term_begin(&p->b);
  if (kind == VS_TOKEN_TRUE || kind == VS_TOKEN_FALSE || kind == VS_TOKEN_NULL) {
    vs_build_constant(&p->b, kind == VS_TOKEN_TRUE ? VS_TRUE : kind == VS_TOKEN_FALSE ? VS_FALSE : VS_UNKNOWN);
    check_builder(p, at);
    advance(p);
  } else if (kind == VS_TOKEN_EXISTS) {
    parse_exists(p);
  } else if (opens_call(p)) {
    parse_call(p);
  } else if (kind == VS_TOKEN_WORD || kind == VS_TOKEN_QUOTED) {
    parse_field(p);
    parse_tail(p, VS_FILTER_VALUE);
  } else if (kind >= VS_TOKEN_KEYWORDS) {
    expected(p, "a field (a word of the language as a name wants `...`)");
  } else {
    expected(p, "a field, NOT or (");
  }
}

/* ============ NOT, AND, OR and parentheses ============ */

static void push(parser *p, vs_token_kind kind, uint32_t join) {
  assert(p->n_pending < sizeof p->stack / sizeof p->stack[0]);
  p->stack[p->n_pending++] = (pending){(uint8_t)kind, join};
}

static bool on_top(const parser *p, vs_token_kind kind) {
  return p->n_pending > 0 && p->stack[p->n_pending - 1].kind == kind;
}

/* What may stand before a condition: any number of NOTs and parentheses. */
static void parse_prefixes(parser *p) {
  while (p->status == VS_OK) {
    if (p->token.kind == VS_TOKEN_NOT) {
      /* Two in a row say nothing. */
      if (on_top(p, VS_TOKEN_NOT)) {
        p->n_pending--;
      } else {
        push(p, VS_TOKEN_NOT, 0);
      }
    } else if (p->token.kind == VS_TOKEN_OPEN) {
      if (p->depth == p->b.limits.depth) {
        vs_build_fail(&p->b, "parentheses are nested too deep", p->b.limits.depth);
        check_builder(p, offset_of(p, &p->token));
        return;
      }
      p->depth++;
      push(p, VS_TOKEN_OPEN, 0);
    } else {
      return;
    }
    advance(p);
  }
}

/* Applies what binds at least as tight as `kind`: all but a parenthesis for END. */
static void reduce(parser *p, vs_token_kind kind) {
  for (; p->n_pending > 0; p->n_pending--) {
    const pending *top = &p->stack[p->n_pending - 1];
    if (top->kind == VS_TOKEN_OPEN || (top->kind == VS_TOKEN_OR && kind == VS_TOKEN_AND)) return;
    if (top->kind == VS_TOKEN_NOT) {
      vs_build_not(&p->b);
    } else {
      vs_build_join_end(&p->b, top->kind == VS_TOKEN_AND ? VS_FILTER_AND : VS_FILTER_OR, top->join);
    }
  }
}

/* What may follow a condition. True when another condition does. */
static bool parse_suffixes(parser *p) {
  for (; p->status == VS_OK; advance(p)) {
    vs_token_kind kind = p->token.kind;
    if (kind == VS_TOKEN_AND || kind == VS_TOKEN_OR) {
      reduce(p, kind);
      push(p, kind, vs_build_join_begin(&p->b, kind == VS_TOKEN_AND ? VS_FILTER_AND : VS_FILTER_OR));
      check_builder(p, offset_of(p, &p->token));
      advance(p);
      return true;
    }
    if (kind == VS_TOKEN_CLOSE && p->depth > 0) {
      reduce(p, VS_TOKEN_END);
      p->n_pending--;
      p->depth--;
    } else {
      if (kind != VS_TOKEN_END || p->depth > 0) {
        expected(p, p->depth > 0 ? "AND, OR or )" : "AND, OR or the end of the filter");
      }
      reduce(p, VS_TOKEN_END);
      check_builder(p, p->n);
      return false;
    }
  }
  return false;
}

/* ============ The whole ============ */

/* Well-formed and no longer than allowed: what everything else relies on. */
static void check_text(parser *p) {
  size_t whole = p->n, at = 0;
  if (whole > p->b.limits.text_bytes) {
    p->n = 0;
    vs_build_fail(&p->b, "the filter has too many bytes", p->b.limits.text_bytes);
    check_builder(p, 0);
  }
  for (uint32_t length; p->status == VS_OK && at < whole; at += length) {
    if (vs_utf8_next((const uint8_t *)p->text + at, whole - at, &length) != UINT32_MAX) continue;
    p->n = at;
    fail_at(p, at, "the filter is no well-formed UTF-8", "", "");
  }
}

static vs_status read_params(vs_slice params, vs_value *out, vs_err *err) {
  *out = (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
  if (params.n == 0) return VS_OK;
  vs_rd r = vs_rd_of(params.p, params.n);
  *out = vs_value_read(&r);
  if (out->tag == VS_VALUE_OBJECT && vs_value_check(params.p, params.n)) return VS_OK;
  return vs_fail(err, VS_INVALID_ARGUMENT, "params must be an object with a value for each $name");
}

vs_status vs_filter_compile_text(vs_alloc *a, const char *text, size_t n, vs_slice params,
                                 const vs_filter_limits *limits, vs_filter **out, vs_err *err) {
  parser p;
  *out = NULL;
  memset(&p, 0, sizeof p);
  p.text = n > 0 ? text : "";
  p.n = n;
  p.err = err;
  VS_TRY(read_params(params, &p.params, err));
  vs_build_init(&p.b, a, limits);
  vs_wr_init(&p.scratch, a);
  check_text(&p);
  if (p.status == VS_OK) {
    p.token = vs_lex_next(p.text, p.n, 0);
    do {
      parse_prefixes(&p);
      if (p.status == VS_OK) parse_condition(&p);
    } while (parse_suffixes(&p));
  }
  if (p.status == VS_OK) p.status = vs_build_finish(&p.b, out, err);
  vs_wr_deinit(&p.scratch);
  vs_build_deinit(&p.b);
  return p.status;
}
