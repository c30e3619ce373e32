/* wal_read.c - reading one log file: its header, its frames, its evidence.
 *
 * Layer: store. Knows one file at a time; which files count is recover.c's.
 * Format: format.h. A frame's checksum includes the log's number and the
 * frame's offset, so bytes that merely look like a frame (a log stored as a
 * user's text, a stale sector) do not pass anywhere else.
 *
 * Reading is sequential through a window, grown only for a longer frame, whose
 * length was first checked against the file's. O(file bytes).
 *
 * Evidence: behind an invalid frame the scan tries every offset. The marker,
 * the salt and the bounds refuse almost all of them before a checksum is
 * computed; a crafted file that defeats this is cut off after WORK_FACTOR
 * times its length and reported as damaged.
 */
#include "store_impl.h"

#include "../base/crc32c.h"

#include <string.h>

#define WORK_FACTOR 16u

/* ============ Header ============ */

static void decode_header(const uint8_t *p, size_t n, vs_log_info *info) {
  info->state = vs_header_check(p, n, VS_WAL_MAGIC, VS_WAL_HEADER_BYTES);
  if (info->state != VS_HEADER_OK) return;
  info->prev = vs_load_u64(p + 24);
  info->prev_end = vs_load_u64(p + 32);
  info->first_txn = vs_load_u64(p + 40);
  info->known = (vs_evidence){vs_load_u64(p + 48), vs_load_u64(p + 56), vs_load_u64(p + 64)};
  info->salt = vs_load_u32(p + 72);
  /* Numbers grow along the chain, so following it always ends. */
  if (vs_load_u64(p + 16) != info->number || info->prev >= info->number) info->state = VS_HEADER_DAMAGED;
}

vs_status vs_log_reader_open(vs_store *s, uint64_t number, vs_log_reader *out, vs_log_info *info, vs_err *err) {
  memset(out, 0, sizeof *out);
  memset(info, 0, sizeof *info);
  char name[VS_STORE_NAME_BYTES];
  vs_name_format((vs_name){VS_NAME_WAL, number, 0}, name);
  VS_TRY(vs_window_open(s, name, &out->w, err));
  out->number = info->number = number;
  info->file_bytes = out->w.file_bytes;
  size_t n = out->w.file_bytes < VS_HEADER_MAX_BYTES ? (size_t)out->w.file_bytes : VS_HEADER_MAX_BYTES;
  const uint8_t *header;
  VS_TRY(vs_window_get(s, &out->w, 0, n, &header, err));
  decode_header(header, n, info);
  if (info->state == VS_HEADER_NEWER)
    return vs_fail_file(err, VS_VERSION, out->w.path, "%s is of format version %u, this engine reads up to %u",
                        out->w.path, vs_load_u32(header + 8), VS_STORE_FORMAT_VERSION);
  out->salt = info->salt;
  out->any_salt = info->state != VS_HEADER_OK;
  out->off = VS_WAL_HEADER_BYTES;
  return VS_OK;
}

void vs_log_reader_close(vs_store *s, vs_log_reader *r) { vs_window_close(s, &r->w); }

/* ============ Frames ============ */

uint32_t vs_frame_crc(uint64_t number, uint64_t off, const uint8_t *header, const vs_slice *parts, uint32_t n_parts) {
  uint8_t place[20];
  vs_store_u64(place, number);
  vs_store_u64(place + 8, off);
  memcpy(place + 16, header, 4);
  uint32_t crc = vs_crc32c(0, place, sizeof place);
  crc = vs_crc32c(crc, header + 8, VS_FRAME_HEADER_BYTES - 8);
  for (uint32_t i = 0; i < n_parts; i++)
    if (parts[i].n > 0) crc = vs_crc32c(crc, parts[i].p, parts[i].n);
  return crc;
}

