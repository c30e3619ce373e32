/* store.c - opening, running operations and closing for the commands. Layer: cli, over the C ABI. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../base/alloc.h"
#include "../base/value.h"
#include "json.h"

enum { PATH_BYTES = 4096 };

bool cli_store_begin(cli_store *store, const char *path) {
  *store = (cli_store){vs_db_new(), path};
  if (store->db) return true;
  fprintf(stderr, "vecstore: no memory\n");
  return false;
}

void cli_store_complain(const cli_store *store) {
  const char *error = vs_db_error(store->db);
  const char *file = error + VS_ERROR_FILE_OFFSET;
  fprintf(stderr, "vecstore: %s: %s%s%s\n", store->path, error + VS_ERROR_MSG_OFFSET, *file ? "; file: " : "", file);
}

bool cli_store_run(cli_store *store, vs_op *op) {
  int32_t answer = op ? VS_STEP_YIELD : VS_STEP_ERROR;
  while (answer != VS_STEP_DONE && answer != VS_STEP_ERROR) {
    answer = vs_op_step(op, 1e9);
    bool syncs = answer == VS_STEP_NEED_SYNC || answer == VS_STEP_SYNC_ALONE;
    if (syncs && vs_op_resume(op, vs_sync_self(store->db)) != VS_OK) answer = VS_STEP_ERROR;
  }
  if (answer == VS_STEP_DONE) return true;
  cli_store_complain(store);
  if (op) vs_op_free(op);
  return false;
}

/* Whether the directory may be opened: there or not there, as wanted, and nobody's at the moment. */
static bool check_place(const char *path, cli_store_mode mode) {
  struct stat st;
  char lock[PATH_BYTES];
  int n = snprintf(lock, sizeof lock, "%s/lock", path);
  if (n < 0 || (size_t)n >= sizeof lock) {
    fprintf(stderr, "vecstore: the path is too long\n");
    return false;
  }
  bool must_exist = mode == CLI_STORE_EXISTING || mode == CLI_STORE_REPAIR;
  if (must_exist && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
    fprintf(stderr, "vecstore: %s: no such directory, or the runtime has not opened it to this program\n", path);
    return false;
  }
  if (!getenv("VECSTORE_LOCKED") && stat(lock, &st) == 0) {
    fprintf(stderr, "vecstore: %s is open in another program; if none is running, delete %s\n", path, lock);
    return false;
  }
  return true;
}

/* What opening for repair found, as JSON. */
static bool print_report(vs_op *op) {
  vs_rd r = vs_rd_of(vs_op_result(op), vs_op_result_bytes(op));
  vs_value result = vs_value_read(&r);
  vs_slice report = vs_value_member(&result, "repair");
  return cli_json_print(report.p, report.n);
}

static uint32_t text_member(vs_wr *w, const char *key, const char *text) {
  if (!text) return 0;
  vs_value_key(w, key);
  vs_value_cstring(w, text);
  return 1;
}

static uint32_t number_member(vs_wr *w, const char *key, uint32_t number) {
  if (number == 0) return 0;
  vs_value_key(w, key);
  vs_value_int(w, number);
  return 1;
}

static void encode_config(vs_wr *config, const cli_store *store, cli_store_mode mode, const cli_settings *settings) {
  size_t mark = vs_value_object_begin(config);
  uint32_t n = text_member(config, "storage", "posix") + text_member(config, "root", store->path);
  vs_value_key(config, "create");
  vs_value_bool(config, mode == CLI_STORE_CREATE || mode == CLI_STORE_IMPORT);
  vs_value_key(config, "repair");
  vs_value_bool(config, mode == CLI_STORE_REPAIR);
  vs_value_key(config, "import");
  vs_value_bool(config, mode == CLI_STORE_IMPORT);
  vs_value_key(config, "now");
  vs_value_int(config, (int64_t)time(NULL) * 1000);
  n += 4 + text_member(config, "embedder", settings->embedder) + text_member(config, "metric", settings->metric);
  n += number_member(config, "dimension", settings->dimension) + number_member(config, "M", settings->m);
  n += number_member(config, "efConstruction", settings->ef_construction);
  vs_value_end(config, mark, n);
}

bool cli_store_open(cli_store *store, cli_store_mode mode, const char *embedder, uint32_t dimension) {
  return cli_store_open_with(store, mode, &(cli_settings){.embedder = embedder, .dimension = embedder ? dimension : 0});
}

bool cli_store_open_with(cli_store *store, cli_store_mode mode, const cli_settings *settings) {
  if (!check_place(store->path, mode)) return false;
  vs_alloc memory;
  vs_alloc_init(&memory);
  vs_wr config;
  vs_wr_init(&config, &memory);
  encode_config(&config, store, mode, settings);
  bool opened = !config.failed;
  if (opened) {
    vs_op *op = vs_op_open(store->db, config.p, (uint32_t)config.n);
    opened = cli_store_run(store, op);
    if (opened && mode == CLI_STORE_REPAIR) opened = print_report(op);
    if (opened) vs_op_free(op);
  } else {
    fprintf(stderr, "vecstore: no memory\n");
  }
  vs_wr_deinit(&config);
  return opened;
}

bool cli_store_close(cli_store *store) {
  vs_op *op = vs_op_close(store->db);
  bool closed = cli_store_run(store, op);
  if (closed) vs_op_free(op);
  vs_db_free(store->db);
  return closed;
}

/* ============ Operations of a transaction ============ */

static void pad(vs_wr *w, size_t start) {
  while ((w->n - start) % 4 != 0 && !w->failed) vs_wr_u8(w, 0);
}

/* Header and id, as vs_abi.def lays them out. */
static void encode_head(vs_wr *w, uint8_t kind, const char *id, uint32_t dim, size_t meta, size_t text) {
  size_t n = strlen(id), start = w->n;
  vs_wr_u8(w, kind);
  vs_wr_u8(w, 0);
  vs_wr_u16(w, (uint16_t)(n + 1));
  vs_wr_u32(w, dim);
  vs_wr_u32(w, (uint32_t)meta);
  vs_wr_u32(w, (uint32_t)text);
  vs_wr_u8(w, 's');
  vs_wr_bytes(w, id, n);
  pad(w, start);
}

void cli_encode_upsert(vs_wr *w, const char *id, const float *vector, uint32_t dim, vs_slice meta, vs_slice text) {
  size_t start = w->n;
  encode_head(w, VS_TX_UPSERT, id, dim, meta.n, text.n);
  vs_wr_bytes(w, vector, (size_t)dim * sizeof *vector);
  vs_wr_bytes(w, meta.p, meta.n);
  vs_wr_bytes(w, text.p, text.n);
  pad(w, start);
}

void cli_encode_delete(vs_wr *w, const char *id) { encode_head(w, VS_TX_DELETE, id, 0, 0, 0); }
