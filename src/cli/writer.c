/* writer.c - batches of passages (writer.h). Layer: cli, over the C ABI. */
#include "writer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A batch: so many bytes of operations, some thousand passages, are gathered before a commit. */
#define BATCH_BYTES ((size_t)2 << 20)
/* A file's operations go into the transaction when they are this long. */
#define SPILL_BYTES ((size_t)1 << 20)
/* A run that wrote this many passages ends with a checkpoint, so that opening need not replay them. */
#define CHECKPOINT_PASSAGES 1000u

void cli_writer_init(cli_writer *w, vs_alloc *a, cli_store *store, vs_embedder *embedder) {
  *w = (cli_writer){.store = store, .embedder = embedder};
  vs_wr *buffers[] = {&w->meta, &w->text, &w->id, &w->operations, &w->first_meta, &w->first_text};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) vs_wr_init(buffers[i], a);
  size_t n = vs_embedder_dimension(embedder);
  w->vector = vs_calloc(a, n, sizeof *w->vector);
  w->first = vs_calloc(a, n, sizeof *w->first);
}

void cli_writer_deinit(cli_writer *w) {
  vs_alloc *a = w->meta.a;
  vs_wr *buffers[] = {&w->meta, &w->text, &w->id, &w->operations, &w->first_meta, &w->first_text};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) vs_wr_deinit(buffers[i]);
  vs_free(a, w->vector);
  vs_free(a, w->first);
}

static bool no_memory(cli_writer *w) {
  if (!w->broken) fputs("vecstore: no memory\n", stderr);
  w->broken = true;
  return false;
}

static bool store_failed(cli_writer *w) {
  cli_store_complain(w->store);
  w->broken = true;
  return false;
}

/* ============ Batches ============ */

static bool run_operation(cli_writer *w, vs_op *op) {
  if (!cli_store_run(w->store, op)) {
    w->broken = true;
    return false;
  }
  return true;
}

static bool checkpoint(cli_writer *w) {
  vs_op *op = vs_op_checkpoint(w->store->db);
  if (!run_operation(w, op)) return false;
  vs_op_free(op);
  w->n_since_checkpoint = 0;
  return true;
}

static bool commit(cli_writer *w) {
  if (!w->staged) return true;
  vs_op *op = vs_op_commit(w->store->db, 0);
  if (!run_operation(w, op)) return false;
  const uint8_t *result = vs_op_result(op);
  bool due = vs_op_result_bytes(op) >= VS_COMMIT_RESULT_BYTES && vs_load_u32(result + 12) != 0;
  vs_op_free(op);
  w->staged = false;
  w->staged_bytes = 0;
  return !due || checkpoint(w);
}

/* Puts the file's operations into the transaction. */
static bool stage(cli_writer *w) {
  vs_wr *ops = &w->operations;
  if (ops->failed) return no_memory(w);
  if (ops->n == 0) return true;
  if (!w->staged && vs_tx_begin(w->store->db, (double)time(NULL) * 1000) != VS_OK) return store_failed(w);
  if (vs_tx_add(w->store->db, ops->p, (uint32_t)ops->n) != VS_OK) return store_failed(w);
  w->staged = true;
  w->staged_bytes += ops->n;
  vs_wr_reset(ops);
  return true;
}

/* ============ A file ============ */

static const char *id_of(cli_writer *w, const char *path, uint32_t n) {
  char number[16];
  int digits = snprintf(number, sizeof number, "#%u", n);
  vs_wr_reset(&w->id);
  vs_wr_bytes(&w->id, path, strlen(path));
  vs_wr_bytes(&w->id, number, (size_t)digits + 1);
  if (w->id.failed) no_memory(w);
  return w->id.failed ? "" : (const char *)w->id.p;
}

void cli_writer_begin_file(cli_writer *w, const char *path, uint32_t n_before) {
  w->path = path;
  w->n_before = n_before;
  w->n = 0;
  w->spilled = false;
  vs_wr_reset(&w->operations);
}

static void text_member(vs_wr *w, const char *key, vs_slice value) {
  vs_value_key(w, key);
  vs_value_string(w, value.p, value.n);
}

static void int_member(vs_wr *w, const char *key, uint64_t value) {
  vs_value_key(w, key);
  vs_value_int(w, (int64_t)value);
}

/* The members of a passage's metadata; gives how many. */
static uint32_t write_members(cli_writer *w, vs_wr *out, const vs_passage *p) {
  text_member(out, "path", (vs_slice){(const uint8_t *)w->path, strlen(w->path)});
  text_member(out, "title", p->title);
  int_member(out, "n", p->n);
  int_member(out, "start", p->start);
  int_member(out, "end", p->end);
  if (p->section.n > 0) text_member(out, "section", p->section);
  if (p->fields.n > 0) {
    vs_value_key(out, "fields");
    vs_wr_bytes(out, p->fields.p, p->fields.n);
  }
  return 5 + (p->section.n > 0) + (p->fields.n > 0);
}

/* A long file goes on: what there is of it may be written. Its old number 0 goes first. */
static bool spill(cli_writer *w) {
  if (!w->spilled && w->n_before > 0) cli_encode_delete(&w->operations, id_of(w, w->path, 0));
  w->spilled = true;
  return stage(w) && commit(w);
}

