/* crc32c.c - CRC-32C by folding 16 bytes at a time with byte shuffles.
 *
 * Layer: base. Knows no format.
 *
 * A CRC is linear: part of a message may be replaced by anything with the
 * same remainder. So a long input is folded: its first row of 16 bytes is
 * cleared, and what it contributed to the remainder is XORed into rows behind
 * it, until only the last WINDOW rows are left; they and the rest go through
 * a table of nibbles. This is the scheme of Gopal et al., "Fast CRC Computation for
 * Generic Polynomials Using PCLMULQDQ" (2009), carried to machines that have
 * byte shuffles but no carry-less multiplication, as WASM.
 *
 * Byte i of a row is folded into byte i of the rows 1, 2, 5 and 6 further on.
 * Those 32 bits have linearly independent weights modulo the Castagnoli
 * polynomial (rows 1, 2, 3, 4 have not), so any remainder can be written with
 * them: the byte at distance d becomes M_d(byte), with M_d linear. M_d is the
 * XOR of a 16-entry table of the low nibble and one of the high nibble, and
 * one byte shuffle looks up 16 of them. That makes 8 shuffles for 16 bytes
 * and 128 bytes of tables, where slicing-by-8 has 8 KiB.
 *
 * The tables are the solution of: the sum over d of M_d(v) followed by
 * 16 * (6 - d) zero bytes has the remainder of v followed by 96 zero bytes.
 *
 * LONG INPUTS need no tables. With y = x^8, the polynomial divides
 * y^5275 + y^4508 + y^2751 + 1 (found by search; there is no such sum of four
 * powers with a smaller first one). So a byte may be moved as it is to the
 * places 767, 2524 and 5275 bytes further on, and every row of the result is
 * the XOR of one row of the input and three rows of earlier results. The last
 * TAIL bytes, which have no room behind them, are folded as above. The idea of
 * sparse multiples is Chorba's (Russell, arXiv 2412.16398).
 * A unit test compares every length with bitwise division.
 *
 * The shuffle is one instruction in WASM SIMD128, SSSE3 and Arm NEON; other
 * machines use the table alone. Complexity O(n).
 */
#include "crc32c.h"

#include "bytes.h"

#include <string.h>

/* Remainders of four bits followed by four zero bytes. A table of bytes would be twice as fast, but only short inputs
 * and ends come here, and its kilobyte of noise would be the largest constant that an engine has to download. */
static const uint32_t nibble_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t by_bytes(uint32_t state, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    state ^= p[i];
    state = nibble_table[state & 15] ^ (state >> 4);
    state = nibble_table[state & 15] ^ (state >> 4);
  }
  return state;
}

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
typedef v128_t row;
#define FOLD_TARGET
#define load_row(p) wasm_v128_load(p)
#define store_row(p, v) wasm_v128_store(p, v)
#define xor_row(a, b) wasm_v128_xor(a, b)
#define low_nibbles(v) wasm_v128_and(v, wasm_i8x16_splat(15))
#define high_nibbles(v) wasm_u8x16_shr(v, 4)
#define look_up(table, indices) wasm_i8x16_swizzle(table, indices)
static bool can_fold(void) { return true; }
#elif defined(__x86_64__)
#include <tmmintrin.h>
typedef __m128i row;
#define FOLD_TARGET __attribute__((target("ssse3")))
#define load_row(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define store_row(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)
#define xor_row(a, b) _mm_xor_si128(a, b)
#define low_nibbles(v) _mm_and_si128(v, _mm_set1_epi8(15))
#define high_nibbles(v) _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(15))
#define look_up(table, indices) _mm_shuffle_epi8(table, indices)
static bool can_fold(void) { return __builtin_cpu_supports("ssse3") != 0; }
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef uint8x16_t row;
#define FOLD_TARGET
#define load_row(p) vld1q_u8(p)
#define store_row(p, v) vst1q_u8(p, v)
#define xor_row(a, b) veorq_u8(a, b)
#define low_nibbles(v) vandq_u8(v, vdupq_n_u8(15))
#define high_nibbles(v) vshrq_n_u8(v, 4)
#define look_up(table, indices) vqtbl1q_u8(table, indices)
static bool can_fold(void) { return true; }
#endif

#if defined(FOLD_TARGET)

