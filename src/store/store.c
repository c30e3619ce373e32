/* store.c - opening a store, and what all parts of the layer share.
 *
 * Layer: store. Opening reads the directory, picks the manifest (S4), follows
 * the logs (recover.c) and writes nothing.
 *
 * THE MANIFEST. The newest one whose checksum holds is used. If a newer one is
 * damaged, a crash may have hit its writing, or it was durable and rotted.
 * It was never durable if (a) the older one still has all its files, (b) the
 * logs after the older one are complete up to what is known durable, and
 * (c) no log says that the newer one was durable. Then nothing is missing
 * either way, because a manifest only summarizes what the logs before it say.
 * Otherwise it is VS_CORRUPT.
 */
#include "store_impl.h"

#include <string.h>

/* ============ Lists ============ */

vs_status vs_u64_list_push(vs_alloc *a, vs_u64_list *l, uint64_t v, vs_err *err) {
  if (l->n == l->cap) {
    uint32_t cap = l->cap == 0 ? 16 : l->cap * 2;
    uint64_t *p = cap > l->cap ? vs_realloc(a, l->v, (size_t)cap * sizeof *p) : NULL;
    if (p == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the list of files");
    l->v = p;
    l->cap = cap;
  }
  l->v[l->n++] = v;
  return VS_OK;
}

void vs_u64_list_deinit(vs_alloc *a, vs_u64_list *l) {
  vs_free(a, l->v);
  memset(l, 0, sizeof *l);
}

/* Shell sort: no recursion, no scratch, and a directory is small. */
static void list_sort(vs_u64_list *l) {
  uint32_t gap = 1;
  while (gap < l->n / 3) gap = gap * 3 + 1;
  for (; gap > 0; gap /= 3) {
    for (uint32_t i = gap; i < l->n; i++) {
      uint64_t v = l->v[i];
      uint32_t j = i;
      for (; j >= gap && l->v[j - gap] > v; j -= gap) l->v[j] = l->v[j - gap];
      l->v[j] = v;
    }
  }
}

typedef struct {
  vs_alloc *a;
  vs_listing *l;
  vs_err *err;
} listing_ctx;

static vs_status list_one(void *ctx, const char *name, bool is_dir) {
  listing_ctx *c = ctx;
  if (is_dir) return VS_OK;
  vs_name parsed = vs_name_parse(name);
  switch (parsed.kind) {
  case VS_NAME_WAL: return vs_u64_list_push(c->a, &c->l->logs, parsed.number, c->err);
  case VS_NAME_SEGMENT:
    if (parsed.number > c->l->max_segment) c->l->max_segment = parsed.number;
    return VS_OK;
  case VS_NAME_MANIFEST:
  case VS_NAME_INDEX:
    if (parsed.number > c->l->max_generation) c->l->max_generation = parsed.number;
    return parsed.kind == VS_NAME_MANIFEST ? vs_u64_list_push(c->a, &c->l->manifests, parsed.number, c->err) : VS_OK;
  case VS_NAME_OTHER: break;
  }
  return VS_OK;
}

vs_status vs_listing_read(vs_store *s, vs_listing *l, vs_err *err) {
  memset(l, 0, sizeof *l);
  listing_ctx ctx = {s->a, l, err};
  vs_status status = s->io->ops->list(s->io, s->dir, list_one, &ctx);
  if (status != VS_OK) {
    vs_listing_deinit(s->a, l);
    return vs_store_io_fail(err, status, "list", s->dir);
  }
  list_sort(&l->logs);
  list_sort(&l->manifests);
  return VS_OK;
}

void vs_listing_deinit(vs_alloc *a, vs_listing *l) {
  vs_u64_list_deinit(a, &l->logs);
  vs_u64_list_deinit(a, &l->manifests);
}

/* ============ Files ============ */

void vs_store_path(const vs_store *s, const char *name, char *path) {
  size_t n = strlen(s->dir), m = strlen(name);
  assert(n + 1 + m < VS_IO_NAME_BYTES);
  memcpy(path, s->dir, n);
  if (n > 0) path[n++] = '/';
  memcpy(path + n, name, m + 1);
}

vs_status vs_store_io_fail(vs_err *err, vs_status status, const char *verb, const char *path) {
  if (status == VS_OUT_OF_MEMORY) return vs_fail(err, status, "no memory to %s '%s'", verb, path);
  return vs_fail(err, status, "cannot %s '%s': %s", verb, path, vs_status_name(status));
}

vs_status vs_store_create_file(vs_store *s, const char *name, vs_file **out, vs_err *err) {
  char path[VS_IO_NAME_BYTES];
  vs_store_path(s, name, path);
  *out = NULL;
  VS_TRY(vs_sync_note_file(s, name, err));
  vs_status status = s->io->ops->open(s->io, path, VS_IO_CREATE, out);
  if (status != VS_OK) {
    *out = NULL;
    vs_sync_forget(s, name);
    return vs_store_io_fail(err, status, "create", path);
  }
  vs_sync_note_dir(s);
  return VS_OK;
}

vs_status vs_store_append(vs_store *s, vs_file *f, const char *name, const void *p, size_t n, vs_err *err) {
  VS_TRY(vs_sync_note_file(s, name, err));
  vs_status status = s->io->ops->append(s->io, f, p, n);
  if (status == VS_OK) return VS_OK;
  char path[VS_IO_NAME_BYTES];
  vs_store_path(s, name, path);
  return vs_store_io_fail(err, status, "write", path);
}

/* ============ Writing begins ============ */

/* What a recovery read may have been visible without being durable: the
 * process died, the machine did not. Whatever is acknowledged from now on
 * stands on it, so the first sync covers it, too. */
static vs_status adopt(vs_store *s, vs_err *err) {
  char name[VS_STORE_NAME_BYTES];
  for (uint32_t i = 0; i < s->n_spans; i++) {
    vs_name_format((vs_name){VS_NAME_WAL, s->span[i].number, 0}, name);
    VS_TRY(vs_sync_note_file(s, name, err));
  }
  if (s->manifest.generation != 0) {
    vs_name_format((vs_name){VS_NAME_MANIFEST, s->manifest.generation, 0}, name);
    VS_TRY(vs_sync_note_file(s, name, err));
  }
  vs_sync_note_dir(s);
  s->written = (vs_evidence){s->good.log, s->good.end, s->manifest.generation};
  s->adopted = true;
  return VS_OK;
}

vs_status vs_store_writable(vs_store *s, vs_err *err) {
  VS_TRY(vs_sync_check(s, err));
  return s->adopted ? VS_OK : adopt(s, err);
}

vs_status vs_store_adopt_tail(vs_store *s, vs_err *err) {
  bool durable = s->known.log > s->tail.log || (s->known.log == s->tail.log && s->known.bytes >= s->tail.end);
  return s->adopted || durable ? VS_OK : adopt(s, err);
}

/* ============ Opening ============ */

/* The newest undamaged manifest; *damaged the newest damaged one above it. */
static vs_status pick_manifest(vs_store *s, const vs_listing *l, uint64_t *damaged, vs_err *err) {
  *damaged = 0;
  for (uint32_t i = l->manifests.n; i-- > 0;) {
    bool valid;
    VS_TRY(vs_manifest_load(s, l->manifests.v[i], &s->manifest, &valid, err));
    if (valid) break;
    if (*damaged == 0) *damaged = l->manifests.v[i];
  }
  if (s->manifest.generation == 0) return VS_OK;
  vs_status status = vs_manifest_check_files(s, &s->manifest, err);
  if (status != VS_CORRUPT || *damaged == 0) return status;
  char name[VS_STORE_NAME_BYTES], path[VS_IO_NAME_BYTES];
  vs_name_format((vs_name){VS_NAME_MANIFEST, *damaged, 0}, name);
  vs_store_path(s, name, path);
  return vs_fail_file(err, VS_CORRUPT, path, "%s is damaged", path);
}

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static vs_status recover(vs_store *s, const vs_listing *l, vs_err *err) {
  uint64_t damaged = 0;
  VS_TRY(s->damage ? vs_salvage_manifest(s, l, err) : pick_manifest(s, l, &damaged, err));
  vs_recovery r;
  VS_TRY(vs_recover_scan(s, &s->manifest, &l->logs, damaged, &r, err));
  s->span = r.span;
  s->n_spans = r.n_spans;
  s->good = r.good;
  s->tail = r.tail;
  s->log.salt = r.salt;
  s->last_txn = r.last_txn;
  s->wal_bytes = r.bytes;
  s->known = s->marked = r.known;
  uint64_t last_log = l->logs.n > 0 ? l->logs.v[l->logs.n - 1] : 0;
  s->next_log = max_u64(max_u64(last_log, s->known.log), s->manifest.first_log) + 1;
  s->next_generation = max_u64(max_u64(l->max_generation, s->known.generation), s->manifest.generation) + 1;
  s->next_segment = max_u64(l->max_segment + 1, s->manifest.next_segment);
  return VS_OK;
}

static vs_status open_parts(vs_store *s, const char *dir, vs_err *err) {
  size_t n = strlen(dir) + 1;
  s->dir = vs_malloc(s->a, n);
  if (s->dir == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the store");
  memcpy(s->dir, dir, n);
  vs_sync_init(s);
  vs_listing l;
  VS_TRY(vs_listing_read(s, &l, err));
  vs_status status = recover(s, &l, err);
  vs_listing_deinit(s->a, &l);
  return status;
}

vs_status vs_store_open_with(vs_alloc *a, vs_io *io, const char *dir, const vs_store_limits *limits, vs_damage_fn fn,
                             void *ctx, vs_store **out, vs_err *err) {
  if (strlen(dir) + 1 + VS_STORE_NAME_BYTES > VS_IO_NAME_BYTES || (dir[0] != '\0' && !vs_io_name_ok(dir)))
    return vs_fail(err, VS_INVALID_ARGUMENT, "'%s' is no directory name", dir);
  if (limits->wal_rotate_bytes == 0 || limits->wal_rotate_bytes > VS_WAL_ROTATE_MAX_BYTES)
    return vs_fail(err, VS_INVALID_ARGUMENT, "a log file holds between 1 byte and 1 GiB");
  vs_store *s = vs_calloc(a, 1, sizeof *s);
  if (s == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the store");
  s->a = a;
  s->io = io;
  s->limits = *limits;
  s->damage = fn;
  s->damage_ctx = ctx;
  vs_wal_init(s);
  vs_status status = open_parts(s, dir, err);
  if (status != VS_OK) {
    vs_store_close(s);
    return status;
  }
  *out = s;
  return VS_OK;
}

vs_status vs_store_open(vs_alloc *a, vs_io *io, const char *dir, const vs_store_limits *limits, vs_store **out,
                        vs_err *err) {
  return vs_store_open_with(a, io, dir, limits, NULL, NULL, out, err);
}

void vs_store_close(vs_store *s) {
  if (s == NULL) return;
  assert(s->ck.n_writers == 0);
  vs_store_checkpoint_abort(s);
  if (s->replay_open) vs_log_reader_close(s, &s->replay_reader);
  vs_wal_deinit(s);
  vs_sync_deinit(s);
  vs_manifest_deinit(s->a, &s->manifest);
  vs_free(s->a, s->span);
  vs_free(s->a, s->dir);
  vs_free(s->a, s);
}

/* ============ Accessors ============ */

bool vs_store_is_new(const vs_store *s) {
  return s->manifest.generation == 0 && s->last_txn == 0 && s->manifest.n_files == 0 && s->seen_txn == 0;
}
uint64_t vs_store_lost_txns(const vs_store *s) { return s->seen_txn > s->last_txn ? s->seen_txn - s->last_txn : 0; }
uint64_t vs_store_generation(const vs_store *s) { return s->manifest.generation; }
vs_slice vs_store_blob(const vs_store *s) { return (vs_slice){s->manifest.blob, s->manifest.blob_bytes}; }
uint32_t vs_store_n_files(const vs_store *s) { return s->manifest.n_files; }
uint64_t vs_store_last_txn(const vs_store *s) { return s->last_txn; }
uint64_t vs_store_wal_bytes(const vs_store *s) { return s->wal_bytes; }

const vs_file_ref *vs_store_file(const vs_store *s, uint32_t i) {
  assert(i < s->manifest.n_files);
  return &s->manifest.file[i];
}

uint32_t vs_store_n_snapshots(const vs_store *s) { return s->manifest.n_snapshots; }

const vs_snapshot *vs_store_snapshot(const vs_store *s, uint32_t i) {
  assert(i < s->manifest.n_snapshots);
  return &s->manifest.snapshot[i];
}
