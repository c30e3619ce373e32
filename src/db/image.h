/* image.h - a collection's state as block files, and back.
 *
 * Layer: db. Segments hold records; the index image says which are live.
 *
 *   seg block   one or more of: u32 length, encoded record (record.h)
 *   idx block   u8 kind, then
 *                 1  slots: u32 first, u32 n, n * u64 rev (0 = free slot)
 *                 2  one chunk of the index (vs_index_encode_next)
 *                 3  vectors of another embedder follow: u32 dimension, its name
 *                 4  some of them: u32 slot, float32 each; repeated
 *                 5  a block of the metadata indexes (query/meta_image.h)
 *                10  a block of a layer of the text index (text/text_image.h)
 *                20  a piece of the model of trained codes (vs_index_encode_model),
 *                    after the last of kind 2
 *
 * The metadata indexes are in parts of their own, the last ones, whose n_items is
 * 0: an opening passes them by, and they are read when the first filter is used.
 * Nothing depends on them: damaged ones are built anew from the records.
 *
 * The text index is in parts of its own too, whose n_items has VS_TEXT_PART; those of one generation are a
 * layer. An opening passes them by, the first text query reads them, and nothing depends on them. A checkpoint keeps
 * the layers that hold, and writes what they lack.
 *
 * A record of a segment is live iff the slot table holds its rev at its slot;
 * everything else in segments is garbage left by later writes. The slot table
 * comes first, covers every slot once, in order.
 *
 * Writing selects records by slot: those only in the log, those of segments
 * being rewritten, or (whole) all. Both directions work in steps within a budget.
 */
#ifndef VS_IMAGE_H
#define VS_IMAGE_H

#include "../query/meta_image.h"
#include "../store/store.h"
#include "../text/text_image.h"
#include "collection.h"
#include "config.h"

typedef struct {
  vs_collection *c;
  vs_store *store;
  bool whole;    /* write every record and leave the collection's segment numbers alone */
  bool optimize; /* rewrite every segment that holds a dead record */
  enum {
    IMAGE_PLAN,
    IMAGE_COUNT,
    IMAGE_MARK,
    IMAGE_RECORDS,
    IMAGE_SLOTS,
    IMAGE_INDEX,
    IMAGE_STAGED,
    IMAGE_META,
    IMAGE_TEXT,
    IMAGE_WRITTEN
  } state;
  uint32_t slot;       /* next slot to look at */
  uint32_t file_first; /* first slot of the segment being written */
  uint64_t n_in_file;
  bool index_begun, index_done, staged_begun;
  vs_meta_writer meta;
  vs_text_writer text; /* x is NULL while there is no layer to write */
  bool text_begun;
  uint64_t text_kept[VS_TEXT_LAYERS]; /* generations of the layers that stay, once the new one is written */
  uint32_t n_text_kept;
  bool spare; /* there is little room: the text index is left out */
  vs_block_writer *writer;
  vs_wr block;
  vs_blocks live; /* uint32_t per file of the manifest in force: live records */
} vs_image_writer;

void vs_image_writer_init(vs_image_writer *w, vs_collection *c, vs_store *store, bool whole, bool optimize);
void vs_image_writer_deinit(vs_image_writer *w);
/* Between vs_store_checkpoint_begin and _install. *done when all is written.
 * On failure call vs_image_writer_undo before anything else. */
VS_MUST_USE vs_status vs_image_write(vs_image_writer *w, double *budget, bool *done, vs_err *err);
/* compaction.c: decides which segments stay; the records of the others count as unwritten then, and the state is
 * IMAGE_RECORDS. Yields, with the state before it, when the budget is used up. */
VS_MUST_USE vs_status vs_image_plan(vs_image_writer *w, double *budget, vs_err *err);
/* Budget units of looking at a slot. */
#define VS_IMAGE_SLOT_COST (1.0 / 64)
/* At least 1,000 records were deleted whose slots nobody took, a tenth of all, and the segments hold as
 * many dead ones: the next checkpoint gives their space back. O(files). */
bool vs_image_compaction_due(const vs_collection *c, const vs_store *store);
/* The checkpoint failed: the records it wrote count as being in the log only. */
void vs_image_writer_undo(vs_image_writer *w);

/* Whether a file of the manifest holds metadata indexes (or nothing) only. */
static inline bool vs_image_is_meta_part(const vs_file_ref *ref) {
  return ref->kind == VS_FILE_INDEX && ref->n_items == 0;
}
/* Whether it holds a part of the text index. */
#define VS_TEXT_PART (UINT64_C(1) << 63)
static inline bool vs_image_is_text_part(const vs_file_ref *ref) {
  return ref->kind == VS_FILE_INDEX && (ref->n_items & VS_TEXT_PART) != 0;
}
static inline bool vs_image_has_text(const vs_store *store) {
  for (uint32_t i = 0; i < vs_store_n_files(store); i++)
    if (vs_image_is_text_part(vs_store_file(store, i))) return true;
  return false;
}
/* Goes on writing the text index (image_text.c). Whatever fails: it is not saved then. */
void vs_image_write_text(vs_image_writer *w, double *budget, bool *done);
/* The collection is as the manifest says: lets it read the text index from there when it needs it. */
void vs_image_offer_text(vs_collection *c, vs_store *store);
/* The collection is as the manifest says: lets it read the metadata indexes from there when it needs them. */
void vs_image_offer_meta(vs_collection *c, vs_store *store);

typedef struct {
  vs_collection *c;
  vs_store *store;
  enum { LOAD_IMAGE, LOAD_INDEX_END, LOAD_RECORDS, LOAD_IDS, LOAD_FINISH, LOAD_DONE } state;
  uint32_t file; /* of the manifest */
  uint32_t n_slots, n_live;
  uint32_t n_table; /* slots of the table read so far */
  uint32_t slot;    /* next one whose id is to be entered */
  bool index_begun;
  vs_blocks rev; /* uint64_t per slot: the table */
  vs_block_reader *reader;
  /* Set for an import: each file is removed once read, so that the bytes of the
   * image make room for the collection they become. NULL otherwise. */
  vs_io *consumed;
} vs_image_loader;

void vs_image_loader_init(vs_image_loader *l, vs_collection *c, vs_store *store, const vs_config_saved *saved);
void vs_image_loader_deinit(vs_image_loader *l);
VS_MUST_USE vs_status vs_image_load(vs_image_loader *l, double *budget, bool *done, vs_err *err);

#endif
