/* tx.c - staging, preparing and applying a transaction (contract: tx.h).
 *
 * Layer: db. O(bytes) to stage, one graph insert or removal per item to apply.
 */
#include "tx.h"

#include <string.h>

#include "../base/value.h"
#include "extra.h"

static bool same_id(const void *ctx, uint32_t i, vs_slice key) {
  vs_slice id = vs_body_id(vs_tx_at(ctx, i)->body);
  return id.n == key.n && memcmp(id.p, key.p, key.n) == 0;
}

void vs_tx_init(vs_tx *t, vs_alloc *a) {
  memset(t, 0, sizeof *t);
  t->a = a;
  vs_blocks_init(&t->items, a, sizeof(vs_tx_item));
  vs_hashmap_init(&t->ids, a, 0x7472616e73616374u, same_id, t);
}

static void item_clear(vs_tx *t, vs_tx_item *item) {
  vs_free(t->a, item->body);
  vs_free(t->a, item->vector);
  memset(item, 0, sizeof *item);
}

void vs_tx_deinit(vs_tx *t) {
  for (uint32_t i = 0; i < t->n; i++) item_clear(t, vs_tx_at(t, i));
  vs_hashmap_deinit(&t->ids);
  vs_blocks_deinit(&t->items);
}

void vs_tx_reset(vs_tx *t) {
  vs_alloc *a = t->a;
  vs_tx_deinit(t);
  vs_tx_init(t, a);
}

/* ============ Staging ============ */

typedef struct {
  uint8_t kind;
  uint32_t dim;
  vs_slice id, meta, text, extra;
  const uint8_t *vector;
  const vs_body *keep; /* a patch: the record whose expiry and flags stay; else NULL */
} parsed_op;

static vs_status parse_op(vs_rd *r, parsed_op *op, vs_err *err) {
  const uint8_t *start = r->p;
  memset(op, 0, sizeof *op);
  op->kind = vs_rd_u8(r);
  uint8_t has_extra = vs_rd_u8(r);
  op->id.n = vs_rd_u16(r);
  op->dim = vs_rd_u32(r);
  op->meta.n = vs_rd_u32(r);
  op->text.n = vs_rd_u32(r);
  op->id.p = vs_rd_bytes(r, op->id.n);
  vs_rd_bytes(r, (size_t)(-(r->p - start)) & 3);
  if (op->dim > VS_MAX_DIMENSION)
    return vs_fail(err, VS_INVALID_ARGUMENT, "a vector has at most %u dimensions", VS_MAX_DIMENSION);
  op->vector = vs_rd_bytes(r, (size_t)op->dim * 4);
  op->meta.p = vs_rd_bytes(r, op->meta.n);
  op->text.p = vs_rd_bytes(r, op->text.n);
  if (has_extra && vs_rd_left(r) >= 4) op->extra.n = vs_load_u32(r->p);
  op->extra.p = vs_rd_bytes(r, op->extra.n);
  vs_rd_bytes(r, (size_t)(-(r->p - start)) & 3);
  bool fits = has_extra == 0 || (has_extra == 1 && op->kind == VS_STAGE_UPSERT && op->extra.n > 0);
  if (r->failed || !fits || op->kind < VS_STAGE_UPSERT || op->kind > VS_STAGE_UPDATE_METADATA)
    return vs_fail(err, VS_INVALID_ARGUMENT, "malformed operation");
  return VS_OK;
}

static vs_status check_patch(const parsed_op *op, vs_err *err) {
  const char *problem = vs_meta_problem(op->meta);
  if (problem) return vs_fail(err, VS_INVALID_ARGUMENT, "%s", problem);
  bool keys = op->text.n == 0 || (op->text.p[0] == VS_VALUE_ARRAY && vs_value_check(op->text.p, op->text.n));
  return keys && op->dim == 0 ? VS_OK : vs_fail(err, VS_INVALID_ARGUMENT, "malformed operation");
}

