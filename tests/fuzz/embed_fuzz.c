/* embed_fuzz.c - arbitrary bytes as a model file, and as text.
 *
 * An input's first byte says what follows: 0 a model file as it is; 1 a model file whose length and checksum are made
 * right first, so that what lies behind them is reached; 2 a text for the model of MODEL_INPUT, whose vector must have
 * length 1 or be zero and must not depend on what was embedded before.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DVS_LIBFUZZER
 * tests/fuzz/embed_fuzz.c src/embed and base, then run it on the corpus from the repository's root.
 * Without, this is a test program that replays the corpus folder.
 */
#include "../unit/embed/world.h"

#include <math.h>

#include "../../src/embed/model.h"

#define MODEL_INPUT "tests/fuzz/corpus/embed/model-small"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

static void check_vector(const vs_embedder *e, const float *v) {
  double squares = 0;
  for (uint32_t i = 0; i < vs_embedder_dimension(e); i++) squares += (double)v[i] * (double)v[i];
  CHECK(squares == 0 || fabs(squares - 1) < 1e-5);
}

static void embed(vs_embedder *e, const uint8_t *text, size_t n) {
  float first[VS_MODEL_MAX_DIMENSION], other[VS_MODEL_MAX_DIMENSION], again[VS_MODEL_MAX_DIMENSION];
  uint32_t tokens = vs_embedder_embed(e, text, n, first);
  CHECK(tokens <= VS_MODEL_MAX_TOKENS);
  check_vector(e, first);
  vs_embedder_embed(e, text, n / 2, other);
  check_vector(e, other);
  CHECK(vs_embedder_embed(e, text, n, again) == tokens);
  CHECK(memcmp(first, again, vs_embedder_dimension(e) * sizeof *first) == 0);
}

static void try_model(const uint8_t *file, size_t n, const uint8_t *text, size_t n_text) {
  vs_alloc alloc;
  vs_embedder *e;
  vs_err err;
  vs_alloc_init(&alloc);
  vs_status status = vs_embedder_open(&alloc, file, n, &e, &err);
  if (status == VS_OK) {
    CHECK(strlen(vs_embedder_name(e)) > 0 && strlen(vs_embedder_name(e)) < VS_MODEL_NAME_BYTES);
    embed(e, text, n_text);
    vs_embedder_close(e);
  } else {
    CHECK(status == VS_CORRUPT || status == VS_VERSION);
    CHECK(err.status == status && err.msg[0] != 0);
  }
  CHECK(alloc.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  size_t n = size - 1, n_model;
  uint8_t *copy = malloc(n ? n : 1);
  CHECK(copy != NULL);
  memcpy(copy, data + 1, n);
  if (data[0] == 2) {
    uint8_t *model = read_file(MODEL_INPUT, &n_model);
    CHECK(n_model > 1);
    memmove(model, model + 1, n_model - 1);
    model_seal(model, n_model - 1);
    try_model(model, n_model - 1, copy, n);
    free(model);
  } else {
    if (data[0] == 1 && n >= MODEL_HEADER) model_seal(copy, n);
    try_model(copy, n, data, size);
  }
  free(copy);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/embed"); }

#endif
