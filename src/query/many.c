/* many.c - exact answers to many plain queries in one pass over the vectors.
 *
 * Layer: query (L3). Queries with filters, boosts or facets run one by one (exec.c).
 */
#include "exec.h"

#include <string.h>

/* The results of one query, and what tells that there are no more. */
static void put(const vs_request *r, vs_metric metric, const vs_hit *hit, uint32_t n, vs_result *out, uint32_t k) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    float distance = hit[i].distance, score = vs_metric_score(metric, distance);
    if ((double)distance <= r->max_distance && (double)score >= r->min_score)
      out[kept++] = (vs_result){hit[i].slot, score, distance};
  }
  if (kept < k) out[kept].slot = VS_NO_SLOT;
}

vs_status vs_exec_many(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t n, vs_err *err) {
  vs_wr_reset(&x->facets);
  vs_wr_reset(&x->plan);
  memset(&x->account, 0, sizeof x->account);
  if (r->k > 0 && n > VS_EXEC_MANY_HITS / r->k)
    return vs_fail(err, VS_INVALID_ARGUMENT, "at most %u hits of many queries at once", VS_EXEC_MANY_HITS);
  if (r->k == 0 || n == 0) return VS_OK;
  uint32_t *found = vs_calloc(x->a, n, sizeof(uint32_t)), count = t->index ? vs_index_count(t->index) : 0;
  uint32_t k = r->k < count ? r->k : count;
  vs_status status = found ? vs_exec_reserve(x, n * r->k) : VS_OUT_OF_MEMORY;
  if (status == VS_OK && t->index) status = vs_index_search_many(t->index, r->vector, n, k, x->hit, found);
  for (uint32_t i = 0; i < n && status == VS_OK; i++)
    put(r, t->config.metric, x->hit + (size_t)i * k, found[i], x->result + (size_t)i * r->k, r->k);
  vs_free(x->a, found);
  x->account.distances = (uint64_t)n * count;
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory for %u queries", n);
}
