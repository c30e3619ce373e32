/* analyze.c - tokenizing and normalising (see analyze.h).
 *
 * Layer: text (L2). O(bytes of the text).
 */
#include "analyze.h"

#include <string.h>

#include "../base/utf8.h"
#include "stem.h"

static const char *const tokenizer_names[] = {"standard", "simple", "whitespace", "letter", "keyword", "code", "ngram"};
static const char *const stemmer_names[] = {"none",       "porter",  "english", "danish",  "dutch",
                                            "finnish",    "french",  "german",  "italian", "norwegian",
                                            "portuguese", "russian", "spanish", "swedish"};
#define STEMMERS (sizeof stemmer_names / sizeof *stemmer_names)

/* Those of Lucene's English analyzer. */
static const char lucene_stops[] = "a an and are as at be but by for if in into is it no not of on or such that the "
                                   "their then there these they this to was will with ";

/* ============ Configuration ============ */

static bool same_stop(const void *ctx, uint32_t slot, vs_slice key) {
  const uint8_t *word = ((const vs_analyzer *)ctx)->stops.p + slot;
  return word[0] == key.n && memcmp(word + 1, key.p, key.n) == 0;
}

void vs_analyzer_init(vs_analyzer *a, vs_alloc *alloc) {
  a->tokenizer = VS_TOKENIZE_STANDARD;
  a->stemmer = VS_STEM_ENGLISH;
  a->possessives = true;
  a->language = NULL;
  a->language_stops = false;
  a->lang = (vs_lang){0};
  vs_wr_init(&a->stops, alloc);
  vs_hashmap_init(&a->is_stop, alloc, 0, same_stop, a);
}

void vs_analyzer_deinit(vs_analyzer *a) {
  vs_lang_deinit(&a->lang, a->stops.a);
  vs_wr_deinit(&a->stops);
  vs_hashmap_deinit(&a->is_stop);
}

static uint32_t fold(uint8_t *term, vs_slice text);

static vs_status add_stop(vs_analyzer *a, vs_slice word) {
  uint8_t term[VS_TERM_BYTES + 16];
  uint32_t n = fold(term, word);
  if (n == 0 || vs_hashmap_get(&a->is_stop, (vs_slice){term, n}) != VS_NO_SLOT) return VS_OK;
  uint32_t at = (uint32_t)a->stops.n;
  vs_wr_u8(&a->stops, (uint8_t)n);
  vs_wr_bytes(&a->stops, term, n);
  if (a->stops.failed) return VS_OUT_OF_MEMORY;
  VS_TRY(vs_hashmap_reserve(&a->is_stop, a->is_stop.n + 1));
  vs_hashmap_put(&a->is_stop, (vs_slice){term, n}, at);
  return VS_OK;
}

static vs_status add_lucene(vs_analyzer *a) {
  for (const char *word = lucene_stops; *word;) {
    const char *end = strchr(word, ' ');
    VS_TRY(add_stop(a, (vs_slice){(const uint8_t *)word, (size_t)(end - word)}));
    word = end + 1;
  }
  return VS_OK;
}

/* Whether a value is the name of a language of lang.bin, one that contradicts no other: it is then the analyzer's. */
static bool take_language(vs_analyzer *a, const vs_value *v) {
  for (uint32_t i = VS_STEM_LANGUAGE; i < STEMMERS; i++) {
    const char *name = stemmer_names[i];
    if (v->tag != VS_VALUE_STRING || v->bytes.n != strlen(name) || memcmp(v->bytes.p, name, v->bytes.n) != 0) continue;
    if (a->language && a->language != name) return false;
    a->language = name;
    return true;
  }
  return false;
}

