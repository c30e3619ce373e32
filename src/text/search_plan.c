/* search_plan.c - binding a text query to an index (see search_plan.h).
 *
 * Layer: text (L2). O(terms the words stand for).
 */
#include "search_plan.h"

#include <string.h>

#include "expand.h"

/* A beginning stands for at most so many terms; of more, those first in order. */
#define PREFIX_TERMS 1024u
/* Shares of scores stay exact below 2^15. */
#define MOST_IDF 30000.0
/* Stamps a term that the query has named. */
#define SAID UINT32_MAX

static vs_status no_memory(vs_err *err) { return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the query"); }

static vs_status push_node(vs_search_plan *p, const vs_ask *ask, vs_ask_kind kind, vs_plan_node **out, vs_err *err) {
  if (p->n_nodes == 2 * VS_TEXT_NODES) return vs_fail(err, VS_INVALID_ARGUMENT, "the query has too many words");
  if (p->n_nodes == p->cap_nodes) {
    uint32_t cap = p->cap_nodes ? p->cap_nodes * 2 : 16;
    vs_plan_node *node = vs_realloc(p->a, p->node, cap * sizeof *node);
    if (!node) return no_memory(err);
    p->node = node;
    p->cap_nodes = cap;
  }
  *out = &p->node[p->n_nodes++];
  **out = (vs_plan_node){.kind = kind, .occur = ask->occur, .parent = ask->parent, .from = p->n_sources};
  return VS_OK;
}

/* Remembers a term for marking; sorted when all are there. */
static vs_status note_term(vs_search_plan *p, uint32_t term) {
  vs_textsearch *s = p->out;
  if (s->n_terms == s->cap_terms) {
    uint32_t cap = s->cap_terms ? s->cap_terms * 2 : 16;
    uint32_t *grown = vs_realloc(s->a, s->term, cap * sizeof *grown);
    if (!grown) return VS_OUT_OF_MEMORY;
    s->term = grown;
    s->cap_terms = cap;
  }
  s->term[s->n_terms++] = term;
  return VS_OK;
}

static vs_status push_source(vs_search_plan *p, uint32_t entry, double nearness, vs_source **out) {
  if (p->n_sources == p->cap_sources) {
    uint32_t cap = p->cap_sources ? p->cap_sources * 2 : 16;
    vs_source *source = vs_realloc(p->a, p->source, cap * sizeof *source);
    if (!source) return VS_OUT_OF_MEMORY;
    p->source = source;
    p->cap_sources = cap;
  }
  const vs_term *t = vs_term_at(&p->x->vocabulary, entry);
  const vs_text_field *f = &p->x->field[t->field];
  vs_source *s = &p->source[p->n_sources++];
  double average = f->n_docs ? (double)f->n_words / f->n_docs : 1;
  *s = (vs_source){.field = f,
                   .weight = (double)f->weight * nearness,
                   .norm_0 = 1 - p->x->b,
                   .norm_1 = p->x->b / average,
                   .n_docs = t->list.n_docs};
  vs_cursor_begin(&s->cursor, &p->x->vocabulary.postings, &t->list);
  *out = s;
  return VS_OK;
}

/* ============ Fields and weights of terms ============ */

/* The one field that is asked for, VS_TEXT_FIELDS for all allowed, VS_TEXT_FIELDS + 1 for one that is not there. */
static uint32_t field_of(const vs_search_plan *p, const vs_ask *ask) {
  if (ask->field.n == 0) return VS_TEXT_FIELDS;
  uint32_t field = vs_textindex_field(p->x, ask->field);
  return field == VS_TEXT_FIELDS ? VS_TEXT_FIELDS + 1 : field;
}

static bool is_asked(const vs_search_plan *p, uint32_t field, uint8_t own) {
  if (field != VS_TEXT_FIELDS) return own == field;
  return !p->r->fields || p->r->fields[own];
}

/* The natural logarithm of x >= 1, to about 1e-15: 2 atanh((m - 1) / (m + 1)) of the mantissa m in 0.7 .. 1.5, as a
 * series. The C library's has a table of 4 KB, which the engine would need for nothing else. */
static double logarithm(double x) {
  double exponent = 0;
  while (x >= 1.5) {
    x /= 2;
    exponent++;
  }
  double t = (x - 1) / (x + 1), square = t * t, sum = 0;
  for (int32_t i = 27; i > 0; i -= 2) sum = sum * square + 1.0 / i;
  return exponent * 0.69314718055994530942 + 2 * t * sum;
}

static double idf_of(double n, double df) { return logarithm(1 + (n - df + 0.5) / (df + 0.5)); }

static double term_idf(const vs_search_plan *p, uint32_t head, uint32_t field) {
  const vs_vocabulary *v = &p->x->vocabulary;
  if (field >= VS_TEXT_FIELDS) return idf_of(p->x->n_docs, vs_term_at(v, head)->df);
  uint32_t entry = vs_term_in_field(v, head, (uint8_t)field);
  return entry == VS_NO_TERM ? 0 : idf_of(p->x->field[field].n_docs, vs_term_at(v, entry)->list.n_docs);
}

/* The sources of a term in all fields asked for. */
static vs_status add_term(vs_search_plan *p, uint32_t head, uint32_t field, double nearness) {
  const vs_vocabulary *v = &p->x->vocabulary;
  vs_source *s;
  for (uint32_t entry = head; entry != VS_NO_TERM; entry = vs_term_at(v, entry)->next) {
    const vs_term *t = vs_term_at(v, entry);
    if (t->list.n_docs > 0 && is_asked(p, field, t->field)) VS_TRY(push_source(p, entry, nearness, &s));
  }
  return VS_OK;
}

/* ============ Words ============ */

static double scaled(double idf, float boost) {
  double scale = idf * (double)boost;
  return scale < MOST_IDF ? scale : MOST_IDF;
}

/* A node for one term; the same word again in the same group makes it count more. */
static vs_status bind_term(vs_search_plan *p, const vs_ask *ask, uint32_t head, uint32_t field, vs_err *err) {
  vs_plan_node *node;
  double idf = head == VS_NO_TERM ? 0 : scaled(term_idf(p, head, field), ask->boost);
  vs_term *t = ask->kind == VS_ASK_WORDS && head != VS_NO_TERM ? vs_term_at(&p->x->vocabulary, head) : NULL;
  if (t && t->stamp == SAID) {
    vs_plan_node *said = &p->node[t->mark];
    said->idf = said->idf + idf < MOST_IDF ? said->idf + idf : MOST_IDF;
    return VS_OK;
  }
  VS_TRY(push_node(p, ask, VS_ASK_WORD, &node, err));
  node->alive = true;
  node->idf = idf;
  if (head == VS_NO_TERM) return VS_OK;
  vs_status status = ask->occur == VS_MUST_NOT ? VS_OK : note_term(p, head);
  if (status == VS_OK && t) {
    /* Only what has been noted: the notes say whose stamps to take back. */
    t->stamp = SAID;
    t->mark = (uint32_t)(node - p->node);
  }
  if (status == VS_OK) status = add_term(p, head, field, 1);
  node->n = p->n_sources - node->from;
  return status == VS_OK ? VS_OK : no_memory(err);
}

/* All words of a plain text. */
static vs_status bind_words(vs_search_plan *p, const vs_ask *ask, vs_err *err) {
  vs_tokens tokens;
  vs_token token;
  uint32_t field = field_of(p, ask);
  vs_tokens_begin(&tokens, &p->x->analyzer, ask->text);
  tokens.asks = true;
  vs_status status = VS_OK;
  while (status == VS_OK && vs_tokens_next(&tokens, &token)) {
    uint32_t head = vs_vocabulary_find(&p->x->vocabulary, (vs_slice){token.p, token.n});
    if (head != VS_NO_TERM) status = bind_term(p, ask, head, field, err);
  }
  return status;
}

/* ============ Phrases ============ */

typedef struct {
  uint32_t head[VS_PHRASE_TERMS], position[VS_PHRASE_TERMS], n;
  bool missing; /* a word that no record has */
} phrase;

static vs_status read_phrase(const vs_search_plan *p, const vs_ask *ask, phrase *out, vs_err *err) {
  vs_tokens tokens;
  vs_token token;
  out->n = 0;
  out->missing = false;
  vs_tokens_begin(&tokens, &p->x->analyzer, ask->text);
  tokens.asks = true;
  while (vs_tokens_next(&tokens, &token)) {
    if (out->n == VS_PHRASE_TERMS)
      return vs_fail(err, VS_INVALID_ARGUMENT, "a phrase has at most %u words", VS_PHRASE_TERMS);
    out->head[out->n] = vs_vocabulary_find(&p->x->vocabulary, (vs_slice){token.p, token.n});
    out->missing = out->missing || out->head[out->n] == VS_NO_TERM;
    out->position[out->n++] = token.position;
  }
  return VS_OK;
}

/* One run of sources for a field that has all of the words. */
static vs_status add_phrase_field(vs_search_plan *p, const phrase *f, uint8_t field) {
  const vs_vocabulary *v = &p->x->vocabulary;
  vs_source *s;
  for (uint32_t i = 0; i < f->n; i++) {
    uint32_t entry = vs_term_in_field(v, f->head[i], field);
    if (entry == VS_NO_TERM || vs_term_at(v, entry)->list.n_docs == 0) return VS_OK;
  }
  for (uint32_t i = 0; i < f->n; i++) {
    VS_TRY(push_source(p, vs_term_in_field(v, f->head[i], field), 1, &s));
    s->term = f->head[i];
    s->position = f->position[i];
  }
  return VS_OK;
}

static vs_status bind_phrase(vs_search_plan *p, const vs_ask *ask, vs_err *err) {
  phrase f;
  vs_plan_node *node;
  uint32_t field = field_of(p, ask);
  VS_TRY(read_phrase(p, ask, &f, err));
  if (f.n == 0) return VS_OK;
  if (f.n == 1) {
    vs_ask word = *ask;
    word.kind = VS_ASK_WORD;
    return bind_term(p, &word, f.head[0], field, err);
  }
  VS_TRY(push_node(p, ask, VS_ASK_PHRASE, &node, err));
  node->alive = true;
  node->n_words = f.n;
  node->slop = ask->slop;
  if (f.missing) return VS_OK;
  if (!p->positions) p->positions = vs_calloc(p->a, (size_t)VS_PHRASE_TERMS * VS_POSITIONS, sizeof *p->positions);
  if (!p->positions) return no_memory(err);
  vs_status status = VS_OK;
  double idf = 0;
  for (uint32_t i = 0; i < f.n && status == VS_OK; i++) {
    idf += term_idf(p, f.head[i], field);
    if (ask->occur != VS_MUST_NOT) status = note_term(p, f.head[i]);
  }
  for (uint32_t i = 0; i < p->x->n_fields && status == VS_OK; i++)
    if (is_asked(p, field, (uint8_t)i)) status = add_phrase_field(p, &f, (uint8_t)i);
  node->idf = scaled(idf, ask->boost);
  node->n = p->n_sources - node->from;
  return status == VS_OK ? VS_OK : no_memory(err);
}

/* ============ Beginnings and misspellings ============ */

/* A node whose sources are many terms; `most` becomes the highest number of records of one. */
static vs_status add_similar(vs_search_plan *p, const vs_ask *ask, uint32_t head, uint32_t field, double nearness,
                             uint32_t *most) {
  uint32_t df = vs_term_at(&p->x->vocabulary, head)->df;
  if (df > *most) *most = df;
  if (ask->occur != VS_MUST_NOT) VS_TRY(note_term(p, head));
  return add_term(p, head, field, nearness);
}

static vs_status add_beginning(vs_search_plan *p, const vs_ask *ask, vs_slice word, uint32_t field, uint32_t *most) {
  const vs_vocabulary *v = &p->x->vocabulary;
  uint32_t from, to, own = vs_count_codes(word);
  vs_vocabulary_prefix(v, word, &from, &to);
  for (uint32_t i = from; i < to && i - from < PREFIX_TERMS; i++) {
    uint32_t head = vs_ordered_term(v, i);
    VS_TRY(add_similar(p, ask, head, field, (double)own / vs_count_codes(vs_term_key(v, head)), most));
  }
  return VS_OK;
}

static vs_status add_misspelt(vs_search_plan *p, const vs_ask *ask, vs_slice word, uint32_t field, uint32_t *most) {
  vs_similar similar[VS_FUZZY_TERMS];
  uint32_t n, n_codes = vs_count_codes(word);
  uint32_t distance = ask->distance != VS_DISTANCE_AUTO ? ask->distance : n_codes < 3 ? 0 : n_codes < 6 ? 1 : 2;
  vs_expand_fuzzy(&p->x->vocabulary, word, distance, ask->fixed, similar, &n, &n_codes);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t shorter = similar[i].codes < n_codes ? similar[i].codes : n_codes;
    double nearness = similar[i].distance < shorter ? 1 - (double)similar[i].distance / shorter : 0.1;
    VS_TRY(add_similar(p, ask, similar[i].term, field, nearness, most));
  }
  return VS_OK;
}

