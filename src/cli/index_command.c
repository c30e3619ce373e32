/* index_command.c - `vecstore index`: makes a store hold the passages of files, as they are now.
 *
 * Layer: cli. One file after the other: read in pieces, split, embedded,
 * written in batches that are durable before the next begins (writer.c). What is held at a
 * time is the store, the list of files, and one batch.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/utf8.h"
#include "../rag/document.h"
#include "commands.h"
#include "files.h"
#include "known.h"
#include "model.h"
#include "options.h"
#include "progress.h"
#include "writer.h"

enum { PIECE_BYTES = 1 << 16, MAX_PATH_BYTES = 1000 };

/* A file to look at. */
typedef struct {
  char *path; /* owned */
  cli_stat stat;
  uint32_t kind; /* vs_doc_kind */
  bool again;    /* it may have changed: it is to be read */
} candidate;

typedef struct {
  vs_alloc a;
  cli_model model;
  cli_store store;
  cli_known known;
  cli_writer writer;
  cli_progress progress;
  vs_blocks candidates; /* candidate */
  uint32_t n_candidates;
  vs_wr blind; /* paths that could not be looked at, NUL-terminated: what is below them stays */
  cli_stat store_stat;
  bool has_store_stat, quiet;
  const char *extensions; /* comma-separated, or NULL */
  vs_split_options split;
  uint32_t n_new, n_changed, n_same, n_removed, n_skipped, n_failed;
} indexer;

static candidate *candidate_at(const indexer *x, uint32_t i) { return vs_blocks_at(&x->candidates, i); }

static void say(indexer *x, const char *path, const char *what) {
  cli_progress_hide(&x->progress);
  fprintf(stderr, "vecstore: %s: %s\n", path, what);
}

static void fail_file(indexer *x, const char *path, const char *what) {
  say(x, path, what);
  x->n_failed++;
}

/* ============ Finding ============ */

static bool is_wanted(const indexer *x, const char *path) {
  const char *dot = strrchr(path, '.');
  if (!x->extensions) return true;
  for (const char *at = x->extensions; dot && *at != '\0';) {
    at += *at == '.';
    size_t n = strcspn(at, ",");
    if (strlen(dot + 1) == n && memcmp(dot + 1, at, n) == 0) return true;
    at += n + (at[n] == ',');
  }
  return false;
}

/* Puts a file on the list, unless it is there. */
static bool add_candidate(indexer *x, const char *path, const cli_stat *stat, vs_doc_kind kind) {
  size_t n = strlen(path);
  cli_known_file *known = cli_known_find(&x->known, path);
  if (known && known->seen) return true;
  if (known) known->seen = true;
  if (n > MAX_PATH_BYTES) {
    fail_file(x, path, "the path is too long");
    return true;
  }
  if (!vs_utf8_valid(path, n)) {
    fail_file(x, path, "the name is not UTF-8");
    return true;
  }
  char *copy = vs_malloc(&x->a, n + 1);
  if (!copy || vs_blocks_reserve(&x->candidates, x->n_candidates + 1) != VS_OK) {
    vs_free(&x->a, copy);
    return false;
  }
  memcpy(copy, path, n + 1);
  bool same = known && cli_known_whole(known) && known->print.size == stat->size &&
              known->print.mtime_ms == stat->mtime_ms && known->print.characters == x->split.target &&
              known->print.overlap == x->split.overlap;
  *candidate_at(x, x->n_candidates++) = (candidate){copy, *stat, kind, !same};
  return true;
}

static bool find_file(void *ctx, cli_found what, const char *path, const cli_stat *stat) {
  indexer *x = ctx;
  if (what == CLI_FOUND_UNREADABLE) {
    fail_file(x, path, strerror(errno));
    vs_wr_bytes(&x->blind, path, strlen(path) + 1);
    return !x->blind.failed;
  }
  vs_doc_kind kind = vs_doc_kind_of_name((vs_slice){(const uint8_t *)path, strlen(path)});
  if (kind != VS_DOC_NONE && is_wanted(x, path)) return add_candidate(x, path, stat, kind);
  /* It is there, though not to be read: what the store has of it stays. */
  cli_known_file *known = cli_known_find(&x->known, path);
  if (known) known->seen = true;
  return true;
}

/* One operand. A file is taken whatever its ending: as text where that says nothing. */
static bool find_root(indexer *x, const char *root) {
  cli_stat stat;
  if (!cli_stat_path(root, &stat)) {
    if (errno == ENOENT && cli_known_find(&x->known, root)) return true;
    fail_file(x, root, strerror(errno));
    return true;
  }
  if (stat.is_dir) return cli_walk(&x->a, root, x->has_store_stat ? &x->store_stat : NULL, find_file, x);
  vs_doc_kind kind = vs_doc_kind_of_name((vs_slice){(const uint8_t *)root, strlen(root)});
  return add_candidate(x, root, &stat, kind == VS_DOC_NONE ? VS_DOC_TXT : kind);
}

