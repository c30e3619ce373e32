/* status.h - status codes and the error message that goes with one.
 *
 * Layer: base. vs_status is the only return type of a fallible function;
 * results leave through the last out-parameters. A status means "nothing
 * changed" unless the function's header says that its handle is poisoned.
 * Corrupt input is a status, never an assert; a broken invariant of our own
 * is an assert, never a status.
 *
 * The list is one to one with the `code` of a JavaScript VecStoreError
 * (src/api/vs_abi.def repeats it and checks the numbers at compile time).
 */
#ifndef VS_STATUS_H
#define VS_STATUS_H

#include "vs_base.h"

typedef enum {
  VS_OK = 0,
  VS_INVALID_ARGUMENT = 1,
  VS_DIMENSION_MISMATCH = 2,
  VS_FILTER_SYNTAX = 3,
  VS_NOT_FOUND = 4,
  VS_ALREADY_EXISTS = 5,
  VS_CORRUPT = 6,
  VS_VERSION = 7,
  VS_NO_SPACE = 8,
  VS_OUT_OF_MEMORY = 9,
  VS_LOCKED = 10,
  VS_READ_ONLY = 11,
  VS_SUSPENDED = 12,
  VS_QUOTA_EXCEEDED = 13,
  VS_CONFLICT = 14,
  VS_SCHEMA = 15,
  VS_UNSUPPORTED = 16,
  VS_ABORTED = 17,
  VS_POISONED = 18,
  VS_WORKER_LOST = 19,
  VS_CLOSED = 20,
  VS_IO = 21,
  VS_STATUS_COUNT
} vs_status;

#define VS_ERR_MSG_BYTES 240
#define VS_ERR_FILE_BYTES 160
#define VS_ERR_NO_INDEX UINT32_MAX

/* What went wrong, for people. Caller-allocated; NULL is allowed wherever a
 * function takes one; undefined when the function returned VS_OK. */
typedef struct {
  vs_status status;
  uint32_t index;               /* the wrong row of a batch, or VS_ERR_NO_INDEX */
  char msg[VS_ERR_MSG_BYTES];   /* NUL-terminated UTF-8 */
  char file[VS_ERR_FILE_BYTES]; /* the damaged file for VS_CORRUPT, else "" */
} vs_err;

/* Clears `err` (may be NULL). */
void vs_err_clear(vs_err *err);

/* Formats a message into `err` (may be NULL) and returns `status`, so that
 * `return vs_fail(err, VS_IO, "cannot read %s", name);` reads well. Supports
 * %s %d %u %zu %llu %x only (no floating point: keeps printf's out of WASM). */
vs_status vs_fail(vs_err *err, vs_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, naming the file that is damaged. */
vs_status vs_fail_file(vs_err *err, vs_status status, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The status's JavaScript name, e.g. "CORRUPT". */
const char *vs_status_name(vs_status status);

/* Returns early with a failed status. */
#define VS_TRY(expr)                                                                                                   \
  do {                                                                                                                 \
    vs_status vs_try_status_ = (expr);                                                                                 \
    if (vs_try_status_ != VS_OK) return vs_try_status_;                                                                \
  } while (0)

#endif
