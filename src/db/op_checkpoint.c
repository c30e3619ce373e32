/* op_checkpoint.c - checkpoint, optimize and close: new segments and index image, shorter log.
 *
 * Layer: db. Three syncs, in the order that store.h demands:
 *   convert   the index, if that is due          (at once)
 *   train     codes that are due, or old and it is to be optimized (YIELDs)
 *   optimize  the index, if that is asked for     (YIELDs; nothing else runs)
 *   write     records, slot table, index        (the same)
 *   sync 1    the new files                      (commits may run meanwhile)
 *   install   the manifest
 *   sync 2
 *   retire    deletes what nothing names
 *   sync 3
 * A failure before install leaves the old manifest in force and the log whole.
 *
 * A snapshot is made, and dropped, by a checkpoint: the new manifest pins the
 * files of the state it describes, or pins them no longer.
 *
 * Closing waits for durability, takes a checkpoint if the log holds so much
 * that the next opening would feel it, and marks the log as durable.
 */
#include <string.h>

#include "checkpoint.h"
#include "image.h"
#include "op_internal.h"

void vs_checkpoint_init(vs_checkpoint *k, vs_collection *c, vs_store *store, bool whole, bool optimize) {
  memset(k, 0, sizeof *k);
  k->c = c;
  k->store = store;
  vs_image_writer_init(&k->image, c, store, whole, optimize);
  vs_wr_init(&k->blob, c->a);
}

void vs_checkpoint_deinit(vs_checkpoint *k) {
  bool undo = k->state > CHECKPOINT_BEGIN && k->state < CHECKPOINT_DONE;
  if (undo) vs_image_writer_undo(&k->image);
  vs_image_writer_deinit(&k->image); /* closes its file, which the store must see before it aborts */
  if (undo) vs_store_checkpoint_abort(k->store);
  vs_wr_deinit(&k->blob);
}

/* The checkpoint has begun: it is decided what becomes of the snapshots. */
static vs_status change_snapshots(vs_checkpoint *k, vs_err *err) {
  const vs_snapshot_request *r = &k->snapshot;
  if (r->change == VS_SNAPSHOTS_ADD) return vs_store_checkpoint_pin(k->store, r->name, r->now_ms, k->c->n_live, err);
  if (r->change == VS_SNAPSHOTS_DROP) vs_store_checkpoint_unpin(k->store, vs_snapshot_find(k->store, r->name));
  return VS_OK;
}

