/* extra.h - what a record may hold beside vector, metadata and text: a sparse vector, vectors of its tokens.
 *
 * Layer: db. The encoded form, at any alignment, all numbers little-endian:
 *
 *   u32 bytes of the whole, these included (a multiple of 4), then parts, each kind at most once, ascending, one at
 *   least:
 *   u32 1   u32 n   u32 index * n, strictly ascending   f32 value * n             the sparse vector
 *   u32 2   u32 type   u32 n   u32 dim   then of type 0   f32 * n * dim           the tokens' vectors
 *                                        of type 1   f32 scale * n, i8 * n * dim, zeros up to a multiple of 4:
 *                                        component = scale * code, codes from -127
 *
 * n may be 0 in a sparse vector; tokens have n and dim from 1. All floats are finite, scales not negative.
 */
#ifndef VS_EXTRA_H
#define VS_EXTRA_H

#include "../text/sparse.h"

#define VS_EXTRA_MAX_BYTES (16u * 1024u * 1024u)
#define VS_EXTRA_SPARSE 1u
#define VS_EXTRA_TOKENS 2u

typedef struct {
  const uint8_t *scale, *data; /* scale: of 8-bit codes, else NULL; data NULL = there are no tokens */
  uint32_t n, dim;
} vs_tokens_view;

typedef struct {
  vs_sparse_view sparse;
  vs_tokens_view tokens;
} vs_extra_view;

/* NULL, or what is wrong with it, in words; no bytes are fine. */
const char *vs_extra_problem(vs_slice bytes);
/* Of bytes that were checked. */
vs_extra_view vs_extra_read(vs_slice bytes);

#endif
