/* meta.c - keeping the metadata indexes of a collection (see meta.h).
 *
 * Layer: query (L3); knows records by slot only. Which fields deserve an index
 * is meta_choose.c's business.
 */
#include "meta_choose.h"
#include "meta_image.h"

#include <string.h>

/* Fewer records are looked through faster than any index is asked. */
#define REVIEW_FROM 256u

void vs_meta_init(vs_meta *m, vs_alloc *a, const vs_records *records) {
  memset(m, 0, sizeof *m);
  m->a = a;
  m->records = *records;
  m->epoch = 1;
  vs_bitset_init(&m->live, a);
  vs_bitset_init(&m->changed, a);
}

static void field_clear(vs_meta_field *f) {
  vs_value_index_deinit(&f->values);
  vs_range_index_deinit(&f->ranges);
  f->kind = VS_META_NONE;
}

/* Forgets what was built; the configured fields stay. */
static void give_up(vs_meta *m) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < m->n_fields; i++) {
    vs_meta_field *f = &m->field[i];
    field_clear(f);
    if (f->overridden) {
      m->field[kept++] = *f;
    } else {
      vs_filter_destroy(m->a, f->path);
    }
  }
  m->n_fields = kept;
  m->built = m->incomplete = m->unsaved = m->from_saved = false;
  m->reviewed_at = 0;
  vs_bitset_deinit(&m->live);
  vs_bitset_init(&m->live, m->a);
}

static void forget_saved(vs_meta *m) {
  m->saved = (vs_meta_saved){NULL, NULL};
  vs_bitset_deinit(&m->changed);
  vs_bitset_init(&m->changed, m->a);
}

static void drop_fields(vs_meta *m, vs_meta_field *field, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    field_clear(&field[i]);
    vs_filter_destroy(m->a, field[i].path);
  }
  vs_free(m->a, field);
}

void vs_meta_deinit(vs_meta *m) {
  drop_fields(m, m->field, m->n_fields);
  vs_bitset_deinit(&m->live);
  forget_saved(m);
  m->field = NULL;
  m->n_fields = 0;
  m->built = false;
}

/* ============ Fields ============ */

static bool same_path(const vs_filter_term *a, const vs_filter_term *b) {
  if (a->n_path != b->n_path) return false;
  for (uint32_t i = 0; i < a->n_path; i++) {
    const vs_filter_segment *x = &a->path[i], *y = &b->path[i];
    if ((x->key.p == NULL) != (y->key.p == NULL)) return false;
    if (x->key.p == NULL ? x->index != y->index : x->key.n != y->key.n || memcmp(x->key.p, y->key.p, x->key.n) != 0)
      return false;
  }
  return true;
}

vs_meta_field *vs_meta_find(const vs_meta *m, const vs_filter_term *path) {
  for (uint32_t i = 0; i < m->n_fields; i++)
    if (same_path(vs_meta_path(&m->field[i]), path)) return &m->field[i];
  return NULL;
}

const vs_meta_field *vs_meta_field_of(const vs_meta *m, const vs_filter_term *term) {
  const vs_meta_field *f = m->built ? vs_meta_find(m, term) : NULL;
  return f && f->kind != VS_META_NONE ? f : NULL;
}

vs_status vs_meta_compile_path(vs_alloc *a, vs_slice field, vs_filter **out, vs_err *err) {
  vs_wr text;
  *out = NULL;
  vs_wr_init(&text, a);
  vs_wr_bytes(&text, "EXISTS(", 7);
  vs_wr_bytes(&text, field.p, field.n);
  vs_wr_bytes(&text, ")", 1);
  vs_status status =
      text.failed ? VS_OUT_OF_MEMORY
                  : vs_filter_compile_text(a, (const char *)text.p, text.n, (vs_slice){NULL, 0}, NULL, out, NULL);
  vs_wr_deinit(&text);
  /* Whatever else compiles between parentheses is no field. */
  if (status == VS_OK && ((*out)->n_code != 1 || (*out)->n_terms != 1 || (*out)->terms[0].negated)) {
    vs_filter_destroy(a, *out);
    *out = NULL;
    status = VS_INVALID_ARGUMENT;
  }
  if (status == VS_OK) return VS_OK;
  if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory for a field's path");
  char shown[64];
  size_t n = field.n < sizeof shown - 1 ? field.n : sizeof shown - 1;
  if (n) memcpy(shown, field.p, n);
  shown[n] = 0;
  return vs_fail(err, VS_INVALID_ARGUMENT, "'%s' is no metadata field (unusual keys go in backticks)", shown);
}

