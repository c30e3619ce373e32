/* known.h - what a store already holds of the user's files.
 *
 * Layer: cli. A file's passages are the records "<path>#0", "<path>#1", ... with metadata
 *   {path, title, section?, n, start, end, fields?}
 * and number 0 has besides
 *   file: {size, mtime, hash, passages, characters, overlap}
 * Number 0 is written last and removed first, so a file whose number 0 is
 * there is whole, wherever a run was interrupted.
 */
#ifndef VS_CLI_KNOWN_H
#define VS_CLI_KNOWN_H

#include "../base/hashmap.h"
#include "../base/value.h"
#include "store.h"

#define CLI_HASH_CHARACTERS 16

/* What tells whether a file must be read again. */
typedef struct {
  uint64_t size;
  int64_t mtime_ms;
  char hash[CLI_HASH_CHARACTERS + 1]; /* of the content, in hexadecimal */
  uint32_t characters, overlap;       /* how it was split */
} cli_fingerprint;

typedef struct {
  char *path; /* owned, tidied */
  cli_fingerprint print;
  uint32_t n;      /* passages: the highest number there is, and one */
  uint32_t stated; /* how many there are by number 0; 0 = it is not there */
  bool seen;       /* it still exists, as far as is known */
} cli_known_file;

typedef struct {
  vs_alloc *a;
  vs_blocks files;
  uint32_t n;
  vs_hashmap by_path;
} cli_known;

void cli_known_init(cli_known *k, vs_alloc *a);
void cli_known_deinit(cli_known *k);
/* Reads it off the store's records. false when memory is refused. */
bool cli_known_load(cli_known *k, const cli_store *store);
/* The file, or NULL. */
cli_known_file *cli_known_find(const cli_known *k, const char *path);
static inline bool cli_known_whole(const cli_known_file *f) { return f->stated > 0 && f->stated == f->n; }
static inline cli_known_file *cli_known_at(const cli_known *k, uint32_t i) { return vs_blocks_at(&k->files, i); }

/* Writes the member `file` of number 0's metadata. */
void cli_fingerprint_write(vs_wr *w, const cli_fingerprint *print, uint32_t passages);

#endif
