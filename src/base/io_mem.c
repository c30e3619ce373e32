/* io_mem.c - a file layer in memory.
 *
 * Layer: base. Knows nothing of what the files hold.
 * Names lie in one list in order of creation, found by walking it: a store
 * has tens of files, not thousands. Contents are byte blocks, so that a file
 * grows without copying more than a block and an export can hand the chunks
 * out as they lie. Everything is durable at once: sync only checks the name.
 *
 * Invariants
 *   M1  a node is in the list as long as its name exists; a removed file
 *       lives on, outside the list, until its last handle is closed.
 *   M2  the parent of every node in the list is the root or a directory in
 *       the list, before it.
 */
#include "blocks.h"
#include "io.h"

#include <string.h>

typedef struct node {
  struct node *next;
  vs_blocks data;
  uint64_t size; /* bytes of the file; data backs at least as many */
  uint32_t n_open;
  bool is_dir, removed;
  char name[]; /* whole name from the root */
} node;

struct vs_file {
  node *node;
  bool writable;
};

typedef struct {
  vs_io io;
  vs_alloc *a;
  node *first;
  uint64_t bytes; /* sum of the sizes of the files that have a name */
} mem_io;

static node *find(const mem_io *m, const char *name) {
  node *n = m->first;
  while (n != NULL && strcmp(n->name, name) != 0) n = n->next;
  return n;
}

/* Length of the parent's name; 0 = the root. */
static size_t parent_bytes(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash != NULL ? (size_t)(slash - name) : 0;
}

static vs_status check_parent(const mem_io *m, const char *name) {
  char parent[VS_IO_NAME_BYTES];
  size_t n = parent_bytes(name);
  if (n == 0) return VS_OK;
  memcpy(parent, name, n);
  parent[n] = '\0';
  const node *dir = find(m, parent);
  if (dir == NULL) return VS_NOT_FOUND;
  return dir->is_dir ? VS_OK : VS_IO;
}

static vs_status add_node(mem_io *m, const char *name, bool is_dir, node **out) {
  VS_TRY(check_parent(m, name));
  size_t n = strlen(name) + 1;
  node *added = vs_calloc(m->a, 1, sizeof *added + n);
  if (added == NULL) return VS_OUT_OF_MEMORY;
  vs_blocks_init(&added->data, m->a, 1);
  added->is_dir = is_dir;
  memcpy(added->name, name, n);
  node **link = &m->first;
  while (*link != NULL) link = &(*link)->next;
  *link = added;
  *out = added;
  return VS_OK;
}

static void free_node(mem_io *m, node *n) {
  vs_blocks_deinit(&n->data);
  vs_free(m->a, n);
}

static void unlink_node(mem_io *m, node *n) {
  node **link = &m->first;
  while (*link != n) link = &(*link)->next;
  *link = n->next;
  n->removed = true;
  m->bytes -= n->size;
  if (n->n_open == 0) free_node(m, n);
}

static vs_status mem_open(vs_io *io, const char *name, vs_io_mode mode, vs_file **out) {
  mem_io *m = (mem_io *)io;
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  node *n = find(m, name);
  if (mode == VS_IO_READ && n == NULL) return VS_NOT_FOUND;
  if (mode == VS_IO_CREATE && n != NULL) return VS_ALREADY_EXISTS;
  if (n != NULL && n->is_dir) return VS_IO;
  vs_file *f = vs_malloc(m->a, sizeof *f);
  if (f == NULL) return VS_OUT_OF_MEMORY;
  if (n == NULL) {
    vs_status status = add_node(m, name, false, &n);
    if (status != VS_OK) {
      vs_free(m->a, f);
      return status;
    }
  }
  n->n_open++;
  *f = (vs_file){n, mode == VS_IO_CREATE};
  *out = f;
  return VS_OK;
}

/* The part of the block that holds byte `off`, at most n bytes of it. */
static uint8_t *run_at(node *n, uint32_t off, size_t *run) {
  *run = vs_min_size(*run, (size_t)n->data.mask + 1 - (off & n->data.mask));
  return vs_blocks_at(&n->data, off);
}

static vs_status mem_read(vs_io *io, vs_file *f, uint64_t off, void *buf, size_t n, size_t *got) {
  (void)io;
  uint8_t *to = buf;
  *got = 0;
  if (off >= f->node->size) return VS_OK;
  if (n > f->node->size - off) n = (size_t)(f->node->size - off);
  while (*got < n) {
    size_t run = n - *got;
    const uint8_t *from = run_at(f->node, (uint32_t)(off + *got), &run);
    memcpy(to + *got, from, run);
    *got += run;
  }
  return VS_OK;
}