vs_meta_field *vs_meta_open_field(vs_meta *m, vs_filter *path) {
  if (!m->field) m->field = vs_calloc(m->a, VS_META_MAX_FIELDS, sizeof *m->field);
  if (!m->field || m->n_fields == VS_META_MAX_FIELDS) return NULL;
  vs_meta_field *f = &m->field[m->n_fields++];
  memset(f, 0, sizeof *f);
  f->path = path;
  f->kind = VS_META_NONE;
  vs_value_index_init(&f->values, m->a);
  vs_range_index_init(&f->ranges, m->a);
  return f;
}

static bool value_is(const vs_value *v, const char *text) {
  return v->tag == VS_VALUE_STRING && v->bytes.n == strlen(text) && memcmp(v->bytes.p, text, v->bytes.n) == 0;
}

static vs_status read_kind(const vs_value *v, uint8_t *kind, vs_err *err) {
  if (v->tag == VS_VALUE_FALSE) {
    *kind = VS_META_NONE;
  } else if (v->tag == VS_VALUE_TRUE || value_is(v, "auto")) {
    *kind = VS_META_AUTO;
  } else if (value_is(v, "value")) {
    *kind = VS_META_VALUE;
  } else if (value_is(v, "range")) {
    *kind = VS_META_RANGE;
  } else {
    return vs_fail(err, VS_INVALID_ARGUMENT, "an index is 'value', 'range', 'auto' or false");
  }
  return VS_OK;
}

