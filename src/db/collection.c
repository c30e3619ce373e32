/* collection.c - the live records of one collection (invariants: collection.h).
 *
 * Layer: db. Lookups are O(1) expected; an upsert or delete costs one graph
 * insert or removal.
 */
#include "collection.h"

#include <string.h>

#include "../text/textoptions.h"
#include "extra.h"
#include "reembed.h"

static bool same_id(const void *ctx, uint32_t slot, vs_slice key) {
  const vs_body *b = vs_coll_body(ctx, slot);
  return b && b->id_n == key.n && memcmp(vs_body_bytes(b), key.p, key.n) == 0;
}

static bool metadata_of(const void *ctx, uint32_t slot, vs_slice *out) {
  const vs_body *b = vs_coll_body(ctx, slot);
  if (b) *out = vs_body_meta(b);
  return b != NULL;
}

static bool text_of(const void *ctx, uint32_t slot, vs_slice *out) {
  const vs_body *b = vs_coll_body(ctx, slot);
  if (b) *out = vs_body_text(b);
  return b != NULL;
}

static vs_sparse_view sparse_of(const void *ctx, uint32_t slot) {
  const vs_body *b = vs_coll_body(ctx, slot);
  return vs_extra_read(b ? vs_body_extra(b) : (vs_slice){NULL, 0}).sparse;
}

static uint64_t sequence_of(const void *ctx, uint32_t slot) { return vs_coll_body(ctx, slot)->seq; }

static uint32_t slots_of(const void *ctx) { return ((const vs_collection *)ctx)->n_slots; }

void vs_coll_init(vs_collection *c, vs_alloc *a, const vs_coll_config *config, uint64_t hash_seed) {
  memset(c, 0, sizeof *c);
  c->a = a;
  c->config = *config;
  vs_blocks_init(&c->bodies, a, sizeof(vs_body *));
  vs_blocks_init(&c->sequences, a, sizeof(uint64_t));
  vs_blocks_init(&c->segment, a, sizeof(uint32_t));
  vs_blocks_init(&c->free_slot, a, sizeof(uint32_t));
  vs_hashmap_init(&c->ids, a, hash_seed, same_id, c);
  vs_meta_init(&c->meta, a, &(vs_records){c, metadata_of, slots_of});
  vs_textindex_init(&c->text, a, &(vs_texts){c, text_of, slots_of, sequence_of}, hash_seed);
  vs_sparse_init(&c->sparse, a, &(vs_sparse_source){c, sparse_of, slots_of, sequence_of}, hash_seed);
  vs_wr_init(&c->kept, a);
  c->next_seq = 1;
  c->next_rev = 1;
}

void vs_coll_deinit(vs_collection *c) {
  for (uint32_t slot = 0; slot < c->n_slots; slot++) vs_free(c->a, vs_coll_body(c, slot));
  vs_coll_unfix_dim(c);
  vs_reembed_destroy(c->a, c->next);
  vs_meta_deinit(&c->meta);
  vs_textindex_deinit(&c->text);
  vs_sparse_deinit(&c->sparse);
  vs_wr_deinit(&c->kept);
  vs_hashmap_deinit(&c->ids);
  vs_blocks_deinit(&c->free_slot);
  vs_blocks_deinit(&c->segment);
  vs_blocks_deinit(&c->sequences);
  vs_blocks_deinit(&c->bodies);
}

vs_body *vs_coll_body(const vs_collection *c, uint32_t slot) {
  return slot < c->n_slots ? *(vs_body **)vs_blocks_at(&c->bodies, slot) : NULL;
}

uint32_t vs_coll_find(const vs_collection *c, vs_slice id) { return vs_hashmap_get(&c->ids, id); }

uint32_t vs_coll_segment(const vs_collection *c, uint32_t slot) { return *(uint32_t *)vs_blocks_at(&c->segment, slot); }

void vs_coll_set_segment(vs_collection *c, uint32_t slot, uint32_t number) {
  *(uint32_t *)vs_blocks_at(&c->segment, slot) = number;
}

vs_status vs_coll_fix_dim(vs_collection *c, uint32_t dim) {
  assert(dim <= VS_MAX_DIMENSION);
  if (c->has_index || dim == 0) {
    c->config.dim = dim;
    return VS_OK;
  }
  vs_vectors_init(&c->vectors, c->a, dim);
  vs_status status = vs_index_create(c->a, &c->config.index, &c->vectors, &c->sequences, &c->index);
  if (status != VS_OK) {
    vs_vectors_deinit(&c->vectors);
    return status;
  }
  vs_index_calibrated(c->index, &c->config.calibration);
  c->config.dim = dim;
  c->has_index = true;
  return VS_OK;
}

