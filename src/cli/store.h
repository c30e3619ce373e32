/* store.h - one store on files, opened through the C ABI for a command.
 *
 * Layer: cli. Whatever fails has been said on stderr when a function gives false.
 */
#ifndef VS_CLI_STORE_H
#define VS_CLI_STORE_H

#include <stdbool.h>

#include "../api/vecstore.h"
#include "../base/bytes.h"

typedef struct {
  vs_db *db;
  const char *path;
} cli_store;

typedef enum {
  CLI_STORE_EXISTING, /* the directory must be there */
  CLI_STORE_CREATE,   /* made when it is not there */
  CLI_STORE_IMPORT,   /* a new store, out of the bytes given to vs_import_add before */
  CLI_STORE_REPAIR    /* the directory must be there; what can be read is written anew, and a report printed as JSON */
} cli_store_mode;

/* What a new store shall be, and an old one has to be; NULL and 0 = whatever. */
typedef struct {
  const char *embedder, *metric;
  uint32_t dimension, m, ef_construction;
} cli_settings;

/* Opens the store in a directory. With an `embedder` the store must be of that
 * embedder and dimension, or become so. The store's
 * lock file, which the JavaScript wrapper keeps while it has the store
 * open, is respected; none is taken, as WASI has no processes to name. The npm package's
 * program takes it for this one, and says so in the variable VECSTORE_LOCKED. */
bool cli_store_begin(cli_store *store, const char *path);
bool cli_store_open(cli_store *store, cli_store_mode mode, const char *embedder, uint32_t dimension);
bool cli_store_open_with(cli_store *store, cli_store_mode mode, const cli_settings *settings);

/* Runs an operation to its end, syncing on the way. Frees it when it fails. */
bool cli_store_run(cli_store *store, vs_op *op);

/* The next operation of the transaction, encoded for vs_tx_add. `vector` has dim floats. */
void cli_encode_upsert(vs_wr *w, const char *id, const float *vector, uint32_t dim, vs_slice meta, vs_slice text);
void cli_encode_delete(vs_wr *w, const char *id);

/* Says what the last failed call of the store left. */
void cli_store_complain(const cli_store *store);

/* Makes everything durable and frees the store, after a failed opening too. */
bool cli_store_close(cli_store *store);

#endif
