/* vs_abi.c - the flat C ABI: handles, pointers and numbers in, the db layer behind.
 *
 * Layer: api (L5). No logic of its own; every function is documented in
 * vs_abi.def. All state lives in the vs_db, so that instances are independent.
 */
#include "vecstore.h"

#include <stdlib.h>
#include <string.h>

#include "../base/value.h"
#include "../db/op.h"
#include "../db/pack.h"

#define VS_STATUS_CODE(name, number, js) _Static_assert((int)name == number, "vs_abi.def repeats status.h");
#define VS_CONST(name, number)
#define VS_EXPORT(ret, name, args, doc)
#include "vs_abi.def"
#undef VS_EXPORT
#undef VS_CONST
#undef VS_STATUS_CODE

_Static_assert(VS_STEP_DONE == (int)VS_OP_DONE && VS_STEP_ERROR == (int)VS_OP_ERROR &&
                   VS_STEP_NEED_SYNC == (int)VS_OP_NEED_SYNC && VS_STEP_NEED_READ == (int)VS_OP_NEED_READ &&
                   VS_STEP_YIELD == (int)VS_OP_YIELD,
               "step answers");
_Static_assert(VS_TX_UPSERT == (int)VS_STAGE_UPSERT && VS_TX_DELETE == (int)VS_STAGE_DELETE, "operation kinds");
_Static_assert(offsetof(vs_err, msg) == VS_ERROR_MSG_OFFSET && offsetof(vs_err, file) == VS_ERROR_FILE_OFFSET,
               "error layout");

typedef struct {
  uint32_t slot;
  float score, distance;
} abi_hit;
_Static_assert(sizeof(abi_hit) == VS_HIT_BYTES, "hit layout");

/* Pointers are 32 bits wide in WASM, so the record view is fixed there. */
typedef struct {
  const void *id;
  uint32_t id_n;
  const void *vector;
  uint32_t dim;
  const void *meta;
  uint32_t meta_n;
  const void *text;
  uint32_t text_n;
  double seq, version, created_ms, updated_ms;
} abi_record;
#if defined(__wasm32__)
_Static_assert(sizeof(abi_record) == VS_RECORD_BYTES, "record layout");
#endif

struct vs_db {
  vs_db_state state;
  abi_record record;
  abi_hit *hits; /* room for state.cap_hits */
};

/* ============ Instance ============ */

uint32_t vs_abi_version(void) { return VS_ABI_VERSION; }

int32_t vs_selftest(void) { return vs_kernels_selftest(); }

vs_db *vs_db_new(void) {
  vs_alloc first;
  vs_alloc_init(&first);
  vs_db *db = vs_calloc(&first, 1, sizeof *db);
  if (!db) return NULL;
  db->state.alloc = first; /* it counts the instance itself */
  vs_db_init(&db->state);
  return db;
}

void vs_db_free(vs_db *db) {
  if (!db) return;
  vs_db_deinit(&db->state);
  vs_free(&db->state.alloc, db->hits);
  vs_alloc last = db->state.alloc;
  vs_free(&last, db);
}

const void *vs_db_error(vs_db *db) { return &db->state.err; }

void *vs_buf_alloc(vs_db *db, uint32_t n) { return vs_malloc(&db->state.alloc, n ? n : 1); }

void vs_buf_free(vs_db *db, void *p) { vs_free(&db->state.alloc, p); }

void vs_db_set_budget(vs_db *db, double bytes) {
  db->state.alloc.budget = bytes >= (double)SIZE_MAX ? SIZE_MAX : bytes > 0 ? (size_t)bytes : 0;
}

void vs_test_fail_alloc(vs_db *db, double at, int32_t forever) {
  db->state.alloc.fail_at = at > 0 ? db->state.alloc.n_calls + (uint64_t)at : 0;
  db->state.alloc.fail_forever = forever != 0;
}

/* ============ Operations ============ */

static vs_op_state *state_of(vs_op *op) { return op; }

vs_op *vs_op_open(vs_db *db, const void *config, uint32_t n) {
  return vs_op_begin_open(&db->state, (vs_slice){config, n});
}

int32_t vs_import_add(vs_db *db, const void *p, uint32_t n) {
  vs_err_clear(&db->state.err);
  if (!db->state.import && vs_import_create(&db->state.alloc, &db->state.import) != VS_OK)
    return (int32_t)vs_fail(&db->state.err, VS_OUT_OF_MEMORY, "no memory for the import");
  return (int32_t)vs_import_feed(db->state.import, (vs_slice){p, n}, &db->state.err);
}

