/* record.c - encoding, decoding and checking of one record (format: record.h).
 *
 * Layer: db. Knows the bytes of a record; nothing of slots' use, logs or
 * segments. Every function is O(bytes of the record).
 */
#include "record.h"

#include <string.h>

#include "../base/utf8.h"
#include "../base/value.h"
#include "extra.h"

#define MAX_SAFE_INTEGER 9007199254740991u

bool vs_id_ok(vs_slice id) {
  if (id.n < 2) return false;
  if (id.p[0] == 'i') return id.n == 9 && vs_load_u64(id.p + 1) <= MAX_SAFE_INTEGER;
  return id.p[0] == 's' && id.n <= VS_ID_MAX_BYTES + 1 && vs_utf8_valid(id.p + 1, id.n - 1);
}

const char *vs_meta_problem(vs_slice meta) {
  if (meta.n == 0) return NULL;
  if (meta.p[0] != VS_VALUE_OBJECT) return "metadata must be an object";
  return vs_value_check(meta.p, meta.n) ? NULL : "metadata is not well-formed";
}

const char *vs_text_problem(vs_slice text) {
  if (text.n == 0) return NULL;
  if (!vs_value_check(text.p, text.n)) return "text is not well-formed";
  if (text.p[0] == VS_VALUE_STRING) return NULL;
  if (text.p[0] != VS_VALUE_OBJECT) return "text must be a string or an object of strings";
  vs_rd r = vs_rd_of(text.p, text.n);
  vs_value object = vs_value_read(&r);
  vs_rd members = vs_rd_of(object.bytes.p, object.bytes.n);
  for (uint32_t i = 0; i < object.count; i++) {
    vs_rd_slice(&members);
    if (vs_value_read(&members).tag != VS_VALUE_STRING) return "each named text must be a string";
  }
  return NULL;
}

bool vs_floats_finite(const uint8_t *p, uint32_t n) {
  uint32_t bad = 0;
  for (uint32_t i = 0; i < n; i++) bad |= (vs_load_u32(p + (size_t)i * 4) & 0x7f800000u) == 0x7f800000u;
  return !bad;
}

static vs_body *body_alloc(vs_alloc *a, vs_slice id, vs_slice meta, vs_slice text, vs_slice extra) {
  size_t n;
  if (!vs_add_size(sizeof(vs_body) + id.n, meta.n, &n) || !vs_add_size(n, text.n, &n) || !vs_add_size(n, extra.n, &n))
    return NULL;
  vs_body *b = vs_malloc(a, n);
  if (!b) return NULL;
  memset(b, 0, sizeof *b);
  return b;
}

static void body_fill(vs_body *b, vs_slice id, vs_slice meta, vs_slice text, vs_slice extra) {
  uint8_t *to = vs_body_bytes(b);
  b->id_n = (uint32_t)id.n;
  b->meta_n = (uint32_t)meta.n;
  b->text_n = (uint32_t)text.n;
  if (extra.n) b->flags |= VS_RECORD_HAS_EXTRA;
  memcpy(to, id.p, id.n);
  if (meta.n) memcpy(to + id.n, meta.p, meta.n);
  if (text.n) memcpy(to + id.n + meta.n, text.p, text.n);
  if (extra.n) memcpy(to + id.n + meta.n + text.n, extra.p, extra.n);
}

vs_body *vs_body_create(vs_alloc *a, vs_slice id, vs_slice meta, vs_slice text, vs_slice extra) {
  vs_body *b = body_alloc(a, id, meta, text, extra);
  if (b) body_fill(b, id, meta, text, extra);
  return b;
}

vs_body *vs_body_from_view(vs_alloc *a, const vs_record_view *v) {
  vs_body *b = body_alloc(a, v->id, v->meta, v->text, v->extra);
  if (!b) return NULL;
  *b = v->head;
  body_fill(b, v->id, v->meta, v->text, v->extra);
  return b;
}

void vs_record_encode_header(const vs_body *b, uint32_t dim, uint8_t out[VS_RECORD_HEADER_BYTES]) {
  vs_store_u32(out, b->slot);
  vs_store_u32(out + 4, b->version);
  vs_store_u64(out + 8, b->seq);
  vs_store_u64(out + 16, b->rev);
  vs_store_u64(out + 24, b->created_ms);
  vs_store_u64(out + 32, b->updated_ms);
  vs_store_u64(out + 40, b->expires_ms);
  vs_store_u32(out + 48, b->flags);
  vs_store_u32(out + 52, dim);
  vs_store_u32(out + 56, b->id_n);
  vs_store_u32(out + 60, b->meta_n);
  vs_store_u32(out + 64, b->text_n);
}

/* The extra part names its own length. */
static bool take_extra(vs_rd *r, vs_slice *out) {
  if (vs_rd_left(r) < 4) return false;
  out->n = vs_load_u32(r->p);
  out->p = vs_rd_bytes(r, out->n);
  return out->p && out->n > 0;
}

vs_status vs_record_decode(vs_slice bytes, vs_record_view *out) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  const uint8_t *p = vs_rd_bytes(&r, VS_RECORD_HEADER_BYTES);
  if (!p) return VS_CORRUPT;
  memset(out, 0, sizeof *out);
  out->head.slot = vs_load_u32(p);
  out->head.version = vs_load_u32(p + 4);
  out->head.seq = vs_load_u64(p + 8);
  out->head.rev = vs_load_u64(p + 16);
  out->head.created_ms = vs_load_u64(p + 24);
  out->head.updated_ms = vs_load_u64(p + 32);
  out->head.expires_ms = vs_load_u64(p + 40);
  out->head.flags = vs_load_u32(p + 48);
  out->dim = vs_load_u32(p + 52);
  out->id.n = vs_load_u32(p + 56);
  out->meta.n = vs_load_u32(p + 60);
  out->text.n = vs_load_u32(p + 64);
  out->id.p = vs_rd_bytes(&r, out->id.n);
  out->meta.p = vs_rd_bytes(&r, out->meta.n);
  out->text.p = vs_rd_bytes(&r, out->text.n);
  if (out->head.flags & VS_RECORD_HAS_EXTRA && !take_extra(&r, &out->extra)) return VS_CORRUPT;
  if (r.failed || out->dim > VS_MAX_DIMENSION) return VS_CORRUPT;
  out->vector = vs_rd_bytes(&r, (size_t)out->dim * 4);
  if (r.failed || vs_rd_left(&r) != 0) return VS_CORRUPT;
  bool sound = out->head.slot < VS_MAX_SLOTS && out->head.rev > 0 && out->head.seq > 0 &&
               (out->head.flags & ~VS_RECORD_HAS_EXTRA) == 0 && vs_id_ok(out->id) && !vs_meta_problem(out->meta) &&
               !vs_text_problem(out->text) && !vs_extra_problem(out->extra);
  return sound ? VS_OK : VS_CORRUPT;
}
