/* textquery.h - what a text query asks for: a tree of words, phrases and conditions on them.
 *
 * Layer: text (L2). Knows the two syntaxes; no index.
 *
 * PLAIN. The text is words, any of which may match; "quoted phrases", where the
 * quotes are balanced, must match. Nothing else has a meaning.
 *
 * QUERY.  word          may match                  +word, -word  must, must not match
 *         a AND b       both; also a && b          a OR b        any, as between any two words; also a || b
 *         NOT a, !a     must not match             (a b)         a group
 *         "a b"         the words in this order    "a b"~2       up to 2 moves apart
 *         beg*          words that begin so        word~1        words 1 or 2 edits away; ~ alone: by length
 *                                                  word~1,3      whose first 3 letters are the word's
 *         title:word    in this field, before a group for all of it
 *         word^2        counts twice               \+            the character itself
 * AND binds closer than OR; NOT, + and - bind closest. AND, OR and NOT are in capitals.
 */
#ifndef VS_TEXT_TEXTQUERY_H
#define VS_TEXT_TEXTQUERY_H

#include "../base/bytes.h"

#define VS_TEXT_NODES 4096u
#define VS_TEXT_DEPTH 32u

typedef enum { VS_ASK_ALL, VS_ASK_WORDS, VS_ASK_WORD, VS_ASK_PHRASE, VS_ASK_PREFIX, VS_ASK_FUZZY } vs_ask_kind;
typedef enum { VS_SHOULD, VS_MUST, VS_MUST_NOT } vs_occur;

#define VS_DISTANCE_AUTO 255u

typedef struct {
  vs_ask_kind kind; /* ALL: a group of those that name it as their parent */
  vs_occur occur;
  uint32_t parent;   /* of the first node: itself */
  vs_slice text;     /* in `bytes`; of a group none */
  vs_slice field;    /* in `bytes`; none: the query's fields */
  uint32_t slop;     /* PHRASE */
  uint32_t distance; /* FUZZY: 0 to 2 or VS_DISTANCE_AUTO */
  uint32_t fixed;    /* FUZZY: how many first letters are as they are */
  float boost;
} vs_ask;

typedef struct {
  vs_alloc *a;
  uint8_t *bytes; /* owned: words and names without escapes */
  vs_ask *node;   /* owned; the first is the group of the whole */
  uint32_t n, cap, n_bytes;
} vs_textquery;

void vs_textquery_init(vs_textquery *q, vs_alloc *a);
void vs_textquery_deinit(vs_textquery *q);

/* Reads UTF-8 text. VS_INVALID_ARGUMENT: err->index is the byte where it went wrong. */
VS_MUST_USE vs_status vs_textquery_plain(vs_textquery *q, vs_slice text, vs_err *err);
VS_MUST_USE vs_status vs_textquery_parse(vs_textquery *q, vs_slice text, vs_err *err);

#endif