vs_op *vs_op_commit(vs_db *db, uint32_t flags) {
  return vs_op_begin_commit(&db->state, (flags & VS_COMMIT_RELAXED) != 0);
}
vs_op *vs_op_flush(vs_db *db) { return vs_op_begin_flush(&db->state); }
vs_op *vs_op_checkpoint(vs_db *db) { return vs_op_begin_checkpoint(&db->state, false); }
vs_op *vs_op_optimize(vs_db *db) { return vs_op_begin_checkpoint(&db->state, true); }
vs_op *vs_op_verify(vs_db *db) { return vs_op_begin_verify(&db->state); }
vs_op *vs_op_export(vs_db *db) { return vs_op_begin_export(&db->state); }
vs_op *vs_op_close(vs_db *db) { return vs_op_begin_close(&db->state); }

int32_t vs_op_step(vs_op *op, double budget) { return (int32_t)vs_op_run(state_of(op), budget); }

int32_t vs_op_resume(vs_op *op, int32_t status) {
  vs_status known = status >= 0 && status < VS_STATUS_COUNT ? (vs_status)status : VS_IO;
  return (int32_t)vs_op_synced(state_of(op), known);
}

double vs_op_progress(vs_op *op) { return vs_op_done_share(state_of(op)); }
const void *vs_op_result(vs_op *op) { return vs_op_output(state_of(op)).p; }
uint32_t vs_op_result_bytes(vs_op *op) { return (uint32_t)vs_op_output(state_of(op)).n; }
const void *vs_op_chunk(vs_op *op, uint32_t i) { return vs_op_output_chunk(state_of(op), i).p; }
uint32_t vs_op_chunk_bytes(vs_op *op, uint32_t i) { return (uint32_t)vs_op_output_chunk(state_of(op), i).n; }
void vs_op_free(vs_op *op) { vs_op_end(state_of(op)); }

/* ============ Syncing ============ */

const void *vs_sync_begin(vs_db *db) {
  vs_wr_reset(&db->state.out);
  return vs_db_sync_begin(&db->state, &db->state.out) ? db->state.out.p : NULL;
}

void vs_sync_end(vs_db *db, int32_t status) {
  vs_db_sync_end(&db->state, status >= 0 && status < VS_STATUS_COUNT ? (vs_status)status : VS_IO);
}

int32_t vs_sync_self(vs_db *db) { return (int32_t)vs_db_sync_self(&db->state); }

/* ============ Writing ============ */

static vs_status check_writable(vs_db_state *db) {
  if (!db->open) return vs_fail(&db->err, VS_CLOSED, "the store is not open");
  if (db->store && vs_store_poisoned(db->store))
    return vs_fail(&db->err, VS_POISONED, "an earlier sync failed; reopen the store to go on writing");
  return VS_OK;
}

int32_t vs_tx_begin(vs_db *db, double now_ms) {
  vs_db_state *s = &db->state;
  vs_err_clear(&s->err);
  if (check_writable(s) != VS_OK) return (int32_t)s->err.status;
  vs_tx_reset(&s->tx);
  s->tx.open = true;
  s->tx.now_ms = now_ms > 0 && now_ms < 9e15 ? (uint64_t)now_ms : 0;
  return VS_OK;
}

int32_t vs_tx_add(vs_db *db, const void *operations, uint32_t n) {
  vs_db_state *s = &db->state;
  vs_err_clear(&s->err);
  if (!s->tx.open) return (int32_t)vs_fail(&s->err, VS_INVALID_ARGUMENT, "no transaction was begun");
  vs_status status = vs_tx_stage(&s->tx, &s->coll, (vs_slice){operations, n}, &s->err);
  if (status != VS_OK) vs_tx_reset(&s->tx);
  return (int32_t)status;
}

void vs_tx_abort(vs_db *db) { vs_tx_reset(&db->state.tx); }

/* ============ Reading ============ */

/* Room for k hits in both arrays. */
static vs_status reserve_hits(vs_db *db, uint32_t k) {
  vs_db_state *s = &db->state;
  if (k <= s->cap_hits) return VS_OK;
  vs_hit *hits = vs_malloc(&s->alloc, (size_t)k * sizeof *hits);
  abi_hit *out = vs_malloc(&s->alloc, (size_t)k * sizeof *out);
  if (!hits || !out) {
    vs_free(&s->alloc, hits);
    vs_free(&s->alloc, out);
    return vs_fail(&s->err, VS_OUT_OF_MEMORY, "no memory for %u results", k);
  }
  vs_free(&s->alloc, s->hits);
  vs_free(&s->alloc, db->hits);
  s->hits = hits;
  db->hits = out;
  s->cap_hits = k;
  return VS_OK;
}

