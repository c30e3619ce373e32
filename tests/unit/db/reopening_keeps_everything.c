/* What was committed is there after reopening, from log, image or both, and
 * searches give the same answers; updates and deletes survive; checkpoints
 * and optimize change nothing that can be seen. */
#include "client.h"

#define N 300u

static uint32_t expected[N];

static void write_some(client *c, vs_rng *rng, uint32_t n) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t number = vs_rng_below(rng, N);
    if (vs_rng_below(rng, 4) == 0) {
      add_delete(&w, number);
      expected[number] = 0;
    } else {
      expected[number] += 1 + vs_rng_below(rng, 3);
      add_upsert(&w, number, expected[number]);
    }
  }
  must(commit(&c->db, &w) == VS_OK);
  vs_wr_deinit(&w);
}

static int all_as_expected(const vs_db_state *db) {
  uint32_t live = 0;
  for (uint32_t i = 0; i < N; i++) {
    if (version_of(db, i) != expected[i]) return 0;
    live += expected[i] != 0;
  }
  return db->coll.n_live == live;
}

static uint32_t search(vs_db_state *db, uint32_t q, vs_hit out[10]) {
  float vector[DIM];
  uint32_t n = 0;
  record_vector(100000 + q, 1, vector);
  vs_search_params params = {.k = 10, .ef = 30, .exact = false};
  must(vs_index_search(db->coll.index, vector, &params, out, &n, NULL) == VS_OK);
  return n;
}

int main(void) {
  vs_alloc a;
  vs_io *io;
  vs_rng rng = {42};
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  client c;
  client_init(&c, io);
  must(client_open(&c, "posix", false) == VS_OK);
  for (uint32_t round = 0; round < 12; round++) {
    for (uint32_t k = 0; k < 4; k++) write_some(&c, &rng, 1 + vs_rng_below(&rng, 60));
    if (round % 3 == 1) must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
    if (round % 5 == 4) must(run(&c.db, vs_op_begin_checkpoint(&c.db, true)) == VS_OK);
    if (round % 2) write_some(&c, &rng, 20);
    ok(all_as_expected(&c.db), "round %u: the records are as written", round);
    vs_hit before[20][10], after[10];
    uint32_t n_before[20], same = 0;
    for (uint32_t q = 0; q < 20; q++) n_before[q] = search(&c.db, q, before[q]);
    bool long_log = c.db.n_log_records >= 64;
    if (round % 4 < 2) {
      must(run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
      ok(!long_log || c.db.n_log_records == 0, "round %u: closing leaves no long log behind", round);
    }
    client_deinit(&c);
    ok(c.db.alloc.n_live == 0, "round %u: closing gives all memory back", round);
    client_init(&c, io);
    must(client_open(&c, "posix", false) == VS_OK);
    ok(all_as_expected(&c.db), "round %u: the records are there after reopening", round);
    ok(findings(&c.db) == 0, "round %u: verify finds nothing", round);
    for (uint32_t q = 0; q < 20; q++)
      same += search(&c.db, q, after) == n_before[q] && memcmp(after, before[q], n_before[q] * sizeof *after) == 0;
    ok(same == 20, "round %u: all searches answer the same after reopening", round);
  }
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  ok(vs_store_wal_bytes(c.db.store) < 4096, "a checkpoint empties the log (%llu bytes left)",
     (unsigned long long)vs_store_wal_bytes(c.db.store));
  client_deinit(&c);
  io->ops->destroy(io);
  ok(a.n_live == 0, "no memory is left behind");
  return tap_done();
}
