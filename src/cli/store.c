/* store.c - opening, running operations and closing for the commands. Layer: cli, over the C ABI. */
#include "store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../base/alloc.h"
#include "../base/value.h"

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
  while (answer == VS_STEP_YIELD || answer == VS_STEP_NEED_SYNC) {
    answer = vs_op_step(op, 1e9);
    if (answer == VS_STEP_NEED_SYNC && vs_op_resume(op, vs_sync_self(store->db)) != VS_OK) answer = VS_STEP_ERROR;
  }
  if (answer == VS_STEP_DONE) return true;
  cli_store_complain(store);
  if (op) vs_op_free(op);
  return false;
}

/* Whether the directory may be opened: there or not there, as wanted, and nobody's at the moment. */
static bool check_place(const char *path, bool fresh) {
  struct stat st;
  char lock[PATH_BYTES];
  int n = snprintf(lock, sizeof lock, "%s/lock", path);
  if (n < 0 || (size_t)n >= sizeof lock) {
    fprintf(stderr, "vecstore: the path is too long\n");
    return false;
  }
  if (!fresh && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
    fprintf(stderr, "vecstore: %s: no such directory, or the runtime has not opened it to this program\n", path);
    return false;
  }
  if (stat(lock, &st) == 0) {
    fprintf(stderr, "vecstore: %s is open in another program; if none is running, delete %s\n", path, lock);
    return false;
  }
  return true;
}

bool cli_store_open(cli_store *store, bool fresh) {
  if (!check_place(store->path, fresh)) return false;
  vs_alloc memory;
  vs_alloc_init(&memory);
  vs_wr config;
  vs_wr_init(&config, &memory);
  size_t mark = vs_value_object_begin(&config);
  vs_value_key(&config, "storage");
  vs_value_cstring(&config, "posix");
  vs_value_key(&config, "root");
  vs_value_cstring(&config, store->path);
  vs_value_key(&config, "create");
  vs_value_bool(&config, fresh);
  vs_value_key(&config, "import");
  vs_value_bool(&config, fresh);
  vs_value_key(&config, "now");
  vs_value_int(&config, (int64_t)time(NULL) * 1000);
  vs_value_end(&config, mark, 5);
  bool opened = !config.failed;
  if (opened) {
    vs_op *op = vs_op_open(store->db, config.p, (uint32_t)config.n);
    opened = cli_store_run(store, op);
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
