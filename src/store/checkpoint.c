/* checkpoint.c - from one manifest to the next, and removing what is dead.
 *
 * Layer: store. The order of writes and syncs is what keeps S4 and S5:
 *
 *   begin    creates the log the new manifest starts at
 *            ... the caller writes block files; sync 1
 *   install  marks in the log that it and all before it are durable, writes
 *            the manifest; sync 2
 *   retire   the manifest is in force: removes dead files, marks in the log
 *            that the manifest is durable; sync 3
 *
 * The first mark is synced with the manifest. So if the manifest is later
 * found damaged and the older one still there, the logs between the two are
 * known to have been durable, and one that retire has removed is missed:
 * VS_CORRUPT, not silently older data. The second mark says the same for
 * generations without an older one. A healing checkpoint (S8) makes the second
 * only: the logs before its own may have lost what a failed sync concerned.
 *
 * Dead is every file of the store's naming that the manifest in force does
 * not name, for itself or for a snapshot, and that is older than it: block files, manifests, logs before
 * its first one. Whatever a crash or an abort left is among them.
 */
#include "store_impl.h"

#include <string.h>

/* ============ Begin, keep ============ */

vs_status vs_store_checkpoint_begin(vs_store *s, vs_err *err) {
  assert(!s->ck.active && !s->in_txn && s->replayed);
  VS_TRY(vs_store_writable(s, err));
  uint64_t prev_log = s->good.log;
  VS_TRY(vs_wal_start_new(s, err));
  memset(&s->ck, 0, sizeof s->ck);
  s->ck.active = true;
  s->ck.generation = s->next_generation++;
  s->ck.first_log = s->log.number;
  s->ck.prev_log = prev_log;
  s->ck.last_txn = s->last_txn;
  s->ck.wal_bytes = s->log.size;
  s->ck.files_epoch = s->sync.write_epoch;
  return VS_OK;
}

static void clear(vs_store *s) {
  vs_free(s->a, s->ck.file);
  vs_snapshot_deinit(s->a, &s->ck.pin);
  vs_manifest_deinit(s->a, &s->ck.next);
  memset(&s->ck, 0, sizeof s->ck);
}

void vs_store_checkpoint_abort(vs_store *s) {
  if (!s->ck.active) return;
  assert(s->ck.n_writers == 0);
  clear(s);
}

