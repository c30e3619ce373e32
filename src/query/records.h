/* records.h - what queries see of the records: metadata by slot.
 *
 * Layer: query (L3). The owner of the records (db) fills this in; nothing here
 * knows how it keeps them.
 */
#ifndef VS_RECORDS_H
#define VS_RECORDS_H

#include "../base/vs_base.h"

typedef struct {
  const void *ctx;
  /* The metadata of the record at a slot (no bytes for {}); false when there is none. */
  bool (*metadata)(const void *ctx, uint32_t slot, vs_slice *out);
  /* Slots are below this. */
  uint32_t (*n_slots)(const void *ctx);
} vs_records;

#endif
