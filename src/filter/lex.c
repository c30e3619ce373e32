/* lex.c - filter text to tokens.
 *
 * Layer: filter. Knows characters and words, not grammar.
 *
 * One token is read at a time, on demand; nothing is stored. A word begins
 * with a letter or _ and goes on with letters, digits and _, where "letter"
 * is a-z, A-Z and every character beyond ASCII except the signs, spaces and
 * quotation marks below: those are refused rather than taken for a part of a
 * name, because they come from word processors and would make a filter mean
 * something else without a word.
 */
#include "lex.h"

#include "../base/utf8.h"
#include "number.h"

#include <string.h>

/* ============ Characters ============ */

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_sign(uint32_t code) {
  return code < 0xaa || code == 0xab || code == 0xbb || code == 0xd7 || code == 0xf7 ||
         (code >= 0x2000 && code <= 0x206f) || (code >= 0x3000 && code <= 0x3004) ||
         (code >= 0x3008 && code <= 0x3020) || code == 0xfeff || (code >= 0xff00 && code <= 0xff0f);
}

/* Bytes of the character at p if it may stand in a word, else 0. */
static uint32_t word_character(const uint8_t *p, size_t n, bool first) {
  if (n == 0) return 0;
  uint8_t c = p[0];
  if (c < 0x80) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? 1 : c == '_' ? 1 : !first && c >= '0' && c <= '9' ? 1 : 0;
  }
  uint32_t length, code = vs_utf8_next(p, n, &length);
  return is_sign(code) ? 0 : length;
}

/* Bytes of the word at p; `first` says whether digits may not begin it. */
static size_t word_length(const uint8_t *p, size_t n, bool first) {
  size_t at = 0;
  for (uint32_t step; (step = word_character(p + at, n - at, first)) != 0; first = false) at += step;
  return at;
}

/* ============ Words ============ */

bool vs_lex_same_word(vs_slice a, const char *b) {
  if (a.n != strlen(b)) return false;
  for (size_t i = 0; i < a.n; i++) {
    uint8_t c = a.p[i];
    if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)b[i]) return false;
  }
  return true;
}

static vs_token_kind kind_of_word(vs_slice word) {
  static const char *const keywords[] = {"and",      "or",         "not",      "in",    "is",     "null",
                                         "true",     "false",      "like",     "ilike", "escape", "between",
                                         "contains", "startswith", "endswith", "exists"};
  for (uint32_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
    if (vs_lex_same_word(word, keywords[i])) return (vs_token_kind)(VS_TOKEN_KEYWORDS + i);
  }
  return VS_TOKEN_WORD;
}

bool vs_lex_is_bare(vs_slice key) {
  return key.n > 0 && word_length(key.p, key.n, true) == key.n && kind_of_word(key) == VS_TOKEN_WORD;
}

/* ============ Quotes ============ */

/* Bytes of the quoted text at p with both quotes; 0 when it does not end. */
static size_t quoted_length(const uint8_t *p, size_t n) {
  uint8_t quote = p[0];
  for (size_t i = 1; i < n; i++) {
    if (p[i] == '\\' && quote != '`' && i + 1 < n && (p[i + 1] == '\\' || p[i + 1] == '\'' || p[i + 1] == '"')) {
      i++;
    } else if (p[i] == quote) {
      if (i + 1 == n || p[i + 1] != quote) return i + 1;
      i++;
    }
  }
  return 0;
}

/* What \c stands for, or 0 when the backslash stands for itself. */
static uint8_t escaped(uint8_t c) {
  return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == '\\' || c == '\'' || c == '"' ? c : 0;
}

void vs_lex_unquote(const vs_token *token, vs_wr *w) {
  assert(token->kind == VS_TOKEN_STRING || token->kind == VS_TOKEN_QUOTED);
  const uint8_t *p = token->text.p;
  uint8_t quote = p[0];
  size_t end = token->text.n - 1;
  for (size_t i = 1; i < end; i++) {
    uint8_t c = p[i];
    if (c == '\\' && quote != '`' && escaped(p[i + 1]) != 0) {
      c = escaped(p[++i]);
    } else if (c == quote) {
      i++;
    }
    vs_wr_u8(w, c);
  }
}

/* ============ Tokens ============ */

static vs_token token_of(vs_token_kind kind, const uint8_t *p, size_t n) { return (vs_token){kind, {p, n}, NULL}; }

static vs_token wrong(const uint8_t *p, size_t n, const char *problem) {
  return (vs_token){VS_TOKEN_WRONG, {p, n}, problem};
}

static vs_token lex_quoted(const uint8_t *p, size_t n) {
  size_t length = quoted_length(p, n);
  if (length == 0) return wrong(p, n, p[0] == '`' ? "this ` is never closed" : "this quote is never closed");
  return token_of(p[0] == '`' ? VS_TOKEN_QUOTED : VS_TOKEN_STRING, p, length);
}

static vs_token lex_number(const uint8_t *p, size_t n, size_t length) {
  size_t junk = word_length(p + length, n - length, true);
  if (junk > 0) return wrong(p, length + junk, "no number: letters follow the digits (text wants quotes)");
  return token_of(VS_TOKEN_NUMBER, p, length);
}

static vs_token lex_symbol(const uint8_t *p, size_t n) {
  uint8_t next = n > 1 ? p[1] : 0;
  switch (p[0]) {
  case '(': return token_of(VS_TOKEN_OPEN, p, 1);
  case ')': return token_of(VS_TOKEN_CLOSE, p, 1);
  case '[': return token_of(VS_TOKEN_OPEN_BRACKET, p, 1);
  case ']': return token_of(VS_TOKEN_CLOSE_BRACKET, p, 1);
  case ',': return token_of(VS_TOKEN_COMMA, p, 1);
  case '.': return token_of(VS_TOKEN_DOT, p, 1);
  case '=': return token_of(VS_TOKEN_EQ, p, next == '=' ? 2 : 1);
  case '<':
    if (next == '>') return token_of(VS_TOKEN_NE, p, 2);
    return next == '=' ? token_of(VS_TOKEN_LE, p, 2) : token_of(VS_TOKEN_LT, p, 1);
  case '>': return next == '=' ? token_of(VS_TOKEN_GE, p, 2) : token_of(VS_TOKEN_GT, p, 1);
  case '!':
    if (next == '=') return token_of(VS_TOKEN_NE, p, 2);
    return wrong(p, 1, "! stands only in !=; write NOT");
  default: break;
  }
  uint32_t length;
  vs_utf8_next(p, n, &length);
  return wrong(p, length, "this character has no meaning here; names with it want `...`, text wants quotes");
}

vs_token vs_lex_next(const char *text, size_t n, size_t at) {
  while (at < n && is_space((uint8_t)text[at])) at++;
  const uint8_t *p = (const uint8_t *)text + at;
  n -= at;
  if (n == 0) return token_of(VS_TOKEN_END, p, 0);
  if (p[0] == '\'' || p[0] == '"' || p[0] == '`') return lex_quoted(p, n);
  size_t length = word_length(p, n, true);
  if (length > 0) return token_of(kind_of_word((vs_slice){p, length}), p, length);
  length = vs_number_length(p, n);
  if (length > 0) return lex_number(p, n, length);
  if (p[0] != '$') return lex_symbol(p, n);
  length = word_length(p + 1, n - 1, false);
  return length > 0 ? token_of(VS_TOKEN_PARAM, p, 1 + length) : wrong(p, 1, "$ wants the name of a parameter");
}
