/* files.c - the operating system's side of the command line (files.h).
 *
 * Layer: cli. The walk keeps the directories still to visit on a list, not on
 * the stack: no depth overflows it. O(entries).
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1 /* st_mtim and lstat under -std=c11 */
#endif

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/bytes.h"

static void fill(cli_stat *out, const struct stat *st) {
  *out = (cli_stat){.is_dir = S_ISDIR(st->st_mode),
                    .size = (uint64_t)st->st_size,
                    .mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
                    .device = (uint64_t)st->st_dev,
                    .inode = (uint64_t)st->st_ino};
}

bool cli_stat_path(const char *path, cli_stat *out) {
  struct stat st;
  if (stat(path, &st) != 0) return false;
  fill(out, &st);
  return true;
}

void cli_tidy_path(char *path) {
  char *to = path;
  const char *from = path;
  if (*from == '/') *to++ = *from++;
  while (*from != '\0') {
    bool nothing = from[0] == '/' || (from[0] == '.' && (from[1] == '/' || from[1] == '\0'));
    if (nothing) {
      from++;
    } else {
      if (to > path && to[-1] != '/') *to++ = '/';
      while (*from != '\0' && *from != '/') *to++ = *from++;
    }
  }
  if (to == path) *to++ = '.';
  *to = '\0';
}

/* ============ Walking ============ */

typedef struct {
  vs_alloc *a;
  const cli_stat *except;
  cli_walk_fn fn;
  void *ctx;
  vs_wr waiting; /* directories still to visit, NUL-terminated */
  vs_wr path;    /* of the entry being looked at */
} walk;

/* path = directory / name, NUL-terminated; "." in front is not written. */
static const char *join(walk *w, const char *directory, const char *name) {
  vs_wr_reset(&w->path);
  if (strcmp(directory, ".") != 0) {
    vs_wr_bytes(&w->path, directory, strlen(directory));
    if (strcmp(directory, "/") != 0) vs_wr_u8(&w->path, '/');
  }
  vs_wr_bytes(&w->path, name, strlen(name) + 1);
  return w->path.failed ? NULL : (const char *)w->path.p;
}

static bool visit_entry(walk *w, const char *directory, const char *name) {
  if (name[0] == '.' || strcmp(name, "node_modules") == 0) return true;
  const char *path = join(w, directory, name);
  struct stat st, link;
  if (!path) return false;
  if (lstat(path, &link) != 0) return w->fn(w->ctx, CLI_FOUND_UNREADABLE, path, NULL);
  if (stat(path, &st) != 0) {
    /* A link to nothing is nothing. */
    bool dangling = S_ISLNK(link.st_mode) && (errno == ENOENT || errno == ELOOP);
    return dangling || w->fn(w->ctx, CLI_FOUND_UNREADABLE, path, NULL);
  }
  cli_stat found;
  fill(&found, &st);
  if (!found.is_dir) return !S_ISREG(st.st_mode) || w->fn(w->ctx, CLI_FOUND_FILE, path, &found);
  bool same = w->except && w->except->inode == found.inode && w->except->device == found.device;
  if (!same && !S_ISLNK(link.st_mode)) vs_wr_bytes(&w->waiting, path, strlen(path) + 1);
  return !w->waiting.failed;
}

static bool visit_directory(walk *w, const char *directory) {
  DIR *d = opendir(directory);
  if (!d) return w->fn(w->ctx, CLI_FOUND_UNREADABLE, directory, NULL);
  bool going = true;
  const struct dirent *entry;
  errno = 0;
  while (going && (entry = readdir(d)) != NULL) {
    going = visit_entry(w, directory, entry->d_name);
    errno = 0;
  }
  if (going && errno != 0) going = w->fn(w->ctx, CLI_FOUND_UNREADABLE, directory, NULL);
  closedir(d);
  return going;
}

/* Takes the last directory off the list; the caller frees it. */
static char *take_last(walk *w) {
  size_t end = w->waiting.n - 1, start = end;
  while (start > 0 && w->waiting.p[start - 1] != '\0') start--;
  char *directory = vs_malloc(w->a, end - start + 1);
  if (directory) memcpy(directory, w->waiting.p + start, end - start + 1);
  w->waiting.n = start;
  return directory;
}

bool cli_walk(vs_alloc *a, const char *root, const cli_stat *except, cli_walk_fn fn, void *ctx) {
  walk w = {a, except, fn, ctx, {0}, {0}};
  vs_wr_init(&w.waiting, a);
  vs_wr_init(&w.path, a);
  vs_wr_bytes(&w.waiting, root, strlen(root) + 1);
  bool going = !w.waiting.failed;
  while (going && w.waiting.n > 0) {
    char *directory = take_last(&w);
    going = directory && visit_directory(&w, directory);
    vs_free(a, directory);
  }
  vs_wr_deinit(&w.waiting);
  vs_wr_deinit(&w.path);
  return going;
}

/* ============ Reading ============ */

uint8_t *cli_read_whole(vs_alloc *a, const char *path, size_t *n) {
  cli_stat st;
  if (!cli_stat_path(path, &st)) return NULL;
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  *n = st.size < SIZE_MAX / 2 ? (size_t)st.size : 0;
  uint8_t *bytes = vs_malloc(a, *n + 1);
  if (!bytes) errno = ENOMEM;
  if (bytes && fread(bytes, 1, *n, file) != *n) {
    errno = EIO;
    vs_free(a, bytes);
    bytes = NULL;
  }
  fclose(file);
  return bytes;
}

/* ============ Clock and terminal ============ */

double cli_seconds(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 0;
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

unsigned cli_terminal_columns(void) {
  if (!isatty(STDERR_FILENO)) return 0;
  const char *columns = getenv("COLUMNS");
  long n = columns ? strtol(columns, NULL, 10) : 0;
  return n >= 20 && n <= 1000 ? (unsigned)n : 80;
}
