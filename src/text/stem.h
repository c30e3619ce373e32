/* stem.h - words without their endings, in place.
 *
 * Layer: text (L2). A stemmer takes lower-case UTF-8 and gives the new length, never above n + 1: w must have room
 * for one byte more. Letters beyond ASCII count as consonants.
 */
#ifndef VS_TEXT_STEM_H
#define VS_TEXT_STEM_H

#include "../base/vs_base.h"

/* Porter's of 1980 with the departures he published himself (bli, logi), as Lucene has it. */
uint32_t vs_stem_porter(uint8_t *w, uint32_t n);
/* Porter2, Snowball's English. */
uint32_t vs_stem_english(uint8_t *w, uint32_t n);

#endif
