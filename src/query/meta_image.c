/* meta_image.c - the metadata indexes as blocks of bytes, and back (format: meta_image.h).
 *
 * Layer: query (L3). O(bytes) both ways. The decoder trusts nothing: what it
 * lets pass upholds V1 and R1, and names only slots with a record.
 */
#include "meta_image.h"

#include "meta_choose.h"

#include <string.h>

#define IMAGE_VERSION 1u

enum { BLOCK_BEGIN, BLOCK_FIELD, BLOCK_VALUES, BLOCK_ORDER, BLOCK_END };
enum { FORM_LIST, FORM_BITMAP };

/* ============ Writing ============ */

static void write_entry(vs_wr *w, const vs_value_entry *e) {
  const vs_postings *p = &e->slots;
  vs_wr_u8(w, e->element);
  vs_value_scalar(w, &e->value);
  vs_wr_u8(w, p->dense ? FORM_BITMAP : FORM_LIST);
  uint32_t n = p->dense ? p->cap : p->n;
  vs_wr_u32(w, n);
  for (uint32_t i = 0; i < n; i++) {
    if (p->dense)
      vs_wr_u64(w, p->of.word[i]);
    else
      vs_wr_u32(w, p->of.slot[i]);
  }
}

static void write_field(const vs_meta_field *f, vs_wr *w) {
  bool by_value = f->kind == VS_META_VALUE;
  vs_wr_u8(w, BLOCK_FIELD);
  vs_wr_u8(w, by_value ? 1 : 2);
  vs_wr_u32(w, by_value ? 0 : f->ranges.n_vague);
  vs_meta_write_path(vs_meta_path(f), w);
}

/* Some of the field's contents; false when there is nothing left of it. */
static bool write_contents(const vs_meta_field *f, vs_meta_writer *s, size_t target, vs_wr *w) {
  size_t from = w->n;
  if (f->kind == VS_META_VALUE) {
    if (s->at == f->values.n) return false;
    vs_wr_u8(w, BLOCK_VALUES);
    while (s->at < f->values.n && w->n - from < target && !w->failed) write_entry(w, f->values.entry[s->at++]);
    return true;
  }
  if (s->at == f->ranges.n_chunks) return false;
  vs_wr_u8(w, BLOCK_ORDER);
  for (; s->at < f->ranges.n_chunks && w->n - from < target && !w->failed; s->at++) {
    const vs_range_chunk *c = f->ranges.chunk[s->at];
    for (uint32_t i = 0; i < c->n; i++) {
      vs_wr_u32(w, c->slot[i]);
      vs_wr_u64(w, vs_range_key(&f->ranges, c->slot[i]));
    }
  }
  return true;
}

void vs_meta_encode_next(const vs_meta *m, vs_meta_writer *s, size_t target, vs_wr *w, bool *done) {
  *done = false;
  if (!s->begun) {
    assert(m->built);
    *s = (vs_meta_writer){.begun = true, .epoch = m->epoch};
    vs_wr_u8(w, BLOCK_BEGIN);
    vs_wr_u8(w, IMAGE_VERSION);
    vs_wr_u32(w, m->reviewed_at);
    return;
  }
  while (m->built && s->epoch == m->epoch && s->field < m->n_fields) {
    const vs_meta_field *f = &m->field[s->field];
    if (f->kind != VS_META_NONE && !s->in_field) {
      s->in_field = true;
      s->at = 0;
      s->n_written++;
      write_field(f, w);
      return;
    }
    if (f->kind != VS_META_NONE && write_contents(f, s, target, w)) return;
    s->in_field = false;
    s->field++;
  }
  *done = true;
  vs_wr_u8(w, BLOCK_END);
  vs_wr_u32(w, m->built && s->epoch == m->epoch ? s->n_written : UINT32_MAX);
}

/* ============ Reading ============ */

static vs_status read_begin(vs_meta_reader *r, vs_rd *rd) {
  uint8_t version = vs_rd_u8(rd);
  uint32_t reviewed_at = vs_rd_u32(rd);
  if (r->begun || version != IMAGE_VERSION) return VS_CORRUPT;
  r->begun = true;
  r->m->reviewed_at = reviewed_at < r->m->live.n_set ? reviewed_at : r->m->live.n_set;
  return VS_OK;
}

/* Finds or opens the field; one whose override asks for another index is passed over. */
static vs_status read_field(vs_meta_reader *r, vs_rd *rd) {
  vs_meta *m = r->m;
  vs_filter *path;
  uint8_t kind = vs_rd_u8(rd);
  uint32_t n_vague = vs_rd_u32(rd);
  vs_value name = vs_value_read(rd);
  if (rd->failed || name.tag != VS_VALUE_STRING || (kind != 1 && kind != 2)) return VS_CORRUPT;
  vs_status status = vs_meta_compile_path(m->a, name.bytes, &path, NULL);
  if (status != VS_OK) return status == VS_OUT_OF_MEMORY ? status : VS_CORRUPT;
  r->kind = kind == 1 ? VS_META_VALUE : VS_META_RANGE;
  r->n_fields++;
  r->last_key = 0;
  r->last_slot = 0;
  vs_meta_field *f = vs_meta_find(m, &path->terms[0]);
  if (f) {
    vs_filter_destroy(m->a, path);
    if (f->kind != VS_META_NONE) return VS_CORRUPT;
    r->field = !f->overridden || f->asked == VS_META_AUTO || f->asked == r->kind ? f : NULL;
  } else {
    r->field = vs_meta_open_field(m, path);
    if (!r->field) {
      vs_filter_destroy(m->a, path);
      return m->n_fields == VS_META_MAX_FIELDS ? VS_CORRUPT : VS_OUT_OF_MEMORY;
    }
  }
  if (!r->field) return VS_OK;
  r->field->kind = r->kind;
  r->field->ranges.n_vague = n_vague;
  return VS_OK;
}

