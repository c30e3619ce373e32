/* op.h - operations: durable or long pieces of work that the host drives in steps.
 *
 * Layer: db (used by api). C is synchronous and storage often is not, so an
 * operation runs until it needs something: the host calls vs_op_step until
 * DONE or ERROR; YIELD means "more to do, the budget is used up"; NEED_SYNC
 * means "make what was written durable, then vs_op_resume". NEED_READ is for
 * io hosts whose reads are asynchronous. The budget counts distance
 * evaluations and KiB, never time.
 *
 * RULES FOR THE HOST. One operation at a time may be between its first step
 * and DONE, ERROR or NEED_SYNC, and nothing else touches the database
 * meanwhile. Any number may wait in NEED_SYNC; one sync serves them all.
 *
 * A FULL MEDIUM. When a sync fails with VS_NO_SPACE the operations that wait for
 * one fail so, and reading goes on. What they wrote stays in memory: the next
 * writing operation begins by saving everything anew (op_heal.c), and fails with
 * VS_NO_SPACE, having changed nothing, while there is still no room for that.
 */
#ifndef VS_OP_H
#define VS_OP_H

#include "db.h"

typedef enum {
  VS_OP_DONE = 0,
  VS_OP_ERROR = 1,
  VS_OP_NEED_SYNC = 2,
  VS_OP_NEED_READ = 3,
  VS_OP_YIELD = 4,
  VS_OP_SYNC_ALONE = 5 /* NEED_SYNC, and nothing else may touch the database before it goes on */
} vs_op_answer;

typedef struct vs_op vs_op_state;

/* Begins an operation; NULL with db->err set when that is refused. */
VS_MUST_USE vs_op_state *vs_op_begin_open(vs_db_state *db, vs_slice config);
VS_MUST_USE vs_op_state *vs_op_begin_commit(vs_db_state *db, bool relaxed);
VS_MUST_USE vs_op_state *vs_op_begin_flush(vs_db_state *db);
VS_MUST_USE vs_op_state *vs_op_begin_checkpoint(vs_db_state *db, bool optimize);
/* name: VS_INVALID_ARGUMENT unless of 1 .. 128 of A-Z a-z 0-9 . _ -. UNSUPPORTED without storage. */
VS_MUST_USE vs_op_state *vs_op_begin_snapshot(vs_db_state *db, vs_slice name, uint64_t now_ms);
VS_MUST_USE vs_op_state *vs_op_begin_snapshot_drop(vs_db_state *db, vs_slice name);
/* Puts the snapshot's records in place of the present ones. The host lets no
 * other operation begin before it is over. It checks the snapshot's files before
 * it changes anything; a failure after that leaves the instance closed. */
VS_MUST_USE vs_op_state *vs_op_begin_snapshot_restore(vs_db_state *db, vs_slice name);
/* Encoded array of {name, createdAt, count, bytes}, newest first. */
void vs_snapshots_list(const vs_db_state *db, vs_wr *w);
/* Takes vectors of another embedder (op_reembed.c has the layout); result: u32 records that have one, u32 of
 * them not in the index yet, u32 live records, u32 1 = a checkpoint is due. */
VS_MUST_USE vs_op_state *vs_op_begin_stage(vs_db_state *db, vs_slice vectors, bool relaxed);
/* Those vectors take over: all or, after a failure or a crash, nothing. Every live record must have one in the
 * index, else VS_CONFLICT. No other operation may be begun between its steps. */
VS_MUST_USE vs_op_state *vs_op_begin_reembed(vs_db_state *db);
VS_MUST_USE vs_op_state *vs_op_begin_verify(vs_db_state *db);
/* Writes everything anew, keeping no file; result: an encoded report (salvage.h). No operation may be begun
 * between its steps. */
VS_MUST_USE vs_op_state *vs_op_begin_repair(vs_db_state *db);
VS_MUST_USE vs_op_state *vs_op_begin_export(vs_db_state *db);
VS_MUST_USE vs_op_state *vs_op_begin_close(vs_db_state *db);

/* Drives it on; ERROR leaves the reason in db->err. */
vs_op_answer vs_op_run(vs_op_state *op, double budget);
/* Reports how a sync went. */
vs_status vs_op_synced(vs_op_state *op, vs_status status);
/* Runs it to the end, syncing through the database's own io. */
VS_MUST_USE vs_status vs_op_finish(vs_op_state *op);
/* Frees it; one that is not done is abandoned. */
void vs_op_end(vs_op_state *op);

double vs_op_done_share(const vs_op_state *op);
/* Result bytes, valid until vs_op_end. */
vs_slice vs_op_output(const vs_op_state *op);
/* Chunk i of what an export has finished since the step before; n = 0 after the last. */
vs_slice vs_op_output_chunk(const vs_op_state *op, uint32_t i);

#endif
