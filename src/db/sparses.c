/* sparses.c - sparse queries on a database (see sparses.h).
 *
 * Layer: db.
 */
#include "sparses.h"

#include "extra.h"

vs_status vs_sparses_prepare(vs_db_state *db, double postings, bool *done) {
  vs_sparse *x = &db->coll.sparse;
  *done = vs_sparse_ready(x);
  if (*done) return VS_OK;
  vs_status status = vs_sparse_build(x, postings, done);
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory for the index of sparse vectors");
}

vs_status vs_sparses_query(vs_db_state *db, vs_slice query, uint32_t k, int32_t filter) {
  vs_prepared *prepared;
  uint32_t n = (uint32_t)(query.n / 8), matches;
  vs_sparse_view q = {query.p, query.p + (size_t)n * 4, n};
  db->sparse.n_hits = 0;
  if (!vs_sparse_ready(&db->coll.sparse))
    return vs_fail(&db->err, VS_CONFLICT, "the index of sparse vectors is not built: vs_sparse_prepare comes first");
  for (uint32_t i = 1; i < n; i++)
    if (vs_load_u32(q.index + (size_t)i * 4) <= vs_load_u32(q.index + (size_t)i * 4 - 4))
      return vs_fail(&db->err, VS_INVALID_ARGUMENT, "the indices of a sparse vector must ascend");
  if (query.n % 8 != 0 || !vs_floats_finite(q.value, n))
    return vs_fail(&db->err, VS_INVALID_ARGUMENT, "a sparse vector is malformed, or holds NaN or an infinity");
  VS_TRY(vs_filters_get(&db->filters, filter, &prepared, &db->err));
  if (prepared) VS_TRY(vs_filters_count(&db->coll, prepared, &matches, &db->err));
  vs_status status = vs_sparse_search(&db->coll.sparse, q, k, prepared ? &prepared->matches : NULL, &db->sparse);
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory for the query");
}