static vs_status bind_similar(vs_search_plan *p, const vs_ask *ask, vs_err *err) {
  vs_tokens tokens;
  vs_token token;
  vs_plan_node *node;
  uint32_t field = field_of(p, ask), most = 0;
  bool is_prefix = ask->kind == VS_ASK_PREFIX;
  vs_status status = vs_vocabulary_sort(&p->x->vocabulary);
  if (status != VS_OK) return no_memory(err);
  vs_tokens_begin(&tokens, &p->x->analyzer, ask->text);
  /* Of an identifier the whole is begun or misspelt, not its first part. */
  tokens.asks = p->x->analyzer.tokenizer != VS_TOKENIZE_CODE;
  /* What a word begins with is no word: it has no stem yet. A misspelt one is whole. */
  tokens.literal = is_prefix;
  if (!vs_tokens_next(&tokens, &token)) return VS_OK;
  VS_TRY(push_node(p, ask, VS_ASK_WORD, &node, err));
  node->alive = true;
  vs_slice word = {token.p, token.n};
  status = is_prefix ? add_beginning(p, ask, word, field, &most) : add_misspelt(p, ask, word, field, &most);
  if (status != VS_OK) return no_memory(err);
  if (is_prefix) {
    /* A whole word is in the records as its stem, which it may not be the beginning of. */
    uint8_t given[VS_TERM_BYTES + 16];
    memcpy(given, word.p, word.n);
    vs_tokens_begin(&tokens, &p->x->analyzer, ask->text);
    tokens.asks = p->x->analyzer.tokenizer != VS_TOKENIZE_CODE;
    bool there = vs_tokens_next(&tokens, &token) && (token.n != word.n || memcmp(token.p, given, token.n) != 0);
    uint32_t head = there ? vs_vocabulary_find(&p->x->vocabulary, (vs_slice){token.p, token.n}) : VS_NO_TERM;
    if (head != VS_NO_TERM && add_similar(p, ask, head, field, 1, &most) != VS_OK) return no_memory(err);
  }
  node->n = p->n_sources - node->from;
  node->idf = scaled(idf_of(p->x->n_docs, most), ask->boost);
  return VS_OK;
}

