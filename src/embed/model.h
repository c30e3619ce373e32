/* model.h - a model file's parts, checked and borrowed from its bytes. Format in model.c.
 *
 * Layer: embed (L2). Knows bytes; nothing of text.
 */
#ifndef VS_EMBED_MODEL_H
#define VS_EMBED_MODEL_H

#include "../base/status.h"

#define VS_MODEL_NAME_BYTES 48
#define VS_MODEL_MAX_DIMENSION 1024u
#define VS_MODEL_MAX_VOCABULARY 1048576u
/* 512 tokens * weight 32767 * component 128 is below 2^31: a sum of that many cannot overflow. */
#define VS_MODEL_MAX_TOKENS 512u
#define VS_MODEL_MAX_WEIGHT 32767u

typedef struct {
  uint32_t dimension;
  uint32_t n_tokens;   /* of the vocabulary */
  uint32_t max_tokens; /* of a text; later ones do not count */
  uint32_t unknown;
  const char *name;         /* NUL-terminated */
  const uint8_t *lengths;   /* n_tokens */
  const uint8_t *spellings; /* one after the other */
  const uint8_t *weights;   /* n_tokens u16, not aligned */
  const int8_t *rows;       /* n_tokens * dimension */
} vs_model;

/* VS_VERSION for a newer format, VS_CORRUPT for anything else that is not exactly a model. Allocates nothing. */
VS_MUST_USE vs_status vs_model_decode(const uint8_t *p, size_t n, vs_model *out, vs_err *err);

#endif
