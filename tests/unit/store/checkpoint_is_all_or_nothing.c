/* The windows of a checkpoint: whichever step is last, the store opens with
 * everything; a damaged new manifest is passed over while the old one is
 * complete, and is VS_CORRUPT, naming it, once anything of the old is gone.
 * What a crash or an abort leaves behind goes away with the next retire. */
#include "world.h"

static void begin_world(world *w) {
  history h;
  world_init(w, 300);
  must(world_open(w, &h, NULL) == VS_OK);
  commit_synced(w, 1);
  checkpoint(w, 1, 1);
  for (uint64_t v = 2; v <= 5; v++) commit_synced(w, v);
}

static void steps(void) {
  world w;
  history h;
  begin_world(&w);
  must(vs_store_generation(w.s) == 1 && vs_store_n_files(w.s) == 2);
  ok(has_file(&w, "manifest-1") && !has_file(&w, "wal-1"), "a retired log is gone");
  uint64_t before = vs_store_wal_bytes(w.s);
  checkpoint_to_install(&w, 2, 5);
  must(vs_store_generation(w.s) == 1);
  must(commit(&w, 6, 1, 0) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  must(vs_store_checkpoint_retire(w.s, NULL) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  ok(vs_store_generation(w.s) == 2 && vs_store_wal_bytes(w.s) < before, "the log starts anew: %u -> %u bytes",
     (unsigned)before, (unsigned)vs_store_wal_bytes(w.s));
  vs_slice blob = vs_store_blob(w.s);
  ok(blob.n == 4 && memcmp(blob.p, "blob", 4) == 0, "the blob is in force");
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 6), "kept segments, new segments and the log make up all");
  ok(!has_file(&w, "manifest-1") && !has_file(&w, "idx-1-0") && has_file(&w, "seg-1"), "only what is named remains");
  world_deinit(&w);
}

/* The manifest is damaged in the window between install and retire. */
static void damaged_before_retire(void) {
  world w;
  history h;
  vs_err err;
  begin_world(&w);
  checkpoint_to_install(&w, 2, 5);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  commit_synced(&w, 6);
  vs_store_close(w.s);
  w.s = NULL;
  /* The commit above marked the manifest durable. */
  must(vs_io_fault_flip(w.io, "manifest-2", 500) == VS_OK);
  ok(recovered(&w, &h, &err) == VS_CORRUPT && strcmp(err.file, "manifest-2") == 0,
     "a manifest known durable is missed: %s", err.msg);
  world_deinit(&w);

  begin_world(&w);
  checkpoint_to_install(&w, 2, 5);
  must(commit(&w, 6, 2, 6) == VS_OK);
  vs_store_close(w.s);
  w.s = NULL;
  must(vs_io_fault_flip(w.io, "manifest-2", 500) == VS_OK);
  ok(recovered(&w, &h, &err) == VS_OK && holds(&h, 6), "one that was never synced is not: the logs hold everything");
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 7);
  checkpoint(&w, 2, 7);
  ok(vs_store_generation(w.s) == 3 && !has_file(&w, "manifest-2") && !has_file(&w, "seg-2"),
     "the next checkpoint takes a new number and removes the failed one's files");
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 7), "and loses nothing");
  world_deinit(&w);
}

/* A crash in the middle of retire keeps any of its removals and, say, not its mark. */
static void half_retired(void) {
  world w;
  vs_err err;
  history h;
  begin_world(&w);
  checkpoint_to_install(&w, 2, 5);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  vs_store_close(w.s);
  w.s = NULL;
  names l = files_of(&w);
  uint32_t n_tried = 0;
  for (uint32_t i = 0; i < l.n; i++) {
    /* What retire would remove: logs before the new manifest's first, manifest-1, idx-1-0. */
    if (strcmp(l.name[i], "wal-2") != 0 && strcmp(l.name[i], "wal-3") != 0 && strcmp(l.name[i], "idx-1-0") != 0 &&
        strcmp(l.name[i], "manifest-1") != 0)
      continue;
    n_tried++;
    world half = world_copy(&w);
    must(half.io->ops->remove(half.io, l.name[i]) == VS_OK);
    must(recovered(&half, &h, &err) == VS_OK);
    ok(holds(&h, 5), "without %s the new manifest gives everything", l.name[i]);
    must(vs_io_fault_flip(half.io, "manifest-2", 300) == VS_OK);
    vs_status status = recovered(&half, &h, &err);
    ok(status == VS_CORRUPT, "and damaged, it is not silently older data: %s %s", vs_status_name(status), err.msg);
    world_deinit(&half);
  }
  ok(n_tried == 4, "all removals tried");
  world_deinit(&w);
}

