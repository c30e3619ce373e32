/* files.h - the user's files: finding, reading, and what the terminal is.
 *
 * Layer: cli. The command line's only way to the operating system besides
 * stdio and the store's own directory (store.c).
 */
#ifndef VS_CLI_FILES_H
#define VS_CLI_FILES_H

#include "../base/alloc.h"

typedef struct {
  bool is_dir;
  uint64_t size;
  int64_t mtime_ms;
  uint64_t device, inode;
} cli_stat;

/* false when there is no such thing; errno says why. Links are followed. */
bool cli_stat_path(const char *path, cli_stat *out);

/* A path as it is remembered: no "./" in front, no doubled slash, none at the end; "." for the directory itself. In
 * place. */
void cli_tidy_path(char *path);

typedef enum {
  CLI_FOUND_FILE,
  CLI_FOUND_UNREADABLE /* a directory or entry that cannot be looked at: what is below is unknown */
} cli_found;

/* Called per file; false ends the walk. */
typedef bool (*cli_walk_fn)(void *ctx, cli_found what, const char *path, const cli_stat *stat);

/* Walks a directory, sub-directories included, in no particular order. Names that begin with a dot, node_modules
 * and `except` (a directory, may be NULL) are left out; links to directories are not followed. false when memory is
 * refused or fn ended it. */
bool cli_walk(vs_alloc *a, const char *root, const cli_stat *except, cli_walk_fn fn, void *ctx);

/* The whole file in memory of `a`, which the caller frees; NULL with errno set. */
uint8_t *cli_read_whole(vs_alloc *a, const char *path, size_t *n);

/* Seconds of a clock that does not jump; only differences mean something. */
double cli_seconds(void);
/* Standard error is a terminal, so wide; 0 when it is none. */
unsigned cli_terminal_columns(void);

#endif
