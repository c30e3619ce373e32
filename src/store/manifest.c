/* manifest.c - the file that says what is live.
 *
 * Layer: store. Format: format.h. Written in one piece under a name that
 * never existed before, read in one piece, decoded by a total function that
 * allocates no more than the file's length suggests.
 */
#include "store_impl.h"

#include "../base/crc32c.h"

#include <string.h>

void vs_snapshot_deinit(vs_alloc *a, vs_snapshot *s) {
  vs_free(a, s->name);
  vs_free(a, s->file);
  vs_free(a, s->blob);
  memset(s, 0, sizeof *s);
}

void vs_manifest_deinit(vs_alloc *a, vs_manifest *m) {
  for (uint32_t i = 0; i < m->n_snapshots; i++) vs_snapshot_deinit(a, &m->snapshot[i]);
  vs_free(a, m->snapshot);
  vs_free(a, m->file);
  vs_free(a, m->blob);
  memset(m, 0, sizeof *m);
}

/* ============ Decoding ============ */

static bool decode_ref(vs_rd *r, vs_file_ref *ref) {
  uint8_t kind = vs_rd_u8(r);
  ref->kind = kind == VS_FILE_SEGMENT ? VS_FILE_SEGMENT : VS_FILE_INDEX;
  ref->part = vs_rd_u32(r);
  ref->number = vs_rd_u64(r);
  ref->bytes = vs_rd_u64(r);
  ref->n_items = vs_rd_u64(r);
  ref->crc = vs_rd_u32(r);
  return !r->failed && (kind == VS_FILE_SEGMENT || kind == VS_FILE_INDEX) && ref->number != UINT64_MAX;
}

/* Memory that decoding needs: refused is no damage. */
static void *take(vs_alloc *a, size_t n, size_t size, vs_status *status) {
  void *p = vs_calloc(a, n, size);
  if (p == NULL) *status = VS_OUT_OF_MEMORY;
  return p;
}

static bool decode_files(vs_alloc *a, vs_rd *r, vs_file_ref **file, uint32_t *n, vs_status *status) {
  uint32_t n_files = vs_rd_u32(r);
  if (r->failed || n_files > vs_rd_left(r) / VS_MANIFEST_REF_BYTES) return false;
  if (n_files > 0 && (*file = take(a, n_files, sizeof **file, status)) == NULL) return false;
  for (*n = 0; *n < n_files; ++*n)
    if (!decode_ref(r, &(*file)[*n])) return false;
  return true;
}

static bool decode_blob(vs_alloc *a, vs_rd *r, uint8_t **blob, size_t *n, vs_status *status) {
  vs_slice bytes = vs_rd_slice(r);
  if (r->failed) return false;
  if (bytes.n > 0) {
    if ((*blob = take(a, bytes.n, 1, status)) == NULL) return false;
    memcpy(*blob, bytes.p, bytes.n);
  }
  *n = bytes.n;
  return true;
}

static bool decode_snapshot(vs_alloc *a, vs_rd *r, vs_snapshot *s, vs_status *status) {
  vs_slice name = vs_rd_slice(r);
  if (r->failed || name.n == 0 || name.n > VS_SNAPSHOT_NAME_MAX || memchr(name.p, 0, name.n)) return false;
  if ((s->name = take(a, name.n + 1, 1, status)) == NULL) return false;
  memcpy(s->name, name.p, name.n);
  s->created_ms = vs_rd_u64(r);
  s->n_items = vs_rd_u64(r);
  return decode_files(a, r, &s->file, &s->n_files, status) && decode_blob(a, r, &s->blob, &s->blob_bytes, status);
}

