/* text_image_write.c - saving the text index in layers (format and policy: text_image.h).
 *
 * Layer: text (L2). A new layer takes O(slots + terms + postings of the blocks
 * that may hold one of its slots), in steps.
 */
#include <string.h>

#include "../base/crc32c.h"
#include "rice.h"
#include "text_image.h"
#include "textindex_impl.h"

/* A piece of a list ends at this many numbers, or postings. */
#define PIECE_VALUES 8192u
/* One step looks at about this many slots, terms and postings. */
#define STEP_WORK 65536u

/* ============ Deciding ============ */

uint32_t vs_text_layer_sum(uint32_t sum, uint64_t number) {
  uint8_t bytes[8];
  vs_store_u64(bytes, number);
  return vs_crc32c(sum, bytes, sizeof bytes);
}

static uint8_t *saved_at(vs_textindex *x, uint32_t slot) { return vs_blocks_at(&x->saved, slot); }

static bool same_layers(const vs_textindex *x, const uint64_t *number, uint32_t n) {
  bool same = n == x->n_layers;
  for (uint32_t i = 0; same && i < n; i++) same = x->layer[i].number == number[i];
  return same;
}

/* Which layers the new one takes in. */
static void choose(const vs_textindex *x, bool *keep) {
  uint64_t taken = x->n_docs;
  bool next = true;
  for (uint32_t i = 0; i < x->n_layers; i++) taken -= x->layer[i].n_live < taken ? x->layer[i].n_live : taken;
  for (uint32_t i = x->n_layers; i-- > 0;) {
    const vs_text_layer *l = &x->layer[i];
    next = next && l->n_live <= taken;
    bool is_dead = l->n_live < l->n_docs - l->n_docs / 2 || l->n_docs == 0;
    keep[i] = !next && !is_dead;
    if (!keep[i]) taken += l->n_live;
  }
  bool crowded = x->n_layers > VS_TEXT_LAYERS / 2;
  for (uint32_t i = 0; crowded && i < x->n_layers; i++) keep[i] = false;
}

/* Forgets the layers that are not kept; those that are move up. */
static void drop_layers(vs_textindex *x, const bool *keep) {
  uint8_t now[VS_TEXT_LAYERS + 1];
  uint32_t kept = 0;
  for (uint32_t i = 0; i < x->n_layers; i++) {
    now[i + 1] = 0;
    if (!keep[i]) continue;
    x->layer[kept] = x->layer[i];
    now[i + 1] = (uint8_t)++kept;
  }
  x->n_layers = kept;
  for (uint32_t slot = 0; slot < x->saved.n_items; slot++) {
    uint8_t *saved = saved_at(x, slot);
    if (vs_text_is_layer(*saved))
      *saved = now[*saved];
    else if (kept == 0)
      *saved = 0;
  }
}

/* Nothing was read: all layers stay, and a new one says what changed. The last one's changes may join it. */
static vs_status begin_unread(vs_text_writer *s, uint32_t n, bool *keep, bool *writes) {
  vs_textindex *x = s->x;
  uint64_t number;
  bool taken = false;
  vs_text_read_rewind(x);
  vs_status status = n < VS_TEXT_LAYERS - 1 && x->source.n_layers(x->source.ctx) == n ? VS_OK : VS_CORRUPT;
  if (status == VS_OK && n > 0 && x->changed.n_set > 0) status = x->source.open(x->source.ctx, n - 1, &number);
  if (status == VS_OK && n > 0 && x->changed.n_set > 0) status = vs_text_take_gone(x, &taken);
  if (x->source.open) x->source.close(x->source.ctx);
  if (status != VS_OK) {
    vs_text_read_forget(x);
    return status;
  }
  for (uint32_t i = 0; i < n; i++) keep[i] = i + 1 < n || !taken;
  *writes = x->changed.n_set > 0;
  return VS_OK;
}

