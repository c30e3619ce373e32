/* scan_many.c - the exact nearest of many queries in one pass over the vectors (see scan_many.h).
 *
 * Layer: index (L2), internal; knows no graph.
 *
 * A scan for one query waits for memory. Here each vector is loaded from there
 * once for all queries: ROWS vectors stay in the nearest cache while the queries
 * pass by, four at a time. For the metrics of dot products a kernel of 4 x 2 gives
 * all distances, in full precision but added in another order; what may be below a
 * query's limit, allowing for rounding, is computed again as every scan does it. So
 * results equal those of single scans to the bit, and that happens some k log n
 * times for each query. Other metrics use their own kernel, 1 x 4.
 *
 * ROUNDING. Two orders of adding n products differ by less than n / 2 * 2^-23 of
 * the sum of their sizes, which is at most |q| |x|; SLACK is that with all rounding
 * in the norms besides. A value that is not a number passes.
 *
 * COST. n_queries * n distances, arithmetic only; memory: a copy of the queries.
 */
#include "scan_many.h"

#include <math.h>
#include <string.h>

#define ROWS 16u
#define SLACK(n) (6e-8f * (float)(n) + 1e-5f)

/* The products of shorter vectors lose digits: they are computed again always. */
#define LEAST_INVERSE 1e30f

/* least value = (add of the query + add of the row) - (dot product * scale of the row + slack of the query * norm of
 * the row); infinities and what is not a number pass the sieve. */
typedef struct {
  vs_space *full;
  vs_query *query;     /* n, then copies of the last up to a multiple of 4 */
  float *add, *slack;  /* of each query */
  vs_ranking *ranking; /* n */
  uint32_t n;
  bool products; /* dot products sieve */
  uint32_t slot[ROWS], n_slots;
  float row_add[ROWS], row_scale[ROWS], row_norm[ROWS];
} many;

static void measure_query(many *m, uint32_t i) {
  uint32_t padded = m->full->vectors->padded;
  const float *v = m->query[i].v;
  double square = 0;
  for (uint32_t j = 0; j < padded; j++) square += (double)v[j] * (double)v[j];
  bool euclidean = m->full->metric == VS_EUCLIDEAN;
  m->add[i] = euclidean ? (float)square * (1 - SLACK(padded)) : 0;
  m->slack[i] = euclidean ? 0 : (float)sqrt(square) * SLACK(padded);
}

static void measure_row(many *m, uint32_t i) {
  const vs_vectors *v = m->full->vectors;
  float inverse = vs_vectors_inv_norm(v, m->slot[i]), norm = inverse > 0 ? 1 / inverse : 0;
  bool cosine = m->full->metric == VS_COSINE, euclidean = m->full->metric == VS_EUCLIDEAN;
  m->row_add[i] = inverse > LEAST_INVERSE ? -INFINITY : euclidean ? norm * norm * (1 - SLACK(v->padded)) : 0;
  m->row_scale[i] = cosine ? inverse : euclidean ? 2 : 1;
  m->row_norm[i] = cosine ? norm * inverse : norm;
}

static void offer(many *m, uint32_t q, uint32_t i) {
  vs_ranking_add(&m->ranking[q], m->slot[i], vs_space_value(m->full, m->query[q], m->slot[i]));
}

/* Four queries with all rows. */
static void sieve(many *m, uint32_t first) {
  const float *q[4];
  for (uint32_t j = 0; j < 4; j++) q[j] = m->query[first + j].v;
  for (uint32_t at = 0; at < ROWS; at += 2) {
    const float *x[2] = {vs_vectors_at(m->full->vectors, m->slot[at]),
                         vs_vectors_at(m->full->vectors, m->slot[at + 1])};
    float dot[8];
    vs_dot_4x2(q, x, m->full->vectors->padded, dot);
    for (uint32_t j = 0; j < 4 && first + j < m->n; j++) {
      float add = m->add[first + j], slack = m->slack[first + j];
      for (uint32_t i = at; i < at + 2 && i < m->n_slots; i++) {
        float least = (add + m->row_add[i]) - (dot[4 * (i - at) + j] * m->row_scale[i] + slack * m->row_norm[i]);
        if (!(least > m->ranking[first + j].limit)) offer(m, first + j, i);
      }
    }
  }
}