/* Per distance 1, 2, 5, 6: M_d of the low nibbles, then of the high ones. */
static const uint8_t fold_table[8][16] = {
    {0x00, 0x86, 0x1d, 0x9b, 0x74, 0xf2, 0x69, 0xef, 0xff, 0x79, 0xe2, 0x64, 0x8b, 0x0d, 0x96, 0x10},
    {0x00, 0xb6, 0x68, 0xde, 0x89, 0x3f, 0xe1, 0x57, 0x16, 0xa0, 0x7e, 0xc8, 0x9f, 0x29, 0xf7, 0x41},
    {0x00, 0x75, 0x20, 0x55, 0xcb, 0xbe, 0xeb, 0x9e, 0x93, 0xe6, 0xb3, 0xc6, 0x58, 0x2d, 0x78, 0x0d},
    {0x00, 0x62, 0xde, 0xbc, 0x32, 0x50, 0xec, 0x8e, 0x7e, 0x1c, 0xa0, 0xc2, 0x4c, 0x2e, 0x92, 0xf0},
    {0x00, 0x5b, 0x5b, 0x00, 0xd7, 0x8c, 0x8c, 0xd7, 0x89, 0xd2, 0xd2, 0x89, 0x5e, 0x05, 0x05, 0x5e},
    {0x00, 0xb9, 0xc6, 0x7f, 0xca, 0x73, 0x0c, 0xb5, 0x20, 0x99, 0xe6, 0x5f, 0xea, 0x53, 0x2c, 0x95},
    {0x00, 0x93, 0xba, 0x29, 0xbd, 0x2e, 0x07, 0x94, 0xe7, 0x74, 0x5d, 0xce, 0x5a, 0xc9, 0xe0, 0x73},
    {0x00, 0x06, 0x17, 0x11, 0x7a, 0x7c, 0x6d, 0x6b, 0xef, 0xe9, 0xf8, 0xfe, 0x95, 0x93, 0x82, 0x84},
};

#define WINDOW 6u

/* Takes n_rows >= WINDOW rows of 16 bytes into the state. */
FOLD_TARGET static uint32_t by_folding(uint32_t state, const uint8_t *p, size_t n_rows) {
  const row low1 = load_row(fold_table[0]), high1 = load_row(fold_table[1]);
  const row low2 = load_row(fold_table[2]), high2 = load_row(fold_table[3]);
  const row low5 = load_row(fold_table[4]), high5 = load_row(fold_table[5]);
  const row low6 = load_row(fold_table[6]), high6 = load_row(fold_table[7]);
  uint8_t rest[16 * WINDOW];
  memcpy(rest, p, sizeof rest);
  vs_store_u32(rest, vs_load_u32(rest) ^ state);
  row s[WINDOW];
  for (size_t i = 0; i < WINDOW; i++) s[i] = load_row(rest + 16 * i);
  for (const uint8_t *end = p + 16 * n_rows, *at = p + sizeof rest; at != end; at += 16) {
    row low = low_nibbles(s[0]), high = high_nibbles(s[0]);
    s[0] = xor_row(s[1], xor_row(look_up(low1, low), look_up(high1, high)));
    s[1] = xor_row(s[2], xor_row(look_up(low2, low), look_up(high2, high)));
    s[2] = s[3];
    s[3] = s[4];
    s[4] = xor_row(s[5], xor_row(look_up(low5, low), look_up(high5, high)));
    s[5] = xor_row(load_row(at), xor_row(look_up(low6, low), look_up(high6, high)));
  }
  for (size_t i = 0; i < WINDOW; i++) store_row(rest + 16 * i, s[i]);
  return by_bytes(0, rest, sizeof rest);
}

/* Below this the window that is left over costs more than folding saves. */
#define FOLD_LEAST 192u

#define NEAR 767u
#define MIDDLE 2524u
#define FAR 5275u
/* FAR, in whole rows. */
#define TAIL 5280u
#define CHUNK 16384u
/* Below this the tail costs more than moving saves. */
#define MOVE_LEAST 24576u

_Static_assert(TAIL >= FAR && TAIL % 16 == 0 && CHUNK >= TAIL && MOVE_LEAST >= TAIL, "the tail fits everywhere");

/* out = in XOR what was moved here; `moved` has the results before, FAR bytes of them. */
FOLD_TARGET static void move_rows(uint8_t *out, const uint8_t *in, const uint8_t *moved, size_t n) {
#pragma clang loop unroll_count(4)
  for (size_t i = 0; i < n; i += 16) {
    row near = load_row(moved + i - NEAR), middle = load_row(moved + i - MIDDLE), far = load_row(moved + i - FAR);
    store_row(out + i, xor_row(xor_row(load_row(in + i), near), xor_row(middle, far)));
  }
}

/* The same as by_folding, of n >= TAIL bytes, a multiple of 16. */
FOLD_TARGET static uint32_t by_moving(uint32_t state, const uint8_t *p, size_t n) {
  uint8_t result[TAIL + CHUNK], rest[TAIL];
  memset(result, 0, TAIL);
  /* As if it had been moved to the first four bytes, and to nowhere else. */
  vs_store_u32(result + TAIL - FAR, state);
  for (size_t left = n - TAIL, step; left > 0; left -= step) {
    step = left < CHUNK ? left : CHUNK;
    move_rows(result + TAIL, p, result + TAIL, step);
    memmove(result, result + step, TAIL);
    p += step;
  }
  memset(result + TAIL, 0, TAIL); /* nothing of the tail is moved */
  move_rows(rest, p, result + TAIL, TAIL);
  return by_folding(0, rest, TAIL / 16);
}

#endif

uint32_t vs_crc32c(uint32_t crc, const void *data, size_t n) {
  const uint8_t *p = data;
  uint32_t state = ~crc;
#if defined(FOLD_TARGET)
  if (n >= FOLD_LEAST && can_fold()) {
    size_t folded = n & ~(size_t)15;
    state = n < MOVE_LEAST ? by_folding(state, p, folded / 16) : by_moving(state, p, folded);
    p += folded;
    n -= folded;
  }
#endif
  return ~by_bytes(state, p, n);
}