vs_status cli_writer_add(void *ctx, const vs_passage *p) {
  cli_writer *w = ctx;
  uint32_t dim = vs_embedder_dimension(w->embedder);
  bool first = p->n == 0;
  vs_wr *meta = first ? &w->first_meta : &w->meta, *text = first ? &w->first_text : &w->text;
  float *vector = first ? w->first : w->vector;
  if (!w->vector || !w->first) return no_memory(w) ? VS_OK : VS_OUT_OF_MEMORY;
  vs_wr_reset(meta);
  vs_wr_reset(text);
  vs_value_string(text, p->text.p, p->text.n);
  vs_embedder_embed(w->embedder, p->text.p, p->text.n, vector);
  w->n = p->n + 1;
  if (first) {
    w->n_members = write_members(w, meta, p);
  } else {
    size_t mark = vs_value_object_begin(meta);
    vs_value_end(meta, mark, write_members(w, meta, p));
    cli_encode_upsert(&w->operations, id_of(w, w->path, p->n), vector, dim, (vs_slice){meta->p, meta->n},
                      (vs_slice){text->p, text->n});
  }
  if (meta->failed || text->failed || w->operations.failed) no_memory(w);
  if (!w->broken && w->operations.n >= SPILL_BYTES) spill(w);
  return w->broken ? VS_OUT_OF_MEMORY : VS_OK;
}

static void delete_passages(cli_writer *w, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++) cli_encode_delete(&w->operations, id_of(w, w->path, i));
}

/* Ends the file: commits when the batch is full. */
static bool end(cli_writer *w) {
  if (w->broken || !stage(w)) return false;
  return w->staged_bytes < BATCH_BYTES || commit(w);
}

static void write_first(cli_writer *w, const cli_fingerprint *print) {
  vs_wr_reset(&w->meta);
  size_t mark = vs_value_object_begin(&w->meta);
  vs_wr_bytes(&w->meta, w->first_meta.p, w->first_meta.n);
  cli_fingerprint_write(&w->meta, print, w->n);
  vs_value_end(&w->meta, mark, w->n_members + 1);
  if (w->meta.failed) no_memory(w);
  cli_encode_upsert(&w->operations, id_of(w, w->path, 0), w->first, vs_embedder_dimension(w->embedder),
                    (vs_slice){w->meta.p, w->meta.n}, (vs_slice){w->first_text.p, w->first_text.n});
}

bool cli_writer_end_file(cli_writer *w, const cli_fingerprint *print) {
  if (w->n > 0) write_first(w, print);
  delete_passages(w, w->n, w->n_before);
  w->n_written += w->n;
  w->n_since_checkpoint += w->n;
  return end(w);
}

bool cli_writer_remove_file(cli_writer *w) {
  uint32_t n = w->spilled && w->n > w->n_before ? w->n : w->n_before;
  vs_wr_reset(&w->operations);
  delete_passages(w, 0, n);
  return end(w);
}

bool cli_writer_abandon_file(cli_writer *w) {
  if (w->spilled) return cli_writer_remove_file(w);
  vs_wr_reset(&w->operations);
  return !w->broken;
}

bool cli_writer_touch(cli_writer *w, const char *path, const cli_fingerprint *print, uint32_t passages) {
  cli_writer_begin_file(w, path, passages);
  const char *id = id_of(w, path, 0);
  vs_wr_reset(&w->text);
  vs_wr_u8(&w->text, 's');
  vs_wr_bytes(&w->text, id, strlen(id));
  uint32_t slot = w->text.failed ? UINT32_MAX : vs_find(w->store->db, w->text.p, (uint32_t)w->text.n);
  const vs_abi_record *record = slot == UINT32_MAX ? NULL : vs_record(w->store->db, slot);
  if (!record) return no_memory(w);
  vs_rd r = vs_rd_of(record->meta, record->meta_n);
  vs_value meta = vs_value_read(&r);
  vs_rd members = vs_rd_of(meta.bytes.p, meta.bytes.n);
  uint32_t n = 0;
  vs_wr_reset(&w->meta);
  size_t mark = vs_value_object_begin(&w->meta);
  for (uint32_t i = 0; i < meta.count; i++) {
    const uint8_t *from = members.p;
    vs_slice key = vs_rd_slice(&members);
    vs_value_read(&members);
    if (key.n == 4 && memcmp(key.p, "file", 4) == 0) continue;
    vs_wr_bytes(&w->meta, from, (size_t)(members.p - from));
    n++;
  }
  cli_fingerprint_write(&w->meta, print, passages);
  vs_value_end(&w->meta, mark, n + 1);
  if (w->meta.failed) return no_memory(w);
  cli_encode_upsert(&w->operations, id, record->vector, record->dim, (vs_slice){w->meta.p, w->meta.n},
                    (vs_slice){record->text, record->text_n});
  return end(w);
}

bool cli_writer_finish(cli_writer *w) {
  if (w->broken || !commit(w)) return false;
  return w->n_since_checkpoint < CHECKPOINT_PASSAGES || checkpoint(w);
}
