/* One wrong bit anywhere in a cleanly closed store: opening and reading it
 * either says VS_CORRUPT and names a file, or gives everything that was
 * committed. Never less, never something else, never a crash. The same store
 * without the closing mark may lose the last commit, nothing more. Every
 * length a file may be cut to gives a clean answer as well. */
#include "world.h"

/* 2 checkpoints, the state half in segments, half in two logs. */
static void build(world *w, bool mark) {
  history h;
  world_init(w, 600);
  must(world_open(w, &h, NULL) == VS_OK);
  commit_synced(w, 1);
  checkpoint(w, 1, 1);
  commit_synced(w, 2);
  checkpoint(w, 2, 2);
  for (uint64_t v = 3; v <= 9; v++) commit_synced(w, v);
  if (mark) vs_store_mark_durable(w->s);
  vs_store_close(w->s);
  w->s = NULL;
}

static void flip_all(bool mark) {
  world w;
  build(&w, mark);
  names l = files_of(&w);
  uint32_t n_bits = 0, n_noticed = 0, bad = 0, nameless = 0, shorter = 0;
  for (uint32_t i = 0; i < l.n; i++) {
    uint64_t bits = bytes_of(&w, l.name[i]) * 8;
    for (uint64_t bit = 0; bit < bits; bit++, n_bits++) {
      must(vs_io_fault_flip(w.io, l.name[i], bit) == VS_OK);
      history h;
      vs_err err;
      vs_status status = recovered(&w, &h, &err);
      if (status == VS_OK && !holds(&h, 9)) {
        shorter += !mark && holds(&h, 8);
        bad += mark || !holds(&h, 8);
        if (mark || !holds(&h, 8)) printf("# %s bit %u gives %u\n", l.name[i], (unsigned)bit, h.n);
      }
      n_noticed += status == VS_CORRUPT;
      bad += status != VS_OK && status != VS_CORRUPT;
      /* A file of blocks is read after opening, through a reader without err here. */
      nameless += status == VS_CORRUPT && err.file[0] == '\0' && err.status != VS_OK;
      must(vs_io_fault_flip(w.io, l.name[i], bit) == VS_OK);
    }
  }
  ok(bad == 0, "%s mark: %u flips, %u noticed, %u took the last commit, %u wrong", mark ? "with" : "without", n_bits,
     n_noticed, shorter, bad);
  ok(nameless == 0, "damage always names a file");
  ok(mark || shorter > 0, "the test can tell a shorter history");
  world_deinit(&w);
}

static void cut_all(void) {
  world w;
  build(&w, true);
  names l = files_of(&w);
  uint32_t n_cuts = 0, bad = 0;
  for (uint32_t i = 0; i < l.n; i++) {
    uint64_t bytes = bytes_of(&w, l.name[i]);
    for (uint64_t n = 0; n < bytes; n++, n_cuts++) {
      world cut = world_copy(&w);
      must(vs_io_fault_cut(cut.io, l.name[i], n) == VS_OK);
      history h;
      vs_status status = recovered(&cut, &h, NULL);
      bool is_log = strncmp(l.name[i], "wal-", 4) == 0;
      bool fine = status == VS_CORRUPT || (status == VS_OK && holds(&h, h.n) && (is_log ? h.n >= 2 : h.n == 9));
      if (!fine) printf("# %s cut to %u: %s, %u\n", l.name[i], (unsigned)n, vs_status_name(status), h.n);
      bad += !fine;
      world_deinit(&cut);
    }
  }
  ok(bad == 0, "%u lengths, %u wrong", n_cuts, bad);
  world_deinit(&w);
}

static void remove_each(void) {
  world w;
  build(&w, true);
  names l = files_of(&w);
  for (uint32_t i = 0; i < l.n; i++) {
    world without = world_copy(&w);
    must(without.io->ops->remove(without.io, l.name[i]) == VS_OK);
    history h;
    vs_err err;
    vs_status status = recovered(&without, &h, &err);
    /* The last log can vanish without a trace: nothing was written after it. */
    bool last_log = strcmp(l.name[i], "wal-4") == 0;
    ok(status == VS_CORRUPT || (last_log && status == VS_OK && holds(&h, h.n)), "without %s: %s", l.name[i],
       vs_status_name(status));
    world_deinit(&without);
  }
  world_deinit(&w);
}

int main(void) {
  flip_all(true);
  flip_all(false);
  cut_all();
  remove_each();
  return tap_done();
}