/* What the fixed part alone can refuse. */
static bool plausible(const vs_log_reader *r, uint64_t off, const uint8_t *h) {
  uint32_t len = vs_load_u32(h);
  uint8_t kind = h[24], flags = h[25];
  if (vs_load_u16(h + 26) != VS_FRAME_MARKER || flags > VS_FRAME_FLAG_MARK) return false;
  if (!r->any_salt && vs_load_u32(h + 8) != r->salt) return false;
  if (len > VS_FRAME_MAX_BYTES || len > r->w.file_bytes - off - VS_FRAME_HEADER_BYTES) return false;
  if (vs_load_u32(h + 12) > off) return false;
  if (flags == VS_FRAME_FLAG_MARK) return kind == VS_FRAME_COMMIT && len == VS_MARK_PAYLOAD_BYTES;
  return kind != VS_FRAME_COMMIT || len == VS_COMMIT_PAYLOAD_BYTES;
}

static vs_status frame_at(vs_store *s, vs_log_reader *r, uint64_t off, vs_frame *out, bool *valid, vs_err *err) {
  *valid = false;
  if (off > r->w.file_bytes || r->w.file_bytes - off < VS_FRAME_HEADER_BYTES) return VS_OK;
  const uint8_t *h;
  VS_TRY(vs_window_get(s, &r->w, off, VS_FRAME_HEADER_BYTES, &h, err));
  if (!plausible(r, off, h)) return VS_OK;
  uint32_t len = vs_load_u32(h);
  VS_TRY(vs_window_get(s, &r->w, off, VS_FRAME_HEADER_BYTES + len, &h, err));
  vs_slice payload = {h + VS_FRAME_HEADER_BYTES, len};
  r->work += VS_FRAME_HEADER_BYTES + len;
  if (vs_frame_crc(r->number, off, h, &payload, 1) != vs_load_u32(h + 4)) return VS_OK;
  memset(out, 0, sizeof *out);
  out->kind = h[24];
  out->mark = h[25] == VS_FRAME_FLAG_MARK;
  out->txn = vs_load_u64(h + 16);
  out->end = off + VS_FRAME_HEADER_BYTES + len;
  out->payload = payload;
  uint32_t durable = vs_load_u32(h + 12);
  if (durable > 0) out->known = (vs_evidence){r->number, durable, 0};
  if (out->mark) {
    vs_evidence mark = {vs_load_u64(payload.p), vs_load_u64(payload.p + 8), vs_load_u64(payload.p + 16)};
    vs_evidence_add(&out->known, &mark);
  }
  *valid = true;
  return VS_OK;
}

vs_status vs_log_reader_next(vs_store *s, vs_log_reader *r, vs_frame *out, bool *valid, vs_err *err) {
  VS_TRY(frame_at(s, r, r->off, out, valid, err));
  if (*valid) r->off = out->end;
  return VS_OK;
}

/* ============ Evidence ============ */

void vs_evidence_add(vs_evidence *e, const vs_evidence *more) {
  if (more->log > e->log || (more->log == e->log && more->bytes > e->bytes)) {
    e->log = more->log;
    e->bytes = more->bytes;
  }
  if (more->generation > e->generation) e->generation = more->generation;
}

static vs_status search(vs_store *s, vs_log_reader *r, vs_evidence *e, vs_err *err) {
  while (r->off < r->w.file_bytes) {
    vs_frame frame;
    bool valid;
    VS_TRY(vs_log_reader_next(s, r, &frame, &valid, err));
    if (valid) {
      vs_evidence_add(e, &frame.known);
      if (s->damage && !frame.mark && frame.txn > s->seen_txn) s->seen_txn = frame.txn;
    } else {
      r->off++;
    }
    if (r->work / WORK_FACTOR > r->w.file_bytes)
      return vs_fail_file(err, VS_CORRUPT, r->w.path, "%s is damaged beyond recognition", r->w.path);
  }
  return VS_OK;
}

vs_status vs_log_find_evidence(vs_store *s, uint64_t number, vs_evidence *e, vs_err *err) {
  vs_log_reader r;
  vs_log_info info;
  vs_status status = vs_log_reader_open(s, number, &r, &info, err);
  if (status == VS_OK) {
    if (info.state == VS_HEADER_OK) vs_evidence_add(e, &info.known);
    status = search(s, &r, e, err);
  }
  vs_log_reader_close(s, &r);
  return status;
}
