/* textindex_check.c - whether an index says what the records say.
 *
 * Layer: text (L2). Every word of every record is looked up, O(words log
 * postings); every posting is counted. A posting that had too few positions would
 * lack one of its words, so none has; as the sums are equal, none has too many.
 */
#include "textindex_impl.h"

typedef struct {
  vs_textindex *x;
  uint32_t n_docs;
  uint64_t n_words[VS_TEXT_FIELDS]; /* found in texts, then counted off by the postings */
  uint32_t *position;               /* VS_POSITIONS of them */
} check;

/* Names that share the last field may say the same word: there only the postings' form is checked. */
static bool is_shared(uint32_t field) { return field == VS_TEXT_FIELDS - 1; }

static bool has_position(check *c, vs_cursor *at, uint32_t position) {
  uint32_t n = vs_cursor_positions(at, c->position, VS_POSITIONS), low = 0, high = n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (c->position[middle] < position)
      low = middle + 1;
    else
      high = middle;
  }
  return (low < n && c->position[low] == position) || at->tf > VS_POSITIONS;
}

static bool check_word(check *c, uint32_t slot, uint32_t field, const vs_token *token) {
  const vs_vocabulary *v = &c->x->vocabulary;
  vs_cursor at;
  uint32_t head = vs_vocabulary_find(v, (vs_slice){token->p, token->n});
  uint32_t entry = head == VS_NO_TERM ? head : vs_term_in_field(v, head, (uint8_t)field);
  if (entry == VS_NO_TERM) return false;
  vs_cursor_begin(&at, &v->postings, &vs_term_at(v, entry)->list);
  vs_cursor_seek(&at, slot);
  return at.slot == slot && (is_shared(field) || has_position(c, &at, token->position));
}

static bool check_text(check *c, uint32_t slot, uint32_t field, vs_slice text, bool *any) {
  vs_tokens tokens;
  vs_token token;
  uint32_t n = 0;
  if (field >= VS_TEXT_FIELDS) return false;
  vs_tokens_begin(&tokens, &c->x->analyzer, text);
  for (; vs_tokens_next(&tokens, &token); n++)
    if (!check_word(c, slot, field, &token)) return false;
  *any = *any || n > 0;
  c->n_words[field] += n;
  return is_shared(field) || vs_text_length(&c->x->field[field], slot) == n;
}

static bool check_record(check *c, uint32_t slot, vs_slice text) {
  vs_textindex *x = c->x;
  vs_rd r = vs_rd_of(text.p, text.n);
  vs_value value = text.n ? vs_value_read(&r) : (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
  bool any = false;
  if (value.tag == VS_VALUE_STRING && !check_text(c, slot, 0, value.bytes, &any)) return false;
  r = vs_rd_of(value.bytes.p, value.bytes.n);
  for (uint32_t i = 0; value.tag == VS_VALUE_OBJECT && i < value.count; i++) {
    vs_slice name = vs_rd_slice(&r);
    vs_value member = vs_value_read(&r);
    uint32_t field = vs_textindex_field(x, name);
    if (field == VS_TEXT_FIELDS && x->n_fields == VS_TEXT_FIELDS) field = VS_TEXT_FIELDS - 1;
    if (member.tag == VS_VALUE_STRING && !check_text(c, slot, field, member.bytes, &any)) return false;
  }
  c->n_docs += any;
  return true;
}

/* P1 to P3, and what the postings count. */
static bool check_list(check *c, const vs_list *l, uint32_t field) {
  const vs_textindex *x = c->x;
  uint64_t n_docs = 0, next = 0;
  vs_cursor at;
  vs_cursor_begin(&at, &x->vocabulary.postings, l);
  for (; at.slot != VS_NO_SLOT; vs_cursor_next(&at), n_docs++) {
    uint32_t length = field < x->n_fields ? vs_text_length(&x->field[field], at.slot) : 0;
    uint32_t tf = at.tf < UINT16_MAX ? at.tf : UINT16_MAX;
    if (at.slot < next || at.slot > at.block->last || tf > at.block->max_tf || length < at.block->min_len) return false;
    next = (uint64_t)at.slot + 1;
    c->n_words[field] -= at.tf;
  }
  return n_docs == l->n_docs;
}

/* A term's lists, and the records that have it. */
static bool check_term(check *c, uint32_t head) {
  const vs_vocabulary *v = &c->x->vocabulary;
  vs_cursor at[VS_TEXT_FIELDS];
  uint32_t n = 0, df = 0;
  for (uint32_t e = head; e != VS_NO_TERM; e = vs_term_at(v, e)->next) {
    if (n == VS_TEXT_FIELDS || !check_list(c, &vs_term_at(v, e)->list, vs_term_at(v, e)->field)) return false;
    vs_cursor_begin(&at[n++], &v->postings, &vs_term_at(v, e)->list);
  }
  for (;; df++) {
    uint32_t slot = VS_NO_SLOT;
    for (uint32_t i = 0; i < n; i++)
      if (at[i].slot < slot) slot = at[i].slot;
    if (slot == VS_NO_SLOT) return df == vs_term_at(v, head)->df;
    for (uint32_t i = 0; i < n; i++)
      if (at[i].slot == slot) vs_cursor_next(&at[i]);
  }
}

static bool check_fields(const vs_textindex *x) {
  for (uint32_t i = 0; i < x->n_fields; i++) {
    const vs_text_field *f = &x->field[i];
    uint64_t n_words = 0;
    uint32_t n_docs = 0;
    for (uint32_t slot = 0; slot < f->length.n_items; slot++) {
      n_docs += vs_text_length(f, slot) > 0;
      n_words += vs_text_length(f, slot);
    }
    if (n_docs != f->n_docs || n_words != f->n_words) return false;
  }
  return true;
}

static bool agrees(check *c) {
  const vs_textindex *x = c->x;
  for (uint32_t slot = 0; slot < x->texts.n_slots(x->texts.ctx); slot++) {
    vs_slice text;
    if (x->texts.text(x->texts.ctx, slot, &text) && !check_record(c, slot, text)) return false;
  }
  for (uint32_t i = 0; i < x->vocabulary.n_terms; i++)
    if (vs_term_at(&x->vocabulary, i)->df > 0 && !check_term(c, i)) return false;
  for (uint32_t i = 0; i < VS_TEXT_FIELDS - 1; i++)
    if (c->n_words[i] != 0) return false;
  return c->n_docs == x->n_docs && check_fields(x);
}

vs_status vs_textindex_check(vs_textindex *x) {
  bool done = false;
  if (!x->begun && !x->source.open) return VS_OK;
  while (!done) VS_TRY(vs_textindex_build(x, 1e9, &done));
  check c = {.x = x, .position = vs_malloc(x->a, VS_POSITIONS * sizeof(uint32_t))};
  if (!c.position) return VS_OUT_OF_MEMORY;
  bool fine = agrees(&c);
  vs_free(x->a, c.position);
  if (fine) return VS_OK;
  vs_textindex_give_up(x);
  return VS_CORRUPT;
}
