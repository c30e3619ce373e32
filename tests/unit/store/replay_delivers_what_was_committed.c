/* Replay gives every committed transaction, whole, in order, and nothing else:
 * over many log files, with frames longer than any buffer, in steps of any
 * budget, and after transactions that were given up. */
#include "world.h"

static void order_over_many_logs(void) {
  world w;
  history h;
  world_init(&w, 200);
  must(world_open(&w, &h, NULL) == VS_OK);
  ok(vs_store_is_new(w.s) && vs_store_last_txn(w.s) == 0, "an empty directory is a new store");
  for (uint64_t v = 1; v <= 40; v++) must(commit(&w, v, (uint32_t)(v % 9), v * 5 % 70) == VS_OK);
  names l = files_of(&w);
  ok(l.n > 20, "transactions were spread over %u logs", l.n);
  must(recovered(&w, &h, NULL) == VS_OK);
  /* Transactions without frames have no value of their own: they repeat the last. */
  bool same = h.n == 40 && !h.broken;
  for (uint32_t i = 0; i < h.n; i++) same = same && h.v[i] == ((i + 1) % 9 == 0 ? i : i + 1);
  ok(same, "all 40 come back in order");
  world_deinit(&w);
}

static void long_frames(void) {
  world w;
  history h;
  world_init(&w, 4 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  size_t sizes[] = {(1 << 20) - 29 - 16, (1 << 20), 3 << 20, 5000000, 0, 100};
  for (uint64_t v = 1; v <= 6; v++) must(commit(&w, v, v == 6 ? 30000 : 2, sizes[v - 1]) == VS_OK);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 6), "frames of several MiB and a transaction of 30000 frames come back");
  world_deinit(&w);
}

static void steps(void) {
  world w;
  history h;
  world_init(&w, 300);
  must(world_open(&w, &h, NULL) == VS_OK);
  for (uint64_t v = 1; v <= 20; v++) must(commit(&w, v, 3, 10) == VS_OK);
  vs_store_close(w.s);
  for (size_t budget = 0; budget < 2000; budget = budget * 2 + 1) {
    memset(&h, 0, sizeof h);
    must(vs_store_open(&w.mem, w.io, "", &w.limits, &w.s, NULL) == VS_OK);
    must(vs_store_last_txn(w.s) == 20);
    uint32_t n_calls = 0;
    for (bool done = false; !done; n_calls++) must(vs_store_replay(w.s, on_frame, &h, budget, &done, NULL) == VS_OK);
    ok(holds(&h, 20) && n_calls * (budget + 60) >= 20 * 3 * 54, "budget %zu: %u calls", budget, n_calls);
    vs_store_close(w.s);
  }
  w.s = NULL;
  world_deinit(&w);
}

static vs_status refuse(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload) {
  (void)ctx, (void)kind, (void)payload;
  return txn == 2 ? VS_SCHEMA : VS_OK;
}

static void callers_failure(void) {
  world w;
  history h;
  world_init(&w, 1 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  for (uint64_t v = 1; v <= 3; v++) must(commit(&w, v, 1, 0) == VS_OK);
  vs_store_close(w.s);
  must(vs_store_open(&w.mem, w.io, "", &w.limits, &w.s, NULL) == VS_OK);
  bool done;
  ok(vs_store_replay(w.s, refuse, NULL, 1 << 20, &done, NULL) == VS_SCHEMA && !done, "the caller's failure ends it");
  world_deinit(&w);
}

static void given_up(void) {
  world w;
  history h;
  world_init(&w, 250);
  must(world_open(&w, &h, NULL) == VS_OK);
  for (uint64_t v = 1; v <= 8; v++) {
    must(commit(&w, v, 2, 5) == VS_OK);
    must(vs_store_txn_begin(w.s, NULL) == VS_OK);
    /* Odd ones stay in memory, even ones reach several logs. */
    must(log_value(&w, 999, v % 2 == 0 ? 20 : 1, 30) == VS_OK);
    vs_store_txn_abort(w.s);
  }
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 8), "aborted transactions leave nothing");
  world_deinit(&w);
}

/* More than the buffer holds: part of it is in the log when it is given up. */
static void given_up_late(void) {
  world w;
  history h;
  world_init(&w, 8 << 20);
  must(world_open(&w, &h, NULL) == VS_OK);
  must(commit(&w, 1, 1, 5) == VS_OK);
  must(vs_store_txn_begin(w.s, NULL) == VS_OK);
  must(log_value(&w, 999, 3, 1 << 20) == VS_OK);
  vs_store_txn_abort(w.s);
  must(commit(&w, 2, 2, 5) == VS_OK);
  must(vs_store_txn_begin(w.s, NULL) == VS_OK);
  must(log_value(&w, 999, 3, 1 << 20) == VS_OK);
  vs_store_txn_abort(w.s);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(holds(&h, 2), "nor do those that were half written");
  world_deinit(&w);
}

static void begun_only(void) {
  world w;
  history h;
  world_init(&w, 250);
  must(world_open(&w, &h, NULL) == VS_OK);
  must(vs_store_txn_begin(w.s, NULL) == VS_OK);
  must(log_value(&w, 1, 2, 5) == VS_OK);
  vs_store_txn_abort(w.s);
  ok(files_of(&w).n == 0, "a transaction given up before anything was appended makes no file");
  must(vs_store_txn_begin(w.s, NULL) == VS_OK);
  must(log_value(&w, 1, 20, 50) == VS_OK);
  must(recovered(&w, &h, NULL) == VS_OK);
  ok(h.n == 0, "frames without a commit frame never happened");
  world_deinit(&w);
}

int main(void) {
  order_over_many_logs();
  long_frames();
  steps();
  callers_failure();
  given_up();
  given_up_late();
  begun_only();
  return tap_done();
}
