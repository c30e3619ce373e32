/* wal.c - writing the log: transactions, rotation, marks.
 *
 * Layer: store. Moves frames of bytes; format in format.h, contract in store.h.
 * Frames gather in a buffer and are appended at the latest when it holds
 * 1 MiB, at the commit, or when the log is changed. A log gets its number,
 * salt and header when its first frame is made, its file when the buffer is
 * first appended: a transaction that is given up early leaves no trace.
 *
 * INVARIANTS
 *   W1  Every append to a log that is OPEN succeeded so far; after a failed
 *       one, or when frames of an aborted transaction are in it, it is left
 *       (state NONE) and its successor names the last good position (S6).
 *   W2  `good` is behind a commit frame, a mark outside of transactions, or
 *       the header of a log started by a checkpoint.
 *   W3  No frame crosses from one log to the next.
 */
#include "store_impl.h"

#include "../base/rng.h"

#include <string.h>

void vs_wal_init(vs_store *s) { vs_wr_init(&s->log.buf, s->a); }

/* Leaves the log; what is in the buffer is dropped. */
static void leave(vs_store *s) {
  if (s->log.f != NULL) s->io->ops->close(s->io, s->log.f);
  s->log.f = NULL;
  s->log.state = VS_LOG_NONE;
  vs_wr_reset(&s->log.buf);
}

void vs_wal_deinit(vs_store *s) {
  leave(s);
  vs_wr_deinit(&s->log.buf);
}

/* ============ Files ============ */

static uint32_t next_salt(const vs_store *s) {
  uint64_t mix = vs_mix64(s->log.number ^ 0x77616c2d73616c74u);
  mix = vs_mix64(mix ^ s->log.salt);
  return (uint32_t)vs_mix64(mix ^ s->last_txn);
}

/* Gives the next log its number and puts its header into the empty buffer. */
static vs_status plan(vs_store *s, vs_log_pos prev, vs_err *err) {
  vs_log_writer *log = &s->log;
  assert(log->state == VS_LOG_NONE && log->buf.n == 0);
  log->number = s->next_log;
  log->salt = next_salt(s);
  log->size = 0;
  vs_name_format((vs_name){VS_NAME_WAL, log->number, 0}, log->name);
  uint8_t *p = vs_wr_space(&log->buf, VS_WAL_HEADER_BYTES);
  if (p == NULL) {
    vs_wr_reset(&log->buf);
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the log buffer");
  }
  s->next_log++;
  log->state = VS_LOG_PLANNED;
  vs_header_begin(p, VS_WAL_MAGIC, VS_WAL_HEADER_BYTES);
  vs_store_u64(p + 16, log->number);
  vs_store_u64(p + 24, prev.log);
  vs_store_u64(p + 32, prev.end);
  vs_store_u64(p + 40, s->last_txn + 1);
  vs_store_u64(p + 48, s->known.log);
  vs_store_u64(p + 56, s->known.bytes);
  vs_store_u64(p + 64, s->known.generation);
  vs_store_u32(p + 72, log->salt);
  vs_header_end(p, VS_WAL_HEADER_BYTES);
  s->marked = s->known;
  return VS_OK;
}

/* Appends the buffer. A failure leaves the log (W1). */
static vs_status flush(vs_store *s, vs_err *err) {
  vs_log_writer *log = &s->log;
  if (log->buf.n == 0) return VS_OK;
  vs_status status = VS_OK;
  if (log->state == VS_LOG_PLANNED) {
    status = vs_store_create_file(s, log->name, &log->f, err);
    if (status == VS_OK) log->state = VS_LOG_OPEN;
  }
  if (status == VS_OK) status = vs_store_append(s, log->f, log->name, log->buf.p, log->buf.n, err);
  if (status != VS_OK) {
    leave(s);
    return status;
  }
  s->txn_flushed = s->in_txn;
  log->size += log->buf.n;
  s->wal_bytes += log->buf.n;
  if (s->ck.active) s->ck.wal_bytes += log->buf.n;
  s->written.log = log->number;
  s->written.bytes = log->size;
  vs_wr_reset(&log->buf);
  return VS_OK;
}

