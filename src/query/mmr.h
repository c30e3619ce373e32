/* mmr.h - maximal marginal relevance: results that are relevant and unlike one another.
 *
 * Layer: query (L3). Knows slots, scores and the store's metric; nothing of where they come from.
 */
#ifndef VS_MMR_H
#define VS_MMR_H

#include "../index/vectors.h"

/* A candidate. The layout is part of the ABI (vs_mmr). */
typedef struct {
  uint32_t slot;  /* of a record with a vector */
  uint32_t order; /* filled in: item[j].order is the candidate picked as number j */
  double score;   /* its relevance, higher = better; finite */
} vs_mmr_item;

/* Picks min(k, n) of n candidates; *n_out how many. Equal ones: the earlier in
 * the array. lambda in 0..1 weighs relevance against novelty. O(n * k)
 * distances. VS_OUT_OF_MEMORY changes nothing. */
VS_MUST_USE vs_status vs_mmr_pick(vs_alloc *a, const vs_vectors *vectors, vs_metric metric, vs_mmr_item *item,
                                  uint32_t n, uint32_t k, double lambda, uint32_t *n_out);

#endif
