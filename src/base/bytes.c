/* bytes.c - little-endian integers, varints, bounded reading, growing writing.
 *
 * Layer: base. Knows no format.
 * Loads and stores go through memcpy, which compilers turn into one
 * instruction; the machine itself must be little-endian (checked below).
 *
 * Invariants
 *   R1  p <= end always; after a failure p == end, so that loops on
 *       vs_rd_left end.
 *   W1  n <= cap; after a refused allocation n stays at the last complete
 *       append and later appends do nothing.
 */
#include "bytes.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are copied as they lie in memory");

#define VARINT_BYTES 10u

uint16_t vs_load_u16(const uint8_t *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

uint32_t vs_load_u32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

uint64_t vs_load_u64(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

void vs_store_u16(uint8_t *p, uint16_t v) { memcpy(p, &v, sizeof v); }
void vs_store_u32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }
void vs_store_u64(uint8_t *p, uint64_t v) { memcpy(p, &v, sizeof v); }

vs_rd vs_rd_of(const void *p, size_t n) {
  /* A valid address even for "no bytes", so that NULL means failure only. */
  static const uint8_t nothing[1] = {0};
  const uint8_t *start = p != NULL ? p : nothing;
  assert(p != NULL || n == 0);
  return (vs_rd){start, start + n, false};
}

size_t vs_rd_left(const vs_rd *r) { return (size_t)(r->end - r->p); }

const uint8_t *vs_rd_bytes(vs_rd *r, size_t n) {
  if (r->failed || n > vs_rd_left(r)) {
    r->failed = true;
    r->p = r->end;
    return NULL;
  }
  const uint8_t *at = r->p;
  r->p += n;
  return at;
}

uint8_t vs_rd_u8(vs_rd *r) {
  const uint8_t *p = vs_rd_bytes(r, 1);
  return p != NULL ? *p : 0;
}

uint16_t vs_rd_u16(vs_rd *r) {
  const uint8_t *p = vs_rd_bytes(r, 2);
  return p != NULL ? vs_load_u16(p) : 0;
}

uint32_t vs_rd_u32(vs_rd *r) {
  const uint8_t *p = vs_rd_bytes(r, 4);
  return p != NULL ? vs_load_u32(p) : 0;
}

uint64_t vs_rd_u64(vs_rd *r) {
  const uint8_t *p = vs_rd_bytes(r, 8);
  return p != NULL ? vs_load_u64(p) : 0;
}

uint64_t vs_rd_varint(vs_rd *r) {
  uint64_t v = 0;
  for (unsigned i = 0; i < VARINT_BYTES; i++) {
    const uint8_t *p = vs_rd_bytes(r, 1);
    if (p == NULL) return 0;
    v |= (uint64_t)(*p & 0x7f) << (7 * i);
    if (*p < 0x80) {
      /* A last byte of zero is a longer form of the same number; the tenth
       * byte holds bit 63 only. */
      if ((i > 0 && *p == 0) || (i == VARINT_BYTES - 1 && *p > 1)) break;
      return v;
    }
  }
  r->failed = true;
  r->p = r->end;
  return 0;
}

vs_slice vs_rd_slice(vs_rd *r) {
  uint64_t n = vs_rd_varint(r);
  const uint8_t *p = vs_rd_bytes(r, n > SIZE_MAX ? SIZE_MAX : (size_t)n);
  return p != NULL ? (vs_slice){p, (size_t)n} : (vs_slice){NULL, 0};
}

void vs_wr_init(vs_wr *w, vs_alloc *a) { *w = (vs_wr){a, NULL, 0, 0, false}; }

void vs_wr_deinit(vs_wr *w) {
  vs_free(w->a, w->p);
  vs_wr_init(w, w->a);
}

void vs_wr_reset(vs_wr *w) {
  w->n = 0;
  w->failed = false;
}

/* Makes room for `need` bytes in all: doubling while small, by half above a
 * block, so that a large export does not ask for twice its size. */
static bool grow(vs_wr *w, size_t need) {
  size_t step = w->cap < VS_BLOCK_BYTES ? w->cap : w->cap / 2, cap;
  if (!vs_add_size(w->cap, step, &cap)) cap = need;
  cap = vs_max_size(vs_max_size(cap, need), 64);
  uint8_t *p = vs_realloc(w->a, w->p, cap);
  if (p == NULL) return false;
  w->p = p;
  w->cap = cap;
  return true;
}

uint8_t *vs_wr_space(vs_wr *w, size_t n) {
  size_t need;
  if (w->failed) return NULL;
  if (!vs_add_size(w->n, n, &need) || ((need > w->cap || w->p == NULL) && !grow(w, need))) {
    w->failed = true;
    return NULL;
  }
  uint8_t *at = w->p + w->n;
  w->n = need;
  return at;
}

void vs_wr_u8(vs_wr *w, uint8_t v) {
  uint8_t *p = vs_wr_space(w, 1);
  if (p != NULL) *p = v;
}

void vs_wr_u16(vs_wr *w, uint16_t v) {
  uint8_t *p = vs_wr_space(w, 2);
  if (p != NULL) vs_store_u16(p, v);
}

void vs_wr_u32(vs_wr *w, uint32_t v) {
  uint8_t *p = vs_wr_space(w, 4);
  if (p != NULL) vs_store_u32(p, v);
}

void vs_wr_u64(vs_wr *w, uint64_t v) {
  uint8_t *p = vs_wr_space(w, 8);
  if (p != NULL) vs_store_u64(p, v);
}

void vs_wr_varint(vs_wr *w, uint64_t v) {
  uint8_t out[VARINT_BYTES];
  size_t n = 0;
  while (v >= 0x80) {
    out[n++] = (uint8_t)(v | 0x80);
    v >>= 7;
  }
  out[n++] = (uint8_t)v;
  vs_wr_bytes(w, out, n);
}

void vs_wr_bytes(vs_wr *w, const void *p, size_t n) {
  uint8_t *at = vs_wr_space(w, n);
  if (at != NULL && n > 0) memcpy(at, p, n);
}

void vs_wr_slice(vs_wr *w, const void *p, size_t n) {
  vs_wr_varint(w, n);
  vs_wr_bytes(w, p, n);
}