static vs_status mem_append(vs_io *io, vs_file *f, const void *buf, size_t n) {
  mem_io *m = (mem_io *)io;
  const uint8_t *from = buf;
  if (!f->writable) return VS_IO;
  if (n > UINT32_MAX - f->node->size) return VS_NO_SPACE;
  if (vs_blocks_reserve(&f->node->data, (uint32_t)(f->node->size + n)) != VS_OK) return VS_OUT_OF_MEMORY;
  for (size_t done = 0; done < n;) {
    size_t run = n - done;
    uint8_t *to = run_at(f->node, (uint32_t)(f->node->size + done), &run);
    memcpy(to, from + done, run);
    done += run;
  }
  f->node->size += n;
  if (!f->node->removed) m->bytes += n;
  return VS_OK;
}

static vs_status mem_size(vs_io *io, vs_file *f, uint64_t *out) {
  (void)io;
  *out = f->node->size;
  return VS_OK;
}

static void mem_close(vs_io *io, vs_file *f) {
  mem_io *m = (mem_io *)io;
  if (--f->node->n_open == 0 && f->node->removed) free_node(m, f->node);
  vs_free(m->a, f);
}

static vs_status mem_remove(vs_io *io, const char *name) {
  mem_io *m = (mem_io *)io;
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  node *n = find(m, name);
  if (n == NULL) return VS_NOT_FOUND;
  if (n->is_dir) return VS_IO;
  unlink_node(m, n);
  return VS_OK;
}

static vs_status mem_mkdir(vs_io *io, const char *name) {
  mem_io *m = (mem_io *)io;
  if (name[0] == '\0') return VS_OK;
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  node *n = find(m, name);
  if (n != NULL) return n->is_dir ? VS_OK : VS_ALREADY_EXISTS;
  return add_node(m, name, true, &n);
}

static vs_status check_dir(const mem_io *m, const char *dir) {
  if (dir[0] == '\0') return VS_OK;
  if (!vs_io_name_ok(dir)) return VS_INVALID_ARGUMENT;
  const node *n = find(m, dir);
  if (n == NULL) return VS_NOT_FOUND;
  return n->is_dir ? VS_OK : VS_IO;
}

static vs_status mem_list(vs_io *io, const char *dir, vs_io_list_fn fn, void *ctx) {
  mem_io *m = (mem_io *)io;
  VS_TRY(check_dir(m, dir));
  size_t prefix = strlen(dir);
  for (const node *n = m->first; n != NULL; n = n->next) {
    if (parent_bytes(n->name) != prefix || memcmp(n->name, dir, prefix) != 0) continue;
    VS_TRY(fn(ctx, n->name + (prefix > 0 ? prefix + 1 : 0), n->is_dir));
  }
  return VS_OK;
}

static vs_status mem_sync(vs_io *io, const char *name) {
  const mem_io *m = (const mem_io *)io;
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  const node *n = find(m, name);
  if (n == NULL) return VS_NOT_FOUND;
  return n->is_dir ? VS_IO : VS_OK;
}

static vs_status mem_sync_dir(vs_io *io, const char *dir) { return check_dir((const mem_io *)io, dir); }

static void mem_destroy(vs_io *io) {
  mem_io *m = (mem_io *)io;
  while (m->first != NULL) {
    node *next = m->first->next;
    free_node(m, m->first);
    m->first = next;
  }
  vs_free(m->a, m);
}

static const vs_io_ops mem_ops = {mem_open,  mem_read, mem_append, mem_size,     mem_close,  mem_remove,
                                  mem_mkdir, mem_list, mem_sync,   mem_sync_dir, mem_destroy};

vs_status vs_io_mem_create(vs_alloc *a, vs_io **out) {
  mem_io *m = vs_calloc(a, 1, sizeof *m);
  if (m == NULL) return VS_OUT_OF_MEMORY;
  m->io.ops = &mem_ops;
  m->a = a;
  *out = &m->io;
  return VS_OK;
}

vs_slice vs_io_mem_chunk(vs_io *io, const char *name, uint32_t i) {
  assert(io->ops == &mem_ops);
  const node *n = find((const mem_io *)io, name);
  if (n == NULL) return (vs_slice){NULL, 0};
  uint64_t chunk = (uint64_t)n->data.mask + 1, off = i * chunk;
  if (off >= n->size) return (vs_slice){NULL, 0};
  uint64_t left = n->size - off;
  return (vs_slice){vs_blocks_at(&n->data, (uint32_t)off), (size_t)(left < chunk ? left : chunk)};
}

uint64_t vs_io_mem_bytes(const vs_io *io) {
  assert(io->ops == &mem_ops);
  return ((const mem_io *)io)->bytes;
}