static vs_status read_overrides(vs_meta *m, vs_slice overrides, vs_err *err) {
  vs_rd r = vs_rd_of(overrides.p, overrides.n);
  vs_value object = overrides.n ? vs_value_read(&r) : (vs_value){VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  if (object.tag == VS_VALUE_NULL) return VS_OK;
  if (object.tag != VS_VALUE_OBJECT) return vs_fail(err, VS_INVALID_ARGUMENT, "indexes must be an object");
  if (object.count > VS_META_MAX_FIELDS)
    return vs_fail(err, VS_INVALID_ARGUMENT, "indexes are for at most %u fields", VS_META_MAX_FIELDS);
  r = vs_rd_of(object.bytes.p, object.bytes.n);
  for (uint32_t i = 0; i < object.count; i++) {
    uint8_t kind;
    vs_filter *path;
    vs_slice name = vs_rd_slice(&r);
    vs_value v = vs_value_read(&r);
    VS_TRY(read_kind(&v, &kind, err));
    VS_TRY(vs_meta_compile_path(m->a, name, &path, err));
    vs_meta_field *f = vs_meta_find(m, &path->terms[0]);
    if (f) {
      vs_filter_destroy(m->a, path);
      return vs_fail(err, VS_INVALID_ARGUMENT, "indexes name a field twice");
    }
    f = vs_meta_open_field(m, path);
    if (!f) {
      vs_filter_destroy(m->a, path);
      return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the indexes");
    }
    f->overridden = true;
    f->asked = kind;
  }
  return VS_OK;
}

vs_status vs_meta_configure(vs_meta *m, vs_slice overrides, vs_err *err) {
  give_up(m);
  forget_saved(m);
  vs_meta_field *field = m->field;
  uint32_t n = m->n_fields;
  m->field = NULL;
  m->n_fields = 0;
  vs_status status = read_overrides(m, overrides, err);
  if (status == VS_OK) {
    drop_fields(m, field, n);
    return VS_OK;
  }
  drop_fields(m, m->field, m->n_fields);
  m->field = field;
  m->n_fields = n;
  return status;
}

/* ============ Following the records ============ */

static vs_status add_to_field(vs_meta_field *f, uint32_t slot, vs_slice metadata) {
  vs_value v;
  const vs_filter_term *path = vs_meta_path(f);
  if (f->kind == VS_META_NONE || !vs_filter_find(path->path, path->n_path, metadata, &v)) return VS_OK;
  return f->kind == VS_META_VALUE ? vs_value_index_add(&f->values, slot, &v) : vs_range_index_add(&f->ranges, slot, &v);
}

static vs_status add(vs_meta *m, uint32_t slot, vs_slice metadata) {
  VS_TRY(vs_bitset_reserve(&m->live, slot + 1));
  vs_bitset_set(&m->live, slot);
  for (uint32_t i = 0; i < m->n_fields; i++) VS_TRY(add_to_field(&m->field[i], slot, metadata));
  return VS_OK;
}

/* What is saved does not hold for the slot any more. */
static void note_change(vs_meta *m, uint32_t slot) {
  if (!m->saved.read) return;
  if (vs_bitset_reserve(&m->changed, slot + 1) == VS_OK)
    vs_bitset_set(&m->changed, slot);
  else
    forget_saved(m);
}

void vs_meta_added(vs_meta *m, uint32_t slot, vs_slice metadata) {
  m->epoch++;
  note_change(m, slot);
  if (m->built && add(m, slot, metadata) != VS_OK) give_up(m);
}

void vs_meta_removing(vs_meta *m, uint32_t slot, vs_slice metadata) {
  m->epoch++;
  note_change(m, slot);
  if (!m->built) return;
  vs_bitset_clear(&m->live, slot);
  for (uint32_t i = 0; i < m->n_fields; i++) {
    vs_value v;
    vs_meta_field *f = &m->field[i];
    const vs_filter_term *path = vs_meta_path(f);
    if (f->kind == VS_META_RANGE) {
      vs_range_index_remove(&f->ranges, slot);
    } else if (f->kind == VS_META_VALUE && vs_filter_find(path->path, path->n_path, metadata, &v)) {
      vs_value_index_remove(&f->values, slot, &v);
    }
  }
}

static vs_status find_live(vs_meta *m) {
  uint32_t n = m->records.n_slots(m->records.ctx);
  vs_slice metadata;
  VS_TRY(vs_bitset_reserve(&m->live, n));
  for (uint32_t slot = 0; slot < n; slot++)
    if (m->records.metadata(m->records.ctx, slot, &metadata)) vs_bitset_set(&m->live, slot);
  return VS_OK;
}

/* ============ Reading what was saved ============ */

void vs_meta_offer(vs_meta *m, const vs_meta_saved *saved) {
  assert(!m->built);
  m->saved = *saved;
}

/* Adds the records that changed since. */
static vs_status add_changed(vs_meta *m) {
  for (uint32_t slot = vs_bitset_next(&m->changed, 0); slot != VS_NO_SLOT;
       slot = vs_bitset_next(&m->changed, slot + 1)) {
    vs_slice metadata;
    if (m->records.metadata(m->records.ctx, slot, &metadata)) VS_TRY(add(m, slot, metadata));
  }
  return VS_OK;
}

void vs_meta_take(vs_meta *m) {
  if (m->built || !m->saved.read) return;
  vs_meta_reader r = {.m = m};
  vs_status status = find_live(m);
  if (status == VS_OK) status = m->saved.read(m->saved.ctx, &r);
  if (status == VS_OK && !r.ended) status = VS_CORRUPT;
  if (status == VS_OK) status = add_changed(m);
  forget_saved(m);
  if (status != VS_OK) {
    give_up(m);
    return;
  }
  m->built = m->from_saved = true;
  for (uint32_t i = 0; i < m->n_fields; i++) {
    const vs_meta_field *f = &m->field[i];
    m->incomplete = m->incomplete || (f->overridden && f->asked != VS_META_NONE && f->kind == VS_META_NONE);
  }
}

/* ============ Building ============ */

/* Gives every field the index it is to have, in one pass over the records. */
static vs_status build_fields(vs_meta *m, const uint8_t *kind) {
  bool any = false;
  for (uint32_t i = 0; i < m->n_fields; i++) {
    if (kind[i] == m->field[i].kind) continue;
    field_clear(&m->field[i]);
    any = any || kind[i] != VS_META_NONE;
  }
  uint32_t slot = any ? vs_bitset_next(&m->live, 0) : VS_NO_SLOT;
  for (; slot != VS_NO_SLOT; slot = vs_bitset_next(&m->live, slot + 1)) {
    vs_slice metadata;
    if (!m->records.metadata(m->records.ctx, slot, &metadata)) continue;
    for (uint32_t i = 0; i < m->n_fields; i++) {
      vs_meta_field *f = &m->field[i];
      if (kind[i] == f->kind) continue;
      f->kind = kind[i];
      vs_status status = add_to_field(f, slot, metadata);
      f->kind = VS_META_NONE;
      VS_TRY(status);
    }
  }
  for (uint32_t i = 0; i < m->n_fields; i++) m->field[i].kind = kind[i];
  return VS_OK;
}

vs_status vs_meta_ready(vs_meta *m) {
  vs_meta_take(m);
  vs_status status = m->built ? VS_OK : find_live(m);
  uint32_t n = m->live.n_set;
  bool settled = m->built && !m->incomplete;
  if (status == VS_OK && settled && (n < REVIEW_FROM || n / 2 < m->reviewed_at)) return VS_OK;
  uint8_t kind[VS_META_MAX_FIELDS];
  if (status == VS_OK) status = vs_meta_choose(m, n >= REVIEW_FROM, kind);
  if (status == VS_OK) status = build_fields(m, kind);
  if (status != VS_OK) {
    give_up(m);
    return status;
  }
  m->built = m->unsaved = true;
  m->incomplete = false;
  m->reviewed_at = n;
  return VS_OK;
}

/* ============ Checking ============ */

static bool same_postings(const vs_postings *a, const vs_postings *b, vs_bitset *x, vs_bitset *y) {
  if (a->n != b->n) return false;
  vs_bitset_clear_all(x);
  vs_bitset_clear_all(y);
  vs_postings_unite(a, x);
  vs_postings_unite(b, y);
  for (uint32_t i = 0; i < x->words.n_items; i++)
    if (*(uint64_t *)vs_blocks_at(&x->words, i) != *(uint64_t *)vs_blocks_at(&y->words, i)) return false;
  return true;
}

static bool same_values(const vs_value_index *a, const vs_value_index *b, vs_bitset *x, vs_bitset *y) {
  if (a->n != b->n || a->n_scalars != b->n_scalars) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    int order = 1;
    bool comparable = vs_filter_compare(&a->entry[i]->value, &b->entry[i]->value, &order);
    if (!comparable || order != 0 || !same_postings(&a->entry[i]->slots, &b->entry[i]->slots, x, y)) return false;
  }
  return true;
}

