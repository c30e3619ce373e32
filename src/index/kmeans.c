/* kmeans.c - Lloyd's rounds (see kmeans.h).
 *
 * Layer: index (L2), internal; knows no codes. A round assigns each point to
 * its nearest centroid, O(n k width), and moves the centroids to the means. A
 * centroid that got no point starts anew at a random one. The codebook has
 * component t of centroid k at t * 256 + k, so that assigning is the kernels'.
 */
#include "kmeans.h"

#include "../base/rng.h"

#include <math.h>
#include <string.h>

#define CENTROIDS VS_PQ_CENTROIDS

vs_status vs_kmeans_init(vs_kmeans *m, vs_alloc *a, uint32_t max_width) {
  memset(m, 0, sizeof *m);
  m->sum = vs_malloc(a, (size_t)CENTROIDS * max_width * sizeof(float));
  m->count = vs_malloc(a, CENTROIDS * sizeof(uint32_t));
  m->products = vs_malloc(a, CENTROIDS * sizeof(float));
  if (m->sum && m->count && m->products) return VS_OK;
  vs_kmeans_deinit(m, a);
  return VS_OUT_OF_MEMORY;
}

void vs_kmeans_deinit(vs_kmeans *m, vs_alloc *a) {
  vs_free(a, m->sum);
  vs_free(a, m->count);
  vs_free(a, m->products);
  memset(m, 0, sizeof *m);
}

size_t vs_kmeans_bytes(uint32_t max_width) { return ((size_t)max_width + 2) * CENTROIDS * sizeof(float); }

void vs_kmeans_half_norms(const float *codebook, uint32_t width, uint32_t k, float *half_norms) {
  for (uint32_t c = 0; c < CENTROIDS; c++) {
    float sum = c < k ? 0 : INFINITY;
    for (uint32_t t = 0; t < width && c < k; t++) sum += codebook[t * CENTROIDS + c] * codebook[t * CENTROIDS + c] / 2;
    half_norms[c] = sum;
  }
}

static void place(vs_kmeans *m, uint32_t c, const float *x) {
  for (uint32_t t = 0; t < m->width; t++) m->codebook[t * CENTROIDS + c] = x[t];
}

static const float *point_at(const vs_kmeans *m, uint32_t i) { return m->point + (size_t)i * m->stride; }

static void begin_round(vs_kmeans *m) {
  vs_kmeans_half_norms(m->codebook, m->width, m->k, m->half_norms);
  memset(m->sum, 0, (size_t)CENTROIDS * m->width * sizeof(float));
  memset(m->count, 0, CENTROIDS * sizeof(uint32_t));
  m->at = 0;
}

void vs_kmeans_begin(vs_kmeans *m) {
  vs_rng random = {m->seed};
  if (m->k > m->n) m->k = m->n;
  memset(m->codebook, 0, (size_t)CENTROIDS * m->width * sizeof(float));
  /* One from each of k equal stretches: all different points. */
  for (uint32_t c = 0; c < m->k; c++) {
    uint32_t from = (uint32_t)((uint64_t)m->n * c / m->k), to = (uint32_t)((uint64_t)m->n * (c + 1) / m->k);
    place(m, c, point_at(m, from + vs_rng_below(&random, to - from)));
  }
  m->seed = random.state;
  begin_round(m);
}

static void end_round(vs_kmeans *m) {
  vs_rng random = {m->seed};
  for (uint32_t c = 0; c < m->k; c++) {
    if (m->count[c] == 0) {
      place(m, c, point_at(m, vs_rng_below(&random, m->n)));
      continue;
    }
    float *mean = m->sum + (size_t)c * m->width, share = 1 / (float)m->count[c];
    for (uint32_t t = 0; t < m->width; t++) mean[t] *= share;
    place(m, c, mean);
  }
  m->seed = random.state;
  m->n_rounds--;
  begin_round(m);
}

bool vs_kmeans_some(vs_kmeans *m, uint32_t n_points) {
  for (; n_points > 0 && m->n_rounds > 0; n_points--) {
    const float *x = point_at(m, m->at++);
    uint8_t c;
    vs_pq_products(x, m->codebook, 1, m->width, m->products);
    vs_pq_nearest(m->products, m->half_norms, 1, &c);
    float *sum = m->sum + (size_t)c * m->width;
    for (uint32_t t = 0; t < m->width; t++) sum[t] += x[t];
    m->count[c]++;
    if (m->at == m->n) end_round(m);
  }
  return m->n_rounds == 0;
}