/* ============ The tree ============ */

static vs_status bind(vs_search_plan *p, const vs_ask *ask, vs_err *err) {
  vs_ask phrase_ask;
  switch (ask->kind) {
  case VS_ASK_ALL: return VS_OK;
  case VS_ASK_WORDS: return bind_words(p, ask, err);
  case VS_ASK_PREFIX:
  case VS_ASK_FUZZY: return bind_similar(p, ask, err);
  /* A word that the analyzer takes apart is a phrase. */
  default: phrase_ask = *ask; return bind_phrase(p, &phrase_ask, err);
  }
}

/* Wakes the groups that have something in them, and counts. */
static void count_children(vs_search_plan *p, uint32_t n_asks) {
  for (uint32_t i = n_asks; i < p->n_nodes; i++) {
    for (uint32_t at = i; at != 0;) {
      vs_plan_node *child = &p->node[at], *parent = &p->node[child->parent];
      parent->n_must += child->occur == VS_MUST;
      parent->n_should += child->occur == VS_SHOULD;
      at = child->parent;
      if (parent->alive) break;
      parent->alive = true;
    }
  }
  for (uint32_t i = 1; i < p->n_nodes; i++) {
    uint32_t depth = 0;
    for (uint32_t at = i; at != 0 && depth <= 3 * VS_TEXT_DEPTH; at = p->node[at].parent) depth++;
    p->node[i].depth = depth;
    if (depth > p->depth) p->depth = depth;
  }
}

