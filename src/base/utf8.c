/* utf8.c - strict UTF-8.
 *
 * Layer: base. Implements table 3-7 of the Unicode standard: the lead byte
 * fixes the length and the range of the second byte, which is what excludes
 * overlong forms, surrogates and code points above U+10FFFF; all later bytes
 * are 80..BF. Validation skips ASCII eight bytes at a time. O(n).
 */
#include "utf8.h"

#include "bytes.h"

/* One row of the table: what may follow a lead byte. */
typedef struct {
  uint8_t length;    /* 0: not a lead byte */
  uint8_t low, high; /* range of the second byte */
} lead_rule;

static lead_rule rule_of(uint8_t lead) {
  if (lead < 0xc2) return (lead_rule){0, 0, 0};
  if (lead <= 0xdf) return (lead_rule){2, 0x80, 0xbf};
  if (lead == 0xe0) return (lead_rule){3, 0xa0, 0xbf};
  if (lead == 0xed) return (lead_rule){3, 0x80, 0x9f};
  if (lead <= 0xef) return (lead_rule){3, 0x80, 0xbf};
  if (lead == 0xf0) return (lead_rule){4, 0x90, 0xbf};
  if (lead <= 0xf3) return (lead_rule){4, 0x80, 0xbf};
  if (lead == 0xf4) return (lead_rule){4, 0x80, 0x8f};
  return (lead_rule){0, 0, 0};
}

uint32_t vs_utf8_next(const uint8_t *p, size_t n, uint32_t *len) {
  assert(n > 0);
  *len = 1;
  if (p[0] < 0x80) return p[0];
  lead_rule rule = rule_of(p[0]);
  if (rule.length == 0 || n < rule.length || p[1] < rule.low || p[1] > rule.high) return UINT32_MAX;
  uint32_t code = ((uint32_t)p[0] & (0x7fu >> rule.length)) << 6 | (p[1] & 0x3fu);
  for (uint32_t i = 2; i < rule.length; i++) {
    if ((p[i] & 0xc0) != 0x80) return UINT32_MAX;
    code = code << 6 | (p[i] & 0x3fu);
  }
  *len = rule.length;
  return code;
}

bool vs_utf8_valid(const void *text, size_t n) {
  const uint8_t *p = text;
  while (n > 0) {
    if (n >= 8 && (vs_load_u64(p) & 0x8080808080808080u) == 0) {
      p += 8;
      n -= 8;
      continue;
    }
    uint32_t len;
    if (vs_utf8_next(p, n, &len) == UINT32_MAX) return false;
    p += len;
    n -= len;
  }
  return true;
}
