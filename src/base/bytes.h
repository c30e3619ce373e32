/* bytes.h - the only place where bytes become integers and back.
 *
 * Layer: base. A reader never passes its end: the first read beyond it sets
 * `failed`, and every later read gives 0, so a decoder checks once at the
 * end (sticky error). A writer appends to a growing buffer it owns, with the
 * same sticky flag for a refused allocation. Little-endian; varints are
 * LEB128, at most 10 bytes, shortest form required by the reader.
 */
#ifndef VS_BYTES_H
#define VS_BYTES_H

#include "alloc.h"

/* Unchecked loads and stores at a byte address the caller has bounded. */
uint16_t vs_load_u16(const uint8_t *p);
uint32_t vs_load_u32(const uint8_t *p);
uint64_t vs_load_u64(const uint8_t *p);
void vs_store_u16(uint8_t *p, uint16_t v);
void vs_store_u32(uint8_t *p, uint32_t v);
void vs_store_u64(uint8_t *p, uint64_t v);

typedef struct {
  const uint8_t *p;   /* next byte, borrowed */
  const uint8_t *end; /* one past the last */
  bool failed;
} vs_rd;

vs_rd vs_rd_of(const void *p, size_t n);
size_t vs_rd_left(const vs_rd *r);
uint8_t vs_rd_u8(vs_rd *r);
uint16_t vs_rd_u16(vs_rd *r);
uint32_t vs_rd_u32(vs_rd *r);
uint64_t vs_rd_u64(vs_rd *r);
uint64_t vs_rd_varint(vs_rd *r);
/* n bytes, borrowed from the input; NULL after a failure. */
const uint8_t *vs_rd_bytes(vs_rd *r, size_t n);
/* varint length, then that many bytes. */
vs_slice vs_rd_slice(vs_rd *r);

typedef struct {
  vs_alloc *a;
  uint8_t *p; /* owned */
  size_t n, cap;
  bool failed; /* an allocation was refused; the bytes are incomplete */
} vs_wr;

void vs_wr_init(vs_wr *w, vs_alloc *a);
void vs_wr_deinit(vs_wr *w);
/* Forgets the bytes, keeps the memory, clears `failed`. */
void vs_wr_reset(vs_wr *w);
/* Room for n more bytes; NULL when refused. The caller fills it and the
 * writer counts it at once. Pointer valid until the next append. */
uint8_t *vs_wr_space(vs_wr *w, size_t n);
void vs_wr_u8(vs_wr *w, uint8_t v);
void vs_wr_u16(vs_wr *w, uint16_t v);
void vs_wr_u32(vs_wr *w, uint32_t v);
void vs_wr_u64(vs_wr *w, uint64_t v);
void vs_wr_varint(vs_wr *w, uint64_t v);
void vs_wr_bytes(vs_wr *w, const void *p, size_t n);
/* varint length, then the bytes. */
void vs_wr_slice(vs_wr *w, const void *p, size_t n);

#endif
