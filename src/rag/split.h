/* split.h - cuts a flow into passages of a target size.
 *
 * Layer: rag. Knows flows only.
 * Blocks are cut where it hurts least: between paragraphs; a paragraph longer
 * than the target between sentences (code and tables: lines), a sentence
 * longer than that between words, a word longer than that between
 * characters. The pieces are then packed in order, as many as fit.
 *
 * INVARIANTS
 *   S1  a passage has at most `target` characters, its overlap included.
 *   S2  a passage lies in one section: of headings it holds at most those at its beginning.
 *   S3  every character that is not white space is in a passage; in two only where they overlap, and never in three.
 *   S4  passages overlap by at most `overlap` characters, at a word's beginning, never across a heading.
 *   S5  no character is cut. O(bytes of text) in all.
 */
#ifndef VS_RAG_SPLIT_H
#define VS_RAG_SPLIT_H

#include "flow.h"

typedef struct {
  uint32_t target;  /* characters (code points), at least VS_SPLIT_MIN_TARGET */
  uint32_t overlap; /* characters a passage repeats of the one before; at most half the target */
} vs_split_options;

#define VS_SPLIT_MIN_TARGET 16u
#define VS_SPLIT_DEFAULT_TARGET 1000u

VS_MUST_USE vs_status vs_split_check(const vs_split_options *options, vs_err *err);

/* A passage: [start, end) of the flow's text. `section` are the headings above
 * it from the outermost in, " > " between; borrowed for the call. */
typedef vs_status (*vs_piece_fn)(void *ctx, uint32_t start, uint32_t end, vs_slice section);

#define VS_SECTION_LEVELS 6
#define VS_SECTION_NAME_BYTES 240

typedef struct {
  vs_split_options options;
  struct {
    uint32_t n; /* 0: the document has no heading of this level here */
    uint8_t name[VS_SECTION_NAME_BYTES];
  } chain[VS_SECTION_LEVELS]; /* stays from flow to flow of one document */
} vs_splitter;

void vs_splitter_init(vs_splitter *s, const vs_split_options *options);

/* Gives every passage of the flow to fn, in order; a failing fn ends it with its status. */
VS_MUST_USE vs_status vs_split_flow(vs_splitter *s, const vs_flow *f, vs_piece_fn fn, void *ctx);

#endif
