/* op_reembed.c - staging the vectors of another embedder, and letting them take over (reembed.h).
 *
 * Layer: db. What is handed to staging, little-endian:
 *
 *   u32 dimension   u32 bytes of the embedder's name   the name, zeros up to a multiple of 4
 *   then per record: u32 slot, u32 zero, f64 rev, float32 * dimension
 *
 * A record that has changed since (another rev) is passed over: it is missing
 * as before. Another name or dimension than the last time begins anew.
 *
 * The switch exchanges the vectors in memory, then takes a checkpoint that
 * rewrites every record; a failure before its manifest is installed exchanges
 * them back. Until that manifest is durable a crash finds the old vectors, the
 * log, and what was staged; after it the new ones. O(records) of memory for the
 * two sets, O(bytes of the store) to write.
 */
#include <string.h>

#include "checkpoint.h"
#include "op_internal.h"
#include "reembed.h"

#define ENTRY_HEADER_BYTES 16u
/* Inserts beyond what an operation brings itself: it goes on with what an opening found staged. */
#define CATCH_UP 64u

typedef struct {
  vs_op_state base;
  enum { STAGE_PREPARE, STAGE_LOG, STAGE_INDEX, STAGE_SYNC } state;
  bool relaxed, in_log;
  uint32_t dim, n, i, max_index;
  vs_slice name;
  uint8_t *bytes;         /* owned copy of what was handed in */
  const uint8_t *entries; /* within it */
  vs_reembed *fresh;      /* to be installed, or NULL: the collection's goes on */
} stage_op;

static const uint8_t *entry_at(const stage_op *op, uint32_t i) {
  return op->entries + (size_t)i * (ENTRY_HEADER_BYTES + (size_t)op->dim * 4);
}

static uint64_t entry_rev(const uint8_t *entry) {
  uint64_t bits = vs_load_u64(entry + 8);
  double rev;
  memcpy(&rev, &bits, sizeof rev);
  return rev >= 1 && rev < 9e15 ? (uint64_t)rev : 0;
}

/* The entry's slot, or VS_NO_SLOT when its record has changed meanwhile. */
static uint32_t entry_slot(const stage_op *op, const uint8_t *entry) {
  uint32_t slot = vs_load_u32(entry);
  return vs_reembed_fits(&op->base.db->coll, slot, entry_rev(entry)) ? slot : VS_NO_SLOT;
}

static vs_status parse(stage_op *op, size_t n, vs_err *err) {
  vs_rd r = vs_rd_of(op->bytes, n);
  op->dim = vs_rd_u32(&r);
  op->name.n = vs_rd_u32(&r);
  op->name.p = vs_rd_bytes(&r, op->name.n);
  vs_rd_bytes(&r, -op->name.n & 3);
  if (op->dim == 0 || op->dim > VS_MAX_DIMENSION)
    return vs_fail(err, VS_INVALID_ARGUMENT, "an embedder's dimension is 1 to %u", VS_MAX_DIMENSION);
  size_t entry_bytes = ENTRY_HEADER_BYTES + (size_t)op->dim * 4;
  if (r.failed || vs_rd_left(&r) % entry_bytes != 0)
    return vs_fail(err, VS_INVALID_ARGUMENT, "malformed vectors of another embedder");
  op->entries = r.p;
  op->n = (uint32_t)(vs_rd_left(&r) / entry_bytes);
  for (uint32_t i = 0; i < op->n; i++)
    if (!vs_floats_finite(entry_at(op, i) + ENTRY_HEADER_BYTES, op->dim)) {
      vs_fail(err, VS_INVALID_ARGUMENT, "the vector holds NaN or an infinity");
      if (err) err->index = i;
      return VS_INVALID_ARGUMENT;
    }
  return VS_OK;
}

/* ============ Staging ============ */

static vs_status prepare(stage_op *op) {
  vs_db_state *db = op->base.db;
  vs_reembed *next = db->coll.next;
  bool same = next && next->dim == op->dim && strlen(next->name) == op->name.n &&
              memcmp(next->name, op->name.p, op->name.n) == 0;
  vs_status status = same ? VS_OK : vs_reembed_create(&db->coll, op->dim, op->name, &op->fresh);
  if (status == VS_INVALID_ARGUMENT)
    return vs_fail(&db->err, status, "an embedder's name must be a string of 1 to %u bytes of UTF-8",
                   VS_EMBEDDER_BYTES - 1);
  if (status == VS_OK) status = vs_reembed_reserve(op->fresh ? op->fresh : next, db->coll.n_slots);
  if (status == VS_OK && !vs_wr_space(&op->base.result, 16)) status = VS_OUT_OF_MEMORY;
  vs_wr_reset(&op->base.result);
  op->max_index = op->n + CATCH_UP;
  op->base.total = op->n + 1.0;
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory for %u vectors", op->n);
}