static vs_status decide(vs_text_writer *s, vs_textindex *x, const uint64_t *number, uint32_t n, bool spare, bool *keep,
                        bool *writes) {
  memset(s, 0, sizeof *s);
  s->x = x;
  s->entry = VS_NO_TERM;
  s->last = UINT32_MAX;
  s->first_doc = VS_NO_SLOT;
  vs_wr_init(&s->bits, x->a);
  vs_blocks_init(&s->value, x->a, sizeof(uint32_t));
  s->epoch = x->epoch;
  *writes = false;
  for (uint32_t i = 0; i < n; i++) keep[i] = false;
  if (x->source.open) {
    vs_status status = begin_unread(s, n, keep, writes);
    s->epoch = x->epoch;
    return status == VS_OUT_OF_MEMORY ? status : VS_OK;
  }
  if (x->n_layers > 0 && !same_layers(x, number, n)) vs_textindex_unsave(x);
  bool ready = vs_textindex_ready(x);
  if (x->n_layers > 0 && (x->n_unsaved == 0 || (!ready && x->n_layers < VS_TEXT_LAYERS - 1))) {
    for (uint32_t i = 0; i < n; i++) keep[i] = true;
    *writes = x->n_unsaved > 0;
    return VS_OK;
  }
  if (!ready || spare) {
    vs_textindex_unsave(x);
    return VS_OK;
  }
  VS_TRY(vs_blocks_reserve(&x->saved, x->texts.n_slots(x->texts.ctx)));
  choose(x, keep);
  drop_layers(x, keep);
  s->layer = (uint8_t)(x->n_layers + 1);
  *writes = true;
  return VS_OK;
}

vs_status vs_text_save_begin(vs_text_writer *s, vs_textindex *x, const uint64_t *number, uint32_t n, bool spare,
                             bool *keep, bool *writes) {
  VS_TRY(decide(s, x, number, n, spare, keep, writes));
  for (uint32_t i = 0; i < n; i++)
    if (keep[i]) s->below = vs_text_layer_sum(s->below, number[i]);
  return VS_OK;
}

/* ============ Slots ============ */

static void write_begin(const vs_text_writer *s, vs_wr *w) {
  const vs_textindex *x = s->x;
  uint32_t n_fields = s->layer ? x->n_fields : 0;
  vs_wr_u8(w, VS_TEXT_BEGIN);
  vs_wr_u8(w, VS_TEXT_IMAGE_VERSION);
  vs_wr_u32(w, x->settings);
  vs_wr_u32(w, s->below);
  vs_wr_u8(w, (uint8_t)n_fields);
  if (n_fields > 0) vs_wr_u8(w, 0); /* texts without fields */
  for (uint32_t i = 1; i < n_fields; i++) vs_wr_slice(w, x->names.p + x->field[i].name, x->field[i].name_n);
}

static void write_doc(vs_text_writer *s, uint32_t slot, vs_wr *w) {
  const vs_textindex *x = s->x;
  uint32_t n = 0;
  for (uint32_t i = 1; i < x->n_fields; i++) n += vs_text_length(&x->field[i], slot) > 0;
  uint32_t plain = vs_text_length(&x->field[0], slot);
  vs_wr_varint(w, (uint64_t)(slot - s->last) << 1 | (n == 0));
  s->last = slot;
  if (n == 0) {
    vs_wr_varint(w, plain);
    return;
  }
  vs_wr_u8(w, (uint8_t)(n + (plain > 0)));
  for (uint32_t i = 0; i < x->n_fields; i++) {
    uint32_t length = vs_text_length(&x->field[i], slot);
    if (length == 0) continue;
    vs_wr_u8(w, (uint8_t)i);
    vs_wr_varint(w, length);
  }
}

/* false: there are no more. */
static bool write_docs(vs_text_writer *s, size_t target, vs_wr *w) {
  vs_textindex *x = s->x;
  uint32_t n = s->layer ? x->texts.n_slots(x->texts.ctx) : 0, work = STEP_WORK;
  if (n > x->saved.n_items) n = x->saved.n_items;
  if (s->slot >= n) return false;
  size_t from = w->n;
  vs_wr_u8(w, VS_TEXT_DOCS);
  for (; s->slot < n && w->n - from < target && work > 0 && !w->failed; s->slot++, work--) {
    vs_slice text;
    if (vs_text_is_layer(vs_text_saved_in(x, s->slot))) continue;
    if (!x->texts.text(x->texts.ctx, s->slot, &text) || text.n == 0) continue;
    write_doc(s, s->slot, w);
    *saved_at(x, s->slot) = s->layer;
    if (s->n_docs++ == 0) s->first_doc = s->slot;
    s->last_doc = s->slot;
  }
  if (w->n - from == 1) w->n = from;
  return true;
}

/* The next slot that older layers are not to be believed about. */
static uint32_t next_gone(const vs_text_writer *s, uint32_t slot) {
  const vs_textindex *x = s->x;
  if (x->source.open) return vs_bitset_next(&x->changed, slot);
  if (x->n_layers == 0) return VS_NO_SLOT;
  while (slot < x->saved.n_items && vs_text_saved_in(x, slot) != VS_TEXT_STALE) slot++;
  return slot < x->saved.n_items ? slot : VS_NO_SLOT;
}

