/* filters.h - compiled filters by handle, and what is done with one besides queries.
 *
 * Layer: db. A handle is 1 + its place in a table; 0 is "no filter". A filter
 * outlives writes, but not the closing of the store.
 */
#ifndef VS_FILTERS_H
#define VS_FILTERS_H

#include "../query/match.h"
#include "collection.h"
#include "tx.h"

typedef struct {
  vs_alloc *a;
  vs_prepared **entry; /* owned table of owned filters; NULL = free */
  uint32_t cap;
  uint32_t *slots; /* of the last scan: room for cap_slots */
  uint32_t cap_slots, scan_next;
} vs_filters;

void vs_filters_init(vs_filters *f, vs_alloc *a);
void vs_filters_deinit(vs_filters *f);

/* Takes over a compiled filter; its handle. VS_OUT_OF_MEMORY: it stays the caller's. */
VS_MUST_USE vs_status vs_filters_add(vs_filters *f, vs_filter *filter, int32_t *handle, vs_err *err);
void vs_filters_remove(vs_filters *f, int32_t handle);
/* The filter of a handle, NULL of 0. VS_INVALID_ARGUMENT: there is none. */
VS_MUST_USE vs_status vs_filters_get(const vs_filters *f, int32_t handle, vs_prepared **out, vs_err *err);

/* How many records match. */
VS_MUST_USE vs_status vs_filters_count(vs_collection *c, vs_prepared *p, uint32_t *out, vs_err *err);
/* Stages the deletion of every match. */
VS_MUST_USE vs_status vs_filters_delete(vs_collection *c, vs_prepared *p, vs_tx *t, uint32_t *out, vs_err *err);
/* The next matches from slot `from` on (vs_scan in vs_abi.def), into f->slots. */
VS_MUST_USE vs_status vs_filters_scan(vs_filters *f, const vs_collection *c, vs_prepared *p, uint32_t from,
                                      uint64_t before_seq, uint32_t limit, uint32_t *out, vs_err *err);

#endif
