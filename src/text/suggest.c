/* suggest.c - completing and correcting words (see suggest.h).
 *
 * Layer: text (L2).
 */
#include "suggest.h"

#include <string.h>

#include "expand.h"

#define FORM_RECORDS 8u
#define FORM_BYTES 65536u
#define FORMS 8u

typedef struct {
  uint8_t text[VS_TERM_BYTES];
  uint32_t n, count;
} form;

typedef struct {
  vs_textindex *x;
  vs_slice term, prefix; /* words that do not begin with the prefix do not count */
  form form[FORMS];
  uint32_t n;
  size_t bytes; /* of text that may still be looked at */
} forms;

/* A word as it is written, folded: without its stem taken and whatever stop words are. */
static bool read_literal(const vs_analyzer *a, vs_slice text, vs_tokens *tokens, vs_token *out) {
  vs_tokens_begin(tokens, a, text);
  tokens->literal = true;
  return vs_tokens_next(tokens, out);
}

static bool begins_with(vs_slice word, vs_slice prefix) {
  return prefix.n == 0 || (word.n >= prefix.n && memcmp(word.p, prefix.p, prefix.n) == 0);
}

static void count_form(forms *f, vs_slice word) {
  for (uint32_t i = 0; i < f->n; i++) {
    if (f->form[i].n != word.n || memcmp(f->form[i].text, word.p, word.n) != 0) continue;
    f->form[i].count++;
    return;
  }
  if (f->n == FORMS) return;
  form *new = &f->form[f->n++];
  memcpy(new->text, word.p, word.n);
  new->n = (uint32_t)word.n;
  new->count = 1;
}

static void look_at(forms *f, vs_slice text) {
  const vs_analyzer *a = &f->x->analyzer;
  vs_tokens tokens, literal;
  vs_token token, word;
  text.n = text.n < f->bytes ? text.n : f->bytes;
  f->bytes -= text.n;
  vs_tokens_begin(&tokens, a, text);
  while (vs_tokens_next(&tokens, &token)) {
    if (token.n != f->term.n || memcmp(token.p, f->term.p, token.n) != 0) continue;
    if (!read_literal(a, (vs_slice){text.p + token.start, token.end - token.start}, &literal, &word)) continue;
    if (begins_with((vs_slice){word.p, word.n}, f->prefix)) count_form(f, (vs_slice){word.p, word.n});
  }
}

/* All strings of a record's text. */
static void look_at_record(forms *f, uint32_t slot) {
  vs_slice text;
  if (!f->x->texts.text(f->x->texts.ctx, slot, &text) || text.n == 0) return;
  vs_rd r = vs_rd_of(text.p, text.n);
  vs_value value = vs_value_read(&r);
  if (value.tag == VS_VALUE_STRING) look_at(f, value.bytes);
  if (value.tag != VS_VALUE_OBJECT) return;
  r = vs_rd_of(value.bytes.p, value.bytes.n);
  for (uint32_t i = 0; i < value.count; i++) {
    vs_rd_slice(&r);
    look_at(f, vs_value_read(&r).bytes);
  }
}

/* The commonest word that stands for a term and begins so; false: none was found where the search goes. */
static bool find_form(forms *f, vs_textindex *x, uint32_t term, vs_slice prefix, vs_slice *out) {
  const vs_vocabulary *v = &x->vocabulary;
  f->x = x;
  f->term = vs_term_key(v, term);
  f->prefix = prefix;
  f->n = 0;
  f->bytes = FORM_BYTES;
  for (uint32_t entry = term; entry != VS_NO_TERM && f->n == 0; entry = vs_term_at(v, entry)->next) {
    vs_cursor c;
    vs_cursor_begin(&c, &v->postings, &vs_term_at(v, entry)->list);
    for (uint32_t i = 0; i < FORM_RECORDS && c.slot != VS_NO_SLOT && f->bytes > 0; i++) {
      look_at_record(f, c.slot);
      vs_cursor_next(&c);
    }
  }
  uint32_t best = 0;
  for (uint32_t i = 1; i < f->n; i++)
    if (f->form[i].count > f->form[best].count) best = i;
  *out = f->n > 0 ? (vs_slice){f->form[best].text, f->form[best].n} : f->term;
  return f->n > 0 || begins_with(f->term, prefix);
}

static void write_word(vs_wr *w, vs_slice word, uint32_t records, uint32_t distance, bool with_distance) {
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "word");
  vs_value_string(w, word.p, word.n);
  vs_value_key(w, "records");
  vs_value_int(w, records);
  if (with_distance) {
    vs_value_key(w, "distance");
    vs_value_int(w, distance);
  }
  vs_value_end(w, mark, with_distance ? 3 : 2);
}

static vs_status finish(const vs_wr *w) { return w->failed ? VS_OUT_OF_MEMORY : VS_OK; }

/* ============ Endings ============ */

typedef struct {
  const vs_vocabulary *v;
  uint32_t term[VS_SUGGESTIONS], n, from, limit; /* those before `from` stay where they are */
} best;

static void take_term(best *b, uint32_t term) {
  uint32_t df = vs_term_at(b->v, term)->df, i = b->n;
  for (uint32_t j = 0; j < b->n; j++)
    if (b->term[j] == term) return;
  while (i > b->from && vs_term_at(b->v, b->term[i - 1])->df < df) i--;
  if (i == b->limit) return;
  uint32_t last = b->n < b->limit ? b->n++ : b->limit - 1;
  memmove(b->term + i + 1, b->term + i, (last - i) * sizeof *b->term);
  b->term[i] = term;
}

