/* store_commands.c - the commands that look at a whole store or move it: stats, verify, export, import.
 *
 * Layer: cli. Files of exported stores are read and written in pieces, so
 * none is ever held twice.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "json.h"
#include "jsonl.h"
#include "options.h"
#include "seed_import.h"
#include "store.h"

enum { PIECE_BYTES = 1 << 16 };

static int wrong_call(const char *usage) {
  fprintf(stderr, "usage: vecstore %s\n", usage);
  return EXIT_USAGE;
}

/* Opens the store at a path, does one thing with it, closes it. */
static int with_store_opened(const char *path, cli_store_mode mode, bool (*action)(cli_store *, const char *),
                             const char *argument) {
  cli_store store;
  if (!cli_store_begin(&store, path)) return EXIT_FAILED;
  if (!cli_store_open(&store, mode, NULL, 0)) {
    vs_db_free(store.db);
    return EXIT_FAILED;
  }
  bool done = action(&store, argument);
  bool closed = cli_store_close(&store);
  return done && closed ? EXIT_DONE : EXIT_FAILED;
}

static int with_store(const char *path, bool (*action)(cli_store *, const char *), const char *argument) {
  return with_store_opened(path, CLI_STORE_EXISTING, action, argument);
}

/* ============ stats ============ */

static bool print_stats(cli_store *store, const char *unused) {
  (void)unused;
  const uint8_t *stats = vs_stats(store->db);
  if (stats && cli_json_print(stats + 4, vs_load_u32(stats))) return true;
  cli_store_complain(store);
  return false;
}

int cli_run_stats(int argc, char **argv) {
  return argc == 2 ? with_store(argv[1], print_stats, NULL) : wrong_call("stats DIRECTORY");
}

/* ============ verify ============ */

/* Each error as "file: what"; true when there is none. */
static bool print_errors(vs_slice result) {
  vs_rd r = vs_rd_of(result.p, result.n);
  vs_value list = vs_value_read(&r);
  vs_rd items = vs_rd_of(list.bytes.p, list.bytes.n);
  for (uint32_t i = 0; i < list.count; i++) {
    vs_value error = vs_value_read(&items), file = {0}, what = {0};
    vs_value_get(&error, "file", &file);
    vs_value_get(&error, "what", &what);
    printf("%.*s: %.*s\n", (int)file.bytes.n, (const char *)file.bytes.p, (int)what.bytes.n,
           (const char *)what.bytes.p);
  }
  if (list.count == 0) puts("ok");
  return list.count == 0;
}

static bool verify(cli_store *store, const char *unused) {
  (void)unused;
  vs_op *op = vs_op_verify(store->db);
  if (!cli_store_run(store, op)) return false;
  bool sound = print_errors((vs_slice){vs_op_result(op), vs_op_result_bytes(op)});
  vs_op_free(op);
  return sound;
}

int cli_run_verify(int argc, char **argv) {
  if (argc == 2) return with_store(argv[1], verify, NULL);
  int at = argc == 3 && strcmp(argv[1], "--repair") == 0 ? 2 : 1;
  bool repairs = argc == 3 && strcmp(argv[3 - at], "--repair") == 0;
  return repairs ? with_store_opened(argv[at], CLI_STORE_REPAIR, verify, NULL)
                 : wrong_call("verify DIRECTORY [--repair]");
}

/* ============ export ============ */

/* Steps the export and writes each piece as it comes. */
static bool write_pieces(cli_store *store, vs_op *op, FILE *file) {
  int32_t answer = VS_STEP_YIELD;
  while (answer == VS_STEP_YIELD) {
    answer = vs_op_step(op, 1e9);
    for (uint32_t i = 0; answer != VS_STEP_ERROR && vs_op_chunk(op, i); i++) {
      if (fwrite(vs_op_chunk(op, i), 1, vs_op_chunk_bytes(op, i), file) != vs_op_chunk_bytes(op, i)) return false;
    }
  }
  if (answer == VS_STEP_DONE) return true;
  cli_store_complain(store);
  return false;
}

