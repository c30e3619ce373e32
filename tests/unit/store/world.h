/* world.h - a small store on io_fault, for the tests of the store layer.
 *
 * Transactions carry a number each; `recovered` opens the store anew and
 * gives back the numbers it holds: those in block files first, then the log's.
 */
#ifndef STORE_WORLD_H
#define STORE_WORLD_H

#include "../../../src/base/io_fault.h"
#include "../../../src/base/rng.h"
#include "../../../src/store/store.h"
#include "../tap.h"

#define HISTORY_MAX 256u

typedef struct {
  vs_alloc io_mem, mem;
  vs_io *io;
  vs_store *s;
  vs_store_limits limits;
} world;

typedef struct {
  uint32_t n;
  uint64_t v[HISTORY_MAX];
  uint64_t open_value;
  uint32_t frames, frames_wanted;
  bool broken; /* something was delivered that was never written that way */
} history;

static void world_init(world *w, uint64_t rotate) {
  memset(w, 0, sizeof *w);
  vs_alloc_init(&w->io_mem);
  vs_alloc_init(&w->mem);
  w->limits.wal_rotate_bytes = rotate;
  must(vs_io_fault_create(&w->io_mem, &w->io) == VS_OK);
}

__attribute__((unused)) static world world_copy(const world *from) {
  world w = *from;
  w.s = NULL;
  vs_alloc_init(&w.mem);
  must(vs_io_fault_clone(from->io, &w.io) == VS_OK);
  return w;
}

static void world_deinit(world *w) {
  vs_store_close(w->s);
  w->s = NULL;
  must(w->mem.n_live == 0);
  w->io->ops->destroy(w->io);
}

/* ============ Reading ============ */

static void take(history *h, uint64_t v) {
  if (h->n < HISTORY_MAX)
    h->v[h->n++] = v;
  else
    h->broken = true;
}

static vs_status on_frame(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload) {
  history *h = ctx;
  (void)txn;
  if (kind == VS_FRAME_COMMIT) {
    if (h->frames != h->frames_wanted) h->broken = true;
    take(h, h->open_value);
    h->frames = h->frames_wanted = 0;
    return VS_OK;
  }
  if (payload.n < 16) {
    h->broken = true;
    return VS_OK;
  }
  h->open_value = vs_load_u64(payload.p);
  h->frames_wanted = vs_load_u32(payload.p + 8);
  if (vs_load_u32(payload.p + 12) != h->frames++ || kind != 1 + h->open_value % 255) h->broken = true;
  for (size_t i = 16; i < payload.n; i++)
    if (payload.p[i] != (uint8_t)(h->open_value + i)) h->broken = true;
  return VS_OK;
}

static vs_status read_blocks(vs_store *s, uint32_t i, history *h) {
  vs_block_reader *r;
  VS_TRY(vs_block_reader_open(s, i, &r, NULL));
  vs_slice block = {NULL, 0};
  vs_status status;
  while ((status = vs_block_reader_next(r, &block, NULL)) == VS_OK && block.n > 0)
    if (vs_store_file(s, i)->kind == VS_FILE_SEGMENT) take(h, vs_load_u64(block.p));
  vs_block_reader_close(r);
  return status;
}

/* Opens w->s and reads all of it; on failure nothing stays open. */
static vs_status world_open(world *w, history *h, vs_err *err) {
  memset(h, 0, sizeof *h);
  vs_err_clear(err);
  VS_TRY(vs_store_open(&w->mem, w->io, "", &w->limits, &w->s, err));
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < vs_store_n_files(w->s) && status == VS_OK; i++) status = read_blocks(w->s, i, h);
  bool done = false;
  while (status == VS_OK && !done) status = vs_store_replay(w->s, on_frame, h, 1 << 20, &done, err);
  if (status == VS_OK) return VS_OK;
  vs_store_close(w->s);
  w->s = NULL;
  return status;
}

__attribute__((unused)) static vs_status recovered(world *w, history *h, vs_err *err) {
  vs_store_close(w->s);
  w->s = NULL;
  vs_status status = world_open(w, h, err);
  vs_store_close(w->s);
  w->s = NULL;
  return status;
}

/* h holds 1..n, each whole. */
__attribute__((unused)) static bool holds(const history *h, uint64_t n) {
  if (h->broken || h->n != n) return false;
  for (uint32_t i = 0; i < h->n; i++)
    if (h->v[i] != i + 1) return false;
  return true;
}

/* ============ Writing ============ */

