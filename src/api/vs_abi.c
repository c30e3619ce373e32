/* vs_abi.c - the flat C ABI: handles, pointers and numbers in, the db layer behind.
 *
 * Layer: api (L5). No logic of its own; every function is documented in
 * vs_abi.def. All state lives in the vs_db, so that instances are independent.
 */
#include "vecstore.h"

#include <stdlib.h>
#include <string.h>

#include "../base/value.h"
#include "../db/multivector.h"
#include "../db/op.h"
#include "../db/pack.h"
#include "../db/reembed.h"
#include "../db/sparses.h"
#include "../db/texts.h"
#include "../query/mmr.h"
#include "../text/suggest.h"

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
_Static_assert(VS_TX_UPSERT == (int)VS_STAGE_UPSERT && VS_TX_DELETE == (int)VS_STAGE_DELETE &&
                   VS_TX_UPDATE_METADATA == (int)VS_STAGE_UPDATE_METADATA,
               "operation kinds");
_Static_assert(offsetof(vs_err, msg) == VS_ERROR_MSG_OFFSET && offsetof(vs_err, file) == VS_ERROR_FILE_OFFSET,
               "error layout");

_Static_assert(sizeof(vs_result) == VS_HIT_BYTES && offsetof(vs_result, score) == 4 &&
                   offsetof(vs_result, distance) == 8,
               "hit layout");

#if defined(__wasm32__)
_Static_assert(sizeof(vs_abi_record) == VS_RECORD_BYTES, "record layout");
#endif

struct vs_db {
  vs_db_state state;
  vs_abi_record record;
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
  vs_alloc last = db->state.alloc;
  vs_free(&last, db);
}

const void *vs_db_error(vs_db *db) { return &db->state.err; }

void *vs_buf_alloc(vs_db *db, uint32_t n) { return vs_malloc(&db->state.alloc, n ? n : 1); }

void vs_buf_free(vs_db *db, void *p) { vs_free(&db->state.alloc, p); }

void vs_db_set_budget(vs_db *db, double bytes) {
  db->state.alloc.budget = bytes >= (double)SIZE_MAX ? SIZE_MAX : bytes > 0 ? (size_t)bytes : 0;
}

