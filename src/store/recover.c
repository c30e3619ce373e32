/* recover.c - which logs count after a manifest, and how far.
 *
 * Layer: store. Reads headers and frames (wal_read.c), writes nothing.
 *
 * THE CHAIN. Every log names its predecessor and where that one's valid
 * content ends. The successor of a log is the highest-numbered valid log
 * that names it: a log left behind by a failed transaction is named by none
 * and skipped. The chain starts at the manifest's first log, which was
 * created and synced before the manifest; without a manifest it starts at
 * the highest log that has no predecessor.
 *
 * THE END. The chain is followed until a log has no successor or a frame is
 * invalid. A crash may take any bytes not yet synced, so an invalid tail is
 * normal, and so are later logs that cannot be reached. It is damage exactly
 * when something readable proves that bytes behind the end were durable:
 * frames and headers carry the durable position known when they were
 * written (vs_evidence). Frames on the way are looked at anyway; only if
 * the end is not clean are the remaining logs searched for evidence.
 *
 * What counts is everything up to the last commit frame before the end.
 * Time O(log bytes), memory O(logs) plus the reader's window.
 */
#include "store_impl.h"

#include <string.h>

typedef struct {
  vs_store *s;
  const vs_manifest *m;
  vs_log_info *info; /* owned, ascending numbers */
  uint32_t n_info;
  uint64_t damaged_generation;
  vs_recovery *out;
  uint32_t n_frames; /* of the transaction not yet committed */
  uint32_t n_walked; /* spans entered so far; the last one is where we stand */
  vs_log_pos stop;   /* where the valid chain ends */
  bool clean;        /* ... and it does so at the end of its last file */
  bool torn;         /* salvaging: damage was told, the chain ends before it */
} walk;

void vs_recovery_deinit(vs_alloc *a, vs_recovery *r) {
  vs_free(a, r->span);
  memset(r, 0, sizeof *r);
}

static vs_status corrupt(walk *w, vs_name_kind kind, uint64_t number, const char *what, vs_err *err) {
  char name[VS_STORE_NAME_BYTES], path[VS_IO_NAME_BYTES];
  /* With a damaged manifest in the directory, that is the culprit: the older
   * one in use now is not complete any more, and need not be. */
  if (w->damaged_generation != 0) {
    kind = VS_NAME_MANIFEST;
    number = w->damaged_generation;
    what = "is damaged";
  }
  vs_name_format((vs_name){kind, number, 0}, name);
  if (w->s->damage) {
    vs_salvage_tell(w->s, name, what);
    w->torn = true;
    return VS_OK;
  }
  vs_store_path(w->s, name, path);
  return vs_fail_file(err, VS_CORRUPT, path, "%s %s", path, what);
}

/* ============ Headers ============ */

static vs_status read_headers(walk *w, const vs_u64_list *logs, vs_err *err) {
  vs_store *s = w->s;
  if (logs->n == 0) return VS_OK;
  w->info = vs_calloc(s->a, logs->n, sizeof *w->info);
  w->out->span = vs_calloc(s->a, logs->n, sizeof *w->out->span);
  if (w->info == NULL || w->out->span == NULL) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the list of logs");
  for (uint32_t i = 0; i < logs->n; i++) {
    if (logs->v[i] < w->m->first_log) continue;
    vs_log_reader r;
    vs_status status = vs_log_reader_open(s, logs->v[i], &r, &w->info[w->n_info], err);
    vs_log_reader_close(s, &r);
    VS_TRY(status);
    uint64_t first = w->info[w->n_info].first_txn;
    if (s->damage && first > s->seen_txn + 1) s->seen_txn = first - 1;
    w->n_info++;
  }
  return VS_OK;
}

static const vs_log_info *find_log(const walk *w, uint64_t number) {
  for (uint32_t i = w->n_info; i-- > 0;)
    if (w->info[i].number == number) return &w->info[i];
  return NULL;
}

static const vs_log_info *successor(const walk *w, uint64_t number) {
  for (uint32_t i = w->n_info; i-- > 0;)
    if (w->info[i].state == VS_HEADER_OK && w->info[i].prev == number) return &w->info[i];
  return NULL;
}

/* Without a manifest that would name it: the first one whose header can be read. */
static const vs_log_info *salvaged_first_log(walk *w) {
  for (uint32_t i = 0; i < w->n_info; i++) {
    if (w->info[i].state != VS_HEADER_OK) continue;
    w->out->last_txn = w->info[i].first_txn - 1;
    return &w->info[i];
  }
  return NULL;
}

static vs_status first_log(walk *w, const vs_log_info **out, vs_err *err) {
  if (w->m->generation == 0) {
    *out = w->s->damage ? salvaged_first_log(w) : successor(w, 0);
    return VS_OK;
  }
  *out = find_log(w, w->m->first_log);
  if (*out == NULL) return corrupt(w, VS_NAME_WAL, w->m->first_log, "is missing", err);
  if ((*out)->state != VS_HEADER_OK || (*out)->prev != w->m->prev_log)
    return corrupt(w, VS_NAME_WAL, w->m->first_log, "has a damaged header", err);
  return VS_OK;
}

/* ============ Frames ============ */

static void reach_good(walk *w, const vs_log_info *log, uint64_t end) {
  w->out->good = (vs_log_pos){log->number, end};
  w->out->salt = log->salt;
  w->out->n_spans = w->n_walked;
}

/* Frames inside the chain passed their checksum, so a wrong number in one is
 * no torn write: the file was made by someone else. */
