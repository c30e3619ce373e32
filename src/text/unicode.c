/* unicode.c - looking code points up in the generated tables (see unicode.h).
 *
 * Layer: text (L2). Word_Break classes are a list of ranges, every 32nd of which
 * is found by halving; foldings are runs of code points that become others at a constant distance, and a few
 * that become several. O(log of the tables).
 */
#include "unicode.h"

#include "word_tables.gen.h"

#define CODE_BITS 0x1fffffu
#define LENGTH_OF(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

/* The last of n ascending entries that is not above `code`; the first is never above. */
static uint32_t last_not_above(const uint32_t *entries, uint32_t n, uint32_t code) {
  uint32_t low = 0, high = n;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if ((entries[middle] & CODE_BITS) <= code)
      low = middle;
    else
      high = middle;
  }
  return low;
}

vs_wb vs_word_break(vs_wb_cache *cache, uint32_t code) {
  if (code < 128) return (vs_wb)CLASS_ASCII[code];
  if (code - cache->from < cache->to - cache->from) return cache->wb;
  if (code > 0x10ffff) return VS_WB_OTHER;
  uint32_t i = last_not_above(CLASS_FROM, LENGTH_OF(CLASS_FROM), code);
  const uint8_t *at = CLASS_BYTES + CLASS_AT[i];
  for (uint32_t from = CLASS_FROM[i];;) {
    uint8_t head = *at++;
    uint32_t length = head >> 5;
    if (length == 0) {
      for (uint32_t shift = 0;; shift += 7) {
        length |= (*at & 127u) << shift;
        if (*at++ < 128) break;
      }
    }
    if (code - from < length) {
      *cache = (vs_wb_cache){from, from + length, (vs_wb)(head & 31)};
      return cache->wb;
    }
    from += length;
  }
}

uint32_t vs_fold_word(uint32_t code, uint32_t out[VS_FOLDED_MAX]) {
  out[0] = code;
  if (code < 0x80) {
    out[0] = code - 'A' < 26 ? code + 32 : code;
    return 1;
  }
  uint32_t i = last_not_above(RUN_FROM, LENGTH_OF(RUN_FROM), code);
  if ((RUN_FROM[i] & CODE_BITS) > code) return 1;
  uint32_t offset = code - (RUN_FROM[i] & CODE_BITS), above = RUN_FROM[i] >> 21;
  uint32_t to = RUN_TO[i] & CODE_BITS, step = RUN_TO[i] >> 21 & 1, rise = RUN_TO[i] >> 22;
  if (rise == 3) {
    if (offset != 0) return 1;
    uint32_t n = (above * 2 + step) + 1;
    for (uint32_t j = 0; j < n; j++) out[j] = LONGER[to + j];
    return n;
  }
  step++;
  if (offset % step == 0 && offset / step <= above) out[0] = to + offset / step * rise;
  return 1;
}

bool vs_is_space(uint32_t code) {
  if (code <= 0x20) return true;
  return code == 0x85 || code == 0xa0 || code == 0x1680 || code - 0x2000 < 11 || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

uint32_t vs_utf8_put(uint8_t out[4], uint32_t code) {
  if (code < 0x80) {
    out[0] = (uint8_t)code;
    return 1;
  }
  uint32_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (uint32_t i = n; i-- > 1; code >>= 6) out[i] = (uint8_t)(0x80 | (code & 63));
  out[0] = (uint8_t)((0xf00 >> n) | code);
  return n;
}
