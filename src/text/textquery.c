/* textquery.c - the two syntaxes of text queries (see textquery.h).
 *
 * Layer: text (L2). One pass with a stack of open groups; O(bytes).
 */
#include "textquery.h"

#include <string.h>

void vs_textquery_init(vs_textquery *q, vs_alloc *a) {
  memset(q, 0, sizeof *q);
  q->a = a;
}

void vs_textquery_deinit(vs_textquery *q) {
  vs_free(q->a, q->bytes);
  vs_free(q->a, q->node);
  vs_textquery_init(q, q->a);
}

static vs_status no_memory(vs_err *err) { return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the query"); }

/* Appends a node; its fields beyond these are zero and boost 1. */
static vs_status push(vs_textquery *q, vs_ask_kind kind, vs_occur occur, uint32_t parent, uint32_t *out, vs_err *err) {
  if (q->n == VS_TEXT_NODES)
    return vs_fail(err, VS_INVALID_ARGUMENT, "the query has more than %u parts", VS_TEXT_NODES);
  if (q->n == q->cap) {
    uint32_t cap = q->cap ? q->cap * 2 : 8;
    vs_ask *node = vs_realloc(q->a, q->node, cap * sizeof *node);
    if (!node) return no_memory(err);
    q->node = node;
    q->cap = cap;
  }
  *out = q->n++;
  q->node[*out] = (vs_ask){.kind = kind, .occur = occur, .parent = parent, .boost = 1};
  return VS_OK;
}

static vs_status begin(vs_textquery *q, vs_slice text, vs_err *err) {
  uint32_t root;
  q->bytes = vs_malloc(q->a, text.n + 1);
  return q->bytes ? push(q, VS_ASK_ALL, VS_SHOULD, 0, &root, err) : no_memory(err);
}

/* ============ Plain ============ */

static vs_status plain_part(vs_textquery *q, vs_ask_kind kind, const uint8_t *p, size_t n, vs_err *err) {
  uint32_t node;
  if (n == 0) return VS_OK;
  VS_TRY(push(q, kind, kind == VS_ASK_PHRASE ? VS_MUST : VS_SHOULD, 0, &node, err));
  q->node[node].text = (vs_slice){p, n};
  return VS_OK;
}

vs_status vs_textquery_plain(vs_textquery *q, vs_slice text, vs_err *err) {
  VS_TRY(begin(q, text, err));
  if (text.n) memcpy(q->bytes, text.p, text.n);
  const uint8_t *at = q->bytes, *end = at + text.n;
  while (at < end) {
    const uint8_t *open = memchr(at, '"', (size_t)(end - at));
    const uint8_t *close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
    if (!close) open = end;
    VS_TRY(plain_part(q, VS_ASK_WORDS, at, (size_t)(open - at), err));
    if (!close) break;
    VS_TRY(plain_part(q, VS_ASK_PHRASE, open + 1, (size_t)(close - open - 1), err));
    at = close + 1;
  }
  return VS_OK;
}

/* ============ Query ============ */

typedef struct {
  uint32_t group;
  uint32_t last;   /* the child before, 0 = none; after AND the next one joins it */
  uint32_t chain;  /* the group that `last` was put into by AND, 0 = none */
  bool joins;      /* AND stands before the next child */
  bool negates;    /* NOT does */
  bool unfinished; /* an operator still lacks what follows */
  vs_occur occur;
  vs_slice field; /* of the whole group */
  uint32_t opened_at;
} frame;

typedef struct {
  vs_textquery *q;
  const uint8_t *begin, *at, *end;
  frame stack[VS_TEXT_DEPTH];
  uint32_t depth;
  vs_slice field; /* stands before what comes next */
  vs_err *err;
} parser;

static vs_status wrong(parser *s, const uint8_t *at, const char *what) {
  uint32_t place = (uint32_t)(at - s->begin);
  vs_fail(s->err, VS_INVALID_ARGUMENT, "the query, at byte %u: %s", place, what);
  if (s->err) s->err->index = place;
  return VS_INVALID_ARGUMENT;
}

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* Puts a finished child where the operators before it say. */
static vs_status place(parser *s, uint32_t child) {
  frame *f = &s->stack[s->depth];
  vs_ask *c = &s->q->node[child];
  c->occur = f->negates ? VS_MUST_NOT : f->occur;
  c->parent = f->group;
  if (f->joins) {
    if (f->chain == 0) {
      uint32_t chain;
      VS_TRY(push(s->q, VS_ASK_ALL, VS_SHOULD, f->group, &chain, s->err));
      vs_ask *before = &s->q->node[f->last];
      if (before->occur == VS_MUST) s->q->node[chain].occur = VS_MUST;
      if (before->occur == VS_SHOULD) before->occur = VS_MUST;
      before->parent = chain;
      f->chain = chain;
    }
    c = &s->q->node[child];
    c->parent = f->chain;
    if (c->occur == VS_SHOULD) c->occur = VS_MUST;
  } else {
    f->chain = 0;
  }
  f->last = child;
  f->joins = f->negates = f->unfinished = false;
  f->occur = VS_SHOULD;
  return VS_OK;
}

/* Reads ^number; digits with one point. */
static vs_status read_boost(parser *s, uint32_t node) {
  if (s->at == s->end || *s->at != '^') return VS_OK;
  const uint8_t *from = s->at++;
  double value = 0, unit = 1;
  bool point = false, any = false;
  for (; s->at < s->end && (is_digit(*s->at) || (*s->at == '.' && !point)); s->at++) {
    if (*s->at == '.') {
      point = true;
      continue;
    }
    any = true;
    value = value * 10 + (*s->at - '0');
    if (point) unit *= 10;
  }
  value /= unit;
  if (!any || !(value > 0 && value <= 1000)) return wrong(s, from, "^ needs a number above 0, at most 1000");
  s->q->node[node].boost = (float)value;
  return VS_OK;
}

/* Reads ~ and digits; *n is `none` without digits. */
static bool read_tilde(parser *s, uint32_t none, uint32_t *n) {
  if (s->at == s->end || *s->at != '~') return false;
  s->at++;
  *n = none;
  for (; s->at < s->end && is_digit(*s->at); s->at++) *n = (*n == none ? 0 : *n * 10) + (*s->at - '0') % 1000;
  return true;
}

static vs_status read_phrase(parser *s) {
  uint32_t node;
  const uint8_t *from = s->at++;
  uint8_t *to = s->q->bytes + s->q->n_bytes, *start = to;
  while (s->at < s->end && *s->at != '"') {
    if (*s->at == '\\' && s->at + 1 < s->end) s->at++;
    *to++ = *s->at++;
  }
  if (s->at == s->end) return wrong(s, from, "this quote is not closed");
  s->at++;
  s->q->n_bytes += (uint32_t)(to - start);
  VS_TRY(push(s->q, VS_ASK_PHRASE, VS_SHOULD, 0, &node, s->err));
  s->q->node[node].text = (vs_slice){start, (size_t)(to - start)};
  s->q->node[node].field = s->field;
  uint32_t slop = 0;
  from = s->at;
  if (read_tilde(s, 0, &slop) && slop > 1000) return wrong(s, from, "a phrase may be at most 1000 moves apart");
  s->q->node[node].slop = slop;
  VS_TRY(read_boost(s, node));
  s->field = (vs_slice){NULL, 0};
  return place(s, node);
}

static bool is_word_end(uint8_t c) { return is_space(c) || c == '(' || c == ')' || c == '"'; }

/* An operator word of this length at hand? */
static bool is_operator(const parser *s, const char *word, size_t n) {
  if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0) return false;
  const uint8_t *behind = s->at + n;
  return behind == s->end || is_space(*behind) || *behind == '(' || *behind == '"' || word[0] == '&' || word[0] == '|';
}

