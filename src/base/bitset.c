/* bitset.c - a growable set of slots.
 *
 * Layer: base. Bit i is bit i % 64 of word i / 64.
 *
 * Invariants
 *   S1  bits at and above n_bits are 0 in every backed word.
 *   S2  n_set is the number of one bits.
 */
#include "bitset.h"

#include <string.h>

static uint32_t words_for(uint32_t n_bits) { return (n_bits >> 6) + ((n_bits & 63) != 0); }

static uint64_t *word_of(const vs_bitset *b, uint32_t i) { return vs_blocks_at(&b->words, i >> 6); }

void vs_bitset_init(vs_bitset *b, vs_alloc *a) {
  vs_blocks_init(&b->words, a, sizeof(uint64_t));
  b->n_bits = 0;
  b->n_set = 0;
}

void vs_bitset_deinit(vs_bitset *b) {
  vs_blocks_deinit(&b->words);
  b->n_bits = 0;
  b->n_set = 0;
}

vs_status vs_bitset_reserve(vs_bitset *b, uint32_t n_bits) {
  if (n_bits <= b->n_bits) return VS_OK;
  VS_TRY(vs_blocks_reserve(&b->words, words_for(n_bits)));
  b->n_bits = n_bits;
  return VS_OK;
}

bool vs_bitset_test(const vs_bitset *b, uint32_t i) { return i < b->n_bits && (*word_of(b, i) >> (i & 63) & 1) != 0; }

bool vs_bitset_set(vs_bitset *b, uint32_t i) {
  assert(i < b->n_bits);
  uint64_t *word = word_of(b, i), bit = (uint64_t)1 << (i & 63);
  if ((*word & bit) != 0) return false;
  *word |= bit;
  b->n_set++;
  return true;
}

bool vs_bitset_clear(vs_bitset *b, uint32_t i) {
  assert(i < b->n_bits);
  uint64_t *word = word_of(b, i), bit = (uint64_t)1 << (i & 63);
  if ((*word & bit) == 0) return false;
  *word &= ~bit;
  b->n_set--;
  return true;
}

void vs_bitset_clear_all(vs_bitset *b) {
  uint32_t n = words_for(b->n_bits), per_block = b->words.mask + 1;
  for (uint32_t at = 0; at < n; at += per_block) {
    uint32_t here = n - at < per_block ? n - at : per_block;
    memset(vs_blocks_at(&b->words, at), 0, here * sizeof(uint64_t));
  }
  b->n_set = 0;
}

uint32_t vs_bitset_next(const vs_bitset *b, uint32_t i) {
  if (i >= b->n_bits) return VS_NO_SLOT;
  uint32_t w = i >> 6, n = words_for(b->n_bits);
  uint64_t word = *(const uint64_t *)vs_blocks_at(&b->words, w) & (UINT64_MAX << (i & 63));
  while (word == 0) {
    if (++w == n) return VS_NO_SLOT;
    word = *(const uint64_t *)vs_blocks_at(&b->words, w);
  }
  return (w << 6) + (uint32_t)__builtin_ctzll(word);
}
