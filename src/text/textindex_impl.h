/* textindex_impl.h - what the files of the text index share.
 *
 * Layer: text (L2), internal to it.
 */
#ifndef VS_TEXT_TEXTINDEX_IMPL_H
#define VS_TEXT_TEXTINDEX_IMPL_H

#include "textindex.h"

/* Makes it usable, with nothing in it. VS_OUT_OF_MEMORY: what there is must be given up. */
VS_MUST_USE vs_status vs_textindex_begin(vs_textindex *x);
/* Forgets what was built or read. A source stays. */
void vs_textindex_give_up(vs_textindex *x);
/* The number of a field, a new one if there is none. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_textindex_open_field(vs_textindex *x, vs_slice name, uint32_t *out);
/* A record's words in a field: adds them, or takes them away. VS_OUT_OF_MEMORY, of adding only. */
VS_MUST_USE vs_status vs_textindex_count(vs_textindex *x, uint32_t slot, uint32_t field, uint32_t n_words, bool adds);

/* Reads some of the source, for about `bytes` of budget; *done: it is over and there is no source any more. Whatever is
 * wrong with it: it is forgotten, and so is what was read. */
void vs_text_read_some(vs_textindex *x, double *bytes, bool *done);
/* A slot's text changes while layers are being read. */
void vs_text_read_changed(vs_textindex *x, uint32_t slot);
/* Reading begins again when next asked for. */
void vs_text_read_rewind(vs_textindex *x);
void vs_text_read_forget(vs_textindex *x);

/* The checksum of a row of layers, one number more. */
uint32_t vs_text_layer_sum(uint32_t sum, uint64_t number);

static inline uint8_t vs_text_saved_in(const vs_textindex *x, uint32_t slot) {
  return slot < x->saved.n_items ? *(uint8_t *)vs_blocks_at(&x->saved, slot) : 0;
}
static inline bool vs_text_is_layer(uint8_t saved) { return saved != 0 && saved != VS_TEXT_STALE; }

#endif
