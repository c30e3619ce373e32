/* tx.h - a transaction while it is gathered, logged and applied.
 *
 * Layer: db. Operations are checked and staged one by one (nothing visible
 * changes); then the commit operation (op_commit.c) prepares memory, writes
 * the log, and applies the staged items, which cannot fail. Whatever fails
 * before the log's commit frame leaves the collection as it was.
 *
 * A repeated id replaces its earlier item: the last one wins, counted once.
 */
#ifndef VS_TX_H
#define VS_TX_H

#include "collection.h"

/* Kinds of packed operations (vs_abi.def repeats the numbers). */
#define VS_STAGE_UPSERT 1u
#define VS_STAGE_DELETE 2u
#define VS_STAGE_UPDATE_METADATA 3u

/* Kinds of log frames (vs_store_txn_log). */
#define VS_LOG_UPSERT 1u /* payload: an encoded record */
#define VS_LOG_DELETE 2u /* payload: rev u64, then the id */
/* 3 and 4: reembed.h; 5: marks.h */

typedef struct {
  uint8_t kind;    /* VS_LOG_UPSERT, VS_LOG_DELETE, or 0 = nothing to do */
  bool fresh;      /* a new record takes a slot */
  bool has_vector; /* `vector` is to be set and indexed */
  vs_body *body;   /* owned until applied; for a deletion it holds the id only */
  uint8_t *vector; /* owned: dim little-endian floats, or NULL */
} vs_tx_item;

typedef struct {
  vs_alloc *a;
  bool open;
  uint64_t now_ms;
  uint32_t dim; /* of the transaction's vectors: the collection's, or the first seen */
  bool marked;  /* it is call `call` of `client` */
  uint8_t client[VS_MARK_CLIENT_BYTES];
  uint64_t call;
  bool fixed_dim;                      /* this transaction fixed the collection's dimension */
  uint32_t row;                        /* operations seen */
  uint32_t n;                          /* items */
  vs_blocks items;                     /* vs_tx_item */
  vs_hashmap ids;                      /* id -> item */
  uint32_t inserted, updated, deleted; /* known after vs_tx_prepare */
} vs_tx;

void vs_tx_init(vs_tx *t, vs_alloc *a);
void vs_tx_deinit(vs_tx *t);
/* Forgets everything staged. */
void vs_tx_reset(vs_tx *t);

static inline vs_tx_item *vs_tx_at(const vs_tx *t, uint32_t i) { return vs_blocks_at(&t->items, i); }

/* Checks and stages packed operations (layout: vs_abi.def). On failure
 * err->index is the row and the caller must reset. */
VS_MUST_USE vs_status vs_tx_stage(vs_tx *t, const vs_collection *c, vs_slice operations, vs_err *err);

/* Stages the deletion of the record at a slot. */
VS_MUST_USE vs_status vs_tx_stage_delete(vs_tx *t, const vs_collection *c, uint32_t slot, vs_err *err);

/* Decides what each item does against the collection, counts, numbers the
 * records and reserves all memory. On failure nothing visible changed. */
VS_MUST_USE vs_status vs_tx_prepare(vs_tx *t, vs_collection *c, vs_err *err);

/* Undoes vs_tx_prepare when the log could not be written. */
void vs_tx_rollback(vs_tx *t, vs_collection *c);

/* Applies item i (in order, after vs_tx_prepare and the log). Cannot fail. */
void vs_tx_apply(vs_tx *t, vs_collection *c, uint32_t i);

#endif
