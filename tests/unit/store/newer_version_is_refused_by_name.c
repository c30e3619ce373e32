/* A file of a later format version, intact by its own rules, is VS_VERSION
 * and named; a damaged version field is damage, not a newer version. */
#include "world.h"

#include "../../../src/base/crc32c.h"
#include "../../../src/store/format.h"

/* Replaces `name` by a copy with `version` and, if asked, a right checksum. */
static void rewrite(world *w, const char *name, uint32_t version, bool checksum) {
  vs_file *f;
  uint64_t n = bytes_of(w, name);
  uint8_t *p = malloc((size_t)n);
  size_t got;
  must(w->io->ops->open(w->io, name, VS_IO_READ, &f) == VS_OK);
  must(w->io->ops->read(w->io, f, 0, p, (size_t)n, &got) == VS_OK && got == n);
  w->io->ops->close(w->io, f);
  vs_store_u32(p + 8, version);
  uint32_t header = vs_load_u32(p + 12);
  if (checksum) vs_store_u32(p + header - 4, vs_crc32c(0, p, header - 4));
  must(w->io->ops->remove(w->io, name) == VS_OK);
  must(w->io->ops->open(w->io, name, VS_IO_CREATE, &f) == VS_OK);
  must(w->io->ops->append(w->io, f, p, (size_t)n) == VS_OK);
  w->io->ops->close(w->io, f);
  free(p);
}

int main(void) {
  world w;
  history h;
  vs_err err;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  checkpoint(&w, 1, 1);
  commit_synced(&w, 2);
  vs_store_close(w.s);
  w.s = NULL;
  static const char *const files[] = {"manifest-1", "wal-2", "seg-1"};
  for (uint32_t i = 0; i < 3; i++) {
    world newer = world_copy(&w);
    rewrite(&newer, files[i], VS_STORE_FORMAT_VERSION + 1, true);
    vs_status status = recovered(&newer, &h, &err);
    ok(status == VS_VERSION, "a newer %s is refused: %s", files[i], vs_status_name(status));
    /* Block files are read after opening. */
    if (i < 2) ok(strcmp(err.file, files[i]) == 0, "by name: %s", err.msg);
    world_deinit(&newer);
    world damaged = world_copy(&w);
    rewrite(&damaged, files[i], VS_STORE_FORMAT_VERSION + 1, false);
    ok(recovered(&damaged, &h, &err) == VS_CORRUPT, "a wrong version under a wrong checksum is damage");
    world_deinit(&damaged);
    world older = world_copy(&w);
    rewrite(&older, files[i], 0, true);
    ok(recovered(&older, &h, &err) == VS_CORRUPT, "there is no version 0");
    world_deinit(&older);
  }
  must(recovered(&w, &h, NULL) == VS_OK && holds(&h, 2));
  world_deinit(&w);
  return tap_done();
}