/* A slot of a list: 1 it counts, 0 it changed since, -1 there is no such record. */
static int slot_state(const vs_meta *m, uint32_t slot) {
  if (vs_bitset_test(&m->changed, slot)) return 0;
  return vs_bitset_test(&m->live, slot) ? 1 : -1;
}

static vs_status read_list(const vs_meta *m, vs_rd *rd, uint32_t n, uint32_t *slot, uint32_t *n_out) {
  uint32_t kept = 0;
  uint64_t next = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t one = vs_rd_u32(rd);
    int state = slot_state(m, one);
    if (one < next || state < 0) return VS_CORRUPT;
    next = (uint64_t)one + 1;
    if (state > 0) slot[kept++] = one;
  }
  *n_out = kept;
  return VS_OK;
}

static uint64_t word_of(const vs_bitset *b, uint32_t i) {
  return i < b->words.n_items ? *(const uint64_t *)vs_blocks_at(&b->words, i) : 0;
}

static vs_status read_bitmap(const vs_meta *m, vs_rd *rd, uint32_t n, uint64_t *word, uint32_t *n_out) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    word[i] = vs_rd_u64(rd) & ~word_of(&m->changed, i);
    if (word[i] & ~word_of(&m->live, i)) return VS_CORRUPT;
    kept += (uint32_t)__builtin_popcountll(word[i]);
  }
  *n_out = kept;
  return VS_OK;
}

/* The slots of an entry; memory in proportion to the bytes that are there. */
static vs_status read_postings(const vs_meta *m, vs_rd *rd, vs_postings *p) {
  uint8_t form = vs_rd_u8(rd);
  uint32_t n = vs_rd_u32(rd);
  size_t item = form == FORM_BITMAP ? 8 : 4;
  if (rd->failed || form > FORM_BITMAP || n == 0 || n > vs_rd_left(rd) / item) return VS_CORRUPT;
  void *memory = vs_malloc(m->a, n * item);
  if (!memory) return VS_OUT_OF_MEMORY;
  *p = (vs_postings){.cap = n, .dense = form == FORM_BITMAP, .of.slot = memory};
  if (p->dense) p->of.word = memory;
  vs_status status = p->dense ? read_bitmap(m, rd, n, p->of.word, &p->n) : read_list(m, rd, n, p->of.slot, &p->n);
  if (status == VS_OK && p->n > 0) return VS_OK;
  vs_free(m->a, memory);
  p->of.slot = NULL;
  return status;
}

static vs_status read_values(vs_meta_reader *r, vs_rd *rd) {
  while (vs_rd_left(rd) > 0) {
    vs_postings slots = {0};
    uint8_t element = vs_rd_u8(rd);
    const uint8_t *start = rd->p;
    vs_value v = vs_value_read(rd);
    if (rd->failed || element > 1 || !vs_value_check(start, (size_t)(rd->p - start))) return VS_CORRUPT;
    if (v.tag < VS_VALUE_FALSE || v.tag > VS_VALUE_STRING) return VS_CORRUPT;
    VS_TRY(read_postings(r->m, rd, &slots));
    if (slots.n == 0) continue; /* all of them changed */
    vs_status status = vs_value_index_append(&r->field->values, element, &v, &slots);
    if (status == VS_OK) continue;
    vs_free(r->m->a, slots.of.slot);
    return status;
  }
  return VS_OK;
}

static vs_status read_order(vs_meta_reader *r, vs_rd *rd) {
  if (vs_rd_left(rd) % 12 != 0) return VS_CORRUPT;
  while (vs_rd_left(rd) > 0) {
    uint32_t slot = vs_rd_u32(rd);
    uint64_t key = vs_rd_u64(rd);
    int state = slot_state(r->m, slot);
    bool ascends = key > r->last_key || (key == r->last_key && slot > r->last_slot);
    if (state < 0 || key == 0 || !ascends) return VS_CORRUPT;
    r->last_key = key;
    r->last_slot = slot;
    if (state > 0) VS_TRY(vs_range_index_append(&r->field->ranges, slot, key));
  }
  return VS_OK;
}

vs_status vs_meta_decode_block(vs_meta_reader *r, vs_slice block) {
  vs_rd rd = vs_rd_of(block.p, block.n);
  uint8_t what = vs_rd_u8(&rd);
  if (rd.failed || r->ended || r->begun == (what == BLOCK_BEGIN)) return VS_CORRUPT;
  vs_status status = VS_CORRUPT;
  if (what == BLOCK_BEGIN) {
    status = read_begin(r, &rd);
  } else if (what == BLOCK_FIELD) {
    status = read_field(r, &rd);
  } else if (what == BLOCK_END) {
    r->ended = true;
    status = vs_rd_u32(&rd) == r->n_fields ? VS_OK : VS_CORRUPT;
  } else if (r->n_fields > 0 && what == (r->kind == VS_META_VALUE ? BLOCK_VALUES : BLOCK_ORDER)) {
    if (!r->field) return VS_OK;
    status = what == BLOCK_VALUES ? read_values(r, &rd) : read_order(r, &rd);
  }
  if (status != VS_OK) return status;
  return rd.failed || vs_rd_left(&rd) > 0 ? VS_CORRUPT : VS_OK;
}
