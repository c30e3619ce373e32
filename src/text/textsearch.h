/* textsearch.h - the records that a text query finds, best first, by BM25F.
 *
 * Layer: text (L2). Knows slots and scores; no vectors, no metadata: which
 * records count is a set of slots.
 *
 * SCORE of a word in a record. idf * x / (k1 + x) with
 *
 *   x   = sum over fields of weight * tf / (1 - b + b * length / average length)
 *   idf = ln(1 + (N - n + 0.5) / (n + 0.5))
 *
 * with exact lengths; with one field of weight 1 this is BM25 as Lucene has it
 * (without the factor k1 + 1). N counts the records with a term, n those with
 * this one; within one named field only that field's records count. Words that
 * are only begun or misspelt count as one word, each of the terms they stand for
 * with a weight that says how near it is. A phrase has the sum of its words' idf, and its occurrences for tf, each
 * 1 / (1 + moves). A query's score is the sum; a word that is said twice counts twice.
 *
 * Each word's share is rounded to a multiple of 2^-36, so that their sum does
 * not depend on the order in which it is made: what is skipped never changes what is found.
 */
#ifndef VS_TEXT_TEXTSEARCH_H
#define VS_TEXT_TEXTSEARCH_H

#include "../base/bitset.h"
#include "best.h"
#include "textindex.h"
#include "textquery.h"

typedef struct {
  uint32_t k;
  const vs_bitset *filter; /* only these slots; NULL: all */
  const uint8_t *fields;   /* VS_TEXT_FIELDS flags: where words without a field are looked for; NULL: everywhere */
  bool exhaustive;         /* skips nothing: for tests */
} vs_text_request;

typedef struct {
  vs_alloc *a;
  vs_text_hit *hit; /* best first; equal ones by insertion */
  uint32_t n_hits, cap_hits;
  uint32_t *term; /* terms of the last query, for marking what matched; ascending */
  uint32_t n_terms, cap_terms;
  uint64_t scored, windows, skipped; /* what the last search did */
} vs_textsearch;

void vs_textsearch_init(vs_textsearch *s, vs_alloc *a);
void vs_textsearch_deinit(vs_textsearch *s);

/* Needs vs_textindex_ready. VS_INVALID_ARGUMENT: too many words; VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_textsearch_run(vs_textsearch *s, vs_textindex *x, const vs_textquery *q,
                                        const vs_text_request *r, vs_err *err);
/* Whether a term is one of the last query's. */
bool vs_textsearch_has(const vs_textsearch *s, uint32_t term);

#endif