static bool write_gone(vs_text_writer *s, size_t target, vs_wr *w) {
  uint32_t slot = next_gone(s, s->slot);
  if (slot == VS_NO_SLOT) return false;
  size_t from = w->n;
  vs_wr_u8(w, VS_TEXT_GONE);
  for (; slot != VS_NO_SLOT && w->n - from < target && !w->failed; slot = next_gone(s, slot + 1)) {
    vs_wr_varint(w, slot - s->last);
    s->last = slot;
    s->slot = slot + 1;
    s->n_gone++;
  }
  return true;
}

/* ============ Postings ============ */

typedef struct {
  uint32_t n, n_values, first;
  uint64_t gaps, counts, positions; /* sums */
  uint32_t n_positions;
} piece;

static vs_status put_value(vs_text_writer *s, piece *p, uint32_t v) {
  VS_TRY(vs_blocks_reserve(&s->value, p->n_values + 1));
  *(uint32_t *)vs_blocks_at(&s->value, p->n_values++) = v;
  return VS_OK;
}

/* The cursor's posting as numbers: gap, count, positions. */
static vs_status take_posting(vs_text_writer *s, piece *p, uint32_t gap) {
  uint32_t position[VS_POSITIONS], before = 0, tf = s->cursor.tf;
  uint32_t n = vs_cursor_positions(&s->cursor, position, VS_POSITIONS);
  VS_TRY(put_value(s, p, gap));
  VS_TRY(put_value(s, p, tf - 1));
  for (uint32_t i = 0; i < n; i++) {
    VS_TRY(put_value(s, p, position[i] - before));
    before = position[i];
  }
  p->n++;
  p->gaps += gap;
  p->counts += tf - 1;
  p->positions += before;
  p->n_positions += n;
  return VS_OK;
}

/* Gathers what comes next of the list. `left` is what this step may still look at. */
static vs_status gather(vs_text_writer *s, piece *p, uint32_t *left) {
  uint32_t before = 0;
  memset(p, 0, sizeof *p);
  for (; s->cursor.slot <= s->last_doc && p->n_values < PIECE_VALUES && *left > 0; --*left) {
    uint32_t slot = s->cursor.slot;
    if (vs_text_saved_in(s->x, slot) == s->layer) {
      if (p->n == 0) p->first = slot;
      VS_TRY(take_posting(s, p, p->n == 0 ? 0 : slot - before - 1));
      before = slot;
    }
    vs_cursor_next(&s->cursor);
  }
  return VS_OK;
}

static void write_term(vs_text_writer *s, bool alone, uint32_t first, vs_wr *w) {
  const vs_vocabulary *v = &s->x->vocabulary;
  vs_slice key = vs_term_key(v, s->term), before = {NULL, 0};
  size_t shared = 0;
  if (s->before != VS_NO_TERM) before = vs_term_key(v, s->before);
  while (shared < key.n && shared < before.n && key.p[shared] == before.p[shared]) shared++;
  s->before = s->term;
  vs_wr_u8(w, (uint8_t)shared);
  vs_wr_u8(w, (uint8_t)(key.n - shared));
  vs_wr_bytes(w, key.p + shared, key.n - shared);
  vs_wr_u8(w, (uint8_t)(vs_term_at(v, s->entry)->field | (alone ? VS_TEXT_ALONE : 0)));
  vs_wr_varint(w, first);
}

static vs_status write_piece(vs_text_writer *s, const piece *p, vs_wr *w) {
  bool alone = p->n == 1 && p->n_values == 3;
  s->n_postings += p->n;
  write_term(s, alone, p->first, w);
  if (alone) {
    vs_wr_varint(w, *(uint32_t *)vs_blocks_at(&s->value, 2));
    return VS_OK;
  }
  uint32_t k_gap = vs_rice_parameter(p->gaps, p->n - 1), k_count = vs_rice_parameter(p->counts, p->n),
           k_position = vs_rice_parameter(p->positions, p->n_positions), at = 0;
  vs_wr_reset(&s->bits);
  vs_rice_writer bits = {&s->bits, 0, 0};
  for (uint32_t i = 0; i < p->n; i++) {
    uint32_t gap = *(uint32_t *)vs_blocks_at(&s->value, at++), more = *(uint32_t *)vs_blocks_at(&s->value, at++);
    if (i > 0) vs_rice_put(&bits, gap, k_gap);
    vs_rice_put(&bits, more, k_count);
    for (uint32_t j = 0; j < VS_POSITIONS && j <= more; j++)
      vs_rice_put(&bits, *(uint32_t *)vs_blocks_at(&s->value, at++), k_position);
  }
  vs_rice_flush(&bits);
  if (s->bits.failed) return VS_OUT_OF_MEMORY;
  vs_wr_varint(w, p->n);
  vs_wr_u16(w, (uint16_t)(k_gap | k_count << 5 | k_position << 10));
  vs_wr_slice(w, s->bits.p, s->bits.n);
  return VS_OK;
}

