/* Every truncation and every flipped bit of a model file is a status; so is every wrong part behind a checksum that
 * holds, or else the model works. Nothing is read beyond the file, nothing stays allocated, and no memory is a status.
 */
#include "world.h"

static const char *const SPELLINGS[] = {"[UNK]", "salt", "##y", "sea", "##s", "\xc3\xa9", "."};
enum { TOKENS = 7, DIMENSION = 16 };

static uint8_t *tiny(size_t *n) {
  static const uint16_t WEIGHTS[TOKENS] = {0, 32767, 500, 9, 1, 70, 3};
  int8_t rows[TOKENS * DIMENSION];
  for (int i = 0; i < TOKENS * DIMENSION; i++) rows[i] = (int8_t)(i * 37 % 255 - 127);
  return model_make(SPELLINGS, TOKENS, DIMENSION, 8, WEIGHTS, rows, n);
}

/* Opens a copy of exactly n bytes, embeds if it opens; gives the status. */
static vs_status try(const uint8_t *bytes, size_t n, uint64_t fail_at) {
  static const char text[] = "Salty seas. \xc3\x89 salt, unknown";
  float out[1024];
  vs_alloc alloc;
  vs_embedder *embedder = NULL;
  vs_err err;
  vs_alloc_init(&alloc);
  alloc.fail_at = fail_at;
  uint8_t *exact = malloc(n ? n : 1);
  must(exact != NULL);
  memcpy(exact, bytes, n);
  vs_status status = vs_embedder_open(&alloc, exact, n, &embedder, &err);
  if (status == VS_OK) {
    vs_embedder_embed(embedder, (const uint8_t *)text, sizeof text - 1, out);
    vs_embedder_close(embedder);
  } else {
    must(err.status == status && err.msg[0] != 0);
  }
  must(alloc.used == 0);
  free(exact);
  return status;
}

static void set_and_expect(size_t at, uint32_t value, vs_status expected, const char *what) {
  size_t n;
  uint8_t *file = tiny(&n);
  vs_store_u32(file + at, value);
  if (at >= MODEL_CHECKED_FROM) model_seal(file, n);
  ok(try(file, n, 0) == expected, "%s", what);
  free(file);
}

static void damage(const uint8_t *file, size_t n) {
  unsigned cut = 0, flipped = 0, behind = 0, lived = 0;
  for (size_t i = 0; i < n; i++) cut += try(file, i, 0) == VS_CORRUPT;
  ok(cut == n, "each of %zu truncations is CORRUPT", n);
  uint8_t *copy = malloc(n + 1);
  must(copy != NULL);
  memcpy(copy, file, n);
  copy[n] = 0;
  ok(try(copy, n + 1, 0) == VS_CORRUPT, "one byte more is CORRUPT");
  for (size_t bit = 0; bit < 8 * n; bit++) {
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    vs_status status = try(copy, n, 0);
    flipped += status == VS_CORRUPT || (status == VS_VERSION && bit / 32 == 1);
    model_seal(copy, n);
    status = try(copy, n, 0);
    behind += status == VS_OK || status == VS_CORRUPT || status == VS_VERSION;
    lived += status == VS_OK;
    memcpy(copy, file, n);
  }
  ok(flipped == 8 * n, "each of %zu flipped bits is a status", 8 * n);
  ok(behind == 8 * n && lived > 0 && lived < 8 * n, "behind a right checksum it is a status or a model (%u are)",
     lived);
  free(copy);
}

int main(void) {
  size_t n;
  uint8_t *file = tiny(&n);
  ok(try(file, n, 0) == VS_OK, "the whole file opens");
  damage(file, n);
  ok(try(file, n, 1) == VS_OUT_OF_MEMORY && try(file, n, 2) == VS_OUT_OF_MEMORY &&
         try(file, n, 3) == VS_OUT_OF_MEMORY && try(file, n, 4) == VS_OK,
     "each of three allocations may be refused");
  set_and_expect(4, 2, VS_VERSION, "format 2 is a VERSION");
  set_and_expect(4, 0, VS_CORRUPT, "format 0 is CORRUPT");
  set_and_expect(20, 0, VS_CORRUPT, "dimension 0 is refused");
  set_and_expect(20, 8, VS_CORRUPT, "a dimension of 8 is refused");
  set_and_expect(20, 0xfffffff0u, VS_CORRUPT, "an enormous dimension is refused");
  set_and_expect(24, 0xffffffffu, VS_CORRUPT, "an enormous vocabulary is refused");
  set_and_expect(28, 513, VS_CORRUPT, "a maximum whose sums could overflow is refused");
  set_and_expect(32, TOKENS, VS_CORRUPT, "an unknown token beyond the vocabulary is refused");
  set_and_expect(36, 0xffffffffu, VS_CORRUPT, "enormous spellings are refused");
  set_and_expect(MODEL_NAME_AT, 0, VS_CORRUPT, "no name is refused");
  set_and_expect(MODEL_NAME_AT + 44, 'x', VS_CORRUPT, "a name with something behind it is refused");
  free(file);
  static const char *const TWICE[] = {"[UNK]", "sea", "sea"};
  static const uint16_t ONES[3] = {1, 1, 1};
  int8_t rows[3 * DIMENSION] = {0};
  file = model_make(TWICE, 3, DIMENSION, 8, ONES, rows, &n);
  ok(try(file, n, 0) == VS_CORRUPT, "a spelling that is there twice is refused");
  free(file);
  return tap_done();
}
