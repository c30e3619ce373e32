/* abi_fuzz.c - arbitrary bytes as a sequence of calls on the C ABI, in memory and with a log.
 *
 * Every two bytes choose a call and an argument; byte strings are taken from the rest of the input. The rules that
 * vs_abi.def sets for a host are kept (one operation under way at a time, memory handed in is borrowed for the
 * call, readers are asked after what they read), everything else is not: wrong order, wrong handles of
 * filters, slots that do not exist, malformed records. After it the store verifies, closes and opens again with as many
 * records.
 */
#include <math.h>

#include "../../src/api/vecstore.h"
#include "directory.h"

enum { DIMENSION = 4, MAX_CALLS = 200, MAX_SLOTS = 4096 };

typedef struct {
  const uint8_t *p, *end;
  vs_db *db;
  vs_io *io; /* NULL = memory only */
  bool open;
  bool broken; /* a budget or a fault was set: nothing can be promised but that nothing breaks */
} session;

static uint8_t next(session *s) { return s->p < s->end ? *s->p++ : 0; }

/* Up to n bytes of the input. */
static vs_slice take(session *s, size_t n) {
  size_t left = (size_t)(s->end - s->p);
  vs_slice slice = {s->p, n < left ? n : left};
  s->p += slice.n;
  return slice;
}

static const char *error_of(session *s) { return (const char *)vs_db_error(s->db) + VS_ERROR_MSG_OFFSET; }

/* Runs an operation to its end, or gives it up after some steps. */
static bool finish(session *s, vs_op *op, bool give_up) {
  if (!op) {
    CHECK(error_of(s)[0] != 0);
    return false;
  }
  int32_t answer = VS_STEP_YIELD;
  for (uint32_t steps = 0; answer == VS_STEP_YIELD || answer == VS_STEP_NEED_SYNC; steps++) {
    if (give_up && steps == 2) break;
    answer = vs_op_step(op, give_up ? 0.5 : 1e6);
    for (uint32_t i = 0; answer != VS_STEP_ERROR && vs_op_chunk(op, i); i++) CHECK(vs_op_chunk_bytes(op, i) > 0);
    if (answer == VS_STEP_NEED_SYNC && vs_op_resume(op, vs_sync_self(s->db)) != VS_OK) answer = VS_STEP_ERROR;
    double progress = vs_op_progress(op);
    CHECK(progress >= 0 && progress <= 1);
  }
  if (answer == VS_STEP_DONE && vs_op_result_bytes(op) > 0) CHECK(vs_op_result(op) != NULL);
  bool done = answer == VS_STEP_DONE;
  vs_op_free(op);
  return done;
}

static void open_store(session *s) {
  vs_alloc a;
  vs_wr w;
  vs_alloc_init(&a);
  vs_wr_init(&w, &a);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "storage");
  vs_value_cstring(&w, s->io ? "posix" : "memory");
  vs_value_key(&w, "root");
  vs_value_cstring(&w, "root");
  vs_value_key(&w, "M");
  vs_value_int(&w, 4);
  vs_value_key(&w, "efConstruction");
  vs_value_int(&w, 8);
  vs_value_key(&w, "walRotateBytes");
  vs_value_int(&w, 4096);
  vs_value_end(&w, mark, 5);
  s->db = vs_db_new();
  CHECK(s->db != NULL);
  ((vs_db_state *)(void *)s->db)->io = s->io;
  ((vs_db_state *)(void *)s->db)->io_borrowed = s->io != NULL;
  s->open = finish(s, vs_op_open(s->db, w.p, (uint32_t)w.n), false);
  vs_wr_deinit(&w);
}

/* A sparse vector of up to 3 components, then perhaps bytes of the input as a further part. */
static void add_extra(session *s, vs_wr *w) {
  size_t start = w->n;
  uint32_t n = next(s) & 3, index = next(s) & 7;
  vs_wr_u32(w, 0);
  vs_wr_u32(w, 1);
  vs_wr_u32(w, n);
  for (uint32_t i = 0; i < n; i++) vs_wr_u32(w, index += next(s) & 7);
  for (uint32_t i = 0; i < n; i++) {
    float f = (float)next(s) / 16 - 4;
    vs_wr_bytes(w, &f, sizeof f);
  }
  vs_slice more = take(s, next(s) & 60);
  vs_wr_bytes(w, more.p, more.n);
  vs_store_u32(w->p + start, (uint32_t)(w->n - start));
}

