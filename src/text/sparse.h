/* sparse.h - the inverted index of a collection's sparse vectors, and the search in it.
 *
 * Layer: text (L2); knows records by slot and sparse vector only. As the text index it is derived from the records: it
 * is built in steps before the first sparse query, follows every write from then on, and one that is refused memory
 * gives itself up and is built anew, so that nothing of it ever fails a write. Saving it with the image would save
 * lists and blocks as they are here; a build that finds them saved would begin with built_to at their end.
 *
 * A list per dimension in use, of blocks of at most VS_SPARSE_BLOCK postings, ascending by slot. A block's bytes
 * are a run of a pool: per posting varint (slot - slot before), f32 value; the first difference is 0. low and high
 * bound the values of the block, from which the most that it can add to a score follows; a removal
 * need not tighten them.
 *
 * INVARIANTS
 *   S1  with `begun`, exactly the sparse vectors of slots below built_to are in it.
 *   S2  blocks are not empty, their ranges first..last disjoint and ascending, their values within low..high.
 *   S3  n_postings is the sum of the blocks' n.
 */
#ifndef VS_TEXT_SPARSE_H
#define VS_TEXT_SPARSE_H

#include "../base/bitset.h"
#include "../base/bytes.h"
#include "../base/hashmap.h"
#include "best.h"
#include "pool.h"

#define VS_SPARSE_BLOCK 128u

/* A sparse vector's indices, u32 strictly ascending, and values, f32; n of each, at any alignment. NULL = none. */
typedef struct {
  const uint8_t *index, *value;
  uint32_t n;
} vs_sparse_view;

static inline float vs_load_f32(const uint8_t *p) {
  union {
    uint32_t bits;
    float value;
  } u = {vs_load_u32(p)};
  return u.value;
}

typedef struct {
  const void *ctx;
  /* The record's sparse vector; without one all zero. */
  vs_sparse_view (*sparse)(const void *ctx, uint32_t slot);
  uint32_t (*n_slots)(const void *ctx);
  /* Its place in the order of insertion. */
  uint64_t (*sequence)(const void *ctx, uint32_t slot);
} vs_sparse_source;

typedef struct {
  uint32_t first, last, run;
  float low, high;
  uint16_t data_n;
  uint8_t n, class;
} vs_sparse_block;

typedef struct {
  uint32_t dim, n_blocks, cap;
  vs_sparse_block *block; /* owned */
} vs_sparse_list;

typedef struct {
  vs_alloc *a;
  vs_sparse_source source;
  uint64_t hash_seed;
  bool begun; /* what follows is there */
  uint32_t built_to, n_lists, n_docs;
  uint64_t n_postings;
  vs_pool pool;
  vs_blocks lists; /* vs_sparse_list */
  vs_hashmap by_dim;
} vs_sparse;

/* Lives at one address. */
void vs_sparse_init(vs_sparse *x, vs_alloc *a, const vs_sparse_source *source, uint64_t hash_seed);
void vs_sparse_deinit(vs_sparse *x);
/* After a record came to a slot, before one leaves it. Cannot fail. */
void vs_sparse_added(vs_sparse *x, uint32_t slot, vs_sparse_view v);
void vs_sparse_removing(vs_sparse *x, uint32_t slot, vs_sparse_view v);
/* Goes on building for about so many postings; *done: it is complete. VS_OUT_OF_MEMORY: it is given up. */
VS_MUST_USE vs_status vs_sparse_build(vs_sparse *x, double postings, bool *done);
static inline bool vs_sparse_ready(const vs_sparse *x) { return x->begun && x->built_to == UINT32_MAX; }
/* Compares the index with the records: VS_CORRUPT where they disagree. */
VS_MUST_USE vs_status vs_sparse_check(const vs_sparse *x);
size_t vs_sparse_bytes(const vs_sparse *x);
/* The list of a dimension, or NULL. */
const vs_sparse_list *vs_sparse_find(const vs_sparse *x, uint32_t dim);

/* Reads a list ascending by slot; it must not change meanwhile. */
typedef struct {
  const vs_pool *pool;
  const vs_sparse_block *block, *end;
  const uint8_t *at;
  uint32_t left, slot; /* slot is VS_NO_SLOT behind the last */
  float value;
} vs_sparse_cursor;

void vs_sparse_cursor_begin(vs_sparse_cursor *c, const vs_sparse *x, const vs_sparse_list *l);
void vs_sparse_cursor_next(vs_sparse_cursor *c);
/* To the first posting at or after `slot`; never back. */
void vs_sparse_cursor_seek(vs_sparse_cursor *c, uint32_t slot);

typedef struct {
  vs_alloc *a;
  vs_text_hit *hit; /* best first */
  uint32_t n_hits, cap;
  uint64_t scored, skipped; /* records scored, windows passed over by the last search */
} vs_sparse_found;

void vs_sparse_found_init(vs_sparse_found *h, vs_alloc *a);
void vs_sparse_found_deinit(vs_sparse_found *h);

/* The inner product, summed in double by ascending index; *shared: how many indices both have, of those that are
 * not 0 in q. */
double vs_sparse_dot(vs_sparse_view q, vs_sparse_view v, uint32_t *shared);
/* The k records of highest inner product with q among those that share an index with it that is not 0 there, best
 * first, equal ones by insertion; of those in the filter (NULL = all). The scores are exactly those of vs_sparse_dot.
 * The index must be ready. VS_OUT_OF_MEMORY: there are no hits. */
VS_MUST_USE vs_status vs_sparse_search(const vs_sparse *x, vs_sparse_view q, uint32_t k, const vs_bitset *filter,
                                       vs_sparse_found *out);

#endif
