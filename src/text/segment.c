/* segment.c - word boundaries (see segment.h).
 *
 * Layer: text (L2). The rules WB3 to WB999 of annex 29 as one pass: at each
 * boundary what matters is the class before it (marks and formats skipped,
 * WB4), the class before that, the raw class before it, and for the rules that
 * look beyond a mark of punctuation the class behind the next one.
 */
#include "segment.h"

#include "../base/utf8.h"

typedef struct {
  vs_wb raw;          /* of the code point before the boundary */
  vs_wb before, last; /* the two classes before it, by WB4 */
  uint32_t regional;  /* regional indicators right before it */
} state;

static bool is_letter(vs_wb wb) { return wb == VS_WB_LETTER || wb == VS_WB_HEBREW || wb == VS_WB_LETTER_PICTOGRAPH; }
static bool is_ignored(vs_wb wb) { return wb == VS_WB_EXTEND || wb == VS_WB_FORMAT || wb == VS_WB_ZWJ; }
static bool is_newline(vs_wb wb) { return wb == VS_WB_CR || wb == VS_WB_LF || wb == VS_WB_NEWLINE; }
static bool is_pictograph(vs_wb wb) { return wb == VS_WB_PICTOGRAPH || wb == VS_WB_LETTER_PICTOGRAPH; }
static bool joins_letters(vs_wb wb) {
  return wb == VS_WB_MID_LETTER || wb == VS_WB_MID_NUM_LET || wb == VS_WB_SINGLE_QUOTE;
}
static bool joins_numbers(vs_wb wb) {
  return wb == VS_WB_MID_NUM || wb == VS_WB_MID_NUM_LET || wb == VS_WB_SINGLE_QUOTE;
}

static vs_wb class_at(vs_segmenter *s, size_t at, uint32_t *length) {
  return vs_word_break(&s->cache, vs_utf8_next(s->text.p + at, s->text.n - at, length));
}

/* The class of the next code point from `at` on that WB4 does not skip. */
static vs_wb class_behind(vs_segmenter *s, size_t at) {
  while (at < s->text.n) {
    uint32_t length;
    vs_wb wb = class_at(s, at, &length);
    if (!is_ignored(wb)) return wb;
    at += length;
  }
  return VS_WB_OTHER;
}

/* WB5 to WB13b: is there no boundary before `wb`? `behind`: where the code point after it begins. */
static bool words_join(vs_segmenter *s, const state *b, vs_wb wb, size_t behind) {
  vs_wb last = b->last;
  if (is_letter(wb)) {
    if (is_letter(last) || last == VS_WB_NUMERIC || last == VS_WB_EXTEND_NUM_LET) return true;
    if (is_letter(b->before) && joins_letters(last)) return true;
    return b->before == VS_WB_HEBREW && last == VS_WB_DOUBLE_QUOTE && wb == VS_WB_HEBREW;
  }
  if (is_letter(last) && joins_letters(wb)) {
    if (last == VS_WB_HEBREW && wb == VS_WB_SINGLE_QUOTE) return true;
    return is_letter(class_behind(s, behind));
  }
  if (last == VS_WB_HEBREW && wb == VS_WB_DOUBLE_QUOTE) return class_behind(s, behind) == VS_WB_HEBREW;
  if (wb == VS_WB_NUMERIC) {
    if (last == VS_WB_NUMERIC || is_letter(last) || last == VS_WB_EXTEND_NUM_LET) return true;
    return b->before == VS_WB_NUMERIC && joins_numbers(last);
  }
  if (last == VS_WB_NUMERIC && joins_numbers(wb)) return class_behind(s, behind) == VS_WB_NUMERIC;
  if (wb == VS_WB_KATAKANA) return last == VS_WB_KATAKANA || last == VS_WB_EXTEND_NUM_LET;
  if (wb == VS_WB_EXTEND_NUM_LET)
    return is_letter(last) || last == VS_WB_NUMERIC || last == VS_WB_KATAKANA || last == VS_WB_EXTEND_NUM_LET;
  return false;
}

static bool no_boundary(vs_segmenter *s, const state *b, vs_wb wb, size_t behind) {
  if (b->raw == VS_WB_CR && wb == VS_WB_LF) return true;
  if (is_newline(b->raw) || is_newline(wb)) return false;
  if (b->raw == VS_WB_ZWJ && is_pictograph(wb)) return true;
  if (b->raw == VS_WB_SPACE && wb == VS_WB_SPACE) return true;
  if (is_ignored(wb)) return true;
  if (wb == VS_WB_REGIONAL) return b->last == VS_WB_REGIONAL && b->regional % 2 == 1;
  return words_join(s, b, wb, behind);
}

static vs_segment_kind kind_of(vs_wb wb, uint32_t code) {
  switch (wb) {
  case VS_WB_LETTER:
  case VS_WB_LETTER_PICTOGRAPH:
  case VS_WB_HEBREW:
  case VS_WB_NUMERIC:
  case VS_WB_KATAKANA: return VS_SEGMENT_WORD;
  case VS_WB_HAN:
  case VS_WB_HIRAGANA:
  case VS_WB_COMPLEX: return VS_SEGMENT_GLYPH;
  case VS_WB_REGIONAL: return VS_SEGMENT_EMOJI;
  /* Below are signs such as (c) and arrows, which are punctuation to most. */
  case VS_WB_PICTOGRAPH: return code >= 0x2300 ? VS_SEGMENT_EMOJI : VS_SEGMENT_NONE;
  default: return VS_SEGMENT_NONE;
  }
}

static bool is_ascii_word(uint8_t c) { return (c | 32u) - 'a' < 26 || (uint32_t)c - '0' < 10; }

size_t vs_segment_end(vs_segmenter *s, size_t from, vs_segment_kind *kind) {
  uint32_t length;
  uint32_t code = vs_utf8_next(s->text.p + from, s->text.n - from, &length);
  vs_wb wb = vs_word_break(&s->cache, code);
  state b = {wb, VS_WB_OTHER, wb, wb == VS_WB_REGIONAL};
  *kind = kind_of(wb, code);
  size_t at = from + length;
  while (at < s->text.n) {
    /* Most of most texts: letters and digits of ASCII behind the same. */
    if ((b.last == VS_WB_LETTER || b.last == VS_WB_NUMERIC) && b.raw == b.last && is_ascii_word(s->text.p[at])) {
      while (at + 1 < s->text.n && is_ascii_word(s->text.p[at + 1])) at++;
      b.before = VS_WB_LETTER; /* of no consequence: the next rule looks at `last` */
      b.last = b.raw = s->text.p[at] <= '9' ? VS_WB_NUMERIC : VS_WB_LETTER;
      at++;
      continue;
    }
    code = vs_utf8_next(s->text.p + at, s->text.n - at, &length);
    wb = vs_word_break(&s->cache, code);
    if (!no_boundary(s, &b, wb, at + length)) break;
    at += length;
    b.raw = wb;
    if (is_ignored(wb)) continue;
    b.before = b.last;
    b.last = wb;
    if (wb == VS_WB_REGIONAL) b.regional++;
    if (*kind == VS_SEGMENT_NONE) *kind = kind_of(wb, code);
  }
  return at;
}