static vs_status read_stops(vs_analyzer *a, const vs_value *options, vs_err *err) {
  vs_value v;
  vs_status status = VS_OK;
  if (!vs_value_get(options, "stopwords", &v) ||
      (v.tag == VS_VALUE_STRING && v.bytes.n == 6 && memcmp(v.bytes.p, "lucene", 6) == 0)) {
    status = add_lucene(a);
  } else if (take_language(a, &v)) {
    a->language_stops = true;
  } else if (v.tag == VS_VALUE_ARRAY) {
    vs_rd r = vs_rd_of(v.bytes.p, v.bytes.n);
    for (uint32_t i = 0; i < v.count && status == VS_OK; i++) {
      vs_value word = vs_value_read(&r);
      status = word.tag == VS_VALUE_STRING ? add_stop(a, word.bytes) : VS_INVALID_ARGUMENT;
    }
  } else if (v.tag != VS_VALUE_STRING || v.bytes.n != 4 || memcmp(v.bytes.p, "none", 4) != 0) {
    status = VS_INVALID_ARGUMENT;
  }
  if (status == VS_INVALID_ARGUMENT)
    return vs_fail(err, status, "stopwords must be 'none', 'lucene', the stemmer's language or an array of words");
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory for the stop words");
}

/* The place of a name in a list; absent leaves *out alone. */
static bool read_name(const vs_value *options, const char *key, const char *const *names, uint32_t n, uint32_t *out) {
  vs_value v;
  if (!vs_value_get(options, key, &v)) return true;
  for (uint32_t i = 0; i < n; i++) {
    if (v.tag != VS_VALUE_STRING || v.bytes.n != strlen(names[i]) || memcmp(v.bytes.p, names[i], v.bytes.n) != 0)
      continue;
    *out = i;
    return true;
  }
  return false;
}

/* ngram: an array of the least and the most characters. */
static vs_status read_ngram(vs_analyzer *a, const vs_value *options, vs_err *err) {
  vs_value v;
  a->ngram_min = 2;
  a->ngram_max = 3;
  if (!vs_value_get(options, "ngram", &v)) return VS_OK;
  vs_rd r = vs_rd_of(v.bytes.p, v.bytes.n);
  bool pair = v.tag == VS_VALUE_ARRAY && v.count == 2;
  vs_value least = pair ? vs_value_read(&r) : v, most = pair ? vs_value_read(&r) : v;
  if (!pair || least.tag != VS_VALUE_INT || most.tag != VS_VALUE_INT || least.i < 1 || most.i < least.i || most.i > 16)
    return vs_fail(err, VS_INVALID_ARGUMENT, "text.ngram must be two whole numbers from 1 to 16, the least first");
  a->ngram_min = (uint8_t)least.i;
  a->ngram_max = (uint8_t)most.i;
  return VS_OK;
}

vs_status vs_analyzer_configure(vs_analyzer *a, const vs_value *options, vs_err *err) {
  uint32_t tokenizer = VS_TOKENIZE_STANDARD, stemmer = VS_STEM_ENGLISH;
  if (!read_name(options, "tokenizer", tokenizer_names, 7, &tokenizer))
    return vs_fail(err, VS_INVALID_ARGUMENT, "unknown tokenizer");
  if (!read_name(options, "stemmer", stemmer_names, STEMMERS, &stemmer))
    return vs_fail(err, VS_INVALID_ARGUMENT, "unknown stemmer");
  a->tokenizer = (vs_tokenizer)tokenizer;
  a->stemmer = (vs_stemmer)(stemmer < VS_STEM_LANGUAGE ? stemmer : VS_STEM_LANGUAGE);
  a->language = stemmer < VS_STEM_LANGUAGE ? NULL : stemmer_names[stemmer];
  vs_value v;
  bool told = vs_value_get(options, "possessives", &v);
  if (told && v.tag != VS_VALUE_TRUE && v.tag != VS_VALUE_FALSE)
    return vs_fail(err, VS_INVALID_ARGUMENT, "possessives must be true or false");
  a->possessives = told ? v.tag == VS_VALUE_TRUE : a->stemmer == VS_STEM_PORTER || a->stemmer == VS_STEM_ENGLISH;
  VS_TRY(read_ngram(a, options, err));
  return read_stops(a, options, err);
}

