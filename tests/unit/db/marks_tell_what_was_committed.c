/* A marked transaction is known by its mark exactly as long as its changes are there: at once, after a crash,
 * after a checkpoint and a reopening. One that failed, changed nothing or did not survive a crash has none. The
 * last calls of each client are kept, and those of the clients that wrote last. */
#include "client.h"

static void name_of(uint32_t client, uint8_t out[VS_MARK_CLIENT_BYTES]) {
  memset(out, 0xff, VS_MARK_CLIENT_BYTES);
  vs_store_u32(out, client);
}

/* A record that is written, or removed where version is 0, in a transaction marked as a client's call. */
static vs_op_state *begin_marked(client *c, uint32_t client, uint64_t call, uint32_t number, uint32_t version) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  if (version)
    add_upsert(&w, number, version);
  else
    add_delete(&w, number);
  vs_tx *t = &c->db.tx;
  vs_tx_reset(t);
  t->open = true;
  t->marked = true;
  name_of(client, t->client);
  t->call = call;
  vs_status status = vs_tx_stage(t, &c->db.coll, (vs_slice){w.p, w.n}, &c->db.err);
  vs_wr_deinit(&w);
  return status == VS_OK ? vs_op_begin_commit(&c->db, false) : NULL;
}

static vs_status write_marked(client *c, uint32_t client, uint64_t call, uint32_t number, uint32_t version) {
  return run(&c->db, begin_marked(c, client, call, number, version));
}

/* inserted * 100 + updated * 10 + deleted, or 0 when the call is not known. */
static uint32_t told(const client *c, uint32_t client, uint64_t call) {
  uint8_t name[VS_MARK_CLIENT_BYTES];
  name_of(client, name);
  const vs_mark_result *r = vs_marks_find(&c->db.coll.marks, name, call);
  return r ? r->inserted * 100 + r->updated * 10 + r->deleted : 0;
}

static void reopen(client *c, vs_io *io) {
  client_deinit(c);
  client_init(c, io);
  must(client_open(c, "posix", false) == VS_OK);
}

static void check_kept(client *c, vs_io *io) {
  must(write_marked(c, 1, 7, 1, 1) == VS_OK && write_marked(c, 1, 8, 1, 2) == VS_OK);
  must(write_marked(c, 2, 7, 1, 0) == VS_OK && write_marked(c, 2, 8, 1, 0) == VS_OK);
  for (uint32_t round = 0; round < 4; round++) {
    const char *when[] = {"at once", "from the log", "after a checkpoint", "from the manifest"};
    if (round == 1 || round == 3) reopen(c, io);
    if (round == 2) must(run(&c->db, vs_op_begin_checkpoint(&c->db, false)) == VS_OK);
    ok(told(c, 1, 7) == 100 && told(c, 1, 8) == 10, "%s: what each call of a client did", when[round]);
    ok(told(c, 2, 7) == 1 && told(c, 1, 6) == 0 && told(c, 3, 7) == 0, "%s: clients and calls are told apart",
       when[round]);
    ok(told(c, 2, 8) == 0, "%s: a call that changed nothing left no mark", when[round]);
  }
}

static void check_bounded(client *c, vs_io *io) {
  for (uint64_t call = 9; call < 9 + VS_MARK_CALLS; call++) must(write_marked(c, 1, call, 5, 1) == VS_OK);
  reopen(c, io);
  ok(told(c, 1, 8) == 0 && told(c, 1, 9) == 100 && told(c, 1, 8 + VS_MARK_CALLS) == 10, "the last calls are kept");
  for (uint32_t who = 10; who < 9 + VS_MARK_CLIENTS; who++) must(write_marked(c, who, 1, 5, 1) == VS_OK);
  ok(told(c, 2, 7) == 0 && told(c, 1, 9) == 100, "the client that wrote longest ago is forgotten first");
  must(run(&c->db, vs_op_begin_checkpoint(&c->db, false)) == VS_OK);
  reopen(c, io);
  ok(told(c, 1, 9) == 100 && told(c, 10, 1) == 10, "so many are saved");
}

/* The power fails while a marked transaction is not synced: mark and record are both there, or neither. */
static void check_crash(void) {
  uint32_t kept = 0, lost = 0, torn = 0;
  for (uint32_t seed = 0; seed < 60; seed++) {
    vs_alloc a;
    vs_io *io;
    client c;
    vs_alloc_init(&a);
    must(vs_io_fault_create(&a, &io) == VS_OK);
    client_init(&c, io);
    must(client_open(&c, "posix", false) == VS_OK);
    must(write_marked(&c, 1, 1, 1, 1) == VS_OK);
    vs_op_state *op = begin_marked(&c, 1, 2, 2, 1);
    must(vs_op_run(op, 1e9) == VS_OP_NEED_SYNC);
    vs_op_end(op);
    client_deinit(&c);
    must(vs_io_fault_reboot(io, seed) == VS_OK);
    client_init(&c, io);
    must(client_open(&c, "posix", false) == VS_OK);
    must(told(&c, 1, 1) == 100 && version_of(&c.db, 1) == 1);
    bool marked = told(&c, 1, 2) == 100, written = version_of(&c.db, 2) == 1;
    torn += marked != written;
    kept += marked;
    lost += !marked;
    client_deinit(&c);
    io->ops->destroy(io);
  }
  ok(torn == 0 && kept > 0 && lost > 0, "after a crash mark and record are both there (%u) or neither (%u)", kept,
     lost);
}

/* A configuration whose member "marks" is an array of these integers, or is no array. */
static vs_status read_marks(client *c, const int64_t *numbers, uint32_t n, bool is_array, vs_marks *out) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  size_t object = vs_value_object_begin(&w);
  vs_value_key(&w, "marks");
  if (is_array) {
    size_t array = vs_value_array_begin(&w);
    for (uint32_t i = 0; i < n; i++) vs_value_int(&w, numbers[i]);
    vs_value_end(&w, array, n);
  } else {
    vs_value_cstring(&w, "none");
  }
  vs_value_end(&w, object, 1);
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value config = vs_value_read(&r);
  vs_status status = vs_marks_read(out, &config);
  vs_wr_deinit(&w);
  return status;
}

static void check_damaged(client *c) {
  static vs_marks marks;
  const int64_t good[] = {-5, 9, 1, 3, 1, 0, 0};
  ok(read_marks(c, good, 7, true, &marks) == VS_OK && marks.n == 1, "marks are read");
  for (uint32_t n = 1; n < 7; n++)
    ok(read_marks(c, good, n, true, &marks) == VS_CORRUPT, "%u of 7 numbers are CORRUPT", n);
  for (uint32_t i = 2; i < 7; i++) {
    int64_t bad[7];
    memcpy(bad, good, sizeof good);
    bad[i] = i == 2 ? (int64_t)VS_MARK_CALLS + 1 : -1;
    ok(read_marks(c, bad, 7, true, &marks) == VS_CORRUPT, "a wrong number %u is CORRUPT", i);
  }
  ok(read_marks(c, good, 7, false, &marks) == VS_CORRUPT, "what is no array is CORRUPT");
  ok(vs_marks_replay(&marks, (vs_slice){(const uint8_t *)"", 0}) == VS_CORRUPT, "a short frame is CORRUPT");
}

int main(void) {
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  client_init(&c, io);
  must(client_open(&c, "posix", false) == VS_OK);
  check_kept(&c, io);
  check_bounded(&c, io);
  check_damaged(&c);
  client_deinit(&c);
  io->ops->destroy(io);
  check_crash();
  return tap_done();
}