static vs_status check_op(vs_tx *t, const parsed_op *op, vs_err *err) {
  if (!vs_id_ok(op->id))
    return vs_fail(err, VS_INVALID_ARGUMENT, "an id is a string of 1 to 1024 bytes of UTF-8 or a safe integer >= 0");
  if (op->kind == VS_STAGE_DELETE) return VS_OK;
  if (op->kind == VS_STAGE_UPDATE_METADATA) return check_patch(op, err);
  if (op->dim > 0 && t->dim == VS_DIM_UNSET) t->dim = op->dim;
  if (op->dim == 0 && t->dim != 0)
    return vs_fail(err, VS_INVALID_ARGUMENT, "a record needs a vector (only a store of dimension 0 takes none)");
  if (op->dim != t->dim)
    return vs_fail(err, VS_DIMENSION_MISMATCH, "the vector has %u dimensions, the store has %u", op->dim, t->dim);
  if (!vs_floats_finite(op->vector, op->dim))
    return vs_fail(err, VS_INVALID_ARGUMENT, "the vector holds NaN or an infinity");
  const char *problem = vs_meta_problem(op->meta);
  if (!problem) problem = vs_text_problem(op->text);
  if (!problem) problem = vs_extra_problem(op->extra);
  return problem ? vs_fail(err, VS_INVALID_ARGUMENT, "%s", problem) : VS_OK;
}

static vs_status make_item(vs_tx *t, const parsed_op *op, vs_tx_item *item, vs_err *err) {
  memset(item, 0, sizeof *item);
  item->kind = op->kind == VS_STAGE_UPSERT ? VS_LOG_UPSERT : VS_LOG_DELETE;
  item->body = vs_body_create(t->a, op->id, op->meta, op->text, op->extra);
  if (item->body && op->keep) {
    item->body->expires_ms = op->keep->expires_ms;
    item->body->flags = op->keep->flags;
  }
  if (item->body && op->dim > 0) {
    item->vector = vs_malloc(t->a, (size_t)op->dim * 4);
    if (item->vector) memcpy(item->vector, op->vector, (size_t)op->dim * 4);
  }
  if (item->body && (item->vector || op->dim == 0)) return VS_OK;
  item_clear(t, item);
  return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the transaction");
}

static bool is_in(vs_slice key, const vs_value *patch, const vs_value *removed) {
  vs_rd r = vs_rd_of(patch->bytes.p, patch->bytes.n);
  for (uint32_t i = 0; i < patch->count; i++) {
    vs_slice name = vs_rd_slice(&r);
    vs_value_read(&r);
    if (name.n == key.n && memcmp(name.p, key.p, key.n) == 0) return true;
  }
  r = vs_rd_of(removed->bytes.p, removed->bytes.n);
  for (uint32_t i = 0; i < removed->count; i++) {
    vs_value name = vs_value_read(&r);
    if (name.tag == VS_VALUE_STRING && name.bytes.n == key.n && memcmp(name.bytes.p, key.p, key.n) == 0) return true;
  }
  return false;
}

static vs_value container(vs_slice bytes, vs_value_tag tag) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  return bytes.n ? vs_value_read(&r) : (vs_value){tag, 0, 0, {NULL, 0}, 0};
}

/* The old members that stay, in their order, then those that are set. */
static void merge_metadata(vs_wr *w, vs_slice before, const parsed_op *op) {
  vs_value old = container(before, VS_VALUE_OBJECT), patch = container(op->meta, VS_VALUE_OBJECT);
  vs_value removed = container(op->text, VS_VALUE_ARRAY);
  vs_rd r = vs_rd_of(old.bytes.p, old.bytes.n);
  size_t mark = vs_value_object_begin(w);
  uint32_t n = patch.count;
  for (uint32_t i = 0; i < old.count; i++) {
    const uint8_t *start = r.p;
    vs_slice key = vs_rd_slice(&r);
    vs_value_read(&r);
    if (is_in(key, &patch, &removed)) continue;
    vs_wr_bytes(w, start, (size_t)(r.p - start));
    n++;
  }
  vs_wr_bytes(w, patch.bytes.p, patch.bytes.n);
  vs_value_end(w, mark, n);
}

/* Turns a patch into an upsert of the whole record: of what this transaction holds for
 * the id, else of the record that is there. *merged owns the metadata. */