/* Goes to the next list, if there is one. */
static bool next_list(vs_text_writer *s, uint32_t *left) {
  const vs_vocabulary *v = &s->x->vocabulary;
  if (s->entry != VS_NO_TERM) {
    s->entry = vs_term_at(v, s->entry)->next;
    if (s->entry == VS_NO_TERM) s->at++;
  }
  for (; s->entry == VS_NO_TERM; s->at++, --*left) {
    if (s->at >= s->n_terms || *left == 0) return false;
    s->term = s->ordered ? vs_ordered_term(v, s->at) : s->at;
    if (vs_term_at(v, s->term)->df == 0) continue;
    s->entry = s->term;
    break;
  }
  vs_cursor_begin(&s->cursor, &v->postings, &vs_term_at(v, s->entry)->list);
  vs_cursor_seek(&s->cursor, s->first_doc);
  --*left;
  return true;
}

/* Terms in order share their beginnings; without memory for the order they come as they are. */
static void begin_terms(vs_text_writer *s) {
  vs_vocabulary *v = &s->x->vocabulary;
  s->ordered = vs_vocabulary_sort(v) == VS_OK;
  s->n_terms = s->ordered ? v->n_order : v->n_terms;
}

static vs_status write_postings(vs_text_writer *s, size_t target, vs_wr *w, bool *more) {
  uint32_t left = STEP_WORK;
  size_t from = w->n;
  *more = s->n_docs > 0;
  if (!*more) return VS_OK;
  if (s->at == 0 && s->entry == VS_NO_TERM) begin_terms(s);
  s->before = VS_NO_TERM;
  vs_wr_u8(w, VS_TEXT_POSTINGS);
  while (left > 0 && w->n - from < target && !w->failed) {
    piece p;
    bool in_list = s->entry != VS_NO_TERM && s->cursor.slot <= s->last_doc;
    if (!in_list && !next_list(s, &left)) break;
    VS_TRY(gather(s, &p, &left));
    if (p.n > 0) VS_TRY(write_piece(s, &p, w));
  }
  if (w->n - from == 1) w->n = from;
  *more = s->at < s->n_terms;
  return VS_OK;
}

/* ============ Steps ============ */

/* The block that s->what says; *more: another one like it may follow. */
static vs_status write_one(vs_text_writer *s, size_t target, vs_wr *w, bool *more) {
  *more = false;
  switch (s->what) {
  case VS_TEXT_BEGIN: write_begin(s, w); return VS_OK;
  case VS_TEXT_DOCS: *more = write_docs(s, target, w); return VS_OK;
  case VS_TEXT_GONE: *more = write_gone(s, target, w); return VS_OK;
  case VS_TEXT_POSTINGS: return write_postings(s, target, w, more);
  default:
    vs_wr_u8(w, VS_TEXT_END);
    vs_wr_u32(w, s->n_docs);
    vs_wr_u64(w, s->n_postings);
    return VS_OK;
  }
}

vs_status vs_text_encode_next(vs_text_writer *s, size_t target, vs_wr *w, bool *done) {
  size_t from = w->n;
  bool more = true;
  *done = false;
  if (s->epoch != s->x->epoch) return VS_CONFLICT;
  do {
    VS_TRY(write_one(s, target, w, &more));
    if (more) continue;
    *done = s->what == VS_TEXT_END;
    s->what++;
    s->slot = 0;
    s->last = UINT32_MAX;
  } while (w->n == from && !more && !*done);
  return w->failed ? VS_OUT_OF_MEMORY : VS_OK;
}

void vs_text_save_end(vs_text_writer *s, uint64_t number) {
  vs_textindex *x = s->x;
  if (x->source.open) return;
  x->layer[x->n_layers++] = (vs_text_layer){number, s->n_docs, s->n_docs};
  if (s->layer) x->n_unsaved = 0;
}

void vs_text_writer_release(vs_text_writer *s) {
  if (!s->x) return;
  vs_wr_deinit(&s->bits);
  vs_blocks_deinit(&s->value);
  s->x = NULL;
}
