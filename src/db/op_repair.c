/* op_repair.c - a store that is open, and whose files are damaged, is written anew.
 *
 * Layer: db. Everything live is in memory, so nothing but snapshots can be lost:
 *   graph      built anew if it breaks an invariant            (YIELDs)
 *   snapshots  forgotten where a file of theirs is damaged
 *   checkpoint that keeps no file: its manifest is the switch, and only then
 *              are the damaged files removed
 * The result is a report (salvage.h). Opening a damaged store is op_open.c's.
 */
#include "op_internal.h"
#include "salvage.h"

/* Cost of one graph insert in budget units. */
#define INSERT_COST 3000.0

typedef struct {
  vs_op_state base;
  enum { REPAIR_BEGIN, REPAIR_GRAPH, REPAIR_FILES, REPAIR_CHECKPOINT } state;
  vs_index *index; /* owned: the new graph, or NULL */
  uint32_t slot;   /* next to go into it */
  vs_repair_report report;
  vs_op_state *checkpoint; /* owned, or NULL */
} repair_op;

/* Makes an empty index with room for every record. */
static vs_status begin_graph(repair_op *op) {
  vs_collection *c = &op->base.db->coll;
  VS_TRY(vs_index_create(c->a, &c->config.index, &c->vectors, &c->sequences, &op->index));
  uint64_t *sequence = vs_calloc(c->a, c->n_live + 1, sizeof *sequence);
  if (!sequence) return VS_OUT_OF_MEMORY;
  uint32_t n = 0;
  for (uint32_t slot = 0; slot < c->n_slots; slot++)
    if (vs_coll_body(c, slot)) sequence[n++] = vs_coll_body(c, slot)->seq;
  vs_status status = vs_index_prepare(op->index, c->n_slots, n, sequence);
  vs_free(c->a, sequence);
  return status;
}

/* Looks at the graph: a sound one stays. */
static vs_status begin(repair_op *op) {
  vs_db_state *db = op->base.db;
  vs_err what;
  vs_err_clear(&what);
  op->state = REPAIR_FILES;
  vs_status status = db->coll.has_index ? vs_index_check(db->coll.index, &what) : VS_OK;
  if (status == VS_CORRUPT) {
    vs_repair_report_add(&op->report, "", what.msg);
    op->state = REPAIR_GRAPH;
    status = begin_graph(op);
  }
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory to repair the store");
}

static bool build_graph(repair_op *op, double *budget) {
  vs_collection *c = &op->base.db->coll;
  for (; op->slot < c->n_slots; op->slot++) {
    if (*budget <= 0) return false;
    if (!vs_coll_body(c, op->slot)) continue;
    vs_index_insert(op->index, op->slot);
    *budget -= INSERT_COST;
  }
  vs_index_destroy(c->index);
  c->index = op->index;
  op->index = NULL;
  op->state = REPAIR_FILES;
  return true;
}

static vs_status forget_files(repair_op *op) {
  vs_db_state *db = op->base.db;
  op->state = REPAIR_CHECKPOINT;
  if (!db->store) return VS_OK;
  for (uint32_t slot = 0; slot < db->coll.n_slots; slot++) vs_coll_set_segment(&db->coll, slot, VS_SEG_NONE);
  vs_textindex_unsave(&db->coll.text);
  VS_TRY(vs_store_drop_damaged_snapshots(db->store, vs_repair_report_add, &op->report, &db->err));
  op->checkpoint = vs_op_begin_checkpoint(db, false);
  return op->checkpoint ? VS_OK : db->err.status;
}

static vs_op_answer repair_step(vs_op_state *base, double *budget) {
  repair_op *op = (repair_op *)base;
  vs_db_state *db = base->db;
  if (db->store && db->checkpoint_running && !op->checkpoint) {
    vs_fail(&db->err, VS_CONFLICT, "a checkpoint is under way");
    return VS_OP_ERROR;
  }
  if (op->state == REPAIR_BEGIN && begin(op) != VS_OK) return VS_OP_ERROR;
  if (op->state == REPAIR_GRAPH && !build_graph(op, budget)) return VS_OP_YIELD;
  if (op->state == REPAIR_FILES && forget_files(op) != VS_OK) return VS_OP_ERROR;
  if (op->checkpoint) {
    vs_op_answer answer = op->checkpoint->cls->step(op->checkpoint, budget);
    op->checkpoint->answer = answer;
    base->waiting = op->checkpoint->waiting;
    base->done = op->checkpoint->done;
    base->total = op->checkpoint->total;
    if (answer != VS_OP_DONE) return answer;
  }
  vs_repair_report_write(&op->report, &base->result);
  if (!base->result.failed) return VS_OP_DONE;
  vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory for the report");
  return VS_OP_ERROR;
}

static void repair_abandon(vs_op_state *base, bool done) {
  repair_op *op = (repair_op *)base;
  (void)done;
  vs_op_end(op->checkpoint);
  if (op->index) vs_index_destroy(op->index);
  vs_repair_report_deinit(&op->report);
}

static const vs_op_class repair_class = {sizeof(repair_op), repair_step, repair_abandon, NULL, true};

vs_op_state *vs_op_begin_repair(vs_db_state *db) {
  if (vs_op_check_open(db, true) != VS_OK) return NULL;
  repair_op *op = (repair_op *)vs_op_create(db, &repair_class);
  if (!op) return NULL;
  vs_repair_report_init(&op->report, &db->alloc);
  return &op->base;
}