vs_status vs_analyzer_learn(vs_analyzer *a, vs_slice file, vs_err *err) {
  vs_lang lang;
  assert(vs_analyzer_lacks(a));
  VS_TRY(vs_lang_read(&lang, a->stops.a, file, (vs_slice){(const uint8_t *)a->language, strlen(a->language)}, err));
  vs_status status = VS_OK;
  for (size_t at = 0; a->language_stops && at < lang.stops.n && status == VS_OK; at += 1u + lang.stops.p[at])
    status = add_stop(a, (vs_slice){lang.stops.p + at + 1, lang.stops.p[at]});
  if (status != VS_OK) {
    /* Words that were added stay, the next attempt passes over them; the bytes of half a word hurt nobody. */
    a->stops.failed = false;
    vs_lang_deinit(&lang, a->stops.a);
    return vs_fail(err, status, "no memory for the stop words");
  }
  a->lang = lang;
  return VS_OK;
}

/* ============ Terms ============ */

/* Folds text into `term`, at most VS_TERM_BYTES of it; how many bytes. */
static uint32_t fold(uint8_t *term, vs_slice text) {
  uint32_t n = 0;
  for (size_t at = 0; at < text.n;) {
    uint8_t c = text.p[at];
    uint32_t length, folded[VS_FOLDED_MAX];
    if (c < 0x80) {
      if (n == VS_TERM_BYTES) break;
      term[n++] = (uint32_t)c - 'A' < 26 ? c | 32 : c;
      at++;
      continue;
    }
    uint32_t count = vs_fold_word(vs_utf8_next(text.p + at, text.n - at, &length), folded), m = n;
    for (uint32_t i = 0; i < count && m <= VS_TERM_BYTES; i++) m += vs_utf8_put(term + m, folded[i]);
    if (m > VS_TERM_BYTES) break;
    n = m;
    at += length;
  }
  return n;
}

/* Without a possessive 's, its apostrophe straight or curly. */
static uint32_t without_possessive(const uint8_t *term, uint32_t n) {
  if (n < 3 || term[n - 1] != 's') return n;
  if (term[n - 2] == '\'') return n - 2;
  return n >= 5 && memcmp(term + n - 4, "\xe2\x80\x99", 3) == 0 ? n - 4 : n;
}

/* Finishes the token of the bytes start..end; false: it is a stop word or nothing. */
static bool finish(vs_tokens *t, size_t start, size_t end, vs_token *out) {
  const vs_analyzer *a = t->analyzer;
  uint32_t n = fold(t->term, (vs_slice){t->segmenter.text.p + start, end - start});
  if (n == 0) return false;
  if (a->possessives) n = without_possessive(t->term, n);
  if (!t->literal && a->tokenizer != VS_TOKENIZE_NGRAM) {
    if (vs_hashmap_get(&a->is_stop, (vs_slice){t->term, n}) != VS_NO_SLOT) return false;
    if (a->stemmer == VS_STEM_PORTER) n = vs_stem_porter(t->term, n);
    if (a->stemmer == VS_STEM_ENGLISH) n = vs_stem_english(t->term, n);
    if (a->stemmer == VS_STEM_LANGUAGE) n = vs_lang_stem(&a->lang, t->term, n, VS_TERM_BYTES);
  }
  *out = (vs_token){t->term, n, (uint32_t)start, (uint32_t)end, t->position};
  return n > 0;
}

/* ============ Tokenizers ============ */

void vs_tokens_begin(vs_tokens *t, const vs_analyzer *a, vs_slice text) {
  t->analyzer = a;
  t->segmenter = vs_segmenter_of(text);
  t->at = 0;
  t->position = UINT32_MAX; /* the first is 0 */
  t->paired = false;
  t->literal = t->asks = false;
  t->part = t->word = 0;
  t->gram = 0;
}

