/* io.h - the file layer as a table of functions: the only way to storage.
 *
 * Layer: base. The store writes every file once (create, append, never
 * rewrite, never rename), so the table is small. A name is relative to the
 * root the io was made for, parts joined by '/', parts of [A-Za-z0-9._-]
 * only, no "." or ".." parts (checked by vs_io_name_ok; the store never
 * builds another).
 *
 * WHAT A CALL PROMISES
 *   F1  append and create are visible to later reads at once, durable never
 *       before sync (data, size) and sync_dir (the name) returned VS_OK.
 *   F2  A failed append may have written any prefix of its bytes.
 *   F3  remove is durable after sync_dir of the parent.
 *   F4  A failed sync says nothing about what is durable; the caller must
 *       treat the file as unknown until reopened.
 *   F5  read past the end gives fewer bytes with VS_OK, as pread does.
 *
 * Status: VS_NOT_FOUND for an absent file (or an absent parent from create and
 * mkdir), VS_ALREADY_EXISTS from create (and from mkdir over a file),
 * VS_NO_SPACE when the medium is full, VS_READ_ONLY when it may not be written,
 * VS_INVALID_ARGUMENT for a name that breaks the rule, VS_OUT_OF_MEMORY,
 * VS_IO for everything else: a directory where a file is expected or the other
 * way round, or append to a file opened with READ.
 *
 * Four implementations: io_posix (native, WASI, Emscripten's FS), io_mem
 * (tests, export and import), io_host (imported functions of the embedding
 * host), io_fault (tests: injected errors and the crash model).
 */
#ifndef VS_IO_H
#define VS_IO_H

#include "alloc.h"

typedef struct vs_io vs_io;
typedef struct vs_file vs_file; /* each implementation's own */

typedef enum { VS_IO_READ = 0, VS_IO_CREATE = 1 } vs_io_mode;

/* Called once per entry of a directory, in any order: its name without the
 * path. It must not call the io. Entries whose name vs_io_name_ok refuses are
 * left out: they are not the store's. */
typedef vs_status (*vs_io_list_fn)(void *ctx, const char *name, bool is_dir);

typedef struct {
  /* READ: an existing file. CREATE: a file that must not exist yet; open for append (and read). */
  vs_status (*open)(vs_io *io, const char *name, vs_io_mode mode, vs_file **out);
  vs_status (*read)(vs_io *io, vs_file *f, uint64_t off, void *buf, size_t n, size_t *got);
  vs_status (*append)(vs_io *io, vs_file *f, const void *buf, size_t n);
  vs_status (*size)(vs_io *io, vs_file *f, uint64_t *out);
  void (*close)(vs_io *io, vs_file *f);
  /* An absent file is VS_NOT_FOUND. */
  vs_status (*remove)(vs_io *io, const char *name);
  /* An existing directory is VS_OK. Parents must exist. "" is the root. */
  vs_status (*mkdir)(vs_io *io, const char *name);
  /* An absent directory is VS_NOT_FOUND. A failing fn ends the walk with its status. */
  vs_status (*list)(vs_io *io, const char *dir, vs_io_list_fn fn, void *ctx);
  /* Makes the file's data and size durable. */
  vs_status (*sync)(vs_io *io, const char *name);
  /* Makes creations and removals in the directory durable. */
  vs_status (*sync_dir)(vs_io *io, const char *dir);
  /* Frees the io itself (files must be closed). */
  void (*destroy)(vs_io *io);
} vs_io_ops;

/* First member of every implementation's struct. */
struct vs_io {
  const vs_io_ops *ops;
};

#define VS_IO_NAME_BYTES 512

bool vs_io_name_ok(const char *name);

/* Reads exactly n bytes at off; fewer there is VS_CORRUPT. */
VS_MUST_USE vs_status vs_io_read_exact(vs_io *io, vs_file *f, uint64_t off, void *buf, size_t n);

/* Each maker owns what it returns through *out; free it with ops->destroy. */

/* Real files below `root` (created if absent; its parent must exist). */
VS_MUST_USE vs_status vs_io_posix_create(vs_alloc *a, const char *root, vs_io **out);

/* Files in memory, in blocks. */
VS_MUST_USE vs_status vs_io_mem_create(vs_alloc *a, vs_io **out);
/* Borrowed contents of file `name` as consecutive chunks: chunk i, or n = 0
 * past the last. Valid until the file is appended to or removed. */
vs_slice vs_io_mem_chunk(vs_io *io, const char *name, uint32_t i);
uint64_t vs_io_mem_bytes(const vs_io *io);

/* Files kept by the embedding host through imported functions (io_host.c
 * documents them); built for WASM only. `root` is handed to the host. */
VS_MUST_USE vs_status vs_io_host_create(vs_alloc *a, const char *root, vs_io **out);

#endif
