/* op_export.c - the whole store as one portable file, piece by piece.
 *
 * Layer: db. A full checkpoint into a store in memory, whose files are given
 * out (pack.h) and removed as they are finished. Each answer, YIELD or DONE,
 * offers what was finished since the one before; it is gone with the next
 * step. So memory holds one file of at most VS_SEGMENT_MAX_BYTES and the
 * blocks of a step, whatever the store's size. The collection is not changed.
 *
 * The checkpoint is not retired: there is no older state to remove, and the
 * manifest in force, with the log it begins at, is a store.
 */
#include "checkpoint.h"
#include "op_internal.h"
#include "pack.h"

/* KiB that a step writes at most, whatever its budget. */
#define STEP_KIB 4096.0

typedef struct {
  vs_op_state base;
  vs_io *io;
  vs_store *store;
  vs_checkpoint checkpoint;
  bool begun;
  vs_pack *pack;
  uint32_t n_given; /* finished block files given out */
} export_op;

static vs_status no_frames(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload) {
  (void)ctx, (void)txn, (void)kind, (void)payload;
  return VS_CORRUPT;
}

static vs_status begin(export_op *op) {
  vs_db_state *db = op->base.db;
  vs_store_limits limits = {.wal_rotate_bytes = 4u << 20};
  bool done = false;
  if (vs_io_mem_create(&db->alloc, &op->io) != VS_OK || vs_pack_create(&db->alloc, op->io, &op->pack) != VS_OK)
    return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for an export");
  VS_TRY(vs_store_open(&db->alloc, op->io, VS_PACK_DIR, &limits, &op->store, &db->err));
  while (!done) VS_TRY(vs_store_replay(op->store, no_frames, NULL, 1u << 20, &done, &db->err));
  vs_checkpoint_init(&op->checkpoint, &db->coll, op->store, true, false);
  op->begun = true;
  op->base.total = db->coll.n_slots + 1.0;
  return VS_OK;
}

/* Packs the block files finished since the last call. They were synced, so the store does not ask for them again. */
static vs_status give_finished(export_op *op) {
  char name[48];
  for (; op->n_given < vs_store_pending_n(op->store); op->n_given++) {
    vs_file_ref_name(vs_store_pending(op->store, op->n_given), name);
    VS_TRY(vs_pack_add(op->pack, name));
  }
  return VS_OK;
}

static vs_op_answer export_step(vs_op_state *base, double *budget) {
  export_op *op = (export_op *)base;
  vs_db_state *db = base->db;
  bool wrote;
  if (op->begun)
    vs_pack_drop(op->pack);
  else if (begin(op) != VS_OK)
    return VS_OP_ERROR;
  double mine = *budget < STEP_KIB ? *budget : STEP_KIB;
  vs_checkpoint *k = &op->checkpoint;
  do {
    if (vs_checkpoint_step(k, &mine, &wrote, &db->err) != VS_OK) return VS_OP_ERROR;
    if (vs_store_sync(op->store, &db->err) != VS_OK) return VS_OP_ERROR;
  } while (wrote && k->state != CHECKPOINT_RETIRE);
  base->done = k->image.slot;
  vs_status status = wrote ? vs_pack_end(op->pack, VS_PACK_DIR) : give_finished(op);
  if (status == VS_OK) return wrote ? VS_OP_DONE : VS_OP_YIELD;
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
