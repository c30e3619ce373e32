/* blocks.h - an array of equal items in blocks of about 1 MiB.
 *
 * Layer: base. Item i lives at block i >> shift, so growth adds a block and
 * moves nothing: the engine never reallocates more than the block table,
 * and the address space is not halved by doubling. While everything fits in
 * the first block that block alone grows by doubling, so that small stores
 * stay small; item pointers are therefore valid only until the next reserve.
 * Blocks are aligned to 64 bytes and zeroed when new, unless `raw` is set
 * after init by an owner that writes every item before reading it.
 */
#ifndef VS_BLOCKS_H
#define VS_BLOCKS_H

#include "alloc.h"

typedef struct {
  vs_alloc *a;
  uint8_t **block; /* owned table of owned blocks */
  uint32_t n_blocks;
  uint32_t cap_blocks;
  uint32_t item_bytes;  /* stride; the caller rounds it for alignment */
  uint32_t shift, mask; /* items per block = 1 << shift */
  uint32_t n_items;     /* items backed by memory */
  bool raw;             /* new items are not zeroed */
} vs_blocks;

/* item_bytes in 1 .. VS_BLOCK_BYTES. Allocates nothing. */
void vs_blocks_init(vs_blocks *b, vs_alloc *a, uint32_t item_bytes);
void vs_blocks_deinit(vs_blocks *b);
/* Backs items below n; new bytes are zero. On failure nothing is lost. */
VS_MUST_USE vs_status vs_blocks_reserve(vs_blocks *b, uint32_t n);
/* Gives back whole blocks above n items. */
void vs_blocks_truncate(vs_blocks *b, uint32_t n);
/* Bytes of memory held, table included. */
size_t vs_blocks_bytes(const vs_blocks *b);

static inline void *vs_blocks_at(const vs_blocks *b, uint32_t i) {
  assert(i < b->n_items);
  return b->block[i >> b->shift] + (size_t)(i & b->mask) * b->item_bytes;
}

#endif