static void compare_rows(many *m) {
  uint32_t n = m->n_slots;
  if (n == 0) return;
  if (m->products) {
    for (uint32_t i = n; i < ROWS; i++) m->slot[i] = m->slot[n - 1];
    for (uint32_t i = 0; i < n; i++) measure_row(m, i);
    for (uint32_t q = 0; q < m->n; q += 4) sieve(m, q);
  } else {
    for (uint32_t q = 0; q < m->n; q++) {
      float value[ROWS];
      vs_space_values(m->full, m->query[q], m->slot, n, value);
      for (uint32_t i = 0; i < n; i++) vs_ranking_add(&m->ranking[q], m->slot[i], value[i]);
    }
  }
  m->n_slots = 0;
}

/* The slots of n words of the set. */
static void scan(many *m, const vs_bitset *among, uint32_t first, uint32_t n_words) {
  uint32_t end = (among->n_bits + 63) / 64;
  if (end > first && end - first > n_words) end = first + n_words;
  for (uint32_t i = first; i < end; i++) {
    uint64_t word = *(const uint64_t *)vs_blocks_at(&among->words, i);
    for (; word; word &= word - 1) {
      m->slot[m->n_slots++] = i * 64 + (uint32_t)__builtin_ctzll(word);
      if (m->n_slots == ROWS) compare_rows(m);
    }
  }
  compare_rows(m);
}

static vs_status range(vs_alloc *a, many *m, const float *values, const vs_bitset *among, uint32_t first,
                       uint32_t n_words) {
  uint32_t padded = m->full->vectors->padded;
  m->query = vs_calloc(a, (size_t)m->n + 3, sizeof(vs_query));
  m->add = vs_calloc(a, m->n, sizeof(float));
  m->slack = vs_calloc(a, m->n, sizeof(float));
  bool there = m->query && m->add && m->slack;
  if (there) {
    for (uint32_t i = 0; i < m->n; i++) {
      m->query[i] = (vs_query){.v = values + (size_t)i * padded, .scale = 1};
      measure_query(m, i);
    }
    for (uint32_t i = m->n; i < m->n + 3; i++) m->query[i] = m->query[m->n - 1];
    scan(m, among, first, n_words);
  }
  vs_free(a, m->query);
  vs_free(a, m->add);
  vs_free(a, m->slack);
  return there ? VS_OK : VS_OUT_OF_MEMORY;
}

vs_status vs_scan_range(vs_alloc *a, vs_space *full, const vs_bitset *among, uint32_t first, uint32_t n_words,
                        const float *values, uint32_t n, vs_ranking *ranking) {
  many m = {.full = full, .ranking = ranking, .n = n, .products = vs_space_has_codes(full->metric)};
  return n > 0 ? range(a, &m, values, among, first, n_words) : VS_OK;
}

vs_status vs_scan_many(vs_alloc *a, vs_space *full, const vs_blocks *sequences, const vs_bitset *among,
                       const void *queries, uint32_t n, uint32_t k, vs_hit *out, uint32_t *n_out) {
  uint32_t dim = full->vectors->dim, padded = full->vectors->padded;
  if (n == 0) return VS_OK;
  if (k == 0) memset(n_out, 0, n * sizeof(*n_out));
  if (k == 0) return VS_OK;
  float *values = vs_calloc(a, n, padded * sizeof(float));
  vs_ranking *ranking = vs_calloc(a, n, sizeof(vs_ranking));
  vs_status status = values && ranking ? VS_OK : VS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < n && status == VS_OK; i++) {
    vs_space_query(full, (const uint8_t *)queries + (size_t)i * dim * sizeof(float), values + (size_t)i * padded);
    vs_ranking_init(&ranking[i], out + (size_t)i * k, k, sequences, full->metric);
  }
  if (status == VS_OK) status = vs_scan_range(a, full, among, 0, UINT32_MAX, values, n, ranking);
  for (uint32_t i = 0; i < n && status == VS_OK; i++) {
    n_out[i] = ranking[i].n;
    vs_ranking_finish(&ranking[i]);
  }
  vs_free(a, values);
  vs_free(a, ranking);
  return status;
}
