/* filters.c - compiled filters by handle (see filters.h).
 *
 * Layer: db. Counting and deleting find the set of matches. A scan evaluates as
 * it goes, at most SCAN_RECORDS at a time, because writes may come between its
 * calls; where the set is remembered from before it uses that.
 */
#include "filters.h"

#include <string.h>

#define SCAN_RECORDS 65536u

void vs_filters_init(vs_filters *f, vs_alloc *a) {
  memset(f, 0, sizeof *f);
  f->a = a;
  f->scan_next = VS_NO_SLOT;
}

void vs_filters_deinit(vs_filters *f) {
  for (uint32_t i = 0; i < f->cap; i++)
    if (f->entry[i]) vs_filters_remove(f, (int32_t)i + 1);
  vs_free(f->a, f->entry);
  vs_free(f->a, f->slots);
  vs_filters_init(f, f->a);
}

vs_status vs_filters_add(vs_filters *f, vs_filter *filter, int32_t *handle, vs_err *err) {
  uint32_t at = 0;
  while (at < f->cap && f->entry[at]) at++;
  if (at == f->cap) {
    uint32_t cap = f->cap < 8 ? 8 : f->cap * 2;
    vs_prepared **grown = vs_realloc(f->a, f->entry, cap * sizeof(*grown));
    if (!grown) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a filter");
    memset(grown + f->cap, 0, (cap - f->cap) * sizeof(*grown));
    f->entry = grown;
    f->cap = cap;
  }
  vs_prepared *p = vs_malloc(f->a, sizeof *p);
  if (!p) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a filter");
  vs_prepared_init(p, f->a, filter);
  f->entry[at] = p;
  *handle = (int32_t)at + 1;
  return VS_OK;
}

void vs_filters_remove(vs_filters *f, int32_t handle) {
  if (handle <= 0 || (uint32_t)handle > f->cap || !f->entry[handle - 1]) return;
  vs_prepared_deinit(f->entry[handle - 1], f->a);
  vs_free(f->a, f->entry[handle - 1]);
  f->entry[handle - 1] = NULL;
}

vs_status vs_filters_get(const vs_filters *f, int32_t handle, vs_prepared **out, vs_err *err) {
  *out = NULL;
  if (handle == 0) return VS_OK;
  if (handle < 0 || (uint32_t)handle > f->cap || !f->entry[handle - 1])
    return vs_fail(err, VS_INVALID_ARGUMENT, "there is no such filter");
  *out = f->entry[handle - 1];
  return VS_OK;
}

static vs_status find(vs_collection *c, vs_prepared *p, vs_err *err) {
  vs_match_stats stats;
  vs_status status = vs_meta_ready(&c->meta);
  if (status == VS_OK) status = vs_match_find(&c->meta, p, &stats);
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory to find the records that match");
}

vs_status vs_filters_count(vs_collection *c, vs_prepared *p, uint32_t *out, vs_err *err) {
  VS_TRY(find(c, p, err));
  *out = p->matches.n_set;
  return VS_OK;
}

vs_status vs_filters_delete(vs_collection *c, vs_prepared *p, vs_tx *t, uint32_t *out, vs_err *err) {
  VS_TRY(find(c, p, err));
  *out = p->matches.n_set;
  const vs_bitset *set = &p->matches;
  for (uint32_t slot = vs_bitset_next(set, 0); slot != VS_NO_SLOT; slot = vs_bitset_next(set, slot + 1))
    VS_TRY(vs_tx_stage_delete(t, c, slot, err));
  return VS_OK;
}

/* ============ Scanning ============ */

static bool take(vs_filters *f, const vs_collection *c, const vs_prepared *p, uint32_t slot, uint64_t before_seq,
                 uint32_t n) {
  const vs_body *b = vs_coll_body(c, slot);
  if (!b || (before_seq && b->seq >= before_seq)) return false;
  bool remembered = p && p->epoch == c->meta.epoch;
  if (p && !(remembered ? vs_bitset_test(&p->matches, slot) : vs_filter_match(p->filter, vs_body_meta(b))))
    return false;
  f->slots[n] = slot;
  return true;
}

vs_status vs_filters_scan(vs_filters *f, const vs_collection *c, vs_prepared *p, uint32_t from, uint64_t before_seq,
                          uint32_t limit, uint32_t *out, vs_err *err) {
  uint32_t n = 0, looked = 0;
  *out = 0;
  if (limit > f->cap_slots) {
    uint32_t *slots = vs_malloc(f->a, (size_t)limit * sizeof *slots);
    if (!slots) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the scan");
    vs_free(f->a, f->slots);
    f->slots = slots;
    f->cap_slots = limit;
  }
  for (; from < c->n_slots && n < limit && looked < SCAN_RECORDS; from++, looked++)
    n += take(f, c, p, from, before_seq, n);
  f->scan_next = from < c->n_slots ? from : VS_NO_SLOT;
  *out = n;
  return VS_OK;
}
