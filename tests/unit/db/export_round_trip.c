/* An export imports into an equal store, into memory and into storage, fed in
 * pieces of any size; every truncation and every flipped bit is refused with
 * CORRUPT or VERSION and leaves an instance that can try again. */
#include "client.h"

static uint8_t *bytes;
static size_t n_bytes;
static uint32_t n_pieces;

/* Reads every piece as a host does; with a small budget there are many. */
static void export_all(client *c, double budget) {
  vs_op_state *op = vs_op_begin_export(&c->db);
  vs_op_answer answer;
  must(op != NULL);
  n_bytes = 0;
  n_pieces = 0;
  do {
    answer = vs_op_run(op, budget);
    must(answer == VS_OP_YIELD || answer == VS_OP_DONE);
    vs_slice chunk;
    for (uint32_t i = 0; (chunk = vs_op_output_chunk(op, i)).n; i++) {
      bytes = realloc(bytes, n_bytes + chunk.n);
      memcpy(bytes + n_bytes, chunk.p, chunk.n);
      n_bytes += chunk.n;
    }
    n_pieces++;
  } while (answer != VS_OP_DONE);
  vs_op_end(op);
}

/* Feeds n bytes in pieces and opens. */
static vs_status import_bytes(client *c, const char *storage, const uint8_t *p, size_t n, size_t piece) {
  vs_db_state *db = &c->db;
  if (!db->import) must(vs_import_create(&db->alloc, &db->import) == VS_OK);
  for (size_t at = 0; at < n; at += piece) {
    vs_status status = vs_import_feed(db->import, (vs_slice){p + at, vs_min_size(piece, n - at)}, &db->err);
    if (status != VS_OK) {
      vs_import_destroy(db->import);
      db->import = NULL;
      return status;
    }
  }
  return client_open(c, storage, true);
}

static int same_records(const vs_db_state *db) {
  for (uint32_t i = 0; i < 50; i++)
    if (version_of(db, i) != (i % 7 == 3 ? 0 : 1 + i % 3)) return 0;
  return db->coll.n_live == 43;
}

int main(void) {
  client c;
  client_init(&c, NULL);
  must(client_open(&c, "memory", false) == VS_OK);
  for (uint32_t i = 0; i < 50; i++)
    for (uint32_t v = 1; v <= 1 + i % 3; v++) must(upsert(&c, i, v) == VS_OK);
  for (uint32_t i = 3; i < 50; i += 7) must(delete_one(&c, i) == VS_OK);
  export_all(&c, 1e9);
  size_t n_whole = n_bytes;
  uint32_t n_whole_pieces = n_pieces;
  export_all(&c, 0.5);
  ok(n_whole == n_bytes && n_whole_pieces < n_pieces, "an export of %zu bytes comes in %u pieces or in %u", n_bytes,
     n_pieces, n_whole_pieces);
  vs_op_state *left = vs_op_begin_export(&c.db);
  must(left && vs_op_run(left, 0.5) == VS_OP_YIELD);
  vs_op_end(left);
  ok(same_records(&c.db) && upsert(&c, 1000, 1) == VS_OK, "exporting changes nothing and writing goes on");
  client_deinit(&c);

  client_init(&c, NULL);
  ok(import_bytes(&c, "memory", bytes, n_bytes, n_bytes) == VS_OK && same_records(&c.db), "imported into memory");
  ok(findings(&c.db) == 0, "and sound");
  client_deinit(&c);

  vs_alloc a;
  vs_io *io;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  client_init(&c, io);
  ok(import_bytes(&c, "posix", bytes, n_bytes, 7) == VS_OK && same_records(&c.db),
     "imported into storage in pieces of 7");
  client_deinit(&c);
  must(vs_io_fault_reboot(io, 5) == VS_OK);
  client_init(&c, io);
  ok(client_open(&c, "posix", false) == VS_OK && same_records(&c.db), "and there after a crash");
  must(run(&c.db, vs_op_begin_close(&c.db)) == VS_OK);
  client_deinit(&c);
  client_init(&c, io);
  ok(import_bytes(&c, "posix", bytes, n_bytes, 1000) == VS_ALREADY_EXISTS, "an import never overwrites a store");
  client_deinit(&c);
  io->ops->destroy(io);

  client_init(&c, NULL);
  uint32_t refused = 0, tried = 0;
  for (size_t n = 0; n < n_bytes; n += 1 + n_bytes / 400) {
    tried++;
    refused += import_bytes(&c, "memory", bytes, n, 4096) == VS_CORRUPT;
  }
  ok(refused == tried, "%u of %u truncations are CORRUPT", refused, tried);
  refused = tried = 0;
  for (size_t bit = 0; bit < n_bytes * 8; bit += 1 + n_bytes * 8 / 1500) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    vs_status status = import_bytes(&c, "memory", bytes, n_bytes, 65536);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    tried++;
    refused += status == VS_CORRUPT || status == VS_VERSION;
    must(status != VS_OK);
  }
  ok(refused == tried, "%u of %u flipped bits are CORRUPT or VERSION", refused, tried);
  ok(import_bytes(&c, "memory", bytes, n_bytes, 100) == VS_OK && same_records(&c.db),
     "the instance can still import the sound bytes");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "no memory is left behind");
  free(bytes);
  return tap_done();
}