static vs_status log_value(world *w, uint64_t v, uint32_t n_frames, size_t bytes) {
  uint8_t *p = malloc(16 + bytes);
  must(p != NULL);
  vs_store_u64(p, v);
  vs_store_u32(p + 8, n_frames);
  for (size_t i = 16; i < 16 + bytes; i++) p[i] = (uint8_t)(v + i);
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < n_frames && status == VS_OK; i++) {
    vs_store_u32(p + 12, i);
    vs_slice parts[3] = {{p, 16}, {NULL, 0}, {p + 16, bytes}};
    status = vs_store_txn_log(w->s, (uint8_t)(1 + v % 255), parts, 3, NULL);
  }
  free(p);
  return status;
}

/* One transaction of n_frames frames with `bytes` extra bytes each. */
static vs_status commit(world *w, uint64_t v, uint32_t n_frames, size_t bytes) {
  VS_TRY(vs_store_txn_begin(w->s, NULL));
  VS_TRY(log_value(w, v, n_frames, bytes));
  return vs_store_txn_commit(w->s, NULL);
}

__attribute__((unused)) static void commit_synced(world *w, uint64_t v) {
  must(commit(w, v, 2, (size_t)(v % 7)) == VS_OK);
  must(vs_store_sync(w->s, NULL) == VS_OK);
}

static void write_checkpoint_files(world *w, uint64_t from, uint64_t to) {
  vs_block_writer *b;
  for (uint32_t i = 0; i < vs_store_n_files(w->s); i++)
    if (vs_store_file(w->s, i)->kind == VS_FILE_SEGMENT) must(vs_store_checkpoint_keep(w->s, i, NULL) == VS_OK);
  must(vs_block_writer_create(w->s, VS_FILE_SEGMENT, &b, NULL) == VS_OK);
  uint8_t p[16] = {0};
  for (uint64_t v = from; v <= to; v++) {
    vs_store_u64(p, v);
    must(vs_block_writer_append(b, p, 8 + v % 8, NULL) == VS_OK);
  }
  must(vs_block_writer_finish(b, to + 1 - from, NULL) == VS_OK);
  must(vs_block_writer_create(w->s, VS_FILE_INDEX, &b, NULL) == VS_OK);
  must(vs_block_writer_append(b, p, 8, NULL) == VS_OK);
  must(vs_block_writer_finish(b, 1, NULL) == VS_OK);
}

/* Up to the written, not yet synced manifest. */
__attribute__((unused)) static void checkpoint_to_install(world *w, uint64_t from, uint64_t to) {
  must(vs_store_checkpoint_begin(w->s, NULL) == VS_OK);
  write_checkpoint_files(w, from, to);
  must(vs_store_sync(w->s, NULL) == VS_OK);
  must(vs_store_checkpoint_install(w->s, (vs_slice){(const uint8_t *)"blob", 4}, NULL) == VS_OK);
}

/* Transactions from..to are in the log and go into a segment. */
__attribute__((unused)) static void checkpoint(world *w, uint64_t from, uint64_t to) {
  checkpoint_to_install(w, from, to);
  must(vs_store_sync(w->s, NULL) == VS_OK);
  must(vs_store_checkpoint_retire(w->s, NULL) == VS_OK);
  must(vs_store_sync(w->s, NULL) == VS_OK);
}

/* ============ Files ============ */

#define NAMES_MAX 256u

typedef struct {
  uint32_t n;
  char name[NAMES_MAX][48];
} names;

static vs_status on_name(void *ctx, const char *name, bool is_dir) {
  names *l = ctx;
  (void)is_dir;
  must(l->n < NAMES_MAX && strlen(name) < 48);
  strcpy(l->name[l->n++], name);
  return VS_OK;
}

__attribute__((unused)) static names files_of(world *w) {
  names l = {0};
  must(w->io->ops->list(w->io, "", on_name, &l) == VS_OK);
  return l;
}

__attribute__((unused)) static uint64_t bytes_of(world *w, const char *name) {
  vs_file *f;
  uint64_t n;
  must(w->io->ops->open(w->io, name, VS_IO_READ, &f) == VS_OK);
  must(w->io->ops->size(w->io, f, &n) == VS_OK);
  w->io->ops->close(w->io, f);
  return n;
}

__attribute__((unused)) static bool has_file(world *w, const char *name) {
  names l = files_of(w);
  for (uint32_t i = 0; i < l.n; i++)
    if (strcmp(l.name[i], name) == 0) return true;
  return false;
}

#endif
