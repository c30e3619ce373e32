/* io_posix.c - real files: natively, under WASI and on Emscripten's FS.
 *
 * Layer: base. The only file with file-system calls; knows nothing of what
 * the files hold.
 * A name is joined to the root path given at creation; only names that
 * vs_io_name_ok accepts are joined, so nothing outside the root is reached
 * (symbolic links are the user's own). A file is written through the
 * descriptor that created it, whose position is its end. sync opens the file
 * anew: fsync flushes a file, not a descriptor, so data appended through a
 * descriptor already closed is covered.
 *
 * A file system that has no notion of syncing a directory answers EINVAL or
 * ENOTSUP, and a WASI runtime may answer EBADF, for a descriptor it has just
 * given (wasmtime does); names are kept by other means there, so that counts
 * as done. On Emscripten's memory file system fsync does nothing and the host's syncfs
 * is what makes data durable.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1 /* O_CLOEXEC, O_DIRECTORY and d_type under -std=c11 */
#endif

#include "io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_BYTES 3072u
#define PATH_BYTES (ROOT_BYTES + 1 + VS_IO_NAME_BYTES)

/* Larger requests are cut: some systems refuse more than 2 GiB at once. */
#define REQUEST_BYTES ((size_t)1 << 30)

struct vs_file {
  int fd;
  bool writable;
};

typedef struct {
  vs_io io;
  vs_alloc *a;
  char root[]; /* without a slash at its end, unless it is "/" */
} fs_io;

static vs_status status_of_errno(void) {
  switch (errno) {
  case ENOENT: return VS_NOT_FOUND;
  case EEXIST: return VS_ALREADY_EXISTS;
  case ENOSPC:
#if defined(EDQUOT)
  case EDQUOT:
#endif
    return VS_NO_SPACE;
  case EACCES:
  case EROFS: return VS_READ_ONLY;
  case ENOMEM: return VS_OUT_OF_MEMORY;
  default: return VS_IO;
  }
}

/* path = root / name, or the root itself for "". */
static void join(const fs_io *x, const char *name, char path[PATH_BYTES]) {
  size_t root = strlen(x->root), n = strlen(name);
  memcpy(path, x->root, root);
  if (n > 0 && path[root - 1] != '/') path[root++] = '/';
  memcpy(path + root, name, n);
  path[root + n] = '\0';
}

static vs_status join_file(vs_io *io, const char *name, char path[PATH_BYTES]) {
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  join((const fs_io *)io, name, path);
  return VS_OK;
}

