/* image_write.c - writing a collection's segments and index image (format: image.h).
 *
 * Layer: db. O(slots) to write the table; otherwise in proportion to the records
 * selected (compaction.c) and the graph.
 */
#include <string.h>

#include "image.h"
#include "reembed.h"

/* Blocks of about this size: large enough for sequential speed, small enough
 * that one damaged block is little. */
#define BLOCK_TARGET_BYTES (128u * 1024u)
#define TABLE_SLOTS_PER_BLOCK 8192u

/* segment[slot] while its new segment is being written and has no number yet. */
#define SEG_WRITING UINT32_MAX

void vs_image_writer_init(vs_image_writer *w, vs_collection *c, vs_store *store, bool whole, bool optimize) {
  memset(w, 0, sizeof *w);
  w->c = c;
  w->store = store;
  w->whole = whole;
  w->optimize = optimize;
  vs_wr_init(&w->block, c->a);
  vs_blocks_init(&w->live, c->a, sizeof(uint32_t));
}

void vs_image_writer_deinit(vs_image_writer *w) {
  if (w->writer) vs_block_writer_destroy(w->writer);
  if (w->text.x) vs_text_writer_release(&w->text);
  vs_wr_deinit(&w->block);
  vs_blocks_deinit(&w->live);
}

void vs_image_writer_undo(vs_image_writer *w) {
  if (w->whole) return;
  for (uint32_t slot = 0; slot < w->c->n_slots; slot++) {
    uint32_t number = vs_coll_segment(w->c, slot);
    bool ours = number == SEG_WRITING;
    for (uint32_t i = 0; i < vs_store_pending_n(w->store) && !ours; i++) {
      const vs_file_ref *ref = vs_store_pending(w->store, i);
      ours = ref->kind == VS_FILE_SEGMENT && ref->number == number;
    }
    if (ours) vs_coll_set_segment(w->c, slot, VS_SEG_NONE);
  }
}

/* ============ Records ============ */

