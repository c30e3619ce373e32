/* textindex.h - the inverted index of a collection's texts.
 *
 * Layer: text (L2); knows records by slot and text only. Everything here is
 * derived from the records, so nothing of it may ever fail a write: an index
 * that is refused memory gives itself up and the next text query builds it anew.
 *
 * WHEN. Nothing is built before the first text query; it is built in steps
 * (vs_textindex_build), so that the host can do other things meanwhile. Every
 * write maintains what is built so far, exactly: counts, lengths and their sums
 * are integers, and removing a text undoes what adding it did. There is no part
 * that awaits merging: a posting goes into a block of at most 128, and thin ones are joined
 * at once (P4), so that a write's work is bounded by its own terms.
 *
 * SAVED. What was built can be saved in layers (text_image.h). A store that has
 * some is offered them; building then reads them, and adds what they lack.
 *
 * FIELDS. A text that is a string is in field 0; named texts are in fields of
 * their own, numbered as they come; from the 64th name on they share the last.
 *
 * INVARIANTS
 *   T1  exactly the texts of slots below built_to are in it, and, once what was saved is read, those of a layer.
 *   T2  n_docs is how many of them have a term; a field's n_docs and n_words
 *       how many have one there, and the sum of its lengths.
 *   T3  saved[slot] is the layer that holds the slot's text as it is now, from 1 on; VS_TEXT_STALE where a layer
 *       may hold another text of the slot; 0 where none does.
 */
#ifndef VS_TEXT_TEXTINDEX_H
#define VS_TEXT_TEXTINDEX_H

#include "../base/bitset.h"
#include "analyze.h"
#include "vocabulary.h"

#define VS_TEXT_FIELDS 64u
#define VS_TEXT_LAYERS 60u
#define VS_TEXT_STALE 255u

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

/* Layers that were saved, the oldest first, for reading one at a time. */
typedef struct {
  void *ctx;
  uint32_t (*n_layers)(void *ctx);
  /* Begins a layer's first block, and tells the number its owner knows it by. */
  vs_status (*open)(void *ctx, uint32_t layer, uint64_t *number);
  vs_status (*next)(void *ctx, vs_slice *block); /* borrowed; no bytes: the layer is over */
  void (*close)(void *ctx);                      /* what is open, if anything */
  void (*release)(void *ctx);                    /* the same, and ctx is used no more */
} vs_text_source;

typedef struct {
  uint64_t number;
  uint32_t n_docs, n_live; /* records in it; those whose text still is what it was */
} vs_text_layer;

typedef struct vs_text_reading vs_text_reading; /* text_image_read.c */

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
  uint32_t settings;        /* what the terms depend on: other layers are not read */
  uint64_t epoch;           /* grows with every change */
  vs_text_source source;    /* layers that were not read yet; open NULL: there are none */
  vs_bitset changed;        /* slots that changed since they were saved; only while there is a source */
  vs_text_reading *reading; /* owned: they are being read, or NULL */
  vs_blocks saved;          /* uint8_t by slot (T3) */
  vs_text_layer layer[VS_TEXT_LAYERS];
  uint32_t n_layers;
  uint32_t n_unsaved;                /* changes since the newest layer; 0: there is nothing to save */
  uint32_t n_built, n_read, n_added; /* where its texts came from: records, layers, records that layers lacked */
} vs_textindex;

/* Lives at one address. Usable once configured. */
void vs_textindex_init(vs_textindex *x, vs_alloc *a, const vs_texts *texts, uint64_t hash_seed);
void vs_textindex_deinit(vs_textindex *x);

/* Takes the options of an encoded object (vs_abi.def, option text), or no bytes for the defaults. What was built or
 * saved is given up if terms depend on what changed. VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: nothing changed. */
VS_MUST_USE vs_status vs_textindex_configure(vs_textindex *x, vs_slice options, vs_err *err);

/* After a record came to a slot, before one leaves it. Cannot fail. */
void vs_textindex_added(vs_textindex *x, uint32_t slot, vs_slice text);
void vs_textindex_removing(vs_textindex *x, uint32_t slot, vs_slice text);

/* The records are those that layers were saved with: they are read when they are needed. */
void vs_textindex_offer(vs_textindex *x, const vs_text_source *source);
/* What was saved is as if it were not; what was read of it stays. */
void vs_textindex_unsave(vs_textindex *x);
/* Whether the index says what the records say; one that does not is given up. What was saved or begun is completed
 * first; where there is nothing, there is nothing to check. VS_CORRUPT: it did not; VS_OUT_OF_MEMORY. O(words). */
VS_MUST_USE vs_status vs_textindex_check(vs_textindex *x);

/* Goes on building for about `bytes` of text; *done: it is complete. VS_OUT_OF_MEMORY: it is given up. */
VS_MUST_USE vs_status vs_textindex_build(vs_textindex *x, double bytes, bool *done);
/* Whether anything is there to be kept: built, begun or saved. */
static inline bool vs_textindex_exists(const vs_textindex *x) { return x->begun || x->source.open; }
static inline bool vs_textindex_ready(const vs_textindex *x) { return x->begun && x->built_to == UINT32_MAX; }

/* The number of a named field, or VS_TEXT_FIELDS. */
uint32_t vs_textindex_field(const vs_textindex *x, vs_slice name);
/* Words of a record in a field. */
static inline uint32_t vs_text_length(const vs_text_field *f, uint32_t slot) {
  return slot < f->length.n_items ? *(uint32_t *)vs_blocks_at(&f->length, slot) : 0;
}

size_t vs_textindex_bytes(const vs_textindex *x);
/* Appends what there is as an encoded object: ready, records, terms, bytes, built, read, added. */
void vs_textindex_describe(const vs_textindex *x, vs_wr *w);

#endif