vs_status vs_checkpoint_reserve(vs_store *s, vs_err *err) {
  vs_checkpoint *ck = &s->ck;
  if (ck->n_files + ck->n_writers < ck->cap_files) return VS_OK;
  uint32_t cap = ck->cap_files == 0 ? 8 : ck->cap_files * 2;
  vs_next_file *file = vs_realloc(s->a, ck->file, cap * sizeof *file);
  if (file == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the checkpoint");
  ck->file = file;
  ck->cap_files = cap;
  return VS_OK;
}

vs_status vs_store_checkpoint_keep(vs_store *s, uint32_t i, vs_err *err) {
  assert(s->ck.active && !s->ck.installed && i < s->manifest.n_files);
  VS_TRY(vs_checkpoint_reserve(s, err));
  s->ck.file[s->ck.n_files++] = (vs_next_file){s->manifest.file[i], false};
  return VS_OK;
}

void vs_checkpoint_add(vs_store *s, const vs_file_ref *ref) {
  assert(s->ck.n_files < s->ck.cap_files);
  s->ck.file[s->ck.n_files++] = (vs_next_file){*ref, true};
  s->ck.files_epoch = s->sync.write_epoch;
}

/* ============ Snapshots ============ */

vs_status vs_store_checkpoint_pin(vs_store *s, const char *name, uint64_t created_ms, uint64_t n_items, vs_err *err) {
  vs_checkpoint *ck = &s->ck;
  size_t n = strlen(name);
  assert(ck->active && !ck->installed && ck->pin.name == NULL && n > 0 && n <= VS_SNAPSHOT_NAME_MAX);
  ck->pin.name = vs_malloc(s->a, n + 1);
  if (ck->pin.name == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a snapshot");
  memcpy(ck->pin.name, name, n + 1);
  ck->pin.created_ms = created_ms;
  ck->pin.n_items = n_items;
  return VS_OK;
}

void vs_store_checkpoint_unpin(vs_store *s, uint32_t i) {
  assert(s->ck.active && !s->ck.installed && i < s->manifest.n_snapshots);
  s->ck.unpin = true;
  s->ck.unpinned = i;
}

vs_status vs_store_checkpoint_revert(vs_store *s, uint32_t i, vs_err *err) {
  assert(s->ck.active && !s->ck.installed && s->ck.n_files == 0 && i < s->manifest.n_snapshots);
  const vs_snapshot *from = &s->manifest.snapshot[i];
  for (uint32_t f = 0; f < from->n_files; f++) {
    VS_TRY(vs_checkpoint_reserve(s, err));
    s->ck.file[s->ck.n_files++] = (vs_next_file){from->file[f], false};
  }
  return VS_OK;
}

/* Fills in *to, which is freed with its manifest also after a refusal. */
static bool copy_snapshot(vs_alloc *a, const vs_snapshot *from, const vs_file_ref *file, uint32_t n_files,
                          vs_slice blob, vs_snapshot *to) {
  size_t name = strlen(from->name) + 1;
  to->created_ms = from->created_ms;
  to->n_items = from->n_items;
  if ((to->name = vs_malloc(a, name)) == NULL) return false;
  memcpy(to->name, from->name, name);
  if (n_files > 0 && (to->file = vs_calloc(a, n_files, sizeof *to->file)) == NULL) return false;
  if (n_files > 0) memcpy(to->file, file, n_files * sizeof *file);
  to->n_files = n_files;
  if (blob.n > 0 && (to->blob = vs_malloc(a, blob.n)) == NULL) return false;
  if (blob.n > 0) memcpy(to->blob, blob.p, blob.n);
  to->blob_bytes = blob.n;
  return true;
}

/* The snapshots of the manifest in force, less one or with the new one, whose state is m's. */
static bool assemble_snapshots(vs_store *s, vs_manifest *m) {
  const vs_manifest *old = &s->manifest;
  uint32_t n = old->n_snapshots - (s->ck.unpin ? 1 : 0) + (s->ck.pin.name != NULL ? 1 : 0);
  if (n == 0) return true;
  if ((m->snapshot = vs_calloc(s->a, n, sizeof *m->snapshot)) == NULL) return false;
  m->n_snapshots = n;
  uint32_t at = 0;
  for (uint32_t i = 0; i < old->n_snapshots; i++) {
    const vs_snapshot *from = &old->snapshot[i];
    if (s->ck.unpin && i == s->ck.unpinned) continue;
    vs_slice blob = {from->blob, from->blob_bytes};
    if (!copy_snapshot(s->a, from, from->file, from->n_files, blob, &m->snapshot[at++])) return false;
  }
  if (s->ck.pin.name == NULL) return true;
  return copy_snapshot(s->a, &s->ck.pin, m->file, m->n_files, (vs_slice){m->blob, m->blob_bytes}, &m->snapshot[at]);
}

/* ============ Install ============ */

/* Gathers the new manifest; what it owns is freed with the checkpoint. */
static vs_status assemble(vs_store *s, vs_slice blob, vs_err *err) {
  vs_checkpoint *ck = &s->ck;
  vs_manifest *m = &ck->next;
  vs_manifest_deinit(s->a, m);
  *m = (vs_manifest){.generation = ck->generation,
                     .first_log = ck->first_log,
                     .prev_log = ck->prev_log,
                     .last_txn = ck->last_txn,
                     .next_segment = s->next_segment};
  if (ck->n_files > 0) m->file = vs_calloc(s->a, ck->n_files, sizeof *m->file);
  if (blob.n > 0) m->blob = vs_malloc(s->a, blob.n);
  if ((ck->n_files > 0 && m->file == NULL) || (blob.n > 0 && m->blob == NULL))
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the manifest");
  for (uint32_t i = 0; i < ck->n_files; i++) m->file[i] = ck->file[i].ref;
  m->n_files = ck->n_files;
  if (blob.n > 0) memcpy(m->blob, blob.p, blob.n);
  m->blob_bytes = blob.n;
  return assemble_snapshots(s, m) ? VS_OK : vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the manifest");
}

vs_status vs_store_checkpoint_install(vs_store *s, vs_slice blob, vs_err *err) {
  vs_checkpoint *ck = &s->ck;
  assert(ck->active && !ck->installed && ck->n_writers == 0);
  VS_TRY(vs_store_writable(s, err));
  assert(ck->files_epoch <= s->sync.synced_epoch);
  bool heals = s->sync.health == VS_SYNC_HEALING;
  assert(heals || s->known.log >= ck->first_log);
  VS_TRY(assemble(s, blob, err));
  if (!heals) VS_TRY(vs_wal_mark(s, err)); /* S8 */
  VS_TRY(vs_manifest_write(s, &ck->next, err));
  ck->manifest_epoch = s->sync.write_epoch;
  s->written.generation = ck->generation;
  ck->installed = true;
  return VS_OK;
}

uint32_t vs_store_pending_n(const vs_store *s) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->ck.n_files; i++) n += s->ck.file[i].is_new;
  return n;
}

