/* text_image_read.c - reading the text index back from its layers (format: text_image.h).
 *
 * Layer: text (L2). O(bytes), in steps. The decoder trusts nothing: what it lets
 * pass upholds P1 to P4, V1, T2 and T3, and names only slots with a text.
 */
#include <string.h>

#include "rice.h"
#include "text_image.h"
#include "textindex_impl.h"

/* Reading a byte costs this share of building from a byte of text. */
#define BYTE_COST 0.25
/* Words in a field that no text can have more of. */
#define MOST_WORDS (1u << 30)

struct vs_text_reading {
  enum { READ_DOCS, READ_POSTINGS, READ_TERMS } pass;
  uint32_t layer; /* being read, counted from 0 */
  bool open;
  uint8_t what; /* kind of the block before; VS_TEXT_END where there was none or the last */
  uint32_t n_fields;
  uint8_t field[VS_TEXT_FIELDS]; /* the layer's numbers to ours */
  uint32_t last;                 /* slot named last, from -1 on */
  uint64_t n_postings;
  uint32_t term;          /* READ_TERMS: next */
  vs_bitset away;         /* slots that were in a layer and changed while it was read */
  bool away_again;        /* one more, since READ_TERMS began */
  uint8_t key[UINT8_MAX]; /* the piece's term */
  uint8_t pos[VS_POSITION_BYTES];
};

/* ============ Beginning and ending ============ */

static void end_reading(vs_textindex *x) {
  if (!x->reading) return;
  if (x->source.open) x->source.close(x->source.ctx);
  vs_bitset_deinit(&x->reading->away);
  vs_free(x->a, x->reading);
  x->reading = NULL;
}

void vs_text_read_rewind(vs_textindex *x) {
  if (!x->reading) return;
  end_reading(x);
  vs_textindex_give_up(x);
}

void vs_text_read_forget(vs_textindex *x) {
  vs_text_read_rewind(x);
  if (x->source.open) x->source.release(x->source.ctx);
  memset(&x->source, 0, sizeof x->source);
  vs_bitset_deinit(&x->changed);
  vs_bitset_init(&x->changed, x->a);
}

static uint8_t *saved_at(vs_textindex *x, uint32_t slot) { return vs_blocks_at(&x->saved, slot); }

static vs_status begin_reading(vs_textindex *x) {
  vs_text_reading *r = vs_calloc(x->a, 1, sizeof *r);
  if (!r) return VS_OUT_OF_MEMORY;
  vs_bitset_init(&r->away, x->a);
  r->what = VS_TEXT_END;
  x->reading = r;
  VS_TRY(x->begun ? VS_OK : vs_textindex_begin(x));
  VS_TRY(vs_blocks_reserve(&x->saved, x->texts.n_slots(x->texts.ctx)));
  x->n_layers = x->source.n_layers(x->source.ctx);
  memset(x->layer, 0, sizeof x->layer);
  if (x->n_layers == 0 || x->n_layers > VS_TEXT_LAYERS) return VS_CORRUPT;
  r->layer = x->n_layers - 1;
  for (uint32_t slot = vs_bitset_next(&x->changed, 0); slot < x->saved.n_items;
       slot = vs_bitset_next(&x->changed, slot + 1))
    *saved_at(x, slot) = VS_TEXT_STALE;
  return VS_OK;
}

/* ============ Slots ============ */

static vs_status read_begin(vs_textindex *x, vs_rd *rd) {
  vs_text_reading *r = x->reading;
  uint8_t version = vs_rd_u8(rd);
  uint32_t settings = vs_rd_u32(rd), below = vs_rd_u32(rd), sum = 0;
  r->n_fields = vs_rd_u8(rd);
  bool is_newest = r->pass == READ_POSTINGS && r->layer + 1 == x->n_layers; /* all numbers are known by then */
  for (uint32_t i = 0; i < r->layer; i++) sum = vs_text_layer_sum(sum, x->layer[i].number);
  if (is_newest && sum != below) return VS_CORRUPT;
  if (version != VS_TEXT_IMAGE_VERSION || settings != x->settings || r->n_fields > VS_TEXT_FIELDS) return VS_CORRUPT;
  r->n_postings = 0;
  for (uint32_t i = 0; i < r->n_fields; i++) {
    vs_slice name = vs_rd_slice(rd);
    uint32_t field = 0;
    if (rd->failed || (i == 0 && name.n > 0)) return VS_CORRUPT;
    if (i > 0) VS_TRY(vs_textindex_open_field(x, name, &field));
    /* The last one is several names': it must have the same number. */
    if ((field == VS_TEXT_FIELDS - 1) != (i == VS_TEXT_FIELDS - 1)) return VS_CORRUPT;
    for (uint32_t j = 0; j < i; j++)
      if (r->field[j] == field) return VS_CORRUPT;
    r->field[i] = (uint8_t)field;
  }
  return VS_OK;
}

