/* reembed.c - gathering the vectors of another embedder (contract, frames and invariants: reembed.h).
 *
 * Layer: db. O(dimension) to set a slot, one graph insert to index it, O(slots)
 * in all to find what is missing.
 */
#include "reembed.h"

#include <string.h>

#include "../base/utf8.h"

/* Rough cost in budget units (distance evaluations) of one insert. */
#define INDEX_COST 3000.0

vs_status vs_reembed_create(vs_collection *c, uint32_t dim, vs_slice name, vs_reembed **out) {
  if (dim == 0 || dim > VS_MAX_DIMENSION || name.n == 0 || name.n >= VS_EMBEDDER_BYTES) return VS_INVALID_ARGUMENT;
  if (memchr(name.p, 0, name.n) || !vs_utf8_valid(name.p, name.n)) return VS_INVALID_ARGUMENT;
  vs_reembed *r = vs_calloc(c->a, 1, sizeof *r);
  if (!r) return VS_OUT_OF_MEMORY;
  r->dim = dim;
  memcpy(r->name, name.p, name.n);
  vs_vectors_init(&r->vectors, c->a, dim);
  vs_bitset_init(&r->staged, c->a);
  vs_status status = vs_index_create(c->a, &c->config.index, &r->vectors, &c->sequences, &r->index);
  r->has_index = status == VS_OK;
  if (status == VS_OK)
    *out = r;
  else
    vs_reembed_destroy(c->a, r);
  return status;
}

void vs_reembed_destroy(vs_alloc *a, vs_reembed *r) {
  if (!r) return;
  if (r->has_index) {
    vs_index_destroy(r->index);
    vs_vectors_deinit(&r->vectors);
  }
  vs_bitset_deinit(&r->staged);
  vs_free(a, r);
}

void vs_reembed_install(vs_collection *c, vs_reembed *r) {
  vs_reembed_destroy(c->a, c->next);
  c->next = r;
}

void vs_reembed_forget(vs_reembed *r, uint32_t slot) {
  if (!r || !vs_bitset_test(&r->staged, slot)) return;
  if (vs_index_contains(r->index, slot)) vs_index_remove(r->index, slot);
  vs_bitset_clear(&r->staged, slot);
}

bool vs_reembed_fits(const vs_collection *c, uint32_t slot, uint64_t rev) {
  const vs_body *body = vs_coll_body(c, slot);
  return body && body->rev == rev;
}

vs_status vs_reembed_reserve(vs_reembed *r, uint32_t n_slots) {
  VS_TRY(vs_bitset_reserve(&r->staged, n_slots));
  return vs_vectors_reserve(&r->vectors, n_slots);
}

void vs_reembed_set(vs_reembed *r, uint32_t slot, const void *vector) {
  vs_reembed_forget(r, slot);
  bool finite = vs_vectors_set(&r->vectors, slot, vector);
  assert(finite);
  (void)finite;
  vs_bitset_set(&r->staged, slot);
  if (slot < r->cursor) r->cursor = slot;
}

vs_status vs_reembed_index(vs_reembed *r, const vs_collection *c, uint32_t *max, double *budget) {
  while (*max > 0 && *budget > 0 && vs_index_count(r->index) < r->staged.n_set) {
    uint32_t slot = vs_bitset_next(&r->staged, r->cursor);
    if (!vs_index_contains(r->index, slot)) {
      VS_TRY(vs_index_prepare(r->index, c->n_slots, 1, vs_blocks_at(&c->sequences, slot)));
      vs_index_insert(r->index, slot);
      *budget -= INDEX_COST;
      --*max;
    }
    r->cursor = slot + 1;
  }
  return VS_OK;
}

uint32_t vs_reembed_missing(const vs_collection *c, uint32_t from) {
  for (uint32_t slot = from; slot < c->n_slots; slot++)
    if (vs_coll_body(c, slot) && !(c->next && vs_bitset_test(&c->next->staged, slot))) return slot;
  return VS_NO_SLOT;
}

/* ============ The switch ============ */

void vs_reembed_swap(vs_collection *c, vs_reembed *r) {
  vs_vectors vectors = c->vectors;
  vs_index *index = c->index;
  uint32_t dim = c->config.dim;
  bool has_index = c->has_index;
  char name[VS_EMBEDDER_BYTES];
  memcpy(name, c->config.embedder, sizeof name);
  c->vectors = r->vectors;
  c->index = r->index;
  c->config.dim = r->dim;
  c->has_index = r->has_index;
  memcpy(c->config.embedder, r->name, sizeof name);
  r->vectors = vectors;
  r->index = index;
  r->dim = dim;
  r->has_index = has_index;
  memcpy(r->name, name, sizeof name);
  if (c->has_index) vs_index_rebind(c->index, &c->vectors);
  if (r->has_index) vs_index_rebind(r->index, &r->vectors);
}

/* ============ Back from log and image ============ */

vs_status vs_reembed_begin(vs_collection *c, vs_slice payload) {
  vs_reembed *next;
  vs_rd rd = vs_rd_of(payload.p, payload.n);
  uint32_t dim = vs_rd_u32(&rd);
  if (rd.failed) return VS_CORRUPT;
  vs_status status = vs_reembed_create(c, dim, (vs_slice){rd.p, vs_rd_left(&rd)}, &next);
  if (status != VS_OK) return status == VS_OUT_OF_MEMORY ? status : VS_CORRUPT;
  vs_reembed_install(c, next);
  return VS_OK;
}

vs_status vs_reembed_replay(vs_collection *c, uint8_t kind, vs_slice payload) {
  if (kind == VS_LOG_STAGE_BEGIN) return vs_reembed_begin(c, payload);
  vs_rd rd = vs_rd_of(payload.p, payload.n);
  uint32_t slot = vs_rd_u32(&rd);
  uint64_t rev = vs_rd_u64(&rd);
  if (rd.failed || !c->next || vs_rd_left(&rd) != (size_t)c->next->dim * 4) return VS_CORRUPT;
  if (!vs_reembed_fits(c, slot, rev) || !vs_floats_finite(rd.p, c->next->dim)) return VS_CORRUPT;
  VS_TRY(vs_reembed_reserve(c->next, c->n_slots));
  vs_reembed_set(c->next, slot, rd.p);
  return VS_OK;
}

vs_status vs_reembed_load(vs_collection *c, vs_slice bytes, const vs_blocks *rev, uint32_t n_slots) {
  vs_reembed *next = c->next;
  if (!next) return VS_CORRUPT;
  vs_rd rd = vs_rd_of(bytes.p, bytes.n);
  while (vs_rd_left(&rd) > 0) {
    uint32_t slot = vs_rd_u32(&rd);
    const uint8_t *vector = vs_rd_bytes(&rd, (size_t)next->dim * 4);
    if (rd.failed || slot >= n_slots || *(uint64_t *)vs_blocks_at(rev, slot) == 0) return VS_CORRUPT;
    if (vs_bitset_test(&next->staged, slot) || !vs_floats_finite(vector, next->dim)) return VS_CORRUPT;
    VS_TRY(vs_reembed_reserve(next, slot + 1));
    vs_reembed_set(next, slot, vector);
  }
  return VS_OK;
}
