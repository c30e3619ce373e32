/* blocks.c - arrays in blocks of about 1 MiB.
 *
 * Layer: base. Knows nothing of the items.
 * Items per block are the largest power of two that fits VS_BLOCK_BYTES. The
 * first block starts at 256 bytes and doubles (a copy of less than a block);
 * once it is full-sized every further block is full-sized from the start and
 * nothing moves again except the table of block pointers.
 *
 * Invariants
 *   B1  n_blocks <= 1: n_items = what the block holds, at most 1 << shift;
 *       n_blocks  > 1: n_items = n_blocks << shift.
 *   B2  items never handed out, or given back by truncate, are zero (unless raw).
 */
#include "blocks.h"

#include <string.h>

#define BLOCK_ALIGN 64u
#define FIRST_BYTES 256u

/* So that n_items, always a multiple of whole blocks, cannot overflow. */
#define MAX_ITEMS 0x80000000u

void vs_blocks_init(vs_blocks *b, vs_alloc *a, uint32_t item_bytes) {
  assert(item_bytes > 0 && item_bytes <= VS_BLOCK_BYTES);
  uint32_t shift = 0;
  while (((size_t)item_bytes << (shift + 1)) <= VS_BLOCK_BYTES) shift++;
  memset(b, 0, sizeof *b);
  b->a = a;
  b->item_bytes = item_bytes;
  b->shift = shift;
  b->mask = (1u << shift) - 1;
}

void vs_blocks_deinit(vs_blocks *b) {
  for (uint32_t i = 0; i < b->n_blocks; i++) vs_free(b->a, b->block[i]);
  vs_free(b->a, b->block);
  vs_blocks_init(b, b->a, b->item_bytes);
}

static vs_status reserve_table(vs_blocks *b, uint32_t n) {
  if (n <= b->cap_blocks) return VS_OK;
  uint32_t cap = b->cap_blocks * 2 > n ? b->cap_blocks * 2 : n;
  size_t bytes;
  if (!vs_mul_size(cap, sizeof *b->block, &bytes)) return VS_OUT_OF_MEMORY;
  uint8_t **table = vs_realloc(b->a, b->block, bytes);
  if (table == NULL) return VS_OUT_OF_MEMORY;
  b->block = table;
  b->cap_blocks = cap;
  return VS_OK;
}

/* Replaces the first block by one of `n` items, keeping its contents. */
static vs_status grow_first(vs_blocks *b, uint32_t n) {
  size_t old_bytes = (size_t)b->n_items * b->item_bytes, bytes = (size_t)n * b->item_bytes;
  VS_TRY(reserve_table(b, 1));
  uint8_t *block = vs_malloc_aligned(b->a, bytes, BLOCK_ALIGN);
  if (block == NULL) return VS_OUT_OF_MEMORY;
  if (old_bytes > 0) memcpy(block, b->block[0], old_bytes);
  if (!b->raw) memset(block + old_bytes, 0, bytes - old_bytes);
  if (b->n_blocks == 1) vs_free(b->a, b->block[0]);
  b->block[0] = block;
  b->n_blocks = 1;
  b->n_items = n;
  return VS_OK;
}

/* The next size of the first block: at least n, doubling, at most full. */
static uint32_t first_size(const vs_blocks *b, uint32_t n) {
  uint32_t full = 1u << b->shift, least = FIRST_BYTES / b->item_bytes;
  uint32_t size = b->n_items * 2 > n ? b->n_items * 2 : n;
  if (size < least) size = least;
  return size < full ? size : full;
}

/* Drops full blocks above the first `keep`. */
static void drop_blocks(vs_blocks *b, uint32_t keep) {
  while (b->n_blocks > keep) vs_free(b->a, b->block[--b->n_blocks]);
  if (keep == 0)
    b->n_items = 0;
  else if (b->n_items > keep << b->shift)
    b->n_items = keep << b->shift;
}

vs_status vs_blocks_reserve(vs_blocks *b, uint32_t n) {
  if (n <= b->n_items) return VS_OK;
  if (n > MAX_ITEMS) return VS_OUT_OF_MEMORY;
  uint32_t full = 1u << b->shift, had = b->n_blocks, want = ((n - 1) >> b->shift) + 1;
  VS_TRY(reserve_table(b, want));
  if (b->n_blocks <= 1 && b->n_items < full) VS_TRY(grow_first(b, first_size(b, n)));
  while (b->n_blocks < want) {
    size_t bytes = (size_t)full * b->item_bytes;
    uint8_t *block = vs_malloc_aligned(b->a, bytes, BLOCK_ALIGN);
    if (block == NULL) {
      /* What this call added is of no use to a caller that was refused. */
      drop_blocks(b, had);
      return VS_OUT_OF_MEMORY;
    }
    if (!b->raw) memset(block, 0, bytes);
    b->block[b->n_blocks++] = block;
    b->n_items += full;
  }
  return VS_OK;
}

void vs_blocks_truncate(vs_blocks *b, uint32_t n) {
  if (n >= b->n_items) return;
  drop_blocks(b, n == 0 ? 0 : ((n - 1) >> b->shift) + 1);
  if (n >= b->n_items) return;
  uint32_t in_last = b->n_items - n;
  memset(vs_blocks_at(b, n), 0, (size_t)in_last * b->item_bytes);
}

size_t vs_blocks_bytes(const vs_blocks *b) {
  return (size_t)b->n_items * b->item_bytes + b->cap_blocks * sizeof *b->block;
}
