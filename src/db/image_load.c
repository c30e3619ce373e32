/* image_load.c - reading a collection back from its block files (format: image.h).
 *
 * Layer: db. One sequential pass over the index image, one over the segments;
 * trusts nothing beyond what the checksums say about accidents: every slot,
 * count and record is checked, so that crafted files end in VS_CORRUPT.
 */
#include <string.h>

#include "image.h"
#include "reembed.h"

/* Ids entered between two looks at the budget, and what these cost of it. */
#define IDS_AT_ONCE 256u
#define ID_COST 30.0

void vs_image_loader_init(vs_image_loader *l, vs_collection *c, vs_store *store, const vs_config_saved *saved) {
  memset(l, 0, sizeof *l);
  l->c = c;
  l->store = store;
  l->n_slots = saved->n_slots;
  l->n_live = saved->n_live;
  vs_blocks_init(&l->rev, c->a, sizeof(uint64_t));
}

void vs_image_loader_deinit(vs_image_loader *l) {
  if (l->reader) vs_block_reader_close(l->reader);
  vs_blocks_deinit(&l->rev);
}

static vs_status corrupt(const vs_image_loader *l, vs_err *err, const char *what) {
  char name[48] = "";
  if (l->file < vs_store_n_files(l->store)) vs_file_ref_name(vs_store_file(l->store, l->file), name);
  return vs_fail_file(err, VS_CORRUPT, name, "%s: %s", name, what);
}

/* The slot count comes from the manifest; the table must back it, so memory
 * is taken only as its blocks arrive. */
static vs_status load_table(vs_image_loader *l, vs_rd *r, vs_err *err) {
  uint32_t first = vs_rd_u32(r), n = vs_rd_u32(r);
  if (r->failed || first != l->n_table || n > l->n_slots - l->n_table || vs_rd_left(r) != (size_t)n * 8)
    return corrupt(l, err, "malformed slot table");
  if (vs_blocks_reserve(&l->rev, first + n) != VS_OK)
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory to open the store");
  for (uint32_t i = 0; i < n; i++) *(uint64_t *)vs_blocks_at(&l->rev, first + i) = vs_rd_u64(r);
  l->n_table += n;
  return VS_OK;
}

/* All slots are known: makes room for them. */
static vs_status begin_slots(vs_image_loader *l, vs_err *err) {
  vs_collection *c = l->c;
  if (l->n_table != l->n_slots) return corrupt(l, err, "the slot table is incomplete");
  if (vs_coll_prepare_load(c, l->n_slots, l->n_live) != VS_OK)
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory to open the store");
  if (!c->has_index) return VS_OK;
  l->index_begun = true;
  return vs_index_load_begin(c->index, l->n_slots, err) == VS_OK
             ? VS_OK
             : vs_fail(err, VS_OUT_OF_MEMORY, "no memory to open the store");
}

static vs_status load_staged(vs_image_loader *l, uint8_t kind, vs_slice bytes, vs_err *err) {
  if (l->n_table != l->n_slots) return corrupt(l, err, "the slot table is incomplete");
  if (vs_coll_lacks_part(l->c)) return vs_fail(err, VS_UNSUPPORTED, "staged vectors need all of the engine");
  vs_status status = kind == 3 ? vs_reembed_begin(l->c, bytes) : vs_reembed_load(l->c, bytes, &l->rev, l->n_slots);
  if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory to open the store");
  return status == VS_OK ? VS_OK : corrupt(l, err, "malformed vectors of another embedder");
}

static vs_status load_image_block(vs_image_loader *l, vs_slice block, vs_err *err) {
  vs_rd r = vs_rd_of(block.p, block.n);
  uint8_t kind = vs_rd_u8(&r);
  if (kind == 1 && !l->index_begun) return load_table(l, &r, err);
  if (kind == 3 || kind == 4) return load_staged(l, kind, (vs_slice){r.p, vs_rd_left(&r)}, err);
  if ((kind != 2 && kind != 20) || !l->c->has_index) return corrupt(l, err, "unexpected block");
  if (!l->index_begun) VS_TRY(begin_slots(l, err));
  vs_slice bytes = {r.p, vs_rd_left(&r)};
  vs_status status = kind == 2 ? vs_index_load_chunk(l->c->index, bytes, err) : vs_index_load_model(l->c->index, bytes);
  if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory to open the store");
  return status == VS_OK ? VS_OK : corrupt(l, err, "malformed index image");
}

/* One record, if it is a live one. A function of its own, as an engine that compiles in
 * tiers speeds up what is called often. */
static vs_status load_record(vs_image_loader *l, vs_slice bytes, uint32_t segment, vs_err *err) {
  vs_collection *c = l->c;
  vs_record_view v;
  if (vs_record_decode(bytes, &v) != VS_OK) return corrupt(l, err, "malformed record");
  uint32_t slot = v.head.slot;
  if (slot >= l->n_slots || *(uint64_t *)vs_blocks_at(&l->rev, slot) != v.head.rev) return VS_OK;
  if (v.dim != (c->has_index ? c->config.dim : 0)) return corrupt(l, err, "a record of another dimension");
  if (vs_coll_body(c, slot) && vs_coll_body(c, slot)->rev == v.head.rev) return VS_OK;
  vs_status status = c->n_live < l->n_live ? vs_coll_load(c, &v, segment) : VS_CORRUPT;
  if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory to open the store");
  return status == VS_OK ? VS_OK : corrupt(l, err, "a record clashes with another");
}

