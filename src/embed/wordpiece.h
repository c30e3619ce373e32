/* wordpiece.h - text to token numbers, as BERT's uncased models do it.
 *
 * Layer: embed (L2). Knows text and a vocabulary; nothing of vectors or files.
 * Wu et al. 2016 (WordPiece), Devlin et al. 2018 (the preparation). Names of special tokens in a text, "[CLS]", are
 * text like any other.
 */
#ifndef VS_EMBED_WORDPIECE_H
#define VS_EMBED_WORDPIECE_H

#include "../base/alloc.h"

/* A word of more characters than this is unknown as a whole. */
#define VS_WORDPIECE_WORD_MAX 100
/* Longest spelling of a token, in bytes: its length is kept in one. */
#define VS_WORDPIECE_TOKEN_BYTES 255

typedef struct {
  vs_alloc *alloc;
  uint32_t n_tokens;
  uint32_t unknown;        /* the token of a word that has no pieces */
  uint32_t longest;        /* bytes of the longest spelling */
  uint32_t mask;           /* slots - 1 */
  const uint8_t *spelling; /* all spellings one after the other, borrowed */
  uint32_t *begin;         /* n_tokens + 1 offsets into them, owned */
  uint32_t *slot;          /* token + 1 at the place its hash gives, 0 = empty; owned */
} vs_wordpiece;

/* Indexes `n_tokens` spellings: token i has lengths[i] bytes; they are borrowed and lie one after the other. One that
 * begins with "##" and is longer continues a word. VS_CORRUPT for two alike, or hashes that collide without end. */
VS_MUST_USE vs_status vs_wordpiece_init(vs_wordpiece *w, vs_alloc *alloc, const uint8_t *lengths,
                                        const uint8_t *spellings, uint32_t n_tokens, uint32_t unknown, vs_err *err);
void vs_wordpiece_deinit(vs_wordpiece *w);

/* The first `max` tokens of the text; gives how many. O(n) and no memory. Ill-formed bytes count as U+FFFD. */
uint32_t vs_wordpiece_tokens(const vs_wordpiece *w, const uint8_t *text, size_t n, uint32_t *tokens, uint32_t max);

#endif
