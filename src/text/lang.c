/* lang.c - reading dist/lang.bin (see lang.h).
 *
 * Layer: text (L2).
 */
#include "lang.h"

#include <string.h>

#include "../base/crc32c.h"

#define HEADER 12u
#define ENTRY (VS_LANG_NAME + 8u)
#define LANG_HEADER 6u
#define SET_BYTES 32u

static vs_status broken(vs_err *err) { return vs_fail(err, VS_CORRUPT, "lang.bin is damaged"); }

/* The bytes of the language of that name. */
static vs_status find(vs_slice file, vs_slice name, vs_slice *out, vs_err *err) {
  vs_rd r = vs_rd_of(file.p, file.n);
  const uint8_t *magic = vs_rd_bytes(&r, 4);
  uint8_t version = vs_rd_u8(&r), n = vs_rd_u8(&r);
  uint16_t zero = vs_rd_u16(&r);
  uint32_t crc = vs_rd_u32(&r);
  if (r.failed || zero != 0 || memcmp(magic, "VSLG", 4) != 0) return broken(err);
  if (version != 1)
    return vs_fail(err, VS_UNSUPPORTED, "lang.bin has version %u, this engine reads version 1", (unsigned)version);
  if (vs_crc32c(0, file.p + HEADER, file.n - HEADER) != crc) return broken(err);
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t *key = vs_rd_bytes(&r, VS_LANG_NAME);
    uint32_t at = vs_rd_u32(&r), size = vs_rd_u32(&r);
    if (r.failed || at > file.n || size > file.n - at) return broken(err);
    /* The checksum begins behind the number of languages. */
    if (i == 0 && at != HEADER + n * ENTRY) return broken(err);
    if (name.n > VS_LANG_NAME || memcmp(key, name.p, name.n) != 0) continue;
    if (name.n < VS_LANG_NAME && key[name.n] != 0) continue;
    *out = (vs_slice){file.p + at, size};
    return VS_OK;
  }
  char shown[VS_LANG_NAME + 1] = {0};
  memcpy(shown, name.p, vs_min_size(name.n, VS_LANG_NAME));
  return vs_fail(err, VS_NOT_FOUND, "lang.bin has no language '%s'", shown);
}

/* Every stop word within the list? */
static bool stops_fit(vs_slice stops) {
  size_t at = 0;
  while (at < stops.n) at += 1u + stops.p[at];
  return at == stops.n;
}

vs_status vs_lang_read(vs_lang *lang, vs_alloc *a, vs_slice file, vs_slice name, vs_err *err) {
  vs_slice own;
  *lang = (vs_lang){0};
  VS_TRY(find(file, name, &own, err));
  vs_rd r = vs_rd_of(own.p, own.n);
  uint8_t n_beyond = vs_rd_u8(&r), n_sets = vs_rd_u8(&r);
  uint16_t program = vs_rd_u16(&r), stops = vs_rd_u16(&r);
  size_t letters = 2u * n_beyond, sets = (size_t)SET_BYTES * n_sets;
  if (r.failed || n_beyond > 127 || own.n != LANG_HEADER + letters + sets + program + stops) return broken(err);
  if (!stops_fit((vs_slice){own.p + own.n - stops, stops})) return broken(err);
  lang->bytes = vs_malloc(a, own.n);
  if (!lang->bytes) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a language");
  memcpy(lang->bytes, own.p, own.n);
  lang->n_beyond = n_beyond;
  lang->n_sets = n_sets;
  lang->beyond = lang->bytes + LANG_HEADER;
  lang->sets = lang->beyond + letters;
  lang->program = (vs_slice){lang->sets + sets, program};
  lang->stops = (vs_slice){lang->program.p + program, stops};
  return VS_OK;
}

void vs_lang_deinit(vs_lang *lang, vs_alloc *a) {
  vs_free(a, lang->bytes);
  *lang = (vs_lang){0};
}