/* The next slot of an ascending row; VS_NO_SLOT: it is none. */
static uint32_t read_slot(vs_text_reading *r, uint64_t gap) {
  uint64_t slot = r->last == UINT32_MAX ? gap - 1 : r->last + gap;
  if (gap == 0 || gap > VS_MAX_SLOTS || slot >= VS_MAX_SLOTS) return VS_NO_SLOT;
  return r->last = (uint32_t)slot;
}

/* Words of a record in a field; only counted where the record counts. */
static vs_status read_length(vs_textindex *x, vs_rd *rd, uint32_t slot, uint32_t field, bool counts) {
  uint64_t n = vs_rd_varint(rd);
  if (rd->failed || field >= x->reading->n_fields || n > MOST_WORDS) return VS_CORRUPT;
  field = x->reading->field[field];
  if (!counts || n == 0) return VS_OK;
  if (vs_text_length(&x->field[field], slot) > 0) return VS_CORRUPT;
  return vs_textindex_count(x, slot, field, (uint32_t)n, true);
}

static vs_status read_doc(vs_textindex *x, vs_rd *rd) {
  vs_text_layer *l = &x->layer[x->reading->layer];
  uint64_t head = vs_rd_varint(rd);
  uint32_t slot = read_slot(x->reading, head >> 1);
  if (rd->failed || slot >= x->texts.n_slots(x->texts.ctx)) return VS_CORRUPT;
  l->n_docs++;
  bool counts = slot < x->saved.n_items && *saved_at(x, slot) == 0;
  vs_slice text;
  if (counts && (!x->texts.text(x->texts.ctx, slot, &text) || text.n == 0)) return VS_CORRUPT;
  uint64_t words = 0;
  uint32_t n = head & 1 ? 1 : vs_rd_u8(rd);
  for (uint32_t i = 0; i < n; i++) VS_TRY(read_length(x, rd, slot, head & 1 ? 0 : vs_rd_u8(rd), counts));
  if (!counts) return VS_OK;
  for (uint32_t i = 0; i < x->n_fields; i++) words += vs_text_length(&x->field[i], slot);
  x->n_docs += words > 0;
  l->n_live++;
  *saved_at(x, slot) = (uint8_t)(x->reading->layer + 1);
  return VS_OK;
}

static vs_status read_docs(vs_textindex *x, vs_rd *rd) {
  while (vs_rd_left(rd) > 0) VS_TRY(read_doc(x, rd));
  return VS_OK;
}

static vs_status read_gone(vs_textindex *x, vs_rd *rd) {
  while (vs_rd_left(rd) > 0) {
    uint32_t slot = read_slot(x->reading, vs_rd_varint(rd));
    if (rd->failed || slot == VS_NO_SLOT) return VS_CORRUPT;
    if (slot < x->saved.n_items && *saved_at(x, slot) == 0) *saved_at(x, slot) = VS_TEXT_STALE;
  }
  return VS_OK;
}

/* ============ Postings ============ */

typedef struct {
  vs_slice key;
  uint32_t field, first, head, entry; /* head, entry: VS_NO_TERM until a posting counts */
} piece;

static uint32_t put_varint(uint8_t *p, uint32_t v) {
  uint32_t n = 0;
  for (; v >= 128; v >>= 7) p[n++] = (uint8_t)(v | 128);
  p[n++] = (uint8_t)v;
  return n;
}

/* The positions of a posting, as postings.h keeps them; UINT32_MAX: they are none. */
static uint32_t read_positions(vs_rice_reader *bits, uint32_t tf, uint32_t k, uint8_t *out) {
  uint32_t bytes = 0, n = tf < VS_POSITIONS ? tf : VS_POSITIONS;
  uint64_t position = 0;
  for (uint32_t i = 0; i < n && !bits->failed; i++) {
    uint32_t v = vs_rice_get(bits, k);
    position += v;
    bytes += put_varint(out + bytes, v);
  }
  return position > UINT32_MAX ? UINT32_MAX : bytes;
}

