/* exec_plain.c - running a query without filter, boosts, facets or account, and what every query needs.
 *
 * Layer: query (L3). Most queries of most stores are these: a file of its own, so that a host can load the rest of
 * queries when it is first asked for (wasm/parts.mjs). One search of the index, O(k) beside it.
 */
#include "exec.h"

#include <string.h>

void vs_exec_init(vs_exec *x, vs_alloc *a) {
  memset(x, 0, sizeof *x);
  x->a = a;
  vs_wr_init(&x->facets, a);
  vs_wr_init(&x->plan, a);
}

void vs_exec_deinit(vs_exec *x) {
  vs_free(x->a, x->hit);
  vs_free(x->a, x->result);
  vs_wr_deinit(&x->facets);
  vs_wr_deinit(&x->plan);
  x->hit = NULL;
  x->result = NULL;
  x->cap = 0;
}

vs_status vs_exec_reserve(vs_exec *x, uint32_t n) {
  if (n <= x->cap) return VS_OK;
  vs_hit *hit = vs_malloc(x->a, (size_t)n * sizeof *hit);
  vs_result *result = vs_malloc(x->a, (size_t)n * sizeof *result);
  if (!hit || !result) {
    vs_free(x->a, hit);
    vs_free(x->a, result);
    return VS_OUT_OF_MEMORY;
  }
  vs_free(x->a, x->hit);
  vs_free(x->a, x->result);
  x->hit = hit;
  x->result = result;
  x->cap = n;
  return VS_OK;
}

uint32_t vs_exec_cut(vs_exec *x, const vs_request *r, uint32_t n) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    vs_result one = x->result[i];
    if ((double)one.distance <= r->max_distance && (double)one.score >= r->min_score) x->result[kept++] = one;
  }
  return kept;
}

static vs_status run_plain(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t *n) {
  vs_search_stats s;
  memset(&x->account, 0, sizeof x->account);
  if (r->k == 0 || !t->index) return VS_OK;
  VS_TRY(vs_exec_reserve(x, r->k));
  vs_search_params params = {.k = r->k, .ef = r->ef, .exact = r->exact, .rescore = r->rescore};
  VS_TRY(vs_index_search(t->index, r->vector, &params, x->hit, n, &s));
  for (uint32_t i = 0; i < *n; i++) {
    vs_hit h = x->hit[i];
    x->result[i] = (vs_result){h.slot, vs_metric_score(t->config.metric, h.distance), h.distance};
  }
  *n = vs_exec_cut(x, r, *n);
  x->account.distances = s.n_distances;
  return VS_OK;
}

vs_status vs_exec_query(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t *n, vs_err *err) {
  *n = 0;
  vs_wr_reset(&x->facets);
  vs_wr_reset(&x->plan);
  if (r->filter || r->extra.n > 0 || r->explain) return vs_exec_run(x, t, r, n, err);
  vs_status status = run_plain(x, t, r, n);
  if (status == VS_OK) return VS_OK;
  *n = 0;
  return vs_fail(err, status, "no memory for the query");
}
