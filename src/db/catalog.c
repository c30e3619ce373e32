/* catalog.c - reading and writing the database's catalog (format: catalog.h). */
#include "catalog.h"

#include "../base/crc32c.h"
#include "../base/value.h"
#include "db.h"

#define MAGIC 0x42445356u /* "VSDB" */
#define HEADER_BYTES 24u
#define MAX_BYTES (1u << 20)
#define FORMAT_VERSION 1u

static uint32_t checksum(const uint8_t *p, size_t n) {
  return vs_crc32c(vs_crc32c(0, p + HEADER_BYTES, n - HEADER_BYTES), p, HEADER_BYTES - 4);
}

static vs_status judge(const uint8_t *p, size_t n, vs_catalog_state *state, vs_err *err) {
  *state = VS_CATALOG_DAMAGED;
  if (n < HEADER_BYTES || vs_load_u32(p) != MAGIC) return VS_OK;
  if (vs_load_u32(p + 16) != n - HEADER_BYTES || vs_load_u32(p + 20) != checksum(p, n)) return VS_OK;
  if (vs_load_u32(p + 4) != FORMAT_VERSION)
    return vs_fail_file(err, VS_VERSION, VS_CATALOG_FILE, "%s has format version %u; this build reads version %u",
                        VS_CATALOG_FILE, vs_load_u32(p + 4), FORMAT_VERSION);
  if (vs_value_check(p + HEADER_BYTES, n - HEADER_BYTES)) *state = VS_CATALOG_SOUND;
  return VS_OK;
}

vs_status vs_catalog_read(vs_alloc *a, vs_io *io, vs_catalog_state *state, vs_err *err) {
  vs_file *f;
  uint64_t size;
  *state = VS_CATALOG_ABSENT;
  vs_status status = io->ops->open(io, VS_CATALOG_FILE, VS_IO_READ, &f);
  if (status == VS_NOT_FOUND) return VS_OK;
  if (status != VS_OK) return vs_fail(err, status, "cannot open %s", VS_CATALOG_FILE);
  uint8_t *bytes = NULL;
  status = io->ops->size(io, f, &size);
  if (status == VS_OK && size > 0 && size <= MAX_BYTES) {
    bytes = vs_malloc(a, (size_t)size);
    status = bytes ? vs_io_read_exact(io, f, 0, bytes, (size_t)size) : VS_OUT_OF_MEMORY;
  }
  io->ops->close(io, f);
  if (status == VS_OK)
    status = judge(bytes, bytes ? (size_t)size : 0, state, err);
  else
    vs_fail(err, status, "cannot read %s", VS_CATALOG_FILE);
  vs_free(a, bytes);
  return status;
}

static void encode(vs_wr *w) {
  uint8_t *header = vs_wr_space(w, HEADER_BYTES);
  if (!header) return;
  size_t root = vs_value_object_begin(w);
  vs_value_key(w, "collections");
  size_t list = vs_value_array_begin(w);
  size_t entry = vs_value_object_begin(w);
  vs_value_key(w, "name");
  vs_value_cstring(w, VS_DEFAULT_COLLECTION);
  vs_value_key(w, "id");
  vs_value_int(w, 1);
  vs_value_end(w, entry, 2);
  vs_value_end(w, list, 1);
  vs_value_key(w, "namespaces");
  vs_value_end(w, vs_value_array_begin(w), 0);
  vs_value_end(w, root, 2);
  if (w->failed) return;
  vs_store_u32(w->p, MAGIC);
  vs_store_u32(w->p + 4, FORMAT_VERSION);
  vs_store_u64(w->p + 8, 1);
  vs_store_u32(w->p + 16, (uint32_t)(w->n - HEADER_BYTES));
  vs_store_u32(w->p + 20, checksum(w->p, w->n));
}

static vs_status write_file(vs_io *io, const vs_wr *w) {
  vs_file *f;
  if (w->failed) return VS_OUT_OF_MEMORY;
  VS_TRY(io->ops->open(io, VS_CATALOG_FILE, VS_IO_CREATE, &f));
  vs_status status = io->ops->append(io, f, w->p, w->n);
  io->ops->close(io, f);
  return status;
}

vs_status vs_catalog_create(vs_alloc *a, vs_io *io, vs_catalog_state found, vs_err *err) {
  vs_wr w;
  vs_wr_init(&w, a);
  encode(&w);
  vs_status status = found == VS_CATALOG_DAMAGED ? io->ops->remove(io, VS_CATALOG_FILE) : VS_OK;
  if (status == VS_OK && found != VS_CATALOG_SOUND) status = write_file(io, &w);
  if (status == VS_OK) status = io->ops->mkdir(io, "c");
  if (status == VS_OK) status = io->ops->mkdir(io, VS_DEFAULT_COLLECTION_DIR);
  vs_wr_deinit(&w);
  return status == VS_OK ? VS_OK : vs_fail(err, status, "cannot create the database's catalog");
}
