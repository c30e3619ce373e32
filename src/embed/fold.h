/* fold.h - what BERT's uncased text preparation makes of one code point.
 *
 * Layer: embed (L2). Knows Unicode facts only (fold_tables.gen.h); no words, no vocabulary.
 */
#ifndef VS_EMBED_FOLD_H
#define VS_EMBED_FOLD_H

#include "../base/vs_base.h"

typedef enum {
  VS_FOLD_KEEP = 0,  /* part of a word */
  VS_FOLD_DROP = 1,  /* vanishes: controls, formats, private use, U+FFFD, marks */
  VS_FOLD_SPACE = 2, /* separates words */
  VS_FOLD_ALONE = 3  /* a word by itself: punctuation, ideographs */
} vs_fold_kind;

#define VS_FOLD_MAX 3

typedef struct {
  vs_fold_kind kind;
  uint32_t n;                 /* results: 1 to VS_FOLD_MAX; meaningless for DROP and SPACE */
  uint32_t code[VS_FOLD_MAX]; /* decomposed, without accents, lower case */
} vs_fold;

/* O(log of the tables). `code` may be any number; above U+10FFFF it drops. */
vs_fold vs_fold_code(uint32_t code);

#endif
