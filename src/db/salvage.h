/* salvage.h - a collection out of a damaged store.
 *
 * Layer: db. Takes the place of the image loader (image.h) when a store is
 * opened to be repaired: records are taken from whatever segments can be read, by
 * the table of live revisions as far as that can be read, and the graph is built
 * anew from their vectors. Every damage and what could not be saved goes into a report.
 */
#ifndef VS_SALVAGE_H
#define VS_SALVAGE_H

#include "image.h"

typedef struct {
  vs_wr errors; /* encoded {file, what}, one after the other */
  uint32_t n_errors;
  uint64_t records;      /* live ones that could not be saved, as far as can be known */
  uint64_t transactions; /* committed ones whose log is damaged, at least */
} vs_repair_report;

void vs_repair_report_init(vs_repair_report *r, vs_alloc *a);
void vs_repair_report_deinit(vs_repair_report *r);
/* A vs_damage_fn; ctx is the report. */
void vs_repair_report_add(void *ctx, const char *file, const char *what);
/* Encoded {errors: [{file, what}], records, transactions}. */
void vs_repair_report_write(const vs_repair_report *r, vs_wr *w);

typedef struct {
  vs_collection *c;
  vs_store *store; /* of vs_store_salvage */
  vs_repair_report *report;
  vs_config_saved saved; /* n_slots 0 where the manifest is lost */
  enum { SALVAGE_TABLE, SALVAGE_RECORDS, SALVAGE_LOADED } state;
  uint32_t file;
  vs_block_reader *reader;
  vs_rd block;        /* what is left of the segment's block being read */
  vs_blocks rev;      /* uint64_t per slot: the table; UINT64_MAX = not known */
  uint32_t n_table;   /* slots it speaks of */
  uint32_t n_unknown; /* of them not known */
  bool staged_told;
} vs_salvage;

void vs_salvage_init(vs_salvage *l, vs_collection *c, vs_store *store, const vs_config_saved *saved,
                     vs_repair_report *report);
void vs_salvage_deinit(vs_salvage *l);
/* Reads segments and index image. *kib is raised by what was read. */
VS_MUST_USE vs_status vs_salvage_load(vs_salvage *l, double *budget, double *kib, bool *done, vs_err *err);
/* Then, for each frame of the log. */
VS_MUST_USE vs_status vs_salvage_frame(vs_salvage *l, uint8_t kind, vs_slice payload);
/* After the last: counts what is lost. */
void vs_salvage_end(vs_salvage *l);

#endif
