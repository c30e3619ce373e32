/* Every allocation of a write, a re-embedding, a checkpoint, an export and an open fails
 * once, and once with all later ones: the call reports OUT_OF_MEMORY, nothing
 * changed, nothing leaks, and the instance works on. */
#include "client.h"

static uint32_t injections;

static void prepare(client *c, vs_io *io) {
  client_init(c, io);
  must(client_open(c, io ? "posix" : "memory", false) == VS_OK);
  for (uint32_t i = 0; i < 40; i++) must(upsert(c, i, 1) == VS_OK);
}

static vs_status batch(client *c) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = 20; i < 90; i++) add_upsert(&w, i, 2);
  for (uint32_t i = 0; i < 10; i++) add_delete(&w, i);
  vs_status status = commit(&c->db, &w);
  vs_wr_deinit(&w);
  return status;
}

static int untouched(const vs_db_state *db) {
  for (uint32_t i = 0; i < 90; i++)
    if (version_of(db, i) != (i < 40 ? 1u : 0u)) return 0;
  return db->coll.n_live == 40;
}

static int applied(const vs_db_state *db) {
  for (uint32_t i = 0; i < 90; i++)
    if (version_of(db, i) != (i < 10 ? 0u : i < 20 ? 1u : 2u)) return 0;
  return db->coll.n_live == 80;
}

static void fail_writes(bool stored, bool forever) {
  vs_alloc a;
  vs_io *io = NULL;
  client c;
  vs_alloc_init(&a);
  if (stored) must(vs_io_fault_create(&a, &io) == VS_OK);
  prepare(&c, io);
  uint32_t n = 1;
  for (;; n++, injections++) {
    c.db.alloc.fail_at = c.db.alloc.n_calls + n;
    c.db.alloc.fail_forever = forever;
    vs_status status = batch(&c);
    c.db.alloc.fail_at = 0;
    if (status == VS_OK) break;
    must(status == VS_OUT_OF_MEMORY);
    must(untouched(&c.db));
  }
  ok(applied(&c.db), "batch, %s, %s: after %u failures it goes through", stored ? "stored" : "memory",
     forever ? "for ever" : "once", n - 1);
  ok(findings(&c.db) == 0, "and verify finds nothing");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "no leak");
  if (!io) return;
  client_init(&c, io);
  ok(client_open(&c, "posix", false) == VS_OK && applied(&c.db), "and it is there after reopening");
  client_deinit(&c);
  io->ops->destroy(io);
}

static void fail_checkpoints(bool forever, bool exporting) {
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  prepare(&c, io);
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  must(batch(&c) == VS_OK);
  for (uint32_t n = 1;; n++, injections++) {
    c.db.alloc.fail_at = c.db.alloc.n_calls + n;
    c.db.alloc.fail_forever = forever;
    vs_status status = run(&c.db, exporting ? vs_op_begin_export(&c.db) : vs_op_begin_checkpoint(&c.db, true));
    c.db.alloc.fail_at = 0;
    if (status != VS_OK && status != VS_OUT_OF_MEMORY)
      printf("# allocation %u: %s, %s\n", n, vs_status_name(status), c.db.err.msg);
    must(status == VS_OK || status == VS_OUT_OF_MEMORY);
    must(applied(&c.db));
    if (status == VS_OK) break;
  }
  ok(findings(&c.db) == 0, "%s failing %s: the store is sound", exporting ? "export" : "checkpoint",
     forever ? "for ever" : "once");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "no leak");
  for (uint32_t n = 1;; n++, injections++) {
    client_init(&c, io);
    c.db.alloc.fail_at = n;
    c.db.alloc.fail_forever = forever;
    vs_status status = client_open(&c, "posix", false);
    c.db.alloc.fail_at = 0;
    if (status != VS_OK && status != VS_OUT_OF_MEMORY)
      printf("# opening, allocation %u: %s, %s\n", n, vs_status_name(status), c.db.err.msg);
    must(status == VS_OK || status == VS_OUT_OF_MEMORY);
    int done = status == VS_OK;
    if (done) ok(applied(&c.db), "opening failing %s: then it opens, whole", forever ? "for ever" : "once");
    client_deinit(&c);
    must(c.db.alloc.n_live == 0);
    if (done) break;
  }
  io->ops->destroy(io);
}

