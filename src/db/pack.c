/* pack.c - writing and reading the portable file (format: pack.h).
 *
 * Layer: db. Export copies nothing: its chunks are the headers made here and
 * the memory of the io_mem, which gives each file up once it was read. Import
 * is a state machine over a byte stream that holds at most one file header.
 */
#include "pack.h"

#include <string.h>

#include "../base/bytes.h"
#include "../base/crc32c.h"

#define MAGIC 0x4b505356u /* "VSPK" */
#define FORMAT_VERSION 2u
#define HEADER_BYTES 16u
#define FILE_HEADER_BYTES 16u
#define NAME_MAX_BYTES 64u

/* ============ Export ============ */

typedef struct {
  char name[NAME_MAX_BYTES];
  uint32_t n_chunks;
  uint8_t header[FILE_HEADER_BYTES + NAME_MAX_BYTES];
  uint32_t header_bytes;
} packed_file;

struct vs_pack {
  vs_alloc *a;
  vs_io *io;
  vs_blocks files; /* packed_file: those of this piece */
  uint32_t n_files;
  uint32_t crc;                /* of everything so far */
  uint8_t first[HEADER_BYTES]; /* of the whole; given with the first piece */
  uint32_t first_bytes;
  uint8_t last[FILE_HEADER_BYTES + 4]; /* the end mark and the trailer, once there are no more files */
  uint32_t last_bytes;
};

static packed_file *file_at(const vs_pack *p, uint32_t i) { return vs_blocks_at(&p->files, i); }

vs_status vs_pack_create(vs_alloc *a, vs_io *io, vs_pack **out) {
  vs_pack *p = vs_calloc(a, 1, sizeof *p);
  if (!p) return VS_OUT_OF_MEMORY;
  p->a = a;
  p->io = io;
  vs_blocks_init(&p->files, a, sizeof(packed_file));
  vs_store_u32(p->first, MAGIC);
  vs_store_u32(p->first + 4, FORMAT_VERSION);
  p->first_bytes = HEADER_BYTES;
  p->crc = vs_crc32c(0, p->first, HEADER_BYTES);
  *out = p;
  return VS_OK;
}

/* Name and length and their checksum; the end mark has neither. */
static void seal_header(uint8_t *header, const char *name, uint64_t bytes) {
  size_t n = strlen(name);
  vs_store_u32(header, (uint32_t)n);
  vs_store_u64(header + 4, bytes);
  vs_store_u32(header + 12, vs_crc32c(vs_crc32c(0, header, 12), name, n));
}

vs_status vs_pack_add(vs_pack *p, const char *name) {
  VS_TRY(vs_blocks_reserve(&p->files, p->n_files + 1));
  packed_file *f = file_at(p, p->n_files++);
  size_t n = strlen(name);
  uint64_t bytes = 0;
  uint32_t contents = 0;
  assert(n > 0 && n < NAME_MAX_BYTES);
  memset(f, 0, sizeof *f);
  memcpy(f->name, name, n);
  memcpy(f->header + FILE_HEADER_BYTES, name, n);
  for (vs_slice c; (c = vs_io_mem_chunk(p->io, name, f->n_chunks)).n > 0; f->n_chunks++) bytes += c.n;
  seal_header(f->header, name, bytes);
  f->header_bytes = (uint32_t)(FILE_HEADER_BYTES + n);
  p->crc = vs_crc32c(p->crc, f->header, f->header_bytes);
  for (; contents < f->n_chunks; contents++) {
    vs_slice c = vs_io_mem_chunk(p->io, name, contents);
    p->crc = vs_crc32c(p->crc, c.p, c.n);
  }
  return VS_OK;
}

static vs_status add_listed(void *ctx, const char *name, bool is_dir) {
  return is_dir ? VS_OK : vs_pack_add(ctx, name);
}

vs_status vs_pack_end(vs_pack *p, const char *dir) {
  VS_TRY(p->io->ops->list(p->io, dir, add_listed, p));
  seal_header(p->last, "", 0);
  vs_store_u32(p->last + FILE_HEADER_BYTES, vs_crc32c(p->crc, p->last, FILE_HEADER_BYTES));
  p->last_bytes = FILE_HEADER_BYTES + 4;
  return VS_OK;
}

vs_slice vs_pack_chunk(const vs_pack *p, uint32_t i) {
  if (p->first_bytes > 0 && i-- == 0) return (vs_slice){p->first, p->first_bytes};
  for (uint32_t k = 0; k < p->n_files; k++) {
    const packed_file *f = file_at(p, k);
    if (i == 0) return (vs_slice){f->header, f->header_bytes};
    if (i <= f->n_chunks) return vs_io_mem_chunk(p->io, f->name, i - 1);
    i -= f->n_chunks + 1;
  }
  return i == 0 ? (vs_slice){p->last, p->last_bytes} : (vs_slice){NULL, 0};
}

void vs_pack_drop(vs_pack *p) {
  for (uint32_t i = 0; i < p->n_files; i++) p->io->ops->remove(p->io, file_at(p, i)->name);
  p->n_files = 0;
  p->first_bytes = 0;
}

void vs_pack_destroy(vs_pack *p) {
  if (!p) return;
  vs_blocks_deinit(&p->files);
  vs_free(p->a, p);
}

/* ============ Import ============ */

struct vs_import {
  vs_alloc *a;
  vs_io *io;
  enum { IN_HEADER, IN_FILE_HEADER, IN_NAME, IN_CONTENTS, IN_TRAILER, AT_END } state;
  uint8_t held[FILE_HEADER_BYTES + NAME_MAX_BYTES]; /* the header being gathered */
  uint32_t n_held, want;
  uint32_t n_files, i_file; /* n_files UINT32_MAX: until the end mark */
  uint32_t crc;
  uint64_t left; /* bytes of the file's contents still to come */
  vs_file *file;
};

