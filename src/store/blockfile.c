/* blockfile.c - files of checksummed blocks, written once and read in order.
 *
 * Layer: store. Knows no contents. Format: format.h. A block's checksum
 * covers its length and payload; the footer's covers the file's header and
 * all block headers and thereby everything; the manifest repeats it, so a
 * file of another store under the right name is noticed.
 *
 * The writer gathers small blocks in a buffer of up to 1 MiB and appends
 * large ones directly. The reader hands a block out where it lies in its
 * window. O(bytes).
 */
#include "store_impl.h"

#include "../base/crc32c.h"

#include <string.h>

/* From here on a block is appended by itself instead of being copied. */
#define DIRECT_BYTES ((size_t)64 << 10)

struct vs_block_writer {
  vs_store *s;
  vs_file *f; /* owned; NULL until created */
  vs_file_ref ref;
  vs_wr buf;
  uint32_t n_blocks;
  char name[VS_STORE_NAME_BYTES];
};

struct vs_block_reader {
  vs_store *s;
  vs_file_ref ref;
  vs_window w;
  uint64_t off;
  uint32_t n_blocks;
  uint32_t crc;       /* of the file's header and the block headers so far */
  const uint8_t *all; /* salvaging: the whole file, in the window; NULL = cannot be read */
  bool told;          /* ... and its damage was told of */
};

/* ============ Writing ============ */

static vs_status append_direct(vs_block_writer *w, const void *p, size_t n, vs_err *err) {
  vs_store *s = w->s;
  VS_TRY(vs_store_writable(s, err));
  if (w->f == NULL) VS_TRY(vs_store_create_file(s, w->name, &w->f, err));
  return vs_store_append(s, w->f, w->name, p, n, err);
}

static vs_status flush(vs_block_writer *w, vs_err *err) {
  if (w->buf.n == 0) return VS_OK;
  VS_TRY(append_direct(w, w->buf.p, w->buf.n, err));
  vs_wr_reset(&w->buf);
  return VS_OK;
}

