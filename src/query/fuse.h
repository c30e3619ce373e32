/* fuse.h - one ranking out of several: what records by vector, by words and by sparse vector have in common.
 *
 * Layer: query (L3). Knows slots, scores and ranks; neither records nor how the sides were searched. The rules and
 * the bound by which a fused ranking is known to be final are at the top of fuse.c.
 */
#ifndef VS_FUSE_H
#define VS_FUSE_H

#include "../base/alloc.h"
#include "../base/vs_base.h"

#define VS_FUSE_SIDES 3u

typedef enum { VS_FUSE_RRF, VS_FUSE_WEIGHTED, VS_FUSE_MAX, VS_FUSE_MIN, VS_FUSE_HARMONIC, VS_FUSE_GEOMETRIC } vs_fusion;
typedef enum { VS_SCALE_MINMAX, VS_SCALE_ZSCORE, VS_SCALE_DEVIATIONS, VS_SCALE_RELATIVE } vs_scale;

typedef struct {
  uint32_t slot, zero;
  double score;
} vs_fuse_entry;

typedef struct {
  double weight;              /* >= 0; counts for RRF and WEIGHTED only */
  const vs_fuse_entry *entry; /* best first, every slot once; scores finite or infinite, never NaN */
  uint32_t n;
  uint32_t window; /* of the first so many the scale is taken; always the same however deep the side was searched */
  bool floor;      /* a record that the side does not find has score 0 there, as with words */
  bool complete;   /* there is nothing behind the last */
} vs_fuse_side;

typedef struct {
  vs_fusion method;
  vs_scale scale;
  double rrf_k;
  uint32_t k, autocut; /* autocut: end before the so many-th clear drop; 0 = do not */
  uint32_t n_sides;
  vs_fuse_side side[VS_FUSE_SIDES];
  const void *ctx;
  uint64_t (*sequence)(const void *ctx, uint32_t slot); /* equal ones in this order */
} vs_fuse_request;

typedef struct {
  double score;
  double share[VS_FUSE_SIDES]; /* what each side brought: its scaled score or reciprocal rank, with its weight */
  uint64_t sequence;
  uint32_t slot;
  uint32_t rank[VS_FUSE_SIDES]; /* from 1; 0 = not among the side's */
} vs_fused;

typedef struct {
  vs_alloc *a;
  vs_fused *hit;
  uint32_t n_hits, cap;
  uint32_t deeper; /* sides, as bits, that must be searched deeper before the hits are final; 0 = they are */
} vs_fuser;

void vs_fuse_init(vs_fuser *f, vs_alloc *a);
void vs_fuse_deinit(vs_fuser *f);
/* The first k of the fused ranking. VS_OUT_OF_MEMORY: there are no hits. */
VS_MUST_USE vs_status vs_fuse_run(vs_fuser *f, const vs_fuse_request *r);

#endif
