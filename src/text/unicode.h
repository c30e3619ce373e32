/* unicode.h - facts about one code point: how it breaks words and what it folds to.
 *
 * Layer: text (L2). Knows the Unicode tables only (word_tables.gen.h); no words.
 */
#ifndef VS_TEXT_UNICODE_H
#define VS_TEXT_UNICODE_H

#include "../base/vs_base.h"

/* Word_Break of Unicode annex 29, and what the annex leaves to other means. The generator has the same order. */
typedef enum {
  VS_WB_OTHER,
  VS_WB_CR,
  VS_WB_LF,
  VS_WB_NEWLINE,
  VS_WB_EXTEND,
  VS_WB_ZWJ,
  VS_WB_REGIONAL,
  VS_WB_FORMAT,
  VS_WB_KATAKANA,
  VS_WB_HEBREW,
  VS_WB_LETTER,
  VS_WB_SINGLE_QUOTE,
  VS_WB_DOUBLE_QUOTE,
  VS_WB_MID_NUM_LET,
  VS_WB_MID_LETTER,
  VS_WB_MID_NUM,
  VS_WB_NUMERIC,
  VS_WB_EXTEND_NUM_LET,
  VS_WB_SPACE,
  VS_WB_HAN,
  VS_WB_HIRAGANA,
  VS_WB_COMPLEX,          /* scripts of Southeast Asia, written without spaces */
  VS_WB_PICTOGRAPH,       /* Extended_Pictographic */
  VS_WB_LETTER_PICTOGRAPH /* ALetter too */
} vs_wb;

/* The range of code points that the last one asked for lies in; start with zeros. Neighbours in a
 * text are mostly of one range, and finding it takes a search. */
typedef struct {
  uint32_t from, to; /* to: one beyond */
  vs_wb wb;
} vs_wb_cache;

vs_wb vs_word_break(vs_wb_cache *cache, uint32_t code);

#define VS_FOLDED_MAX 4
/* Compatibility forms replaced as far as the table goes, full case folding; sharp s stays. How many code points. */
uint32_t vs_fold_word(uint32_t code, uint32_t out[VS_FOLDED_MAX]);

/* Separates words for those tokenizers that know nothing else. */
bool vs_is_space(uint32_t code);

/* Appends a code point as UTF-8: 1 to 4 bytes. */
uint32_t vs_utf8_put(uint8_t out[4], uint32_t code);

#endif