/* The next token of words and glyphs: its end, or 0 when there is none; *start becomes where it begins. */
static size_t next_standard(vs_tokens *t, size_t *start) {
  size_t n = t->segmenter.text.n;
  while (t->at < n) {
    vs_segment_kind kind, next = VS_SEGMENT_NONE;
    *start = t->at;
    size_t end = vs_segment_end(&t->segmenter, t->at, &kind), second = end;
    t->at = end;
    bool paired = t->paired;
    t->paired = false;
    if (kind == VS_SEGMENT_NONE) continue;
    if (kind != VS_SEGMENT_GLYPH) return end;
    if (end < n) second = vs_segment_end(&t->segmenter, end, &next);
    t->paired = next == VS_SEGMENT_GLYPH;
    if (t->paired) return second;
    if (!paired) return end;
  }
  return 0;
}

static bool is_part(const vs_tokens *t, uint32_t code) {
  switch (t->analyzer->tokenizer) {
  case VS_TOKENIZE_WHITESPACE: return !vs_is_space(code);
  case VS_TOKENIZE_SIMPLE: return !vs_is_space(code) && (code >= 0x7f || (code | 32u) - 'a' < 26 || code - '0' < 10);
  default: return false;
  }
}

static bool is_letter(vs_tokens *t, uint32_t code, bool inside) {
  switch (vs_word_break(&t->segmenter.cache, code)) {
  case VS_WB_LETTER:
  case VS_WB_LETTER_PICTOGRAPH:
  case VS_WB_HEBREW:
  case VS_WB_KATAKANA:
  case VS_WB_HAN:
  case VS_WB_HIRAGANA:
  case VS_WB_COMPLEX: return true;
  case VS_WB_EXTEND:
  case VS_WB_ZWJ:
  case VS_WB_FORMAT: return inside;
  default: return false;
  }
}

/* The next run of the characters that the tokenizer keeps. */
static size_t next_run(vs_tokens *t, size_t *start) {
  vs_slice text = t->segmenter.text;
  bool inside = false;
  for (; t->at < text.n;) {
    uint32_t length, code = vs_utf8_next(text.p + t->at, text.n - t->at, &length);
    bool part = t->analyzer->tokenizer == VS_TOKENIZE_LETTER ? is_letter(t, code, inside) : is_part(t, code);
    if (inside && !part) return t->at;
    if (!inside && part) *start = t->at;
    inside = part;
    t->at += length;
  }
  return inside ? text.n : 0;
}

/* ============ Words in pieces ============ */

typedef enum { KIND_JOINT, KIND_LOWER, KIND_UPPER, KIND_DIGIT, KIND_MARK, KIND_NONE } kind;

static kind kind_at(vs_tokens *t, size_t at, uint32_t *length) {
  uint32_t folded[VS_FOLDED_MAX];
  uint32_t code = vs_utf8_next(t->segmenter.text.p + at, t->segmenter.text.n - at, length);
  vs_wb wb = vs_word_break(&t->segmenter.cache, code);
  if (wb == VS_WB_NUMERIC) return KIND_DIGIT;
  if (wb == VS_WB_EXTEND_NUM_LET) return KIND_JOINT;
  if (wb == VS_WB_EXTEND || wb == VS_WB_ZWJ || wb == VS_WB_FORMAT) return KIND_MARK;
  if (!is_letter(t, code, false)) return KIND_NONE;
  return vs_fold_word(code, folded) != 1 || folded[0] != code ? KIND_UPPER : KIND_LOWER;
}

/* The next run of letters, digits and, in identifiers, what joins them; false: there is none. */
static bool next_word(vs_tokens *t) {
  size_t n = t->segmenter.text.n;
  bool inside = false, joins = t->analyzer->tokenizer == VS_TOKENIZE_CODE;
  t->word = t->at;
  while (t->at < n) {
    uint32_t length;
    kind k = kind_at(t, t->at, &length);
    bool in = k == KIND_LOWER || k == KIND_UPPER || k == KIND_DIGIT ||
              (inside && (k == KIND_MARK || (joins && k == KIND_JOINT)));
    if (inside && !in) return true;
    if (!inside) t->part = t->at;
    inside = in;
    t->at += length;
    /* What joins and has nothing behind it is no part of it. */
    if (in && k != KIND_JOINT) t->word = t->at;
  }
  return inside;
}

