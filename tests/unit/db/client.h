/* client.h - what the db tests use to drive a database: records in, operations run.
 *
 * A record of these tests is id "r<number>", a vector that is a function of
 * (number, version, dimension), and metadata {"v": version}, so that any found
 * record can be checked for being whole.
 */
#ifndef DB_CLIENT_H
#define DB_CLIENT_H

#include "../../../src/base/io_fault.h"
#include "../../../src/base/rng.h"
#include "../../../src/base/value.h"
#include "../../../src/db/op.h"
#include "../../../src/db/pack.h"
#include "../../../src/db/reembed.h"
#include "../tap.h"

#define DIM 8u
#define MAX_DIM 16u

typedef struct {
  vs_db_state db;
  vs_alloc outer; /* for what the test itself needs */
} client;

static inline void client_init(client *c, vs_io *io) {
  memset(c, 0, sizeof *c);
  vs_alloc_init(&c->db.alloc);
  vs_alloc_init(&c->outer);
  vs_db_init(&c->db);
  c->db.io = io;
  c->db.io_borrowed = io != NULL;
}

static inline void client_deinit(client *c) { vs_db_deinit(&c->db); }

/* Runs an operation to its end; a refused one gives its status. */
static inline vs_status run(vs_db_state *db, vs_op_state *op) {
  if (!op) return db->err.status;
  vs_status status = vs_op_finish(op);
  vs_op_end(op);
  return status;
}

/* Every other opening asks for codes, so that stores are converted both ways, saved and replayed as either. */
static uint32_t n_opened;
/* Opening repairs; what it found is kept here. */
static bool client_repairs;
static uint32_t repair_errors;
static uint64_t repair_records, repair_transactions;

static inline void read_repair(vs_slice result) {
  vs_rd r = vs_rd_of(result.p, result.n);
  vs_value config = vs_value_read(&r), report, v;
  must(vs_value_get(&config, "repair", &report) && vs_value_get(&report, "errors", &v));
  repair_errors = v.count;
  must(vs_value_get(&report, "records", &v) && v.i >= 0);
  repair_records = (uint64_t)v.i;
  must(vs_value_get(&report, "transactions", &v) && v.i >= 0);
  repair_transactions = (uint64_t)v.i;
}

/* Opens, keeping what was repaired. */
static inline vs_status run_open(vs_db_state *db, vs_slice options) {
  vs_op_state *op = vs_op_begin_open(db, options);
  if (!op) return db->err.status;
  vs_status status = vs_op_finish(op);
  if (status == VS_OK && client_repairs) read_repair(vs_op_output(op));
  vs_op_end(op);
  return status;
}

static inline vs_status client_open(client *c, const char *storage, bool import) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "storage");
  vs_value_cstring(&w, storage);
  vs_value_key(&w, "root");
  vs_value_cstring(&w, "root");
  vs_value_key(&w, "import");
  vs_value_bool(&w, import);
  vs_value_key(&w, "metric");
  vs_value_cstring(&w, "euclidean");
  vs_value_key(&w, "M");
  vs_value_int(&w, 4);
  vs_value_key(&w, "efConstruction");
  vs_value_int(&w, 16);
  vs_value_key(&w, "quantization");
  vs_value_cstring(&w, n_opened++ % 2 ? "none" : "int8");
  vs_value_key(&w, "walRotateBytes");
  vs_value_int(&w, 4096);
  if (client_repairs) {
    vs_value_key(&w, "repair");
    vs_value_bool(&w, true);
  }
  vs_value_end(&w, mark, client_repairs ? 9 : 8);
  vs_status status = run_open(&c->db, (vs_slice){w.p, w.n});
  vs_wr_deinit(&w);
  return status;
}

/* What the embedder of that dimension makes of a record; DIM's is what the tests write. */
static inline void vector_of(uint32_t number, uint32_t version, uint32_t dim, float *out) {
  vs_rng r = {((uint64_t)number << 32) + version + (uint64_t)(dim - DIM) * 7919};
  for (uint32_t i = 0; i < dim; i++) out[i] = vs_rng_f32(&r) - 0.5f;
}

static inline void record_vector(uint32_t number, uint32_t version, float out[DIM]) {
  vector_of(number, version, DIM, out);
}

static inline size_t record_id(uint32_t number, uint8_t out[16]) {
  return (size_t)snprintf((char *)out, 16, "sr%u", number);
}

