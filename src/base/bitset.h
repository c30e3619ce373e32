/* bitset.h - a growable set of slots, one bit each.
 *
 * Layer: base. Kept in blocks so that growth never copies more than a block
 * table. Reading beyond the size gives false. Test and set are O(1).
 */
#ifndef VS_BITSET_H
#define VS_BITSET_H

#include "blocks.h"

typedef struct {
  vs_blocks words; /* uint64 each */
  uint32_t n_bits; /* bits below this are backed */
  uint32_t n_set;  /* population count */
} vs_bitset;

void vs_bitset_init(vs_bitset *b, vs_alloc *a);
void vs_bitset_deinit(vs_bitset *b);
/* Backs bits below n_bits (new ones are 0). Never shrinks. */
VS_MUST_USE vs_status vs_bitset_reserve(vs_bitset *b, uint32_t n_bits);
bool vs_bitset_test(const vs_bitset *b, uint32_t i);
/* i must be backed. Both report whether the bit changed. */
bool vs_bitset_set(vs_bitset *b, uint32_t i);
bool vs_bitset_clear(vs_bitset *b, uint32_t i);
void vs_bitset_clear_all(vs_bitset *b);
/* First set bit at or after i, or VS_NO_SLOT. */
uint32_t vs_bitset_next(const vs_bitset *b, uint32_t i);

#endif
