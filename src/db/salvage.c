/* salvage.c - reading a collection out of a damaged store (contract: salvage.h).
 *
 * Layer: db. A record of a segment is live iff the table holds its revision at
 * its slot. Where the table cannot be read the highest revision of an id, and of a
 * slot, wins: then records that were deleted, and whose place nobody took, are
 * back. Revisions grow with every write, so what the log says later wins the same way.
 * O(records * graph insert).
 */
#include "salvage.h"

#include <string.h>

#include "../base/value.h"
#include "reembed.h"
#include "tx.h"

/* Cost of one record that is put into the graph, in budget units. */
#define INSERT_COST 3000.0
#define UNKNOWN UINT64_MAX

/* ============ The report ============ */

void vs_repair_report_init(vs_repair_report *r, vs_alloc *a) {
  memset(r, 0, sizeof *r);
  vs_wr_init(&r->errors, a);
}

void vs_repair_report_deinit(vs_repair_report *r) { vs_wr_deinit(&r->errors); }

void vs_repair_report_add(void *ctx, const char *file, const char *what) {
  vs_repair_report *r = ctx;
  size_t entry = vs_value_object_begin(&r->errors);
  vs_value_key(&r->errors, "file");
  vs_value_cstring(&r->errors, file);
  vs_value_key(&r->errors, "what");
  vs_value_cstring(&r->errors, what);
  vs_value_end(&r->errors, entry, 2);
  r->n_errors++;
}

void vs_repair_report_write(const vs_repair_report *r, vs_wr *w) {
  size_t report = vs_value_object_begin(w);
  vs_value_key(w, "errors");
  size_t list = vs_value_array_begin(w);
  vs_wr_bytes(w, r->errors.p, r->errors.n);
  vs_value_end(w, list, r->n_errors);
  vs_value_key(w, "records");
  vs_value_int(w, (int64_t)r->records);
  vs_value_key(w, "transactions");
  vs_value_int(w, (int64_t)r->transactions);
  vs_value_end(w, report, 3);
  if (r->errors.failed) w->failed = true;
}

/* ============ The table ============ */

void vs_salvage_init(vs_salvage *l, vs_collection *c, vs_store *store, const vs_config_saved *saved,
                     vs_repair_report *report) {
  memset(l, 0, sizeof *l);
  l->c = c;
  l->store = store;
  l->report = report;
  l->saved = *saved;
  vs_blocks_init(&l->rev, c->a, sizeof(uint64_t));
}

void vs_salvage_deinit(vs_salvage *l) {
  if (l->reader) vs_block_reader_close(l->reader);
  vs_blocks_deinit(&l->rev);
}

static void tell(vs_salvage *l, const char *what) {
  char name[48] = "";
  if (l->file < vs_store_n_files(l->store)) vs_file_ref_name(vs_store_file(l->store, l->file), name);
  vs_repair_report_add(l->report, name, what);
}

static uint64_t *rev_at(const vs_salvage *l, uint32_t slot) { return vs_blocks_at(&l->rev, slot); }

/* The table's next block; a gap before it is not known. */
static vs_status take_table(vs_salvage *l, vs_rd *r) {
  uint32_t first = vs_rd_u32(r), n = vs_rd_u32(r);
  bool fits = !r->failed && first >= l->n_table && first <= VS_MAX_SLOTS && n <= VS_MAX_SLOTS - first;
  if (!fits || vs_rd_left(r) != (size_t)n * 8) return VS_CORRUPT;
  VS_TRY(vs_blocks_reserve(&l->rev, first + n));
  for (uint32_t slot = l->n_table; slot < first; slot++, l->n_unknown++) *rev_at(l, slot) = UNKNOWN;
  for (uint32_t i = 0; i < n; i++) *rev_at(l, first + i) = vs_rd_u64(r);
  l->n_table = first + n;
  return VS_OK;
}

static vs_status take_image_block(vs_salvage *l, vs_slice block) {
  vs_rd r = vs_rd_of(block.p, block.n);
  uint8_t kind = vs_rd_u8(&r);
  if (kind == 3) tell(l, "vectors gathered for another embedder are given up");
  if (kind != 1) return VS_OK; /* the graph is built anew */
  vs_status status = take_table(l, &r);
  if (status == VS_CORRUPT) tell(l, "malformed slot table");
  return status == VS_CORRUPT ? VS_OK : status;
}

/* ============ Records ============ */

static bool is_live(const vs_salvage *l, uint32_t slot, uint64_t rev) {
  uint64_t wanted = slot < l->n_table ? *rev_at(l, slot) : l->saved.n_slots == l->n_table ? 0 : UNKNOWN;
  return wanted == rev || wanted == UNKNOWN;
}

/* Puts a record in its place unless a later one is there, or has its id. */
static vs_status put(vs_collection *c, const vs_record_view *v) {
  if (c->config.dim == VS_DIM_UNSET) VS_TRY(vs_coll_fix_dim(c, v->dim));
  uint32_t slot = v->head.slot, known = vs_coll_find(c, v->id);
  if (v->dim != (c->has_index ? c->config.dim : 0) || slot >= VS_MAX_SLOTS) return VS_CORRUPT;
  if (!vs_floats_finite(v->vector, v->dim)) return VS_CORRUPT;
  const vs_body *same = vs_coll_body(c, known), *there = vs_coll_body(c, slot);
  if ((same && same->rev >= v->head.rev) || (there && there->rev >= v->head.rev)) return VS_OK;
  if (same && known != slot) VS_TRY(vs_coll_replay_delete(c, v->id));
  if (there && known != slot) VS_TRY(vs_coll_replay_delete(c, vs_body_id(there)));
  uint32_t n_slots = slot >= c->n_slots ? slot + 1 : c->n_slots;
  VS_TRY(vs_coll_prepare(c, n_slots, 1, 0, 1, &v->head.seq));
  vs_body *body = vs_body_from_view(c->a, v);
  if (!body) return VS_OUT_OF_MEMORY;
  c->n_slots = n_slots;
  vs_coll_apply_upsert(c, body, v->dim ? v->vector : NULL);
  return VS_OK;
}

