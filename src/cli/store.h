/* store.h - one store on files, opened through the C ABI for a command.
 *
 * Layer: cli. Whatever fails has been said on stderr when a function gives false.
 */
#ifndef VS_CLI_STORE_H
#define VS_CLI_STORE_H

#include <stdbool.h>

#include "../api/vecstore.h"

typedef struct {
  vs_db *db;
  const char *path;
} cli_store;

/* Opens the store in a directory. `fresh`: makes a new one there, out of the
 * bytes given to vs_import_add before; otherwise it must exist. The store's
 * lock file, which the JavaScript wrapper keeps while it has the store
 * open, is respected; none is taken, as WASI has no processes to name. */
bool cli_store_begin(cli_store *store, const char *path);
bool cli_store_open(cli_store *store, bool fresh);

/* Runs an operation to its end, syncing on the way. Frees it when it fails. */
bool cli_store_run(cli_store *store, vs_op *op);

/* Says what the last failed call of the store left. */
void cli_store_complain(const cli_store *store);

/* Makes everything durable and frees the store, after a failed opening too. */
bool cli_store_close(cli_store *store);

#endif