static vs_status check_query(vs_db_state *s, const void *vector, uint32_t dim) {
  if (!s->open) return vs_fail(&s->err, VS_CLOSED, "the store is not open");
  if (s->coll.config.dim == 0)
    return vs_fail(&s->err, VS_INVALID_ARGUMENT, "a store of dimension 0 has no vectors to query");
  if (s->coll.has_index && dim != s->coll.config.dim)
    return vs_fail(&s->err, VS_DIMENSION_MISMATCH, "the query has %u dimensions, the store has %u", dim,
                   s->coll.config.dim);
  if (dim > VS_MAX_DIMENSION || !vs_floats_finite(vector, dim))
    return vs_fail(&s->err, VS_INVALID_ARGUMENT, "the query vector holds NaN or an infinity");
  return VS_OK;
}

/* The host reads each hit's body next: this waits for all of their cache misses at once. */
static void touch_bodies(const vs_db_state *s, const vs_hit *hit, uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum ^= vs_coll_body(&s->coll, hit[i].slot)->rev;
  volatile uint64_t sink = sum;
  (void)sink;
}

int32_t vs_query(vs_db *db, const void *vector, uint32_t dim, uint32_t k, uint32_t ef, uint32_t flags,
                 double max_distance, double min_score) {
  vs_db_state *s = &db->state;
  vs_err_clear(&s->err);
  memset(&s->last_search, 0, sizeof s->last_search);
  if (check_query(s, vector, dim) != VS_OK) return -(int32_t)s->err.status;
  if (k > s->coll.n_live) k = s->coll.n_live;
  if (k == 0 || !s->coll.has_index) return 0;
  if (reserve_hits(db, k) != VS_OK) return -(int32_t)s->err.status;
  vs_search_params params = {.k = k,
                             .ef = ef ? ef : s->coll.config.ef_search,
                             .exact = (flags & VS_QUERY_EXACT) != 0,
                             .rescore = flags >> VS_QUERY_RESCORE_SHIFT};
  uint32_t n = 0;
  vs_status status = vs_index_search(s->coll.index, vector, &params, s->hits, &n, &s->last_search);
  if (status != VS_OK) return -(int32_t)vs_fail(&s->err, status, "no memory for the search");
  touch_bodies(s, s->hits, n);
  int32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    float distance = s->hits[i].distance, score = vs_metric_score(s->coll.config.index.metric, distance);
    if ((double)distance > max_distance || (double)score < min_score) break;
    db->hits[kept++] = (abi_hit){s->hits[i].slot, score, distance};
  }
  return kept;
}

const void *vs_query_hits(vs_db *db) { return db->hits; }
double vs_query_distances(vs_db *db) { return (double)db->state.last_search.n_distances; }

uint32_t vs_find(vs_db *db, const void *id, uint32_t n) {
  return db->state.open ? vs_coll_find(&db->state.coll, (vs_slice){id, n}) : VS_NO_SLOT;
}

const void *vs_record(vs_db *db, uint32_t slot) {
  const vs_collection *c = &db->state.coll;
  const vs_body *b = db->state.open ? vs_coll_body(c, slot) : NULL;
  if (!b) return NULL;
  vs_slice meta = vs_body_meta(b), text = vs_body_text(b);
  db->record = (abi_record){.id = vs_body_bytes(b),
                            .id_n = b->id_n,
                            .meta = meta.p,
                            .meta_n = b->meta_n,
                            .text = text.p,
                            .text_n = b->text_n,
                            .seq = (double)b->seq,
                            .version = b->version,
                            .created_ms = (double)b->created_ms,
                            .updated_ms = (double)b->updated_ms};
  if (c->has_index) {
    db->record.vector = vs_vectors_at(&c->vectors, slot);
    db->record.dim = c->config.dim;
  }
  return &db->record;
}

uint32_t vs_count(vs_db *db) { return db->state.open ? db->state.coll.n_live : 0; }

const void *vs_stats(vs_db *db) {
  vs_wr *w = &db->state.out;
  vs_err_clear(&db->state.err);
  vs_wr_reset(w);
  vs_wr_u32(w, 0);
  if (db->state.open)
    vs_db_stats(&db->state, w);
  else
    vs_value_null(w);
  if (w->failed) {
    vs_fail(&db->state.err, VS_OUT_OF_MEMORY, "no memory for the statistics");
    return NULL;
  }
  vs_store_u32(w->p, (uint32_t)(w->n - 4));
  return w->p;
}