/* Restoring may fail after its manifest was written: then the instance is
 * closed, and the next one shows the snapshot. */
static void fail_snapshots(bool forever) {
  static const vs_slice name = {(const uint8_t *)"before", 6};
  vs_alloc a;
  vs_io *io;
  client c;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  prepare(&c, io);
  vs_status status = VS_OUT_OF_MEMORY;
  for (uint32_t n = 1; status != VS_OK; n++, injections++) {
    c.db.alloc.fail_at = c.db.alloc.n_calls + n;
    c.db.alloc.fail_forever = forever;
    status = run(&c.db, vs_op_begin_snapshot(&c.db, name, 1));
    c.db.alloc.fail_at = 0;
    must((status == VS_OK || status == VS_OUT_OF_MEMORY) && untouched(&c.db));
  }
  ok(vs_store_n_snapshots(c.db.store) == 1, "snapshot failing %s: then it is there", forever ? "for ever" : "once");
  uint32_t n_closed = 0;
  bool reached = true; /* a refusal may be survived: dead files are removed another time */
  for (uint32_t n = 1; reached; n++, injections++) {
    if (untouched(&c.db)) must(batch(&c) == VS_OK);
    uint64_t at = c.db.alloc.n_calls + n;
    c.db.alloc.fail_at = at;
    c.db.alloc.fail_forever = forever;
    status = run(&c.db, vs_op_begin_snapshot_restore(&c.db, name));
    reached = c.db.alloc.n_calls >= at;
    c.db.alloc.fail_at = 0;
    must(status == VS_OK || status == VS_OUT_OF_MEMORY);
    if (c.db.open) {
      must(status == VS_OK ? untouched(&c.db) : applied(&c.db));
      continue;
    }
    n_closed++;
    client_deinit(&c);
    must(c.db.alloc.n_live == 0);
    client_init(&c, io);
    must(client_open(&c, "posix", false) == VS_OK && untouched(&c.db));
  }
  ok(n_closed > 0, "restoring failing %s: closed %u times", forever ? "for ever" : "once", n_closed);
  ok(findings(&c.db) == 0, "never a mixture");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "no leak");
  io->ops->destroy(io);
}

/* The vectors of another embedder: staging them, all but one, the last one, and the switch. */
static void fail_reembedding(bool stored, bool forever) {
  vs_alloc a;
  vs_io *io = NULL;
  client c;
  uint32_t n = 1, step = 0;
  vs_alloc_init(&a);
  if (stored) must(vs_io_fault_create(&a, &io) == VS_OK);
  prepare(&c, io);
  for (; step < 3; n++, injections++) {
    c.db.alloc.fail_at = c.db.alloc.n_calls + n;
    c.db.alloc.fail_forever = forever;
    vs_status status = step == 2 ? run(&c.db, vs_op_begin_reembed(&c.db)) : stage(&c, "other", 12, step * 39, 39);
    c.db.alloc.fail_at = 0;
    must(status == VS_OK || status == VS_OUT_OF_MEMORY);
    must(c.db.coll.config.dim == (status == VS_OK && step == 2 ? 12 : DIM));
    must(untouched(&c.db));
    if (status != VS_OK) continue;
    step++;
    n = 0;
  }
  ok(findings(&c.db) == 0 && !c.db.coll.next, "re-embedding, %s, %s: goes through in the end",
     stored ? "stored" : "memory", forever ? "for ever" : "once");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "no leak");
  if (!io) return;
  client_init(&c, io);
  ok(client_open(&c, "posix", false) == VS_OK && untouched(&c.db) && c.db.coll.config.dim == 12, "and is there");
  client_deinit(&c);
  io->ops->destroy(io);
}

int main(void) {
  for (int forever = 0; forever < 2; forever++) {
    fail_writes(false, forever);
    fail_writes(true, forever);
    fail_reembedding(false, forever);
    fail_reembedding(true, forever);
    fail_checkpoints(forever, false);
    fail_checkpoints(forever, true);
    fail_snapshots(forever);
  }
  printf("# injections: %u\n", injections);
  return tap_done();
}