int32_t vs_db_part(vs_db *db, int32_t there) {
  db->state.in_parts = !there;
  return db->state.wants_part;
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
vs_op *vs_op_snapshot(vs_db *db, const void *name, uint32_t n, double now_ms) {
  uint64_t now = now_ms > 0 && now_ms < 9e15 ? (uint64_t)now_ms : 0;
  return vs_op_begin_snapshot(&db->state, (vs_slice){name, n}, now);
}
vs_op *vs_op_snapshot_drop(vs_db *db, const void *name, uint32_t n) {
  return vs_op_begin_snapshot_drop(&db->state, (vs_slice){name, n});
}
vs_op *vs_op_snapshot_restore(vs_db *db, const void *name, uint32_t n) {
  return vs_op_begin_snapshot_restore(&db->state, (vs_slice){name, n});
}
vs_op *vs_op_stage(vs_db *db, const void *vectors, uint32_t n, uint32_t flags) {
  return vs_op_begin_stage(&db->state, (vs_slice){vectors, n}, (flags & VS_COMMIT_RELAXED) != 0);
}
vs_op *vs_op_reembed(vs_db *db) { return vs_op_begin_reembed(&db->state); }
vs_op *vs_op_verify(vs_db *db) { return vs_op_begin_verify(&db->state); }
vs_op *vs_op_repair(vs_db *db) { return vs_op_begin_repair(&db->state); }
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

int32_t vs_tx_mark(vs_db *db, const void *client, double call) {
  vs_db_state *s = &db->state;
  vs_err_clear(&s->err);
  bool sound = s->tx.open && call >= 0 && call < 9007199254740992.0;
  if (!sound) return (int32_t)vs_fail(&s->err, VS_INVALID_ARGUMENT, "no transaction was begun, or its number is none");
  memcpy(s->tx.client, client, VS_MARK_CLIENT_BYTES);
  s->tx.call = (uint64_t)call;
  s->tx.marked = true;
  return VS_OK;
}

const void *vs_mark(vs_db *db, const void *client, double call) {
  bool sound = db->state.open && call >= 0 && call < 9007199254740992.0;
  const vs_mark_result *found = sound ? vs_marks_find(&db->state.coll.marks, client, (uint64_t)call) : NULL;
  return found ? &found->inserted : NULL;
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

/* ============ Filters ============ */

static vs_status check_open(vs_db_state *s) {
  vs_err_clear(&s->err);
  return s->open ? VS_OK : vs_fail(&s->err, VS_CLOSED, "the store is not open");
}

/* An open store and the filter of a handle, which must be one. */
static vs_status get_filter(vs_db_state *s, int32_t filter, vs_prepared **out) {
  VS_TRY(check_open(s));
  VS_TRY(vs_filters_get(&s->filters, filter, out, &s->err));
  return *out ? VS_OK : vs_fail(&s->err, VS_INVALID_ARGUMENT, "there is no such filter");
}

static int32_t count_or_status(vs_db_state *s, vs_status status, uint32_t n) {
  return status == VS_OK ? (int32_t)n : -(int32_t)(s->err.status ? s->err.status : status);
}

int32_t vs_filter_compile(vs_db *db, uint32_t kind, const void *filter, uint32_t n, const void *params,
                          uint32_t params_n) {
  vs_db_state *s = &db->state;
  vs_filter *f = NULL;
  int32_t handle = 0;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  vs_status status = kind == VS_FILTER_TEXT
                         ? vs_filter_compile_text(&s->alloc, filter, n, (vs_slice){params, params_n}, NULL, &f, &s->err)
                     : kind == VS_FILTER_TREE
                         ? vs_filter_compile_tree(&s->alloc, (vs_slice){filter, n}, NULL, &f, &s->err)
                         : vs_fail(&s->err, VS_INVALID_ARGUMENT, "unknown kind of filter");
  if (status == VS_OK) {
    status = vs_filters_add(&s->filters, f, &handle, &s->err);
    if (status != VS_OK) vs_filter_destroy(&s->alloc, f);
  }
  return status == VS_OK ? handle : -(int32_t)status;
}

void vs_filter_free(vs_db *db, int32_t filter) { vs_filters_remove(&db->state.filters, filter); }

/* Ends an encoded answer in state.out, which began with room for its length. */
static const void *finish_out(vs_db_state *s) {
  if (s->out.failed) {
    vs_fail(&s->err, VS_OUT_OF_MEMORY, "no memory for the answer");
    return NULL;
  }
  vs_store_u32(s->out.p, (uint32_t)(s->out.n - 4));
  return s->out.p;
}

static vs_wr *begin_out(vs_db_state *s) {
  vs_wr_reset(&s->out);
  vs_wr_u32(&s->out, 0);
  return &s->out;
}

const void *vs_filter_text(vs_db *db, int32_t filter) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  if (get_filter(s, filter, &p) != VS_OK) return NULL;
  vs_wr text;
  vs_wr_init(&text, &s->alloc);
  vs_filter_explain(p->filter, &text);
  vs_wr *w = begin_out(s);
  vs_value_string(w, text.p, text.n);
  w->failed = w->failed || text.failed;
  vs_wr_deinit(&text);
  return finish_out(s);
}

int32_t vs_filter_test(vs_db *db, int32_t filter, uint32_t slot) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  if (get_filter(s, filter, &p) != VS_OK) return -(int32_t)s->err.status;
  const vs_body *b = vs_coll_body(&s->coll, slot);
  if (!b) return -(int32_t)vs_fail(&s->err, VS_NOT_FOUND, "there is no record at the slot");
  return (int32_t)vs_filter_truth(p->filter, vs_body_meta(b));
}

int32_t vs_filter_test_metadata(vs_db *db, int32_t filter, const void *metadata, uint32_t n) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  if (get_filter(s, filter, &p) != VS_OK) return -(int32_t)s->err.status;
  return (int32_t)vs_filter_truth(p->filter, (vs_slice){metadata, n});
}

const void *vs_filter_terms(vs_db *db, int32_t filter, uint32_t slot) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  if (get_filter(s, filter, &p) != VS_OK) return NULL;
  const vs_body *b = vs_coll_body(&s->coll, slot);
  if (!b) {
    vs_fail(&s->err, VS_NOT_FOUND, "there is no record at the slot");
    return NULL;
  }
  vs_explain_terms(p->filter, vs_body_meta(b), begin_out(s));
  return finish_out(s);
}

