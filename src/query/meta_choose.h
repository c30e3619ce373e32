/* meta_choose.h - what meta.c and meta_choose.c share.
 *
 * Layer: query (L3), internal to meta*.c and the code that takes fields by name.
 */
#ifndef VS_META_CHOOSE_H
#define VS_META_CHOOSE_H

#include "meta.h"

/* Decides from a sample which fields have which index: opens fields that are
 * new, and fills kind[i] for every field. `discover`: look for fields beyond the
 * overrides. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_meta_choose(vs_meta *m, bool discover, uint8_t kind[VS_META_MAX_FIELDS]);

/* The field with a term's path, indexed or not; NULL. */
vs_meta_field *vs_meta_find(const vs_meta *m, const vs_filter_term *path);
/* A new field without an index, which owns the path now; NULL when there is no room. */
vs_meta_field *vs_meta_open_field(vs_meta *m, vs_filter *path);
/* A field's name, in the filter language's spelling, as a program of one term.
 * VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_meta_compile_path(vs_alloc *a, vs_slice field, vs_filter **out, vs_err *err);
/* Appends the path as an encoded string. */
void vs_meta_write_path(const vs_filter_term *path, vs_wr *w);

#endif