static vs_status add_posting(vs_textindex *x, piece *p, uint32_t slot, uint32_t tf, uint32_t pos_n) {
  vs_vocabulary *v = &x->vocabulary;
  vs_text_field *f = &x->field[p->field];
  if (p->entry == VS_NO_TERM) {
    VS_TRY(vs_vocabulary_add(v, p->key, &p->head));
    VS_TRY(vs_term_add_field(v, p->head, (uint8_t)p->field, &p->entry));
  }
  vs_posting posting = {slot, tf, vs_text_length(f, slot), NULL};
  if (tf > posting.len) return VS_CORRUPT;
  return vs_list_add_bytes(&v->postings, &vs_term_at(v, p->entry)->list, &posting, x->reading->pos, pos_n);
}

/* A posting of the piece, if it counts. */
static vs_status take_posting(vs_textindex *x, piece *p, uint64_t slot, uint32_t tf, uint32_t pos_n) {
  if (slot >= VS_MAX_SLOTS) return VS_CORRUPT;
  if (vs_text_saved_in(x, (uint32_t)slot) != x->reading->layer + 1) return VS_OK;
  return add_posting(x, p, (uint32_t)slot, tf, pos_n);
}

static vs_status read_list(vs_textindex *x, piece *p, vs_rd *rd) {
  uint64_t n = vs_rd_varint(rd), slot = p->first;
  uint16_t k = vs_rd_u16(rd);
  vs_slice bytes = vs_rd_slice(rd);
  uint32_t k_gap = k & 31, k_count = k >> 5 & 31, k_position = k >> 10;
  if (rd->failed || bytes.n == 0 || n == 0 || n > VS_MAX_SLOTS || k >> 15) return VS_CORRUPT;
  vs_rice_reader bits = vs_rice_reader_of(bytes);
  for (uint64_t i = 0; i < n; i++) {
    if (i > 0) slot += (uint64_t)vs_rice_get(&bits, k_gap) + 1;
    uint64_t tf = (uint64_t)vs_rice_get(&bits, k_count) + 1;
    if (tf > MOST_WORDS || bits.failed) return VS_CORRUPT;
    uint32_t pos_n = read_positions(&bits, (uint32_t)tf, k_position, x->reading->pos);
    if (bits.failed || pos_n == UINT32_MAX) return VS_CORRUPT;
    VS_TRY(take_posting(x, p, slot, (uint32_t)tf, pos_n));
  }
  x->reading->n_postings += n;
  return vs_rice_at_end(&bits) ? VS_OK : VS_CORRUPT;
}

static vs_status read_alone(vs_textindex *x, piece *p, vs_rd *rd) {
  uint64_t position = vs_rd_varint(rd);
  if (rd->failed || position > UINT32_MAX) return VS_CORRUPT;
  x->reading->n_postings++;
  return take_posting(x, p, p->first, 1, put_varint(x->reading->pos, (uint32_t)position));
}

/* The term: what it shares with the one before is in `key` already. */
static vs_status read_term(vs_textindex *x, piece *p, vs_rd *rd, uint32_t *key_n) {
  uint8_t *key = x->reading->key;
  uint32_t shared = vs_rd_u8(rd), more = vs_rd_u8(rd);
  const uint8_t *bytes = vs_rd_bytes(rd, more);
  if (rd->failed || shared > *key_n || shared + more == 0 || shared + more > UINT8_MAX) return VS_CORRUPT;
  if (more) memcpy(key + shared, bytes, more);
  *key_n = shared + more;
  p->key = (vs_slice){key, *key_n};
  return VS_OK;
}

static vs_status read_postings(vs_textindex *x, vs_rd *rd) {
  uint32_t key_n = 0;
  while (vs_rd_left(rd) > 0) {
    piece p = {.head = VS_NO_TERM, .entry = VS_NO_TERM};
    VS_TRY(read_term(x, &p, rd, &key_n));
    uint32_t form = vs_rd_u8(rd), field = form & (VS_TEXT_ALONE - 1);
    uint64_t first = vs_rd_varint(rd);
    if (rd->failed || form >= 2 * VS_TEXT_ALONE || field >= x->reading->n_fields || first >= VS_MAX_SLOTS)
      return VS_CORRUPT;
    p.field = x->reading->field[field];
    p.first = (uint32_t)first;
    VS_TRY(form & VS_TEXT_ALONE ? read_alone(x, &p, rd) : read_list(x, &p, rd));
  }
  return VS_OK;
}

/* ============ Blocks ============ */

