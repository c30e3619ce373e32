/* op.c - the driver shared by all operations (rules: op.h). */
#include "op_internal.h"

#include <string.h>

vs_op_state *vs_op_create(vs_db_state *db, const vs_op_class *cls) {
  vs_op_state *op = vs_calloc(&db->alloc, 1, cls->bytes);
  if (!op) {
    vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for an operation");
    return NULL;
  }
  op->cls = cls;
  op->db = db;
  op->answer = VS_OP_YIELD;
  op->total = 1;
  vs_wr_init(&op->result, &db->alloc);
  return op;
}

vs_status vs_op_check_open(vs_db_state *db, bool writing) {
  if (!db->open) return vs_fail(&db->err, VS_CLOSED, "the store is not open");
  if (writing && db->store && vs_store_poisoned(db->store))
    return vs_fail(&db->err, VS_POISONED, "an earlier sync failed; reopen the store to go on writing");
  if (writing && db->switching)
    return vs_fail(&db->err, VS_CONFLICT, "the vectors of another embedder are taking over");
  return VS_OK;
}

bool vs_op_is_synced(vs_op_state *op) {
  vs_db_state *db = op->db;
  if (!op->waiting) op->epoch = db->store ? vs_store_write_epoch(db->store) : 0;
  bool catalog = op->needs_catalog && (db->catalog_dirty || db->catalog_in_flight);
  bool synced = !catalog && (!db->store || vs_store_synced_epoch(db->store) >= op->epoch);
  op->waiting = !synced;
  return synced;
}

/* Says what a failed sync means for the operation that waited for it. */
static vs_status sync_failed(vs_op_state *op, vs_status status) {
  return vs_fail(&op->db->err, status,
                 status == VS_NO_SPACE ? "no room to make it durable; the next write that finds room saves it too"
                                       : "the sync failed: what was written may be lost; reopen the store");
}

/* A full store is healed before the operation begins. */
static bool is_healing(const vs_op_state *op) {
  return op->heal || (op->cls->writes && !op->begun && op->db->store && vs_store_full(op->db->store));
}

static vs_op_answer next_step(vs_op_state *op, double *budget) {
  const vs_store *store = op->db->store;
  if (is_healing(op)) {
    vs_op_answer answer = vs_op_heal(op, budget);
    if (answer != VS_OP_DONE) return answer;
  } else if (op->waiting && store && (vs_store_poisoned(store) || vs_store_full(store))) {
    sync_failed(op, vs_store_full(store) ? VS_NO_SPACE : VS_POISONED);
    return VS_OP_ERROR;
  }
  op->begun = true;
  return op->cls->step(op, budget);
}

vs_op_answer vs_op_run(vs_op_state *op, double budget) {
  if (op->answer == VS_OP_DONE || op->answer == VS_OP_ERROR) return op->answer;
  vs_err_clear(&op->db->err);
  return op->answer = next_step(op, &budget);
}

vs_status vs_op_synced(vs_op_state *op, vs_status status) {
  if (op->answer != VS_OP_NEED_SYNC && op->answer != VS_OP_SYNC_ALONE)
    return vs_fail(&op->db->err, VS_INVALID_ARGUMENT, "the operation awaits no sync");
  if (status == VS_OK) return VS_OK;
  op->answer = VS_OP_ERROR;
  return sync_failed(op, status);
}

vs_status vs_op_finish(vs_op_state *op) {
  for (;;) {
    vs_op_answer answer = vs_op_run(op, 1e9);
    if (answer == VS_OP_DONE) return VS_OK;
    if (answer == VS_OP_ERROR) return op->db->err.status;
    if (answer == VS_OP_NEED_READ) return vs_fail(&op->db->err, VS_UNSUPPORTED, "this io reads synchronously");
    if (answer == VS_OP_NEED_SYNC || answer == VS_OP_SYNC_ALONE) {
      vs_status status = vs_db_sync_self(op->db);
      if (status != VS_OK) return vs_op_synced(op, status);
    }
  }
}

void vs_op_end(vs_op_state *op) {
  if (!op) return;
  vs_op_heal_end(op);
  if (op->cls->abandon) op->cls->abandon(op, op->answer == VS_OP_DONE);
  vs_wr_deinit(&op->result);
  vs_free(&op->db->alloc, op);
}

double vs_op_done_share(const vs_op_state *op) {
  if (op->answer == VS_OP_DONE || op->done >= op->total) return op->answer == VS_OP_DONE ? 1 : 0.99;
  return op->done / op->total;
}

vs_slice vs_op_output(const vs_op_state *op) { return (vs_slice){op->result.p, op->result.n}; }

vs_slice vs_op_output_chunk(const vs_op_state *op, uint32_t i) {
  return op->cls->chunk ? op->cls->chunk(op, i) : (vs_slice){NULL, 0};
}
