/* crc32c.c - CRC-32C by folding 16 bytes at a time with byte shuffles.
 *
 * Layer: base. Knows no format.
 *
 * A CRC is linear: part of a message may be replaced by anything with the
 * same remainder. So a long input is folded: its first row of 16 bytes is
 * cleared, and what it contributed to the remainder is XORed into rows behind
 * it, until only the last WINDOW rows are left; they and the rest go through
 * a byte table. This is the scheme of Gopal et al., "Fast CRC Computation for
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
 * machines use the byte table alone. Complexity O(n).
 */
#include "crc32c.h"

#include "bytes.h"

#include <string.h>

/* Remainders of one byte followed by four zero bytes. */
static const uint32_t byte_table[256] = {
    0x00000000, 0xf26b8303, 0xe13b70f7, 0x1350f3f4, 0xc79a971f, 0x35f1141c, 0x26a1e7e8, 0xd4ca64eb, 0x8ad958cf,
    0x78b2dbcc, 0x6be22838, 0x9989ab3b, 0x4d43cfd0, 0xbf284cd3, 0xac78bf27, 0x5e133c24, 0x105ec76f, 0xe235446c,
    0xf165b798, 0x030e349b, 0xd7c45070, 0x25afd373, 0x36ff2087, 0xc494a384, 0x9a879fa0, 0x68ec1ca3, 0x7bbcef57,
    0x89d76c54, 0x5d1d08bf, 0xaf768bbc, 0xbc267848, 0x4e4dfb4b, 0x20bd8ede, 0xd2d60ddd, 0xc186fe29, 0x33ed7d2a,
    0xe72719c1, 0x154c9ac2, 0x061c6936, 0xf477ea35, 0xaa64d611, 0x580f5512, 0x4b5fa6e6, 0xb93425e5, 0x6dfe410e,
    0x9f95c20d, 0x8cc531f9, 0x7eaeb2fa, 0x30e349b1, 0xc288cab2, 0xd1d83946, 0x23b3ba45, 0xf779deae, 0x05125dad,
    0x1642ae59, 0xe4292d5a, 0xba3a117e, 0x4851927d, 0x5b016189, 0xa96ae28a, 0x7da08661, 0x8fcb0562, 0x9c9bf696,
    0x6ef07595, 0x417b1dbc, 0xb3109ebf, 0xa0406d4b, 0x522bee48, 0x86e18aa3, 0x748a09a0, 0x67dafa54, 0x95b17957,
    0xcba24573, 0x39c9c670, 0x2a993584, 0xd8f2b687, 0x0c38d26c, 0xfe53516f, 0xed03a29b, 0x1f682198, 0x5125dad3,
    0xa34e59d0, 0xb01eaa24, 0x42752927, 0x96bf4dcc, 0x64d4cecf, 0x77843d3b, 0x85efbe38, 0xdbfc821c, 0x2997011f,
    0x3ac7f2eb, 0xc8ac71e8, 0x1c661503, 0xee0d9600, 0xfd5d65f4, 0x0f36e6f7, 0x61c69362, 0x93ad1061, 0x80fde395,
    0x72966096, 0xa65c047d, 0x5437877e, 0x4767748a, 0xb50cf789, 0xeb1fcbad, 0x197448ae, 0x0a24bb5a, 0xf84f3859,
    0x2c855cb2, 0xdeeedfb1, 0xcdbe2c45, 0x3fd5af46, 0x7198540d, 0x83f3d70e, 0x90a324fa, 0x62c8a7f9, 0xb602c312,
    0x44694011, 0x5739b3e5, 0xa55230e6, 0xfb410cc2, 0x092a8fc1, 0x1a7a7c35, 0xe811ff36, 0x3cdb9bdd, 0xceb018de,
    0xdde0eb2a, 0x2f8b6829, 0x82f63b78, 0x709db87b, 0x63cd4b8f, 0x91a6c88c, 0x456cac67, 0xb7072f64, 0xa457dc90,
    0x563c5f93, 0x082f63b7, 0xfa44e0b4, 0xe9141340, 0x1b7f9043, 0xcfb5f4a8, 0x3dde77ab, 0x2e8e845f, 0xdce5075c,
    0x92a8fc17, 0x60c37f14, 0x73938ce0, 0x81f80fe3, 0x55326b08, 0xa759e80b, 0xb4091bff, 0x466298fc, 0x1871a4d8,
    0xea1a27db, 0xf94ad42f, 0x0b21572c, 0xdfeb33c7, 0x2d80b0c4, 0x3ed04330, 0xccbbc033, 0xa24bb5a6, 0x502036a5,
    0x4370c551, 0xb11b4652, 0x65d122b9, 0x97baa1ba, 0x84ea524e, 0x7681d14d, 0x2892ed69, 0xdaf96e6a, 0xc9a99d9e,
    0x3bc21e9d, 0xef087a76, 0x1d63f975, 0x0e330a81, 0xfc588982, 0xb21572c9, 0x407ef1ca, 0x532e023e, 0xa145813d,
    0x758fe5d6, 0x87e466d5, 0x94b49521, 0x66df1622, 0x38cc2a06, 0xcaa7a905, 0xd9f75af1, 0x2b9cd9f2, 0xff56bd19,
    0x0d3d3e1a, 0x1e6dcdee, 0xec064eed, 0xc38d26c4, 0x31e6a5c7, 0x22b65633, 0xd0ddd530, 0x0417b1db, 0xf67c32d8,
    0xe52cc12c, 0x1747422f, 0x49547e0b, 0xbb3ffd08, 0xa86f0efc, 0x5a048dff, 0x8ecee914, 0x7ca56a17, 0x6ff599e3,
    0x9d9e1ae0, 0xd3d3e1ab, 0x21b862a8, 0x32e8915c, 0xc083125f, 0x144976b4, 0xe622f5b7, 0xf5720643, 0x07198540,
    0x590ab964, 0xab613a67, 0xb831c993, 0x4a5a4a90, 0x9e902e7b, 0x6cfbad78, 0x7fab5e8c, 0x8dc0dd8f, 0xe330a81a,
    0x115b2b19, 0x020bd8ed, 0xf0605bee, 0x24aa3f05, 0xd6c1bc06, 0xc5914ff2, 0x37faccf1, 0x69e9f0d5, 0x9b8273d6,
    0x88d28022, 0x7ab90321, 0xae7367ca, 0x5c18e4c9, 0x4f48173d, 0xbd23943e, 0xf36e6f75, 0x0105ec76, 0x12551f82,
    0xe03e9c81, 0x34f4f86a, 0xc69f7b69, 0xd5cf889d, 0x27a40b9e, 0x79b737ba, 0x8bdcb4b9, 0x988c474d, 0x6ae7c44e,
    0xbe2da0a5, 0x4c4623a6, 0x5f16d052, 0xad7d5351,
};

static uint32_t by_bytes(uint32_t state, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) state = byte_table[(uint8_t)state ^ p[i]] ^ (state >> 8);
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
