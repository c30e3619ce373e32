/* op_commit.c - committing a transaction; waiting for durability.
 *
 * Layer: db. Steps of a commit:
 *   prepare  memory for everything           may fail: nothing changed
 *   log      frames and the commit frame     may fail: nothing changed
 *   apply    vectors, graph, records         cannot fail; YIELDs in between
 *   sync     unless relaxed                  a failed sync poisons the store
 * The transaction's frames reach the log before memory changes, and it is
 * acknowledged (DONE) only after the sync.
 */
#include "op_internal.h"

/* Rough cost in budget units (distance evaluations) of one applied item. */
#define APPLY_COST 3000.0

typedef struct {
  vs_op_state base;
  enum { COMMIT_PREPARE, COMMIT_LOG, COMMIT_APPLY, COMMIT_SYNC } state;
  bool relaxed;
  bool in_log; /* a store transaction is under way */
  uint32_t i;
} commit_op;

static vs_status log_item(vs_store *store, const vs_tx *t, const vs_tx_item *item, vs_err *err) {
  if (item->kind == VS_LOG_DELETE) {
    uint8_t rev[8];
    vs_store_u64(rev, item->body->rev);
    vs_slice parts[2] = {{rev, sizeof rev}, vs_body_id(item->body)};
    return vs_store_txn_log(store, VS_LOG_DELETE, parts, 2, err);
  }
  /* An unchanged vector is logged too: a record in the log is whole. */
  uint32_t dim = item->vector ? t->dim : 0;
  uint8_t header[VS_RECORD_HEADER_BYTES];
  vs_record_encode_header(item->body, dim, header);
  vs_slice parts[3] = {{header, sizeof header}, vs_body_payload(item->body), {item->vector, (size_t)dim * 4}};
  return vs_store_txn_log(store, VS_LOG_UPSERT, parts, dim ? 3 : 2, err);
}

static bool changes_anything(const vs_tx *t) { return t->inserted + t->updated + t->deleted > 0; }

static vs_mark_result mark_of(const vs_tx *t) { return (vs_mark_result){t->call, t->inserted, t->updated, t->deleted}; }

static vs_status log_mark(vs_store *store, const vs_tx *t, vs_err *err) {
  uint8_t bytes[VS_MARK_BYTES];
  vs_mark_result result = mark_of(t);
  vs_mark_encode(t->client, &result, bytes);
  vs_slice part = {bytes, sizeof bytes};
  return vs_store_txn_log(store, VS_LOG_MARK, &part, 1, err);
}

static vs_status log_some(commit_op *op, double *budget) {
  vs_db_state *db = op->base.db;
  vs_tx *t = &db->tx;
  if (!op->in_log) {
    VS_TRY(vs_store_txn_begin(db->store, &db->err));
    op->in_log = true;
  }
  for (; op->i < t->n && *budget > 0; op->i++) {
    const vs_tx_item *item = vs_tx_at(t, op->i);
    if (item->kind == 0) continue;
    VS_TRY(log_item(db->store, t, item, &db->err));
    *budget -= 2;
  }
  if (op->i < t->n) return VS_OK;
  if (t->marked) VS_TRY(log_mark(db->store, t, &db->err));
  VS_TRY(vs_store_txn_commit(db->store, &db->err));
  op->in_log = false;
  db->n_log_records += t->n;
  return VS_OK;
}

static void apply_some(commit_op *op, double *budget) {
  vs_db_state *db = op->base.db;
  for (; op->i < db->tx.n && *budget > 0; op->i++) {
    vs_tx_apply(&db->tx, &db->coll, op->i);
    *budget -= APPLY_COST;
    op->base.done++;
  }
}

/* The transaction is in the log and in memory, its mark too. */
static void remember(vs_db_state *db) {
  const vs_tx *t = &db->tx;
  if (!t->marked || !changes_anything(t)) return;
  vs_mark_result result = mark_of(t);
  vs_marks_put(&db->coll.marks, t->client, &result);
}

