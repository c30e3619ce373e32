/* scan_bits.h - scanning by one bit a component first, by full vectors where that may matter.
 *
 * Layer: index (L2), internal; knows no graph. Derived from the vectors, so it
 * is made as scans go on and never saved. scan_bits.c states the method.
 */
#ifndef VS_SCAN_BITS_H
#define VS_SCAN_BITS_H

#include "flat.h"

typedef struct vs_bits vs_bits;

/* Metrics with an estimate, and enough components for it to be worth anything. */
bool vs_bits_supports(vs_metric metric, uint32_t dim);
/* full: a space of full vectors, borrowed; its vectors may move, with it. */
VS_MUST_USE vs_status vs_bits_create(vs_alloc *a, vs_space *full, vs_bits **out);
void vs_bits_destroy(vs_bits *b);
size_t vs_bits_bytes(const vs_bits *b);
/* The slot has another vector, or none. Cannot fail. */
void vs_bits_forget(vs_bits *b, uint32_t slot);
/* Codes at most n of the slots that are not. Without memory they stay as they are, which scans allow for. */
void vs_bits_make_some(vs_bits *b, const vs_bitset *present, uint32_t n);
/* False while the last scans of this index were no faster for their bits. */
bool vs_bits_worth(vs_bits *b);

/* Offers to the ranking every slot of `among` that may be among its r->cap nearest; q is of the full space.
 * VS_OUT_OF_MEMORY: nothing was offered. *n_scanned: estimates made. */
VS_MUST_USE vs_status vs_bits_scan(vs_bits *b, const vs_bitset *among, vs_query q, vs_ranking *r, uint64_t *n_scanned);

#endif
