/* range_index.h - the slots of a field in the order of its values: for fields with many distinct values.
 *
 * Layer: query (L3). Two parts: a 64-bit key per slot that grows with the
 * value (vs_filter_compare), and all slots with a value in the order of
 * (key, slot), in chunks of at most VS_RANGE_CHUNK. A comparison is a run of
 * that list, found by binary search; its length is known without reading it.
 *
 * A KEY is smaller than the value it stands for, so different values can share
 * one. Of the records whose key equals that of a constant, the metadata
 * decides; of all others the key does.
 *
 *   0                      no value: missing, null, object, array
 *   0x0...                 numbers: the bits of the double, order-preserving, without the last one
 *   1 c1 c0 ...            strings; c = 0: empty or begins below '0'; 1: begins with a digit; 2: above
 *                          c != 1: the first 7 bytes (and 5 bits more); c = 1: 12 symbols of
 *                          5 bits each, which is what ISO dates down to ten minutes need
 *
 * INVARIANTS
 *   R1  The list holds exactly the slots whose key is not 0, ascending by
 *       (key, slot); no chunk is empty.
 *   R2  While n_vague is 0 every key in the list stands for one value only.
 *
 * Arrays are not indexed. Adding and removing: O(log n) and a move within a chunk.
 */
#ifndef VS_RANGE_INDEX_H
#define VS_RANGE_INDEX_H

#include "../base/bitset.h"
#include "../filter/filter.h"

#define VS_RANGE_CHUNK 512u

typedef struct {
  uint32_t n;
  uint32_t slot[VS_RANGE_CHUNK];
} vs_range_chunk;

typedef struct {
  vs_alloc *a;
  vs_blocks key; /* uint64 by slot */
  vs_range_chunk **chunk;
  uint32_t n_chunks, cap_chunks;
  uint32_t n;       /* slots in the list */
  uint32_t n_vague; /* slots added whose key stands for other values too */
} vs_range_index;

void vs_range_index_init(vs_range_index *x, vs_alloc *a);
void vs_range_index_deinit(vs_range_index *x);
size_t vs_range_index_bytes(const vs_range_index *x);

/* Adds a slot with the field's value. VS_OUT_OF_MEMORY: the index must be given up. */
VS_MUST_USE vs_status vs_range_index_add(vs_range_index *x, uint32_t slot, const vs_value *value);
/* Appends a slot with its key, as read from storage, after those that come before it in the list
 * (the caller's business). VS_CORRUPT: the slot is there already. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_range_index_append(vs_range_index *x, uint32_t slot, uint64_t key);
/* Takes a slot out, whatever its value. Cannot fail. */
void vs_range_index_remove(vs_range_index *x, uint32_t slot);

/* A run of the list: positions [from, to). Of the slots whose key is one of the
 * vague ones, or of all, the metadata decides. */
typedef struct {
  uint32_t from, to;
  uint64_t vague[2]; /* 0 = none */
  bool all_vague;
} vs_range_run;

#define VS_RANGE_UNKNOWN UINT32_MAX

/* How many runs hold every record for which the term is TRUE; they may overlap.
 * VS_RANGE_UNKNOWN: the index cannot tell. Depends on the term alone. */
uint32_t vs_range_index_runs(const vs_filter_term *term);
/* The i-th of them. O(log n + chunks). */
vs_range_run vs_range_index_run(const vs_range_index *x, const vs_filter_term *term, uint32_t i);
/* How many slots have a smaller key. */
uint32_t vs_range_index_position(const vs_range_index *x, uint64_t key);

/* Positions, for walking over a run. */
typedef struct {
  uint32_t chunk, at;
} vs_range_cursor;
vs_range_cursor vs_range_seek(const vs_range_index *x, uint32_t position);
/* The slot there; moves on. */
static inline uint32_t vs_range_next(const vs_range_index *x, vs_range_cursor *c) {
  uint32_t slot = x->chunk[c->chunk]->slot[c->at++];
  if (c->at == x->chunk[c->chunk]->n) {
    c->chunk++;
    c->at = 0;
  }
  return slot;
}
static inline uint64_t vs_range_key(const vs_range_index *x, uint32_t slot) {
  return *(const uint64_t *)vs_blocks_at(&x->key, slot);
}

/* For tests: checks R1. */
bool vs_range_index_sound(const vs_range_index *x);

#endif
