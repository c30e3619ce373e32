/* io_host.c - files kept by the embedding host through imported functions.
 *
 * Layer: base. Knows nothing of what the files hold, nor where the host keeps
 * them (OPFS, IndexedDB pages, Durable Object storage, a user's own object).
 *
 * THE IMPORT CONTRACT: what a StorageHost implements. Module "vecstore_host".
 * All calls are synchronous and may not call back into the engine. A path is
 * UTF-8 given by address and length in the engine's memory: the root given at
 * creation, "/" and a name of io.h ([A-Za-z0-9._-] parts); the root alone means the top
 * directory. Results below 0 are -(vs_status), e.g. -4 NOT_FOUND,
 * -8 NO_SPACE, -21 IO. Offsets and sizes are f64, exact to 2^53.
 *
 *   host_open(path, path_n, mode) -> fd >= 0        mode 0: an existing file, for reading;
 *                                                   mode 1: create, ALREADY_EXISTS if there, for append and read
 *   host_read(fd, offset, ptr, n) -> bytes read     fewer than n only at the end of the file
 *   host_append(fd, ptr, n) -> 0                    all n bytes; on failure any prefix may have been written
 *   host_size(fd) -> bytes                          visible size
 *   host_close(fd)
 *   host_remove(path, path_n) -> 0
 *   host_mkdir(path, path_n) -> 0                   OK when it is there
 *   host_list(path, path_n, ptr, cap) -> bytes      the names in the directory, each ended by a zero byte,
 *                                                   directories with "/" before it. When the result is above
 *                                                   cap nothing is written and the call comes again with room
 *   host_sync(path, path_n) -> 0                    data and size of the file are durable
 *   host_sync_dir(path, path_n) -> 0                names created and removed in it are durable
 *
 * Everything io.h promises (F1 to F5) is asked of the host. What comes back is
 * checked: counts above what was asked for, unknown status numbers and names
 * that break the rule are VS_IO or left out, never trusted.
 */
#include "io.h"

#if defined(VS_WITH_IO_HOST)

#include <string.h>

#define IMPORT(function) __attribute__((import_module("vecstore_host"), import_name(#function)))

IMPORT(host_open) int32_t host_open(const char *path, size_t path_n, int32_t mode);
IMPORT(host_read) int32_t host_read(int32_t fd, double offset, void *ptr, size_t n);
IMPORT(host_append) int32_t host_append(int32_t fd, const void *ptr, size_t n);
IMPORT(host_size) double host_size(int32_t fd);
IMPORT(host_close) void host_close(int32_t fd);
IMPORT(host_remove) int32_t host_remove(const char *path, size_t path_n);
IMPORT(host_mkdir) int32_t host_mkdir(const char *path, size_t path_n);
IMPORT(host_list) int32_t host_list(const char *path, size_t path_n, char *ptr, size_t cap);
IMPORT(host_sync) int32_t host_sync(const char *path, size_t path_n);
IMPORT(host_sync_dir) int32_t host_sync_dir(const char *path, size_t path_n);

#define ROOT_BYTES 512u
#define PATH_BYTES (ROOT_BYTES + 1 + VS_IO_NAME_BYTES)

/* Lengths cross as i32: larger requests go in several calls. */
#define REQUEST_BYTES ((size_t)1 << 30)

/* A listing beyond this is not a directory of ours. */
#define LIST_BYTES ((size_t)16 << 20)

struct vs_file {
  int32_t fd;
  bool writable;
};

typedef struct {
  vs_io io;
  vs_alloc *a;
  char root[]; /* without a slash at its end */
} host_io;

typedef struct {
  char p[PATH_BYTES];
  size_t n;
} host_path;

/* The status of a call that gives 0 or a negative status. */
static vs_status status_of(int32_t result) {
  if (result >= 0) return VS_OK;
  return result > -(int32_t)VS_STATUS_COUNT ? (vs_status)-result : VS_IO;
}