static vs_status put(vs_block_writer *w, const void *p, size_t n, vs_err *err) {
  if (n > VS_STORE_BUFFER_BYTES - w->buf.n) VS_TRY(flush(w, err));
  if (n >= DIRECT_BYTES) {
    VS_TRY(flush(w, err));
    VS_TRY(append_direct(w, p, n, err));
  } else {
    vs_wr_bytes(&w->buf, p, n);
    if (w->buf.failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory to write %s", w->name);
  }
  w->ref.bytes += n;
  return VS_OK;
}

vs_status vs_block_writer_create(vs_store *s, vs_file_kind kind, vs_block_writer **out, vs_err *err) {
  assert(s->ck.active && !s->ck.installed);
  VS_TRY(vs_store_writable(s, err));
  VS_TRY(vs_checkpoint_reserve(s, err));
  vs_block_writer *w = vs_calloc(s->a, 1, sizeof *w);
  if (w == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory to write a file");
  w->s = s;
  s->ck.n_writers++;
  w->ref.kind = kind;
  w->ref.number = kind == VS_FILE_SEGMENT ? s->next_segment++ : s->ck.generation;
  w->ref.part = kind == VS_FILE_SEGMENT ? 0 : s->ck.next_part++;
  vs_file_ref_name(&w->ref, w->name);
  vs_wr_init(&w->buf, s->a);
  uint8_t h[VS_BLOCK_FILE_HEADER_BYTES];
  vs_header_begin(h, VS_BLOCK_FILE_MAGIC, sizeof h);
  vs_store_u32(h + 16, (uint32_t)kind);
  vs_store_u32(h + 20, w->ref.part);
  vs_store_u64(h + 24, w->ref.number);
  vs_header_end(h, sizeof h);
  w->ref.crc = vs_crc32c(0, h, sizeof h);
  vs_status status = put(w, h, sizeof h, err);
  if (status != VS_OK) {
    vs_block_writer_destroy(w);
    return status;
  }
  *out = w;
  return VS_OK;
}

vs_status vs_block_writer_append(vs_block_writer *w, const void *p, size_t n, vs_err *err) {
  assert(n > 0);
  if (n > VS_BLOCK_MAX_BYTES || w->n_blocks == UINT32_MAX)
    return vs_fail(err, VS_INVALID_ARGUMENT, "a block holds at most %u bytes", VS_BLOCK_MAX_BYTES);
  uint8_t h[VS_BLOCK_HEADER_BYTES];
  vs_store_u32(h, (uint32_t)n);
  vs_store_u32(h + 4, vs_crc32c(vs_crc32c(0, h, 4), p, n));
  VS_TRY(put(w, h, sizeof h, err));
  VS_TRY(put(w, p, n, err));
  w->ref.crc = vs_crc32c(w->ref.crc, h, sizeof h);
  w->n_blocks++;
  return VS_OK;
}

uint64_t vs_block_writer_bytes(const vs_block_writer *w) { return w->ref.bytes; }

static vs_status finish(vs_block_writer *w, vs_err *err) {
  uint8_t footer[VS_BLOCK_FOOTER_BYTES];
  vs_store_u32(footer, VS_BLOCK_FOOTER_MARKER);
  vs_store_u32(footer + 4, w->n_blocks);
  vs_store_u64(footer + 8, w->ref.bytes + sizeof footer);
  vs_store_u32(footer + 16, w->ref.crc);
  vs_store_u32(footer + 20, vs_crc32c(0, footer, 20));
  VS_TRY(put(w, footer, sizeof footer, err));
  return flush(w, err);
}

vs_status vs_block_writer_finish(vs_block_writer *w, uint64_t n_items, vs_err *err) {
  vs_status status = finish(w, err);
  if (status == VS_OK) {
    w->ref.n_items = n_items;
    vs_checkpoint_add(w->s, &w->ref);
  }
  vs_block_writer_destroy(w);
  return status;
}

void vs_block_writer_destroy(vs_block_writer *w) {
  if (w == NULL) return;
  vs_store *s = w->s;
  assert(s->ck.n_writers > 0);
  s->ck.n_writers--;
  if (w->f != NULL) s->io->ops->close(s->io, w->f);
  vs_wr_deinit(&w->buf);
  vs_free(s->a, w);
}

/* ============ Reading ============ */

static vs_status damaged(vs_block_reader *r, const char *what, vs_err *err) {
  return vs_fail_file(err, VS_CORRUPT, r->w.path, "%s has %s", r->w.path, what);
}

static vs_status read_header(vs_block_reader *r, vs_err *err) {
  uint64_t bytes = r->w.file_bytes;
  if (bytes != r->ref.bytes || bytes < VS_BLOCK_FILE_HEADER_BYTES + VS_BLOCK_FOOTER_BYTES)
    return damaged(r, "a wrong length", err);
  size_t n = bytes < VS_HEADER_MAX_BYTES ? (size_t)bytes : VS_HEADER_MAX_BYTES;
  const uint8_t *h;
  VS_TRY(vs_window_get(r->s, &r->w, 0, n, &h, err));
  vs_header_state state = vs_header_check(h, n, VS_BLOCK_FILE_MAGIC, VS_BLOCK_FILE_HEADER_BYTES);
  if (state == VS_HEADER_NEWER)
    return vs_fail_file(err, VS_VERSION, r->w.path, "%s is of format version %u, this engine reads up to %u", r->w.path,
                        vs_load_u32(h + 8), VS_STORE_FORMAT_VERSION);
  if (state != VS_HEADER_OK || vs_load_u32(h + 16) != (uint32_t)r->ref.kind || vs_load_u32(h + 20) != r->ref.part ||
      vs_load_u64(h + 24) != r->ref.number)
    return damaged(r, "a damaged header", err);
  r->crc = vs_crc32c(0, h, VS_BLOCK_FILE_HEADER_BYTES);
  r->off = VS_BLOCK_FILE_HEADER_BYTES;
  return VS_OK;
}

/* Salvaging takes the file as it is: what it should be is only compared. */
static vs_status salvage_open(vs_block_reader *r, vs_status status, const vs_err *what, vs_err *err) {
  r->told = status != VS_OK;
  VS_TRY(vs_salvage_pass(r->s, status, what, err));
  r->off = VS_BLOCK_FILE_HEADER_BYTES;
  if (r->w.f == NULL || r->w.file_bytes > SIZE_MAX / 2) return VS_OK;
  return vs_window_get(r->s, &r->w, 0, (size_t)r->w.file_bytes, &r->all, err);
}

static vs_status salvage_next(vs_block_reader *r, vs_slice *out) {
  bool damaged = false;
  *out = (vs_slice){NULL, 0};
  if (r->all) vs_salvage_block(r->all, r->w.file_bytes, &r->off, out, &damaged);
  if (damaged && !r->told) {
    char name[VS_STORE_NAME_BYTES];
    vs_file_ref_name(&r->ref, name);
    vs_salvage_tell(r->s, name, "has damaged blocks");
    r->told = true;
  }
  return VS_OK;
}

vs_status vs_block_reader_open_ref(vs_store *s, const vs_file_ref *ref, vs_block_reader **out, vs_err *err) {
  vs_block_reader *r = vs_calloc(s->a, 1, sizeof *r);
  if (r == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory to read a file");
  r->s = s;
  r->ref = *ref;
  char name[VS_STORE_NAME_BYTES];
  vs_file_ref_name(ref, name);
  vs_err local, *what = s->damage ? &local : err;
  vs_err_clear(&local);
  vs_status status = vs_window_open(s, name, &r->w, what);
  if (status == VS_NOT_FOUND) status = vs_fail_file(what, VS_CORRUPT, r->w.path, "%s is missing", r->w.path);
  if (status == VS_OK) status = read_header(r, what);
  if (s->damage) status = salvage_open(r, status, what, err);
  if (status != VS_OK) {
    vs_block_reader_close(r);
    return status;
  }
  *out = r;
  return VS_OK;
}

vs_status vs_block_reader_open(vs_store *s, uint32_t i, vs_block_reader **out, vs_err *err) {
  return vs_block_reader_open_ref(s, vs_store_file(s, i), out, err);
}

static vs_status check_footer(vs_block_reader *r, vs_err *err) {
  const uint8_t *p;
  VS_TRY(vs_window_get(r->s, &r->w, r->off, VS_BLOCK_FOOTER_BYTES, &p, err));
  bool intact = vs_load_u32(p) == VS_BLOCK_FOOTER_MARKER && vs_load_u32(p + 20) == vs_crc32c(0, p, 20);
  if (!intact || vs_load_u32(p + 4) != r->n_blocks || vs_load_u64(p + 8) != r->w.file_bytes ||
      vs_load_u32(p + 16) != r->crc || r->ref.crc != r->crc)
    return damaged(r, "a damaged end", err);
  return VS_OK;
}

vs_status vs_block_reader_next(vs_block_reader *r, vs_slice *out, vs_err *err) {
  if (r->s->damage) return salvage_next(r, out);
  uint64_t end = r->w.file_bytes - VS_BLOCK_FOOTER_BYTES;
  *out = (vs_slice){NULL, 0};
  if (r->off == end) return check_footer(r, err);
  if (end - r->off < VS_BLOCK_HEADER_BYTES) return damaged(r, "a block beyond its end", err);
  const uint8_t *h;
  VS_TRY(vs_window_get(r->s, &r->w, r->off, VS_BLOCK_HEADER_BYTES, &h, err));
  uint32_t n = vs_load_u32(h);
  if (n == 0 || n > VS_BLOCK_MAX_BYTES || n > end - r->off - VS_BLOCK_HEADER_BYTES)
    return damaged(r, "a block of impossible length", err);
  VS_TRY(vs_window_get(r->s, &r->w, r->off, VS_BLOCK_HEADER_BYTES + n, &h, err));
  if (vs_load_u32(h + 4) != vs_crc32c(vs_crc32c(0, h, 4), h + VS_BLOCK_HEADER_BYTES, n))
    return damaged(r, "a damaged block", err);
  r->crc = vs_crc32c(r->crc, h, VS_BLOCK_HEADER_BYTES);
  r->n_blocks++;
  r->off += VS_BLOCK_HEADER_BYTES + n;
  *out = (vs_slice){h + VS_BLOCK_HEADER_BYTES, n};
  return VS_OK;
}

void vs_block_reader_close(vs_block_reader *r) {
  if (r == NULL) return;
  vs_store *s = r->s;
  vs_window_close(s, &r->w);
  vs_free(s->a, r);
}
