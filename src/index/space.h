/* space.h - distances between stored vectors and queries, many at a time.
 *
 * Layer: index (L2), internal. The one place where the kernels meet the
 * vectors: it adds the inverse norms for the cosine metric, and makes every
 * value an ordered number (a NaN, which only overflowing products can give,
 * becomes +infinity). Values are "lower = nearer", see kernels.h.
 *
 * Two kinds of space have the same calls, so that whoever walks a graph need
 * not know which it has: one compares the full vectors; one compares their
 * 8-bit codes, which lie at the start of the graph's blocks, and gives the
 * distances of the rounded vectors. Codes exist for the three metrics that are
 * made of dot products; a cosine's code is that of the normalised vector. Codes that
 * have to be trained (coder.h) are compared with queries, not with each other.
 *
 * LATE CODES. Making a code takes half a microsecond, and touches its memory
 * for the first time: for a whole store that would be a third of its opening.
 * So after vs_space_defer a code is made when it is first looked at. Which
 * codes are there shows in the time of a walk, and in nothing else.
 *
 * All values come from the 1x4 kernel, short groups filled up by repetition:
 * the single kernel may round differently, and then two equal vectors could
 * be at different distances depending on where in a group they fell.
 */
#ifndef VS_SPACE_H
#define VS_SPACE_H

#include "../base/bitset.h"
#include "vectors.h"

typedef struct vs_coder vs_coder; /* coder.h */

typedef struct {
  const vs_vectors *vectors; /* borrowed */
  vs_kernel_f32 kernel;
  vs_metric metric;
  const vs_blocks *codes; /* borrowed: items that begin with a vs_code, by slot; NULL = compares full vectors */
  vs_bitset made;         /* while n_late > 0: whose code is there */
  uint32_t n_late;        /* vectors whose code is not */
  uint32_t next_late;     /* where vs_space_make_some goes on */
  vs_coder *coder;        /* borrowed: of trained codes; NULL = 8-bit codes */
  uint32_t n_code;        /* 8-bit codes in a record, padded; 0 without */
  uint32_t record_bytes;  /* 0 without codes */
  uint64_t n_distances;   /* values computed so far */
  volatile uint32_t sink; /* where vs_space_touch puts what it loaded */
} vs_space;

/* One side of a distance. Full vectors: `padded` floats, 16-byte aligned, and
 * the factor that makes a dot product a cosine (1 for all other metrics).
 * Codes: a record. Borrowed. */
typedef struct {
  const float *v;
  const vs_code *code;
  float scale;
} vs_query;

/* A space of full vectors. */
void vs_space_init(vs_space *s, const vs_vectors *vectors, vs_metric metric);
/* Makes it one of codes, which `codes` holds; vs_space_has_codes(metric) must hold. */
void vs_space_use_codes(vs_space *s, const vs_blocks *codes);
/* Makes it one of trained codes, which can be compared with queries only (coder.h). */
void vs_space_use_coder(vs_space *s, const vs_blocks *codes, vs_coder *coder);
/* Gives back what is kept about late codes. */
void vs_space_deinit(vs_space *s);
/* The codes of all n vectors, in slots below n_slots, are made when they are first looked at. */
VS_MUST_USE vs_status vs_space_defer(vs_space *s, uint32_t n_slots, uint32_t n);
/* Before setting codes of further slots, all below n_slots. */
VS_MUST_USE vs_status vs_space_reserve(vs_space *s, uint32_t n_slots);
/* Makes the code of a slot whose vector has been set. */
void vs_space_set(vs_space *s, uint32_t slot);
/* The slot will not be looked at any more. */
void vs_space_forget(vs_space *s, uint32_t slot);
/* Makes codes of the next n slots, so that none is late in the end. */
void vs_space_make_some(vs_space *s, const vs_bitset *present, uint32_t n);
/* A slot's code, made if it was not there; borrowed. */
const vs_code *vs_space_code(vs_space *s, uint32_t slot);

bool vs_space_has_codes(vs_metric metric);
/* Size of a record of vectors of that dimension, a multiple of 16. */
uint32_t vs_space_code_bytes(uint32_t dim);
/* Writes the record of `padded` floats, 16-byte aligned. */
void vs_space_encode(const vs_space *s, const float *v, vs_code *out);

/* Copies `values` (dim floats, any alignment) into `buffer` (padded floats),
 * normalised for the cosine metric; the query borrows the buffer. */
vs_query vs_space_query(const vs_space *s, const void *values, float *buffer);
/* A query of a space of codes from one of a space of full vectors; it borrows the record. Of trained
 * codes: it is the one query there is until the next (coder.h). */
vs_query vs_space_query_code(const vs_space *s, vs_query full, vs_code *record);

/* A stored vector, or its 8-bit code, as a query. */
vs_query vs_space_query_slot(vs_space *s, uint32_t slot);

/* out[i] = value of slot[i], i < n. */
void vs_space_values(vs_space *s, vs_query q, const uint32_t *slot, uint32_t n, float *out);

static inline float vs_space_value(vs_space *s, vs_query q, uint32_t slot) {
  float value;
  vs_space_values(s, q, &slot, 1, &value);
  return value;
}

/* Loads one word of every cache line of n vectors or codes. WASM has no prefetch; this
 * puts all the misses of a step in flight at once instead of one after the
 * other. It gained 20 to 35 percent in WASM prototypes with large graphs; in
 * native builds of this code (25,000 x 384) no gain could be measured. */
void vs_space_touch(vs_space *s, const uint32_t *slot, uint32_t n);

#endif
