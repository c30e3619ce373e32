/* Salvaging a store whose manifests are lost, with every allocation refused and every file call failing in turn:
 * a clean status, nothing left behind, nothing changed; afterwards it gives what it gives without failures. */
#include "world.h"

#include "../../../src/store/store_impl.h"

static uint32_t told;
static void on_damage(void *ctx, const char *file, const char *what) {
  (void)ctx, (void)file, (void)what;
  told++;
}

/* Opens it for salvaging and reads everything; how much there was. */
static vs_status salvage(world *w, history *h) {
  vs_err err;
  vs_err_clear(&err);
  memset(h, 0, sizeof *h);
  told = 0;
  VS_TRY(vs_store_open_with(&w->mem, w->io, "", &w->limits, on_damage, NULL, &w->s, &err));
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < vs_store_n_files(w->s) && status == VS_OK; i++) status = read_blocks(w->s, i, h);
  bool done = false;
  while (status == VS_OK && !done) status = vs_store_replay(w->s, on_frame, h, 1 << 20, &done, &err);
  vs_store_close(w->s);
  w->s = NULL;
  return status;
}

static void damage(world *w, const char *prefix) {
  names l = files_of(w);
  for (uint32_t i = 0; i < l.n; i++)
    if (strncmp(l.name[i], prefix, strlen(prefix)) == 0) must(vs_io_fault_flip(w->io, l.name[i], 8 * 40) == VS_OK);
}

static void snapshot(world *w, const char *name, uint64_t value) {
  must(vs_store_checkpoint_begin(w->s, NULL) == VS_OK);
  must(vs_store_checkpoint_pin(w->s, name, 5, 1, NULL) == VS_OK);
  write_checkpoint_files(w, value, value);
  must(vs_store_sync(w->s, NULL) == VS_OK);
  must(vs_store_checkpoint_install(w->s, (vs_slice){(const uint8_t *)"blob", 4}, NULL) == VS_OK);
  must(vs_store_sync(w->s, NULL) == VS_OK && vs_store_checkpoint_retire(w->s, NULL) == VS_OK);
  must(vs_store_sync(w->s, NULL) == VS_OK);
}

/* Files of other names, a directory under a name of ours, a half-written index of a later generation. */
static void clutter(world *w) {
  static const char *const name[] = {"idx-9-0", "idx-8-0", "seg-77", "notes", "idx-8-1"};
  must(w->io->ops->mkdir(w->io, "seg-5000") == VS_OK);
  for (uint32_t i = 0; i < 5; i++) {
    vs_file *f;
    uint8_t bytes[100] = {1};
    must(w->io->ops->open(w->io, name[i], VS_IO_CREATE, &f) == VS_OK);
    must(w->io->ops->append(w->io, f, bytes, i == 1 ? 10 : sizeof bytes) == VS_OK);
    w->io->ops->close(w->io, f);
  }
}

static void all_failures(const char *what, const char *damaged, bool cluttered) {
  world w;
  history h, whole;
  vs_err err;
  world_init(&w, 300);
  must(world_open(&w, &h, &err) == VS_OK);
  commit_synced(&w, 1);
  commit_synced(&w, 2);
  checkpoint(&w, 1, 2);
  commit_synced(&w, 3);
  snapshot(&w, "pinned", 3);
  commit_synced(&w, 4);
  snapshot(&w, "another", 4);
  commit_synced(&w, 5);
  vs_store_close(w.s);
  w.s = NULL;
  damage(&w, damaged);
  if (cluttered) clutter(&w);
  vs_status status = salvage(&w, &whole);
  ok(status == VS_OK && told > 0 && !whole.broken, "%s: salvaged, %u found, %u damages told", what, whole.n, told);
  uint32_t n_refused = 0, n_failed = 0, n_wrong = 0;
  for (uint32_t forever = 0; forever < 2; forever++) {
    vs_status got = VS_OUT_OF_MEMORY;
    for (uint64_t at = 1; got != VS_OK; at++, n_refused++) {
      w.mem.fail_at = w.mem.n_calls + at;
      w.mem.fail_forever = forever;
      got = salvage(&w, &h);
      w.mem.fail_at = 0;
      n_wrong += (got != VS_OK && got != VS_OUT_OF_MEMORY) || w.mem.n_live != 0;
      must(at < 1000);
    }
    uint64_t from, at = 1;
    for (bool reached = true; reached; at++, n_failed++) {
      from = vs_io_fault_calls(w.io);
      vs_io_fault_plan(w.io, from + at, VS_FAULT_EIO, forever);
      got = salvage(&w, &h);
      vs_io_fault_plan(w.io, 0, VS_FAULT_EIO, false);
      reached = vs_io_fault_calls(w.io) >= from + at;
      n_wrong += (got == VS_OK ? reached : got != VS_IO) || w.mem.n_live != 0;
    }
  }
  ok(n_wrong == 0 && n_refused > 10 && n_failed > 10, "%u refusals and %u failing calls: %u wrong", n_refused, n_failed,
     n_wrong);
  ok(salvage(&w, &h) == VS_OK && h.n == whole.n, "then the same comes back");
  world_deinit(&w);
}

int main(void) {
  all_failures("manifests damaged", "manifest-", false);
  all_failures("manifests damaged among other files", "manifest-", true);
  all_failures("logs damaged", "wal-", false);
  all_failures("segments damaged", "seg-", false);
  all_failures("index files damaged", "idx-", false);
  return tap_done();
}
