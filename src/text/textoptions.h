/* textoptions.h - the text options that a collection keeps, from one opening to the next.
 *
 * Layer: text (L2). What the analyzer is stays; k1, b and weights may change.
 */
#ifndef VS_TEXT_TEXTOPTIONS_H
#define VS_TEXT_TEXTOPTIONS_H

#include "../base/value.h"

/* Appends what holds from now on: what is given where it is given, else what was saved, else the defaults, as one
 * encoded object. saved: an encoded object or no bytes; given: an encoded object. VS_INVALID_ARGUMENT names both where
 * the two differ in tokenizer, stemmer, stopwords or possessives. */
VS_MUST_USE vs_status vs_text_options_merge(vs_slice saved, vs_slice given, vs_wr *out, vs_err *err);

#endif
