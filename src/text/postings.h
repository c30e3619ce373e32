/* postings.h - which records have a term, how often and where.
 *
 * Layer: text (L2). A list is a row of blocks of at most VS_BLOCK_DOCS
 * postings, ascending by slot. Knows slots, counts and positions; no terms' bytes, no scores.
 *
 * A block's bytes are one run of a pool: `data_n` bytes of slots and counts, then
 * `pos_n` bytes of positions, which scoring never touches.
 *   data  per posting varint (slot - slot before) << 1 | (count is 1), then
 *         varint count unless it is 1; the first posting's difference is 0
 *   pos   per posting its positions: varint the first, then the differences;
 *         only the first VS_POSITIONS of a posting are kept
 * A block says how high a count in it can be and how short a record, from
 * which the highest score in it follows for any average length: both are
 * bounds, which a removal need not tighten.
 *
 * INVARIANTS
 *   P1  blocks are not empty, their ranges first..last disjoint and ascending.
 *   P2  n_docs is the sum of the blocks' n.
 *   P3  max_tf is at least every count of the block (saturated at its type's
 *       maximum), min_len at most every length given with its postings.
 *   P4  neighbours have together more than VS_BLOCK_LOOSE postings, or more bytes of positions than one block takes:
 *       what changes leave thinly filled they join at once, so that no debt gathers and memory stays in
 *       proportion (unless memory for joining was refused).
 */
#ifndef VS_TEXT_POSTINGS_H
#define VS_TEXT_POSTINGS_H

#include "pool.h"

#define VS_BLOCK_DOCS 128u
#define VS_BLOCK_LOOSE 96u
#define VS_POSITIONS 4096u
/* Most bytes of a posting's positions. */
#define VS_POSITION_BYTES (VS_POSITIONS * 5u)

typedef struct {
  uint32_t first, last; /* slots */
  uint32_t run;         /* in the pool */
  uint32_t min_len;
  uint16_t data_n, pos_n, max_tf;
  uint8_t n, class;
} vs_block;

typedef struct {
  uint32_t n_docs, n_blocks;
  union {
    vs_block one; /* n_blocks <= 1 */
    struct {
      vs_block *block; /* owned */
      uint32_t cap;
    } many;
  } as;
} vs_list;

static inline vs_block *vs_list_blocks(const vs_list *l) {
  return l->n_blocks > 1 ? l->as.many.block : (vs_block *)(uintptr_t)&l->as.one;
}

/* What a record has of a term. */
typedef struct {
  uint32_t slot, tf, len;   /* len: words of the record's field, for the block's bound */
  const uint32_t *position; /* ascending; the first min(tf, VS_POSITIONS) of them */
} vs_posting;

typedef struct vs_list_work vs_list_work; /* scratch for rewriting blocks */

/* Everything lists are kept in. */
typedef struct {
  vs_alloc *a;
  vs_pool pool;
  vs_list_work *work; /* owned; made when first needed */
} vs_lists;

void vs_lists_init(vs_lists *p, vs_alloc *a);
void vs_lists_deinit(vs_lists *p);

/* Adds a posting for a slot that the list does not have. VS_OUT_OF_MEMORY: the list is as it was. */
VS_MUST_USE vs_status vs_list_add(vs_lists *p, vs_list *l, const vs_posting *x);
/* The same with the positions as their bytes, which must be sound. VS_CORRUPT: the list has the slot already. */
VS_MUST_USE vs_status vs_list_add_bytes(vs_lists *p, vs_list *l, const vs_posting *x, const uint8_t *pos,
                                        uint32_t pos_n);
/* Removes the posting of a slot; false in *found: there was none. VS_OUT_OF_MEMORY: the list is as it was. */
VS_MUST_USE vs_status vs_list_remove(vs_lists *p, vs_list *l, uint32_t slot, bool *found);
/* Frees what the list holds beside its pool runs. */
void vs_list_deinit(vs_lists *p, vs_list *l);
size_t vs_list_extra_bytes(const vs_list *l);

/* A varint below 2^32 that is known to be whole. */
static inline uint32_t vs_varint(const uint8_t **p) {
  uint32_t v = *(*p)++;
  if (v < 128) return v;
  v &= 127;
  for (uint32_t shift = 7;; shift += 7) {
    uint32_t byte = *(*p)++;
    v |= (byte & 127) << shift;
    if (byte < 128) return v;
  }
}

/* Reads a list ascending by slot. Holds no memory; the list must not change meanwhile. */
typedef struct {
  const vs_pool *pool;
  const vs_block *block, *end; /* the present one, one beyond the last */
  const uint8_t *at;           /* the next posting's bytes */
  uint32_t left;               /* postings of the block after this one */
  uint32_t slot, tf;           /* the present posting; slot is VS_NO_SLOT behind the last */
  const uint8_t *pos;          /* positions from here on: `skip` of them belong to earlier postings */
  uint64_t skip;
} vs_cursor;

void vs_cursor_begin(vs_cursor *c, const vs_lists *p, const vs_list *l);
/* To the beginning of `block`, or behind the last posting. */
void vs_cursor_enter(vs_cursor *c);
static inline void vs_cursor_next(vs_cursor *c) {
  if (c->left == 0) {
    c->block++;
    vs_cursor_enter(c);
    return;
  }
  c->left--;
  c->skip += c->tf < VS_POSITIONS ? c->tf : VS_POSITIONS;
  uint32_t head = vs_varint(&c->at);
  c->slot += head >> 1;
  c->tf = head & 1 ? 1 : vs_varint(&c->at);
}
/* To the first posting at or after `slot`; never back. */
void vs_cursor_seek(vs_cursor *c, uint32_t slot);
/* Positions of the present posting, at most `cap`; how many. */
uint32_t vs_cursor_positions(vs_cursor *c, uint32_t *out, uint32_t cap);

#endif