static vs_status take_frame(walk *w, const vs_log_info *log, const vs_frame *frame, vs_err *err) {
  vs_recovery *out = w->out;
  vs_evidence_add(&out->known, &frame->known);
  if (frame->mark) {
    if (w->n_frames == 0) reach_good(w, log, frame->end);
    return VS_OK;
  }
  if (frame->txn != out->last_txn + 1) return corrupt(w, VS_NAME_WAL, log->number, "holds frames out of order", err);
  if (frame->kind != VS_FRAME_COMMIT) {
    w->n_frames++;
    return VS_OK;
  }
  if (vs_load_u32(frame->payload.p) != w->n_frames)
    return corrupt(w, VS_NAME_WAL, log->number, "lacks frames of a transaction", err);
  w->n_frames = 0;
  out->last_txn++;
  out->tail = (vs_log_pos){log->number, frame->end};
  reach_good(w, log, frame->end);
  return VS_OK;
}

/* Follows one log up to `need` or its first invalid frame; *at tells where. */
static vs_status walk_log(walk *w, const vs_log_info *log, uint64_t need, uint64_t *at, vs_err *err) {
  vs_log_reader r;
  vs_log_info info;
  vs_status status = vs_log_reader_open(w->s, log->number, &r, &info, err);
  bool valid = true;
  while (status == VS_OK && !w->torn && r.off < need) {
    vs_frame frame;
    status = vs_log_reader_next(w->s, &r, &frame, &valid, err);
    if (status != VS_OK || !valid) break;
    status = take_frame(w, log, &frame, err);
  }
  *at = r.off;
  vs_log_reader_close(w->s, &r);
  return status;
}

static vs_status walk_chain(walk *w, vs_err *err) {
  const vs_log_info *log;
  VS_TRY(first_log(w, &log, err));
  w->clean = true;
  while (log != NULL && !w->torn) {
    if (log->first_txn != w->out->last_txn + 1)
      return corrupt(w, VS_NAME_WAL, log->number, "does not continue its predecessor", err);
    vs_evidence_add(&w->out->known, &log->known);
    const vs_log_info *next = successor(w, log->number);
    uint64_t need = next != NULL ? next->prev_end : log->file_bytes;
    vs_span *span = &w->out->span[w->n_walked++];
    *span = (vs_span){log->number, need};
    if (w->n_walked == 1) reach_good(w, log, VS_WAL_HEADER_BYTES);
    uint64_t at;
    VS_TRY(walk_log(w, log, need, &at, err));
    w->stop = (vs_log_pos){log->number, at};
    w->clean = at == need && (next != NULL || at == log->file_bytes) && !w->torn;
    if (!w->clean) break;
    log = next;
  }
  return VS_OK;
}

/* ============ Evidence ============ */

static bool beyond(const vs_evidence *e, vs_log_pos pos) {
  return e->log > pos.log || (e->log == pos.log && e->bytes > pos.end);
}

static vs_status find_evidence(walk *w, uint64_t number, vs_err *err) {
  if (!w->s->damage) return vs_log_find_evidence(w->s, number, &w->out->known, err);
  vs_err what;
  vs_err_clear(&what);
  return vs_salvage_pass(w->s, vs_log_find_evidence(w->s, number, &w->out->known, &what), &what, err);
}

static vs_status search_logs(walk *w, vs_err *err) {
  bool all = w->damaged_generation != 0;
  for (uint32_t i = 0; i < w->n_info; i++) {
    uint64_t number = w->info[i].number;
    bool suspect = number > w->stop.log || (number == w->stop.log && !w->clean);
    if (all || suspect) VS_TRY(find_evidence(w, number, err));
  }
  return VS_OK;
}

/* The chain ends before a position known durable: names the log to blame. */
static vs_status blame(walk *w, vs_err *err) {
  if (!w->clean || w->out->known.log == w->stop.log)
    return corrupt(w, VS_NAME_WAL, w->stop.log, "is damaged where it was known to be durable", err);
  uint64_t number = w->out->known.log;
  for (;;) {
    const vs_log_info *log = find_log(w, number);
    if (log == NULL) return corrupt(w, VS_NAME_WAL, number, "is missing", err);
    if (log->state != VS_HEADER_OK) return corrupt(w, VS_NAME_WAL, number, "has a damaged header", err);
    if (log->prev <= w->stop.log) return corrupt(w, VS_NAME_WAL, number, "does not continue its predecessor", err);
    number = log->prev;
  }
}

static vs_status judge(walk *w, vs_err *err) {
  VS_TRY(search_logs(w, err));
  const vs_evidence *known = &w->out->known;
  if (w->s->damage && (w->torn || w->m->generation == 0)) return VS_OK; /* told already */
  if (known->generation > w->m->generation)
    return corrupt(w, VS_NAME_MANIFEST, known->generation, "is damaged or missing", err);
  return beyond(known, w->stop) ? blame(w, err) : VS_OK;
}

static vs_status finish(walk *w) {
  vs_recovery *out = w->out;
  if (out->n_spans > 0) {
    assert(out->span[out->n_spans - 1].number == out->good.log);
    out->span[out->n_spans - 1].end = out->good.end;
  }
  for (uint32_t i = 0; i < out->n_spans; i++) out->bytes += out->span[i].end;
  return VS_OK;
}

vs_status vs_recover_scan(vs_store *s, const vs_manifest *m, const vs_u64_list *logs, uint64_t damaged_generation,
                          vs_recovery *out, vs_err *err) {
  memset(out, 0, sizeof *out);
  out->last_txn = m->last_txn;
  walk w = {.s = s, .m = m, .damaged_generation = damaged_generation, .out = out};
  vs_status status = read_headers(&w, logs, err);
  if (status == VS_OK) status = walk_chain(&w, err);
  if (status == VS_OK) status = judge(&w, err);
  if (status == VS_OK) status = finish(&w);
  vs_free(s->a, w.info);
  if (status != VS_OK) vs_recovery_deinit(s->a, out);
  return status;
}