static vs_status read_end(const vs_textindex *x, vs_rd *rd) {
  uint32_t n_docs = vs_rd_u32(rd);
  uint64_t n_postings = vs_rd_u64(rd);
  return n_docs == x->layer[x->reading->layer].n_docs && n_postings == x->reading->n_postings ? VS_OK : VS_CORRUPT;
}

/* Takes a block, as far as this pass wants it; *over: the layer has no more for this pass. */
static vs_status read_block(vs_textindex *x, vs_slice block, bool *over) {
  vs_text_reading *r = x->reading;
  vs_rd rd = vs_rd_of(block.p, block.n);
  uint8_t what = vs_rd_u8(&rd), before = r->what;
  bool begins = what == VS_TEXT_BEGIN, docs = r->pass == READ_DOCS;
  if (what > VS_TEXT_END || begins != (before == VS_TEXT_END) || (!begins && what < before)) return VS_CORRUPT;
  if (begins || what != before) r->last = UINT32_MAX;
  r->what = what;
  *over = what == VS_TEXT_END || (docs && what == VS_TEXT_POSTINGS);
  if (*over) r->what = VS_TEXT_END;
  if (docs == (what >= VS_TEXT_POSTINGS) && !begins) return VS_OK;
  vs_status status = begins                     ? read_begin(x, &rd)
                     : what == VS_TEXT_DOCS     ? read_docs(x, &rd)
                     : what == VS_TEXT_GONE     ? read_gone(x, &rd)
                     : what == VS_TEXT_POSTINGS ? read_postings(x, &rd)
                                                : read_end(x, &rd);
  if (status != VS_OK) return status;
  return rd.failed || vs_rd_left(&rd) > 0 ? VS_CORRUPT : VS_OK;
}

/* The layer is over: goes to the next one of the pass, or to the next pass. */
static void next_layer(vs_textindex *x) {
  vs_text_reading *r = x->reading;
  x->source.close(x->source.ctx);
  r->open = false;
  if (r->pass == READ_DOCS && r->layer > 0)
    r->layer--;
  else if (r->pass == READ_DOCS)
    r->pass = READ_POSTINGS;
  else if (++r->layer == x->n_layers)
    r->pass = READ_TERMS;
}

static vs_status read_next(vs_textindex *x, double *bytes) {
  vs_text_reading *r = x->reading;
  vs_slice block;
  bool over = false;
  if (!r->open) {
    r->open = true;
    VS_TRY(x->source.open(x->source.ctx, r->layer, &x->layer[r->layer].number));
  }
  VS_TRY(x->source.next(x->source.ctx, &block));
  if (block.n == 0) return VS_CORRUPT; /* there was no end */
  VS_TRY(read_block(x, block, &over));
  *bytes -= (double)block.n * BYTE_COST + 16;
  if (!over) return VS_OK;
  /* What keeps the blocks may find only behind the last one that something is wrong with them. */
  if (r->pass == READ_POSTINGS) VS_TRY(x->source.next(x->source.ctx, &block));
  if (r->pass == READ_POSTINGS && block.n > 0) return VS_CORRUPT;
  next_layer(x);
  return VS_OK;
}

/* ============ Terms ============ */

static vs_status take_away(vs_textindex *x, vs_list *l) {
  vs_lists *p = &x->vocabulary.postings;
  for (uint32_t slot = vs_bitset_next(&x->reading->away, 0); slot != VS_NO_SLOT;
       slot = vs_bitset_next(&x->reading->away, slot + 1)) {
    bool found;
    VS_TRY(vs_list_remove(p, l, slot, &found));
  }
  return VS_OK;
}

/* How many records have the term in any field. */
static vs_status count_records(vs_textindex *x, uint32_t head, uint32_t *df) {
  const vs_vocabulary *v = &x->vocabulary;
  vs_cursor at[VS_TEXT_FIELDS];
  uint32_t n = 0;
  *df = 0;
  if (vs_term_at(v, head)->next == VS_NO_TERM) {
    *df = vs_term_at(v, head)->list.n_docs;
    return VS_OK;
  }
  for (uint32_t e = head; e != VS_NO_TERM; e = vs_term_at(v, e)->next) {
    if (n == VS_TEXT_FIELDS) return VS_CORRUPT;
    vs_cursor_begin(&at[n++], &v->postings, &vs_term_at(v, e)->list);
  }
  for (;;) {
    uint32_t slot = VS_NO_SLOT;
    for (uint32_t i = 0; i < n; i++)
      if (at[i].slot < slot) slot = at[i].slot;
    if (slot == VS_NO_SLOT) return VS_OK;
    ++*df;
    for (uint32_t i = 0; i < n; i++)
      if (at[i].slot == slot) vs_cursor_next(&at[i]);
  }
}