static inline void pad4(vs_wr *w) {
  while (w->n % 4) vs_wr_u8(w, 0);
}

/* What a record has beside its vector: of some versions nothing, of others a sparse vector, or that and a token's
 * codes. */
static inline size_t extra_of(uint32_t number, uint32_t version, uint8_t out[52]) {
  size_t n = (number + version) % 3 == 0 ? 0 : (number + version) % 3 == 1 ? 28 : 28 + 16 + 4 + 4;
  if (n == 0) return 0;
  memset(out, 0, 52);
  vs_store_u32(out, (uint32_t)n);
  vs_store_u32(out + 4, 1);
  vs_store_u32(out + 8, 2);
  vs_store_u32(out + 12, number);
  vs_store_u32(out + 16, number + 100 + version % 5);
  vs_store_u32(out + 20, 0x3f800000);
  vs_store_u32(out + 24, 0xc0000000);
  if (n == 28) return n;
  vs_store_u32(out + 28, 2);
  vs_store_u32(out + 32, 1);
  vs_store_u32(out + 36, 1);
  vs_store_u32(out + 40, 3);
  vs_store_u32(out + 44, 0x3d000000);
  out[48] = (uint8_t)(version % 128);
  out[49] = 0x81;
  return n;
}

/* Records have a text too: "word<version> all n<number>". */
static bool client_texts;

static inline void write_text(vs_wr *w, uint32_t number, uint32_t version) {
  char text[64];
  if (!client_texts) return;
  snprintf(text, sizeof text, "word%u all n%u", (unsigned)version, (unsigned)number);
  vs_value_cstring(w, text);
}

static inline void add_upsert_of(vs_wr *w, uint32_t number, uint32_t version, uint32_t dim) {
  uint8_t id[16];
  float vector[MAX_DIM];
  size_t n = record_id(number, id);
  uint8_t extra[52];
  size_t extra_n = extra_of(number, version, extra);
  vector_of(number, version, dim, vector);
  vs_wr meta;
  vs_wr_init(&meta, w->a);
  size_t mark = vs_value_object_begin(&meta);
  vs_value_key(&meta, "v");
  vs_value_int(&meta, version);
  vs_value_end(&meta, mark, 1);
  size_t meta_n = meta.n;
  write_text(&meta, number, version);
  vs_wr_u8(w, VS_STAGE_UPSERT);
  vs_wr_u8(w, extra_n > 0);
  vs_wr_u16(w, (uint16_t)n);
  vs_wr_u32(w, dim);
  vs_wr_u32(w, (uint32_t)meta_n);
  vs_wr_u32(w, (uint32_t)(meta.n - meta_n));
  vs_wr_bytes(w, id, n);
  pad4(w);
  vs_wr_bytes(w, vector, (size_t)dim * 4);
  vs_wr_bytes(w, meta.p, meta.n);
  vs_wr_bytes(w, extra, extra_n);
  pad4(w);
  vs_wr_deinit(&meta);
}

static inline void add_upsert(vs_wr *w, uint32_t number, uint32_t version) { add_upsert_of(w, number, version, DIM); }

/* The dimension that records of this database have to have. */
static inline uint32_t dim_of(const vs_db_state *db) { return db->coll.has_index ? db->coll.config.dim : DIM; }

static inline void add_delete(vs_wr *w, uint32_t number) {
  uint8_t id[16];
  size_t n = record_id(number, id);
  vs_wr_u8(w, VS_STAGE_DELETE);
  vs_wr_u8(w, 0);
  vs_wr_u16(w, (uint16_t)n);
  vs_wr_u32(w, 0);
  vs_wr_u32(w, 0);
  vs_wr_u32(w, 0);
  vs_wr_bytes(w, id, n);
  pad4(w);
}

/* Stages packed operations and begins their commit. */
static inline vs_op_state *begin_commit(vs_db_state *db, const vs_wr *operations, bool relaxed) {
  vs_tx_reset(&db->tx);
  db->tx.open = true;
  db->tx.now_ms = 1000;
  vs_err_clear(&db->err);
  if (vs_tx_stage(&db->tx, &db->coll, (vs_slice){operations->p, operations->n}, &db->err) != VS_OK) {
    vs_tx_reset(&db->tx);
    return NULL;
  }
  return vs_op_begin_commit(db, relaxed);
}

