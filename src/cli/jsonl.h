/* jsonl.h - a store's records out of and into a file of JSON Lines. Layer: cli.
 *
 * Whatever fails has been said on stderr when a function gives false.
 */
#ifndef VS_CLI_JSONL_H
#define VS_CLI_JSONL_H

#include "store.h"

bool cli_jsonl_export(cli_store *store, const char *path);
/* Batches before a wrong line are written; the line is named. */
bool cli_jsonl_import(cli_store *store, const char *path);

#endif
