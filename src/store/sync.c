/* sync.c - what must be made durable, and what is known to be.
 *
 * Layer: store. Keeps two lists of names: written since the last sync began,
 * and in flight. A sync covers every write before its beginning, so when it
 * ends well, everything up to the log position of its beginning is durable.
 *
 * Invariants
 *   Y1  A file is in `dirty` before it is written, and stays there or in
 *       `in_flight` until a sync that began after the write has ended well.
 *   Y2  `known` grows only at the end of a good sync; poisoned is for ever.
 *   Y3  While healing `known` stands still until the new manifest is durable:
 *       the log it starts at then has no predecessor that matters.
 */
#include "store_impl.h"

#include <string.h>

static void names_clear(vs_alloc *a, vs_names *l) {
  for (uint32_t i = 0; i < l->n; i++) vs_free(a, l->name[i]);
  l->n = 0;
}

static uint32_t names_find(const vs_names *l, const char *path) {
  for (uint32_t i = l->n; i-- > 0;)
    if (strcmp(l->name[i], path) == 0) return i;
  return UINT32_MAX;
}

static vs_status names_add(vs_alloc *a, vs_names *l, const char *path, vs_err *err) {
  if (names_find(l, path) != UINT32_MAX) return VS_OK;
  if (l->n == l->cap) {
    uint32_t cap = l->cap == 0 ? 8 : l->cap * 2;
    char **name = vs_realloc(a, l->name, cap * sizeof *name);
    if (name == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the list of files to sync");
    l->name = name;
    l->cap = cap;
  }
  size_t n = strlen(path) + 1;
  char *copy = vs_malloc(a, n);
  if (copy == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the list of files to sync");
  memcpy(copy, path, n);
  l->name[l->n++] = copy;
  return VS_OK;
}

void vs_sync_init(vs_store *s) {
  s->sync.open_epoch = 1;
  s->sync.dir_name[0] = s->dir;
}

void vs_sync_deinit(vs_store *s) {
  vs_names *lists[2] = {&s->sync.dirty, &s->sync.in_flight};
  for (int i = 0; i < 2; i++) {
    names_clear(s->a, lists[i]);
    vs_free(s->a, lists[i]->name);
  }
}

/* ============ Writes ============ */

vs_status vs_sync_note_file(vs_store *s, const char *name, vs_err *err) {
  char path[VS_IO_NAME_BYTES];
  vs_store_path(s, name, path);
  VS_TRY(names_add(s->a, &s->sync.dirty, path, err));
  s->sync.write_epoch = s->sync.open_epoch;
  return VS_OK;
}

void vs_sync_note_dir(vs_store *s) {
  s->sync.dir_dirty = true;
  s->sync.write_epoch = s->sync.open_epoch;
}

bool vs_sync_concerns(const vs_store *s, const char *name) {
  char path[VS_IO_NAME_BYTES];
  vs_store_path(s, name, path);
  return names_find(&s->sync.dirty, path) != UINT32_MAX || names_find(&s->sync.in_flight, path) != UINT32_MAX;
}

/* With nothing left to sync every write so far counts as synced: a file that
 * was noted and then could not be made must not be waited for. The writes to
 * come are of a new epoch, or they would count as synced, too. */
static void settle(vs_sync_state *y) {
  if (!y->busy && y->health == VS_SYNC_HEALTHY && y->dirty.n == 0 && !y->dir_dirty) {
    y->synced_epoch = y->write_epoch;
    y->open_epoch = y->write_epoch + 1;
  }
}

void vs_sync_forget(vs_store *s, const char *name) {
  char path[VS_IO_NAME_BYTES];
  vs_store_path(s, name, path);
  vs_names *l = &s->sync.dirty;
  uint32_t i = names_find(l, path);
  if (i == UINT32_MAX) return;
  vs_free(s->a, l->name[i]);
  l->name[i] = l->name[--l->n];
  settle(&s->sync);
}

/* ============ The protocol ============ */

uint64_t vs_store_write_epoch(const vs_store *s) { return s->sync.write_epoch; }
uint64_t vs_store_synced_epoch(const vs_store *s) { return s->sync.synced_epoch; }
bool vs_store_poisoned(const vs_store *s) { return s->sync.health == VS_SYNC_POISONED; }
bool vs_store_full(const vs_store *s) { return s->sync.health == VS_SYNC_FULL; }

vs_status vs_sync_check(const vs_store *s, vs_err *err) {
  if (vs_store_poisoned(s)) return vs_fail(err, VS_POISONED, "an earlier sync failed; open the store anew");
  if (vs_store_full(s)) return vs_fail(err, VS_NO_SPACE, "there was no room to make the last writes durable");
  return VS_OK;
}

bool vs_store_sync_begin(vs_store *s, vs_sync_set *out) {
  vs_sync_state *y = &s->sync;
  if (y->busy || vs_sync_check(s, NULL) != VS_OK || (y->dirty.n == 0 && !y->dir_dirty)) return false;
  vs_names empty = y->in_flight;
  assert(empty.n == 0);
  y->in_flight = y->dirty;
  y->dirty = empty;
  y->dir_in_flight = y->dir_dirty;
  y->dir_dirty = false;
  y->busy = true;
  y->in_flight_epoch = y->write_epoch;
  y->open_epoch = y->write_epoch + 1;
  y->in_flight_known = s->written;
  out->epoch = y->in_flight_epoch;
  out->n_files = y->in_flight.n;
  out->file = (const char *const *)y->in_flight.name;
  out->n_dirs = y->dir_in_flight ? 1 : 0;
  out->dir = y->dir_name;
  return true;
}

void vs_store_sync_end(vs_store *s, vs_status status) {
  vs_sync_state *y = &s->sync;
  assert(y->busy);
  y->busy = false;
  names_clear(s->a, &y->in_flight);
  if (y->health == VS_SYNC_FULL) return; /* healing was given up meanwhile */
  if (status != VS_OK) {
    y->health = status == VS_NO_SPACE ? VS_SYNC_FULL : VS_SYNC_POISONED;
    return;
  }
  y->synced_epoch = y->in_flight_epoch;
  if (y->health == VS_SYNC_HEALING) {
    if (!s->ck.installed || y->synced_epoch < s->ck.manifest_epoch) return;
    y->health = VS_SYNC_HEALTHY;
  }
  settle(y);
  vs_evidence_add(&s->known, &y->in_flight_known);
}

void vs_store_heal_begin(vs_store *s) {
  vs_sync_state *y = &s->sync;
  assert(vs_store_full(s) && !y->busy && !s->ck.active && !s->in_txn);
  /* Nothing that was written matters any more but what a good sync covered. */
  names_clear(s->a, &y->dirty);
  y->dir_dirty = false;
  y->synced_before = y->synced_epoch;
  y->health = VS_SYNC_HEALING;
}

void vs_store_heal_end(vs_store *s) {
  vs_sync_state *y = &s->sync;
  if (y->health == VS_SYNC_HEALING) y->health = VS_SYNC_FULL;
  if (y->health != VS_SYNC_HEALTHY) y->synced_epoch = y->synced_before;
}

vs_status vs_store_sync(vs_store *s, vs_err *err) {
  VS_TRY(vs_sync_check(s, err));
  vs_sync_set set;
  assert(!s->sync.busy);
  if (!vs_store_sync_begin(s, &set)) return VS_OK;
  vs_status status = VS_OK;
  const char *at = "";
  for (uint32_t i = 0; i < set.n_files && status == VS_OK; i++) status = s->io->ops->sync(s->io, at = set.file[i]);
  for (uint32_t i = 0; i < set.n_dirs && status == VS_OK; i++) status = s->io->ops->sync_dir(s->io, at = set.dir[i]);
  /* The name is borrowed until the end of the sync: tell first. */
  if (status != VS_OK) vs_store_io_fail(err, status, "sync", at);
  vs_store_sync_end(s, status);
  return status;
}
