/* textindex.h - the inverted index of a collection's texts.
 *
 * Layer: text (L2); knows records by slot and text only. Everything here is
 * derived from the records, so nothing of it may ever fail a write: an index
 * that is refused memory gives itself up and the next text query builds it anew.
 *
 * WHEN. Nothing is built before the first text query; it is built in steps
 * (vs_textindex_build), so that the host can do other things meanwhile. Every
 * write maintains what is built so far, exactly: counts, lengths and their sums
 * are integers, and removing a text undoes what adding it did.
 *
 * FIELDS. A text that is a string is in field 0; named texts are in fields of
 * their own, numbered as they come; from the 64th name on they share the last.
 *
 * INVARIANTS
 *   T1  exactly the texts of slots below built_to are in it.
 *   T2  n_docs is how many of them have a term; a field's n_docs and n_words
 *       how many have one there, and the sum of its lengths.
 */
#ifndef VS_TEXT_TEXTINDEX_H
#define VS_TEXT_TEXTINDEX_H

#include "analyze.h"
#include "vocabulary.h"

#define VS_TEXT_FIELDS 64u

typedef struct {
  const void *ctx;
  /* The encoded text of the record at a slot (no bytes: none); false when there is no record. */
  bool (*text)(const void *ctx, uint32_t slot, vs_slice *out);
  uint32_t (*n_slots)(const void *ctx);
  /* Its place in the order of insertion. */
  uint64_t (*sequence)(const void *ctx, uint32_t slot);
} vs_texts;

typedef struct {
  uint32_t name, name_n; /* in `names` */
  float weight;
  uint32_t n_docs;
  uint64_t n_words;
  vs_blocks length; /* uint32_t by slot */
} vs_text_field;

typedef struct {
  vs_alloc *a;
  vs_texts texts;
  vs_analyzer analyzer;
  double k1, b;
  vs_wr weights; /* encoded object: names to numbers, or no bytes */
  uint64_t hash_seed;
  bool configured; /* vs_textindex_configure was called */
  bool begun;      /* what follows is there */
  uint32_t built_to;
  vs_vocabulary vocabulary;
  uint32_t n_docs;
  vs_text_field *field; /* VS_TEXT_FIELDS of them */
  uint32_t n_fields;
  vs_wr names;
  vs_blocks tokens, entries; /* scratch of one record */
  uint32_t stamp;
} vs_textindex;

/* Lives at one address. Usable once configured. */
void vs_textindex_init(vs_textindex *x, vs_alloc *a, const vs_texts *texts, uint64_t hash_seed);
void vs_textindex_deinit(vs_textindex *x);

/* Takes the options of an encoded object (vs_abi.def, option text), or no bytes for the defaults. What was built is
 * given up. VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: nothing changed. */
VS_MUST_USE vs_status vs_textindex_configure(vs_textindex *x, vs_slice options, vs_err *err);

/* After a record came to a slot, before one leaves it. Cannot fail. */
void vs_textindex_added(vs_textindex *x, uint32_t slot, vs_slice text);
void vs_textindex_removing(vs_textindex *x, uint32_t slot, vs_slice text);

/* Goes on building for about `bytes` of text; *done: it is complete. VS_OUT_OF_MEMORY: it is given up. */
VS_MUST_USE vs_status vs_textindex_build(vs_textindex *x, double bytes, bool *done);
static inline bool vs_textindex_ready(const vs_textindex *x) { return x->begun && x->built_to == UINT32_MAX; }

/* The number of a named field, or VS_TEXT_FIELDS. */
uint32_t vs_textindex_field(const vs_textindex *x, vs_slice name);
/* Words of a record in a field. */
static inline uint32_t vs_text_length(const vs_text_field *f, uint32_t slot) {
  return slot < f->length.n_items ? *(uint32_t *)vs_blocks_at(&f->length, slot) : 0;
}

size_t vs_textindex_bytes(const vs_textindex *x);
/* Appends what there is as an encoded object: records, terms, bytes, ready. */
void vs_textindex_describe(const vs_textindex *x, vs_wr *w);

#endif