/* A group's own weight is that of all in it. */
static void spread_boosts(vs_search_plan *p, const vs_textquery *q, uint32_t n_asks) {
  for (uint32_t i = n_asks; i < p->n_nodes; i++) {
    float boost = 1;
    for (uint32_t at = p->node[i].parent; at != 0; at = q->node[at].parent) boost *= q->node[at].boost;
    p->node[i].idf = scaled(p->node[i].idf, boost);
  }
}

static int32_t order_of(const uint32_t *a, const uint32_t *b) { return *a < *b ? -1 : *a > *b; }

/* Few, and mostly few: by insertion. */
static void sort_terms(uint32_t *term, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    uint32_t x = term[i], j = i;
    for (; j > 0 && order_of(&term[j - 1], &x) > 0; j--) term[j] = term[j - 1];
    term[j] = x;
  }
}

vs_status vs_search_plan_make(vs_search_plan *p, const vs_textquery *q, vs_err *err) {
  vs_plan_node *node;
  for (uint32_t i = 0; i < q->n; i++) VS_TRY(push_node(p, &q->node[i], VS_ASK_ALL, &node, err));
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < q->n && status == VS_OK; i++) status = bind(p, &q->node[i], err);
  /* The stamps that found repeated words. */
  for (uint32_t i = 0; i < p->out->n_terms; i++) vs_term_at(&p->x->vocabulary, p->out->term[i])->stamp = 0;
  VS_TRY(status);
  count_children(p, q->n);
  spread_boosts(p, q, q->n);
  sort_terms(p->out->term, p->out->n_terms);
  p->sum = vs_calloc(p->a, VS_WINDOW, sizeof *p->sum);
  if (!p->sum) return no_memory(err);
  for (uint32_t i = 0; i < q->n; i++) {
    if (!p->node[i].alive) continue;
    p->node[i].group = vs_calloc(p->a, 1, sizeof *p->node[i].group);
    if (!p->node[i].group) return no_memory(err);
  }
  return VS_OK;
}

void vs_search_plan_release(vs_search_plan *p) {
  for (uint32_t i = 0; i < p->n_nodes; i++) vs_free(p->a, p->node[i].group);
  vs_free(p->a, p->node);
  vs_free(p->a, p->source);
  vs_free(p->a, p->sum);
  vs_free(p->a, p->positions);
}
