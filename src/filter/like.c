/* like.c - LIKE and ILIKE patterns, and finding text in text.
 *
 * Layer: filter. Knows UTF-8 and letters' cases, nothing of fields.
 *
 * Matching walks text and pattern together and remembers only the last %: a
 * mismatch behind it lets that % swallow one character more. Going back to an
 * earlier % could never help, as the last one can swallow whatever the
 * earlier one could have. So there is no recursion and no memory, and with
 * patterns capped (vs_filter_limits) time is linear in the text.
 */
#include "like.h"

#include "../base/utf8.h"

#include <string.h>

/* ============ Letters without case ============ */

/* Every `step`-th character from first to last folds to itself plus delta. */
typedef struct {
  uint16_t first, last;
  int16_t delta;
  uint16_t step;
} fold_range;

static const fold_range FOLDS[] = {
    {0x41, 0x5a, 32, 1},     {0xb5, 0xb5, 775, 1},       {0xc0, 0xd6, 32, 1},        {0xd8, 0xde, 32, 1},
    {0x100, 0x12e, 1, 2},    {0x132, 0x136, 1, 2},       {0x139, 0x147, 1, 2},       {0x14a, 0x176, 1, 2},
    {0x178, 0x178, -121, 1}, {0x179, 0x17d, 1, 2},       {0x17f, 0x17f, -268, 1},    {0x1cd, 0x1db, 1, 2},
    {0x1de, 0x1ee, 1, 2},    {0x1f8, 0x21e, 1, 2},       {0x222, 0x232, 1, 2},       {0x386, 0x386, 38, 1},
    {0x388, 0x38a, 37, 1},   {0x38c, 0x38c, 64, 1},      {0x38e, 0x38f, 63, 1},      {0x391, 0x3a1, 32, 1},
    {0x3a3, 0x3ab, 32, 1},   {0x3c2, 0x3c2, 1, 1},       {0x400, 0x40f, 80, 1},      {0x410, 0x42f, 32, 1},
    {0x460, 0x480, 1, 2},    {0x48a, 0x4be, 1, 2},       {0x4c0, 0x4c0, 15, 1},      {0x4c1, 0x4cd, 1, 2},
    {0x4d0, 0x52e, 1, 2},    {0x531, 0x556, 48, 1},      {0x1e00, 0x1e94, 1, 2},     {0x1e9e, 0x1e9e, -7615, 1},
    {0x1ea0, 0x1efe, 1, 2},  {0x2126, 0x2126, -7517, 1}, {0x212a, 0x212a, -8383, 1}, {0x212b, 0x212b, -8262, 1},
    {0x2160, 0x216f, 16, 1}, {0x24b6, 0x24cf, 26, 1},    {0xff21, 0xff3a, 32, 1},
};

uint32_t vs_like_fold(uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  for (size_t i = 0; i < sizeof FOLDS / sizeof FOLDS[0] && code >= FOLDS[i].first; i++) {
    const fold_range *range = &FOLDS[i];
    if (code > range->last) continue;
    return (code - range->first) % range->step == 0 ? (uint32_t)((int32_t)code + range->delta) : code;
  }
  return code;
}

/* ============ Compiling ============ */

static void put_character(vs_wr *w, uint32_t code) {
  if (code < 0x80) {
    vs_wr_u8(w, (uint8_t)code);
    return;
  }
  static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
  uint32_t tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  vs_wr_u8(w, (uint8_t)(leads[tail] | code >> (6 * tail)));
  while (tail-- > 0) vs_wr_u8(w, (uint8_t)(0x80 | (code >> (6 * tail) & 0x3f)));
}

bool vs_like_compile(vs_slice pattern, vs_slice escape, bool fold, vs_wr *w) {
  for (size_t i = 0; i < pattern.n;) {
    bool literal = escape.n > 0 && pattern.n - i >= escape.n && memcmp(pattern.p + i, escape.p, escape.n) == 0;
    if (literal && (i += escape.n) == pattern.n) return false;
    uint32_t length, code = vs_utf8_next(pattern.p + i, pattern.n - i, &length);
    if (!literal && (code == '%' || code == '_')) {
      vs_wr_u8(w, code == '%' ? VS_LIKE_ANY : VS_LIKE_ONE);
    } else {
      put_character(w, fold ? vs_like_fold(code) : code);
    }
    i += length;
  }
  return true;
}

/* ============ Matching ============ */

/* Whether the character at *t is what stands at *p of the pattern; steps over both. */
static bool match_one(vs_slice text, size_t *t, vs_slice pattern, size_t *p, bool fold) {
  uint32_t t_length, p_length = 1;
  uint32_t code = vs_utf8_next(text.p + *t, text.n - *t, &t_length);
  if (pattern.p[*p] != VS_LIKE_ONE) {
    uint32_t want = vs_utf8_next(pattern.p + *p, pattern.n - *p, &p_length);
    if (want != (fold ? vs_like_fold(code) : code)) return false;
  }
  *t += t_length;
  *p += p_length;
  return true;
}

static size_t next_character(vs_slice text, size_t t) {
  uint32_t length;
  vs_utf8_next(text.p + t, text.n - t, &length);
  return t + length;
}

bool vs_like_match(vs_slice text, vs_slice pattern, bool fold) {
  size_t t = 0, p = 0, any_p = SIZE_MAX, any_t = 0;
  while (t < text.n) {
    if (p < pattern.n && pattern.p[p] == VS_LIKE_ANY) {
      any_p = ++p;
      any_t = t;
      if (p == pattern.n) return true;
    } else if (p == pattern.n || !match_one(text, &t, pattern, &p, fold)) {
      if (any_p == SIZE_MAX) return false;
      p = any_p;
      t = any_t = next_character(text, any_t);
    }
  }
  while (p < pattern.n && pattern.p[p] == VS_LIKE_ANY) p++;
  return p == pattern.n;
}

bool vs_like_contains(vs_slice text, vs_slice needle) {
  if (needle.n == 0) return true;
  while (text.n >= needle.n) {
    const uint8_t *p = memchr(text.p, needle.p[0], text.n - needle.n + 1);
    if (p == NULL) return false;
    if (memcmp(p, needle.p, needle.n) == 0) return true;
    text.n -= (size_t)(p - text.p) + 1;
    text.p = p + 1;
  }
  return false;
}
