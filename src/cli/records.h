/* records.h - records into a store, in atomic batches. Layer: cli, over the C ABI. */
#ifndef VS_CLI_RECORDS_H
#define VS_CLI_RECORDS_H

#include "../base/value.h"
#include "store.h"

typedef struct {
  cli_store *store;
  vs_wr operation;
  bool staged; /* there is a transaction */
  size_t staged_bytes;
  uint64_t inserted, updated;
  uint32_t n_since_checkpoint;
} cli_records;

void cli_records_init(cli_records *w, vs_alloc *a, cli_store *store);
void cli_records_deinit(cli_records *w);

/* Replaces the record of an id (STRING or INT). vector: an ARRAY of numbers, a STRING of base64, or NULL tag for none;
 * meta, text: encoded, or no bytes; extra: of cli_extra_encode, or no bytes. false with what is wrong in *problem: then
 * the batch is gone, those before are written, and nothing more may be added; *problem NULL: the store failed, which
 * has been said. */
bool cli_records_add(cli_records *w, const vs_value *id, const vs_value *vector, vs_slice meta, vs_slice text,
                     vs_slice extra, const char **problem);
/* Commits what is left. */
bool cli_records_finish(cli_records *w);

#endif
