/* replay.c - delivering the recovered transactions, in pieces.
 *
 * Layer: store. The second pass over the logs: recover.c has found how far
 * they count, so every frame met here is of a committed transaction. One
 * frame in memory at a time; a call ends at the first frame that fills its
 * budget. O(log bytes) over all calls.
 */
#include "store_impl.h"

#include <string.h>

static vs_status open_span(vs_store *s, vs_err *err) {
  vs_log_info info;
  vs_status status = vs_log_reader_open(s, s->span[s->replay_span].number, &s->replay_reader, &info, err);
  if (status == VS_OK && info.state != VS_HEADER_OK)
    status =
        vs_fail_file(err, VS_CORRUPT, s->replay_reader.w.path, "%s changed while it was read", s->replay_reader.w.path);
  if (status != VS_OK)
    vs_log_reader_close(s, &s->replay_reader);
  else
    s->replay_open = true;
  return status;
}

static void close_span(vs_store *s) {
  vs_log_reader_close(s, &s->replay_reader);
  s->replay_open = false;
  s->replay_span++;
}

/* Delivers the next frame; *used is what it counts against the budget. */
static vs_status deliver(vs_store *s, vs_replay_fn fn, void *ctx, size_t *used, vs_err *err) {
  vs_log_reader *r = &s->replay_reader;
  uint64_t start = r->off;
  vs_frame frame;
  bool valid;
  *used = 0;
  VS_TRY(vs_log_reader_next(s, r, &frame, &valid, err));
  if (!valid) return vs_fail_file(err, VS_CORRUPT, r->w.path, "%s changed while it was read", r->w.path);
  *used = (size_t)(frame.end - start);
  if (frame.mark) return VS_OK;
  if (frame.kind == VS_FRAME_COMMIT) frame.payload = (vs_slice){NULL, 0};
  return fn(ctx, frame.txn, frame.kind, frame.payload);
}

vs_status vs_store_replay(vs_store *s, vs_replay_fn fn, void *ctx, size_t budget_bytes, bool *done, vs_err *err) {
  *done = false;
  size_t spent = 0;
  while (s->replay_span < s->n_spans) {
    if (!s->replay_open) VS_TRY(open_span(s, err));
    if (s->replay_reader.off >= s->span[s->replay_span].end) {
      close_span(s);
      continue;
    }
    if (spent > 0 && spent >= budget_bytes) return VS_OK;
    size_t used;
    VS_TRY(deliver(s, fn, ctx, &used, err));
    spent += used;
  }
  *done = true;
  s->replayed = true;
  return VS_OK;
}
