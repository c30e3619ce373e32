/* records.c - batches of records (records.h). Layer: cli, over the C ABI. */
#include "records.h"

#include <string.h>
#include <time.h>

#include "json_read.h"

/* A batch: so many bytes of operations are gathered before a commit. */
#define BATCH_BYTES ((size_t)2 << 20)
/* A run that wrote this many records ends with a checkpoint, so that opening need not replay them. */
#define CHECKPOINT_RECORDS 1000u
#define MAX_ID_BYTES 1024u
#define MAX_SAFE_INTEGER ((int64_t)1 << 53)

void cli_records_init(cli_records *w, vs_alloc *a, cli_store *store) {
  *w = (cli_records){.store = store};
  vs_wr_init(&w->operation, a);
}

void cli_records_deinit(cli_records *w) {
  if (w->staged) vs_tx_abort(w->store->db);
  vs_wr_deinit(&w->operation);
}

static bool wrong(const char **problem, const char *what) {
  *problem = what;
  return false;
}

/* ============ Encoding ============ */

static bool encode_id(vs_wr *w, const vs_value *id, const char **problem) {
  if (id->tag == VS_VALUE_STRING) {
    if (id->bytes.n == 0 || id->bytes.n > MAX_ID_BYTES) return wrong(problem, "an id must have 1 to 1024 bytes");
    vs_wr_u8(w, 's');
    vs_wr_bytes(w, id->bytes.p, id->bytes.n);
    return true;
  }
  if (id->tag != VS_VALUE_INT || id->i < 0 || id->i >= MAX_SAFE_INTEGER)
    return wrong(problem, "an id must be a string or a whole number from 0 to 2^53 - 1");
  vs_wr_u8(w, 'i');
  vs_wr_u64(w, (uint64_t)id->i);
  return true;
}

static void write_f32(vs_wr *w, float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  vs_wr_u32(w, bits);
}

static bool encode_array(vs_wr *w, const vs_value *vector, const char **problem) {
  vs_rd items = vs_rd_of(vector->bytes.p, vector->bytes.n);
  for (uint32_t i = 0; i < vector->count; i++) {
    vs_value v = vs_value_read(&items);
    float f;
    if (!cli_json_f32(&v, &f)) return wrong(problem, "a component of the vector is no 32-bit float");
    write_f32(w, f);
  }
  return true;
}

static int base64_digit(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Little-endian floats; *n = how many. */
static bool encode_base64(vs_wr *w, vs_slice text, uint32_t *n, const char **problem) {
  size_t start = w->n, digits = text.n;
  uint32_t bits = 0, n_bits = 0;
  while (digits > 0 && text.n - digits < 2 && text.p[digits - 1] == '=') digits--;
  if (text.n % 4 != 0) return wrong(problem, "the vector is text, but not base64");
  for (size_t i = 0; i < digits; i++) {
    int digit = base64_digit(text.p[i]);
    if (digit < 0) return wrong(problem, "the vector is text, but not base64");
    bits = bits << 6 | (uint32_t)digit;
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    vs_wr_u8(w, (uint8_t)(bits >> n_bits));
  }
  size_t bytes = w->n - start;
  if (bytes == 0 || bytes % 4 != 0 || bytes / 4 > UINT32_MAX)
    return wrong(problem, "the vector's base64 is no whole number of 32-bit floats");
  *n = (uint32_t)(bytes / 4);
  return true;
}

static void pad(vs_wr *w) {
  while (w->n % 4 != 0 && !w->failed) vs_wr_u8(w, 0);
}

static bool encode(cli_records *r, const vs_value *id, const vs_value *vector, vs_slice meta, vs_slice text,
                   vs_slice extra, const char **problem) {
  vs_wr *w = &r->operation;
  uint32_t dim = vector->tag == VS_VALUE_ARRAY ? vector->count : 0;
  vs_wr_reset(w);
  vs_wr_u8(w, VS_TX_UPSERT);
  vs_wr_u8(w, extra.n > 0);
  vs_wr_u16(w, 0);
  vs_wr_u32(w, 0);
  vs_wr_u32(w, (uint32_t)meta.n);
  vs_wr_u32(w, (uint32_t)text.n);
  if (!encode_id(w, id, problem)) return false;
  size_t id_bytes = w->n - VS_TX_HEADER_BYTES;
  pad(w);
  if (vector->tag == VS_VALUE_ARRAY && !encode_array(w, vector, problem)) return false;
  if (vector->tag == VS_VALUE_STRING && !encode_base64(w, vector->bytes, &dim, problem)) return false;
  vs_wr_bytes(w, meta.p, meta.n);
  vs_wr_bytes(w, text.p, text.n);
  vs_wr_bytes(w, extra.p, extra.n);
  pad(w);
  if (w->failed || w->n > UINT32_MAX) return wrong(problem, "no memory");
  vs_store_u16(w->p + 2, (uint16_t)id_bytes);
  vs_store_u32(w->p + 4, dim);
  return true;
}

/* ============ Batches ============ */

static bool checkpoint(cli_records *w) {
  vs_op *op = vs_op_checkpoint(w->store->db);
  if (!cli_store_run(w->store, op)) return false;
  vs_op_free(op);
  w->n_since_checkpoint = 0;
  return true;
}

static bool commit(cli_records *w) {
  if (!w->staged) return true;
  vs_op *op = vs_op_commit(w->store->db, 0);
  w->staged = false;
  w->staged_bytes = 0;
  if (!cli_store_run(w->store, op)) return false;
  const uint8_t *result = vs_op_result(op);
  w->inserted += vs_load_u32(result);
  w->updated += vs_load_u32(result + 4);
  w->n_since_checkpoint += vs_load_u32(result) + vs_load_u32(result + 4);
  bool due = vs_load_u32(result + 12) != 0;
  vs_op_free(op);
  return !due || checkpoint(w);
}

bool cli_records_add(cli_records *w, const vs_value *id, const vs_value *vector, vs_slice meta, vs_slice text,
                     vs_slice extra, const char **problem) {
  *problem = NULL;
  if (!encode(w, id, vector, meta, text, extra, problem)) return false;
  const char *said = (const char *)vs_db_error(w->store->db) + VS_ERROR_MSG_OFFSET;
  if (!w->staged && vs_tx_begin(w->store->db, (double)time(NULL) * 1000) != VS_OK) return wrong(problem, said);
  w->staged = true;
  if (vs_tx_add(w->store->db, w->operation.p, (uint32_t)w->operation.n) != VS_OK) return wrong(problem, said);
  w->staged_bytes += w->operation.n;
  return w->staged_bytes < BATCH_BYTES || commit(w);
}

bool cli_records_finish(cli_records *w) {
  if (!commit(w)) return false;
  return w->n_since_checkpoint < CHECKPOINT_RECORDS || checkpoint(w);
}
