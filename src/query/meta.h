/* meta.h - the metadata indexes of a collection: which fields have one, and keeping them.
 *
 * Layer: query (L3). Everything here is derived from the records, so nothing of
 * it may ever fail a write: an index that is refused memory gives itself up,
 * queries then read metadata, and the next query builds it anew.
 *
 * WHEN. Nothing is built before the first filter is used (vs_meta_ready); a
 * store that is never filtered pays nothing. From then on every write
 * maintains what there is. What was built can be saved (meta_image.h); a
 * store that has it saved reads it when the first filter is used, and then adds
 * the slots that changed in the meantime.
 *
 * WHICH FIELDS. Overrides decide where there are any: a field has an index of
 * the stated kind, one of the kind that fits, or none. Of all other fields a
 * sample of the records decides, when first built and again whenever the
 * number of records has doubled: a field of scalars or arrays that enough
 * records have gets a value index if its values repeat (or are arrays), else
 * a range index; long texts and fields that hold objects get none (but the
 * fields within objects may).
 */
#ifndef VS_META_H
#define VS_META_H

#include "range_index.h"
#include "records.h"
#include "value_index.h"

#define VS_META_MAX_FIELDS 64u

typedef enum { VS_META_AUTO, VS_META_VALUE, VS_META_RANGE, VS_META_NONE } vs_meta_kind;

typedef struct {
  vs_filter *path; /* EXISTS of the field: owns and spells the path */
  uint8_t asked;   /* vs_meta_kind of the override */
  uint8_t kind;    /* VALUE, RANGE, or NONE: no index */
  bool overridden; /* by the configuration */
  vs_value_index values;
  vs_range_index ranges;
} vs_meta_field;

typedef struct vs_meta_reader vs_meta_reader; /* meta_image.h */

/* Where saved indexes are. */
typedef struct {
  /* Hands every block in order to vs_meta_decode_block, until that or the reading fails. NULL: there are none. */
  vs_status (*read)(void *ctx, vs_meta_reader *r);
  void *ctx;
} vs_meta_saved;

typedef struct {
  vs_alloc *a;
  vs_records records;
  vs_meta_field *field; /* VS_META_MAX_FIELDS of them, or NULL */
  uint32_t n_fields;
  bool built;
  uint32_t reviewed_at; /* records when the fields were chosen */
  uint64_t epoch;       /* grows with every change of a record */
  vs_bitset live;       /* the slots with a record; only while built */
  vs_meta_saved saved;  /* what was saved and not read yet; never while built */
  vs_bitset changed;    /* slots that changed since it was saved; only while there is such */
  bool incomplete;      /* read, but a field that the configuration asks for was not among them */
  bool unsaved;         /* built from the records, not saved since */
  bool from_saved;      /* not built from the records: what is listed may name slots that are empty by now */
} vs_meta;

void vs_meta_init(vs_meta *m, vs_alloc *a, const vs_records *records);
void vs_meta_deinit(vs_meta *m);

/* Sets the overrides: an encoded object (vs_abi.def, option indexes), or no bytes.
 * What was built is given up. VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: nothing changed. */
VS_MUST_USE vs_status vs_meta_configure(vs_meta *m, vs_slice overrides, vs_err *err);

/* After a record came to a slot, before one leaves it. Cannot fail. */
void vs_meta_added(vs_meta *m, uint32_t slot, vs_slice metadata);
void vs_meta_removing(vs_meta *m, uint32_t slot, vs_slice metadata);

/* The records are those that indexes were saved with: they are read when they are needed. */
void vs_meta_offer(vs_meta *m, const vs_meta_saved *saved);
/* Reads what was offered, if it was not read yet; forgets it where that fails. */
void vs_meta_take(vs_meta *m);

/* Whether the indexes say what the records say; those that do not are given up. VS_CORRUPT: they
 * did not; VS_OUT_OF_MEMORY. O(records * fields). */
VS_MUST_USE vs_status vs_meta_check(vs_meta *m);

/* Builds and reviews as needed. VS_OUT_OF_MEMORY. O(1) when there is nothing to do. */
VS_MUST_USE vs_status vs_meta_ready(vs_meta *m);

/* The field of a term, if it has an index. */
const vs_meta_field *vs_meta_field_of(const vs_meta *m, const vs_filter_term *term);
/* Its path as a term. */
static inline const vs_filter_term *vs_meta_path(const vs_meta_field *f) { return &f->path->terms[0]; }

size_t vs_meta_bytes(const vs_meta *m);
/* Appends the indexes as an encoded array of {field, kind, distinct | records, bytes}. */
void vs_meta_describe(const vs_meta *m, vs_wr *w);

#endif