int32_t vs_count_filter(vs_db *db, int32_t filter) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  uint32_t n = 0;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  vs_status status = vs_filters_get(&s->filters, filter, &p, &s->err);
  if (status == VS_OK && !p) return (int32_t)s->coll.n_live;
  if (status == VS_OK) status = vs_filters_count(&s->coll, p, &n, &s->err);
  return count_or_status(s, status, n);
}

int32_t vs_tx_delete_filter(vs_db *db, int32_t filter) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  uint32_t n = 0;
  vs_status status = get_filter(s, filter, &p);
  if (status == VS_OK && !s->tx.open) status = vs_fail(&s->err, VS_INVALID_ARGUMENT, "no transaction was begun");
  if (status == VS_OK) status = vs_filters_delete(&s->coll, p, &s->tx, &n, &s->err);
  if (status != VS_OK) vs_tx_reset(&s->tx);
  return count_or_status(s, status, n);
}

int32_t vs_scan(vs_db *db, int32_t filter, uint32_t from, double before_sequence, uint32_t limit) {
  vs_db_state *s = &db->state;
  vs_prepared *p;
  uint32_t n = 0;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  if (limit == 0 || limit > 65536)
    return -(int32_t)vs_fail(&s->err, VS_INVALID_ARGUMENT, "a scan gives 1 to 65536 records at a time");
  uint64_t before = before_sequence > 0 && before_sequence < 9e15 ? (uint64_t)before_sequence : 0;
  vs_status status = vs_filters_get(&s->filters, filter, &p, &s->err);
  if (status == VS_OK) status = vs_filters_scan(&s->filters, &s->coll, p, from, before, limit, &n, &s->err);
  return count_or_status(s, status, n);
}

const void *vs_scan_slots(vs_db *db) { return db->state.filters.slots; }
uint32_t vs_scan_next(vs_db *db) { return db->state.filters.scan_next; }
double vs_next_sequence(vs_db *db) { return db->state.open ? (double)db->state.coll.next_seq : 0; }

/* ============ Reading ============ */

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
static void touch_bodies(const vs_db_state *s, uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum ^= vs_coll_body(&s->coll, s->exec.result[i].slot)->rev;
  volatile uint64_t sink = sum;
  (void)sink;
}

static vs_target target_of(vs_db_state *s) {
  vs_collection *c = &s->coll;
  return (vs_target){c->has_index ? c->index : NULL, c->config.index, c->has_index ? c->config.dim : 0, &c->meta};
}

/* What stands in for an ef that is not given: until there is a calibration the store's, or more for a high recall. */
static void choose_ef(const vs_db_state *s, vs_request *r) {
  const vs_collection *c = &s->coll;
  uint32_t ef =
      c->has_index ? vs_calibration_ef(vs_index_calibration(c->index), (float)r->target_recall / 1000, &r->recall) : 0;
  if (ef == 0) ef = r->target_recall > 970 && c->config.ef_search < 100 ? 100 : c->config.ef_search;
  r->ef = ef;
}

static vs_request request_of(const vs_db_state *s, uint32_t k, uint32_t ef, uint32_t flags) {
  uint32_t own = s->coll.config.target_recall, asked = ef & (VS_QUERY_TARGET_RECALL - 1);
  vs_request r = {.k = k < s->coll.n_live ? k : s->coll.n_live,
                  .ef = ef ? ef : s->coll.config.ef_search,
                  .target_recall = ef & VS_QUERY_TARGET_RECALL ? asked < 999 ? asked : 999
                                   : ef                        ? 0
                                                               : own,
                  .exact = (flags & VS_QUERY_EXACT) != 0,
                  .rescore = flags >> VS_QUERY_RESCORE_SHIFT,
                  .explain = (flags & VS_QUERY_EXPLAIN) != 0};
  if (r.target_recall > 0) choose_ef(s, &r);
  return r;
}

int32_t vs_query(vs_db *db, const void *vector, uint32_t dim, uint32_t k, uint32_t ef, uint32_t flags,
                 double max_distance, double min_score, int32_t filter, const void *extra, uint32_t extra_n) {
  vs_db_state *s = &db->state;
  uint32_t n = 0;
  vs_err_clear(&s->err);
  if (check_query(s, vector, dim) != VS_OK) return -(int32_t)s->err.status;
  vs_target target = target_of(s);
  vs_request r = request_of(s, k, ef, flags);
  if (r.target_recall > 0 && !r.exact && s->coll.has_index) vs_index_calibrate_some(s->coll.index);
  r.vector = vector;
  r.max_distance = max_distance;
  r.min_score = min_score;
  r.extra = (vs_slice){extra, extra_n};
  vs_status status = vs_filters_get(&s->filters, filter, &r.filter, &s->err);
  if (status == VS_OK) status = vs_exec_query(&s->exec, &target, &r, &n, &s->err);
  if (status == VS_OK) touch_bodies(s, n);
  return count_or_status(s, status, n);
}