static vs_status read_word(parser *s) {
  uint8_t *to = s->q->bytes + s->q->n_bytes, *start = to;
  const uint8_t *from = s->at;
  bool prefix = false;
  uint32_t node, distance = 0;
  while (s->at < s->end && !is_word_end(*s->at) && *s->at != '^' && *s->at != '~') {
    if (*s->at == ':' && to > start && s->field.n == 0 && s->at + 1 < s->end && !is_space(s->at[1])) {
      s->field = (vs_slice){start, (size_t)(to - start)};
      s->q->n_bytes += (uint32_t)(to - start);
      s->at++;
      return VS_OK;
    }
    prefix = *s->at == '*' && (s->at + 1 == s->end || is_word_end(s->at[1]) || s->at[1] == '^');
    if (prefix) {
      s->at++;
      break;
    }
    if (*s->at == '\\' && s->at + 1 < s->end) s->at++;
    *to++ = *s->at++;
  }
  if (to == start) return wrong(s, from, prefix ? "* needs the beginning of a word" : "a word is missing");
  s->q->n_bytes += (uint32_t)(to - start);
  VS_TRY(push(s->q, prefix ? VS_ASK_PREFIX : VS_ASK_WORD, VS_SHOULD, 0, &node, s->err));
  vs_ask *ask = &s->q->node[node];
  ask->text = (vs_slice){start, (size_t)(to - start)};
  ask->field = s->field;
  s->field = (vs_slice){NULL, 0};
  from = s->at;
  if (!prefix && read_tilde(s, VS_DISTANCE_AUTO, &distance)) {
    if (distance > 2 && distance != VS_DISTANCE_AUTO) return wrong(s, from, "~ allows 0, 1 or 2 edits");
    ask->kind = VS_ASK_FUZZY;
    ask->distance = distance;
    if (s->at + 1 < s->end && *s->at == ',' && is_digit(s->at[1]))
      for (s->at++; s->at < s->end && is_digit(*s->at); s->at++) ask->fixed = ask->fixed % 1000 * 10 + *s->at - '0';
  }
  VS_TRY(read_boost(s, node));
  if (s->at < s->end && !is_word_end(*s->at)) return wrong(s, s->at, "a space is missing");
  return place(s, node);
}

