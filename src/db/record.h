/* record.h - one record: its form in memory and its form on storage.
 *
 * Layer: db (L4). The encoded form is the payload of a log frame and an
 * entry of a segment; it is the final format of a record:
 *
 *   offset size
 *   0      4    slot           20     -  (all little-endian)
 *   4      4    version        1 at insert, + 1 per replacement
 *   8      8    seq            insertion sequence: order of first insert, breaks ties
 *   16     8    rev            number of this write; unique, grows
 *   24     8    created ms     32  8  updated ms     40  8  expires ms (0 = never)
 *   48     4    flags: VS_RECORD_HAS_EXTRA, else 0
 *   52     4    dim            floats of the vector, 0 = none
 *   56     4    id bytes       60  4  metadata bytes  64  4  text bytes
 *   68          id, metadata (value codec object; 0 bytes = {}), text (value codec
 *               string or object of strings; 0 bytes = none), with VS_RECORD_HAS_EXTRA
 *               the extra part (extra.h), which begins with its length, vector float32
 *
 * Decoding is total: it checks lengths, the id, both values and the extra part, and borrows
 * from its input. That the floats are finite is checked where they are taken.
 */
#ifndef VS_RECORD_H
#define VS_RECORD_H

#include "../base/bytes.h"

#define VS_RECORD_HEADER_BYTES 68u
#define VS_ID_MAX_BYTES 1024u
/* There is a sparse vector or there are token vectors. Versions that know none refuse the record by its flag. */
#define VS_RECORD_HAS_EXTRA 0x100u

/* What is kept in memory of a record, besides its vector: one allocation. */
typedef struct {
  uint64_t seq, rev, created_ms, updated_ms, expires_ms;
  uint32_t slot, version, flags, id_n, meta_n, text_n;
  /* behind it: id, metadata, text, extra part */
} vs_body;

static inline uint8_t *vs_body_bytes(const vs_body *b) { return (uint8_t *)(uintptr_t)(b + 1); }

static inline vs_slice vs_body_id(const vs_body *b) { return (vs_slice){vs_body_bytes(b), b->id_n}; }
static inline vs_slice vs_body_meta(const vs_body *b) { return (vs_slice){vs_body_bytes(b) + b->id_n, b->meta_n}; }
static inline vs_slice vs_body_text(const vs_body *b) {
  return (vs_slice){vs_body_bytes(b) + b->id_n + b->meta_n, b->text_n};
}
/* The sparse vector and the tokens' vectors, encoded; no bytes: none. */
static inline vs_slice vs_body_extra(const vs_body *b) {
  const uint8_t *p = vs_body_bytes(b) + b->id_n + b->meta_n + b->text_n;
  return (vs_slice){p, b->flags & VS_RECORD_HAS_EXTRA ? vs_load_u32(p) : 0};
}
/* The variable part as one run. */
static inline vs_slice vs_body_payload(const vs_body *b) {
  return (vs_slice){vs_body_bytes(b), (size_t)b->id_n + b->meta_n + b->text_n + vs_body_extra(b).n};
}
/* Length of the record's encoded form with a vector of `dim` floats. */
static inline size_t vs_record_bytes(const vs_body *b, uint32_t dim) {
  return VS_RECORD_HEADER_BYTES + vs_body_payload(b).n + (size_t)dim * 4;
}

/* A new body holding copies of the parts (checked), all counters zero; NULL when memory is refused. */
VS_MUST_USE vs_body *vs_body_create(vs_alloc *a, vs_slice id, vs_slice meta, vs_slice text, vs_slice extra);

/* Writes the fixed header of the encoded form. */
void vs_record_encode_header(const vs_body *b, uint32_t dim, uint8_t out[VS_RECORD_HEADER_BYTES]);

/* A decoded record; everything borrows from the input. */
typedef struct {
  vs_body head; /* counters only; id, metadata and text are below */
  vs_slice id, meta, text, extra;
  const uint8_t *vector; /* dim floats, any alignment */
  uint32_t dim;
} vs_record_view;
VS_MUST_USE vs_status vs_record_decode(vs_slice bytes, vs_record_view *out);
/* The body of a decoded record as an allocation of its own. */
VS_MUST_USE vs_body *vs_body_from_view(vs_alloc *a, const vs_record_view *v);

/* 's' and 1..1024 bytes of UTF-8, or 'i' and a safe integer in 8 bytes. */
bool vs_id_ok(vs_slice id);
/* NULL, or what is wrong with it, in words. */
const char *vs_meta_problem(vs_slice meta);
const char *vs_text_problem(vs_slice text);
/* True if all n little-endian floats (any alignment) are finite. */
bool vs_floats_finite(const uint8_t *p, uint32_t n);

#endif