void vs_coll_unfix_dim(vs_collection *c) {
  c->config.dim = VS_DIM_UNSET;
  if (!c->has_index) return;
  vs_index_destroy(c->index);
  vs_vectors_deinit(&c->vectors);
  c->has_index = false;
}

/* ============ Kept options ============ */

static const char *const kept_names[] = {"indexes", "schema", "text"};

static vs_value kept_object(vs_slice kept) {
  vs_rd r = vs_rd_of(kept.p, kept.n);
  return kept.n ? vs_value_read(&r) : (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
}

static bool is_empty_object(vs_slice bytes) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  vs_value v = bytes.n ? vs_value_read(&r) : (vs_value){0};
  return bytes.n > 0 && v.tag == VS_VALUE_OBJECT && v.count == 0;
}

/* Writes what holds from now on: given where it is given, else as it was. */
static vs_status write_kept(vs_wr *w, const vs_value *options, vs_slice before, vs_err *err) {
  vs_value old = kept_object(before);
  size_t mark = vs_value_object_begin(w);
  uint32_t n = 0;
  vs_slice text = vs_value_member(options, "text");
  for (uint32_t i = 0; i < 3; i++) {
    if (i == 2 && text.n > 0 && !is_empty_object(text)) {
      vs_value_key(w, kept_names[i]);
      VS_TRY(vs_text_options_merge(vs_value_member(&old, "text"), text, w, err));
      n++;
      continue;
    }
    vs_slice bytes = vs_value_member(options, kept_names[i]);
    if (bytes.n == 0 || is_empty_object(bytes)) {
      vs_slice was = vs_value_member(&old, kept_names[i]);
      if (i == 2 || bytes.n == 0) bytes = was.n > 0 ? was : bytes;
    }
    if (bytes.n == 0 || bytes.p[0] == VS_VALUE_NULL) continue;
    vs_value_key(w, kept_names[i]);
    vs_wr_bytes(w, bytes.p, bytes.n);
    n++;
  }
  vs_value_end(w, mark, n);
  return w->failed ? vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the options") : VS_OK;
}

vs_status vs_coll_keep(vs_collection *c, const vs_value *options, vs_err *err) {
  vs_wr next;
  vs_wr_init(&next, c->a);
  vs_status status = write_kept(&next, options, (vs_slice){c->kept.p, c->kept.n}, err);
  if (status != VS_OK) {
    vs_wr_deinit(&next);
    return status;
  }
  vs_value object = kept_object((vs_slice){next.p, next.n});
  vs_slice text = vs_value_member(&object, "text"), indexes = vs_value_member(&object, "indexes");
  /* Both are as made where nothing is asked of them: the core of a divided engine cannot configure them. */
  if (text.n > 0 && !is_empty_object(text)) status = vs_textindex_configure(&c->text, text, err);
  if (status == VS_OK && (indexes.n > 0 || c->meta.n_fields > 0)) status = vs_meta_configure(&c->meta, indexes, err);
  vs_wr *loser = status == VS_OK ? &c->kept : &next;
  vs_wr_deinit(loser);
  if (status == VS_OK) c->kept = next;
  return status;
}

/* Everything by slot but the vectors and the index. */
static vs_status reserve_slots(vs_collection *c, uint32_t n_slots, uint32_t n_new, uint32_t n_freed) {
  if (n_slots > VS_MAX_SLOTS) return VS_OUT_OF_MEMORY;
  VS_TRY(vs_blocks_reserve(&c->bodies, n_slots));
  VS_TRY(vs_blocks_reserve(&c->sequences, n_slots));
  VS_TRY(vs_blocks_reserve(&c->segment, n_slots));
  VS_TRY(vs_blocks_reserve(&c->free_slot, c->n_free + n_freed));
  return vs_hashmap_reserve(&c->ids, c->n_live + n_new);
}

vs_status vs_coll_prepare(vs_collection *c, uint32_t n_slots, uint32_t n_new, uint32_t n_freed, uint32_t n_inserts,
                          const uint64_t *sequence) {
  VS_TRY(reserve_slots(c, n_slots, n_new, n_freed));
  if (!c->has_index) return VS_OK;
  VS_TRY(vs_vectors_reserve(&c->vectors, n_slots));
  return vs_index_prepare(c->index, n_slots, n_inserts, sequence);
}

vs_status vs_coll_prepare_load(vs_collection *c, uint32_t n_slots, uint32_t n_live) {
  assert(c->n_slots == 0);
  VS_TRY(reserve_slots(c, n_slots, n_live, 0));
  c->n_slots = n_slots;
  return VS_OK;
}