int32_t vs_query_many(vs_db *db, const void *vectors, uint32_t n, uint32_t dim, uint32_t k, double max_distance,
                      double min_score) {
  vs_db_state *s = &db->state;
  vs_err_clear(&s->err);
  for (uint32_t i = 0; i < n; i++)
    if (check_query(s, (const float *)vectors + (size_t)i * dim, dim) != VS_OK) return -(int32_t)s->err.status;
  vs_target target = target_of(s);
  vs_request r = request_of(s, k, 0, VS_QUERY_EXACT);
  r.vector = vectors;
  r.max_distance = max_distance;
  r.min_score = min_score;
  return count_or_status(s, vs_exec_many(&s->exec, &target, &r, n, &s->err), r.k);
}

const void *vs_query_hits(vs_db *db) { return db->state.exec.result; }
double vs_query_distances(vs_db *db) { return (double)db->state.exec.account.distances; }
const void *vs_query_facets(vs_db *db) { return db->state.exec.facets.n ? db->state.exec.facets.p : NULL; }
const void *vs_query_plan(vs_db *db) { return db->state.exec.plan.n ? db->state.exec.plan.p : NULL; }

_Static_assert(sizeof(vs_mmr_item) == VS_MMR_ITEM_BYTES && offsetof(vs_mmr_item, order) == 4 &&
                   offsetof(vs_mmr_item, score) == 8,
               "item layout");

int32_t vs_mmr(vs_db *db, void *items, uint32_t n, uint32_t k, double lambda) {
  vs_db_state *s = &db->state;
  const vs_collection *c = &s->coll;
  vs_mmr_item *item = items;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  if (!(lambda >= 0 && lambda <= 1))
    return -(int32_t)vs_fail(&s->err, VS_INVALID_ARGUMENT, "lambda must be a number from 0 to 1");
  for (uint32_t i = 0; i < n; i++) {
    if (!c->has_index || !vs_coll_body(c, item[i].slot))
      return -(int32_t)vs_fail(&s->err, VS_NOT_FOUND, "no record with a vector at slot %u", item[i].slot);
  }
  uint32_t picked = 0;
  if (vs_mmr_pick(&s->alloc, &c->vectors, c->config.index.metric, item, n, k, lambda, &picked) != VS_OK)
    return -(int32_t)vs_fail(&s->err, VS_OUT_OF_MEMORY, "no memory to compare %u records", n);
  return (int32_t)picked;
}

const void *vs_estimate(vs_db *db, uint32_t k, uint32_t ef, uint32_t flags, int32_t filter) {
  vs_db_state *s = &db->state;
  if (check_open(s) != VS_OK) return NULL;
  vs_target target = target_of(s);
  vs_request r = request_of(s, k, ef, flags);
  if (vs_filters_get(&s->filters, filter, &r.filter, &s->err) != VS_OK) return NULL;
  return vs_exec_estimate(&s->exec, &target, &r, &s->err) == VS_OK ? s->exec.plan.p : NULL;
}

_Static_assert(sizeof(vs_text_hit) == VS_TEXT_HIT_BYTES && offsetof(vs_text_hit, score) == 8, "text hit layout");

const char *vs_text_lacks(vs_db *db) {
  return db->state.open ? vs_analyzer_lacks(&db->state.coll.text.analyzer) : NULL;
}

int32_t vs_text_learn(vs_db *db, const void *file, uint32_t n) {
  vs_db_state *s = &db->state;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  if (!vs_text_lacks(db)) return 0;
  return -(int32_t)vs_analyzer_learn(&s->coll.text.analyzer, (vs_slice){file, n}, &s->err);
}

int32_t vs_text_prepare(vs_db *db, double bytes) {
  vs_db_state *s = &db->state;
  bool done = false;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  vs_status status = vs_texts_prepare(s, bytes, &done);
  return count_or_status(s, status, done);
}

