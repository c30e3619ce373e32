/* scan_many.h - the exact nearest of many queries in one pass over the vectors.
 *
 * Layer: index (L2), internal; knows no graph.
 */
#ifndef VS_SCAN_MANY_H
#define VS_SCAN_MANY_H

#include "flat.h"

/* The k nearest of each of n queries among some slots; exactly what a flat scan for each gives. queries: n times dim
 * floats of any alignment. out: n times k hits, n_out: n numbers. k is at most the number of slots. Fails only for
 * memory. */
VS_MUST_USE vs_status vs_scan_many(vs_alloc *a, vs_space *full, const vs_blocks *sequences, const vs_bitset *among,
                                   const void *queries, uint32_t n, uint32_t k, vs_hit *out, uint32_t *n_out);

/* Offers the slots of some words of the set to the rankings of n queries: padded floats each, as vs_space_query makes
 * them. Fails only for memory, and then nothing was offered. */
VS_MUST_USE vs_status vs_scan_range(vs_alloc *a, vs_space *full, const vs_bitset *among, uint32_t first,
                                    uint32_t n_words, const float *values, uint32_t n, vs_ranking *ranking);

#endif
