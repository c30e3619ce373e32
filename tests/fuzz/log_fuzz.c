/* log_fuzz.c - arbitrary bytes as a log file: as they are (first byte 0), or as frames whose place, salt, marker and
 * checksums are made right behind the header of a real log. */
#include "directory.h"

enum { LOG_HEADER = 80, FRAME_HEADER = 28 };

/* The frame's checksum is over its place and everything behind itself. */
static void seal_frame(uint8_t *p, uint64_t log, uint64_t offset, uint32_t n, uint32_t salt) {
  uint8_t place[20];
  vs_store_u32(p, n);
  vs_store_u32(p + 8, salt);
  vs_store_u16(p + 26, 0x5af7);
  vs_store_u64(place, log);
  vs_store_u64(place + 8, offset);
  vs_store_u32(place + 16, n);
  vs_store_u32(p + 4, vs_crc32c(vs_crc32c(0, place, sizeof place), p + 8, FRAME_HEADER - 8 + n));
}

static void seal_frames(fuzz_file *f) {
  uint64_t log = vs_load_u64(f->p + 16);
  uint32_t salt = vs_load_u32(f->p + 72);
  for (size_t at = LOG_HEADER; f->n - at >= FRAME_HEADER;) {
    size_t room = f->n - at - FRAME_HEADER, n = vs_load_u32(f->p + at) & 0xfff;
    if (n > room) n = room;
    seal_frame(f->p + at, log, at, (uint32_t)n, salt);
    at += FRAME_HEADER + n;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const bases[] = {"log", "checkpointed", "staged", "empty"};
  if (size < 1) return 0;
  directory d;
  fuzz_load(&d, bases[data[0] >> 1 & 3]);
  fuzz_file *log = fuzz_find(&d, "c/1/wal-");
  if ((data[0] & 1) && log->n >= LOG_HEADER) {
    log->p = realloc(log->p, LOG_HEADER + size);
    memcpy(log->p + LOG_HEADER, data + 1, size - 1);
    log->n = LOG_HEADER + size - 1;
    seal_frames(log);
  } else {
    fuzz_set(log, data + 1, size - 1);
  }
  fuzz_open(&d);
  fuzz_unload(&d);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/log"); }

#endif
