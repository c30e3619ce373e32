/* facets.h - how often each value of a field occurs among the matches.
 *
 * Layer: query (L3).
 */
#ifndef VS_FACETS_H
#define VS_FACETS_H

#include "meta.h"

#define VS_FACETS_MAX 16u
#define VS_FACET_VALUES 100u

typedef struct {
  vs_filter *path[VS_FACETS_MAX]; /* owned */
  vs_slice name[VS_FACETS_MAX];   /* as asked for, borrowed */
  uint32_t n;
} vs_facets;

/* Reads the array of vs_query's `facets`. VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: nothing to free. */
VS_MUST_USE vs_status vs_facets_read(vs_alloc *a, const vs_value *array, vs_facets *out, vs_err *err);
void vs_facets_deinit(vs_alloc *a, vs_facets *f);

/* Appends the object described at vs_query_facets. `among`: the matches. VS_OUT_OF_MEMORY.
 * A field with a value index: O(its values and their slots); else O(m log m) for m values. */
VS_MUST_USE vs_status vs_facets_count(const vs_meta *m, const vs_facets *f, const vs_bitset *among, vs_wr *out);

#endif
