/* model.c - the file format of static embedding models, and its decoder.
 *
 * Layer: embed (L2).
 *
 * FORMAT, version 1, little-endian
 *   offset  bytes  field
 *        0      4  magic "VSEM"
 *        4      4  version, 1
 *        8      8  length of the whole file
 *       16      4  CRC-32C of all that follows, from offset 20 on
 *       20      4  dimension D: a multiple of 16, at most 1024
 *       24      4  tokens of the vocabulary V: 1 to 2^20
 *       28      4  tokens of a text that count at most: 1 to 512
 *       32      4  number of the unknown token, below V
 *       36      4  bytes of all spellings S
 *       40     48  name: printable ASCII, at least one character, then NULs to the end, at least one
 *       88      V  length of each spelling, 1 to 255
 *      ...      S  the spellings, UTF-8, not terminated; "##" in front: continues a word
 *      ...     2V  weight of each token, at most 32767; 0 = the token does not count
 *      ...    V*D  rows: the vector of each token, signed bytes
 *
 * A text's vector is the sum over its tokens of weight * row, scaled to length 1: the mean's direction, whatever the
 * number of tokens. All sums are integers, so that no machine can differ.
 * INVARIANT  M1  A decoded model's pointers lie within the file, and every limit above holds.
 */
#include "model.h"

#include <string.h>

#include "../base/bytes.h"
#include "../base/crc32c.h"
#include "../base/utf8.h"

enum { VERSION = 1, HEADER_BYTES = 88, CHECKED_FROM = 20 };

static bool name_ok(const uint8_t *name) {
  size_t n = 0;
  while (n < VS_MODEL_NAME_BYTES && name[n] > 0x20 && name[n] < 0x7f) n++;
  if (n == 0 || n == VS_MODEL_NAME_BYTES) return false;
  while (n < VS_MODEL_NAME_BYTES && name[n] == 0) n++;
  return n == VS_MODEL_NAME_BYTES;
}

/* The spellings fill their S bytes exactly, none is empty and each is UTF-8. */
static bool spellings_ok(const vs_model *m, size_t bytes) {
  size_t at = 0;
  for (uint32_t i = 0; i < m->n_tokens; i++) {
    if (m->lengths[i] == 0 || m->lengths[i] > bytes - at) return false;
    if (!vs_utf8_valid(m->spellings + at, m->lengths[i])) return false;
    at += m->lengths[i];
  }
  return at == bytes;
}

static bool weights_ok(const vs_model *m) {
  for (uint32_t i = 0; i < m->n_tokens; i++)
    if (vs_load_u16(m->weights + (size_t)2 * i) > VS_MODEL_MAX_WEIGHT) return false;
  return true;
}

static bool limits_ok(const vs_model *m) {
  return m->dimension > 0 && m->dimension <= VS_MODEL_MAX_DIMENSION && m->dimension % 16 == 0 && m->n_tokens > 0 &&
         m->n_tokens <= VS_MODEL_MAX_VOCABULARY && m->max_tokens > 0 && m->max_tokens <= VS_MODEL_MAX_TOKENS &&
         m->unknown < m->n_tokens;
}

vs_status vs_model_decode(const uint8_t *p, size_t n, vs_model *out, vs_err *err) {
  vs_rd r = vs_rd_of(p, n);
  const uint8_t *magic = vs_rd_bytes(&r, 4);
  uint32_t version = vs_rd_u32(&r);
  if (r.failed || memcmp(magic, "VSEM", 4) != 0) return vs_fail(err, VS_CORRUPT, "this is no embedding model");
  if (version > VERSION) return vs_fail(err, VS_VERSION, "the model has format %u, newer than %d", version, VERSION);
  if (version != VERSION) return vs_fail(err, VS_CORRUPT, "the model's format is %u", version);
  uint64_t length = vs_rd_u64(&r);
  uint32_t crc = vs_rd_u32(&r);
  if (r.failed || length != n) return vs_fail(err, VS_CORRUPT, "the model is cut off or too long: it has %zu bytes", n);
  if (vs_crc32c(0, p + CHECKED_FROM, n - CHECKED_FROM) != crc)
    return vs_fail(err, VS_CORRUPT, "the model is damaged: its checksum does not hold");
  vs_model m = {.dimension = vs_rd_u32(&r), .n_tokens = vs_rd_u32(&r)};
  m.max_tokens = vs_rd_u32(&r);
  m.unknown = vs_rd_u32(&r);
  uint32_t spelling_bytes = vs_rd_u32(&r);
  const uint8_t *name = vs_rd_bytes(&r, VS_MODEL_NAME_BYTES);
  if (r.failed || !limits_ok(&m) || !name_ok(name)) return vs_fail(err, VS_CORRUPT, "the model's header is wrong");
  m.name = (const char *)name;
  m.lengths = vs_rd_bytes(&r, m.n_tokens);
  m.spellings = vs_rd_bytes(&r, spelling_bytes);
  m.weights = vs_rd_bytes(&r, (size_t)2 * m.n_tokens);
  /* At most 2^30 by the limits. */
  m.rows = (const int8_t *)vs_rd_bytes(&r, (size_t)m.n_tokens * m.dimension);
  if (r.failed || vs_rd_left(&r) != 0) return vs_fail(err, VS_CORRUPT, "the model's parts do not fill it");
  if (!spellings_ok(&m, spelling_bytes) || !weights_ok(&m))
    return vs_fail(err, VS_CORRUPT, "the model's vocabulary is wrong");
  *out = m;
  return VS_OK;
}