static void add_record(session *s, uint8_t number) {
  vs_alloc a;
  vs_wr w;
  vs_alloc_init(&a);
  vs_wr_init(&w, &a);
  uint8_t kind = number & 0x40 ? VS_TX_DELETE : number & 0x80 ? VS_TX_UPDATE_METADATA : VS_TX_UPSERT;
  uint32_t dim = kind == VS_TX_UPSERT ? DIMENSION : 0;
  size_t mark;
  vs_wr meta;
  vs_wr_init(&meta, &a);
  mark = vs_value_object_begin(&meta);
  vs_value_key(&meta, "n");
  vs_value_int(&meta, number);
  vs_value_end(&meta, mark, 1);
  bool has_extra = kind == VS_TX_UPSERT && (number & 0x20);
  vs_wr_u8(&w, kind);
  vs_wr_u8(&w, has_extra);
  vs_wr_u16(&w, 3);
  vs_wr_u32(&w, dim);
  vs_wr_u32(&w, kind == VS_TX_DELETE ? 0 : (uint32_t)meta.n);
  vs_wr_u32(&w, 0);
  vs_wr_bytes(&w, "sr", 2);
  vs_wr_u8(&w, 'A' + (number & 31));
  pad4(&w);
  for (uint32_t i = 0; i < dim; i++) {
    float f = (float)next(s) / 16 - 4;
    vs_wr_bytes(&w, &f, sizeof f);
  }
  if (kind != VS_TX_DELETE) vs_wr_bytes(&w, meta.p, meta.n);
  if (has_extra) add_extra(s, &w);
  pad4(&w);
  (void)vs_tx_add(s->db, w.p, (uint32_t)w.n);
  vs_wr_deinit(&meta);
  vs_wr_deinit(&w);
}

/* Slots and records answered are there. */
static void check_slot(session *s, uint32_t slot) {
  const vs_abi_record *r = vs_record(s->db, slot);
  CHECK(r && r->id_n > 1 && vs_find(s->db, r->id, r->id_n) == slot);
  CHECK(r->meta_n == 0 || vs_value_check(r->meta, r->meta_n));
}

/* Sparse queries, fusing and MaxSim, of bytes of the input. */
static void hybrid(session *s) {
  _Alignas(8) uint8_t request[256] = {0};
  uint32_t k = next(s) % 20, items[4] = {next(s), 0, 0, 0};
  bool ready = false;
  for (uint32_t i = 0; i < 50 && !ready; i++) ready = vs_sparse_prepare(s->db, next(s)) == 1;
  vs_slice bytes = take(s, next(s) & 0x7f);
  int32_t n = vs_sparse_query(s->db, bytes.p, (uint32_t)bytes.n, k, next(s) % 4);
  CHECK(n <= (int32_t)k);
  const uint8_t *hits = vs_sparse_hits(s->db);
  for (int32_t i = 0; i < n; i++) check_slot(s, vs_load_u32(hits + (size_t)i * VS_TEXT_HIT_BYTES));
  bytes = take(s, sizeof request);
  memcpy(request, bytes.p, bytes.n);
  n = vs_fuse(s->db, request, (uint32_t)bytes.n);
  CHECK(n <= 0 || (uint32_t)n <= vs_load_u32(request + 8));
  if (bytes.n >= 32) (void)vs_maxsim(s->db, items, 1, request, 1 + (request[0] & 1), 1 + (request[1] & 3));
}

static void query(session *s, uint8_t arg) {
  if (arg == 0xff) {
    hybrid(s);
    return;
  }
  float vector[DIMENSION + 1] = {0};
  for (uint32_t i = 0; i < DIMENSION; i++) vector[i] = (float)next(s) / 16 - 4;
  uint32_t k = arg % 20;
  vs_slice extra = arg & 0x80 ? take(s, next(s)) : (vs_slice){NULL, 0};
  int32_t n = vs_query(s->db, vector, arg & 0x40 ? DIMENSION + 1 : DIMENSION, k, arg & 7, arg >> 4 & 3, INFINITY,
                       -INFINITY, (int32_t)(arg >> 5 & 1) * (next(s) % 4), extra.p, (uint32_t)extra.n);
  CHECK(n <= (int32_t)k);
  const uint8_t *hits = vs_query_hits(s->db);
  for (int32_t i = 0; i < n; i++) check_slot(s, vs_load_u32(hits + (size_t)i * VS_HIT_BYTES));
}

static void filter(session *s, uint8_t arg) {
  static const char *const texts[] = {"n > 3", "n IN (1,2,3) OR n IS NULL", "NOT n = 5", "m = 'x'"};
  vs_slice own = take(s, arg & 0x80 ? next(s) : 0);
  const char *text = texts[arg & 3];
  int32_t f = own.n > 0 ? vs_filter_compile(s->db, arg >> 2 & 1, own.p, (uint32_t)own.n, NULL, 0)
                        : vs_filter_compile(s->db, VS_FILTER_TEXT, text, (uint32_t)strlen(text), NULL, 0);
  if (f <= 0) return;
  int32_t n = vs_count_filter(s->db, f);
  CHECK(n <= (int32_t)vs_count(s->db));
  for (uint32_t slot = 0; slot < 8; slot++) (void)vs_filter_test(s->db, f, slot);
  (void)vs_filter_text(s->db, f);
  (void)vs_filter_terms(s->db, f, arg & 7);
  (void)vs_estimate(s->db, 5, 0, 0, f);
  if (!(arg & 0x20)) vs_filter_free(s->db, f);
}

