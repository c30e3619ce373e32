/* A write that fails is as if it never was asked for: the next transactions
 * go on, the reopened store holds exactly the committed ones, and no name is
 * used twice. A failed sync is different: it ends all writing. */
#include "world.h"

static void failed_appends(uint64_t rotate, vs_fault_kind kind) {
  world w;
  history h;
  world_init(&w, rotate);
  must(world_open(&w, &h, NULL) == VS_OK);
  uint64_t v = 1;
  uint32_t n_failed = 0;
  for (uint32_t round = 0; round < 30; round++) {
    vs_io_fault_plan(w.io, vs_io_fault_calls(w.io) + 1 + round % 5, kind, false);
    vs_status status = commit(&w, v, 1 + round % 7, 40);
    vs_io_fault_plan(w.io, UINT64_MAX, VS_FAULT_EIO, false);
    if (status == VS_OK)
      v++;
    else
      n_failed++;
    must(!vs_store_poisoned(w.s));
    /* A name used twice would be refused by the io here. */
    must(commit(&w, v++, 1, 3) == VS_OK);
  }
  must(vs_store_sync(w.s, NULL) == VS_OK);
  must(vs_store_last_txn(w.s) == v - 1);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(n_failed > 3 && holds(&h, v - 1), "rotation at %u: %u failures, %u committed, %u found", (unsigned)rotate,
     n_failed, (unsigned)(v - 1), h.n);
  must(vs_io_fault_reboot(w.io, 7) == VS_OK);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, v - 1), "also after a power cut");
  world_deinit(&w);
}

static void refused_memory(void) {
  world w;
  history h;
  world_init(&w, 300);
  must(world_open(&w, &h, NULL) == VS_OK);
  uint64_t v = 1;
  uint32_t n_failed = 0;
  for (uint32_t round = 0; round < 40; round++) {
    w.mem.fail_at = w.mem.n_calls + 1 + round % 6;
    if (commit(&w, v, 1 + round % 5, 60) == VS_OK)
      v++;
    else
      n_failed++;
    w.mem.fail_at = 0;
    if (round % 3 == 0) must(vs_store_sync(w.s, NULL) == VS_OK);
  }
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(n_failed > 3 && holds(&h, v - 1), "%u refused allocations, %u committed, %u found", n_failed, (unsigned)(v - 1),
     h.n);
  world_deinit(&w);
}

static void failed_sync(void) {
  world w;
  history h;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  must(commit(&w, 2, 1, 1) == VS_OK);
  vs_io_fault_plan(w.io, vs_io_fault_calls(w.io) + 1, VS_FAULT_SYNC, false);
  ok(vs_store_sync(w.s, NULL) == VS_IO && vs_store_poisoned(w.s), "a failed sync poisons");
  vs_sync_set set;
  uint64_t bytes = bytes_of(&w, "wal-1");
  ok(vs_store_txn_begin(w.s, NULL) == VS_POISONED, "no transaction after it");
  ok(vs_store_checkpoint_begin(w.s, NULL) == VS_POISONED, "no checkpoint");
  ok(vs_store_sync(w.s, NULL) == VS_POISONED && !vs_store_sync_begin(w.s, &set), "no second sync");
  vs_store_mark_durable(w.s);
  ok(bytes_of(&w, "wal-1") == bytes, "no mark");
  vs_store_close(w.s);
  w.s = NULL;
  must(vs_io_fault_reboot(w.io, 1) == VS_OK);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 1), "what was synced before is there");
  world_deinit(&w);
}

static void poisoned_within_a_transaction(void) {
  world w;
  history h;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  must(commit(&w, 1, 1, 1) == VS_OK);
  vs_sync_set set;
  must(vs_store_sync_begin(w.s, &set));
  must(set.n_files == 1 && strcmp(set.file[0], "wal-1") == 0 && set.n_dirs == 1 && set.dir[0][0] == '\0');
  ok(!vs_store_sync_begin(w.s, &set), "one sync at a time");
  must(vs_store_txn_begin(w.s, NULL) == VS_OK);
  must(log_value(&w, 2, 1, 1) == VS_OK);
  vs_store_sync_end(w.s, VS_IO);
  ok(vs_store_txn_commit(w.s, NULL) == VS_POISONED, "a transaction under way cannot commit any more");
  world_deinit(&w);
}

static void epochs(void) {
  world w;
  history h;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  vs_sync_set set;
  must(!vs_store_sync_begin(w.s, &set));
  must(vs_store_write_epoch(w.s) == 0 && vs_store_synced_epoch(w.s) == 0);
  must(commit(&w, 1, 1, 1) == VS_OK);
  uint64_t first = vs_store_write_epoch(w.s);
  must(vs_store_sync_begin(w.s, &set) && set.epoch == first);
  must(commit(&w, 2, 1, 1) == VS_OK);
  uint64_t second = vs_store_write_epoch(w.s);
  vs_store_sync_end(w.s, VS_OK);
  ok(vs_store_synced_epoch(w.s) >= first && vs_store_synced_epoch(w.s) < second,
     "a commit during a sync waits for the next one");
  must(vs_store_sync(w.s, NULL) == VS_OK);
  ok(vs_store_synced_epoch(w.s) >= second, "which covers it");
  world_deinit(&w);
}

int main(void) {
  for (uint32_t kind = VS_FAULT_EIO; kind <= VS_FAULT_SHORT; kind++) {
    failed_appends(1 << 20, (vs_fault_kind)kind);
    failed_appends(200, (vs_fault_kind)kind);
  }
  refused_memory();
  failed_sync();
  poisoned_within_a_transaction();
  epochs();
  return tap_done();
}