int32_t vs_text_query(vs_db *db, const void *text, uint32_t n, uint32_t flags, uint32_t k, int32_t filter,
                      const void *fields, uint32_t fields_n) {
  vs_db_state *s = &db->state;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  vs_status status =
      vs_texts_query(s, (vs_slice){text, n}, (flags & VS_TEXT_SYNTAX) != 0, k, filter, (vs_slice){fields, fields_n});
  return count_or_status(s, status, s->search.n_hits);
}

static bool check_text(vs_db_state *s) {
  if (check_open(s) != VS_OK) return false;
  if (vs_textindex_ready(&s->coll.text)) return true;
  (void)vs_fail(&s->err, VS_CONFLICT, "the text index is not built: vs_text_prepare comes first");
  return false;
}

/* What was written, or that there was no memory for it. */
static const void *suggestions(vs_db_state *s, vs_status status) {
  if (status == VS_OK) return finish_out(s);
  (void)vs_fail(&s->err, status, "no memory for suggestions");
  return NULL;
}

const void *vs_text_endings(vs_db *db, const void *text, uint32_t n, uint32_t limit, uint32_t fuzzy) {
  vs_db_state *s = &db->state;
  if (!check_text(s)) return NULL;
  return suggestions(s, vs_suggest_endings(&s->coll.text, (vs_slice){text, n}, limit, fuzzy != 0, begin_out(s)));
}

const void *vs_text_corrections(vs_db *db, const void *text, uint32_t n, uint32_t limit) {
  vs_db_state *s = &db->state;
  if (!check_text(s)) return NULL;
  return suggestions(s, vs_suggest_corrections(&s->coll.text, (vs_slice){text, n}, limit, begin_out(s)));
}

const void *vs_text_hits(vs_db *db) { return db->state.search.hit; }

const void *vs_text_marks(vs_db *db, uint32_t slot) {
  vs_db_state *s = &db->state;
  if (check_open(s) != VS_OK) return NULL;
  return vs_texts_marks(s, slot, begin_out(s)) == VS_OK ? finish_out(s) : NULL;
}

int32_t vs_sparse_prepare(vs_db *db, double postings) {
  vs_db_state *s = &db->state;
  bool done = false;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  vs_status status = vs_sparses_prepare(s, postings, &done);
  return count_or_status(s, status, done);
}

int32_t vs_sparse_query(vs_db *db, const void *query, uint32_t n, uint32_t k, int32_t filter) {
  vs_db_state *s = &db->state;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  vs_status status = vs_sparses_query(s, (vs_slice){query, n}, k, filter);
  return count_or_status(s, status, s->sparse.n_hits);
}

const void *vs_sparse_hits(vs_db *db) { return db->state.sparse.hit; }

_Static_assert(sizeof(vs_fused) == VS_FUSE_HIT_BYTES && offsetof(vs_fused, slot) == 40, "fused hit layout");
_Static_assert(sizeof(vs_fuse_entry) == VS_FUSE_ENTRY_BYTES, "fused entry layout");
_Static_assert(sizeof(vs_maxsim_item) == VS_MAXSIM_ITEM_BYTES, "item layout");
_Static_assert(VS_FUSION_GEOMETRIC == (int)VS_FUSE_GEOMETRIC && VS_SCALE_OF_RELATIVE == (int)VS_SCALE_RELATIVE,
               "fusions");

static uint64_t sequence_at(const void *ctx, uint32_t slot) {
  const vs_body *b = vs_coll_body(ctx, slot);
  return b ? b->seq : 0;
}

/* False: the bytes are no request. */
static bool read_fuse(vs_slice bytes, vs_fuse_request *r) {
  vs_rd rd = vs_rd_of(bytes.p, bytes.n);
  uint32_t method = vs_rd_u32(&rd), scale = vs_rd_u32(&rd);
  r->k = vs_rd_u32(&rd);
  r->autocut = vs_rd_u32(&rd);
  r->n_sides = vs_rd_u32(&rd);
  vs_rd_u32(&rd);
  const uint8_t *p = vs_rd_bytes(&rd, 8);
  if (!p || method > VS_FUSION_GEOMETRIC || scale > VS_SCALE_OF_RELATIVE || r->n_sides - 1 >= VS_FUSE_SIDES)
    return false;
  r->method = (vs_fusion)method;
  r->scale = (vs_scale)scale;
  memcpy(&r->rrf_k, p, 8);
  for (uint32_t i = 0; i < r->n_sides; i++) {
    vs_fuse_side *side = &r->side[i];
    side->n = vs_rd_u32(&rd);
    uint32_t flags = vs_rd_u32(&rd);
    side->complete = (flags & VS_FUSE_COMPLETE) != 0;
    side->floor = (flags & VS_FUSE_FLOOR) != 0;
    side->window = vs_rd_u32(&rd);
    vs_rd_u32(&rd);
    if ((p = vs_rd_bytes(&rd, 8)) != NULL) memcpy(&side->weight, p, 8);
    if (!p || !(side->weight >= 0)) return false;
  }
  for (uint32_t i = 0; i < r->n_sides; i++)
    r->side[i].entry = (const void *)vs_rd_bytes(&rd, (size_t)r->side[i].n * sizeof(vs_fuse_entry));
  return !rd.failed && r->rrf_k >= 0;
}