static vs_status log_entries(stage_op *op, double *budget) {
  vs_db_state *db = op->base.db;
  uint8_t head[12];
  if (!op->in_log) {
    VS_TRY(vs_store_txn_begin(db->store, &db->err));
    op->in_log = true;
    if (op->fresh) {
      vs_store_u32(head, op->dim);
      vs_slice parts[2] = {{head, 4}, op->name};
      VS_TRY(vs_store_txn_log(db->store, VS_LOG_STAGE_BEGIN, parts, 2, &db->err));
    }
  }
  for (; op->i < op->n && *budget > 0; op->i++, *budget -= 2) {
    const uint8_t *entry = entry_at(op, op->i);
    uint32_t slot = entry_slot(op, entry);
    if (slot == VS_NO_SLOT) continue;
    vs_store_u32(head, slot);
    vs_store_u64(head + 4, entry_rev(entry));
    vs_slice parts[2] = {{head, sizeof head}, {entry + ENTRY_HEADER_BYTES, (size_t)op->dim * 4}};
    VS_TRY(vs_store_txn_log(db->store, VS_LOG_STAGE, parts, 2, &db->err));
  }
  if (op->i < op->n) return VS_OK;
  VS_TRY(vs_store_txn_commit(db->store, &db->err));
  op->in_log = false;
  db->n_log_records += op->n;
  return VS_OK;
}

static void take_over_entries(stage_op *op) {
  vs_collection *c = &op->base.db->coll;
  if (op->fresh) vs_reembed_install(c, op->fresh);
  op->fresh = NULL;
  for (uint32_t i = 0; i < op->n; i++) {
    uint32_t slot = entry_slot(op, entry_at(op, i));
    if (slot != VS_NO_SLOT) vs_reembed_set(c->next, slot, entry_at(op, i) + ENTRY_HEADER_BYTES);
  }
}

static void write_result(stage_op *op) {
  vs_db_state *db = op->base.db;
  const vs_reembed *next = db->coll.next;
  vs_wr *w = &op->base.result;
  vs_wr_u32(w, next->staged.n_set);
  vs_wr_u32(w, next->staged.n_set - vs_index_count(next->index));
  vs_wr_u32(w, db->coll.n_live);
  vs_wr_u32(w, vs_db_checkpoint_due(db));
}

static vs_op_answer fail_stage(stage_op *op) {
  if (op->in_log) vs_store_txn_abort(op->base.db->store);
  op->in_log = false;
  return VS_OP_ERROR;
}

static vs_op_answer stage_step(vs_op_state *base, double *budget) {
  stage_op *op = (stage_op *)base;
  vs_db_state *db = base->db;
  switch (op->state) {
  case STAGE_PREPARE:
    if (prepare(op) != VS_OK) return VS_OP_ERROR;
    op->state = STAGE_LOG;
    /* fall through */
  case STAGE_LOG:
    if (db->store && (op->fresh || op->n > 0)) {
      if (log_entries(op, budget) != VS_OK) return fail_stage(op);
      if (op->in_log) return VS_OP_YIELD;
    }
    take_over_entries(op);
    op->state = STAGE_INDEX;
    /* fall through */
  case STAGE_INDEX:
    if (vs_reembed_index(db->coll.next, &db->coll, &op->max_index, budget) != VS_OK) {
      vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for the index");
      return VS_OP_ERROR;
    }
    base->done = op->n + CATCH_UP - op->max_index;
    if (op->max_index > 0 && vs_index_count(db->coll.next->index) < db->coll.next->staged.n_set) return VS_OP_YIELD;
    write_result(op);
    op->state = STAGE_SYNC;
    /* fall through */
  case STAGE_SYNC:
  default: return op->relaxed || vs_op_is_synced(base) ? VS_OP_DONE : VS_OP_NEED_SYNC;
  }
}

/* What the log says happened; indexing is made up for by the next operation. */
static void stage_abandon(vs_op_state *base, bool done) {
  stage_op *op = (stage_op *)base;
  (void)done;
  fail_stage(op);
  vs_reembed_destroy(&base->db->alloc, op->fresh);
  vs_free(&base->db->alloc, op->bytes);
}

static const vs_op_class stage_class = {sizeof(stage_op), stage_step, stage_abandon, NULL, true};

