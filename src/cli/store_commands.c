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

static bool write_chunks(vs_op *op, const char *path) {
  FILE *file = fopen(path, "wb");
  bool written = file != NULL;
  for (uint32_t i = 0; written && vs_op_chunk(op, i); i++) {
    written = fwrite(vs_op_chunk(op, i), 1, vs_op_chunk_bytes(op, i), file) == vs_op_chunk_bytes(op, i);
  }
  if (file && fclose(file) != 0) written = false;
  if (!written) {
    perror(path);
    remove(path);
  }
  return written;
}

static bool export_to(cli_store *store, const char *path) {
  vs_op *op = vs_op_export(store->db);
  if (!cli_store_run(store, op)) return false;
  bool written = write_chunks(op, path);
  vs_op_free(op);
  return written;
}

int cli_run_export(int argc, char **argv) {
  return argc == 3 ? with_store(argv[1], export_to, argv[2]) : wrong_call("export DIRECTORY FILE");
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

int cli_run_import(int argc, char **argv) {
  if (argc != 3) return wrong_call("import FILE DIRECTORY");
  cli_store store;
  if (!cli_store_begin(&store, argv[2])) return EXIT_FAILED;
  if (feed(&store, argv[1]) && cli_store_open(&store, CLI_STORE_IMPORT, NULL, 0)) {
    return cli_store_close(&store) ? EXIT_DONE : EXIT_FAILED;
  }
  vs_db_free(store.db);
  return EXIT_FAILED;
}
