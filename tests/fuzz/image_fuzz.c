/* image_fuzz.c - arbitrary bytes as a block file of records or of the index image: as they are (first byte even), or as
 * blocks {u32 length, payload} under right lengths and checksums, which the manifest then names. */
#include "directory.h"

/* The blocks of the input behind a real header; gives the checksum the manifest has to know. */
static uint32_t build(fuzz_file *f, const uint8_t *p, size_t n) {
  vs_alloc a;
  vs_wr w;
  vs_alloc_init(&a);
  vs_wr_init(&w, &a);
  vs_wr_bytes(&w, f->p, BLOCK_HEADER);
  uint32_t crc = vs_crc32c(0, f->p, BLOCK_HEADER), blocks = 0;
  for (size_t at = 0; n - at >= 4; blocks++) {
    size_t left = n - at - 4, length = vs_load_u32(p + at) & 0xffff;
    if (length > left) length = left;
    uint8_t header[8];
    vs_store_u32(header, (uint32_t)length);
    vs_store_u32(header + 4, vs_crc32c(vs_crc32c(0, header, 4), p + at + 4, length));
    crc = vs_crc32c(crc, header, sizeof header);
    vs_wr_bytes(&w, header, sizeof header);
    vs_wr_bytes(&w, p + at + 4, length);
    at += 4 + length;
  }
  uint8_t footer[24];
  vs_store_u32(footer, 0x54465356u);
  vs_store_u32(footer + 4, blocks);
  vs_store_u64(footer + 8, w.n + sizeof footer);
  vs_store_u32(footer + 16, crc);
  vs_store_u32(footer + 20, vs_crc32c(0, footer, 20));
  vs_wr_bytes(&w, footer, sizeof footer);
  fuzz_set(f, w.p, w.n);
  vs_wr_deinit(&w);
  return crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const bases[] = {"graph", "checkpointed", "staged",  "int8",
                                      "turbo", "text-only",    "filters", "snapshots"};
  if (size < 1) return 0;
  directory d;
  fuzz_load(&d, bases[data[0] >> 2 & 7]);
  fuzz_file *f = fuzz_find(&d, data[0] & 2 ? "c/1/seg-" : "c/1/idx-");
  uint32_t crc = vs_crc32c(0, f->p, BLOCK_HEADER);
  if (data[0] & 1)
    crc = build(f, data + 1, size - 1);
  else
    fuzz_set(f, data + 1, size - 1);
  fuzz_tell_manifest(&d, f, crc);
  fuzz_open(&d);
  fuzz_unload(&d);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/image"); }

#endif
