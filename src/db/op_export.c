/* op_export.c - the whole store as one portable file.
 *
 * Layer: db. A full checkpoint into a store in memory, whose files are then
 * listed as chunks (pack.h). The collection is not changed; memory is about
 * the size of the export.
 */
#include "checkpoint.h"
#include "op_internal.h"
#include "pack.h"

typedef struct {
  vs_op_state base;
  vs_io *io;
  vs_store *store;
  vs_checkpoint checkpoint;
  bool begun;
  vs_pack *pack;
} export_op;

static vs_status no_frames(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload) {
  (void)ctx, (void)txn, (void)kind, (void)payload;
  return VS_CORRUPT;
}

static vs_status begin(export_op *op) {
  vs_db_state *db = op->base.db;
  vs_store_limits limits = {.wal_rotate_bytes = 4u << 20};
  bool done = false;
  if (vs_io_mem_create(&db->alloc, &op->io) != VS_OK)
    return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for an export");
  VS_TRY(vs_store_open(&db->alloc, op->io, VS_PACK_DIR, &limits, &op->store, &db->err));
  while (!done) VS_TRY(vs_store_replay(op->store, no_frames, NULL, 1u << 20, &done, &db->err));
  vs_checkpoint_init(&op->checkpoint, &db->coll, op->store, true, false);
  op->begun = true;
  op->base.total = db->coll.n_slots + 1.0;
  return VS_OK;
}

static vs_op_answer export_step(vs_op_state *base, double *budget) {
  export_op *op = (export_op *)base;
  vs_db_state *db = base->db;
  bool wrote;
  if (!op->begun && begin(op) != VS_OK) return VS_OP_ERROR;
  while (op->checkpoint.state != CHECKPOINT_DONE) {
    if (vs_checkpoint_step(&op->checkpoint, budget, &wrote, &db->err) != VS_OK) return VS_OP_ERROR;
    base->done = op->checkpoint.image.slot;
    if (!wrote) return VS_OP_YIELD;
    if (vs_store_sync(op->store, &db->err) != VS_OK) return VS_OP_ERROR;
  }
  if (vs_pack_create(&db->alloc, op->io, VS_PACK_DIR, &op->pack) == VS_OK) return VS_OP_DONE;
  vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for an export");
  return VS_OP_ERROR;
}

static void export_abandon(vs_op_state *base, bool done) {
  export_op *op = (export_op *)base;
  (void)done;
  vs_pack_destroy(op->pack);
  if (op->begun) vs_checkpoint_deinit(&op->checkpoint);
  if (op->store) vs_store_close(op->store);
  if (op->io) op->io->ops->destroy(op->io);
}

static vs_slice export_chunk(const vs_op_state *base, uint32_t i) {
  const export_op *op = (const export_op *)base;
  return op->pack ? vs_pack_chunk(op->pack, i) : (vs_slice){NULL, 0};
}

static const vs_op_class export_class = {sizeof(export_op), export_step, export_abandon, export_chunk, false};

vs_op_state *vs_op_begin_export(vs_db_state *db) {
  if (vs_op_check_open(db, false) != VS_OK) return NULL;
  return vs_op_create(db, &export_class);
}
