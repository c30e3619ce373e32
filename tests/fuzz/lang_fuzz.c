/* lang_fuzz.c - arbitrary bytes as a language of lang.bin.
 *
 * An input is a byte that is the length of a word, the word, and a language (src/text/lang.h), which is given a header
 * and a checksum that are right. What it makes of the word must be UTF-8 within the room there is, come to an end, and
 * be the same again; nothing may stay allocated.
 */
#include "../../src/base/crc32c.h"
#include "../../src/base/utf8.h"
#include "../../src/text/lang.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 266u
#define HEADER 32u

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

static void put_u32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || (size_t)data[0] + 1 > size || size > 1u << 20) return 0;
  const uint8_t *word = data + 1, *language = word + data[0];
  size_t n = size - 1 - data[0];
  vs_alloc a;
  vs_lang lang;
  vs_alloc_init(&a);
  uint8_t *file = malloc(HEADER + n);
  CHECK(file != NULL);
  memcpy(file, "VSLG\1\1\0\0", 8);
  memset(file + 12, 0, 12);
  file[12] = 'x';
  put_u32(file + 24, HEADER);
  put_u32(file + 28, (uint32_t)n);
  if (n > 0) memcpy(file + HEADER, language, n);
  put_u32(file + 8, vs_crc32c(0, file + 12, HEADER - 12 + n));
  vs_status status = vs_lang_read(&lang, &a, (vs_slice){file, HEADER + n}, (vs_slice){(const uint8_t *)"x", 1}, NULL);
  free(file);
  CHECK(status == VS_OK || status == VS_CORRUPT);
  if (status == VS_OK) {
    uint8_t first[ROOM], second[ROOM];
    memcpy(first, word, data[0]);
    memcpy(second, word, data[0]);
    uint32_t end = vs_lang_stem(&lang, first, data[0], ROOM);
    CHECK(end <= ROOM && (vs_utf8_valid(first, end) || !vs_utf8_valid(word, data[0])));
    CHECK(vs_lang_stem(&lang, second, data[0], ROOM) == end && memcmp(first, second, end) == 0);
    vs_lang_deinit(&lang, &a);
  }
  CHECK(a.used == 0);
  return 0;
}

#ifndef VS_LIBFUZZER
#include "replay.h"
int main(void) { return replay_corpus("tests/fuzz/corpus/lang"); }
#endif
