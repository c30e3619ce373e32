/* image_text.c - the text index's layers in parts of the index image (formats: image.h, text/text_image.h).
 *
 * Layer: db. A layer is the text parts of one generation, in the order of their
 * part numbers. The files are those of the manifest in force. O(bytes) both ways.
 */
#include <string.h>

#include "image.h"

#define BLOCK_KIND 10u
#define BLOCK_TARGET_BYTES (128u * 1024u)
/* Looking at slots and postings of which nothing is written costs as much as this many KiB. */
#define EMPTY_STEP_COST 64.0

/* ============ Layers of the manifest ============ */

/* The least generation above `after` (or any, without) that has text parts; false: there is none. */
static bool next_generation(const vs_store *s, const uint64_t *after, uint64_t *out) {
  bool found = false;
  for (uint32_t i = 0; i < vs_store_n_files(s); i++) {
    const vs_file_ref *ref = vs_store_file(s, i);
    if (!vs_image_is_text_part(ref) || (after && ref->number <= *after) || (found && ref->number >= *out)) continue;
    *out = ref->number;
    found = true;
  }
  return found;
}

/* The numbers of all layers, oldest first; more than there can be count as none. */
static uint32_t list_layers(const vs_store *s, uint64_t number[VS_TEXT_LAYERS]) {
  uint32_t n = 0;
  uint64_t next;
  while (next_generation(s, n ? &number[n - 1] : NULL, &next)) {
    if (n == VS_TEXT_LAYERS) return 0;
    number[n++] = next;
  }
  return n;
}

/* ============ Reading ============ */

typedef struct {
  vs_alloc *a;
  vs_store *store;
  vs_block_reader *reader;
  uint64_t number;    /* the layer that is open */
  uint32_t next_part; /* parts below were read */
} parts;

static uint32_t source_n_layers(void *ctx) {
  uint64_t number[VS_TEXT_LAYERS];
  return list_layers(((const parts *)ctx)->store, number);
}

static void source_close(void *ctx) {
  parts *p = ctx;
  if (p->reader) vs_block_reader_close(p->reader);
  p->reader = NULL;
}

static vs_status source_open(void *ctx, uint32_t layer, uint64_t *number) {
  parts *p = ctx;
  uint64_t all[VS_TEXT_LAYERS];
  source_close(p);
  if (layer >= list_layers(p->store, all)) return VS_CORRUPT;
  *number = p->number = all[layer];
  p->next_part = 0;
  return VS_OK;
}

/* Opens the part with the least number of those to come; VS_NOT_FOUND: there is none. */
static vs_status open_part(parts *p) {
  uint32_t best = VS_NO_SLOT;
  vs_err ignored;
  for (uint32_t i = 0; i < vs_store_n_files(p->store); i++) {
    const vs_file_ref *ref = vs_store_file(p->store, i);
    if (!vs_image_is_text_part(ref) || ref->number != p->number || ref->part < p->next_part) continue;
    if (best == VS_NO_SLOT || ref->part < vs_store_file(p->store, best)->part) best = i;
  }
  if (best == VS_NO_SLOT) return VS_NOT_FOUND;
  p->next_part = vs_store_file(p->store, best)->part + 1;
  return vs_block_reader_open(p->store, best, &p->reader, &ignored);
}

static vs_status source_next(void *ctx, vs_slice *block) {
  parts *p = ctx;
  vs_err ignored;
  *block = (vs_slice){NULL, 0};
  for (;;) {
    if (!p->reader) {
      vs_status status = open_part(p);
      if (status != VS_OK) return status == VS_NOT_FOUND ? VS_OK : status;
    }
    VS_TRY(vs_block_reader_next(p->reader, block, &ignored));
    if (block->n > 1 && block->p[0] == BLOCK_KIND) {
      *block = (vs_slice){block->p + 1, block->n - 1};
      return VS_OK;
    }
    if (block->n > 0) return VS_CORRUPT;
    source_close(p);
  }
}

