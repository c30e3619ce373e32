/* turbo.h - the codes of a node's neighbours beside the node: a hop without reading the neighbours.
 *
 * Layer: index (L2), internal. Derived from the graph's level 0 and its int8
 * codes; the graph knows of it only that what is derived from a list goes out
 * of date when the list changes (vs_hnsw.derived). turbo.c states the method.
 */
#ifndef VS_TURBO_H
#define VS_TURBO_H

#include "hnsw.h"
#include "rotation.h"

/* What training gives. All vectors are rotated ones. */
typedef struct {
  float *codebook;   /* n floats of 16 centroids each, see kernels.h */
  float *half_norms; /* 16 for each piece */
  float *mean;       /* n floats: of the vectors */
} vs_turbo_model;

/* A training under way. */
typedef struct {
  vs_turbo_model model;
  vs_blocks sample; /* rotated differences of length 1 */
  float *sum;       /* 16 n floats */
  uint32_t *count;  /* 16 per piece */
  uint32_t n_sample, n_rounds;
} vs_turbo_trainer;

typedef struct {
  vs_alloc *a;
  vs_hnsw *g;        /* its space has codes */
  uint32_t dim, n;   /* n: rotated floats, a multiple of 128 */
  uint32_t m, width; /* pieces and their floats; m * width = n */
  uint32_t cap;      /* neighbours of an item, a multiple of 32 */
  vs_rotation rotation;
  vs_turbo_model model;
  vs_blocks node;   /* by slot: cap factors (the first 0 = out of date), cap addends, codes */
  float *x, *y, *z; /* n floats each: scratch */
  uint8_t *code;    /* m */
  float *products;  /* 16 m */
  uint8_t *lut;     /* 16 m */
  vs_pair *found;   /* nodes expanded by the last search, with their values, nearest first */
  uint32_t cap_found, n_found;
} vs_turbo;

bool vs_turbo_supports(uint32_t dim);
VS_MUST_USE vs_status vs_turbo_create(vs_alloc *a, vs_hnsw *g, vs_turbo **out);
void vs_turbo_destroy(vs_turbo *t);
size_t vs_turbo_bytes(const vs_turbo *t);
/* Items for slots below n_slots; new ones are out of date. */
VS_MUST_USE vs_status vs_turbo_reserve(vs_turbo *t, uint32_t n_slots);

/* Rotates x (n floats, zeros from dim on) into out; x is used up. */
void vs_turbo_rotate(const vs_turbo *t, float *x, float *out);
/* The node's rounded vector, zeros from dim on. */
void vs_turbo_restore(const vs_turbo *t, uint32_t slot, float *out);
/* Brings the node's item up to date if it is not. */
void vs_turbo_refresh(vs_turbo *t, uint32_t slot);
/* Puts all items out of date. */
void vs_turbo_forget(vs_turbo *t);

/* -- turbo_train.c ----------------------------------------------------- */

VS_MUST_USE vs_status vs_turbo_train_begin(vs_turbo *t, vs_turbo_trainer *r, const vs_bitset *present);
/* One more round; true when it was the last. Takes about vs_turbo_round_cost units. */
bool vs_turbo_train_round(vs_turbo *t, vs_turbo_trainer *r);
double vs_turbo_round_cost(const vs_turbo_trainer *r);
/* Puts the model into force, or (keep false) drops it. */
void vs_turbo_train_end(vs_turbo *t, vs_turbo_trainer *r, bool keep);
/* The model's bytes: n floats of the mean, 16 n of the codebook. */
size_t vs_turbo_model_bytes(const vs_turbo *t);
void vs_turbo_encode_model(const vs_turbo *t, vs_wr *out);
/* False: not there, or not finite. */
bool vs_turbo_decode_model(vs_turbo *t, vs_rd *in);

/* -- turbo_search.c ---------------------------------------------------- */

/* Walks the graph for the k nearest; the at most `keep` nearest nodes, by their codes, are in t->found. k <= keep, ef.
 * values: the query as `padded` floats, normalised for cosine. */
VS_MUST_USE vs_status vs_turbo_search(vs_turbo *t, vs_query q, const float *values, uint32_t k, uint32_t ef,
                                      uint32_t keep);

#endif
