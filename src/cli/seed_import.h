/* seed_import.h - `vecstore import --from vecstore-rs`: a directory of the Rust library vecstore into a store. Layer:
 * cli. */
#ifndef VS_CLI_SEED_IMPORT_H
#define VS_CLI_SEED_IMPORT_H

/* Reads the directory `from`, writes the store in `to`, which is made when it is not there. Gives the exit status. */
int cli_seed_import(const char *from, const char *to);

#endif
