/* reembed.h - vectors of another embedder, gathered beside a collection's own until they take over.
 *
 * Layer: db (L4). When the embedder changes, every vector must be made anew,
 * perhaps of another dimension, and that can take hours and be interrupted. So
 * the new vectors are staged: by slot, in a set of their own, logged and
 * checkpointed like everything else, while queries and writes go on with the old
 * ones. Once every record has one, all take over in one checkpoint
 * (op_reembed.c), whose manifest is the switch.
 *
 * LOG FRAMES
 *   VS_LOG_STAGE_BEGIN  u32 dimension, the embedder's name: what was staged before is forgotten
 *   VS_LOG_STAGE        u32 slot, u64 rev of the record it was made from, float32 * dimension
 *
 * INVARIANTS
 *   E1  A slot is staged only while its record is the very write (rev) whose
 *       text was embedded: every later write of the record forgets it.
 *   E2  The index holds staged slots only; those that a log or an image
 *       brought back join it later, a few per operation.
 */
#ifndef VS_REEMBED_H
#define VS_REEMBED_H

#include "../base/bitset.h"
#include "collection.h"

#define VS_LOG_STAGE 3u
#define VS_LOG_STAGE_BEGIN 4u

struct vs_reembed {
  uint32_t dim;
  char name[VS_EMBEDDER_BYTES];
  bool has_index; /* vectors and index exist; false only in what was switched away from */
  vs_vectors vectors;
  vs_index *index;
  vs_bitset staged; /* slots whose vector is there */
  uint32_t cursor;  /* staged slots below it are in the index */
};

/* An empty set for the collection's next embedder; not installed. The name is checked. */
VS_MUST_USE vs_status vs_reembed_create(vs_collection *c, uint32_t dim, vs_slice name, vs_reembed **out);
/* NULL is allowed. */
void vs_reembed_destroy(vs_alloc *a, vs_reembed *r);
/* In place of the collection's former one. */
void vs_reembed_install(vs_collection *c, vs_reembed *r);

/* The slot's record changes or goes; r may be NULL. Cannot fail. */
void vs_reembed_forget(vs_reembed *r, uint32_t slot);
/* True if the slot holds a record of this revision. */
bool vs_reembed_fits(const vs_collection *c, uint32_t slot, uint64_t rev);
/* Room for slots below n_slots. */
VS_MUST_USE vs_status vs_reembed_reserve(vs_reembed *r, uint32_t n_slots);
/* Sets a slot's vector (dim floats of any alignment, finite), in place of an earlier one. Room must be there. */
void vs_reembed_set(vs_reembed *r, uint32_t slot, const void *vector);
/* Puts at most *max staged slots into the index, within the budget; *max is decreased. */
VS_MUST_USE vs_status vs_reembed_index(vs_reembed *r, const vs_collection *c, uint32_t *max, double *budget);
/* The first live slot at or after `from` that has no vector yet, or VS_NO_SLOT. */
uint32_t vs_reembed_missing(const vs_collection *c, uint32_t from);

/* Exchanges the collection's vectors, index, dimension and embedder with r's. */
void vs_reembed_swap(vs_collection *c, vs_reembed *r);

/* Untrusted bytes: the payload of VS_LOG_STAGE_BEGIN, also in an image; a frame of either kind; staged
 * vectors of an image, with the table of revisions. VS_CORRUPT when they do not fit. */
VS_MUST_USE vs_status vs_reembed_begin(vs_collection *c, vs_slice payload);
VS_MUST_USE vs_status vs_reembed_replay(vs_collection *c, uint8_t kind, vs_slice payload);
VS_MUST_USE vs_status vs_reembed_load(vs_collection *c, vs_slice bytes, const vs_blocks *rev, uint32_t n_slots);

#endif
