/* A crash may leave any part of the last, unsynced transaction: at every
 * length, and with any byte of it wrong, the store opens with what was before,
 * goes on from there, and opens again. */
#include "world.h"

/* Opens the torn store, commits once more, opens again. */
static bool goes_on(world *torn, uint64_t n) {
  history h;
  vs_store_close(torn->s);
  if (world_open(torn, &h, NULL) != VS_OK || !holds(&h, n)) return false;
  commit_synced(torn, n + 1);
  if (recovered(torn, &h, NULL) != VS_OK || !holds(&h, n + 1)) return false;
  return true;
}

/* A user stores the log of another store as text. Torn, it must not speak for
 * this one, although its frames are valid where they come from and carry the
 * same salt. */
static void log_within_a_log(void) {
  world other, w;
  history h;
  world_init(&other, 1 << 20);
  must(world_open(&other, &h, NULL) == VS_OK);
  for (uint64_t v = 1; v <= 30; v++) commit_synced(&other, v);
  static uint8_t text[1 << 16];
  vs_file *f;
  size_t n;
  must(other.io->ops->open(other.io, "wal-1", VS_IO_READ, &f) == VS_OK);
  must(other.io->ops->read(other.io, f, 0, text, sizeof text, &n) == VS_OK && n > 1000);
  other.io->ops->close(other.io, f);
  world_deinit(&other);

  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  uint64_t begin = bytes_of(&w, "wal-1");
  must(vs_store_txn_begin(w.s, NULL) == VS_OK);
  vs_slice part = {text, n};
  must(vs_store_txn_log(w.s, 7, &part, 1, NULL) == VS_OK && vs_store_txn_commit(w.s, NULL) == VS_OK);
  vs_store_close(w.s);
  w.s = NULL;
  must(vs_io_fault_flip(w.io, "wal-1", begin * 8 + 40) == VS_OK);
  ok(goes_on(&w, 1), "the log of another store inside a torn record proves nothing");
  world_deinit(&w);
}

int main(void) {
  log_within_a_log();

  world w;
  history h;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  for (uint64_t v = 1; v <= 3; v++) commit_synced(&w, v);
  uint64_t begin = bytes_of(&w, "wal-1");
  must(commit(&w, 4, 3, 20) == VS_OK);
  uint64_t end = bytes_of(&w, "wal-1");
  vs_store_close(w.s);
  w.s = NULL;

  uint32_t bad = 0;
  for (uint64_t n = begin; n < end; n++) {
    world torn = world_copy(&w);
    must(vs_io_fault_cut(torn.io, "wal-1", n) == VS_OK);
    bad += !goes_on(&torn, 3);
    world_deinit(&torn);
  }
  ok(bad == 0, "cut at each of %u bytes of the last transaction: %u wrong", (uint32_t)(end - begin), bad);

  bad = 0;
  for (uint64_t bit = begin * 8; bit < end * 8; bit++) {
    world torn = world_copy(&w);
    must(vs_io_fault_flip(torn.io, "wal-1", bit) == VS_OK);
    bad += !goes_on(&torn, 3);
    world_deinit(&torn);
  }
  ok(bad == 0, "each bit of the last transaction wrong: %u times not dropped", bad);

  world whole = world_copy(&w);
  ok(goes_on(&whole, 4), "left alone, it is there");
  world_deinit(&whole);

  bad = 0;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    world torn = world_copy(&w);
    must(vs_io_fault_reboot(torn.io, seed) == VS_OK);
    must(recovered(&torn, &h, NULL) == VS_OK);
    bool right = (holds(&h, 3) || holds(&h, 4)) && goes_on(&torn, h.n);
    if (!right) printf("# seed %u\n", (unsigned)seed);
    bad += !right;
    world_deinit(&torn);
  }
  ok(bad == 0, "300 power cuts give 3 or 4 transactions: %u wrong", bad);
  world_deinit(&w);
  return tap_done();
}
