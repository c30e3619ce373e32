/* pack_fuzz.c - arbitrary bytes as a portable file, fed in pieces: as they are (first byte even), or with the checksums
 * of its file headers and of the whole made right (odd). The second byte is the size of a piece. */
#include "directory.h"

enum { HEADER = 16, FILE_HEADER = 16 };

static void seal(uint8_t *p, size_t n) {
  size_t at = HEADER;
  if (n < HEADER + 4) return;
  vs_store_u32(p, 0x4b505356u);
  p[4] = 1 + p[4] % 2;
  p[5] = p[6] = p[7] = 0;
  while (n - 4 - at >= FILE_HEADER) {
    uint32_t name = vs_load_u32(p + at);
    uint64_t bytes = vs_load_u64(p + at + 4);
    size_t left = n - 4 - at - FILE_HEADER;
    if (name > left || bytes > left - name) break;
    vs_store_u32(p + at + 12, vs_crc32c(vs_crc32c(0, p + at, 12), p + at + FILE_HEADER, name));
    at += FILE_HEADER + name + (size_t)bytes;
    if (name == 0) break;
  }
  vs_store_u32(p + n - 4, vs_crc32c(0, p, n - 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  vs_import *import;
  vs_err err;
  size_t n = size - 2, piece = data[1] + 1u;
  uint8_t *p = malloc(n + 1);
  CHECK(p != NULL);
  memcpy(p, data + 2, n);
  if (data[0] & 1) seal(p, n);
  /* The import and the database it goes to are one instance. */
  client c;
  client_init(&c, NULL);
  c.db.alloc.budget = (size_t)256 << 20;
  CHECK(vs_import_create(&c.db.alloc, &import) == VS_OK);
  vs_status status = VS_OK;
  for (size_t at = 0; at < n && status == VS_OK; at += piece)
    status = vs_import_feed(import, (vs_slice){p + at, vs_min_size(piece, n - at)}, &err);
  CHECK(status == VS_OK || status == VS_CORRUPT || status == VS_VERSION || status == VS_OUT_OF_MEMORY);
  if (status == VS_OK) {
    c.db.import = import;
    n_opened = 1;
    if (client_open(&c, "memory", true) == VS_OK) CHECK(findings(&c.db) != UINT32_MAX);
  } else {
    vs_import_destroy(import);
  }
  client_deinit(&c);
  CHECK(c.db.alloc.n_live == 0);
  free(p);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/pack"); }

#endif
