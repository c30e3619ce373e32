/* best.h - the k best records of a search so far.
 *
 * Layer: text (L2), internal. While there are fewer than k they stand in any
 * order; then they are a heap with the worst at the top. O(log k) per record offered.
 */
#ifndef VS_TEXT_BEST_H
#define VS_TEXT_BEST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint32_t slot;
  double score;
  uint64_t sequence; /* of equal scores the first inserted is better */
} vs_text_hit;

/* Takes x in if it is among the k best; room for k. */
void vs_best_offer(vs_text_hit *hit, uint32_t *n, uint32_t k, vs_text_hit x);
/* Puts them in order, best first. */
void vs_best_order(vs_text_hit *hit, uint32_t n);

#endif
