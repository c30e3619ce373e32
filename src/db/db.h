/* db.h - one opened database: the state that every operation works on.
 *
 * Layer: db (L4), internal to it and to api. A directory holds a catalog
 * (catalog.c) and one folder c/<id>/ per collection; a VecStore is a database
 * whose only collection is named "default". Without storage (io NULL) there
 * is no log and nothing is synced.
 */
#ifndef VS_DB_H
#define VS_DB_H

#include "../query/exec.h"
#include "../query/fuse.h"
#include "../store/store.h"
#include "../text/textsearch.h"
#include "collection.h"
#include "filters.h"
#include "tx.h"

#define VS_DEFAULT_COLLECTION "default"
#define VS_DEFAULT_COLLECTION_DIR "c/1"

typedef struct vs_import vs_import; /* pack.h */

typedef struct {
  vs_alloc alloc;
  vs_err err;       /* what the last failed call said; read by the host at fixed offsets */
  vs_io *io;        /* NULL = memory only */
  bool io_borrowed; /* set with `io` by an embedding program before opening: it stays the program's */
  vs_store *store;
  bool coll_ready; /* `coll` is initialised */
  bool open;       /* opening is complete */
  vs_collection coll;
  vs_tx tx;
  vs_import *import;  /* bytes handed in before opening, or NULL */
  bool catalog_dirty; /* the catalog and the directories above the collection await a sync */
  bool catalog_in_flight;
  bool store_in_flight;
  bool checkpoint_running;
  bool in_parts; /* the engine's second part is not there: an opening that needs it fails and sets wants_part */
  bool wants_part;
  bool switching;         /* the vectors of another embedder are taking over: nothing may be written */
  uint64_t n_log_records; /* frames since the checkpoint: the cost of a recovery */
  vs_exec exec;           /* queries: memory and results of the last one */
  vs_filters filters;     /* compiled ones */
  vs_textsearch search;   /* text queries: results of the last one */
  vs_sparse_found sparse; /* sparse queries: the same */
  vs_fuser fuse;          /* fused rankings: the same */
  vs_wr out;              /* encoded results of readers; holds room for a sync's names from opening on */
} vs_db_state;

/* db->alloc must be initialised; everything else is set. */
void vs_db_init(vs_db_state *db);
/* Closes the store and forgets everything, without writing. */
void vs_db_reset(vs_db_state *db);
/* The same, and frees the scratch memory: for the end. */
void vs_db_deinit(vs_db_state *db);

/* Room that a sync's list of names is sure to have: a refused allocation
 * there would count as a failed sync. */
#define VS_SYNC_NAMES_BYTES (64u * 1024u)

/* Writes what must be synced: u32 files, u32 directories, the names. False = nothing. */
bool vs_db_sync_begin(vs_db_state *db, vs_wr *out);
void vs_db_sync_end(vs_db_state *db, vs_status status);
/* A whole sync through the database's own io. */
VS_MUST_USE vs_status vs_db_sync_self(vs_db_state *db);

/* Is a checkpoint worth its cost now? */
bool vs_db_checkpoint_due(const vs_db_state *db);

/* stats as an encoded object. */
void vs_db_stats(const vs_db_state *db, vs_wr *w);

#endif
