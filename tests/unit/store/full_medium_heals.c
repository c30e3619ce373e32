/* A sync that finds no room leaves the store full, not poisoned: a checkpoint into new files makes
 * everything durable that was committed, whatever the medium lost. Until that is durable nothing
 * pretends to be. Nor does a write count as synced because a file before it could not be made,
 * or because it was found in the log on opening. */
#include "world.h"

static bool survives(world *w, uint64_t seed, uint64_t n) {
  world copy = world_copy(w);
  history h;
  must(vs_io_fault_reboot(copy.io, seed) == VS_OK);
  bool held = world_open(&copy, &h, NULL) == VS_OK && holds(&h, n);
  world_deinit(&copy);
  return held;
}

/* Nothing that was not synced survives some of these. */
static bool always_survives(world *w, uint64_t n) {
  bool all = true;
  for (uint64_t seed = 1; seed <= 20; seed++) all = survives(w, seed, n) && all;
  return all;
}

static void heals(void) {
  world w;
  history h;
  world_init(&w, 4096);
  must(world_open(&w, &h, NULL) == VS_OK);
  for (uint64_t v = 1; v <= 5; v++) commit_synced(&w, v);
  checkpoint(&w, 1, 5);
  commit_synced(&w, 6);
  must(commit(&w, 7, 2, 9) == VS_OK);
  vs_io_fault_plan(w.io, vs_io_fault_calls(w.io) + 1, VS_FAULT_FULL, true);
  ok(vs_store_sync(w.s, NULL) == VS_NO_SPACE && vs_store_full(w.s) && !vs_store_poisoned(w.s), "full, not poisoned");
  vs_sync_set set;
  ok(vs_store_txn_begin(w.s, NULL) == VS_NO_SPACE && !vs_store_sync_begin(w.s, &set),
     "takes no write, asks for no sync");
  uint64_t synced = vs_store_synced_epoch(w.s);
  vs_store_heal_begin(w.s);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_OK);
  write_checkpoint_files(&w, 6, 7);
  must(vs_store_sync(w.s, NULL) == VS_NO_SPACE);
  vs_store_checkpoint_abort(w.s);
  vs_store_heal_end(w.s);
  ok(vs_store_full(w.s) && vs_store_synced_epoch(w.s) == synced, "healing without room: full as before");
  vs_io_fault_plan(w.io, UINT64_MAX, VS_FAULT_EIO, false);
  vs_store_heal_begin(w.s);
  checkpoint(&w, 6, 7);
  vs_store_heal_end(w.s);
  ok(!vs_store_full(w.s) && always_survives(&w, 7), "healed: what the failed sync lost is durable");
  commit_synced(&w, 8);
  must(always_survives(&w, 8));
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 8), "and it goes on");
  world_deinit(&w);
}

static void unmade_file(void) {
  world w;
  history h;
  world_init(&w, 4096);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  vs_io_fault_plan(w.io, vs_io_fault_calls(w.io) + 1, VS_FAULT_EIO, false);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_IO); /* its log cannot be created */
  must(commit(&w, 2, 2, 9) == VS_OK);
  ok(vs_store_synced_epoch(w.s) < vs_store_write_epoch(w.s),
     "a commit after a file that could not be made waits for a sync");
  must(vs_store_sync(w.s, NULL) == VS_OK);
  ok(always_survives(&w, 2), "and is durable after it");
  world_deinit(&w);
}

static void found_unsynced(void) {
  world w;
  history h;
  world_init(&w, 4096);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  must(commit(&w, 2, 2, 9) == VS_OK);
  vs_store_close(w.s);
  must(world_open(&w, &h, NULL) == VS_OK && holds(&h, 2));
  must(vs_store_adopt_tail(w.s, NULL) == VS_OK && vs_store_sync(w.s, NULL) == VS_OK);
  ok(always_survives(&w, 2), "what another process wrote and nobody synced is durable once a sync was asked for");
  vs_store_mark_durable(w.s);
  world_deinit(&w);
}

int main(void) {
  heals();
  unmade_file();
  found_unsynced();
  return tap_done();
}