/* Where the part of an identifier ends that begins at `from`. */
static size_t part_end(vs_tokens *t, size_t from) {
  uint32_t length, run = 0;
  kind before = kind_at(t, from, &length);
  size_t last = from, at = from + length;
  for (; at < t->word; at += length) {
    kind k = kind_at(t, at, &length);
    if (k == KIND_MARK) continue;
    if (k == KIND_JOINT || (k == KIND_DIGIT) != (before == KIND_DIGIT)) break;
    if (before == KIND_LOWER && k == KIND_UPPER) break;
    run = before == KIND_UPPER && k == KIND_UPPER ? run + 1 : k == KIND_UPPER ? 0 : run;
    if (before == KIND_UPPER && k == KIND_LOWER && run > 0) return last;
    last = at;
    before = k;
  }
  return at;
}

/* Over what joins parts. */
static void skip_joints(vs_tokens *t) {
  uint32_t length;
  while (t->part < t->word && kind_at(t, t->part, &length) == KIND_JOINT) t->part += length;
}

/* The end of the next token, *moves: it has a place of its own; 0 when there is none. */
static size_t next_code(vs_tokens *t, size_t *start, bool *moves) {
  *moves = true;
  if (t->part >= t->word) {
    if (!next_word(t)) return 0;
    *start = t->part;
    size_t end = part_end(t, t->part);
    if (end < t->word && !t->asks) {
      t->gram = 1; /* the first part stands where the whole does */
      return t->word;
    }
    t->part = end;
    skip_joints(t);
    return end;
  }
  *start = t->part;
  *moves = t->gram == 0;
  t->gram = 0;
  size_t end = part_end(t, t->part);
  t->part = end;
  skip_joints(t);
  return end;
}

/* The end of n characters from `from` on within the word, marks with what they are on; 0: there are not so many. */
static size_t characters(vs_tokens *t, size_t from, uint32_t n) {
  uint32_t length, seen = 0;
  for (size_t at = from; at < t->word; at += length)
    if (kind_at(t, at, &length) != KIND_MARK && seen++ == n) return at;
  return seen == n ? t->word : 0;
}

static size_t next_gram(vs_tokens *t, size_t *start, bool *moves) {
  const vs_analyzer *a = t->analyzer;
  for (;;) {
    *moves = t->gram == 0;
    if (t->part >= t->word) {
      if (!next_word(t)) return 0;
      t->gram = 0;
      *moves = true;
      t->position += t->position != UINT32_MAX; /* no phrase goes from one word into the next */
      *start = t->part;
      uint32_t n = a->ngram_min;
      while (n > 1 && characters(t, t->part, n) == 0) n--;
      if (n < a->ngram_min) {
        t->part = t->word;
        return t->word;
      }
      continue;
    }
    *start = t->part;
    uint32_t n = t->gram ? t->gram : a->ngram_min;
    size_t end = characters(t, t->part, n);
    size_t further = n < a->ngram_max ? characters(t, t->part, n + 1) : 0;
    if (further > 0) {
      t->gram = n + 1;
      /* A query's pieces are the longest ones. */
      if (t->asks) continue;
      return end;
    }
    bool whole = end == t->word;
    *moves = t->gram == 0 || t->asks;
    t->gram = 0;
    t->part = end == 0 || (t->asks && whole) ? t->word : characters(t, t->part, 1);
    if (end > 0) return end;
  }
}

bool vs_tokens_next(vs_tokens *t, vs_token *out) {
  for (;;) {
    size_t start = 0, end;
    bool moves = true;
    switch (t->analyzer->tokenizer) {
    case VS_TOKENIZE_STANDARD: end = next_standard(t, &start); break;
    case VS_TOKENIZE_KEYWORD:
      end = t->at == 0 ? t->segmenter.text.n : 0;
      t->at = end;
      break;
    case VS_TOKENIZE_CODE: end = next_code(t, &start, &moves); break;
    case VS_TOKENIZE_NGRAM: end = next_gram(t, &start, &moves); break;
    default: end = next_run(t, &start); break;
    }
    if (end == 0) return false;
    t->position += moves;
    if (finish(t, start, end, out)) return true;
  }
}
