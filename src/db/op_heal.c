/* op_heal.c - a store whose medium was full goes on once there is room.
 *
 * Layer: db. After a sync failed with VS_NO_SPACE nobody knows what the medium
 * holds of what it concerned, so none of that is built on: a checkpoint writes
 * every record that no durable segment holds, and the index, into new files, and
 * its manifest is the switch (store.h, S8). It is part of the next operation
 * that writes, before the first step of that, and nothing else may run between
 * its steps, because until the switch there is no log that a commit could go
 * to. What fails before the manifest is durable leaves the store as full as
 * before. O(index + unsaved records).
 */
#include "op_internal.h"

static vs_status begin(vs_op_state *op) {
  vs_db_state *db = op->db;
  if (db->checkpoint_running) return vs_fail(&db->err, VS_NO_SPACE, "a checkpoint is ending for want of room");
  op->heal = vs_calloc(&db->alloc, 1, sizeof *op->heal);
  if (!op->heal) return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for a checkpoint");
  vs_checkpoint_init(op->heal, &db->coll, db->store, false, false);
  op->heal->image.spare = true;
  db->checkpoint_running = true;
  vs_store_heal_begin(db->store);
  return VS_OK;
}

vs_op_answer vs_op_heal(vs_op_state *op, double *budget) {
  vs_db_state *db = op->db;
  bool wrote;
  if (!op->heal && begin(op) != VS_OK) return VS_OP_ERROR;
  for (;;) {
    if (op->waiting && !vs_op_is_synced(op)) return VS_OP_SYNC_ALONE;
    if (op->heal->state == CHECKPOINT_DONE) break;
    if (vs_checkpoint_step(op->heal, budget, &wrote, &db->err) != VS_OK) return VS_OP_ERROR;
    if (!wrote) return VS_OP_YIELD;
    if (!vs_op_is_synced(op)) return VS_OP_SYNC_ALONE;
  }
  db->n_log_records = 0;
  vs_op_heal_end(op);
  return VS_OP_DONE;
}

void vs_op_heal_end(vs_op_state *op) {
  if (!op->heal) return;
  vs_checkpoint_deinit(op->heal);
  vs_store_heal_end(op->db->store);
  vs_free(&op->db->alloc, op->heal);
  op->heal = NULL;
  op->db->checkpoint_running = false;
}