uint32_t vs_coll_take_slot(vs_collection *c) {
  if (c->n_free > 0) return *(uint32_t *)vs_blocks_at(&c->free_slot, --c->n_free);
  return c->n_slots++;
}

void vs_coll_return_slot(vs_collection *c, uint32_t slot) {
  if (slot + 1 == c->n_slots && !vs_coll_body(c, slot)) {
    c->n_slots--;
    return;
  }
  *(uint32_t *)vs_blocks_at(&c->free_slot, c->n_free++) = slot;
}

void vs_coll_trim(vs_collection *c) {
  uint32_t n_slots = c->n_slots, n_free = 0;
  while (n_slots > 0 && !vs_coll_body(c, n_slots - 1)) n_slots--;
  vs_hashmap_shrink(&c->ids);
  if (n_slots == c->n_slots) return;
  for (uint32_t i = 0; i < c->n_free; i++) {
    uint32_t slot = *(uint32_t *)vs_blocks_at(&c->free_slot, i);
    if (slot < n_slots) *(uint32_t *)vs_blocks_at(&c->free_slot, n_free++) = slot;
  }
  c->n_free = n_free;
  c->n_slots = n_slots;
  vs_blocks_truncate(&c->free_slot, n_free);
  vs_blocks_truncate(&c->bodies, n_slots);
  vs_blocks_truncate(&c->sequences, n_slots);
  vs_blocks_truncate(&c->segment, n_slots);
  if (!c->has_index) return;
  vs_blocks_truncate(&c->vectors.blocks, n_slots);
  vs_index_trim(c->index, n_slots);
}

/* A record whose id is in the table, or will be. */
static void install_new(vs_collection *c, vs_body *body) {
  *(vs_body **)vs_blocks_at(&c->bodies, body->slot) = body;
  c->body_bytes += sizeof *body + vs_body_payload(body).n;
  vs_meta_added(&c->meta, body->slot, vs_body_meta(body));
  vs_textindex_added(&c->text, body->slot, vs_body_text(body));
  vs_sparse_added(&c->sparse, body->slot, vs_extra_read(vs_body_extra(body)).sparse);
  c->n_live++;
}

static void install_body(vs_collection *c, vs_body *body) {
  vs_body **place = vs_blocks_at(&c->bodies, body->slot);
  vs_body *old = *place;
  if (old) {
    vs_slice text = vs_body_text(body), old_text = vs_body_text(old);
    bool same_text = text.n == old_text.n && memcmp(text.p, old_text.p, text.n) == 0;
    vs_meta_removing(&c->meta, body->slot, vs_body_meta(old));
    if (!same_text) vs_textindex_removing(&c->text, body->slot, old_text);
    vs_slice extra = vs_body_extra(body), old_extra = vs_body_extra(old);
    bool same_extra = extra.n == old_extra.n && (extra.n == 0 || memcmp(extra.p, old_extra.p, extra.n) == 0);
    if (!same_extra) vs_sparse_removing(&c->sparse, body->slot, vs_extra_read(old_extra).sparse);
    c->body_bytes += vs_body_payload(body).n;
    c->body_bytes -= vs_body_payload(old).n;
    vs_free(c->a, old);
    *place = body;
    vs_meta_added(&c->meta, body->slot, vs_body_meta(body));
    if (!same_text) vs_textindex_added(&c->text, body->slot, text);
    if (!same_extra) vs_sparse_added(&c->sparse, body->slot, vs_extra_read(extra).sparse);
    return;
  }
  vs_hashmap_put(&c->ids, vs_body_id(body), body->slot);
  install_new(c, body);
}

static void raise_counters(vs_collection *c, const vs_body *body) {
  if (body->seq >= c->next_seq) c->next_seq = body->seq + 1;
  if (body->rev >= c->next_rev) c->next_rev = body->rev + 1;
}

void vs_coll_apply_upsert(vs_collection *c, vs_body *body, const void *vector) {
  uint32_t slot = body->slot;
  assert(slot < c->n_slots);
  bool fresh = vs_coll_body(c, slot) == NULL;
  vs_reembed_forget(c->next, slot);
  if (c->has_index && vector) {
    if (!fresh) vs_index_remove(c->index, slot);
    *(uint64_t *)vs_blocks_at(&c->sequences, slot) = body->seq;
    bool finite = vs_vectors_set(&c->vectors, slot, vector);
    assert(finite);
    (void)finite;
    vs_index_insert(c->index, slot);
  } else {
    *(uint64_t *)vs_blocks_at(&c->sequences, slot) = body->seq;
  }
  raise_counters(c, body);
  install_body(c, body);
  vs_coll_set_segment(c, slot, VS_SEG_NONE);
}