static void scan(session *s, uint8_t arg) {
  uint32_t from = arg & 0x80 ? arg : 0, seen = 0;
  while (from != UINT32_MAX && seen < MAX_SLOTS) {
    int32_t n = vs_scan(s->db, arg & 3, from, 0, 1 + (arg >> 2 & 7));
    if (n < 0) return;
    const uint8_t *slots = vs_scan_slots(s->db);
    for (int32_t i = 0; i < n; i++) check_slot(s, vs_load_u32(slots + (size_t)i * 4));
    seen += (uint32_t)n + 1;
    from = vs_scan_next(s->db);
  }
}

static void snapshot(session *s, uint8_t arg) {
  char name[4] = {'s', (char)('a' + (arg & 3)), (char)next(s), 0};
  uint32_t n = arg & 4 ? 3 : 2;
  bool give_up = arg & 0x40;
  switch (arg >> 3 & 3) {
  case 0: (void)finish(s, vs_op_snapshot(s->db, name, n, 5), give_up); break;
  case 1: (void)finish(s, vs_op_snapshot_drop(s->db, name, n), give_up); break;
  case 2: (void)finish(s, vs_op_snapshot_restore(s->db, name, n), false); break;
  default: CHECK(vs_snapshots(s->db) != NULL || s->broken);
  }
}

static void stage_vectors(session *s, uint8_t arg) {
  if (arg & 1) {
    (void)finish(s, vs_op_reembed(s->db), arg & 2);
    return;
  }
  vs_slice bytes = take(s, next(s));
  (void)finish(s, vs_op_stage(s->db, bytes.p, (uint32_t)bytes.n, 0), false);
  (void)vs_unstaged(s->db, arg);
}

static void call(session *s, uint8_t which, uint8_t arg) {
  vs_slice bytes;
  switch (which % 17) {
  case 0: (void)vs_tx_begin(s->db, arg); break;
  case 1:
  case 2:
  case 3: add_record(s, arg); break;
  case 4:
    bytes = take(s, arg);
    (void)vs_tx_add(s->db, bytes.p, (uint32_t)bytes.n);
    break;
  case 5:
  case 6: (void)finish(s, vs_op_commit(s->db, arg & 1), arg & 0x80); break;
  case 7: vs_tx_abort(s->db); break;
  case 8: (void)finish(s, arg & 1 ? vs_op_optimize(s->db) : vs_op_checkpoint(s->db), arg & 0x80); break;
  case 9: query(s, arg); break;
  case 10: filter(s, arg); break;
  case 11: scan(s, arg); break;
  case 12: snapshot(s, arg); break;
  case 13: stage_vectors(s, arg); break;
  case 14: (void)finish(s, arg & 1 ? vs_op_verify(s->db) : vs_op_export(s->db), arg & 0x80); break;
  case 15:
    (void)vs_tx_delete_filter(s->db, arg & 3);
    CHECK(vs_stats(s->db) != NULL || s->broken);
    (void)vs_record(s->db, arg);
    break;
  default: s->broken = true; vs_test_fail_alloc(s->db, arg & 0x7f, arg >> 7);
  }
}

/* As many records as before, sound, after a close and another opening. */
static void reopen(session *s) {
  uint32_t n = vs_count(s->db);
  bool sound = s->open && !s->broken && !vs_store_poisoned(((vs_db_state *)(void *)s->db)->store);
  if (s->open) {
    vs_tx_abort(s->db);
    bool closed = finish(s, vs_op_close(s->db), false);
    if (sound) CHECK(closed);
  }
  vs_db_free(s->db);
  open_store(s);
  if (sound) CHECK(s->open && vs_count(s->db) == n && findings((vs_db_state *)(void *)s->db) == 0);
  vs_db_free(s->db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  vs_alloc a;
  session s = {.p = data + 1, .end = data + size};
  vs_alloc_init(&a);
  if (data[0] & 1) CHECK(vs_io_mem_create(&a, &s.io) == VS_OK);
  open_store(&s);
  CHECK(s.open);
  for (uint32_t i = 0; i < MAX_CALLS && s.end - s.p >= 2; i++) {
    uint8_t which = next(&s), arg = next(&s);
    call(&s, which, arg);
  }
  vs_test_fail_alloc(s.db, 0, 0);
  if (s.io) {
    s.open = ((vs_db_state *)(void *)s.db)->open;
    reopen(&s);
    s.io->ops->destroy(s.io);
  } else {
    if (((vs_db_state *)(void *)s.db)->open && !s.broken) CHECK(findings((vs_db_state *)(void *)s.db) == 0);
    vs_db_free(s.db);
  }
  CHECK(a.n_live == 0);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/abi"); }

#endif
