/* golden.c - every kernel on fixed inputs, and searches of a fixed store, as text on stdout.
 *
 * A WASI command linked like the shipped ones, once with each set of kernels.
 * wasi.test.mjs runs it on several runtimes and compares what they print:
 * a kernel's line is its name, the length and five floats as bits, a search's
 * line the metric and the ids found.
 */
#include <stdio.h>
#include <string.h>

#include "../../src/api/vecstore.h"
#include "../../src/base/value.h"
#include "../../src/kernels/kernels.h"

enum { MAX_N = 1024, RECORDS = 600, DIM = 32, QUERIES = 20, K = 10, ID_BYTES = 9 };

static uint32_t state = 20260;

/* A multiple of 2^-12 in [-2, 2): inputs that every runtime has exactly. */
static float number(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(int32_t)(state >> 18) / 4096.0F - 2.0F;
}

static uint32_t bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static void print_kernels(void) {
  static _Alignas(16) float rows[5][MAX_N];
  static const uint32_t lengths[] = {4, 12, 96, 384, 768, 1024};
  const float *const x[4] = {rows[1], rows[2], rows[3], rows[4]};
  for (int r = 0; r < 5; r++) {
    for (int i = 0; i < MAX_N; i++) rows[r][i] = number();
  }
  for (int metric = 0; metric < VS_METRIC_COUNT; metric++) {
    vs_kernel_f32 kernel = vs_kernel_f32_for((vs_metric)metric);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
      float out[4];
      kernel.four(rows[0], x, lengths[i], out);
      printf("kernel %s %u %08x", vs_metric_name((vs_metric)metric), lengths[i],
             bits(kernel.one(rows[0], rows[1], lengths[i])));
      for (int j = 0; j < 4; j++) printf(" %08x", bits(out[j]));
      printf("\n");
    }
  }
}

static void print_dot_i8(void) {
  static _Alignas(16) int8_t a[MAX_N], b[MAX_N];
  for (int i = 0; i < MAX_N; i++) {
    a[i] = (int8_t)(number() * 64.0F);
    b[i] = (int8_t)(number() * 32.0F + 64.0F);
  }
  for (uint32_t n = 16; n <= MAX_N; n *= 2) printf("exact dot_i8 %u %d\n", n, vs_dot_i8_i7(a, b, n));
}

static void run(vs_db *db, vs_op *op) {
  int32_t answer;
  do {
    answer = vs_op_step(op, 1e9);
    if (answer == VS_STEP_NEED_SYNC) vs_op_resume(op, vs_sync_self(db));
  } while (answer != VS_STEP_DONE && answer != VS_STEP_ERROR);
  if (answer == VS_STEP_ERROR) printf("error %s\n", (const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
  vs_op_free(op);
}

/* One operation as vs_abi.def lays it out. */
static void add(vs_db *db, uint32_t id) {
  static _Alignas(4) uint8_t op[VS_TX_HEADER_BYTES + 12 + DIM * 4];
  memset(op, 0, sizeof op);
  op[0] = VS_TX_UPSERT;
  vs_store_u16(op + 2, ID_BYTES);
  vs_store_u32(op + 4, DIM);
  op[VS_TX_HEADER_BYTES] = 'i';
  vs_store_u32(op + VS_TX_HEADER_BYTES + 1, id);
  for (int i = 0; i < DIM; i++) vs_store_u32(op + VS_TX_HEADER_BYTES + 12 + i * 4, bits(number()));
  if (vs_tx_add(db, op, sizeof op) != VS_OK) printf("error %s\n", (const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
}

static void print_hits(vs_db *db, const char *metric, uint32_t flags) {
  float query[DIM];
  for (int i = 0; i < DIM; i++) query[i] = number();
  int32_t n = vs_query(db, query, DIM, K, 0, flags, 1e300, -1e300, 0, NULL, 0);
  const uint8_t *hits = vs_query_hits(db);
  printf("search %s %s", metric, flags ? "exact" : "graph");
  for (int32_t i = 0; i < n; i++) printf(" %u", vs_load_u32(hits + (size_t)i * VS_HIT_BYTES));
  printf("\n");
}

static void print_searches(const char *metric) {
  vs_db *db = vs_db_new();
  vs_alloc memory;
  vs_alloc_init(&memory);
  vs_wr config;
  vs_wr_init(&config, &memory);
  size_t mark = vs_value_object_begin(&config);
  const char *const members[] = {"storage", "memory", "metric", metric, "indexType", "hnsw"};
  for (int i = 0; i < 6; i += 2) {
    vs_value_key(&config, members[i]);
    vs_value_cstring(&config, members[i + 1]);
  }
  vs_value_end(&config, mark, 3);
  run(db, vs_op_open(db, config.p, (uint32_t)config.n));
  vs_wr_deinit(&config);
  if (vs_tx_begin(db, 1e12) != VS_OK) printf("error begin\n");
  for (uint32_t id = 0; id < RECORDS; id++) add(db, id);
  run(db, vs_op_commit(db, 0));
  for (int q = 0; q < QUERIES; q++) print_hits(db, metric, q % 2 ? VS_QUERY_EXACT : 0);
  vs_db_free(db);
}

int main(void) {
  print_kernels();
  print_dot_i8();
  for (int metric = 0; metric < VS_METRIC_COUNT; metric++) print_searches(vs_metric_name((vs_metric)metric));
  return 0;
}