static inline vs_status commit(vs_db_state *db, const vs_wr *operations) {
  return run(db, begin_commit(db, operations, false));
}

static inline vs_status upsert(client *c, uint32_t number, uint32_t version) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  add_upsert_of(&w, number, version, dim_of(&c->db));
  vs_status status = commit(&c->db, &w);
  vs_wr_deinit(&w);
  return status;
}

static inline vs_status delete_one(client *c, uint32_t number) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  add_delete(&w, number);
  vs_status status = commit(&c->db, &w);
  vs_wr_deinit(&w);
  return status;
}

/* The version of a record as stored, 0 when absent; stops the test when it is not whole. */
static inline uint32_t version_of(const vs_db_state *db, uint32_t number) {
  uint8_t id[16];
  size_t n = record_id(number, id);
  uint32_t slot = vs_coll_find(&db->coll, (vs_slice){id, n});
  if (slot == VS_NO_SLOT) return 0;
  const vs_body *body = vs_coll_body(&db->coll, slot);
  vs_slice meta = vs_body_meta(body);
  vs_rd r = vs_rd_of(meta.p, meta.n);
  vs_value object = vs_value_read(&r), v;
  float vector[MAX_DIM];
  const vs_reembed *next = db->coll.next;
  must(vs_value_get(&object, "v", &v) && v.tag == VS_VALUE_INT);
  vector_of(number, (uint32_t)v.i, db->coll.config.dim, vector);
  must(memcmp(vector, vs_vectors_at(&db->coll.vectors, slot), db->coll.config.dim * 4) == 0);
  must(vs_index_contains(db->coll.index, slot));
  uint8_t extra[52];
  vs_slice held = vs_body_extra(body);
  must(held.n == extra_of(number, (uint32_t)v.i, extra) && (held.n == 0 || memcmp(held.p, extra, held.n) == 0));
  if (next && vs_bitset_test(&next->staged, slot)) {
    vector_of(number, (uint32_t)v.i, next->dim, vector);
    must(memcmp(vector, vs_vectors_at(&next->vectors, slot), next->dim * 4) == 0);
  }
  return (uint32_t)v.i;
}

/* ============ Another embedder ============ */

/* Stages the vectors of the records numbered first to first + n - 1 that are there. */
static inline vs_status stage(client *c, const char *name, uint32_t dim, uint32_t first, uint32_t n) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  vs_wr_u32(&w, dim);
  vs_wr_u32(&w, (uint32_t)strlen(name));
  vs_wr_bytes(&w, name, strlen(name));
  pad4(&w);
  for (uint32_t number = first; number < first + n; number++) {
    uint8_t id[16];
    float vector[MAX_DIM];
    uint32_t slot = vs_coll_find(&c->db.coll, (vs_slice){id, record_id(number, id)});
    if (slot == VS_NO_SLOT) continue;
    double rev = (double)vs_coll_body(&c->db.coll, slot)->rev;
    uint64_t bits;
    memcpy(&bits, &rev, sizeof bits);
    vs_wr_u32(&w, slot);
    vs_wr_u32(&w, 0);
    vs_wr_u64(&w, bits);
    vector_of(number, version_of(&c->db, number), dim, vector);
    vs_wr_bytes(&w, vector, (size_t)dim * 4);
  }
  vs_status status = run(&c->db, vs_op_begin_stage(&c->db, (vs_slice){w.p, w.n}, false));
  vs_wr_deinit(&w);
  return status;
}

/* Verifies the database; the number of findings, or UINT32_MAX when it failed. */
static inline uint32_t findings(vs_db_state *db) {
  vs_op_state *op = vs_op_begin_verify(db);
  if (!op) return UINT32_MAX;
  uint32_t n = UINT32_MAX;
  if (vs_op_finish(op) == VS_OK) {
    vs_slice out = vs_op_output(op);
    vs_rd r = vs_rd_of(out.p, out.n);
    vs_value list = vs_value_read(&r);
    n = list.count;
    vs_rd items = vs_rd_of(list.bytes.p, list.bytes.n);
    for (uint32_t i = 0; i < n; i++) {
      vs_value entry = vs_value_read(&items), what;
      if (vs_value_get(&entry, "what", &what))
        printf("# finding: %.*s\n", (int)what.bytes.n, (const char *)what.bytes.p);
    }
  }
  vs_op_end(op);
  return n;
}

#endif