static vs_status open_group(parser *s) {
  uint32_t group;
  if (s->depth + 1 == VS_TEXT_DEPTH) return wrong(s, s->at, "too many parentheses within each other");
  VS_TRY(push(s->q, VS_ASK_ALL, VS_SHOULD, 0, &group, s->err));
  vs_slice field = s->field.n ? s->field : s->stack[s->depth].field;
  s->stack[++s->depth] = (frame){.group = group, .field = field, .opened_at = (uint32_t)(s->at - s->begin)};
  s->field = (vs_slice){NULL, 0};
  s->at++;
  return VS_OK;
}

static vs_status close_group(parser *s) {
  if (s->depth == 0) return wrong(s, s->at, "this ) closes nothing");
  const frame *f = &s->stack[s->depth];
  if (f->unfinished) return wrong(s, s->at, "an operator lacks what should follow it");
  uint32_t group = f->group;
  s->at++;
  s->depth--;
  VS_TRY(read_boost(s, group));
  return place(s, group);
}

/* True where an operator stood. */
static bool read_operator(parser *s, vs_status *status) {
  static const struct {
    const char *word;
    char what;
  } operators[] = {{"AND", '&'}, {"&&", '&'}, {"OR", '|'}, {"||", '|'}, {"NOT", '!'}};
  frame *f = &s->stack[s->depth];
  char what = 0;
  for (uint32_t i = 0; i < 5 && !what; i++) {
    size_t n = strlen(operators[i].word);
    if (!is_operator(s, operators[i].word, n)) continue;
    what = operators[i].what;
    s->at += n;
  }
  bool alone = s->at + 1 < s->end && !is_space(s->at[1]);
  if (!what && alone && (*s->at == '+' || *s->at == '-' || *s->at == '!')) what = (char)*s->at++;
  if (!what) return false;
  bool needs_before = what == '&' || what == '|';
  *status = VS_OK;
  if (needs_before && (f->last == 0 || f->unfinished))
    *status = wrong(s, s->at, "an operator lacks what should precede it");
  if (what == '&') f->joins = true;
  if (what == '!' || what == '-') f->negates = !f->negates;
  if (what == '+') f->occur = VS_MUST;
  f->unfinished = true;
  return true;
}

static vs_status read_part(parser *s) {
  vs_status status;
  if (s->field.n == 0 && read_operator(s, &status)) return status;
  if (*s->at == '(') return open_group(s);
  if (*s->at == ')') return s->field.n == 0 ? close_group(s) : wrong(s, s->at, "a word is missing behind the field");
  /* A group's field is that of all in it that name none. */
  if (*s->at == '"') {
    if (s->field.n == 0) s->field = s->stack[s->depth].field;
    return read_phrase(s);
  }
  uint32_t before = s->q->n;
  VS_TRY(read_word(s));
  if (s->q->n > before && s->q->node[before].field.n == 0) s->q->node[before].field = s->stack[s->depth].field;
  return VS_OK;
}

vs_status vs_textquery_parse(vs_textquery *q, vs_slice text, vs_err *err) {
  VS_TRY(begin(q, text, err));
  parser s = {.q = q, .begin = text.p, .at = text.p, .end = text.p + text.n, .err = err};
  while (s.at < s.end) {
    if (is_space(*s.at))
      s.at++;
    else
      VS_TRY(read_part(&s));
  }
  if (s.depth > 0) return wrong(&s, s.begin + s.stack[s.depth].opened_at, "this ( is not closed");
  if (s.stack[0].unfinished) return wrong(&s, s.end, "something is missing at the end");
  return VS_OK;
}
