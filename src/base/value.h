/* value.h - the typed value codec: JSON-like values as compact bytes.
 *
 * Layer: base. The final format of metadata, text, configuration and stats
 * on storage and across the JavaScript boundary (js/src/engine/value.js is
 * the twin). A value is a tag byte and a payload:
 *
 *   0 null      -
 *   1 false     -
 *   2 true      -
 *   3 int       zigzag varint (exact to +-2^63)
 *   4 f64       8 bytes IEEE 754, finite; used for non-integers and -0
 *   5 string    varint byte length, UTF-8
 *   6 array     varint count, varint byte length of the items, the items
 *               (both varints below 2^32)
 *   7 object    varint count, varint byte length of the members, then per
 *               member: varint key length, key UTF-8, value. Any key is
 *               legal ("__proto__" too), none twice; order is kept.
 *
 * The byte length lets a reader skip a container in O(1). Nesting is capped
 * at VS_VALUE_MAX_DEPTH. Tags above 7 are refused until they exist.
 */
#ifndef VS_VALUE_H
#define VS_VALUE_H

#include "bytes.h"

#define VS_VALUE_MAX_DEPTH 64

typedef enum {
  VS_VALUE_NULL = 0,
  VS_VALUE_FALSE = 1,
  VS_VALUE_TRUE = 2,
  VS_VALUE_INT = 3,
  VS_VALUE_F64 = 4,
  VS_VALUE_STRING = 5,
  VS_VALUE_ARRAY = 6,
  VS_VALUE_OBJECT = 7
} vs_value_tag;

/* One decoded value; strings and containers borrow from the input. */
typedef struct {
  vs_value_tag tag;
  int64_t i;      /* INT */
  double f;       /* F64 (and INT converted) */
  vs_slice bytes; /* STRING: the text; ARRAY, OBJECT: the encoded items */
  uint32_t count; /* ARRAY, OBJECT */
} vs_value;

/* True if the n bytes are exactly one well-formed value: tags, lengths,
 * UTF-8, finite floats, depth, no duplicate keys. Without memory: keys of an
 * object of up to 64 members are compared pairwise; above that the members are
 * walked once per 512 of them, each walk checking one range of key hashes in
 * a table on the stack: O(m + m^2 / 512) for m members, O(m^2) only for keys
 * made to collide. */
bool vs_value_check(const void *p, size_t n);

/* Decodes the value at the reader. Sets r->failed on malformed bytes. Of a
 * container only the frame is looked at; UTF-8 and what is inside containers
 * are vs_value_check's business. */
vs_value vs_value_read(vs_rd *r);

/* Looks a key up in an OBJECT value; false when absent. O(members). */
bool vs_value_get(const vs_value *object, const char *key, vs_value *out);

/* The encoded bytes of a member's value; no bytes when it is absent or `object` is none. */
vs_slice vs_value_member(const vs_value *object, const char *key);

/* Typed reading of configuration: leaves *out alone and gives true when the
 * key is absent; false when it is there with another type or out of range. */
bool vs_value_get_u32(const vs_value *object, const char *key, uint32_t max, uint32_t *out);

/* Writing. Containers: begin, members, end; `mark` keeps the place of the
 * lengths (written as padded 5-byte varints; readers accept those or the
 * shortest form, here only). f64 must be finite. A container above 2^32 - 1
 * bytes sets w->failed. */
void vs_value_null(vs_wr *w);
void vs_value_bool(vs_wr *w, bool v);
void vs_value_int(vs_wr *w, int64_t v);
void vs_value_f64(vs_wr *w, double v);
void vs_value_string(vs_wr *w, const void *p, size_t n);
/* A boolean, number or string as it was read. */
void vs_value_scalar(vs_wr *w, const vs_value *v);
void vs_value_cstring(vs_wr *w, const char *s);
size_t vs_value_object_begin(vs_wr *w);
void vs_value_key(vs_wr *w, const char *key);
size_t vs_value_array_begin(vs_wr *w);
void vs_value_end(vs_wr *w, size_t mark, uint32_t count);

#endif