vs_status vs_import_create(vs_alloc *a, vs_import **out) {
  vs_import *m = vs_calloc(a, 1, sizeof *m);
  if (!m) return VS_OUT_OF_MEMORY;
  m->a = a;
  m->want = HEADER_BYTES;
  if (vs_io_mem_create(a, &m->io) != VS_OK) {
    vs_free(a, m);
    return VS_OUT_OF_MEMORY;
  }
  *out = m;
  return VS_OK;
}

void vs_import_destroy(vs_import *m) {
  if (!m) return;
  if (m->file) m->io->ops->close(m->io, m->file);
  m->io->ops->destroy(m->io);
  vs_free(m->a, m);
}

static vs_status damaged(vs_err *err, const char *what) {
  return vs_fail_file(err, VS_CORRUPT, "import", "the imported bytes are damaged: %s", what);
}

static void next_file(vs_import *m) {
  bool more = m->i_file < m->n_files;
  m->state = more ? IN_FILE_HEADER : IN_TRAILER;
  m->want = more ? FILE_HEADER_BYTES : 4;
  m->n_held = 0;
}

static vs_status take_header(vs_import *m, vs_err *err) {
  if (vs_load_u32(m->held) != MAGIC) return damaged(err, "not an exported store");
  uint32_t version = vs_load_u32(m->held + 4);
  if (version == 0 || version > FORMAT_VERSION)
    return vs_fail(err, VS_VERSION, "the export has format version %u; this build reads up to version %u", version,
                   FORMAT_VERSION);
  m->n_files = version == 1 ? vs_load_u32(m->held + 8) : UINT32_MAX;
  next_file(m);
  return VS_OK;
}

/* No more files: version 2 says so where the next name's length would be. */
static vs_status take_end_mark(vs_import *m, vs_err *err) {
  if (m->n_files != UINT32_MAX || vs_load_u64(m->held + 4) != 0 ||
      vs_load_u32(m->held + 12) != vs_crc32c(0, m->held, 12))
    return damaged(err, "a file header");
  m->n_files = m->i_file;
  next_file(m);
  return VS_OK;
}

static vs_status take_name(vs_import *m, vs_err *err) {
  uint32_t n = vs_load_u32(m->held);
  char name[NAME_MAX_BYTES];
  memcpy(name, m->held + FILE_HEADER_BYTES, n);
  name[n] = 0;
  if (vs_crc32c(vs_crc32c(0, m->held, 12), name, n) != vs_load_u32(m->held + 12) || strlen(name) != n ||
      !vs_io_name_ok(name))
    return damaged(err, "a file header");
  vs_status status = m->io->ops->open(m->io, name, VS_IO_CREATE, &m->file);
  if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory for the import");
  if (status != VS_OK) return damaged(err, "a file occurs twice");
  m->left = vs_load_u64(m->held + 4);
  m->state = IN_CONTENTS;
  m->i_file++;
  return VS_OK;
}

/* A complete header, name or trailer lies in `held`. */
static vs_status take_held(vs_import *m, vs_err *err) {
  switch (m->state) {
  case IN_HEADER: return take_header(m, err);
  case IN_FILE_HEADER: {
    uint32_t n = vs_load_u32(m->held);
    if (n == 0) return take_end_mark(m, err);
    if (n >= NAME_MAX_BYTES) return damaged(err, "a file header");
    m->state = IN_NAME;
    m->want = FILE_HEADER_BYTES + n;
    return VS_OK;
  }
  case IN_NAME: return take_name(m, err);
  case IN_TRAILER:
    if (vs_load_u32(m->held) != m->crc) return damaged(err, "wrong checksum");
    m->state = AT_END;
    return VS_OK;
  case IN_CONTENTS:
  case AT_END:
  default: return damaged(err, "trailing bytes");
  }
}

static vs_status take_contents(vs_import *m, vs_rd *r, vs_err *err) {
  size_t n = vs_rd_left(r) < m->left ? vs_rd_left(r) : (size_t)m->left;
  const uint8_t *p = vs_rd_bytes(r, n);
  if (n > 0) {
    m->crc = vs_crc32c(m->crc, p, n);
    if (m->io->ops->append(m->io, m->file, p, n) != VS_OK)
      return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the import");
    m->left -= n;
  }
  if (m->left > 0) return VS_OK;
  m->io->ops->close(m->io, m->file);
  m->file = NULL;
  next_file(m);
  return VS_OK;
}

vs_status vs_import_feed(vs_import *m, vs_slice bytes, vs_err *err) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  while (vs_rd_left(&r) > 0 || (m->state == IN_CONTENTS && m->left == 0)) {
    if (m->state == IN_CONTENTS) {
      VS_TRY(take_contents(m, &r, err));
      continue;
    }
    if (m->state == AT_END) return damaged(err, "trailing bytes");
    size_t n = vs_min_size(m->want - m->n_held, vs_rd_left(&r));
    const uint8_t *p = vs_rd_bytes(&r, n);
    memcpy(m->held + m->n_held, p, n);
    if (m->state != IN_TRAILER) m->crc = vs_crc32c(m->crc, p, n);
    m->n_held += (uint32_t)n;
    if (m->n_held == m->want) VS_TRY(take_held(m, err));
  }
  return VS_OK;
}

vs_status vs_import_end(vs_import *m, vs_io **io, vs_err *err) {
  if (m->state == IN_CONTENTS && m->left == 0) VS_TRY(vs_import_feed(m, (vs_slice){NULL, 0}, err));
  if (m->state != AT_END) return damaged(err, "it ends too early");
  *io = m->io;
  return VS_OK;
}