static void source_release(void *ctx) {
  parts *p = ctx;
  source_close(p);
  vs_free(p->a, p);
}

void vs_image_offer_text(vs_collection *c, vs_store *store) {
  uint64_t first;
  if (!next_generation(store, NULL, &first)) return;
  parts *p = vs_calloc(c->a, 1, sizeof *p);
  if (!p) return;
  p->a = c->a;
  p->store = store;
  vs_textindex_offer(&c->text,
                     &(vs_text_source){p, source_n_layers, source_open, source_next, source_close, source_release});
}

/* ============ Writing ============ */

/* Decides; w->text is there if there is a layer to write. */
static vs_status begin(vs_image_writer *w) {
  uint64_t number[VS_TEXT_LAYERS];
  bool keep[VS_TEXT_LAYERS] = {false}, writes;
  uint32_t n = list_layers(w->store, number);
  VS_TRY(vs_text_save_begin(&w->text, &w->c->text, number, n, w->spare, keep, &writes));
  for (uint32_t i = 0; i < n; i++)
    if (keep[i]) w->text_kept[w->n_text_kept++] = number[i];
  if (!writes) vs_text_writer_release(&w->text);
  return VS_OK;
}

/* The new layer is there: the others stay, the newest first, so that none stays without those above it. */
static vs_status keep_layers(vs_image_writer *w) {
  vs_err ignored;
  for (uint32_t k = w->n_text_kept; k-- > 0;)
    for (uint32_t i = 0; i < vs_store_n_files(w->store); i++) {
      const vs_file_ref *ref = vs_store_file(w->store, i);
      if (vs_image_is_text_part(ref) && ref->number == w->text_kept[k])
        VS_TRY(vs_store_checkpoint_keep(w->store, i, &ignored));
    }
  return VS_OK;
}

static vs_status finish_part(vs_image_writer *w) {
  vs_err ignored;
  vs_block_writer *writer = w->writer;
  w->writer = NULL;
  return vs_block_writer_finish(writer, VS_TEXT_PART | w->n_in_file, &ignored);
}

/* One block, if the step has found something to write. */
static vs_status write_block(vs_image_writer *w, double *budget, bool *done) {
  vs_err ignored;
  vs_wr_reset(&w->block);
  vs_wr_u8(&w->block, BLOCK_KIND);
  VS_TRY(vs_text_encode_next(&w->text, BLOCK_TARGET_BYTES, &w->block, done));
  *budget -= w->block.n > 1 ? (double)w->block.n / 1024 : EMPTY_STEP_COST;
  if (w->block.n > 1) {
    if (!w->writer) VS_TRY(vs_block_writer_create(w->store, VS_FILE_INDEX, &w->writer, &ignored));
    VS_TRY(vs_block_writer_append(w->writer, w->block.p, w->block.n, &ignored));
    w->n_in_file++;
  }
  if (!*done && (!w->writer || vs_block_writer_bytes(w->writer) < VS_SEGMENT_MAX_BYTES)) return VS_OK;
  VS_TRY(finish_part(w));
  w->n_in_file = 0;
  if (*done) vs_text_save_end(&w->text, vs_store_pending(w->store, vs_store_pending_n(w->store) - 1)->number);
  return VS_OK;
}

void vs_image_write_text(vs_image_writer *w, double *budget, bool *done) {
  vs_status status = VS_OK;
  *done = w->whole;
  if (!*done && !w->text_begun) status = begin(w);
  w->text_begun = true;
  *done = *done || !w->text.x;
  while (!*done && status == VS_OK && *budget > 0) status = write_block(w, budget, done);
  if (*done && status == VS_OK && !w->whole) status = keep_layers(w);
  if (status != VS_OK) {
    if (w->writer) vs_block_writer_destroy(w->writer);
    w->writer = NULL;
    vs_textindex_unsave(&w->c->text);
    *done = true;
  }
  vs_wr_reset(&w->block);
  if (*done) vs_text_writer_release(&w->text);
}
