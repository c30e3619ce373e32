/* segment.h - cutting text at word boundaries, by the rules of Unicode annex 29.
 *
 * Layer: text (L2). Every byte belongs to one segment; what a segment is says
 * whether a word is in it. Ill-formed bytes are segments of no kind.
 */
#ifndef VS_TEXT_SEGMENT_H
#define VS_TEXT_SEGMENT_H

#include "unicode.h"

typedef enum {
  VS_SEGMENT_NONE,  /* spaces, punctuation */
  VS_SEGMENT_WORD,  /* letters, digits, Katakana */
  VS_SEGMENT_GLYPH, /* one character of a script without spaces between words: Han, Hiragana, Thai ... */
  VS_SEGMENT_EMOJI  /* pictographs, flags */
} vs_segment_kind;

typedef struct {
  vs_slice text; /* borrowed */
  vs_wb_cache cache;
} vs_segmenter;

static inline vs_segmenter vs_segmenter_of(vs_slice text) { return (vs_segmenter){text, {0, 0, VS_WB_OTHER}}; }

/* Where the segment that begins at `from` (below the text's end) ends. Amortised O(bytes of the segment). */
size_t vs_segment_end(vs_segmenter *s, size_t from, vs_segment_kind *kind);

#endif