/* Both lists are sound, so that equal keys make equal lists. */
static bool same_order(const vs_meta *m, const vs_range_index *a, const vs_range_index *b) {
  if (a->n != b->n || (b->n_vague > 0 && a->n_vague == 0)) return false;
  for (uint32_t slot = vs_bitset_next(&m->live, 0); slot != VS_NO_SLOT; slot = vs_bitset_next(&m->live, slot + 1)) {
    uint64_t key = slot < a->key.n_items ? vs_range_key(a, slot) : 0;
    if (key != (slot < b->key.n_items ? vs_range_key(b, slot) : 0)) return false;
  }
  return vs_range_index_sound(a);
}

/* Builds the field's index anew beside the one there is. */
static vs_status check_field(const vs_meta *m, const vs_meta_field *f, vs_bitset *x, vs_bitset *y) {
  vs_meta_field again = {.path = f->path, .kind = f->kind};
  vs_status status = VS_OK;
  vs_value_index_init(&again.values, m->a);
  vs_range_index_init(&again.ranges, m->a);
  for (uint32_t slot = vs_bitset_next(&m->live, 0); slot != VS_NO_SLOT && status == VS_OK;
       slot = vs_bitset_next(&m->live, slot + 1)) {
    vs_slice metadata;
    if (m->records.metadata(m->records.ctx, slot, &metadata)) status = add_to_field(&again, slot, metadata);
  }
  bool same = f->kind == VS_META_VALUE ? same_values(&f->values, &again.values, x, y)
                                       : same_order(m, &f->ranges, &again.ranges);
  field_clear(&again);
  if (status != VS_OK) return status;
  return same ? VS_OK : VS_CORRUPT;
}