/* Also where the logs before the checkpoint became durable only with it. */
static void half_retired_late(void) {
  world w;
  history h;
  vs_err err;
  begin_world(&w);
  for (uint64_t v = 6; v <= 12; v++) must(commit(&w, v, 2, 30) == VS_OK);
  checkpoint_to_install(&w, 2, 12);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  vs_store_close(w.s);
  w.s = NULL;
  /* wal-4 was synced in part; wal-5 was not, before the checkpoint. */
  must(has_file(&w, "wal-6") && w.io->ops->remove(w.io, "wal-5") == VS_OK);
  must(recovered(&w, &h, &err) == VS_OK && holds(&h, 12));
  must(vs_io_fault_flip(w.io, "manifest-2", 300) == VS_OK);
  vs_status status = recovered(&w, &h, &err);
  ok(status == VS_CORRUPT, "an unsynced log that the checkpoint made durable is missed: %s", vs_status_name(status));
  world_deinit(&w);
}

/* Nothing was written after the checkpoint: its own marks must do. */
static void damaged_and_idle(void) {
  world w;
  history h;
  vs_err err;
  world_init(&w, 300);
  must(world_open(&w, &h, NULL) == VS_OK);
  checkpoint(&w, 1, 1);
  vs_store_close(w.s);
  w.s = NULL;
  world cut = world_copy(&w);
  must(vs_io_fault_flip(w.io, "manifest-1", 300) == VS_OK);
  vs_status status = recovered(&w, &h, &err);
  ok(status == VS_CORRUPT && strcmp(err.file, "manifest-1") == 0,
     "a store whose only manifest is damaged is not a new store: %s", vs_status_name(status));
  must(cut.io->ops->remove(cut.io, "wal-1") == VS_OK);
  ok(recovered(&cut, &h, &err) == VS_CORRUPT && strcmp(err.file, "wal-1") == 0, "the manifest's first log is missed");
  world_deinit(&cut);
  world_deinit(&w);
}

static void abandoned(void) {
  world w;
  history h;
  begin_world(&w);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_OK);
  write_checkpoint_files(&w, 2, 5);
  must(vs_store_pending_n(w.s) == 2 && vs_store_pending(w.s, 0)->kind == VS_FILE_SEGMENT);
  vs_store_checkpoint_abort(w.s);
  ok(vs_store_n_files(w.s) == 2 && vs_store_generation(w.s) == 1, "an aborted checkpoint changes nothing");
  commit_synced(&w, 6);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 6), "nothing is lost by it");
  ok(has_file(&w, "seg-2") && has_file(&w, "idx-2-0"), "opening removes nothing");
  must(world_open(&w, &h, NULL) == VS_OK);
  checkpoint(&w, 2, 6);
  ok(!has_file(&w, "seg-2") && !has_file(&w, "idx-2-0") && has_file(&w, "seg-3"), "the next checkpoint does");
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 6), "all is there");
  world_deinit(&w);
}

/* Numbers grow over crashes, too. */
static void numbers(void) {
  world w;
  history h;
  begin_world(&w);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_OK);
  write_checkpoint_files(&w, 2, 5);
  vs_store_close(w.s);
  w.s = NULL;
  names before = files_of(&w);
  must(world_open(&w, &h, NULL) == VS_OK);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_OK);
  write_checkpoint_files(&w, 2, 5);
  const vs_file_ref *seg = vs_store_pending(w.s, 0), *idx = vs_store_pending(w.s, 1);
  ok(seg->number == 3 && idx->number == 3 && idx->part == 0, "new files after a crash are seg-3 and idx-3-0");
  ok(files_of(&w).n == before.n + 3, "and a new log: nothing was written over");
  vs_store_checkpoint_abort(w.s);
  world_deinit(&w);
}

int main(void) {
  steps();
  damaged_before_retire();
  half_retired();
  half_retired_late();
  damaged_and_idle();
  abandoned();
  numbers();
  return tap_done();
}
