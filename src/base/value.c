/* value.c - reading, checking and writing typed values.
 *
 * Layer: base. Knows the bytes of values, not what they mean.
 * The format is in value.h. Checking is iterative, with a frame on a stack of
 * fixed size per open container, so hostile nesting costs a refusal and not
 * the call stack. O(bytes), plus what value.h says about duplicate keys.
 *
 * Invariants
 *   V1  a checked value never makes vs_value_read fail inside its bounds.
 *   V2  a container's frame is checked before its items: count <= bytes, so
 *       no count can promise more items than there are bytes for.
 */
#include "value.h"

#include "hashmap.h"
#include "utf8.h"

#include <string.h>

/* A padded length: 5 bytes of 7 bits, enough for 32 bits. */
#define PADDED_BYTES 5u

/* Up to here keys are compared pairwise. */
#define PAIRWISE_KEYS 64u

/* ---- Reading ----------------------------------------------------------- */

static uint32_t fail(vs_rd *r) {
  r->failed = true;
  r->p = r->end;
  return 0;
}

/* A count or byte length of a container: shortest form or padded to five. */
static uint32_t read_length(vs_rd *r) {
  uint64_t v = 0;
  for (unsigned i = 0; i < PADDED_BYTES; i++) {
    uint8_t b = vs_rd_u8(r);
    if (r->failed) return 0;
    v |= (uint64_t)(b & 0x7f) << (7 * i);
    if (b >= 0x80) continue;
    bool shortest = i == 0 || b != 0;
    return (shortest || i == PADDED_BYTES - 1) && v <= UINT32_MAX ? (uint32_t)v : fail(r);
  }
  return fail(r);
}

static bool is_finite(double f) {
  uint64_t bits;
  memcpy(&bits, &f, sizeof bits);
  return (bits >> 52 & 0x7ff) != 0x7ff;
}