/* Whether the path is the root or below it. */
static bool is_below(const char *path, const char *root) {
  size_t n = strlen(root);
  if (strcmp(root, ".") == 0) return path[0] != '/' && strncmp(path, "../", 3) != 0;
  if (strcmp(root, "/") == 0) return path[0] == '/';
  return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* ============ One file ============ */

static void write_hash(char out[CLI_HASH_CHARACTERS + 1], uint64_t hash) {
  for (int i = CLI_HASH_CHARACTERS - 1; i >= 0; i--, hash >>= 4) out[i] = "0123456789abcdef"[hash & 15];
  out[CLI_HASH_CHARACTERS] = '\0';
}

/* Reads the file piece by piece, hashing it and feeding the document, which may be NULL. */
static vs_status read_file(indexer *x, const candidate *c, vs_document *d, char hash[CLI_HASH_CHARACTERS + 1],
                           vs_err *err) {
  static uint8_t piece[PIECE_BYTES];
  FILE *file = fopen(c->path, "rb");
  if (!file) return vs_fail(err, VS_IO, "%s", strerror(errno));
  vs_status status = VS_OK;
  uint64_t h = 1;
  /* A piece that is not full is the last. */
  for (size_t n = sizeof piece; status == VS_OK && n == sizeof piece;) {
    n = fread(piece, 1, sizeof piece, file);
    h = vs_hash64(h, piece, n);
    if (!d) continue;
    status = vs_document_feed(d, piece, n, err);
    cli_progress_add(&x->progress, n);
  }
  if (status == VS_OK && ferror(file)) status = vs_fail(err, VS_IO, "%s", strerror(errno));
  fclose(file);
  write_hash(hash, h);
  return status == VS_OK && d ? vs_document_finish(d, err) : status;
}

/* The file was touched, but its content and the way it is split are what they were. */
static bool is_untouched(indexer *x, const candidate *c, const cli_known_file *known) {
  char hash[CLI_HASH_CHARACTERS + 1];
  vs_err err;
  if (!known || !cli_known_whole(known) || known->print.size != c->stat.size) return false;
  if (known->print.characters != x->split.target || known->print.overlap != x->split.overlap) return false;
  return read_file(x, c, NULL, hash, &err) == VS_OK && strcmp(hash, known->print.hash) == 0;
}

/* false when the run cannot go on. */
static bool index_file(indexer *x, const candidate *c) {
  const cli_known_file *known = cli_known_find(&x->known, c->path);
  cli_fingerprint print = {c->stat.size, c->stat.mtime_ms, "", x->split.target, x->split.overlap};
  vs_document *d = NULL;
  vs_err err;
  vs_err_clear(&err);
  if (is_untouched(x, c, known)) {
    memcpy(print.hash, known->print.hash, sizeof print.hash);
    cli_progress_add(&x->progress, c->stat.size);
    x->n_same++;
    return cli_writer_touch(&x->writer, c->path, &print, known->n);
  }
  cli_writer_begin_file(&x->writer, c->path, known ? known->n : 0);
  vs_slice name = {(const uint8_t *)c->path, strlen(c->path)};
  vs_status status =
      vs_document_create(&x->a, (vs_doc_kind)c->kind, name, &x->split, cli_writer_add, &x->writer, &d, &err);
  if (status == VS_OK) status = read_file(x, c, d, print.hash, &err);
  vs_document_destroy(d);
  if (x->writer.broken) return false;
  if (status == VS_OK) {
    *(known ? &x->n_changed : &x->n_new) += 1;
    return cli_writer_end_file(&x->writer, &print);
  }
  if (status == VS_UNSUPPORTED) {
    /* What is no text has no passages, whatever it was before. */
    cli_progress_hide(&x->progress);
    fprintf(stderr, "vecstore: skipped %s: %s\n", c->path, err.msg);
    x->n_skipped++;
    return cli_writer_remove_file(&x->writer);
  }
  fail_file(x, c->path, err.msg);
  return cli_writer_abandon_file(&x->writer);
}

static bool index_files(indexer *x) {
  uint64_t bytes = 0;
  uint32_t files = 0;
  for (uint32_t i = 0; i < x->n_candidates; i++) {
    if (!candidate_at(x, i)->again) continue;
    bytes += candidate_at(x, i)->stat.size;
    files++;
  }
  cli_progress_begin(&x->progress, bytes, files, x->quiet);
  x->n_same = x->n_candidates - files;
  for (uint32_t i = 0; i < x->n_candidates; i++) {
    if (!candidate_at(x, i)->again) continue;
    if (!index_file(x, candidate_at(x, i))) return false;
    x->progress.files_done++;
  }
  return true;
}

/* ============ What is gone ============ */

static bool is_blind(const indexer *x, const char *path) {
  for (size_t at = 0; at < x->blind.n; at += strlen((const char *)x->blind.p + at) + 1)
    if (is_below(path, (const char *)x->blind.p + at)) return true;
  return false;
}

static bool remove_vanished(indexer *x, char **roots, int n) {
  for (uint32_t i = 0; i < x->known.n; i++) {
    const cli_known_file *file = cli_known_at(&x->known, i);
    bool below = false;
    for (int j = 0; j < n; j++) below = below || is_below(file->path, roots[j]);
    if (file->seen || !below || is_blind(x, file->path)) continue;
    cli_writer_begin_file(&x->writer, file->path, file->n);
    if (!cli_writer_remove_file(&x->writer)) return false;
    x->n_removed++;
  }
  return true;
}

/* ============ The command ============ */

static bool run_indexer(indexer *x, char **roots, int n) {
  if (!cli_known_load(&x->known, &x->store)) {
    fputs("vecstore: no memory\n", stderr);
    return false;
  }
  x->has_store_stat = cli_stat_path(x->store.path, &x->store_stat);
  for (int i = 0; i < n; i++) {
    cli_tidy_path(roots[i]);
    if (!find_root(x, roots[i])) {
      fputs("vecstore: no memory\n", stderr);
      return false;
    }
  }
  bool done = index_files(x) && remove_vanished(x, roots, n) && cli_writer_finish(&x->writer);
  cli_progress_hide(&x->progress);
  if (!done) return false;
  printf("%u files: %u new, %u changed, %u unchanged, %u removed, %u skipped, %u failed; %u passages written, %u in "
         "the store\n",
         x->n_candidates, x->n_new, x->n_changed, x->n_same, x->n_removed, x->n_skipped, x->n_failed,
         x->writer.n_written, vs_count(x->store.db));
  return x->n_failed == 0;
}

static bool with_model_and_store(indexer *x, const char *model, const char *store, char **roots, int n) {
  if (!cli_model_open(&x->model, &x->a, model)) return false;
  if (!cli_store_begin(&x->store, store)) return false;
  const char *name = vs_embedder_name(x->model.embedder);
  if (!cli_store_open(&x->store, CLI_STORE_CREATE, name, vs_embedder_dimension(x->model.embedder))) {
    vs_db_free(x->store.db);
    return false;
  }
  cli_writer_init(&x->writer, &x->a, &x->store, x->model.embedder);
  bool done = run_indexer(x, roots, n);
  cli_writer_deinit(&x->writer);
  return cli_store_close(&x->store) && done;
}

int cli_run_index(int argc, char **argv) {
  indexer x = {.split = {VS_SPLIT_DEFAULT_TARGET, 0}};
  const char *store = NULL, *model = NULL, *size = NULL, *overlap = NULL;
  const cli_option options[] = {{"--store", &store, NULL},      {"--model", &model, NULL},
                                {"--ext", &x.extensions, NULL}, {"--size", &size, NULL},
                                {"--overlap", &overlap, NULL},  {"--quiet", NULL, &x.quiet}};
  int n = cli_parse_options(argc, argv, options, sizeof options / sizeof options[0]);
  if (n < 0) return EXIT_USAGE;
  if (n == 0 || !store) {
    fputs(n == 0 ? "vecstore: index needs a directory or file\n" : "vecstore: index needs --store PATH\n", stderr);
    return EXIT_USAGE;
  }
  if (size && !cli_parse_number("--size", size, VS_SPLIT_MIN_TARGET, 1000000, &x.split.target)) return EXIT_USAGE;
  if (overlap && !cli_parse_number("--overlap", overlap, 0, x.split.target / 2, &x.split.overlap)) return EXIT_USAGE;
  vs_alloc_init(&x.a);
  cli_known_init(&x.known, &x.a);
  vs_blocks_init(&x.candidates, &x.a, sizeof(candidate));
  vs_wr_init(&x.blind, &x.a);
  bool done = with_model_and_store(&x, model, store, argv, n);
  for (uint32_t i = 0; i < x.n_candidates; i++) vs_free(&x.a, candidate_at(&x, i)->path);
  vs_blocks_deinit(&x.candidates);
  cli_known_deinit(&x.known);
  vs_wr_deinit(&x.blind);
  if (x.model.bytes) cli_model_close(&x.model);
  return done ? EXIT_DONE : EXIT_FAILED;
}
