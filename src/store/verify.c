/* verify.c - reading every byte that counts and telling what is damaged.
 *
 * Layer: store. Uses the readers that recovery and the caller use, so what
 * verify accepts is what opening accepts. Reads the medium, not memory: the
 * manifest, each block file, then the logs as a recovery would, which must
 * arrive where this session stands. O(bytes).
 */
#include "store_impl.h"

#include <string.h>

typedef struct {
  vs_store *s;
  vs_damage_fn fn;
  void *ctx;
} verify;

/* Damage goes to the caller's function; any other failure ends the check. */
static vs_status report(verify *v, vs_status status, const vs_err *what, vs_err *err) {
  if (status == VS_CORRUPT || status == VS_VERSION) {
    v->fn(v->ctx, what->file, what->msg);
    return VS_OK;
  }
  if (status != VS_OK && err != NULL) *err = *what;
  return status;
}

static void complain(verify *v, vs_name name, const char *what) {
  char text[VS_STORE_NAME_BYTES], path[VS_IO_NAME_BYTES];
  vs_name_format(name, text);
  vs_store_path(v->s, text, path);
  v->fn(v->ctx, path, what);
}

static vs_status verify_manifest(verify *v, vs_err *err) {
  uint64_t generation = v->s->manifest.generation;
  if (generation == 0) return VS_OK;
  vs_manifest m;
  bool valid;
  vs_err what;
  vs_err_clear(&what);
  vs_status status = vs_manifest_load(v->s, generation, &m, &valid, &what);
  vs_name name = {VS_NAME_MANIFEST, generation, 0};
  if (status == VS_OK && !valid) complain(v, name, "the manifest is damaged");
  if (status == VS_NOT_FOUND) {
    complain(v, name, "the manifest is missing");
    status = VS_OK;
  }
  vs_manifest_deinit(v->s->a, &m);
  return report(v, status, &what, err);
}

vs_status vs_blocks_read_all(vs_store *s, const vs_file_ref *ref, vs_err *what) {
  vs_block_reader *r;
  VS_TRY(vs_block_reader_open_ref(s, ref, &r, what));
  vs_slice block;
  vs_status status;
  do {
    status = vs_block_reader_next(r, &block, what);
  } while (status == VS_OK && block.n > 0);
  vs_block_reader_close(r);
  return status;
}

static vs_status verify_logs(verify *v, vs_err *err) {
  vs_store *s = v->s;
  vs_listing l;
  VS_TRY(vs_listing_read(s, &l, err));
  vs_recovery r;
  vs_err what;
  vs_err_clear(&what);
  vs_status status = vs_recover_scan(s, &s->manifest, &l.logs, 0, &r, &what);
  vs_listing_deinit(s->a, &l);
  if (status != VS_OK) return report(v, status, &what, err);
  if (r.last_txn < s->last_txn)
    complain(v, (vs_name){VS_NAME_WAL, s->good.log, 0}, "committed transactions are missing");
  vs_recovery_deinit(s->a, &r);
  return VS_OK;
}

static vs_status verify_file(verify *v, const vs_file_ref *ref, vs_err *err) {
  vs_err what;
  vs_err_clear(&what);
  return report(v, vs_blocks_read_all(v->s, ref, &what), &what, err);
}

static bool has_file(const vs_file_ref *file, uint32_t n, const vs_file_ref *ref) {
  for (uint32_t i = 0; i < n; i++)
    if (file[i].kind == ref->kind && file[i].number == ref->number && file[i].part == ref->part) return true;
  return false;
}

/* Snapshots share files with the live state and with each other. */
static bool seen_before(const vs_manifest *m, uint32_t n_snapshots, const vs_file_ref *ref) {
  bool seen = has_file(m->file, m->n_files, ref);
  for (uint32_t i = 0; i < n_snapshots && !seen; i++) {
    seen = has_file(m->snapshot[i].file, m->snapshot[i].n_files, ref);
  }
  return seen;
}

vs_status vs_store_verify(vs_store *s, vs_damage_fn fn, void *ctx, vs_err *err) {
  verify v = {s, fn, ctx};
  VS_TRY(verify_manifest(&v, err));
  const vs_manifest *m = &s->manifest;
  for (uint32_t i = 0; i < m->n_files; i++) VS_TRY(verify_file(&v, &m->file[i], err));
  for (uint32_t i = 0; i < m->n_snapshots; i++) {
    for (uint32_t f = 0; f < m->snapshot[i].n_files; f++) {
      if (!seen_before(m, i, &m->snapshot[i].file[f])) VS_TRY(verify_file(&v, &m->snapshot[i].file[f], err));
    }
  }
  return verify_logs(&v, err);
}
