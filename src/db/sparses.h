/* sparses.h - sparse queries on a database, and rescoring by the vectors of records' tokens.
 *
 * Layer: db. What runs them is text/sparse.h; the parts of a record are in extra.h.
 */
#ifndef VS_SPARSES_H
#define VS_SPARSES_H

#include "db.h"

/* Goes on building the sparse index, for about so many postings; *done: queries may run. */
VS_MUST_USE vs_status vs_sparses_prepare(vs_db_state *db, double postings, bool *done);
/* query: u32 indices, strictly ascending, then as many f32 values. Hits are in db->sparse. VS_CONFLICT: not prepared;
 * VS_INVALID_ARGUMENT. */
VS_MUST_USE vs_status vs_sparses_query(vs_db_state *db, vs_slice query, uint32_t k, int32_t filter);

#endif