static bool export_to(cli_store *store, const char *path) {
  vs_op *op = vs_op_export(store->db);
  FILE *file = op ? fopen(path, "wb") : NULL;
  bool written = file && write_pieces(store, op, file);
  if (!op) cli_store_complain(store);
  if (file && fclose(file) != 0) written = false;
  if (!written && op) {
    perror(path);
    remove(path);
  }
  if (op) vs_op_free(op);
  return written;
}

/* What --format says; false after a complaint. */
static bool is_known_format(const char *format, bool *jsonl) {
  *jsonl = format && strcmp(format, "jsonl") == 0;
  if (!format || *jsonl || strcmp(format, "portable") == 0) return true;
  fprintf(stderr, "vecstore: option '--format' must be portable or jsonl, not '%s'\n", format);
  return false;
}

int cli_run_export(int argc, char **argv) {
  const char *format = NULL;
  bool jsonl;
  const cli_option options[] = {{"--format", &format, NULL}};
  int n = cli_parse_options(argc, argv, options, 1);
  if (n < 0 || !is_known_format(format, &jsonl)) return EXIT_USAGE;
  if (n != 2) return wrong_call("export DIRECTORY FILE [--format portable|jsonl]");
  return with_store(argv[0], jsonl ? cli_jsonl_export : export_to, argv[1]);
}

/* ============ import ============ */

static bool feed(cli_store *store, const char *path) {
  static char piece[PIECE_BYTES];
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return false;
  }
  bool fed = true;
  while (fed && !feof(file) && !ferror(file)) {
    size_t n = fread(piece, 1, sizeof piece, file);
    fed = vs_import_add(store->db, piece, (uint32_t)n) == VS_OK;
    if (!fed) cli_store_complain(store);
  }
  if (ferror(file)) {
    perror(path);
    fed = false;
  }
  fclose(file);
  return fed;
}

static bool ends_with(const char *text, const char *ending) {
  size_t n = strlen(text), m = strlen(ending);
  return n >= m && strcmp(text + n - m, ending) == 0;
}

static int import_portable(const char *path, const char *directory) {
  cli_store store;
  if (!cli_store_begin(&store, directory)) return EXIT_FAILED;
  if (feed(&store, path) && cli_store_open(&store, CLI_STORE_IMPORT, NULL, 0)) {
    return cli_store_close(&store) ? EXIT_DONE : EXIT_FAILED;
  }
  vs_db_free(store.db);
  return EXIT_FAILED;
}

static int import_jsonl(const char *path, const char *directory) {
  cli_store store;
  if (!cli_store_begin(&store, directory)) return EXIT_FAILED;
  if (!cli_store_open(&store, CLI_STORE_CREATE, NULL, 0)) {
    vs_db_free(store.db);
    return EXIT_FAILED;
  }
  bool done = cli_jsonl_import(&store, path);
  return cli_store_close(&store) && done ? EXIT_DONE : EXIT_FAILED;
}

int cli_run_import(int argc, char **argv) {
  const char *format = NULL, *from = NULL;
  bool jsonl;
  const cli_option options[] = {{"--format", &format, NULL}, {"--from", &from, NULL}};
  int n = cli_parse_options(argc, argv, options, 2);
  if (n < 0 || !is_known_format(format, &jsonl)) return EXIT_USAGE;
  if (from && (strcmp(from, "vecstore-rs") != 0 || format)) {
    fputs("vecstore: option '--from' must be vecstore-rs, and alone\n", stderr);
    return EXIT_USAGE;
  }
  if (n != 2) return wrong_call("import FILE|DIRECTORY STORE [--format portable|jsonl | --from vecstore-rs]");
  if (from) return cli_seed_import(argv[0], argv[1]);
  if (!format) jsonl = ends_with(argv[0], ".jsonl") || ends_with(argv[0], ".ndjson");
  return jsonl ? import_jsonl(argv[0], argv[1]) : import_portable(argv[0], argv[1]);
}
