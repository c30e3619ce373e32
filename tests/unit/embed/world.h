/* world.h - what the embedder's tests share: model files made in memory, and files read whole. */
#ifndef TEST_EMBED_WORLD_H
#define TEST_EMBED_WORLD_H

#include "../tap.h"

#include "../../../src/base/bytes.h"
#include "../../../src/base/crc32c.h"
#include "../../../src/base/rng.h"
#include "../../../src/embed/embed.h"

#define SHIPPED_MODEL "models/static-en/static-en.bin"

enum { MODEL_HEADER = 88, MODEL_CHECKED_FROM = 20, MODEL_NAME_AT = 40 };

/* Whole file, freed by the caller. */
__attribute__((unused)) static uint8_t *read_file(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  must(file != NULL);
  must(fseek(file, 0, SEEK_END) == 0);
  *n = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*n + 1);
  must(bytes != NULL && fread(bytes, 1, *n, file) == *n);
  bytes[*n] = 0;
  fclose(file);
  return bytes;
}

__attribute__((unused)) static void model_seal(uint8_t *p, size_t n) {
  vs_store_u64(p + 8, n);
  vs_store_u32(p + 16, vs_crc32c(0, p + MODEL_CHECKED_FROM, n - MODEL_CHECKED_FROM));
}

/* A model file as model.c specifies it; freed by the caller. */
__attribute__((unused)) static uint8_t *model_make(const char *const *spellings, uint32_t n_tokens, uint32_t dimension,
                                                   uint32_t max_tokens, const uint16_t *weights, const int8_t *rows,
                                                   size_t *n) {
  size_t spelling_bytes = 0;
  for (uint32_t i = 0; i < n_tokens; i++) spelling_bytes += strlen(spellings[i]);
  *n = MODEL_HEADER + (size_t)3 * n_tokens + spelling_bytes + (size_t)n_tokens * dimension;
  uint8_t *file = calloc(*n, 1), *p = file + MODEL_HEADER;
  must(file != NULL);
  memcpy(file, "VSEM\1", 5);
  vs_store_u32(file + 20, dimension);
  vs_store_u32(file + 24, n_tokens);
  vs_store_u32(file + 28, max_tokens);
  vs_store_u32(file + 32, 0);
  vs_store_u32(file + 36, (uint32_t)spelling_bytes);
  memcpy(file + MODEL_NAME_AT, "tiny-1", 6);
  for (uint32_t i = 0; i < n_tokens; i++) *p++ = (uint8_t)strlen(spellings[i]);
  for (uint32_t i = 0; i < n_tokens; i++) {
    memcpy(p, spellings[i], strlen(spellings[i]));
    p += strlen(spellings[i]);
  }
  for (uint32_t i = 0; i < n_tokens; i++, p += 2) vs_store_u16(p, weights[i]);
  memcpy(p, rows, (size_t)n_tokens * dimension);
  model_seal(file, *n);
  return file;
}

#endif
