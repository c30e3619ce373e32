/* kmeans.h - k-means clustering of short vectors, step by step, into a codebook of the kernels' layout.
 *
 * Layer: index (L2), internal. Lloyd's rounds from seeded starting points.
 */
#ifndef VS_KMEANS_H
#define VS_KMEANS_H

#include "../base/alloc.h"
#include "../kernels/kernels.h"

typedef struct {
  uint32_t width;    /* floats of a point */
  uint32_t k;        /* centroids, up to VS_PQ_CENTROIDS */
  uint32_t n_rounds; /* to go */
  uint32_t at, n;    /* next point of the round; points */
  uint64_t seed;
  const float *point; /* borrowed: n times `stride` floats */
  uint32_t stride;
  float *codebook;   /* borrowed: 256 * width, written */
  float *half_norms; /* borrowed: 256; infinite for those beyond k, which are never nearest */
  float *sum;        /* owned: 256 * width, component t of centroid k at k * width + t */
  uint32_t *count;   /* owned: 256 */
  float *products;   /* owned: 256 */
} vs_kmeans;

/* Memory for points of up to that width. */
VS_MUST_USE vs_status vs_kmeans_init(vs_kmeans *m, vs_alloc *a, uint32_t max_width);
void vs_kmeans_deinit(vs_kmeans *m, vs_alloc *a);
size_t vs_kmeans_bytes(uint32_t max_width);
/* Starts: width, k, n > 0, point, stride, codebook, half_norms, seed and n_rounds are set. */
void vs_kmeans_begin(vs_kmeans *m);
/* The next of its points; true when the last round is over. */
bool vs_kmeans_some(vs_kmeans *m, uint32_t n_points);
/* Half the squared lengths of the first k centroids of a codebook, and infinity for the others. */
void vs_kmeans_half_norms(const float *codebook, uint32_t width, uint32_t k, float *half_norms);

#endif
