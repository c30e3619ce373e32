/* op_verify.c - checks everything that can be checked.
 *
 * Layer: db. Every byte of every file and log (vs_store_verify), the graph's
 * invariants (vs_index_check), and the agreement of records, ids and index
 * (C1..C4 of collection.h). The result is an encoded array of {file, what};
 * damage is a finding, not a failure of the operation.
 */
#include <string.h>

#include "../base/value.h"
#include "extra.h"
#include "op_internal.h"

typedef struct {
  vs_op_state base;
  size_t mark;
  uint32_t n;
} verify_op;

static void finding(void *ctx, const char *file, const char *what) {
  verify_op *op = ctx;
  vs_wr *w = &op->base.result;
  size_t entry = vs_value_object_begin(w);
  vs_value_key(w, "file");
  vs_value_cstring(w, file);
  vs_value_key(w, "what");
  vs_value_cstring(w, what);
  vs_value_end(w, entry, 2);
  op->n++;
}

static void check_record(verify_op *op, const vs_collection *c, uint32_t slot) {
  const vs_body *b = vs_coll_body(c, slot);
  if (b->slot != slot || b->rev >= c->next_rev || b->seq >= c->next_seq)
    finding(op, "", "a record's counters are out of range");
  if (vs_coll_find(c, vs_body_id(b)) != slot) finding(op, "", "a record cannot be found by its id");
  if (vs_meta_problem(vs_body_meta(b)) || vs_text_problem(vs_body_text(b)))
    finding(op, "", "a record's metadata or text is malformed");
  if (vs_extra_problem(vs_body_extra(b))) finding(op, "", "a record's sparse vector or token vectors are malformed");
  if (c->has_index && !vs_index_contains(c->index, slot)) finding(op, "", "a record is missing from the index");
}

static void check_collection(verify_op *op, const vs_collection *c) {
  uint32_t n = 0;
  for (uint32_t slot = 0; slot < c->n_slots; slot++) {
    if (!vs_coll_body(c, slot)) continue;
    check_record(op, c, slot);
    n++;
  }
  if (n != c->n_live || n + c->n_free != c->n_slots) finding(op, "", "the record count is wrong");
  if (c->has_index && vs_index_count(c->index) != n) finding(op, "", "the index holds another number of records");
}

static vs_op_answer verify_step(vs_op_state *base, double *budget) {
  verify_op *op = (verify_op *)base;
  vs_db_state *db = base->db;
  vs_err graph;
  (void)budget;
  op->mark = vs_value_array_begin(&base->result);
  if (db->store && vs_store_verify(db->store, finding, op, &db->err) != VS_OK) return VS_OP_ERROR;
  vs_status status = db->coll.has_index ? vs_index_check(db->coll.index, &graph) : VS_OK;
  if (status == VS_CORRUPT) finding(op, "", graph.msg);
  check_collection(op, &db->coll);
  vs_status indexed = vs_meta_check(&db->coll.meta);
  if (indexed == VS_CORRUPT) finding(op, "", "a metadata index disagreed with the records; it is built anew");
  if (indexed == VS_OUT_OF_MEMORY) status = indexed;
  if (vs_sparse_check(&db->coll.sparse) != VS_OK)
    finding(op, "", "the index of sparse vectors disagrees with the records");
  indexed = vs_textindex_check(&db->coll.text);
  if (indexed == VS_CORRUPT) finding(op, "", "the text index disagreed with the records; it is built anew");
  if (indexed == VS_OUT_OF_MEMORY) status = indexed;
  vs_value_end(&base->result, op->mark, op->n);
  if (!base->result.failed && status != VS_OUT_OF_MEMORY) return VS_OP_DONE;
  vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to verify");
  return VS_OP_ERROR;
}

static const vs_op_class verify_class = {sizeof(verify_op), verify_step, NULL, NULL, false};

vs_op_state *vs_op_begin_verify(vs_db_state *db) {
  if (vs_op_check_open(db, false) != VS_OK) return NULL;
  return vs_op_create(db, &verify_class);
}