static vs_status flush_block(vs_image_writer *w, vs_err *err) {
  if (w->block.failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a block");
  if (w->block.n == 0) return VS_OK;
  VS_TRY(vs_block_writer_append(w->writer, w->block.p, w->block.n, err));
  vs_wr_reset(&w->block);
  return VS_OK;
}

static vs_status finish_file(vs_image_writer *w, vs_err *err) {
  if (!w->writer) return VS_OK;
  vs_status status = flush_block(w, err);
  if (status != VS_OK) return status;
  vs_block_writer *writer = w->writer;
  w->writer = NULL;
  VS_TRY(vs_block_writer_finish(writer, w->n_in_file, err));
  w->n_in_file = 0;
  return VS_OK;
}

/* The segment is complete: its records now know its number. */
static vs_status finish_segment(vs_image_writer *w, vs_err *err) {
  if (!w->writer) return VS_OK;
  VS_TRY(finish_file(w, err));
  if (w->whole) return VS_OK;
  uint64_t number = vs_store_pending(w->store, vs_store_pending_n(w->store) - 1)->number;
  for (uint32_t slot = w->file_first; slot < w->slot; slot++)
    if (vs_coll_segment(w->c, slot) == SEG_WRITING) vs_coll_set_segment(w->c, slot, (uint32_t)number);
  return VS_OK;
}

static void encode_record(vs_image_writer *w, const vs_body *body) {
  uint32_t dim = w->c->has_index ? w->c->config.dim : 0;
  vs_slice payload = vs_body_payload(body);
  vs_wr_u32(&w->block, (uint32_t)vs_record_bytes(body, dim));
  uint8_t *header = vs_wr_space(&w->block, VS_RECORD_HEADER_BYTES);
  if (header) vs_record_encode_header(body, dim, header);
  vs_wr_bytes(&w->block, payload.p, payload.n);
  if (dim) vs_wr_bytes(&w->block, vs_vectors_at(&w->c->vectors, body->slot), (size_t)dim * 4);
}

static vs_status write_record(vs_image_writer *w, const vs_body *body, vs_err *err) {
  if (!w->writer) {
    VS_TRY(vs_block_writer_create(w->store, VS_FILE_SEGMENT, &w->writer, err));
    w->file_first = body->slot;
  }
  encode_record(w, body);
  w->n_in_file++;
  if (!w->whole) vs_coll_set_segment(w->c, body->slot, SEG_WRITING);
  return w->block.n >= BLOCK_TARGET_BYTES || w->block.failed ? flush_block(w, err) : VS_OK;
}

static vs_status write_records(vs_image_writer *w, double *budget, vs_err *err) {
  while (w->slot < w->c->n_slots && *budget > 0) {
    const vs_body *body = vs_coll_body(w->c, w->slot);
    if (body && (w->whole || vs_coll_segment(w->c, w->slot) == VS_SEG_NONE)) {
      VS_TRY(write_record(w, body, err));
      *budget -= (double)vs_record_bytes(body, w->c->config.dim) / 1024;
    }
    w->slot++;
    *budget -= VS_IMAGE_SLOT_COST;
    if (w->writer && vs_block_writer_bytes(w->writer) + w->block.n >= VS_SEGMENT_MAX_BYTES)
      VS_TRY(finish_segment(w, err));
  }
  if (w->slot < w->c->n_slots) return VS_OK;
  VS_TRY(finish_segment(w, err));
  w->slot = 0;
  w->state = IMAGE_SLOTS;
  return VS_OK;
}

/* ============ Slot table and index ============ */

static vs_status image_block(vs_image_writer *w, double *budget, vs_err *err) {
  *budget -= (double)w->block.n / 1024;
  w->n_in_file++;
  VS_TRY(flush_block(w, err));
  if (vs_block_writer_bytes(w->writer) < VS_SEGMENT_MAX_BYTES) return VS_OK;
  VS_TRY(finish_file(w, err));
  return VS_OK;
}

static vs_status open_part(vs_image_writer *w, vs_err *err) {
  return w->writer ? VS_OK : vs_block_writer_create(w->store, VS_FILE_INDEX, &w->writer, err);
}

static vs_status write_table(vs_image_writer *w, double *budget, vs_err *err) {
  while (w->slot < w->c->n_slots && *budget > 0) {
    uint32_t n = w->c->n_slots - w->slot;
    if (n > TABLE_SLOTS_PER_BLOCK) n = TABLE_SLOTS_PER_BLOCK;
    VS_TRY(open_part(w, err));
    vs_wr_u8(&w->block, 1);
    vs_wr_u32(&w->block, w->slot);
    vs_wr_u32(&w->block, n);
    for (uint32_t i = 0; i < n; i++) {
      const vs_body *body = vs_coll_body(w->c, w->slot + i);
      vs_wr_u64(&w->block, body ? body->rev : 0);
    }
    w->slot += n;
    VS_TRY(image_block(w, budget, err));
  }
  if (w->slot == w->c->n_slots) w->state = IMAGE_INDEX;
  return VS_OK;
}

/* The model of trained codes, where there is one. */
static vs_status write_model(vs_image_writer *w, double *budget, bool *done, vs_err *err) {
  *done = !w->c->has_index;
  while (!*done && *budget > 0) {
    vs_wr_u8(&w->block, 20);
    if (vs_index_encode_model(w->c->index, &w->block, done) != VS_OK)
      return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the index image");
    if (w->block.n == 1) {
      vs_wr_reset(&w->block);
    } else {
      VS_TRY(open_part(w, err));
      VS_TRY(image_block(w, budget, err));
    }
  }
  return VS_OK;
}

static vs_status write_index(vs_image_writer *w, double *budget, vs_err *err) {
  bool done = !w->c->has_index || w->index_done;
  if (!done && !w->index_begun) {
    vs_index_encode_begin(w->c->index);
    w->index_begun = true;
  }
  while (!done && *budget > 0) {
    VS_TRY(open_part(w, err));
    vs_wr_u8(&w->block, 2);
    if (vs_index_encode_next(w->c->index, &w->block, &done) != VS_OK)
      return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the index image");
    VS_TRY(image_block(w, budget, err));
  }
  w->index_done = done;
  if (done) VS_TRY(write_model(w, budget, &done, err));
  if (!done) return VS_OK;
  VS_TRY(finish_file(w, err));
  w->slot = 0;
  w->state = IMAGE_STAGED;
  return VS_OK;
}

/* ============ Vectors of another embedder ============ */

static vs_status write_staged(vs_image_writer *w, double *budget, vs_err *err) {
  const vs_reembed *next = w->whole ? NULL : w->c->next;
  if (next && !w->staged_begun) {
    w->staged_begun = true;
    VS_TRY(open_part(w, err));
    vs_wr_u8(&w->block, 3);
    vs_wr_u32(&w->block, next->dim);
    vs_wr_bytes(&w->block, next->name, strlen(next->name));
    VS_TRY(image_block(w, budget, err));
  }
  uint32_t slot = next ? vs_bitset_next(&next->staged, w->slot) : VS_NO_SLOT;
  while (slot != VS_NO_SLOT && *budget > 0) {
    VS_TRY(open_part(w, err));
    vs_wr_u8(&w->block, 4);
    for (; slot != VS_NO_SLOT && w->block.n < BLOCK_TARGET_BYTES; slot = vs_bitset_next(&next->staged, slot + 1)) {
      vs_wr_u32(&w->block, slot);
      vs_wr_bytes(&w->block, vs_vectors_at(&next->vectors, slot), (size_t)next->dim * 4);
      w->slot = slot + 1;
      if (w->block.failed) break;
    }
    VS_TRY(image_block(w, budget, err));
  }
  if (slot != VS_NO_SLOT) return VS_OK;
  VS_TRY(finish_file(w, err));
  w->state = IMAGE_META;
  return VS_OK;
}

/* ============ Metadata indexes ============ */

/* Those that are built; what a manifest of old has is read before it goes. */
static vs_status write_meta(vs_image_writer *w, double *budget, vs_err *err) {
  vs_meta *m = &w->c->meta;
  if (!w->whole) vs_meta_take(m);
  bool done = w->whole || (!w->meta.begun && !m->built);
  while (!done && *budget > 0) {
    VS_TRY(open_part(w, err));
    vs_wr_u8(&w->block, 5);
    vs_meta_encode_next(m, &w->meta, BLOCK_TARGET_BYTES, &w->block, &done);
    *budget -= (double)w->block.n / 1024;
    VS_TRY(flush_block(w, err));
    if (done) m->unsaved = false;
    if (!done && vs_block_writer_bytes(w->writer) >= VS_SEGMENT_MAX_BYTES) VS_TRY(finish_file(w, err));
  }
  if (!done) return VS_OK;
  VS_TRY(finish_file(w, err));
  w->state = IMAGE_TEXT;
  return VS_OK;
}

vs_status vs_image_write(vs_image_writer *w, double *budget, bool *done, vs_err *err) {
  if (w->state < IMAGE_RECORDS) VS_TRY(vs_image_plan(w, budget, err));
  if (w->state == IMAGE_RECORDS) VS_TRY(write_records(w, budget, err));
  if (w->state == IMAGE_SLOTS) VS_TRY(write_table(w, budget, err));
  if (w->state == IMAGE_INDEX) VS_TRY(write_index(w, budget, err));
  if (w->state == IMAGE_STAGED) VS_TRY(write_staged(w, budget, err));
  if (w->state == IMAGE_META) VS_TRY(write_meta(w, budget, err));
  if (w->state == IMAGE_TEXT) {
    *done = !vs_textindex_exists(&w->c->text);
    if (!*done) vs_image_write_text(w, budget, done);
    if (*done) w->state = IMAGE_WRITTEN;
  }
  *done = w->state == IMAGE_WRITTEN;
  return VS_OK;
}
