/* like.h - LIKE and ILIKE patterns, and finding text in text.
 *
 * Layer: filter. Internal.
 */
#ifndef VS_FILTER_LIKE_H
#define VS_FILTER_LIKE_H

#include "../base/value.h"

/* A compiled pattern is UTF-8 in which these bytes, which UTF-8 never has,
 * stand for the wildcards. For ILIKE it is folded. */
#define VS_LIKE_ANY 0xffu /* any run of characters */
#define VS_LIKE_ONE 0xfeu /* one character */

/* Appends the compiled pattern. `escape` is the escape character's UTF-8, or
 * no bytes for none. False when the pattern ends with the escape character. */
bool vs_like_compile(vs_slice pattern, vs_slice escape, bool fold, vs_wr *w);

/* Whether text is of the compiled pattern; at most text.n * pattern.n steps. */
bool vs_like_match(vs_slice text, vs_slice pattern, bool fold);

/* The character without its case: Unicode's simple folding of the Latin,
 * Greek, Cyrillic and Armenian alphabets, full-width and circled letters and
 * Roman numerals; others as they are. */
uint32_t vs_like_fold(uint32_t code);

/* Whether `needle` occurs in `text`; at most text.n * needle.n steps. */
bool vs_like_contains(vs_slice text, vs_slice needle);

#endif
