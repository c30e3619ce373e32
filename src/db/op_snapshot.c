/* op_snapshot.c - named states of the past: making, listing, dropping and bringing back.
 *
 * Layer: db. A snapshot is an entry of the manifest that pins the block files
 * of one checkpoint (store.h, S7): it costs a checkpoint and shares every
 * file with the live state until that is rewritten.
 *
 * RESTORING
 *   check     every block of the snapshot's files is read: damage is found before anything changes
 *   revert    a new log and a manifest that names the snapshot's files; two syncs
 *   retire    deletes what nothing names any more; a third
 *   load      the records and the graph, as opening does
 * A crash shows the state before or the snapshot's, never a mixture, because
 * one manifest is the switch. From `revert` on the instance counts as closed,
 * so that nothing can be written to the log of a state that memory does not
 * hold yet. O(bytes of the snapshot).
 */
#include <string.h>

#include "config.h"
#include "image.h"
#include "op_internal.h"

uint32_t vs_snapshot_find(const vs_store *store, const char *name) {
  for (uint32_t i = 0; i < vs_store_n_snapshots(store); i++)
    if (strcmp(vs_store_snapshot(store, i)->name, name) == 0) return i;
  return VS_NO_SLOT;
}

static uint64_t bytes_of(const vs_snapshot *s) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < s->n_files; i++) bytes += s->file[i].bytes;
  return bytes;
}

static void list_one(const vs_snapshot *s, vs_wr *w) {
  size_t entry = vs_value_object_begin(w);
  vs_value_key(w, "name");
  vs_value_cstring(w, s->name);
  vs_value_key(w, "createdAt");
  vs_value_int(w, (int64_t)s->created_ms);
  vs_value_key(w, "count");
  vs_value_int(w, (int64_t)s->n_items);
  vs_value_key(w, "bytes");
  vs_value_int(w, (int64_t)bytes_of(s));
  vs_value_end(w, entry, 4);
}

void vs_snapshots_list(const vs_db_state *db, vs_wr *w) {
  uint32_t n = db->store ? vs_store_n_snapshots(db->store) : 0;
  size_t mark = vs_value_array_begin(w);
  for (uint32_t i = n; i-- > 0;) list_one(vs_store_snapshot(db->store, i), w);
  vs_value_end(w, mark, n);
}

