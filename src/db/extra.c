/* extra.c - reading and checking a record's sparse vector and token vectors (format: extra.h).
 *
 * Layer: db. Total on any input; O(bytes).
 */
#include "extra.h"

#include <string.h>

#include "record.h"

static bool take_sparse(vs_rd *r, vs_sparse_view *out) {
  out->n = vs_rd_u32(r);
  out->index = vs_rd_bytes(r, (size_t)out->n * 4);
  out->value = vs_rd_bytes(r, (size_t)out->n * 4);
  return !r->failed;
}

static bool take_tokens(vs_rd *r, vs_tokens_view *out) {
  uint32_t type = vs_rd_u32(r), size;
  out->n = vs_rd_u32(r);
  out->dim = vs_rd_u32(r);
  /* Below 2^24 each, so that no product overflows. */
  if (type > 1 || out->n == 0 || out->dim == 0 || out->n > VS_EXTRA_MAX_BYTES || out->dim > VS_MAX_DIMENSION)
    return false;
  uint64_t n = (uint64_t)out->n * out->dim;
  if (n > VS_EXTRA_MAX_BYTES) return false;
  size = (uint32_t)n * (type == 0 ? 4u : 1u);
  if (type == 1) out->scale = vs_rd_bytes(r, (size_t)out->n * 4);
  out->data = vs_rd_bytes(r, size);
  const uint8_t *pad = vs_rd_bytes(r, (0u - size) & 3u);
  for (uint32_t i = 0; pad && i < ((0u - size) & 3u); i++)
    if (pad[i] != 0) return false;
  return !r->failed;
}

/* False where the bytes are no such thing. */
static bool parse(vs_slice bytes, vs_extra_view *out) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  uint32_t last = 0;
  memset(out, 0, sizeof *out);
  if (bytes.n < 8 || bytes.n > VS_EXTRA_MAX_BYTES || vs_rd_u32(&r) != bytes.n) return false;
  while (vs_rd_left(&r) > 0) {
    uint32_t kind = vs_rd_u32(&r);
    if (r.failed || kind <= last) return false;
    last = kind;
    if (kind == VS_EXTRA_SPARSE ? !take_sparse(&r, &out->sparse)
                                : kind != VS_EXTRA_TOKENS || !take_tokens(&r, &out->tokens))
      return false;
  }
  return true;
}

static bool ascends(const vs_sparse_view *s) {
  for (uint32_t i = 1; i < s->n; i++)
    if (vs_load_u32(s->index + (size_t)i * 4) <= vs_load_u32(s->index + (size_t)i * 4 - 4)) return false;
  return true;
}

static bool codes_fine(const vs_tokens_view *t) {
  for (uint32_t i = 0; i < t->n; i++)
    if (vs_load_f32(t->scale + (size_t)i * 4) < 0) return false;
  for (size_t i = 0; i < (size_t)t->n * t->dim; i++)
    if (t->data[i] == 0x80) return false;
  return true;
}

const char *vs_extra_problem(vs_slice bytes) {
  vs_extra_view v;
  if (bytes.n == 0) return NULL;
  if (!parse(bytes, &v)) return "a sparse vector or token vectors are malformed";
  if (!ascends(&v.sparse)) return "the indices of a sparse vector must ascend";
  if (!vs_floats_finite(v.sparse.value, v.sparse.n)) return "a sparse vector holds NaN or an infinity";
  const vs_tokens_view *t = &v.tokens;
  if (!t->data) return NULL;
  if (!vs_floats_finite(t->scale ? t->scale : t->data, t->scale ? t->n : t->n * t->dim))
    return "a token's vector holds NaN or an infinity";
  return t->scale && !codes_fine(t) ? "a token's codes are out of range" : NULL;
}

vs_extra_view vs_extra_read(vs_slice bytes) {
  vs_extra_view v = {{NULL, NULL, 0}, {NULL, NULL, 0, 0}};
  if (bytes.n > 0) {
    bool sound = parse(bytes, &v);
    assert(sound);
    (void)sound;
  }
  return v;
}