/* The next record of the block; the rest of it is lost with a malformed one. */
static vs_status take_record(vs_salvage *l, double *budget) {
  vs_record_view v;
  uint32_t n = vs_rd_u32(&l->block);
  vs_slice bytes = {vs_rd_bytes(&l->block, n), n};
  vs_status status = l->block.failed ? VS_CORRUPT : vs_record_decode(bytes, &v);
  *budget -= 2;
  if (status == VS_OK && is_live(l, v.head.slot, v.head.rev)) {
    status = put(l->c, &v);
    *budget -= INSERT_COST;
  }
  if (status != VS_CORRUPT) return status;
  tell(l, "malformed record");
  if (l->block.failed) l->block = vs_rd_of(NULL, 0);
  return VS_OK;
}

static vs_status take_block(vs_salvage *l, vs_file_kind kind, double *budget, double *kib, vs_err *err) {
  vs_slice block;
  VS_TRY(vs_block_reader_next(l->reader, &block, err));
  *kib += (double)block.n / 1024;
  *budget -= (double)block.n / 1024 + 1;
  if (block.n == 0) {
    vs_block_reader_close(l->reader);
    l->reader = NULL;
    l->file++;
    return VS_OK;
  }
  if (kind == VS_FILE_INDEX) return take_image_block(l, block);
  l->block = vs_rd_of(block.p, block.n);
  return VS_OK;
}

/* Reads all files of one kind; *done after the last. */
static vs_status take_files(vs_salvage *l, vs_file_kind kind, double *budget, double *kib, bool *done, vs_err *err) {
  for (*done = false; *budget > 0;) {
    if (vs_rd_left(&l->block) > 0) {
      VS_TRY(take_record(l, budget));
      continue;
    }
    if (!l->reader) {
      while (l->file < vs_store_n_files(l->store) && vs_store_file(l->store, l->file)->kind != kind) l->file++;
      *done = l->file == vs_store_n_files(l->store);
      if (*done) break;
      VS_TRY(vs_block_reader_open(l->store, l->file, &l->reader, err));
    }
    VS_TRY(take_block(l, kind, budget, kib, err));
  }
  return VS_OK;
}

vs_status vs_salvage_load(vs_salvage *l, double *budget, double *kib, bool *done, vs_err *err) {
  *done = false;
  vs_status status = VS_OK;
  if (l->state == SALVAGE_TABLE) {
    status = take_files(l, VS_FILE_INDEX, budget, kib, done, err);
    if (status == VS_OK && *done) {
      bool whole = l->n_unknown == 0 && l->n_table == l->saved.n_slots;
      if (!whole)
        vs_repair_report_add(l->report, "",
                             "the table of live records is not whole: records that had been deleted may be back");
      l->file = 0;
      l->state = SALVAGE_RECORDS;
    }
  }
  if (status == VS_OK && l->state == SALVAGE_RECORDS) {
    status = take_files(l, VS_FILE_SEGMENT, budget, kib, done, err);
    if (status == VS_OK && *done) l->state = SALVAGE_LOADED;
  }
  *done = l->state == SALVAGE_LOADED;
  return status == VS_OUT_OF_MEMORY ? vs_fail(err, status, "no memory to repair the store") : status;
}

/* ============ The log ============ */

vs_status vs_salvage_frame(vs_salvage *l, uint8_t kind, vs_slice payload) {
  vs_collection *c = l->c;
  vs_record_view v;
  vs_status status = VS_OK;
  if (kind == VS_LOG_UPSERT) {
    status = vs_record_decode(payload, &v);
    if (status == VS_OK) status = put(c, &v);
  } else if (kind == VS_LOG_DELETE && payload.n > 8) {
    uint64_t rev = vs_load_u64(payload.p);
    vs_slice id = {payload.p + 8, payload.n - 8};
    uint32_t slot = vs_coll_find(c, id);
    const vs_body *body = vs_coll_body(c, slot);
    if (rev >= c->next_rev) c->next_rev = rev + 1;
    if (body && body->rev < rev) {
      if (slot < l->n_table) *rev_at(l, slot) = 0; /* gone, not lost */
      status = vs_coll_replay_delete(c, id);
    }
  } else if (kind == VS_LOG_STAGE || kind == VS_LOG_STAGE_BEGIN) {
    if (!l->staged_told) vs_repair_report_add(l->report, "", "vectors gathered for another embedder are given up");
    l->staged_told = true;
  } else {
    status = VS_CORRUPT;
  }
  if (status != VS_CORRUPT) return status;
  vs_repair_report_add(l->report, "", "a log record does not fit the store");
  return VS_OK;
}

void vs_salvage_end(vs_salvage *l) {
  uint64_t lost = 0;
  for (uint32_t slot = 0; slot < l->n_table; slot++) {
    uint64_t rev = *rev_at(l, slot);
    const vs_body *body = vs_coll_body(l->c, slot);
    if (rev != 0 && rev != UNKNOWN && (!body || body->rev < rev)) lost++;
  }
  /* What the table does not speak of, the manifest's count does. */
  bool whole = l->n_unknown == 0 && l->n_table >= l->saved.n_slots;
  if (!whole && l->saved.n_live > (uint64_t)l->c->n_live + lost) lost = l->saved.n_live - l->c->n_live;
  l->report->records = lost;
  l->report->transactions = vs_store_lost_txns(l->store);
}