static bool name_char_ok(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* Copies the name into to (VS_SNAPSHOT_NAME_MAX + 1 bytes). */
static vs_status read_name(vs_db_state *db, vs_slice name, char *to) {
  VS_TRY(vs_op_check_open(db, true));
  if (!db->store) return vs_fail(&db->err, VS_UNSUPPORTED, "a store in memory has no snapshots; export() copies it");
  bool ok = name.n > 0 && name.n <= VS_SNAPSHOT_NAME_MAX;
  for (size_t i = 0; i < name.n && ok; i++) ok = name_char_ok(name.p[i]);
  if (!ok)
    return vs_fail(&db->err, VS_INVALID_ARGUMENT, "a snapshot's name is 1 to %u letters, digits, '.', '_' or '-'",
                   VS_SNAPSHOT_NAME_MAX);
  memcpy(to, name.p, name.n);
  to[name.n] = '\0';
  return VS_OK;
}

vs_op_state *vs_op_begin_snapshot(vs_db_state *db, vs_slice name, uint64_t now_ms) {
  vs_snapshot_request request = {.change = VS_SNAPSHOTS_ADD, .now_ms = now_ms};
  return read_name(db, name, request.name) == VS_OK ? vs_op_begin_snapshot_change(db, &request) : NULL;
}

vs_op_state *vs_op_begin_snapshot_drop(vs_db_state *db, vs_slice name) {
  vs_snapshot_request request = {.change = VS_SNAPSHOTS_DROP};
  return read_name(db, name, request.name) == VS_OK ? vs_op_begin_snapshot_change(db, &request) : NULL;
}

/* ============ Restoring ============ */

typedef struct {
  vs_op_state base;
  enum { RESTORE_CHECK, RESTORE_REVERT, RESTORE_INSTALL, RESTORE_RETIRE, RESTORE_LOAD } state;
  char name[VS_SNAPSHOT_NAME_MAX + 1];
  uint32_t snapshot, file; /* being checked */
  vs_block_reader *reader; /* owned */
  vs_config_saved saved;
  vs_wr blob; /* the snapshot's */
  bool reverting, has_loader;
  vs_image_loader loader;
} restore_op;

static vs_status begin(restore_op *op) {
  vs_db_state *db = op->base.db;
  if (db->checkpoint_running) return vs_fail(&db->err, VS_CONFLICT, "a checkpoint is under way");
  op->snapshot = vs_snapshot_find(db->store, op->name);
  if (op->snapshot == VS_NO_SLOT) return vs_fail(&db->err, VS_NOT_FOUND, "there is no snapshot '%s'", op->name);
  const vs_snapshot *s = vs_store_snapshot(db->store, op->snapshot);
  vs_wr_bytes(&op->blob, s->blob, s->blob_bytes);
  if (op->blob.failed) return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to restore");
  op->base.total = 2 * (double)bytes_of(s) / 1024 + 1;
  return vs_config_decode((vs_slice){op->blob.p, op->blob.n}, &op->saved, &db->err);
}

/* Reads the next blocks; *done after the last one of the last file. */
static vs_status check(restore_op *op, double *budget, bool *done) {
  vs_db_state *db = op->base.db;
  const vs_snapshot *s = vs_store_snapshot(db->store, op->snapshot);
  *done = false;
  while (*budget > 0) {
    if (op->file == s->n_files) {
      *done = true;
      return VS_OK;
    }
    if (!op->reader) VS_TRY(vs_block_reader_open_ref(db->store, &s->file[op->file], &op->reader, &db->err));
    vs_slice block;
    VS_TRY(vs_block_reader_next(op->reader, &block, &db->err));
    double cost = (double)block.n / 1024 + 1;
    *budget -= cost;
    op->base.done += cost;
    if (block.n > 0) continue;
    vs_block_reader_close(op->reader);
    op->reader = NULL;
    op->file++;
  }
  return VS_OK;
}

static vs_status revert(restore_op *op) {
  vs_db_state *db = op->base.db;
  VS_TRY(vs_store_checkpoint_begin(db->store, &db->err));
  op->reverting = true;
  return vs_store_checkpoint_revert(db->store, op->snapshot, &db->err);
}

/* The options that the snapshot was made with. */
static vs_status keep_options(vs_db_state *db, const vs_wr *blob) {
  vs_rd r = vs_rd_of(blob->p, blob->n);
  vs_value options = vs_value_read(&r);
  return vs_coll_keep(&db->coll, &options, &db->err);
}

/* The manifest is durable: what memory holds is of the past. */
static vs_status retire(restore_op *op) {
  vs_db_state *db = op->base.db;
  vs_status status = vs_store_checkpoint_retire(db->store, &db->err);
  op->reverting = false;
  /* Dead files that could not be removed now are removed by the next checkpoint. */
  if (vs_store_poisoned(db->store)) return status;
  db->n_log_records = 0;
  vs_coll_config config = op->saved.config;
  uint64_t hash_seed = db->coll.ids.seed, epoch = db->coll.meta.epoch;
  uint32_t dim = config.dim;
  config.dim = VS_DIM_UNSET;
  config.ef_search = db->coll.config.ef_search;
  config.target_recall = db->coll.config.target_recall;
  vs_tx_reset(&db->tx);
  vs_coll_deinit(&db->coll);
  vs_coll_init(&db->coll, &db->alloc, &config, hash_seed);
  db->coll.meta.epoch = epoch + 1; /* what filters remember is of other records */
  VS_TRY(keep_options(db, &op->blob));
  if (dim != VS_DIM_UNSET && vs_coll_fix_dim(&db->coll, dim) != VS_OK)
    return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to restore; open the store anew");
  db->coll.next_seq = op->saved.next_seq;
  db->coll.next_rev = op->saved.next_rev;
  vs_image_loader_init(&op->loader, &db->coll, db->store, &op->saved);
  op->has_loader = true;
  return VS_OK;
}

static vs_op_answer load(restore_op *op, double *budget) {
  vs_db_state *db = op->base.db;
  double before = *budget;
  bool done;
  if (vs_image_load(&op->loader, budget, &done, &db->err) != VS_OK) return VS_OP_ERROR;
  op->base.done += before - *budget;
  if (!done) return VS_OP_YIELD;
  vs_config_encode(&db->coll, &op->base.result);
  if (op->base.result.failed) {
    vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to restore; open the store anew");
    return VS_OP_ERROR;
  }
  db->open = true;
  return VS_OP_DONE;
}

static vs_op_answer restore_step(vs_op_state *base, double *budget) {
  restore_op *op = (restore_op *)base;
  vs_db_state *db = base->db;
  bool done;
  if (op->state == RESTORE_CHECK) {
    if (op->blob.n == 0 && begin(op) != VS_OK) return VS_OP_ERROR;
    if (check(op, budget, &done) != VS_OK) return VS_OP_ERROR;
    if (!done) return VS_OP_YIELD;
    op->state = RESTORE_REVERT;
  }
  if (op->state == RESTORE_REVERT) {
    if (revert(op) != VS_OK) return VS_OP_ERROR;
    op->state = RESTORE_INSTALL;
  }
  if (op->state == RESTORE_INSTALL) {
    if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
    if (vs_store_checkpoint_install(db->store, (vs_slice){op->blob.p, op->blob.n}, &db->err) != VS_OK)
      return VS_OP_ERROR;
    db->open = false;
    op->state = RESTORE_RETIRE;
  }
  if (op->state == RESTORE_RETIRE) {
    if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
    if (retire(op) != VS_OK) return VS_OP_ERROR;
    op->state = RESTORE_LOAD;
  }
  if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
  return load(op, budget);
}

static void restore_abandon(vs_op_state *base, bool done) {
  restore_op *op = (restore_op *)base;
  (void)done;
  if (op->reader) vs_block_reader_close(op->reader);
  if (op->has_loader) vs_image_loader_deinit(&op->loader);
  if (op->reverting) vs_store_checkpoint_abort(base->db->store);
  vs_wr_deinit(&op->blob);
}

static const vs_op_class restore_class = {sizeof(restore_op), restore_step, restore_abandon, NULL, true};

vs_op_state *vs_op_begin_snapshot_restore(vs_db_state *db, vs_slice name) {
  char text[VS_SNAPSHOT_NAME_MAX + 1];
  if (read_name(db, name, text) != VS_OK) return NULL;
  restore_op *op = (restore_op *)vs_op_create(db, &restore_class);
  if (!op) return NULL;
  memcpy(op->name, text, sizeof text);
  vs_wr_init(&op->blob, &db->alloc);
  return &op->base;
}