static vs_status resolve_patch(const vs_tx *t, const vs_collection *c, parsed_op *op, const vs_tx_item *staged,
                               vs_wr *merged, vs_err *err) {
  const vs_body *old =
      staged ? staged->kind == VS_LOG_UPSERT ? staged->body : NULL : vs_coll_body(c, vs_coll_find(c, op->id));
  if (!old) return vs_fail(err, VS_NOT_FOUND, "there is no record with this id");
  merge_metadata(merged, vs_body_meta(old), op);
  if (merged->failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the transaction");
  op->meta = (vs_slice){merged->p, merged->n};
  op->text = vs_body_text(old);
  op->extra = vs_body_extra(old);
  op->kind = VS_STAGE_UPSERT;
  op->dim = c->has_index || staged ? t->dim : 0;
  if (op->dim == VS_DIM_UNSET) op->dim = 0;
  if (op->dim > 0) op->vector = staged ? staged->vector : (const uint8_t *)vs_vectors_at(&c->vectors, old->slot);
  op->keep = old;
  return VS_OK;
}

static vs_status put_item(vs_tx *t, const parsed_op *op, vs_err *err) {
  vs_tx_item item;
  VS_TRY(make_item(t, op, &item, err));
  uint32_t same = vs_hashmap_get(&t->ids, op->id);
  if (same != VS_NO_SLOT) {
    item_clear(t, vs_tx_at(t, same));
    *vs_tx_at(t, same) = item;
    return VS_OK;
  }
  if (vs_blocks_reserve(&t->items, t->n + 1) != VS_OK || vs_hashmap_reserve(&t->ids, t->n + 1) != VS_OK) {
    item_clear(t, &item);
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the transaction");
  }
  *vs_tx_at(t, t->n) = item;
  t->n++;
  vs_hashmap_put(&t->ids, vs_body_id(item.body), t->n - 1);
  return VS_OK;
}

static vs_status stage_one(vs_tx *t, const vs_collection *c, parsed_op *op, vs_err *err) {
  if (op->kind != VS_STAGE_UPDATE_METADATA) return put_item(t, op, err);
  vs_wr merged;
  uint32_t same = vs_hashmap_get(&t->ids, op->id);
  vs_wr_init(&merged, t->a);
  vs_status status = resolve_patch(t, c, op, same != VS_NO_SLOT ? vs_tx_at(t, same) : NULL, &merged, err);
  if (status == VS_OK) status = put_item(t, op, err);
  vs_wr_deinit(&merged);
  return status;
}

vs_status vs_tx_stage_delete(vs_tx *t, const vs_collection *c, uint32_t slot, vs_err *err) {
  parsed_op op = {.kind = VS_STAGE_DELETE, .id = vs_body_id(vs_coll_body(c, slot))};
  if (t->row == 0) t->dim = c->config.dim;
  t->row++;
  return put_item(t, &op, err);
}

vs_status vs_tx_stage(vs_tx *t, const vs_collection *c, vs_slice operations, vs_err *err) {
  if (t->row == 0) t->dim = c->config.dim;
  vs_rd r = vs_rd_of(operations.p, operations.n);
  while (vs_rd_left(&r) > 0) {
    parsed_op op;
    vs_status status = parse_op(&r, &op, err);
    if (status == VS_OK) status = check_op(t, &op, err);
    if (status == VS_OK) status = stage_one(t, c, &op, err);
    if (status != VS_OK) {
      if (err) err->index = t->row;
      return status;
    }
    t->row++;
  }
  return VS_OK;
}

/* ============ Preparing ============ */

/* What the item does, now that everything before this transaction is applied. */
static void decide(vs_tx *t, const vs_collection *c, vs_tx_item *item) {
  uint32_t slot = vs_coll_find(c, vs_body_id(item->body));
  const vs_body *old = vs_coll_body(c, slot);
  item->fresh = old == NULL;
  if (item->kind == VS_LOG_DELETE) {
    if (old) {
      item->body->slot = slot;
      t->deleted++;
    } else {
      item->kind = 0;
    }
    return;
  }
  if (old) {
    item->body->slot = slot;
    t->updated++;
  } else {
    t->inserted++;
  }
  bool same_vector =
      old && item->vector && memcmp(item->vector, vs_vectors_at(&c->vectors, slot), (size_t)t->dim * 4) == 0;
  item->has_vector = item->vector && !same_vector;
}

static void number_item(vs_tx *t, vs_collection *c, vs_tx_item *item) {
  vs_body *body = item->body;
  if (item->kind == 0) return;
  const vs_body *old = item->fresh ? NULL : vs_coll_body(c, body->slot);
  body->rev = c->next_rev++;
  if (item->kind == VS_LOG_DELETE) return;
  body->seq = old ? old->seq : c->next_seq++;
  body->version = old ? old->version + 1 : 1;
  body->created_ms = old ? old->created_ms : t->now_ms;
  body->updated_ms = t->now_ms;
}

/* Reserves what the decided and numbered items need. */
static vs_status reserve(vs_tx *t, vs_collection *c) {
  uint32_t n_indexed = 0;
  uint64_t *sequence = vs_malloc(t->a, (size_t)t->n * sizeof *sequence);
  if (!sequence) return VS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < t->n; i++)
    if (vs_tx_at(t, i)->kind == VS_LOG_UPSERT && vs_tx_at(t, i)->has_vector)
      sequence[n_indexed++] = vs_tx_at(t, i)->body->seq;
  uint32_t recycled = t->inserted < c->n_free ? t->inserted : c->n_free;
  uint64_t n_slots = (uint64_t)c->n_slots + t->inserted - recycled;
  vs_status status = n_slots > VS_MAX_SLOTS ? VS_OUT_OF_MEMORY
                                            : vs_coll_prepare(c, (uint32_t)n_slots, t->inserted,
                                                              t->deleted + t->inserted, n_indexed, sequence);
  vs_free(t->a, sequence);
  return status;
}

