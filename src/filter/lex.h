/* lex.h - filter text to tokens.
 *
 * Layer: filter. Internal.
 */
#ifndef VS_FILTER_LEX_H
#define VS_FILTER_LEX_H

#include "../base/value.h"

typedef enum {
  VS_TOKEN_END,
  VS_TOKEN_WRONG,  /* no token begins here; vs_token.problem says why */
  VS_TOKEN_WORD,   /* no keyword */
  VS_TOKEN_QUOTED, /* a key in backticks */
  VS_TOKEN_STRING,
  VS_TOKEN_NUMBER,
  VS_TOKEN_PARAM, /* $name */
  VS_TOKEN_OPEN,
  VS_TOKEN_CLOSE,
  VS_TOKEN_OPEN_BRACKET,
  VS_TOKEN_CLOSE_BRACKET,
  VS_TOKEN_COMMA,
  VS_TOKEN_DOT,
  VS_TOKEN_EQ,
  VS_TOKEN_NE,
  VS_TOKEN_LT,
  VS_TOKEN_LE,
  VS_TOKEN_GT,
  VS_TOKEN_GE,
  VS_TOKEN_KEYWORDS, /* words of the language from here on */
  VS_TOKEN_AND = VS_TOKEN_KEYWORDS,
  VS_TOKEN_OR,
  VS_TOKEN_NOT,
  VS_TOKEN_IN,
  VS_TOKEN_IS,
  VS_TOKEN_NULL,
  VS_TOKEN_TRUE,
  VS_TOKEN_FALSE,
  VS_TOKEN_LIKE,
  VS_TOKEN_ILIKE,
  VS_TOKEN_ESCAPE,
  VS_TOKEN_BETWEEN,
  VS_TOKEN_CONTAINS,
  VS_TOKEN_STARTSWITH,
  VS_TOKEN_ENDSWITH,
  VS_TOKEN_EXISTS
} vs_token_kind;

typedef struct {
  vs_token_kind kind;
  vs_slice text;       /* as written, borrowed from the input */
  const char *problem; /* WRONG only */
} vs_token;

/* The token after spaces at byte `at` of the n bytes, which are well-formed
 * UTF-8. O(its length). */
vs_token vs_lex_next(const char *text, size_t n, size_t at);

/* True if the whole slice reads as a bare key: a word that is no keyword. */
bool vs_lex_is_bare(vs_slice key);

/* True if both are the same ASCII word in any case. */
bool vs_lex_same_word(vs_slice a, const char *b);

/* Appends what a STRING or QUOTED token stands for. */
void vs_lex_unquote(const vs_token *token, vs_wr *w);

#endif
