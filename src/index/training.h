/* training.h - from vectors to a coder: the sample, the training, and the test that it must pass.
 *
 * Layer: index (L2), internal. Goes on in steps; the vectors and the set of
 * slots must stay as they are from the beginning to the end.
 */
#ifndef VS_TRAINING_H
#define VS_TRAINING_H

#include "../base/bitset.h"
#include "coder.h"
#include "space.h"

/* The share of true neighbours that codes must keep among the candidates. */
#define VS_CODER_RECALL 0.9f

typedef struct {
  vs_alloc *a;
  vs_space *space;  /* borrowed: of full vectors */
  vs_coder *coder;  /* owned until taken */
  vs_sample sample; /* its slots are owned */
  bool trained;
  uint32_t n_coded, n_checked, n_queries;
  uint8_t *records; /* of the first vectors of the sample */
  float *exact, *estimate, *query;
  uint64_t n_found, n_wanted;
} vs_training;

/* config.quantization is a trained kind; `present` has at least one slot. */
VS_MUST_USE vs_status vs_training_begin(vs_training *t, vs_alloc *a, const vs_index_config *config, vs_space *space,
                                        const vs_bitset *present);
/* Goes on for about *budget distances; *done when the coder is trained and tested. */
VS_MUST_USE vs_status vs_training_some(vs_training *t, double *budget, bool *done);
/* The share of the nearest that the trained codes kept, at the end. */
float vs_training_recall(const vs_training *t);
/* Gives back everything; the coder too, if it has not been taken (set to NULL). */
void vs_training_end(vs_training *t);

#endif
