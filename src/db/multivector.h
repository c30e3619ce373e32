/* multivector.h - late interaction: records scored by the vectors of their tokens.
 *
 * Layer: db.
 */
#ifndef VS_MULTIVECTOR_H
#define VS_MULTIVECTOR_H

#include "db.h"

typedef struct {
  uint32_t slot, has; /* has: becomes 1 where the record has token vectors, else 0, and score is left */
  double score;
} vs_maxsim_item;

/* MaxSim (Khattab and Zaharia, SIGIR 2020): the sum over the query's tokens of the greatest inner product with a token
 * of the record. query: n rows of dim floats. VS_NOT_FOUND: no record at a slot; VS_DIMENSION_MISMATCH: a record's
 * tokens have another dimension; VS_INVALID_ARGUMENT; VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_multivector_score(vs_db_state *db, vs_maxsim_item *item, uint32_t n_items,
                                           const uint8_t *query, uint32_t n, uint32_t dim);

#endif
