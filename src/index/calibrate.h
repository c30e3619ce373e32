/* calibrate.h - which ef gives which recall on this index's own data.
 *
 * Layer: index (L2), internal but for vs_calibration (index.h).
 */
#ifndef VS_CALIBRATE_H
#define VS_CALIBRATE_H

#include "flat.h"

typedef struct vs_calibrator vs_calibrator;

/* A walk as searches make it: the nearest of a query (dim floats) with this ef, at most VS_CALIBRATION_K. */
typedef vs_status (*vs_walk_fn)(void *ctx, const float *query, uint32_t ef, vs_hit *out, uint32_t *n);

VS_MUST_USE vs_status vs_calibrator_create(vs_alloc *a, vs_space *full, const vs_blocks *sequences,
                                           const vs_bitset *present, vs_calibrator **out);
void vs_calibrator_destroy(vs_calibrator *c);
size_t vs_calibrator_bytes(const vs_calibrator *c);
/* Goes on for a few milliseconds; *done: *out is filled. Slots may come and go in between. On failure it can only be
 * destroyed. */
VS_MUST_USE vs_status vs_calibrator_step(vs_calibrator *c, const vs_bitset *present, vs_walk_fn walk, void *ctx,
                                         vs_calibration *out, bool *done);

#endif