/* Settles what each term counts; *over: of all. */
static vs_status read_terms(vs_textindex *x, double *bytes, bool *over) {
  vs_text_reading *r = x->reading;
  vs_vocabulary *v = &x->vocabulary;
  if (r->away_again) r->term = 0;
  r->away_again = false;
  for (; r->term < v->n_terms && *bytes > 0; r->term++) {
    vs_term *t = vs_term_at(v, r->term);
    if (t->key_n == 0) continue;
    for (uint32_t e = r->term; e != VS_NO_TERM; e = vs_term_at(v, e)->next) {
      if (r->away.n_set > 0) VS_TRY(take_away(x, &vs_term_at(v, e)->list));
      *bytes -= 1 + 0.1 * r->away.n_set + (t->next == VS_NO_TERM ? 0 : 0.1 * vs_term_at(v, e)->list.n_docs);
    }
    VS_TRY(count_records(x, r->term, &t->df));
    if (t->df == 0) vs_vocabulary_drop(v, r->term);
  }
  *over = r->term == v->n_terms;
  return VS_OK;
}

/* ============ Steps ============ */

void vs_text_read_some(vs_textindex *x, double *bytes, bool *done) {
  bool over = false;
  *done = false;
  x->epoch++;
  vs_status status = x->reading ? VS_OK : begin_reading(x);
  if (status == VS_OK) status = x->reading->pass == READ_TERMS ? read_terms(x, bytes, &over) : read_next(x, bytes);
  if (status == VS_OK && !over) return;
  *done = true;
  if (status != VS_OK) {
    vs_text_read_forget(x);
    return;
  }
  end_reading(x);
  x->source.release(x->source.ctx);
  memset(&x->source, 0, sizeof x->source);
  vs_bitset_deinit(&x->changed);
  vs_bitset_init(&x->changed, x->a);
  for (uint32_t i = 0; i < x->n_layers; i++) x->n_read += x->layer[i].n_live;
}

void vs_text_read_changed(vs_textindex *x, uint32_t slot) {
  vs_text_reading *r = x->reading;
  bool is_in = r && vs_text_is_layer(vs_text_saved_in(x, slot));
  vs_status status = vs_bitset_reserve(&x->changed, slot + 1);
  if (status == VS_OK && is_in) status = vs_bitset_reserve(&r->away, slot + 1);
  if (status != VS_OK) {
    vs_text_read_forget(x);
    return;
  }
  vs_bitset_set(&x->changed, slot);
  if (r && !is_in && slot < x->saved.n_items) *saved_at(x, slot) = VS_TEXT_STALE;
  if (!is_in) return;
  vs_bitset_set(&r->away, slot);
  r->away_again = r->away_again || r->term > 0;
  uint32_t n = 0;
  for (uint32_t i = 0; i < x->n_fields; i++) {
    uint32_t length = vs_text_length(&x->field[i], slot);
    n |= length;
    status = vs_textindex_count(x, slot, i, length, false);
    assert(status == VS_OK);
  }
  x->n_docs -= n > 0;
}

/* ============ A layer of changes only ============ */

vs_status vs_text_take_gone(vs_textindex *x, bool *taken) {
  uint32_t last = UINT32_MAX;
  vs_slice block;
  *taken = false;
  for (uint8_t before = VS_TEXT_END;;) {
    VS_TRY(x->source.next(x->source.ctx, &block));
    if (block.n == 0 || (block.p[0] == VS_TEXT_BEGIN) != (before == VS_TEXT_END)) return VS_CORRUPT;
    before = block.p[0];
    if (before == VS_TEXT_BEGIN) continue;
    *taken = before == VS_TEXT_END;
    if (before != VS_TEXT_GONE) return VS_OK;
    vs_rd rd = vs_rd_of(block.p + 1, block.n - 1);
    while (vs_rd_left(&rd) > 0) {
      uint64_t gap = vs_rd_varint(&rd), slot = last == UINT32_MAX ? gap - 1 : last + gap;
      if (rd.failed || gap == 0 || gap > VS_MAX_SLOTS || slot >= VS_MAX_SLOTS) return VS_CORRUPT;
      last = (uint32_t)slot;
      if (last >= x->texts.n_slots(x->texts.ctx)) return VS_CORRUPT;
      VS_TRY(vs_bitset_reserve(&x->changed, last + 1));
      vs_bitset_set(&x->changed, last);
    }
  }
}