void vs_coll_apply_delete(vs_collection *c, uint32_t slot) {
  vs_body **place = vs_blocks_at(&c->bodies, slot);
  vs_body *body = *place;
  assert(body);
  vs_reembed_forget(c->next, slot);
  if (c->has_index) vs_index_remove(c->index, slot);
  vs_hashmap_remove(&c->ids, vs_body_id(body));
  vs_meta_removing(&c->meta, slot, vs_body_meta(body));
  vs_textindex_removing(&c->text, slot, vs_body_text(body));
  vs_sparse_removing(&c->sparse, slot, vs_extra_read(vs_body_extra(body)).sparse);
  c->body_bytes -= sizeof *body + vs_body_payload(body).n;
  vs_free(c->a, body);
  *place = NULL;
  c->n_live--;
  vs_coll_set_segment(c, slot, VS_SEG_NONE);
  *(uint32_t *)vs_blocks_at(&c->free_slot, c->n_free++) = slot;
}

vs_status vs_coll_load(vs_collection *c, const vs_record_view *v, uint32_t segment) {
  uint32_t slot = v->head.slot;
  if (vs_coll_body(c, slot)) return VS_CORRUPT;
  vs_body *body = vs_body_from_view(c->a, v);
  if (!body) return VS_OUT_OF_MEMORY;
  vs_status status = c->has_index ? vs_vectors_reserve(&c->vectors, slot + 1) : VS_OK;
  if (status == VS_OK && c->has_index && !vs_vectors_set(&c->vectors, slot, v->vector)) status = VS_CORRUPT;
  if (status != VS_OK) {
    vs_free(c->a, body);
    return status;
  }
  *(uint64_t *)vs_blocks_at(&c->sequences, slot) = body->seq;
  raise_counters(c, body);
  install_new(c, body);
  vs_coll_set_segment(c, slot, segment);
  return VS_OK;
}

bool vs_coll_lacks_part(const vs_collection *c) {
  if (c->wants_part) *c->wants_part = true;
  return c->wants_part != NULL;
}

bool vs_coll_load_id(vs_collection *c, uint32_t slot) {
  const vs_body *body = vs_coll_body(c, slot);
  return !body || vs_hashmap_add(&c->ids, vs_body_id(body), slot);
}

vs_status vs_coll_rebuild_free(vs_collection *c) {
  c->n_free = 0;
  VS_TRY(vs_blocks_reserve(&c->free_slot, c->n_slots - c->n_live));
  for (uint32_t slot = c->n_slots; slot-- > 0;)
    if (!vs_coll_body(c, slot)) *(uint32_t *)vs_blocks_at(&c->free_slot, c->n_free++) = slot;
  return VS_OK;
}

/* ============ Replaying the log ============ */

vs_status vs_coll_replay_upsert(vs_collection *c, const vs_record_view *v) {
  if (c->config.dim == VS_DIM_UNSET) VS_TRY(vs_coll_fix_dim(c, v->dim));
  uint32_t slot = v->head.slot, known = vs_coll_find(c, v->id);
  if (v->dim != (c->has_index ? c->config.dim : 0) || slot > c->n_slots) return VS_CORRUPT;
  if (!vs_floats_finite(v->vector, v->dim)) return VS_CORRUPT;
  if (known != slot && (known != VS_NO_SLOT || vs_coll_body(c, slot))) return VS_CORRUPT;
  if (known != VS_NO_SLOT && vs_coll_body(c, slot)->seq != v->head.seq) return VS_CORRUPT;
  uint32_t n_slots = slot == c->n_slots ? slot + 1 : c->n_slots;
  VS_TRY(vs_coll_prepare(c, n_slots, 1, 0, 1, &v->head.seq));
  vs_body *body = vs_body_from_view(c->a, v);
  if (!body) return VS_OUT_OF_MEMORY;
  c->n_slots = n_slots;
  bool same =
      known != VS_NO_SLOT && v->dim && memcmp(v->vector, vs_vectors_at(&c->vectors, slot), (size_t)v->dim * 4) == 0;
  vs_coll_apply_upsert(c, body, v->dim && !same ? v->vector : NULL);
  return VS_OK;
}

vs_status vs_coll_replay_delete(vs_collection *c, vs_slice id) {
  uint32_t slot = vs_coll_find(c, id);
  if (slot == VS_NO_SLOT) return VS_CORRUPT;
  VS_TRY(vs_coll_prepare(c, c->n_slots, 0, 1, 0, NULL));
  vs_coll_apply_delete(c, slot);
  return VS_OK;
}
