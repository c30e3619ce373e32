/* analyze.h - from text to the terms that are indexed and searched.
 *
 * Layer: text (L2). A chain: tokenizer, folding of case and width, possessives
 * (left off where the stemmer is one of English, or as told), stop words, stemmer. The same chain
 * serves records and queries. Reading tokens takes no memory, so it cannot fail.
 *
 * Positions count the words, stop words too, so that phrases keep their
 * distances. Of a script without spaces between words (Han, Hiragana, Thai ...)
 * the standard tokenizer makes overlapping pairs of characters, and a single character where it stands alone.
 * A term is cut at VS_TERM_BYTES bytes.
 *
 * CODE. getHTTPName2, get_http_name_2: the whole, then get, http, name, 2; the whole stands where its first part does,
 * the parts one behind the other, so that a phrase finds them. A query's identifier is its parts only: any way of
 * writing finds it. NGRAM. No stop words, no stems; a word that is shorter than ngram_min is one piece. A query takes
 * the longest pieces only, so that a word finds those that it is within.
 */
#ifndef VS_TEXT_ANALYZE_H
#define VS_TEXT_ANALYZE_H

#include "../base/hashmap.h"
#include "../base/value.h"
#include "lang.h"
#include "segment.h"

#define VS_TERM_BYTES 250u

typedef enum {
  VS_TOKENIZE_STANDARD,   /* words of Unicode annex 29 */
  VS_TOKENIZE_SIMPLE,     /* split at spaces and ASCII punctuation */
  VS_TOKENIZE_WHITESPACE, /* split at spaces */
  VS_TOKENIZE_LETTER,     /* runs of letters */
  VS_TOKENIZE_KEYWORD,    /* the whole text */
  VS_TOKENIZE_CODE,       /* identifiers, and what they are put together from */
  VS_TOKENIZE_NGRAM       /* runs of letters and digits as pieces of ngram_min to ngram_max characters */
} vs_tokenizer;

/* LANGUAGE: one of lang.bin, which has to be given to the analyzer before it can be used. */
typedef enum { VS_STEM_NONE, VS_STEM_PORTER, VS_STEM_ENGLISH, VS_STEM_LANGUAGE } vs_stemmer;

typedef struct {
  vs_tokenizer tokenizer;
  vs_stemmer stemmer;
  bool possessives;             /* a trailing 's goes */
  const char *language;         /* of stemmer or stop words; NULL: none that is in lang.bin */
  bool language_stops;          /* the stop words are its */
  uint8_t ngram_min, ngram_max; /* of NGRAM */
  vs_lang lang;
  vs_wr stops;        /* folded stop words, each behind a byte with its length */
  vs_hashmap is_stop; /* word -> where its length byte is */
} vs_analyzer;

/* Lives at one address: its table refers to it. */
void vs_analyzer_init(vs_analyzer *a, vs_alloc *alloc);
void vs_analyzer_deinit(vs_analyzer *a);

/* Reads tokenizer, stemmer (also the name of a language), stopwords ('none' | 'lucene' | the language's name | array of
 * strings) and possessives (true: they go) of an encoded object; absent ones are the defaults: standard, english,
 * lucene, true iff the stemmer is one of English.
 * VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: unusable until it succeeds. */
VS_MUST_USE vs_status vs_analyzer_configure(vs_analyzer *a, const vs_value *options, vs_err *err);

/* The name of the language that is still lacking, or NULL: it may be used. */
static inline const char *vs_analyzer_lacks(const vs_analyzer *a) { return a->lang.bytes ? NULL : a->language; }
/* Takes the lacking language out of the bytes of lang.bin; any other status than VS_OK changes nothing. */
VS_MUST_USE vs_status vs_analyzer_learn(vs_analyzer *a, vs_slice file, vs_err *err);

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
  bool paired;       /* the glyph before was the second of a pair */
  size_t part, word; /* CODE, NGRAM: where what is left of the word at hand begins and ends */
  uint32_t gram;     /* NGRAM: characters of the next piece at `part` */
  bool asks;         /* of a query */
  bool literal;      /* no stop words, no stemming: for words that are only begun or misspelt */
  uint8_t term[VS_TERM_BYTES + 16];
} vs_tokens;

/* text: UTF-8, borrowed, below 4 GiB. */
void vs_tokens_begin(vs_tokens *t, const vs_analyzer *a, vs_slice text);
bool vs_tokens_next(vs_tokens *t, vs_token *out);

#endif
