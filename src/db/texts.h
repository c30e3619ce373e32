/* texts.h - text queries on a database, and where their words stand in a record.
 *
 * Layer: db. What runs them is text/textsearch.h.
 */
#ifndef VS_TEXTS_H
#define VS_TEXTS_H

#include "db.h"

/* Goes on building the text index, for about `bytes` of text; *done: queries may run. */
VS_MUST_USE vs_status vs_texts_prepare(vs_db_state *db, double bytes, bool *done);
/* Runs a query; hits are in db->search. fields: an encoded array of names, or no bytes: all. VS_CONFLICT: not prepared.
 */
VS_MUST_USE vs_status vs_texts_query(vs_db_state *db, vs_slice query, bool syntax, uint32_t k, int32_t filter,
                                     vs_slice fields);
/* Appends where words of the last query stand in the text at a slot: an encoded array of {field: name or null, at:
 * [start, end ...] in bytes}. VS_NOT_FOUND. */
VS_MUST_USE vs_status vs_texts_marks(vs_db_state *db, uint32_t slot, vs_wr *w);

#endif