vs_value vs_value_read(vs_rd *r) {
  vs_value v = {VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  uint8_t tag = vs_rd_u8(r);
  switch (tag) {
  case VS_VALUE_NULL:
  case VS_VALUE_FALSE:
  case VS_VALUE_TRUE: break;
  case VS_VALUE_INT: {
    uint64_t zigzag = vs_rd_varint(r);
    v.i = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
    v.f = (double)v.i;
    break;
  }
  case VS_VALUE_F64: {
    uint64_t bits = vs_rd_u64(r);
    memcpy(&v.f, &bits, sizeof v.f);
    if (!is_finite(v.f)) fail(r);
    break;
  }
  case VS_VALUE_STRING: v.bytes = vs_rd_slice(r); break;
  case VS_VALUE_ARRAY:
  case VS_VALUE_OBJECT: {
    v.count = read_length(r);
    size_t n = read_length(r);
    /* An item has at least one byte, a member at least two. */
    if (v.count > (tag == VS_VALUE_OBJECT ? n / 2 : n) || (v.count == 0 && n > 0)) fail(r);
    const uint8_t *p = vs_rd_bytes(r, n);
    if (p != NULL) v.bytes = (vs_slice){p, n};
    break;
  }
  default: fail(r);
  }
  if (r->failed) return (vs_value){VS_VALUE_NULL, 0, 0, {NULL, 0}, 0};
  v.tag = (vs_value_tag)tag;
  return v;
}

/* ---- Duplicate keys (members are well-formed here) --------------------- */

static bool same_key(vs_slice a, vs_slice b) { return a.n == b.n && memcmp(a.p, b.p, a.n) == 0; }

/* The next key; its value is skipped in O(1). */
static vs_slice next_key(vs_rd *r) {
  vs_slice key = vs_rd_slice(r);
  vs_value_read(r);
  return key;
}

static bool unique_pairwise(const vs_value *object) {
  vs_slice keys[PAIRWISE_KEYS];
  vs_rd r = vs_rd_of(object->bytes.p, object->bytes.n);
  for (uint32_t i = 0; i < object->count; i++) {
    keys[i] = next_key(&r);
    for (uint32_t j = 0; j < i; j++) {
      if (same_key(keys[i], keys[j])) return false;
    }
  }
  return true;
}

/* Whether `key`, member number `index`, repeats an earlier one: by walking. */
static bool seen_before(const vs_value *object, vs_slice key, uint32_t index) {
  vs_rd r = vs_rd_of(object->bytes.p, object->bytes.n);
  for (uint32_t i = 0; i < index; i++) {
    if (same_key(next_key(&r), key)) return true;
  }
  return false;
}

#define RANGE_KEYS 512u
#define RANGE_BUCKETS 1024u

/* Checks the keys whose hash falls into one of `ranges` equal ranges, through
 * an open-addressing table of hash and place; on the average it holds
 * RANGE_KEYS keys, and what it cannot take is checked by walking. */
static bool unique_in_range(const vs_value *object, uint32_t range, uint32_t ranges) {
  struct {
    uint32_t hash, place_plus_1; /* place: offset of the key's length; 0 = empty */
  } table[RANGE_BUCKETS];
  uint32_t used = 0;
  memset(table, 0, sizeof table);
  vs_rd r = vs_rd_of(object->bytes.p, object->bytes.n);
  for (uint32_t i = 0; i < object->count; i++) {
    uint32_t place = (uint32_t)(r.p - object->bytes.p);
    vs_slice key = next_key(&r);
    uint64_t hash64 = vs_hash64(0, key.p, key.n);
    if ((hash64 >> 32) * ranges >> 32 != range) continue;
    uint32_t hash = (uint32_t)hash64, bucket = hash % RANGE_BUCKETS;
    for (; table[bucket].place_plus_1 != 0; bucket = (bucket + 1) % RANGE_BUCKETS) {
      if (table[bucket].hash != hash) continue;
      uint32_t other_place = table[bucket].place_plus_1 - 1;
      vs_rd other = vs_rd_of(object->bytes.p + other_place, object->bytes.n - other_place);
      if (same_key(vs_rd_slice(&other), key)) return false;
    }
    if (used == RANGE_BUCKETS - 1) {
      if (seen_before(object, key, i)) return false;
      continue;
    }
    table[bucket].hash = hash;
    table[bucket].place_plus_1 = place + 1;
    used++;
  }
  return true;
}

static bool unique_keys(const vs_value *object) {
  if (object->count <= PAIRWISE_KEYS) return unique_pairwise(object);
  uint32_t ranges = (object->count - 1) / RANGE_KEYS + 1;
  for (uint32_t range = 0; range < ranges; range++) {
    if (!unique_in_range(object, range, ranges)) return false;
  }
  return true;
}

/* ---- Checking ---------------------------------------------------------- */

typedef struct {
  vs_value container;
  vs_rd rest;     /* what of it has not been read */
  uint32_t count; /* items still to come */
} frame;

/* Reads a value and looks at everything of it but a container's items. */
static bool check_one(vs_rd *r, vs_value *v) {
  *v = vs_value_read(r);
  return !r->failed && (v->tag != VS_VALUE_STRING || vs_utf8_valid(v->bytes.p, v->bytes.n));
}

static bool check_key(vs_rd *r) {
  vs_slice key = vs_rd_slice(r);
  return !r->failed && vs_utf8_valid(key.p, key.n);
}

bool vs_value_check(const void *p, size_t n) {
  frame stack[VS_VALUE_MAX_DEPTH];
  uint32_t depth = 0;
  vs_rd r = vs_rd_of(p, n);
  vs_value v;
  if (!check_one(&r, &v) || vs_rd_left(&r) != 0) return false;
  for (;;) {
    if (v.tag >= VS_VALUE_ARRAY) {
      if (depth == VS_VALUE_MAX_DEPTH) return false;
      stack[depth++] = (frame){v, vs_rd_of(v.bytes.p, v.bytes.n), v.count};
    }
    while (depth > 0 && stack[depth - 1].count == 0) {
      const frame *done = &stack[--depth];
      if (vs_rd_left(&done->rest) != 0) return false;
      if (done->container.tag == VS_VALUE_OBJECT && !unique_keys(&done->container)) return false;
    }
    if (depth == 0) return true;
    frame *top = &stack[depth - 1];
    top->count--;
    if (top->container.tag == VS_VALUE_OBJECT && !check_key(&top->rest)) return false;
    if (!check_one(&top->rest, &v)) return false;
  }
}

/* ---- Looking up -------------------------------------------------------- */

bool vs_value_get(const vs_value *object, const char *key, vs_value *out) {
  vs_slice wanted = {(const uint8_t *)key, strlen(key)};
  if (object->tag != VS_VALUE_OBJECT) return false;
  vs_rd r = vs_rd_of(object->bytes.p, object->bytes.n);
  for (uint32_t i = 0; i < object->count; i++) {
    vs_slice name = vs_rd_slice(&r);
    vs_value v = vs_value_read(&r);
    if (r.failed) return false;
    if (!same_key(name, wanted)) continue;
    *out = v;
    return true;
  }
  return false;
}

vs_slice vs_value_member(const vs_value *object, const char *key) {
  vs_slice wanted = {(const uint8_t *)key, strlen(key)}, none = {NULL, 0};
  if (object->tag != VS_VALUE_OBJECT) return none;
  vs_rd r = vs_rd_of(object->bytes.p, object->bytes.n);
  for (uint32_t i = 0; i < object->count; i++) {
    vs_slice name = vs_rd_slice(&r);
    const uint8_t *start = r.p;
    vs_value_read(&r);
    if (r.failed) return none;
    if (same_key(name, wanted)) return (vs_slice){start, (size_t)(r.p - start)};
  }
  return none;
}

bool vs_value_get_u32(const vs_value *object, const char *key, uint32_t max, uint32_t *out) {
  vs_value v;
  if (!vs_value_get(object, key, &v)) return true;
  if (v.tag != VS_VALUE_INT || v.i < 0 || v.i > (int64_t)max) return false;
  *out = (uint32_t)v.i;
  return true;
}

/* ---- Writing ----------------------------------------------------------- */

void vs_value_null(vs_wr *w) { vs_wr_u8(w, VS_VALUE_NULL); }

void vs_value_bool(vs_wr *w, bool v) { vs_wr_u8(w, v ? VS_VALUE_TRUE : VS_VALUE_FALSE); }

void vs_value_int(vs_wr *w, int64_t v) {
  vs_wr_u8(w, VS_VALUE_INT);
  vs_wr_varint(w, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

void vs_value_f64(vs_wr *w, double v) {
  uint64_t bits;
  assert(is_finite(v));
  memcpy(&bits, &v, sizeof bits);
  vs_wr_u8(w, VS_VALUE_F64);
  vs_wr_u64(w, bits);
}

void vs_value_string(vs_wr *w, const void *p, size_t n) {
  vs_wr_u8(w, VS_VALUE_STRING);
  vs_wr_slice(w, p, n);
}

void vs_value_scalar(vs_wr *w, const vs_value *v) {
  switch (v->tag) {
  case VS_VALUE_FALSE:
  case VS_VALUE_TRUE: vs_value_bool(w, v->tag == VS_VALUE_TRUE); break;
  case VS_VALUE_INT: vs_value_int(w, v->i); break;
  case VS_VALUE_F64: vs_value_f64(w, v->f); break;
  default: vs_value_string(w, v->bytes.p, v->bytes.n);
  }
}

void vs_value_cstring(vs_wr *w, const char *s) { vs_value_string(w, s, strlen(s)); }

void vs_value_key(vs_wr *w, const char *key) { vs_wr_slice(w, key, strlen(key)); }

/* Writes the tag and leaves room for both lengths, whose offset is the mark. */
static size_t begin_container(vs_wr *w, vs_value_tag tag) {
  vs_wr_u8(w, (uint8_t)tag);
  size_t mark = w->n;
  uint8_t *room = vs_wr_space(w, (size_t)2 * PADDED_BYTES);
  if (room != NULL) memset(room, 0, (size_t)2 * PADDED_BYTES);
  return mark;
}

size_t vs_value_object_begin(vs_wr *w) { return begin_container(w, VS_VALUE_OBJECT); }

size_t vs_value_array_begin(vs_wr *w) { return begin_container(w, VS_VALUE_ARRAY); }

static void store_padded(uint8_t *p, uint32_t v) {
  for (unsigned i = 0; i < PADDED_BYTES - 1; i++) p[i] = (uint8_t)(v >> (7 * i) | 0x80);
  p[PADDED_BYTES - 1] = (uint8_t)(v >> 28);
}

void vs_value_end(vs_wr *w, size_t mark, uint32_t count) {
  if (w->failed) return;
  size_t items = mark + (size_t)2 * PADDED_BYTES;
  assert(items <= w->n);
  if ((uint64_t)(w->n - items) > UINT32_MAX) {
    w->failed = true;
    return;
  }
  store_padded(w->p + mark, count);
  store_padded(w->p + mark + PADDED_BYTES, (uint32_t)(w->n - items));
}
