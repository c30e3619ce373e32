/* format.c - file names and the prologue that all files share.
 *
 * Layer: store. Pure functions of bytes; no I/O, no allocation.
 * A name is accepted only in the one spelling the store writes (no leading
 * zeros, no overflow), so two names never mean one file.
 */
#include "format.h"

#include "../base/crc32c.h"

#include <string.h>

/* ============ Names ============ */

static char *put_u64(char *out, uint64_t v) {
  char digits[20];
  uint32_t n = 0;
  do {
    digits[n++] = (char)('0' + v % 10);
    v /= 10;
  } while (v != 0);
  while (n > 0) *out++ = digits[--n];
  return out;
}

/* One decimal number in its only spelling; NULL when there is none. */
static const char *take_u64(const char *p, uint64_t *out) {
  if (*p < '0' || *p > '9') return NULL;
  if (*p == '0' && p[1] >= '0' && p[1] <= '9') return NULL;
  uint64_t v = 0;
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v)) return NULL;
  *out = v;
  return p;
}

static const char *prefix_of(vs_name_kind kind) {
  switch (kind) {
  case VS_NAME_WAL: return "wal-";
  case VS_NAME_MANIFEST: return "manifest-";
  case VS_NAME_SEGMENT: return "seg-";
  case VS_NAME_INDEX: return "idx-";
  case VS_NAME_OTHER: break;
  }
  assert(false);
  return "";
}

void vs_name_format(vs_name name, char *out) {
  const char *prefix = prefix_of(name.kind);
  size_t n = strlen(prefix);
  memcpy(out, prefix, n);
  char *p = put_u64(out + n, name.number);
  if (name.kind == VS_NAME_INDEX) {
    *p++ = '-';
    p = put_u64(p, name.part);
  }
  *p = '\0';
}

vs_name vs_name_parse(const char *name) {
  static const vs_name_kind kinds[] = {VS_NAME_WAL, VS_NAME_MANIFEST, VS_NAME_SEGMENT, VS_NAME_INDEX};
  vs_name out = {VS_NAME_OTHER, 0, 0};
  for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    const char *prefix = prefix_of(kinds[i]);
    size_t n = strlen(prefix);
    if (strncmp(name, prefix, n) != 0) continue;
    uint64_t number, part = 0;
    const char *p = take_u64(name + n, &number);
    if (p != NULL && kinds[i] == VS_NAME_INDEX) p = *p == '-' ? take_u64(p + 1, &part) : NULL;
    /* The largest number is never made, so that "the next one" always exists. */
    if (p == NULL || *p != '\0' || number == UINT64_MAX || part > UINT32_MAX) return out;
    return (vs_name){kinds[i], number, (uint32_t)part};
  }
  return out;
}

void vs_file_ref_name(const vs_file_ref *ref, char *name) {
  vs_name_format((vs_name){ref->kind == VS_FILE_SEGMENT ? VS_NAME_SEGMENT : VS_NAME_INDEX, ref->number, ref->part},
                 name);
}

/* ============ Prologue ============ */

void vs_header_begin(uint8_t *p, const char *magic, uint32_t header_bytes) {
  memcpy(p, magic, VS_MAGIC_BYTES);
  vs_store_u32(p + 8, VS_STORE_FORMAT_VERSION);
  vs_store_u32(p + 12, header_bytes);
}

void vs_header_end(uint8_t *p, uint32_t header_bytes) {
  vs_store_u32(p + header_bytes - 4, vs_crc32c(0, p, header_bytes - 4));
}

vs_header_state vs_header_check(const uint8_t *p, size_t n, const char *magic, uint32_t header_bytes) {
  if (n < VS_PROLOGUE_BYTES || memcmp(p, magic, VS_MAGIC_BYTES) != 0) return VS_HEADER_DAMAGED;
  uint32_t version = vs_load_u32(p + 8);
  uint32_t bytes = vs_load_u32(p + 12);
  if (bytes < VS_PROLOGUE_BYTES + 4 || bytes > VS_HEADER_MAX_BYTES || bytes > n) return VS_HEADER_DAMAGED;
  /* The checksum comes before the version: a torn header is not a newer one. */
  if (vs_load_u32(p + bytes - 4) != vs_crc32c(0, p, bytes - 4)) return VS_HEADER_DAMAGED;
  if (version > VS_STORE_FORMAT_VERSION) return VS_HEADER_NEWER;
  return version == VS_STORE_FORMAT_VERSION && bytes == header_bytes ? VS_HEADER_OK : VS_HEADER_DAMAGED;
}
