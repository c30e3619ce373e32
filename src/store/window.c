/* window.c - reading a file forward through one buffer.
 *
 * Layer: store. Knows no format. The buffer holds up to 1 MiB (less for a
 * smaller file) and grows only when a caller asks for a longer run, which
 * the caller has checked against the file's length; so memory is bounded
 * by what really lies on the medium.
 */
#include "store_impl.h"

#include <string.h>

vs_status vs_window_open(vs_store *s, const char *name, vs_window *w, vs_err *err) {
  memset(w, 0, sizeof *w);
  vs_store_path(s, name, w->path);
  vs_status status = s->io->ops->open(s->io, w->path, VS_IO_READ, &w->f);
  if (status != VS_OK) {
    w->f = NULL;
    return vs_store_io_fail(err, status, "open", w->path);
  }
  status = s->io->ops->size(s->io, w->f, &w->file_bytes);
  return status == VS_OK ? VS_OK : vs_store_io_fail(err, status, "read", w->path);
}

void vs_window_close(vs_store *s, vs_window *w) {
  if (w->f != NULL) s->io->ops->close(s->io, w->f);
  vs_free(s->a, w->buf);
  w->f = NULL;
  w->buf = NULL;
}

static vs_status grow(vs_store *s, vs_window *w, size_t cap, vs_err *err) {
  if (cap <= w->cap) return VS_OK;
  uint8_t *buf = vs_realloc(s->a, w->buf, cap);
  if (buf == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory to read %s", w->path);
  w->buf = buf;
  w->cap = cap;
  return VS_OK;
}

vs_status vs_window_get(vs_store *s, vs_window *w, uint64_t off, size_t n, const uint8_t **out, vs_err *err) {
  static const uint8_t nothing[1] = {0};
  assert(off >= w->off && off <= w->file_bytes && n <= w->file_bytes - off);
  uint64_t skip = off - w->off;
  size_t have = skip < w->n ? w->n - (size_t)skip : 0;
  if (n == 0) {
    *out = nothing;
    return VS_OK;
  }
  if (have >= n) {
    *out = w->buf + (size_t)skip;
    return VS_OK;
  }
  uint64_t left = w->file_bytes - off;
  size_t want = vs_max_size(n, left < VS_STORE_BUFFER_BYTES ? (size_t)left : VS_STORE_BUFFER_BYTES);
  if (have > 0) memmove(w->buf, w->buf + (size_t)skip, have);
  w->off = off;
  w->n = have;
  VS_TRY(grow(s, w, want, err));
  vs_status status = vs_io_read_exact(s->io, w->f, off + have, w->buf + have, want - have);
  /* The size was asked before: an end that comes earlier is the medium's
   * failure of today, not damage to report and act upon. */
  if (status == VS_CORRUPT) status = VS_IO;
  if (status != VS_OK) return vs_store_io_fail(err, status, "read", w->path);
  w->n = want;
  *out = w->buf;
  return VS_OK;
}
