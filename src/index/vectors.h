/* vectors.h - the full-precision vectors, addressed by slot.
 *
 * Layer: index (L2). Shared by flat and hnsw (both borrow it), owned by the
 * collection. One item is the padded vector followed by one float, its
 * inverse Euclidean norm (0 for the zero vector), so that a cosine distance
 * touches one run of memory. Values are stored exactly as given.
 */
#ifndef VS_VECTORS_H
#define VS_VECTORS_H

#include "../base/blocks.h"
#include "../kernels/kernels.h"

typedef struct {
  vs_blocks blocks;
  uint32_t dim;    /* as the user sees it */
  uint32_t padded; /* rounded up to a multiple of 4 */
} vs_vectors;

/* dim in 1 .. VS_MAX_DIMENSION. */
void vs_vectors_init(vs_vectors *v, vs_alloc *a, uint32_t dim);
void vs_vectors_deinit(vs_vectors *v);
VS_MUST_USE vs_status vs_vectors_reserve(vs_vectors *v, uint32_t n_slots);
/* Copies dim floats (any alignment) into the slot, pads, computes the norm.
 * True if all are finite: a vector that is not must never be searched. */
bool vs_vectors_set(vs_vectors *v, uint32_t slot, const void *values);
/* The stored values: `padded` floats, 16-byte aligned; borrowed until reserve. */
static inline const float *vs_vectors_at(const vs_vectors *v, uint32_t slot) {
  return (const float *)vs_blocks_at(&v->blocks, slot);
}
static inline float vs_vectors_inv_norm(const vs_vectors *v, uint32_t slot) {
  return vs_vectors_at(v, slot)[v->padded];
}

#endif
