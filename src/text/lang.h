/* lang.h - the languages of dist/lang.bin: their stemmers and stop words.
 *
 * Layer: text (L2). Bytes of a file that anyone may have written: what is read of it is checked, and its programs can
 * neither leave the word nor go on for ever.
 *
 * FILE (little-endian; written by wasm/tools/gen-lang.mjs)
 *   0 "VSLG"   4 u8 version, 1   5 u8 languages   6 u16 zero   8 u32 CRC-32C of all that follows
 *   12 for each language: 12 bytes name, filled up with zeros; u32 where it is, u32 bytes
 * LANGUAGE
 *   0 u8 letters beyond ASCII, at most 127   1 u8 sets   2 u16 bytes of program   4 u16 bytes of stop words
 *   6 the letters, u16 code points; sets, 32 bytes each: bit b = the letter b; program (stem_vm.c); stop words, each
 *   behind a byte with its length
 * A letter is a byte: one of ASCII is itself, 128 + i is letter i beyond ASCII, 127 is any other.
 */
#ifndef VS_TEXT_LANG_H
#define VS_TEXT_LANG_H

#include "../base/bytes.h"

#define VS_LANG_NAME 12u

typedef struct {
  uint8_t *bytes;        /* owned; NULL: none */
  const uint8_t *beyond; /* letters beyond ASCII, 2 bytes each; like what follows in `bytes` */
  const uint8_t *sets;   /* 32 bytes each */
  vs_slice program, stops;
  uint8_t n_beyond, n_sets;
} vs_lang;

/* Copies a language out of a file. VS_UNSUPPORTED: another version; VS_CORRUPT; VS_NOT_FOUND: it is not in it;
 * VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_lang_read(vs_lang *lang, vs_alloc *a, vs_slice file, vs_slice name, vs_err *err);
void vs_lang_deinit(vs_lang *lang, vs_alloc *a);

/* Stems lower-case UTF-8 in place, where there is room for `cap` bytes, n of them used: the new length. What a program
 * makes of a word that is too long, or a program that is none, changes nothing. O(n). */
uint32_t vs_lang_stem(const vs_lang *lang, uint8_t *word, uint32_t n, uint32_t cap);

#endif
