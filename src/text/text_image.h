/* text_image.h - the text index as layers of blocks of bytes, and back.
 *
 * Layer: text (L2). Knows neither files nor checksums: the owner keeps the blocks
 * of each layer and hands them back (vs_text_source). Whatever is wrong with them
 * costs no more than building the index from the records.
 *
 * LAYERS. A layer holds the texts of some slots as they were when it was
 * written, inverted. Saving writes what no layer holds as a new one and keeps the
 * others, which are never changed (as O'Neil et al. have it in the log-structured
 * merge tree, 1996). A slot counts in the newest layer that names it; a layer also
 * names slots that it has nothing of (gone). Saving again takes into the new layer
 * the texts of its neighbours while they are not larger than it, and those of layers
 * whose texts are half replaced: so there are at most about log2(texts) layers, and
 * a text is written that often at most on its way through them. What is written comes from the index, so
 * that layers are merged without being read.
 *
 * FORMAT, version 1. A block is u8 what, then
 *   0  begin     u8 version, u32 settings (of what terms depend on), u32 checksum of the numbers (u64 each) of the
 *                layers that stayed when this one was written, u8 fields, each: its name
 *   1  docs      until the block ends, slots ascending over all of them: varint (slot - slot before) << 1 | simple;
 *                simple: varint words in field 0; else u8 n, n times: u8 field, varint words
 *   2  gone      until the block ends, ascending: varint slot - slot before
 *   3  postings  pieces until the block ends, ascending in the slots of a term and field:
 *                  u8 bytes shared with the term before in the block, u8 bytes that follow, those,
 *                  u8 field | 64 where it is one posting of one occurrence, varint first slot, then
 *                  alone: varint position; else varint n, u16 parameters of gaps, counts and positions (5 bits each),
 *                  varint bytes, Rice codes (rice.h): per posting the slot's gap to the one before, less 1 (but for the
 *                  first), its count less 1, the first position and the differences (of VS_POSITIONS at most)
 *   4  end       u32 records, u64 postings
 * A difference to the slot before is one to -1 for the first.
 *
 * A layer that is missing would bring old texts back. So the newest one knows the others, and whoever keeps layers sees
 * to it that no older one stays without a newer one that stood when they were decided on.
 *
 * READING takes two passes: docs and gone of all layers, from the newest to the
 * oldest, tell what counts; postings follow from the oldest to the newest, so that most go behind the last of
 * their list. Slots that change meanwhile are taken out at the end. It checks shape, order
 * and that slots have a text, not that a text has its terms: vs_textindex_check does.
 */
#ifndef VS_TEXT_TEXT_IMAGE_H
#define VS_TEXT_TEXT_IMAGE_H

#include "textindex.h"

#define VS_TEXT_IMAGE_VERSION 1u

/* Flag of a piece: one posting of one occurrence. */
#define VS_TEXT_ALONE 64u

enum { VS_TEXT_BEGIN, VS_TEXT_DOCS, VS_TEXT_GONE, VS_TEXT_POSTINGS, VS_TEXT_END };

typedef struct {
  vs_textindex *x;
  uint64_t epoch; /* of the index when it began */
  uint8_t what;   /* the next block */
  uint8_t layer;  /* what x->saved says of its slots; 0: it holds none */
  uint32_t slot;  /* next to look at */
  uint32_t last;  /* slot named last, from -1 on */
  uint32_t n_docs, n_gone;
  uint64_t n_postings;
  uint32_t below; /* checksum of the layers that stay */
  uint32_t first_doc, last_doc;
  uint32_t at, term, entry; /* `at` in the order of terms; entry: the list being written, or VS_NO_TERM */
  uint32_t n_terms;
  bool ordered;    /* else terms come as they are numbered */
  uint32_t before; /* term of the piece before in this block, or VS_NO_TERM */
  vs_cursor cursor;
  vs_wr bits;
  vs_blocks value; /* uint32_t: of a piece */
} vs_text_writer;

/* Decides what is saved, given the numbers of the layers that are there, oldest first: keep[i] says which of them stay,
 * *writes whether there is a new one. `spare`: there is little room. Must be released. VS_OUT_OF_MEMORY: none stays. */
VS_MUST_USE vs_status vs_text_save_begin(vs_text_writer *s, vs_textindex *x, const uint64_t *number, uint32_t n,
                                         bool spare, bool *keep, bool *writes);
/* Appends the next block, of about `target` bytes; no bytes where much was looked at and nothing found. VS_CONFLICT:
 * the index changed meanwhile; VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_text_encode_next(vs_text_writer *s, size_t target, vs_wr *w, bool *done);
/* All blocks are kept, as the layer of that number. */
void vs_text_save_end(vs_text_writer *s, uint64_t number);
void vs_text_writer_release(vs_text_writer *s);

/* Of the layer last opened: takes the slots that it says are gone into x->changed, if that is all that it holds. */
VS_MUST_USE vs_status vs_text_take_gone(vs_textindex *x, bool *taken);

#endif
