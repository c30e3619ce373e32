/* suggest.h - words for one that is begun or misspelt, out of what the records say.
 *
 * Layer: text (L2). Needs a text index that is ready (vs_textindex_ready).
 *
 * The vocabulary has stems; people want words. So for each term that is proposed, the commonest word behind it is
 * looked for in the first records that have it: FORM_RECORDS of them, FORM_BYTES of text at most. Where none is found
 * the term itself is the word.
 *
 * COST. Finding terms: the words of the vocabulary that begin so, or what expand.h says of fuzzy search; then a bounded
 * text for each of at most VS_SUGGESTIONS terms.
 */
#ifndef VS_TEXT_SUGGEST_H
#define VS_TEXT_SUGGEST_H

#include "textindex.h"

#define VS_SUGGESTIONS 50u

/* Appends what the word at the text's end may become, at most `limit` (cut to VS_SUGGESTIONS): an encoded object {from:
 * byte where that word begins, words: array of {word, records}}, the most frequent first. fuzzy: behind them words
 * whose beginning is one edit away, the first letter as it is; two from eight letters on. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_suggest_endings(vs_textindex *x, vs_slice text, uint32_t limit, bool fuzzy, vs_wr *w);

/* Appends, for each word of the text that no record has and that others resemble, an encoded object {from, to: bytes,
 * words: array of {word, records, distance}}, at most `limit` each, the nearest first, of those the most frequent; all
 * in an encoded array. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_suggest_corrections(vs_textindex *x, vs_slice text, uint32_t limit, vs_wr *w);

#endif
