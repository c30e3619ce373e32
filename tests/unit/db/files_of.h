/* files_of.h - the files of a store in a file layer, for tests that damage each of them. */
#ifndef FILES_OF_H
#define FILES_OF_H

#include "client.h"

typedef struct {
  const char *dir;
  char name[24][64];
  uint32_t n;
} listing;

static vs_status collect(void *ctx, const char *name, bool is_dir) {
  listing *l = ctx;
  if (!is_dir) snprintf(l->name[l->n++], 64, "%s%s%s", l->dir, l->dir[0] ? "/" : "", name);
  return VS_OK;
}

/* All files, of the root and of the collection. */
static inline void list_files(vs_io *io, listing *files) {
  files->dir = "";
  must(io->ops->list(io, "", collect, files) == VS_OK);
  files->dir = VS_DEFAULT_COLLECTION_DIR;
  must(io->ops->list(io, files->dir, collect, files) == VS_OK);
}

static inline uint64_t size_of(vs_io *io, const char *name) {
  vs_file *f;
  uint64_t n;
  must(io->ops->open(io, name, VS_IO_READ, &f) == VS_OK && io->ops->size(io, f, &n) == VS_OK);
  io->ops->close(io, f);
  return n;
}

#endif
