/* The vectors of another embedder are gathered beside the present ones,
 * survive reopening, are forgotten when their record changes, and take over
 * together, also when their dimension differs; before that nothing is seen of
 * them. The embedder's name is kept, and contradicted names are refused. */
#include "client.h"

#define N 150u
#define OTHER 12u

static void open_anew(client *c, vs_io *io, bool orderly) {
  if (orderly) must(run(&c->db, vs_op_begin_close(&c->db)) == VS_OK);
  client_deinit(c);
  must(c->db.alloc.n_live == 0);
  client_init(c, io);
  must(client_open(c, "posix", false) == VS_OK);
}

static uint32_t n_staged(const client *c) { return c->db.coll.next ? c->db.coll.next->staged.n_set : 0; }

static bool all_have(const vs_db_state *db, uint32_t version) {
  for (uint32_t i = 0; i < N; i++)
    if (version_of(db, i) != version) return false;
  return true;
}

/* Exact search for a record's own vector of the dimension in force finds it at distance 0. */
static bool finds_itself(client *c, uint32_t number, uint32_t version) {
  float vector[MAX_DIM];
  vs_hit hit;
  uint32_t n = 0;
  vector_of(number, version, c->db.coll.config.dim, vector);
  vs_search_params params = {.k = 1, .ef = 60, .exact = false};
  must(vs_index_search(c->db.coll.index, vector, &params, &hit, &n, NULL) == VS_OK);
  uint8_t id[16];
  return n == 1 && hit.slot == vs_coll_find(&c->db.coll, (vs_slice){id, record_id(number, id)});
}

static vs_status open_with(client *c, const char *storage, const char *embedder) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "storage");
  vs_value_cstring(&w, storage);
  vs_value_key(&w, "root");
  vs_value_cstring(&w, "root");
  vs_value_key(&w, "embedder");
  vs_value_cstring(&w, embedder);
  vs_value_end(&w, mark, 3);
  vs_status status = run(&c->db, vs_op_begin_open(&c->db, (vs_slice){w.p, w.n}));
  vs_wr_deinit(&w);
  return status;
}

static void gathering(client *c, vs_io *io) {
  for (uint32_t i = 0; i < N; i++) must(upsert(c, i, 1) == VS_OK);
  ok(run(&c->db, vs_op_begin_reembed(&c->db)) == VS_CONFLICT, "without staged vectors nothing takes over");
  must(stage(c, "other", OTHER, 0, 100) == VS_OK);
  ok(n_staged(c) == 100 && c->db.coll.config.dim == DIM && all_have(&c->db, 1), "staging changes nothing seen");
  must(run(&c->db, vs_op_begin_checkpoint(&c->db, false)) == VS_OK);
  must(stage(c, "other", OTHER, 100, 20) == VS_OK);
  open_anew(c, io, false);
  ok(n_staged(c) == 120 && all_have(&c->db, 1), "staged vectors come back, from image and log");
  ok(vs_index_count(c->db.coll.next->index) == 0, "they are not indexed by opening");
  must(upsert(c, 5, 1) == VS_OK && delete_one(c, 6) == VS_OK && upsert(c, 6, 1) == VS_OK);
  ok(n_staged(c) == 118, "a write forgets its record's");
  open_anew(c, io, true);
  ok(n_staged(c) == 118, "so it stays");
  ok(run(&c->db, vs_op_begin_reembed(&c->db)) == VS_CONFLICT, "too few: nothing takes over");
  ok(all_have(&c->db, 1) && findings(&c->db) == 0, "and nothing changed");
}

static void switching(client *c, vs_io *io) {
  must(stage(c, "third", DIM, 0, 10) == VS_OK);
  ok(n_staged(c) == 10, "another name begins anew");
  must(stage(c, "other", OTHER, 0, N) == VS_OK);
  while (vs_reembed_missing(&c->db.coll, 0) != VS_NO_SLOT || vs_index_count(c->db.coll.next->index) < N)
    must(stage(c, "other", OTHER, 0, 0) == VS_OK);
  ok(finds_itself(c, 9, 1), "the old vectors answer until the end");
  must(run(&c->db, vs_op_begin_reembed(&c->db)) == VS_OK);
  ok(c->db.coll.config.dim == OTHER && !c->db.coll.next, "the new ones have taken over");
  ok(all_have(&c->db, 1) && finds_itself(c, 9, 1) && findings(&c->db) == 0, "all of them, whole");
  must(upsert(c, 3, 2) == VS_OK && upsert(c, 3, 1) == VS_OK);
  open_anew(c, io, true);
  ok(c->db.coll.config.dim == OTHER && strcmp(c->db.coll.config.embedder, "other") == 0, "for good");
  ok(all_have(&c->db, 1) && finds_itself(c, 9, 1) && findings(&c->db) == 0, "and whole after reopening");
}

static void names(client *c, vs_io *io) {
  must(run(&c->db, vs_op_begin_close(&c->db)) == VS_OK);
  client_deinit(c);
  client_init(c, io);
  ok(open_with(c, "posix", "wrong") == VS_INVALID_ARGUMENT && strstr(c->db.err.msg, "'other'") &&
         strstr(c->db.err.msg, "'wrong'"),
     "another embedder is refused, both named: %s", c->db.err.msg);
  ok(open_with(c, "posix", "other") == VS_OK, "the right one opens");
  const uint8_t zeros[32] = {0};
  const uint8_t head[16] = {DIM, 0, 0, 0, 0, 0, 0, 0};
  ok(run(&c->db, vs_op_begin_stage(&c->db, (vs_slice){head, 8}, false)) == VS_INVALID_ARGUMENT, "a name is needed");
  ok(!vs_op_begin_stage(&c->db, (vs_slice){head, 7}, false), "cut off bytes are refused");
  ok(!vs_op_begin_stage(&c->db, (vs_slice){zeros, sizeof zeros}, false), "dimension 0 is refused");
  client_deinit(c);
}

/* A store of text only gets vectors; one in memory switches without files. */
static void others(void) {
  client c;
  client_init(&c, NULL);
  must(open_with(&c, "memory", "first") == VS_OK);
  must(stage(&c, "other", OTHER, 0, 0) == VS_OK);
  ok(run(&c.db, vs_op_begin_reembed(&c.db)) == VS_OK && c.db.coll.config.dim == OTHER, "an empty store switches");
  for (uint32_t i = 0; i < 20; i++) must(upsert(&c, i, 1) == VS_OK);
  must(stage(&c, "third", DIM, 0, 20) == VS_OK);
  ok(run(&c.db, vs_op_begin_reembed(&c.db)) == VS_OK && version_of(&c.db, 19) == 1, "one in memory switches");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "nothing leaks");
}

int main(void) {
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  client_init(&c, io);
  must(client_open(&c, "posix", false) == VS_OK);
  gathering(&c, io);
  switching(&c, io);
  names(&c, io);
  others();
  io->ops->destroy(io);
  return tap_done();
}