vs_status vs_wal_start_new(vs_store *s, vs_err *err) {
  assert(!s->in_txn);
  leave(s);
  VS_TRY(plan(s, s->good, err));
  VS_TRY(flush(s, err));
  s->good = (vs_log_pos){s->log.number, s->log.size};
  return VS_OK;
}

/* ============ Frames ============ */

/* Copies into the buffer, appending whenever it is full. */
static vs_status put(vs_store *s, const uint8_t *p, size_t n, vs_err *err) {
  vs_wr *buf = &s->log.buf;
  while (n > 0) {
    size_t room = VS_STORE_BUFFER_BYTES - buf->n;
    size_t take = vs_min_size(room, n);
    vs_wr_bytes(buf, p, take);
    if (buf->failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the log buffer");
    p += take;
    n -= take;
    if (buf->n == VS_STORE_BUFFER_BYTES) VS_TRY(flush(s, err));
  }
  return VS_OK;
}

/* Makes sure that there is a log for the next frame and that it is not too long. */
static vs_status prepare(vs_store *s, vs_err *err) {
  vs_log_writer *log = &s->log;
  if (log->state == VS_LOG_NONE) return plan(s, s->good, err);
  uint64_t end = log->size + log->buf.n;
  if (end < s->limits.wal_rotate_bytes || end == VS_WAL_HEADER_BYTES) return VS_OK;
  VS_TRY(flush(s, err));
  leave(s);
  return plan(s, (vs_log_pos){log->number, end}, err);
}

static vs_status add_frame(vs_store *s, uint8_t kind, uint8_t flags, const vs_slice *parts, uint32_t n_parts,
                           vs_err *err) {
  size_t n = 0;
  for (uint32_t i = 0; i < n_parts; i++)
    if (!vs_add_size(n, parts[i].n, &n) || n > VS_FRAME_MAX_BYTES)
      return vs_fail(err, VS_INVALID_ARGUMENT, "a log frame holds at most %u bytes", VS_FRAME_MAX_BYTES);
  VS_TRY(prepare(s, err));
  vs_log_writer *log = &s->log;
  vs_evidence own = {log->number, s->known.log == log->number ? s->known.bytes : 0, 0};
  assert(own.bytes <= UINT32_MAX);
  uint8_t h[VS_FRAME_HEADER_BYTES];
  vs_store_u32(h, (uint32_t)n);
  vs_store_u32(h + 8, log->salt);
  vs_store_u32(h + 12, (uint32_t)own.bytes);
  vs_store_u64(h + 16, flags == VS_FRAME_FLAG_MARK ? 0 : s->last_txn + 1);
  h[24] = kind;
  h[25] = flags;
  vs_store_u16(h + 26, VS_FRAME_MARKER);
  vs_store_u32(h + 4, vs_frame_crc(log->number, log->size + log->buf.n, h, parts, n_parts));
  VS_TRY(put(s, h, sizeof h, err));
  for (uint32_t i = 0; i < n_parts; i++) VS_TRY(put(s, parts[i].p, parts[i].n, err));
  if (own.bytes > 0) vs_evidence_add(&s->marked, &own);
  return VS_OK;
}

/* ============ Marks ============ */

static vs_status add_mark(vs_store *s, vs_err *err) {
  uint8_t p[VS_MARK_PAYLOAD_BYTES];
  vs_evidence known = s->known;
  vs_store_u64(p, known.log);
  vs_store_u64(p + 8, known.bytes);
  vs_store_u64(p + 16, known.generation);
  vs_slice payload = {p, sizeof p};
  VS_TRY(add_frame(s, VS_FRAME_COMMIT, VS_FRAME_FLAG_MARK, &payload, 1, err));
  vs_evidence_add(&s->marked, &known);
  return VS_OK;
}

static bool mark_due(const vs_store *s) {
  const vs_evidence *k = &s->known, *m = &s->marked;
  return k->generation > m->generation || k->log > m->log || (k->log == m->log && k->bytes > m->bytes);
}

vs_status vs_wal_mark(vs_store *s, vs_err *err) {
  if (!mark_due(s)) return VS_OK;
  vs_status status = add_mark(s, err);
  if (status == VS_OK) status = flush(s, err);
  if (status != VS_OK) {
    leave(s);
    s->marked = (vs_evidence){0, 0, 0};
    s->txn_broken = s->in_txn; /* its frames went with the log */
    return status;
  }
  if (!s->in_txn) s->good = (vs_log_pos){s->log.number, s->log.size};
  return VS_OK;
}

void vs_store_mark_durable(vs_store *s) {
  assert(!s->in_txn);
  /* Only a log of this session can take it: a store that was merely read stays untouched. */
  if (s->sync.health != VS_SYNC_HEALTHY || s->log.state != VS_LOG_OPEN) return;
  vs_status status = vs_wal_mark(s, NULL);
  (void)status; /* a mark that is not there only makes one later flip undetectable */
}

/* ============ Transactions ============ */

/* What ends a transaction that did not commit. Frames already appended stay
 * behind in a log that nothing continues; without any, the buffer is dropped. */
static void give_up(vs_store *s) {
  s->in_txn = false;
  s->marked = (vs_evidence){0, 0, 0}; /* a mark may have been in what is dropped: say it again */
  if (s->txn_flushed || s->log.state == VS_LOG_PLANNED)
    leave(s);
  else
    vs_wr_reset(&s->log.buf);
  s->txn_flushed = false;
}

vs_status vs_store_txn_begin(vs_store *s, vs_err *err) {
  assert(!s->in_txn && s->replayed);
  VS_TRY(vs_store_writable(s, err));
  s->in_txn = true;
  s->txn_flushed = false;
  s->txn_broken = false;
  s->txn_frames = 0;
  /* Later frames prove only their own log durable; the manifest needs a mark. */
  if (s->known.generation <= s->marked.generation) return VS_OK;
  vs_status status = add_mark(s, err);
  if (status != VS_OK) give_up(s);
  return status;
}

static vs_status txn_usable(vs_store *s, vs_err *err) {
  if (s->txn_broken) return vs_fail(err, VS_IO, "the transaction was lost by an earlier failure");
  return vs_store_writable(s, err);
}

vs_status vs_store_txn_log(vs_store *s, uint8_t kind, const vs_slice *parts, uint32_t n_parts, vs_err *err) {
  assert(s->in_txn && kind != VS_FRAME_COMMIT);
  vs_status status = txn_usable(s, err);
  if (status == VS_OK) status = add_frame(s, kind, 0, parts, n_parts, err);
  if (status != VS_OK) {
    give_up(s);
    return status;
  }
  s->txn_frames++;
  return VS_OK;
}

vs_status vs_store_txn_commit(vs_store *s, vs_err *err) {
  assert(s->in_txn);
  uint8_t p[VS_COMMIT_PAYLOAD_BYTES];
  vs_store_u32(p, s->txn_frames);
  vs_slice payload = {p, sizeof p};
  vs_status status = txn_usable(s, err);
  if (status == VS_OK) status = add_frame(s, VS_FRAME_COMMIT, 0, &payload, 1, err);
  if (status == VS_OK) status = flush(s, err);
  if (status != VS_OK) {
    give_up(s);
    return status;
  }
  s->in_txn = false;
  s->txn_flushed = false;
  s->last_txn++;
  s->good = (vs_log_pos){s->log.number, s->log.size};
  return VS_OK;
}

void vs_store_txn_abort(vs_store *s) {
  if (s->in_txn) give_up(s);
}
