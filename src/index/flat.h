/* flat.h - exact search by scanning, and the ranking every search ends in.
 *
 * Layer: index (L2), internal. The scan is the oracle for the graph and the
 * right choice for small sets. The ranking is shared, so that both orders of
 * hits (distance, then smaller sequence) are one piece of code.
 */
#ifndef VS_FLAT_H
#define VS_FLAT_H

#include "../base/bitset.h"
#include "../base/heap.h"
#include "index.h"
#include "space.h"

/* The best `cap` hits seen, as a max-heap in the caller's memory. */
typedef struct {
  vs_hit *hit; /* borrowed, room for cap */
  uint32_t n, cap;
  const vs_blocks *sequences; /* borrowed, uint64 per slot */
  vs_metric metric;
  float limit; /* no value above this can still get in */
} vs_ranking;

/* cap > 0. */
void vs_ranking_init(vs_ranking *r, vs_hit *memory, uint32_t cap, const vs_blocks *sequences, vs_metric metric);
/* Offers a slot with its kernel value. */
void vs_ranking_add(vs_ranking *r, uint32_t slot, float value);
/* Offers n candidates of a walk on codes with their values in full precision. */
void vs_ranking_add_exact(vs_ranking *r, vs_space *full, vs_query q, const vs_pair *candidate, uint32_t n);
/* Sorts the hits, best first; the ranking is used up. */
void vs_ranking_finish(vs_ranking *r);

/* Offers every slot of `present` to the ranking. O(n). */
void vs_flat_scan(vs_space *s, const vs_bitset *present, vs_query q, vs_ranking *r);

#endif