static void take_run(void *ctx, uint32_t from, uint32_t to) {
  best *b = ctx;
  for (uint32_t i = from; i < to; i++) {
    uint32_t term = vs_ordered_term(b->v, i);
    /* Most are too rare, which is seen first. */
    if (b->n == b->limit && b->n > 0 && vs_term_at(b->v, b->term[b->n - 1])->df >= vs_term_at(b->v, term)->df) continue;
    take_term(b, term);
  }
}

/* The word that the text ends with, its end not yet behind it; false: there is none. */
static bool last_word(const vs_analyzer *a, vs_slice text, uint8_t *word, uint32_t *n, uint32_t *from) {
  vs_tokens tokens;
  vs_token token;
  bool found = false;
  vs_tokens_begin(&tokens, a, text);
  tokens.literal = true;
  while (vs_tokens_next(&tokens, &token)) {
    found = token.end == text.n;
    if (!found) continue;
    memcpy(word, token.p, token.n);
    *n = token.n;
    *from = token.start;
  }
  return found;
}

/* The terms for a word that is begun, best first. */
static void gather(vs_textindex *x, vs_slice word, vs_slice written, uint32_t limit, bool fuzzy, best *b) {
  vs_tokens tokens;
  vs_token token;
  uint32_t from, to, codes = vs_count_codes(word);
  *b = (best){.v = &x->vocabulary, .limit = limit};
  vs_vocabulary_prefix(b->v, word, &from, &to);
  take_run(b, from, to);
  /* It may be longer than the stem of what it becomes. */
  vs_tokens_begin(&tokens, &x->analyzer, written);
  uint32_t stem = vs_tokens_next(&tokens, &token) ? vs_vocabulary_find(b->v, (vs_slice){token.p, token.n}) : VS_NO_TERM;
  if (stem != VS_NO_TERM) take_term(b, stem);
  b->from = b->n;
  if (fuzzy && codes >= 3 && b->n < limit) vs_expand_begun(b->v, word, codes < 8 ? 1 : 2, 1, take_run, b);
}

vs_status vs_suggest_endings(vs_textindex *x, vs_slice text, uint32_t limit, bool fuzzy, vs_wr *w) {
  uint8_t word[VS_TERM_BYTES + 16];
  uint32_t n = 0, start = 0, written = 0;
  best b = {.n = 0};
  VS_TRY(vs_vocabulary_sort(&x->vocabulary));
  limit = limit < VS_SUGGESTIONS ? limit : VS_SUGGESTIONS;
  bool is_word = limit > 0 && last_word(&x->analyzer, text, word, &n, &start);
  vs_slice prefix = {word, n};
  if (is_word) gather(x, prefix, (vs_slice){text.p + start, text.n - start}, limit, fuzzy, &b);
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "from");
  vs_value_int(w, is_word ? start : (int64_t)text.n);
  vs_value_key(w, "words");
  size_t list = vs_value_array_begin(w);
  for (uint32_t i = 0; i < b.n; i++) {
    forms f;
    vs_slice found;
    bool any = i >= b.from || (fuzzy && !find_form(&f, x, b.term[i], prefix, &found));
    if (!find_form(&f, x, b.term[i], any ? (vs_slice){NULL, 0} : prefix, &found)) continue;
    write_word(w, found, vs_term_at(b.v, b.term[i])->df, 0, false);
    written++;
  }
  vs_value_end(w, list, written);
  vs_value_end(w, mark, 2);
  return finish(w);
}

/* ============ Corrections ============ */

/* Words like one that no record has; false: it needs no correction, or none is known. */
static bool correct(vs_textindex *x, const vs_token *at, vs_slice written, uint32_t limit, vs_wr *w) {
  vs_similar similar[VS_FUZZY_TERMS];
  vs_tokens tokens;
  vs_token token;
  uint32_t n, codes;
  vs_tokens_begin(&tokens, &x->analyzer, written);
  if (!vs_tokens_next(&tokens, &token)) return false;
  vs_slice term = {token.p, token.n};
  if (vs_vocabulary_find(&x->vocabulary, term) != VS_NO_TERM) return false;
  codes = vs_count_codes(term);
  vs_expand_fuzzy(&x->vocabulary, term, codes < 3 ? 0 : codes < 6 ? 1 : 2, 0, similar, &n, &codes);
  if (n == 0) return false;
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "from");
  vs_value_int(w, at->start);
  vs_value_key(w, "to");
  vs_value_int(w, at->end);
  vs_value_key(w, "words");
  size_t list = vs_value_array_begin(w);
  uint32_t many = n < limit ? n : limit;
  for (uint32_t i = 0; i < many; i++) {
    forms f;
    vs_slice found;
    (void)find_form(&f, x, similar[i].term, (vs_slice){NULL, 0}, &found);
    write_word(w, found, vs_term_at(&x->vocabulary, similar[i].term)->df, similar[i].distance, true);
  }
  vs_value_end(w, list, many);
  vs_value_end(w, mark, 3);
  return true;
}

vs_status vs_suggest_corrections(vs_textindex *x, vs_slice text, uint32_t limit, vs_wr *w) {
  vs_tokens tokens;
  vs_token token;
  uint32_t n = 0;
  VS_TRY(vs_vocabulary_sort(&x->vocabulary));
  limit = limit < VS_SUGGESTIONS ? limit : VS_SUGGESTIONS;
  size_t mark = vs_value_array_begin(w);
  vs_tokens_begin(&tokens, &x->analyzer, text);
  tokens.literal = true;
  while (limit > 0 && !w->failed && vs_tokens_next(&tokens, &token))
    n += correct(x, &token, (vs_slice){text.p + token.start, token.end - token.start}, limit, w);
  vs_value_end(w, mark, n);
  return finish(w);
}
