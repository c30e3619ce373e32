/* expand.h - the terms that a word means which is only begun or misspelt.
 *
 * Layer: text (L2).
 *
 * FUZZY. Distance is the number of insertions, deletions, substitutions and
 * transpositions of neighbours (optimal string alignment) between code points.
 * The terms are walked in order with one row of the table of distances per
 * character: terms that begin alike share rows, and where no cell of a row is
 * within the distance all terms with that beginning are passed over by a
 * search in the order. So only such beginnings are looked at as an automaton of the word would accept.
 */
#ifndef VS_TEXT_EXPAND_H
#define VS_TEXT_EXPAND_H

#include "vocabulary.h"

/* Of more terms the nearest are taken, among them the most frequent. */
#define VS_FUZZY_TERMS 50u
#define VS_FUZZY_CODES 62u

typedef struct {
  uint32_t term;
  uint32_t distance;
  uint32_t codes; /* its length in code points */
} vs_similar;

/* Terms within `distance` (0..2) of a word of at most VS_FUZZY_CODES code points that begin with its first `fixed`
 * ones; nearest first. Needs vs_vocabulary_sort. *n_codes: of the word; 0 = it is too long and nothing was looked for.
 */
void vs_expand_fuzzy(const vs_vocabulary *v, vs_slice word, uint32_t distance, uint32_t fixed,
                     vs_similar out[VS_FUZZY_TERMS], uint32_t *n, uint32_t *n_codes);

/* Runs of the order whose terms all begin with something within `distance` of the word and with its first `fixed` code
 * points. Needs vs_vocabulary_sort. */
typedef void (*vs_take_run)(void *ctx, uint32_t from, uint32_t to);
void vs_expand_begun(const vs_vocabulary *v, vs_slice word, uint32_t distance, uint32_t fixed, vs_take_run take,
                     void *ctx);

uint32_t vs_count_codes(vs_slice utf8);

#endif