vs_op_state *vs_op_begin_stage(vs_db_state *db, vs_slice vectors, bool relaxed) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  stage_op *op = (stage_op *)vs_op_create(db, &stage_class);
  if (!op) return NULL;
  op->relaxed = relaxed;
  op->bytes = vs_malloc(&db->alloc, vectors.n ? vectors.n : 1);
  vs_status status = op->bytes ? VS_OK : vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for the vectors");
  if (status == VS_OK) {
    memcpy(op->bytes, vectors.p, vectors.n);
    status = parse(op, vectors.n, &db->err);
  }
  if (status == VS_OK) return &op->base;
  vs_op_end(&op->base);
  return NULL;
}

/* ============ The switch ============ */

typedef struct {
  vs_op_state base;
  vs_checkpoint k;
  vs_reembed *old;    /* owned: what was switched away from */
  vs_blocks segments; /* uint32_t per slot, as they were */
  bool begun;
} switch_op;

static vs_status check_ready(vs_db_state *db) {
  vs_collection *c = &db->coll;
  if (db->checkpoint_running) return vs_fail(&db->err, VS_CONFLICT, "a checkpoint is under way");
  if (!c->next || c->next->staged.n_set != c->n_live || vs_index_count(c->next->index) != c->n_live)
    return vs_fail(&db->err, VS_CONFLICT, "not every record has a vector of the next embedder");
  return VS_OK;
}

static void swap(switch_op *op) {
  vs_collection *c = &op->base.db->coll;
  if (!op->old) {
    op->old = c->next;
    c->next = NULL;
    vs_reembed_swap(c, op->old);
    return;
  }
  vs_reembed_swap(c, op->old);
  c->next = op->old;
  op->old = NULL;
}

static vs_status begin_switch(switch_op *op) {
  vs_db_state *db = op->base.db;
  vs_collection *c = &db->coll;
  VS_TRY(check_ready(db));
  vs_blocks_init(&op->segments, c->a, sizeof(uint32_t));
  op->begun = true;
  if (vs_blocks_reserve(&op->segments, c->n_slots) != VS_OK)
    return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for the new vectors to take over");
  swap(op);
  if (!db->store) return VS_OK;
  for (uint32_t slot = 0; slot < c->n_slots; slot++) {
    *(uint32_t *)vs_blocks_at(&op->segments, slot) = vs_coll_segment(c, slot);
    vs_coll_set_segment(c, slot, VS_SEG_NONE);
  }
  vs_checkpoint_init(&op->k, c, db->store, false, false);
  db->checkpoint_running = db->switching = true;
  op->base.total = c->n_slots + 1.0;
  return VS_OK;
}

static vs_op_answer switch_step(vs_op_state *base, double *budget) {
  switch_op *op = (switch_op *)base;
  vs_db_state *db = base->db;
  bool wrote;
  if (!op->begun && begin_switch(op) != VS_OK) return VS_OP_ERROR;
  while (db->store) {
    if (base->waiting && !vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
    if (op->k.state == CHECKPOINT_DONE) {
      db->n_log_records = 0;
      break;
    }
    if (vs_checkpoint_step(&op->k, budget, &wrote, &db->err) != VS_OK) {
      /* The manifest is in force and durable: what could not be deleted is deleted by the next checkpoint. */
      if (op->k.state != CHECKPOINT_RETIRE) return VS_OP_ERROR;
      vs_err_clear(&db->err);
      db->n_log_records = 0;
      break;
    }
    base->done = op->k.image.slot;
    if (!wrote) return VS_OP_YIELD;
    if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
  }
  return VS_OP_DONE;
}

static void switch_abandon(vs_op_state *base, bool done) {
  switch_op *op = (switch_op *)base;
  vs_db_state *db = base->db;
  vs_collection *c = &db->coll;
  if (!op->begun) return;
  bool installed = done || op->k.state >= CHECKPOINT_RETIRE;
  if (db->switching) {
    vs_checkpoint_deinit(&op->k);
    db->checkpoint_running = db->switching = false;
  }
  if (op->old && !installed) {
    swap(op);
    for (uint32_t slot = 0; db->store && slot < c->n_slots; slot++)
      vs_coll_set_segment(c, slot, *(uint32_t *)vs_blocks_at(&op->segments, slot));
  }
  vs_reembed_destroy(c->a, op->old);
  vs_blocks_deinit(&op->segments);
}

static const vs_op_class switch_class = {sizeof(switch_op), switch_step, switch_abandon, NULL, true};

vs_op_state *vs_op_begin_reembed(vs_db_state *db) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  return vs_op_create(db, &switch_class);
}
