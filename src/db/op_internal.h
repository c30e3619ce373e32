/* op_internal.h - what the operations have in common.
 *
 * Layer: db, for op*.c only. An operation is this header plus its own state;
 * `step` advances it, `abandon` undoes what it can and frees what it holds.
 */
#ifndef VS_OP_INTERNAL_H
#define VS_OP_INTERNAL_H

#include "checkpoint.h"
#include "op.h"

typedef struct {
  size_t bytes; /* of the whole operation struct */
  /* Goes on; *budget is decreased by the work done. On ERROR the status is in op->db->err. */
  vs_op_answer (*step)(vs_op_state *op, double *budget);
  /* Called once, whatever the outcome; done = it answered DONE. */
  void (*abandon)(vs_op_state *op, bool done);
  vs_slice (*chunk)(const vs_op_state *op, uint32_t i); /* or NULL */
  bool writes;                                          /* it needs a store that is not full: heals it first */
} vs_op_class;

/* First member of every operation. */
struct vs_op {
  const vs_op_class *cls;
  vs_db_state *db;
  vs_op_answer answer; /* the last one given */
  bool waiting;        /* NEED_SYNC was answered and not yet resumed */
  uint64_t epoch;      /* what must be synced before going on */
  bool needs_catalog;  /* and the catalog too */
  bool begun;          /* its first step was made */
  vs_checkpoint *heal; /* owned: the checkpoint that makes a full store healthy, or NULL */
  double done, total;  /* units, for progress */
  vs_wr result;
};

/* A zeroed operation of the class, or NULL with the error set. */
vs_op_state *vs_op_create(vs_db_state *db, const vs_op_class *cls);

/* Waits for everything written so far: true when it is durable already (or
 * there is nothing to be durable on), else the caller answers NEED_SYNC. */
bool vs_op_is_synced(vs_op_state *op);

/* A checkpoint that also makes or drops a snapshot. */
VS_MUST_USE vs_op_state *vs_op_begin_snapshot_change(vs_db_state *db, const vs_snapshot_request *request);

/* Refuses with CLOSED or POISONED when the database cannot take writes. */
VS_MUST_USE vs_status vs_op_check_open(vs_db_state *db, bool writing);

/* op_heal.c: saves everything anew; DONE when the store is healthy. */
vs_op_answer vs_op_heal(vs_op_state *op, double *budget);
/* After DONE or any failure. */
void vs_op_heal_end(vs_op_state *op);

#endif
