/* manifest_fuzz.c - arbitrary bytes as a manifest: as they are (first byte 0), or as a body under right checksums. */
#include "directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  directory d;
  fuzz_load(&d, data[0] & 2 ? "snapshots" : "checkpointed");
  fuzz_file *m = fuzz_find(&d, "c/1/manifest-");
  if (data[0] & 1) {
    m->p = realloc(m->p, MANIFEST_HEADER + size);
    memcpy(m->p + MANIFEST_HEADER, data + 1, size - 1);
    m->n = MANIFEST_HEADER + size - 1;
    fuzz_seal_manifest(m);
  } else {
    fuzz_set(m, data + 1, size - 1);
  }
  fuzz_open(&d);
  fuzz_unload(&d);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/manifest"); }

#endif