vs_status vs_checkpoint_step(vs_checkpoint *k, double *budget, bool *wrote, vs_err *err) {
  *wrote = false;
  switch (k->state) {
  case CHECKPOINT_BEGIN:
    vs_config_encode(k->c, &k->blob);
    if (k->blob.failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a checkpoint");
    VS_TRY(vs_store_checkpoint_begin(k->store, err));
    k->state = CHECKPOINT_WRITE;
    VS_TRY(change_snapshots(k, err));
    /* fall through */
  case CHECKPOINT_WRITE:
    VS_TRY(vs_image_write(&k->image, budget, wrote, err));
    if (*wrote) k->state = CHECKPOINT_INSTALL;
    return VS_OK;
  case CHECKPOINT_INSTALL:
    VS_TRY(vs_store_checkpoint_install(k->store, (vs_slice){k->blob.p, k->blob.n}, err));
    k->state = CHECKPOINT_RETIRE;
    break;
  case CHECKPOINT_RETIRE: {
    vs_status status = vs_store_checkpoint_retire(k->store, err);
    /* The manifest is in force: a snapshot that it holds, or holds no more, is no failure. */
    if (k->snapshot.change == VS_SNAPSHOTS_KEEP || vs_store_poisoned(k->store)) VS_TRY(status);
    k->state = CHECKPOINT_DONE;
    break;
  }
  case CHECKPOINT_DONE:
  default: return VS_OK;
  }
  *wrote = true;
  return VS_OK;
}

/* ============ The operation ============ */

typedef struct {
  vs_op_state base;
  vs_checkpoint k;
  bool begun;
  bool optimize;
  vs_snapshot_request snapshot;
  bool converted, training, trained, optimizing, optimized;
  uint64_t n_log_before; /* frames that the new manifest makes superfluous */
} checkpoint_op;

/* Asked when the checkpoint begins: calls before it may have made or dropped the name. */
static vs_status check_snapshot(const vs_db_state *db, const vs_snapshot_request *r, vs_err *err) {
  if (r->change == VS_SNAPSHOTS_KEEP) return VS_OK;
  bool there = vs_snapshot_find(db->store, r->name) != VS_NO_SLOT;
  if (there == (r->change == VS_SNAPSHOTS_DROP)) return VS_OK;
  return there ? vs_fail(err, VS_ALREADY_EXISTS, "there is a snapshot '%s' already", r->name)
               : vs_fail(err, VS_NOT_FOUND, "there is no snapshot '%s'", r->name);
}

/* The index takes the form it should have, so that the checkpoint saves that. A
 * conversion that memory is refused for is put off: the checkpoint matters more. */
static void convert(checkpoint_op *op) {
  vs_collection *c = &op->base.db->coll;
  vs_status status = op->converted || !c->has_index ? VS_OK : vs_index_convert(c->index);
  (void)status;
  op->converted = true;
}

/* Codes that have to be trained; put off likewise. *done when that is over. */
static void train(checkpoint_op *op, double *budget, bool *done) {
  vs_collection *c = &op->base.db->coll;
  *done = op->trained || !c->has_index;
  if (*done) return;
  op->training = true;
  vs_status status = vs_index_train(c->index, op->optimize, budget, done);
  *done = *done || status != VS_OK;
  op->training = !*done;
  op->trained = *done;
}

/* The work that only vs_op_begin_checkpoint(db, true) asks for; *done when it is. */
static vs_status optimize(checkpoint_op *op, double *budget, bool *done) {
  vs_db_state *db = op->base.db;
  *done = op->optimized || !op->optimize || !db->coll.has_index;
  if (*done) return VS_OK;
  op->optimizing = true;
  vs_status status = vs_index_optimize(db->coll.index, budget, done);
  op->optimizing = status == VS_OK && !*done;
  op->optimized = *done;
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory to optimize the index");
}

static vs_op_answer checkpoint_step(vs_op_state *base, double *budget) {
  checkpoint_op *op = (checkpoint_op *)base;
  vs_db_state *db = base->db;
  bool wrote;
  convert(op);
  train(op, budget, &wrote);
  if (!wrote) return VS_OP_YIELD;
  if (optimize(op, budget, &wrote) != VS_OK) return VS_OP_ERROR;
  if (!wrote) return VS_OP_YIELD;
  if (!op->begun) vs_coll_trim(&db->coll);
  if (!db->store) return VS_OP_DONE;
  if (!op->begun) {
    if (db->checkpoint_running) {
      vs_fail(&db->err, VS_CONFLICT, "a checkpoint is under way");
      return VS_OP_ERROR;
    }
    if (check_snapshot(db, &op->snapshot, &db->err) != VS_OK) return VS_OP_ERROR;
    vs_checkpoint_init(&op->k, &db->coll, db->store, false, op->optimize);
    op->k.snapshot = op->snapshot;
    op->begun = db->checkpoint_running = true;
    op->n_log_before = db->n_log_records;
    base->total = db->coll.n_slots + 1.0;
  }
  for (;;) {
    if (base->waiting && !vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
    if (op->k.state == CHECKPOINT_DONE) {
      db->n_log_records -= op->n_log_before;
      return VS_OP_DONE;
    }
    if (vs_checkpoint_step(&op->k, budget, &wrote, &db->err) != VS_OK) return VS_OP_ERROR;
    base->done = op->k.image.slot;
    if (!wrote) return VS_OP_YIELD;
    if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
  }
}

static void checkpoint_abandon(vs_op_state *base, bool done) {
  checkpoint_op *op = (checkpoint_op *)base;
  (void)done;
  if (op->training) vs_index_train_abandon(base->db->coll.index);
  if (op->optimizing) vs_index_optimize_abandon(base->db->coll.index);
  if (!op->begun) return;
  base->db->checkpoint_running = false;
  vs_checkpoint_deinit(&op->k);
}

static const vs_op_class checkpoint_class = {sizeof(checkpoint_op), checkpoint_step, checkpoint_abandon, NULL, true};

static vs_op_state *begin_checkpoint(vs_db_state *db, bool optimize, const vs_snapshot_request *snapshot) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  checkpoint_op *op = (checkpoint_op *)vs_op_create(db, &checkpoint_class);
  if (!op) return NULL;
  op->optimize = optimize;
  op->snapshot = *snapshot;
  return &op->base;
}

vs_op_state *vs_op_begin_checkpoint(vs_db_state *db, bool optimize) {
  return begin_checkpoint(db, optimize, &(vs_snapshot_request){.change = VS_SNAPSHOTS_KEEP});
}

vs_op_state *vs_op_begin_snapshot_change(vs_db_state *db, const vs_snapshot_request *request) {
  return begin_checkpoint(db, false, request);
}

/* ============ Closing ============ */

/* Records in the log from which closing takes a checkpoint: replaying fewer
 * costs an opening some ten milliseconds at most. */
#define CLOSE_MIN_RECORDS 64u

/* Records from which metadata indexes that were built in this session are worth one
 * too: building them again costs microseconds per record and field. */
#define CLOSE_MIN_INDEXED 4096u
/* ... and texts from which their index is: building costs about a microsecond per word. */
#define CLOSE_MIN_TEXTS 512u

typedef struct {
  vs_op_state base;
  vs_op_state *checkpoint; /* owned, or NULL */
} close_op;

/* A checkpoint that fails is no loss: the log has everything. */
static bool checkpoint_is_over(close_op *op, double *budget, vs_op_answer *answer) {
  if (!op->checkpoint) return true;
  *answer = op->checkpoint->cls->step(op->checkpoint, budget);
  op->checkpoint->answer = *answer;
  op->base.waiting = op->checkpoint->waiting;
  op->base.done = op->checkpoint->done;
  op->base.total = op->checkpoint->total;
  if (*answer != VS_OP_DONE && *answer != VS_OP_ERROR) return false;
  op->base.waiting = false;
  vs_op_end(op->checkpoint);
  op->checkpoint = NULL;
  vs_err_clear(&op->base.db->err);
  return true;
}

static vs_op_answer close_step(vs_op_state *base, double *budget) {
  close_op *op = (close_op *)base;
  vs_op_answer answer;
  if (!checkpoint_is_over(op, budget, &answer)) return answer;
  if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
  if (base->db->store) vs_store_mark_durable(base->db->store);
  base->db->open = false;
  return VS_OP_DONE;
}

static void close_abandon(vs_op_state *base, bool done) {
  (void)done;
  vs_op_end(((close_op *)base)->checkpoint);
}

static const vs_op_class close_class = {sizeof(close_op), close_step, close_abandon, NULL, true};

vs_op_state *vs_op_begin_close(vs_db_state *db) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  if (db->store && vs_store_adopt_tail(db->store, &db->err) != VS_OK) return NULL;
  close_op *op = (close_op *)vs_op_create(db, &close_class);
  if (!op) return NULL;
  bool indexed = db->coll.meta.unsaved && db->coll.n_live >= CLOSE_MIN_INDEXED;
  const vs_textindex *text = &db->coll.text;
  indexed = indexed || (vs_textindex_ready(text) && text->n_unsaved >= CLOSE_MIN_TEXTS);
  bool worth = db->store && !db->checkpoint_running && (indexed || db->n_log_records >= CLOSE_MIN_RECORDS);
  if (worth) op->checkpoint = vs_op_begin_checkpoint(db, false);
  return &op->base;
}