static bool decode_snapshots(vs_alloc *a, vs_rd *r, vs_manifest *m, vs_status *status) {
  if (vs_rd_left(r) == 0) return true;
  uint32_t n = vs_rd_u32(r);
  if (r->failed || n == 0 || n > vs_rd_left(r) / VS_SNAPSHOT_MIN_BYTES) return false;
  if ((m->snapshot = take(a, n, sizeof *m->snapshot, status)) == NULL) return false;
  m->n_snapshots = n;
  for (uint32_t i = 0; i < n; i++)
    if (!decode_snapshot(a, r, &m->snapshot[i], status)) return false;
  return vs_rd_left(r) == 0;
}

/* False for malformed bytes; *status only for a refused allocation. */
static bool decode_body(vs_alloc *a, vs_rd *r, vs_manifest *m, vs_status *status) {
  *status = VS_OK;
  m->generation = vs_rd_u64(r);
  m->first_log = vs_rd_u64(r);
  m->prev_log = vs_rd_u64(r);
  m->last_txn = vs_rd_u64(r);
  m->next_segment = vs_rd_u64(r);
  if (r->failed) return false;
  /* Counters near the top of their range would overflow later. */
  if (m->first_log == 0 || m->prev_log >= m->first_log || m->first_log >= UINT64_MAX - 1) return false;
  if (m->last_txn == UINT64_MAX || m->next_segment == UINT64_MAX) return false;
  return decode_files(a, r, &m->file, &m->n_files, status) && decode_blob(a, r, &m->blob, &m->blob_bytes, status) &&
         decode_snapshots(a, r, m, status);
}

static vs_status decode(vs_store *s, const uint8_t *p, size_t n, uint64_t generation, const char *path,
                        vs_manifest *out, bool *valid, vs_err *err) {
  *valid = false;
  vs_header_state state = vs_header_check(p, n, VS_MANIFEST_MAGIC, VS_MANIFEST_HEADER_BYTES);
  if (state == VS_HEADER_NEWER)
    return vs_fail_file(err, VS_VERSION, path, "%s is of format version %u, this engine reads up to %u", path,
                        vs_load_u32(p + 8), VS_STORE_FORMAT_VERSION);
  if (state != VS_HEADER_OK || vs_load_u64(p + 16) != n - VS_MANIFEST_HEADER_BYTES) return VS_OK;
  const uint8_t *body = p + VS_MANIFEST_HEADER_BYTES;
  if (vs_load_u32(p + 24) != vs_crc32c(0, body, n - VS_MANIFEST_HEADER_BYTES)) return VS_OK;
  vs_rd r = vs_rd_of(body, n - VS_MANIFEST_HEADER_BYTES);
  vs_status status;
  *valid = decode_body(s->a, &r, out, &status) && out->generation == generation && generation != 0;
  if (!*valid) vs_manifest_deinit(s->a, out);
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory for %s", path);
}

static vs_status load(vs_store *s, vs_window *w, uint64_t generation, vs_manifest *out, bool *valid, vs_err *err) {
  if (w->file_bytes < VS_PROLOGUE_BYTES || w->file_bytes > VS_MANIFEST_MAX_BYTES) return VS_OK;
  const uint8_t *p;
  VS_TRY(vs_window_get(s, w, 0, (size_t)w->file_bytes, &p, err));
  return decode(s, p, (size_t)w->file_bytes, generation, w->path, out, valid, err);
}

vs_status vs_manifest_load(vs_store *s, uint64_t generation, vs_manifest *out, bool *valid, vs_err *err) {
  memset(out, 0, sizeof *out);
  *valid = false;
  char name[VS_STORE_NAME_BYTES];
  vs_name_format((vs_name){VS_NAME_MANIFEST, generation, 0}, name);
  vs_window w;
  vs_status status = vs_window_open(s, name, &w, err);
  if (status == VS_OK) status = load(s, &w, generation, out, valid, err);
  vs_window_close(s, &w);
  return status;
}

/* ============ Checking ============ */