static vs_status load_segment_block(vs_image_loader *l, vs_slice block, vs_err *err) {
  uint32_t segment = (uint32_t)vs_store_file(l->store, l->file)->number;
  vs_rd r = vs_rd_of(block.p, block.n);
  while (vs_rd_left(&r) > 0) {
    uint32_t n = vs_rd_u32(&r);
    vs_slice bytes = {vs_rd_bytes(&r, n), n};
    if (r.failed) return corrupt(l, err, "malformed record");
    VS_TRY(load_record(l, bytes, segment, err));
  }
  return VS_OK;
}

/* The file was read to its end. */
static vs_status end_file(vs_image_loader *l, vs_err *err) {
  vs_block_reader_close(l->reader);
  l->reader = NULL;
  uint32_t file = l->file++;
  if (!l->consumed) return VS_OK;
  char name[48];
  vs_file_ref_name(vs_store_file(l->store, file), name);
  vs_status status = l->consumed->ops->remove(l->consumed, name);
  return status == VS_OK ? VS_OK : vs_fail_file(err, status, name, "cannot let go of %s", name);
}

/* Reads all files of one kind; *done when the last block was taken. */
static vs_status load_files(vs_image_loader *l, vs_file_kind kind, double *budget, bool *done, vs_err *err) {
  *done = false;
  while (*budget > 0) {
    if (!l->reader) {
      while (l->file < vs_store_n_files(l->store) && (vs_store_file(l->store, l->file)->kind != kind ||
                                                      vs_image_is_text_part(vs_store_file(l->store, l->file)) ||
                                                      vs_image_is_meta_part(vs_store_file(l->store, l->file))))
        l->file++;
      if (l->file == vs_store_n_files(l->store)) {
        *done = true;
        return VS_OK;
      }
      VS_TRY(vs_block_reader_open(l->store, l->file, &l->reader, err));
    }
    vs_slice block;
    VS_TRY(vs_block_reader_next(l->reader, &block, err));
    if (block.n == 0) {
      VS_TRY(end_file(l, err));
      continue;
    }
    VS_TRY(kind == VS_FILE_INDEX ? load_image_block(l, block, err) : load_segment_block(l, block, err));
    *budget -= (double)block.n / 1024 + 1;
  }
  return VS_OK;
}

/* Enters all records into the table of ids: by itself this loop keeps several of its cache misses in flight. */
static vs_status load_ids(vs_image_loader *l, double *budget, bool *done, vs_err *err) {
  for (; l->slot < l->n_slots && *budget > 0; *budget -= ID_COST) {
    uint32_t end = l->n_slots - l->slot < IDS_AT_ONCE ? l->n_slots : l->slot + IDS_AT_ONCE;
    for (; l->slot < end; l->slot++)
      if (!vs_coll_load_id(l->c, l->slot)) return corrupt(l, err, "a record clashes with another");
  }
  *done = l->slot == l->n_slots;
  return VS_OK;
}

static vs_status check_complete(vs_image_loader *l, vs_err *err) {
  vs_collection *c = l->c;
  if (c->n_live != l->n_live) return corrupt(l, err, "records are missing from the segments");
  for (uint32_t slot = 0; slot < l->n_slots; slot++) {
    bool live = *(uint64_t *)vs_blocks_at(&l->rev, slot) != 0;
    if (live != (vs_coll_body(c, slot) != NULL)) return corrupt(l, err, "records are missing from the segments");
    if (c->has_index && live != vs_index_contains(c->index, slot))
      return corrupt(l, err, "the index and the records disagree");
  }
  return vs_coll_rebuild_free(c) == VS_OK ? VS_OK : vs_fail(err, VS_OUT_OF_MEMORY, "no memory to open the store");
}

vs_status vs_image_load(vs_image_loader *l, double *budget, bool *done, vs_err *err) {
  bool read = false;
  *done = false;
  if (l->state == LOAD_IMAGE) {
    VS_TRY(load_files(l, VS_FILE_INDEX, budget, &read, err));
    if (!read) return VS_OK;
    if (!l->index_begun) VS_TRY(begin_slots(l, err));
    l->state = LOAD_INDEX_END;
  }
  if (l->state == LOAD_INDEX_END) {
    vs_status status = l->c->has_index ? vs_index_load_end(l->c->index, err) : VS_OK;
    if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory to open the store");
    if (status != VS_OK) return corrupt(l, err, "the index image breaks its invariants");
    l->file = 0;
    l->state = LOAD_RECORDS;
  }
  if (l->state == LOAD_RECORDS) {
    VS_TRY(load_files(l, VS_FILE_SEGMENT, budget, &read, err));
    if (!read) return VS_OK;
    l->state = LOAD_IDS;
  }
  if (l->state == LOAD_IDS) {
    VS_TRY(load_ids(l, budget, &read, err));
    if (!read) return VS_OK;
    l->state = LOAD_FINISH;
  }
  if (l->state == LOAD_FINISH) {
    VS_TRY(check_complete(l, err));
    if (!l->consumed) vs_image_offer_meta(l->c, l->store);
    if (!l->consumed && vs_image_has_text(l->store)) vs_image_offer_text(l->c, l->store);
    l->state = LOAD_DONE;
  }
  *done = true;
  return VS_OK;
}