const vs_file_ref *vs_store_pending(const vs_store *s, uint32_t i) {
  for (uint32_t at = 0; at < s->ck.n_files; at++)
    if (s->ck.file[at].is_new && i-- == 0) return &s->ck.file[at].ref;
  assert(false);
  return NULL;
}

/* ============ Retire ============ */

typedef struct {
  vs_store *s;
  vs_name *name; /* owned: what to remove */
  uint32_t n, cap;
  vs_err *err;
} dead_list;

static bool names(const vs_file_ref *file, uint32_t n, vs_name name) {
  vs_file_kind kind = name.kind == VS_NAME_SEGMENT ? VS_FILE_SEGMENT : VS_FILE_INDEX;
  for (uint32_t i = 0; i < n; i++)
    if (file[i].kind == kind && file[i].number == name.number && file[i].part == name.part) return true;
  return false;
}

static bool is_live(const vs_store *s, vs_name name) {
  const vs_manifest *m = &s->manifest;
  if (name.kind == VS_NAME_WAL) return name.number >= m->first_log;
  if (name.kind == VS_NAME_MANIFEST) return name.number >= m->generation;
  bool live = names(m->file, m->n_files, name);
  for (uint32_t i = 0; i < m->n_snapshots && !live; i++) {
    live = names(m->snapshot[i].file, m->snapshot[i].n_files, name);
  }
  return live;
}

static vs_status collect(void *ctx, const char *text, bool is_dir) {
  dead_list *d = ctx;
  vs_name name = vs_name_parse(text);
  if (is_dir || name.kind == VS_NAME_OTHER || is_live(d->s, name)) return VS_OK;
  /* Everything dead was written before the manifest, whose sync covered it: no
   * host is asked to sync a file that is gone, or loses one it is syncing. */
  assert(!vs_sync_concerns(d->s, text));
  if (d->n == d->cap) {
    uint32_t cap = d->cap == 0 ? 16 : d->cap * 2;
    vs_name *p = vs_realloc(d->s->a, d->name, cap * sizeof *p);
    if (p == NULL) return vs_fail(d->err, VS_OUT_OF_MEMORY, "no memory for the list of dead files");
    d->name = p;
    d->cap = cap;
  }
  d->name[d->n++] = name;
  return VS_OK;
}

/* Tries all of them; gives the first failure. */
static vs_status remove_all(dead_list *d) {
  vs_store *s = d->s;
  vs_status first = VS_OK;
  for (uint32_t i = 0; i < d->n; i++) {
    char name[VS_STORE_NAME_BYTES], path[VS_IO_NAME_BYTES];
    vs_name_format(d->name[i], name);
    vs_store_path(s, name, path);
    vs_sync_note_dir(s);
    vs_status status = s->io->ops->remove(s->io, path);
    if (status != VS_OK && status != VS_NOT_FOUND && first == VS_OK)
      first = vs_store_io_fail(d->err, status, "remove", path);
  }
  return first;
}

static vs_status remove_dead(vs_store *s, vs_err *err) {
  dead_list d = {.s = s, .err = err};
  vs_status status = s->io->ops->list(s->io, s->dir, collect, &d);
  if (status != VS_OK)
    vs_store_io_fail(err, status, "list", s->dir);
  else
    status = remove_all(&d);
  vs_free(s->a, d.name);
  return status;
}

vs_status vs_store_checkpoint_retire(vs_store *s, vs_err *err) {
  vs_checkpoint *ck = &s->ck;
  assert(ck->active && ck->installed);
  VS_TRY(vs_store_writable(s, err));
  assert(ck->manifest_epoch <= s->sync.synced_epoch);
  vs_manifest old = s->manifest;
  s->manifest = ck->next;
  s->damage = NULL; /* the damaged files are no part of it */
  memset(&ck->next, 0, sizeof ck->next);
  vs_manifest_deinit(s->a, &old);
  s->wal_bytes = ck->wal_bytes;
  clear(s);
  /* From here on the new manifest is in force, whatever fails. Removing comes
   * first: on a full medium it makes the room for the mark. */
  vs_status removed = remove_dead(s, err);
  vs_status marked = vs_wal_mark(s, removed == VS_OK ? err : NULL);
  return removed != VS_OK ? removed : marked;
}