static vs_status check_file(vs_store *s, const vs_file_ref *ref, vs_err *err) {
  char name[VS_STORE_NAME_BYTES];
  vs_file_ref_name(ref, name);
  vs_window w;
  vs_status status = vs_window_open(s, name, &w, err);
  if (status == VS_NOT_FOUND) status = vs_fail_file(err, VS_CORRUPT, w.path, "%s is missing", w.path);
  if (status == VS_OK && w.file_bytes != ref->bytes)
    status = vs_fail_file(err, VS_CORRUPT, w.path, "%s has %llu bytes instead of %llu", w.path,
                          (unsigned long long)w.file_bytes, (unsigned long long)ref->bytes);
  vs_window_close(s, &w);
  return status;
}

vs_status vs_manifest_check_files(vs_store *s, const vs_manifest *m, vs_err *err) {
  for (uint32_t i = 0; i < m->n_files; i++) VS_TRY(check_file(s, &m->file[i], err));
  return VS_OK;
}

/* ============ Writing ============ */

static void encode_files(vs_wr *w, const vs_file_ref *file, uint32_t n) {
  vs_wr_u32(w, n);
  for (uint32_t i = 0; i < n; i++) {
    const vs_file_ref *ref = &file[i];
    vs_wr_u8(w, (uint8_t)ref->kind);
    vs_wr_u32(w, ref->part);
    vs_wr_u64(w, ref->number);
    vs_wr_u64(w, ref->bytes);
    vs_wr_u64(w, ref->n_items);
    vs_wr_u32(w, ref->crc);
  }
}

static void encode(vs_wr *w, const vs_manifest *m) {
  uint8_t *header = vs_wr_space(w, VS_MANIFEST_HEADER_BYTES);
  if (header != NULL) memset(header, 0, VS_MANIFEST_HEADER_BYTES);
  vs_wr_u64(w, m->generation);
  vs_wr_u64(w, m->first_log);
  vs_wr_u64(w, m->prev_log);
  vs_wr_u64(w, m->last_txn);
  vs_wr_u64(w, m->next_segment);
  encode_files(w, m->file, m->n_files);
  vs_wr_slice(w, m->blob, m->blob_bytes);
  if (m->n_snapshots > 0) vs_wr_u32(w, m->n_snapshots);
  for (uint32_t i = 0; i < m->n_snapshots; i++) {
    const vs_snapshot *s = &m->snapshot[i];
    vs_wr_slice(w, s->name, strlen(s->name));
    vs_wr_u64(w, s->created_ms);
    vs_wr_u64(w, s->n_items);
    encode_files(w, s->file, s->n_files);
    vs_wr_slice(w, s->blob, s->blob_bytes);
  }
  if (w->failed) return;
  header = w->p;
  vs_header_begin(header, VS_MANIFEST_MAGIC, VS_MANIFEST_HEADER_BYTES);
  size_t body = w->n - VS_MANIFEST_HEADER_BYTES;
  vs_store_u64(header + 16, body);
  vs_store_u32(header + 24, vs_crc32c(0, header + VS_MANIFEST_HEADER_BYTES, body));
  vs_header_end(header, VS_MANIFEST_HEADER_BYTES);
}

vs_status vs_manifest_write(vs_store *s, const vs_manifest *m, vs_err *err) {
  char name[VS_STORE_NAME_BYTES];
  vs_name_format((vs_name){VS_NAME_MANIFEST, m->generation, 0}, name);
  vs_wr w;
  vs_wr_init(&w, s->a);
  encode(&w, m);
  vs_status status = VS_OK;
  if (w.failed) status = vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the manifest");
  if (status == VS_OK && w.n > VS_MANIFEST_MAX_BYTES)
    status = vs_fail(err, VS_INVALID_ARGUMENT, "a manifest holds at most %u bytes", VS_MANIFEST_MAX_BYTES);
  vs_file *f = NULL;
  if (status == VS_OK) status = vs_store_create_file(s, name, &f, err);
  if (status == VS_OK) status = vs_store_append(s, f, name, w.p, w.n, err);
  if (f != NULL) s->io->ops->close(s->io, f);
  vs_wr_deinit(&w);
  return status;
}