static vs_status join_dir(vs_io *io, const char *name, char path[PATH_BYTES]) {
  if (name[0] != '\0' && !vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  join((const fs_io *)io, name, path);
  return VS_OK;
}

static bool is_directory(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* open, again after a signal. */
static int open_again(const char *path, int flags) {
  int fd;
  do fd = open(path, flags | O_CLOEXEC, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static vs_status fs_open(vs_io *io, const char *name, vs_io_mode mode, vs_file **out) {
  fs_io *x = (fs_io *)io;
  char path[PATH_BYTES];
  VS_TRY(join_file(io, name, path));
  vs_file *f = vs_malloc(x->a, sizeof *f);
  if (f == NULL) return VS_OUT_OF_MEMORY;
  f->writable = mode == VS_IO_CREATE;
  f->fd = open_again(path, f->writable ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY);
  if (f->fd < 0) {
    vs_status status = status_of_errno();
    vs_free(x->a, f);
    return status;
  }
  struct stat st;
  /* Directories can be opened for reading; they are no files of ours. */
  if (!f->writable && (fstat(f->fd, &st) != 0 || S_ISDIR(st.st_mode))) {
    close(f->fd);
    vs_free(x->a, f);
    return VS_IO;
  }
  *out = f;
  return VS_OK;
}

static vs_status fs_read(vs_io *io, vs_file *f, uint64_t off, void *buf, size_t n, size_t *got) {
  (void)io;
  uint8_t *p = buf;
  *got = 0;
  while (*got < n && off + *got <= INT64_MAX) {
    ssize_t r = pread(f->fd, p + *got, vs_min_size(n - *got, REQUEST_BYTES), (off_t)(off + *got));
    if (r < 0 && errno == EINTR) continue;
    if (r < 0) return status_of_errno();
    if (r == 0) break;
    *got += (size_t)r;
  }
  return VS_OK;
}

static vs_status fs_append(vs_io *io, vs_file *f, const void *buf, size_t n) {
  (void)io;
  const uint8_t *p = buf;
  if (!f->writable) return VS_IO;
  while (n > 0) {
    ssize_t r = write(f->fd, p, vs_min_size(n, REQUEST_BYTES));
    if (r < 0 && errno == EINTR) continue;
    if (r < 0) return status_of_errno();
    if (r == 0) return VS_NO_SPACE;
    p += r;
    n -= (size_t)r;
  }
  return VS_OK;
}

static vs_status fs_size(vs_io *io, vs_file *f, uint64_t *out) {
  (void)io;
  struct stat st;
  if (fstat(f->fd, &st) != 0) return status_of_errno();
  *out = (uint64_t)st.st_size;
  return VS_OK;
}

static void fs_close(vs_io *io, vs_file *f) {
  /* Nothing is lost by a failing close: durability is sync's business. */
  close(f->fd);
  vs_free(((fs_io *)io)->a, f);
}

static vs_status fs_remove(vs_io *io, const char *name) {
  char path[PATH_BYTES];
  VS_TRY(join_file(io, name, path));
  if (unlink(path) == 0) return VS_OK;
  vs_status status = status_of_errno();
  /* Unlinking a directory has a different errno on every system. */
  return status != VS_NOT_FOUND && is_directory(path) ? VS_IO : status;
}

static vs_status make_directory(const char *path) {
  if (mkdir(path, 0777) == 0) return VS_OK;
  vs_status status = status_of_errno();
  /* A directory that is there is fine whatever the refusal was: "." or the
   * top of a WASI preopen may be refused with something else than EEXIST. */
  return is_directory(path) ? VS_OK : status;
}

static vs_status fs_mkdir(vs_io *io, const char *name) {
  char path[PATH_BYTES];
  VS_TRY(join_dir(io, name, path));
  return make_directory(path);
}

static vs_status fs_list(vs_io *io, const char *dir, vs_io_list_fn fn, void *ctx) {
  char path[PATH_BYTES];
  VS_TRY(join_dir(io, dir, path));
  DIR *d = opendir(path);
  if (d == NULL) return status_of_errno();
  size_t dir_bytes = strlen(path);
  vs_status status = VS_OK;
  while (status == VS_OK) {
    errno = 0;
    const struct dirent *e = readdir(d);
    if (e == NULL) {
      if (errno != 0) status = status_of_errno();
      break;
    }
    size_t n = strlen(e->d_name);
    if (!vs_io_name_ok(e->d_name) || dir_bytes + 1 + n >= PATH_BYTES) continue;
    bool is_dir = e->d_type == DT_DIR;
    if (e->d_type == DT_UNKNOWN || e->d_type == DT_LNK) {
      path[dir_bytes] = '/';
      memcpy(path + dir_bytes + 1, e->d_name, n + 1);
      is_dir = is_directory(path);
    }
    status = fn(ctx, e->d_name, is_dir);
  }
  closedir(d);
  return status;
}

static vs_status sync_descriptor(int fd, bool directory) {
  if (fd < 0) return status_of_errno();
  int r;
  do r = fsync(fd);
  while (r != 0 && errno == EINTR);
  vs_status status = VS_OK;
  bool no_notion = directory && (errno == EINVAL || errno == ENOTSUP || errno == EBADF);
  if (r != 0 && !no_notion) status = status_of_errno();
  close(fd);
  return status;
}

static vs_status fs_sync(vs_io *io, const char *name) {
  char path[PATH_BYTES];
  VS_TRY(join_file(io, name, path));
  /* Writable, because some systems sync no other descriptors. */
  return sync_descriptor(open_again(path, O_RDWR), false);
}

static vs_status fs_sync_dir(vs_io *io, const char *dir) {
  char path[PATH_BYTES];
  VS_TRY(join_dir(io, dir, path));
  return sync_descriptor(open_again(path, O_RDONLY | O_DIRECTORY), true);
}

static void fs_destroy(vs_io *io) { vs_free(((fs_io *)io)->a, io); }

static const vs_io_ops fs_ops = {fs_open,  fs_read, fs_append, fs_size,     fs_close,  fs_remove,
                                 fs_mkdir, fs_list, fs_sync,   fs_sync_dir, fs_destroy};

vs_status vs_io_posix_create(vs_alloc *a, const char *root, vs_io **out) {
  size_t n = strlen(root);
  while (n > 1 && root[n - 1] == '/') n--;
  if (n == 0 || n >= ROOT_BYTES) return VS_INVALID_ARGUMENT;
  fs_io *x = vs_malloc(a, sizeof *x + n + 1);
  if (x == NULL) return VS_OUT_OF_MEMORY;
  x->io.ops = &fs_ops;
  x->a = a;
  memcpy(x->root, root, n);
  x->root[n] = '\0';
  vs_status status = make_directory(x->root);
  if (status != VS_OK) {
    vs_free(a, x);
    return status;
  }
  *out = &x->io;
  return VS_OK;
}
