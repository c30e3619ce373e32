/* All code points pass, and over every byte sequence of up to three bytes and
 * all interesting four-byte ones the decoder agrees with the definition:
 * well-formed means "the shortest encoding of a scalar value". */
#include "../../../src/base/utf8.h"

#include "../tap.h"

static uint32_t encode(uint32_t c, uint8_t *p) {
  if (c < 0x80) return p[0] = (uint8_t)c, 1;
  uint32_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (uint32_t i = n - 1; i > 0; i--, c >>= 6) p[i] = (uint8_t)(0x80 | (c & 0x3f));
  p[0] = (uint8_t)((0xf00u >> n & 0xff) | c);
  return n;
}

/* The definition: decode loosely, then demand that encoding gives the bytes. */
static uint32_t oracle(const uint8_t *p, size_t n, uint32_t *len) {
  *len = 1;
  if (p[0] < 0x80) return p[0];
  uint32_t want = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  if (p[0] < 0xc0 || p[0] > 0xf7 || n < want) return UINT32_MAX;
  uint32_t c = p[0] & (0x7fu >> want);
  for (uint32_t i = 1; i < want; i++) {
    if (p[i] >> 6 != 2) return UINT32_MAX;
    c = c << 6 | (p[i] & 0x3f);
  }
  uint8_t again[4];
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || encode(c, again) != want || memcmp(again, p, want) != 0) {
    return UINT32_MAX;
  }
  *len = want;
  return c;
}

static bool agrees(const uint8_t *p, size_t n) {
  uint32_t len, expected_len, expected = oracle(p, n, &expected_len);
  return vs_utf8_next(p, n, &len) == expected && len == expected_len &&
         vs_utf8_valid(p, n) == (expected != UINT32_MAX && expected_len == n);
}

int main(void) {
  int wrong = 0;
  for (uint32_t c = 0; c <= 0x10ffff; c++) {
    uint8_t p[4];
    uint32_t len, n = encode(c, p);
    bool scalar = c < 0xd800 || c > 0xdfff;
    wrong += vs_utf8_next(p, n, &len) != (scalar ? c : UINT32_MAX) || len != (scalar ? n : 1);
    wrong += vs_utf8_valid(p, n) != scalar;
    for (uint32_t cut = 1; cut < n; cut++) wrong += vs_utf8_valid(p, cut);
  }
  ok(wrong == 0, "all code points, none cut (%d wrong)", wrong);
  for (uint32_t lead = 0x80; lead < 0x100; lead++) {
    for (uint32_t second = 0; second < 0x100; second++) {
      static const uint8_t later[] = {0x00, 0x7f, 0x80, 0xa5, 0xbf, 0xc0, 0xff};
      uint8_t two[2] = {(uint8_t)lead, (uint8_t)second};
      wrong += !agrees(two, 2);
      for (size_t i = 0; i < sizeof later; i++) {
        uint8_t three[3] = {(uint8_t)lead, (uint8_t)second, later[i]};
        if (lead >= 0xe0) wrong += !agrees(three, 3);
        for (size_t k = 0; k < sizeof later; k++) {
          uint8_t four[4] = {(uint8_t)lead, (uint8_t)second, later[i], later[k]};
          if (lead >= 0xf0) wrong += !agrees(four, 4);
        }
      }
    }
  }
  ok(wrong == 0, "ill-formed sequences are refused (%d wrong)", wrong);
  char text[64];
  for (size_t n = 0; n <= 40; n++) {
    memset(text, 'a', sizeof text);
    wrong += !vs_utf8_valid(text, n);
    for (size_t at = 0; at < n; at++) {
      text[at] = (char)0x80;
      wrong += vs_utf8_valid(text, n);
      text[at] = 'a';
    }
  }
  ok(wrong == 0, "a bad byte is found at every place of ASCII text");
  ok(vs_utf8_valid(NULL, 0), "no text is well-formed");
  return tap_done();
}
