/* analyze.h - from text to the terms that are indexed and searched.
 *
 * Layer: text (L2). A chain: tokenizer, folding of case and width, possessives
 * (left off where there is a stemmer, or as told), stop words, stemmer. The same chain
 * serves records and queries. Reading tokens takes no memory, so it cannot fail.
 *
 * Positions count the words, stop words too, so that phrases keep their
 * distances. Of a script without spaces between words (Han, Hiragana, Thai ...)
 * the standard tokenizer makes overlapping pairs of characters, and a single character where it stands alone.
 * A term is cut at VS_TERM_BYTES bytes.
 */
#ifndef VS_TEXT_ANALYZE_H
#define VS_TEXT_ANALYZE_H

#include "../base/hashmap.h"
#include "../base/value.h"
#include "segment.h"

#define VS_TERM_BYTES 250u

typedef enum {
  VS_TOKENIZE_STANDARD,   /* words of Unicode annex 29 */
  VS_TOKENIZE_SIMPLE,     /* split at spaces and ASCII punctuation */
  VS_TOKENIZE_WHITESPACE, /* split at spaces */
  VS_TOKENIZE_LETTER,     /* runs of letters */
  VS_TOKENIZE_KEYWORD     /* the whole text */
} vs_tokenizer;

typedef enum { VS_STEM_NONE, VS_STEM_PORTER, VS_STEM_ENGLISH } vs_stemmer;

typedef struct {
  vs_tokenizer tokenizer;
  vs_stemmer stemmer;
  bool possessives;   /* a trailing 's goes */
  vs_wr stops;        /* folded stop words, each behind a byte with its length */
  vs_hashmap is_stop; /* word -> where its length byte is */
} vs_analyzer;

const char *vs_tokenizer_name(vs_tokenizer tokenizer);
const char *vs_stemmer_name(vs_stemmer stemmer);

/* Lives at one address: its table refers to it. */
void vs_analyzer_init(vs_analyzer *a, vs_alloc *alloc);
void vs_analyzer_deinit(vs_analyzer *a);

/* Reads tokenizer, stemmer, stopwords ('none' | 'lucene' | array of strings) and possessives (true: they go) of an
 * encoded object; absent ones are the defaults: standard, english, lucene, true iff there is a stemmer.
 * VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: unusable until it succeeds. */
VS_MUST_USE vs_status vs_analyzer_configure(vs_analyzer *a, const vs_value *options, vs_err *err);

typedef struct {
  const uint8_t *p; /* the term, valid until the next one is read */
  uint32_t n;
  uint32_t start, end; /* bytes of the text */
  uint32_t position;
} vs_token;

typedef struct {
  const vs_analyzer *analyzer; /* borrowed */
  vs_segmenter segmenter;
  size_t at;
  uint32_t position;
  bool paired;  /* the glyph before was the second of a pair */
  bool literal; /* no stop words, no stemming: for words that are only begun or misspelt */
  uint8_t term[VS_TERM_BYTES + 16];
} vs_tokens;

/* text: UTF-8, borrowed, below 4 GiB. */
void vs_tokens_begin(vs_tokens *t, const vs_analyzer *a, vs_slice text);
bool vs_tokens_next(vs_tokens *t, vs_token *out);

#endif