static vs_status join(const vs_io *io, const char *name, bool may_be_root, host_path *path) {
  const host_io *h = (const host_io *)io;
  if (!(may_be_root && name[0] == '\0') && !vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  size_t root = strlen(h->root), n = strlen(name);
  memcpy(path->p, h->root, root);
  if (n > 0) path->p[root++] = '/';
  memcpy(path->p + root, name, n);
  path->n = root + n;
  return VS_OK;
}

static vs_status io_open(vs_io *io, const char *name, vs_io_mode mode, vs_file **out) {
  host_io *h = (host_io *)io;
  host_path path;
  VS_TRY(join(io, name, false, &path));
  vs_file *f = vs_malloc(h->a, sizeof *f);
  if (f == NULL) return VS_OUT_OF_MEMORY;
  f->writable = mode == VS_IO_CREATE;
  f->fd = host_open(path.p, path.n, mode == VS_IO_CREATE ? 1 : 0);
  if (f->fd < 0) {
    vs_status status = status_of(f->fd);
    vs_free(h->a, f);
    return status;
  }
  *out = f;
  return VS_OK;
}

static vs_status io_read(vs_io *io, vs_file *f, uint64_t off, void *buf, size_t n, size_t *got) {
  (void)io;
  uint8_t *p = buf;
  *got = 0;
  while (*got < n) {
    size_t ask = vs_min_size(n - *got, REQUEST_BYTES);
    int32_t r = host_read(f->fd, (double)(off + *got), p + *got, ask);
    if (r < 0) return status_of(r);
    if ((size_t)r > ask) return VS_IO;
    *got += (size_t)r;
    if ((size_t)r < ask) break;
  }
  return VS_OK;
}

static vs_status io_append(vs_io *io, vs_file *f, const void *buf, size_t n) {
  (void)io;
  const uint8_t *p = buf;
  if (!f->writable) return VS_IO;
  while (n > 0) {
    size_t step = vs_min_size(n, REQUEST_BYTES);
    VS_TRY(status_of(host_append(f->fd, p, step)));
    p += step;
    n -= step;
  }
  return VS_OK;
}

static vs_status io_size(vs_io *io, vs_file *f, uint64_t *out) {
  (void)io;
  double size = host_size(f->fd);
  if (size <= -1 && size > -(double)VS_STATUS_COUNT) return status_of((int32_t)size);
  /* Written so that NaN is refused as well. */
  if (!(size >= 0 && size <= 0x1p53)) return VS_IO;
  *out = (uint64_t)size;
  return VS_OK;
}

static void io_close(vs_io *io, vs_file *f) {
  host_close(f->fd);
  vs_free(((host_io *)io)->a, f);
}

static vs_status io_remove(vs_io *io, const char *name) {
  host_path path;
  VS_TRY(join(io, name, false, &path));
  return status_of(host_remove(path.p, path.n));
}

static vs_status io_mkdir(vs_io *io, const char *name) {
  host_path path;
  VS_TRY(join(io, name, true, &path));
  return status_of(host_mkdir(path.p, path.n));
}

/* Hands the zero-ended names in n bytes to fn. */
static vs_status give_names(char *p, size_t n, vs_io_list_fn fn, void *ctx) {
  for (size_t at = 0; at < n;) {
    char *end = memchr(p + at, '\0', n - at);
    if (end == NULL) return VS_IO;
    size_t name_n = (size_t)(end - (p + at));
    bool is_dir = name_n > 0 && end[-1] == '/';
    if (is_dir) end[-1] = '\0';
    if (vs_io_name_ok(p + at)) VS_TRY(fn(ctx, p + at, is_dir));
    at += name_n + 1;
  }
  return VS_OK;
}

static vs_status io_list(vs_io *io, const char *dir, vs_io_list_fn fn, void *ctx) {
  host_io *h = (host_io *)io;
  host_path path;
  VS_TRY(join(io, dir, true, &path));
  for (size_t cap = 4096;;) {
    char *p = vs_malloc(h->a, cap);
    if (p == NULL) return VS_OUT_OF_MEMORY;
    int32_t n = host_list(path.p, path.n, p, cap);
    vs_status status = status_of(n);
    bool fits = n >= 0 && (size_t)n <= cap;
    if (fits) status = give_names(p, (size_t)n, fn, ctx);
    vs_free(h->a, p);
    if (fits || n < 0) return status;
    if ((size_t)n > LIST_BYTES) return VS_IO;
    cap = (size_t)n;
  }
}

static vs_status io_sync(vs_io *io, const char *name) {
  host_path path;
  VS_TRY(join(io, name, false, &path));
  return status_of(host_sync(path.p, path.n));
}

static vs_status io_sync_dir(vs_io *io, const char *dir) {
  host_path path;
  VS_TRY(join(io, dir, true, &path));
  return status_of(host_sync_dir(path.p, path.n));
}

static void io_destroy(vs_io *io) { vs_free(((host_io *)io)->a, io); }

static const vs_io_ops host_ops = {io_open,  io_read, io_append, io_size,     io_close,  io_remove,
                                   io_mkdir, io_list, io_sync,   io_sync_dir, io_destroy};

vs_status vs_io_host_create(vs_alloc *a, const char *root, vs_io **out) {
  size_t n = strlen(root);
  while (n > 1 && root[n - 1] == '/') n--;
  if (n == 0 || n >= ROOT_BYTES) return VS_INVALID_ARGUMENT;
  host_io *h = vs_malloc(a, sizeof *h + n + 1);
  if (h == NULL) return VS_OUT_OF_MEMORY;
  h->io.ops = &host_ops;
  h->a = a;
  memcpy(h->root, root, n);
  h->root[n] = '\0';
  vs_status status = status_of(host_mkdir(h->root, n));
  if (status != VS_OK) {
    vs_free(a, h);
    return status;
  }
  *out = &h->io;
  return VS_OK;
}

#endif