vs_status vs_tx_prepare(vs_tx *t, vs_collection *c, vs_err *err) {
  if (t->n == 0) return VS_OK;
  uint64_t next_seq = c->next_seq, next_rev = c->next_rev;
  vs_status status = VS_OK;
  if (c->config.dim == VS_DIM_UNSET && t->dim != VS_DIM_UNSET) {
    status = vs_coll_fix_dim(c, t->dim);
    t->fixed_dim = status == VS_OK;
  }
  if (status == VS_OK) {
    for (uint32_t i = 0; i < t->n; i++) {
      decide(t, c, vs_tx_at(t, i));
      number_item(t, c, vs_tx_at(t, i));
    }
    status = reserve(t, c);
  }
  if (status != VS_OK) {
    c->next_seq = next_seq;
    c->next_rev = next_rev;
    if (t->fixed_dim) vs_coll_unfix_dim(c);
    if (status == VS_UNSUPPORTED) return vs_fail(err, status, "the index layout takes vectors of fewer dimensions");
    return vs_fail(err, status, "no memory for %u operations", t->n);
  }
  for (uint32_t i = 0; i < t->n; i++) {
    vs_tx_item *item = vs_tx_at(t, i);
    if (item->kind == VS_LOG_UPSERT && item->fresh) item->body->slot = vs_coll_take_slot(c);
  }
  return VS_OK;
}

void vs_tx_rollback(vs_tx *t, vs_collection *c) {
  for (uint32_t i = t->n; i-- > 0;) {
    const vs_tx_item *item = vs_tx_at(t, i);
    if (item->kind == VS_LOG_UPSERT && item->fresh) vs_coll_return_slot(c, item->body->slot);
  }
  if (t->fixed_dim) vs_coll_unfix_dim(c);
}

void vs_tx_apply(vs_tx *t, vs_collection *c, uint32_t i) {
  vs_tx_item *item = vs_tx_at(t, i);
  if (item->kind == VS_LOG_UPSERT) {
    vs_coll_apply_upsert(c, item->body, item->has_vector ? item->vector : NULL);
    item->body = NULL;
  } else if (item->kind == VS_LOG_DELETE) {
    vs_coll_apply_delete(c, item->body->slot);
  }
  item_clear(t, item);
}
