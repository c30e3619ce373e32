/* writer.h - passages into a store, in durable batches.
 *
 * Layer: cli. A file's passages are gathered until they fill a batch or the
 * file ends; a file that fits one batch is written at once or not at all. One
 * that does not is written number 0 last, as known.h says.
 */
#ifndef VS_CLI_WRITER_H
#define VS_CLI_WRITER_H

#include "../embed/embed.h"
#include "../rag/document.h"
#include "known.h"

typedef struct {
  cli_store *store;
  vs_embedder *embedder;
  float *vector; /* owned: of the passage being written */
  vs_wr meta, text, id;
  const char *path;   /* borrowed: of the file being written */
  uint32_t n_before;  /* passages the store has of it */
  uint32_t n;         /* passages now */
  bool spilled;       /* some of the file's operations are in the transaction already */
  vs_wr operations;   /* of the file, not yet in the transaction */
  vs_wr first_meta;   /* members of number 0's metadata */
  vs_wr first_text;   /* its text, encoded */
  uint32_t n_members; /* in first_meta */
  float *first;       /* owned: its vector */
  bool staged;        /* there is a transaction */
  size_t staged_bytes;
  uint32_t n_written;
  uint32_t n_since_checkpoint;
  bool broken; /* the store or memory failed and it has been said: the run is over */
} cli_writer;

/* Nothing is allocated here but by later calls, which set `broken`. */
void cli_writer_init(cli_writer *w, vs_alloc *a, cli_store *store, vs_embedder *embedder);
void cli_writer_deinit(cli_writer *w);

/* Begins a file of which the store has passages 0 .. n_before - 1. */
void cli_writer_begin_file(cli_writer *w, const char *path, uint32_t n_before);
/* A vs_passage_fn. */
vs_status cli_writer_add(void *ctx, const vs_passage *passage);
/* How a file ends: all its passages are there; it has none; it could not be read and stays as it was, as
 * far as that is still possible. false when the run is over. */
bool cli_writer_end_file(cli_writer *w, const cli_fingerprint *print);
bool cli_writer_remove_file(cli_writer *w);
bool cli_writer_abandon_file(cli_writer *w);
/* The file's passages stay; only what is remembered of the file changes. */
bool cli_writer_touch(cli_writer *w, const char *path, const cli_fingerprint *print, uint32_t passages);
/* Commits what is left. */
bool cli_writer_finish(cli_writer *w);

#endif
