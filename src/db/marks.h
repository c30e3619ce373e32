/* marks.h - which calls of which clients were committed last, and what came of them.
 *
 * Layer: db. A client (another tab, whose writes one tab carries out) that lost
 * the answer to a call cannot know whether it took effect. So a transaction may be
 * marked with its client and the number of the call: the mark is a frame of
 * that transaction in the log, and the manifest keeps the marks (config.h), so it is
 * exactly as durable as the records. Whoever opens the store next can tell.
 *
 * Remembered are the last VS_MARK_CALLS calls of each of the VS_MARK_CLIENTS
 * clients that wrote last; a client lets no more calls than that wait for
 * an answer. A transaction that changes nothing leaves no mark: doing it again does no harm.
 *
 *   VS_LOG_MARK   client (16 bytes), u64 call, u32 inserted, u32 updated, u32 deleted
 *   manifest      array of integers: per client, the one that wrote longest ago first, the client's
 *                 bytes as two integers and the number of its calls n; then n times
 *                 call, inserted, updated, deleted, oldest first
 */
#ifndef VS_MARKS_H
#define VS_MARKS_H

#include "../base/bytes.h"
#include "../base/value.h"

#define VS_LOG_MARK 5u
#define VS_MARK_CLIENT_BYTES 16u
#define VS_MARK_BYTES 36u
#define VS_MARK_CLIENTS 32u
#define VS_MARK_CALLS 8u

typedef struct {
  uint64_t call;
  uint32_t inserted, updated, deleted;
} vs_mark_result;

typedef struct {
  uint8_t client[VS_MARK_CLIENT_BYTES];
  uint32_t n; /* calls, oldest first */
  vs_mark_result result[VS_MARK_CALLS];
} vs_mark_client;

/* All zeros: nothing is remembered. */
typedef struct {
  uint32_t n; /* clients, the one that wrote longest ago first */
  vs_mark_client client[VS_MARK_CLIENTS];
} vs_marks;

/* Remembers a call. Cannot fail. */
void vs_marks_put(vs_marks *m, const uint8_t *client, const vs_mark_result *result);
/* What came of a call, or NULL. */
const vs_mark_result *vs_marks_find(const vs_marks *m, const uint8_t *client, uint64_t call);

void vs_mark_encode(const uint8_t *client, const vs_mark_result *result, uint8_t out[VS_MARK_BYTES]);
/* Untrusted: a frame's payload. */
VS_MUST_USE vs_status vs_marks_replay(vs_marks *m, vs_slice payload);

void vs_marks_write(const vs_marks *m, vs_wr *w);
/* Untrusted: the member of a manifest's configuration; absent = nothing is remembered. */
VS_MUST_USE vs_status vs_marks_read(vs_marks *m, const vs_value *config);

#endif