int32_t vs_fuse(vs_db *db, const void *request, uint32_t n) {
  vs_db_state *s = &db->state;
  vs_fuse_request r = {.ctx = &s->coll, .sequence = sequence_at};
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  if (!read_fuse((vs_slice){request, n}, &r))
    return -(int32_t)vs_fail(&s->err, VS_INVALID_ARGUMENT, "malformed request to fuse");
  vs_status status = vs_fuse_run(&s->fuse, &r);
  if (status != VS_OK) return -(int32_t)vs_fail(&s->err, status, "no memory to fuse");
  return (int32_t)s->fuse.n_hits;
}

const void *vs_fuse_hits(vs_db *db) { return db->state.fuse.hit; }

uint32_t vs_fuse_deeper(vs_db *db) { return db->state.fuse.deeper; }

int32_t vs_maxsim(vs_db *db, void *items, uint32_t n, const void *query, uint32_t tokens, uint32_t dim) {
  vs_db_state *s = &db->state;
  if (check_open(s) != VS_OK) return -(int32_t)s->err.status;
  return count_or_status(s, vs_multivector_score(s, items, n, query, tokens, dim), 0);
}

uint32_t vs_find(vs_db *db, const void *id, uint32_t n) {
  return db->state.open ? vs_coll_find(&db->state.coll, (vs_slice){id, n}) : VS_NO_SLOT;
}

uint32_t vs_unstaged(vs_db *db, uint32_t from) {
  return db->state.open ? vs_reembed_missing(&db->state.coll, from) : VS_NO_SLOT;
}

const void *vs_record(vs_db *db, uint32_t slot) {
  const vs_collection *c = &db->state.coll;
  const vs_body *b = db->state.open ? vs_coll_body(c, slot) : NULL;
  if (!b) return NULL;
  vs_slice meta = vs_body_meta(b), text = vs_body_text(b);
  db->record = (vs_abi_record){.id = vs_body_bytes(b),
                               .id_n = b->id_n,
                               .meta = meta.p,
                               .meta_n = b->meta_n,
                               .text = text.p,
                               .text_n = b->text_n,
                               .seq = (double)b->seq,
                               .version = b->version,
                               .created_ms = (double)b->created_ms,
                               .updated_ms = (double)b->updated_ms,
                               .rev = (double)b->rev,
                               .extra = vs_body_extra(b).p,
                               .extra_n = (uint32_t)vs_body_extra(b).n};
  if (c->has_index) {
    db->record.vector = vs_vectors_at(&c->vectors, slot);
    db->record.dim = c->config.dim;
  }
  return &db->record;
}

uint32_t vs_count(vs_db *db) { return db->state.open ? db->state.coll.n_live : 0; }

/* What `write` says, preceded by its length; null while the store is closed. */
static const void *tell(vs_db *db, void (*write)(const vs_db_state *, vs_wr *)) {
  vs_wr *w = &db->state.out;
  vs_err_clear(&db->state.err);
  vs_wr_reset(w);
  vs_wr_u32(w, 0);
  if (db->state.open)
    write(&db->state, w);
  else
    vs_value_null(w);
  if (w->failed) {
    vs_fail(&db->state.err, VS_OUT_OF_MEMORY, "no memory for the answer");
    return NULL;
  }
  vs_store_u32(w->p, (uint32_t)(w->n - 4));
  return w->p;
}

const void *vs_stats(vs_db *db) { return tell(db, vs_db_stats); }
const void *vs_snapshots(vs_db *db) { return tell(db, vs_snapshots_list); }