static void write_result(commit_op *op) {
  vs_db_state *db = op->base.db;
  vs_wr *w = &op->base.result;
  vs_wr_u32(w, db->tx.inserted);
  vs_wr_u32(w, db->tx.updated);
  vs_wr_u32(w, db->tx.deleted);
  vs_wr_u32(w, vs_db_checkpoint_due(db));
}

static vs_op_answer fail_commit(commit_op *op, bool prepared) {
  vs_db_state *db = op->base.db;
  if (op->in_log) vs_store_txn_abort(db->store);
  op->in_log = false;
  if (prepared) vs_tx_rollback(&db->tx, &db->coll);
  vs_tx_reset(&db->tx);
  return VS_OP_ERROR;
}

static vs_op_answer commit_step(vs_op_state *base, double *budget) {
  commit_op *op = (commit_op *)base;
  vs_db_state *db = base->db;
  switch (op->state) {
  case COMMIT_PREPARE:
    base->total = db->tx.n + 1.0;
    if (vs_tx_prepare(&db->tx, &db->coll, &db->err) != VS_OK) return fail_commit(op, false);
    /* The result's memory is taken before the point of no return. */
    if (!vs_wr_space(&base->result, 16)) {
      vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for the result");
      return fail_commit(op, true);
    }
    vs_wr_reset(&base->result);
    op->state = COMMIT_LOG;
    /* fall through */
  case COMMIT_LOG:
    if (db->store && changes_anything(&db->tx)) {
      if (log_some(op, budget) != VS_OK) return fail_commit(op, true);
      if (op->in_log) return VS_OP_YIELD;
    }
    op->i = 0;
    op->state = COMMIT_APPLY;
    /* fall through */
  case COMMIT_APPLY:
    apply_some(op, budget);
    if (op->i < db->tx.n) return VS_OP_YIELD;
    write_result(op);
    remember(db);
    vs_tx_reset(&db->tx);
    op->state = COMMIT_SYNC;
    /* fall through */
  case COMMIT_SYNC:
  default: return op->relaxed || vs_op_is_synced(base) ? VS_OP_DONE : VS_OP_NEED_SYNC;
  }
}

/* Abandoned before the log was complete: nothing happened. After it the rest
 * is applied, because the log says that it happened. */
static void commit_abandon(vs_op_state *base, bool done) {
  commit_op *op = (commit_op *)base;
  if (op->state == COMMIT_PREPARE) vs_tx_reset(&base->db->tx); /* the store was full and could not be healed */
  if (done || base->answer == VS_OP_ERROR || op->state == COMMIT_SYNC) return;
  if (op->state != COMMIT_APPLY) {
    fail_commit(op, op->state == COMMIT_LOG);
    return;
  }
  double unlimited = 1e30;
  apply_some(op, &unlimited);
  remember(base->db);
  vs_tx_reset(&base->db->tx);
}

static const vs_op_class commit_class = {sizeof(commit_op), commit_step, commit_abandon, NULL, true};

vs_op_state *vs_op_begin_commit(vs_db_state *db, bool relaxed) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  if (!db->tx.open) {
    vs_fail(&db->err, VS_INVALID_ARGUMENT, "no transaction was begun");
    return NULL;
  }
  commit_op *op = (commit_op *)vs_op_create(db, &commit_class);
  if (op) op->relaxed = relaxed;
  return op ? &op->base : NULL;
}

/* ============ Flush ============ */

static vs_op_answer flush_step(vs_op_state *op, double *budget) {
  (void)budget;
  return vs_op_is_synced(op) ? VS_OP_DONE : VS_OP_NEED_SYNC;
}

static const vs_op_class flush_class = {sizeof(vs_op_state), flush_step, NULL, NULL, true};

vs_op_state *vs_op_begin_flush(vs_db_state *db) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  /* What another process wrote and nobody synced is shown too. */
  if (db->store && vs_store_adopt_tail(db->store, &db->err) != VS_OK) return NULL;
  return vs_op_create(db, &flush_class);
}
