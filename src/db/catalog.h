/* catalog.h - db-<generation>: the list of collections at the root of a database.
 *
 * Layer: db. Written once when a database is made. Format, little-endian:
 *   0  4  magic "VSDB"     4  4  format version     8  8  generation
 *   16 4  payload bytes    20 4  CRC-32C of the payload and bytes 0..19
 *   24    payload: encoded object { collections: [{ name, id }], namespaces: [] }
 */
#ifndef VS_CATALOG_H
#define VS_CATALOG_H

#include "../base/io.h"

#define VS_CATALOG_FILE "db-1"

/* What a root directory holds. */
typedef enum { VS_CATALOG_ABSENT, VS_CATALOG_DAMAGED, VS_CATALOG_SOUND } vs_catalog_state;

/* Reads the catalog. A newer format is VS_VERSION; damage is reported by
 * *state, because only the caller knows whether anything can be lost. */
VS_MUST_USE vs_status vs_catalog_read(vs_alloc *a, vs_io *io, vs_catalog_state *state, vs_err *err);

/* Makes the directories of a new database and, unless it is sound, the
 * catalog, replacing a damaged one. Not synced. */
VS_MUST_USE vs_status vs_catalog_create(vs_alloc *a, vs_io *io, vs_catalog_state found, vs_err *err);

#endif