vs_status vs_meta_check(vs_meta *m) {
  vs_bitset x, y;
  vs_meta_take(m);
  if (!m->built) return VS_OK;
  vs_bitset_init(&x, m->a);
  vs_bitset_init(&y, m->a);
  vs_status status = vs_bitset_reserve(&x, m->live.n_bits);
  if (status == VS_OK) status = vs_bitset_reserve(&y, m->live.n_bits);
  for (uint32_t i = 0; i < m->n_fields && status == VS_OK; i++)
    if (m->field[i].kind != VS_META_NONE) status = check_field(m, &m->field[i], &x, &y);
  vs_bitset_deinit(&x);
  vs_bitset_deinit(&y);
  if (status == VS_CORRUPT) give_up(m);
  return status;
}

/* ============ Telling ============ */

static size_t field_bytes(const vs_meta_field *f) {
  return f->path->bytes + f->values.bytes + (f->kind == VS_META_RANGE ? vs_range_index_bytes(&f->ranges) : 0);
}

size_t vs_meta_bytes(const vs_meta *m) {
  size_t n = vs_blocks_bytes(&m->live.words) + vs_blocks_bytes(&m->changed.words);
  if (!m->field) return n;
  n += VS_META_MAX_FIELDS * sizeof *m->field;
  for (uint32_t i = 0; i < m->n_fields; i++) n += field_bytes(&m->field[i]);
  return n;
}

void vs_meta_write_path(const vs_filter_term *path, vs_wr *w) {
  vs_filter_term field = *path;
  vs_wr text;
  vs_wr_init(&text, w->a);
  field.op = VS_FILTER_TRUTH; /* spelled as the field alone */
  field.negated = false;
  vs_filter_explain_term(&field, &text);
  vs_value_string(w, text.p, text.n);
  w->failed = w->failed || text.failed;
  vs_wr_deinit(&text);
}

void vs_meta_describe(const vs_meta *m, vs_wr *w) {
  size_t mark = vs_value_array_begin(w);
  uint32_t n = 0;
  for (uint32_t i = 0; i < m->n_fields; i++) {
    const vs_meta_field *f = &m->field[i];
    if (!m->built || f->kind == VS_META_NONE) continue;
    size_t entry = vs_value_object_begin(w);
    bool by_value = f->kind == VS_META_VALUE;
    vs_value_key(w, "field");
    vs_meta_write_path(vs_meta_path(f), w);
    vs_value_key(w, "kind");
    vs_value_cstring(w, by_value ? "value" : "range");
    vs_value_key(w, by_value ? "distinct" : "records");
    vs_value_int(w, by_value ? f->values.n : f->ranges.n);
    vs_value_key(w, "bytes");
    vs_value_int(w, (int64_t)field_bytes(f));
    vs_value_end(w, entry, 4);
    n++;
  }
  vs_value_end(w, mark, n);
}
