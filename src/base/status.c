/* status.c - status names and the formatter behind vs_fail.
 *
 * Layer: base. Knows nothing of files or memory.
 * The formatter understands %s %d %u %zu %llu %x and %% only, so that libc's
 * printf (and its floating point) never reaches the WASM build. Output that
 * does not fit is cut before the UTF-8 character that would be split, and
 * what is behind the cut is dropped. A message is built in a local buffer
 * first, so an argument may point into the very `err` that is written:
 * wrapping a message in another one is safe.
 */
#include "status.h"

#include <stdarg.h>
#include <string.h>

typedef struct {
  char *p;
  size_t n, cap; /* cap leaves room for the NUL */
  bool full;     /* something was cut: nothing more is appended */
} sink;

/* Cuts n bytes of text so that no UTF-8 sequence is split at its end. */
static size_t cut_at_character(const char *s, size_t n) {
  while (n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80) n--;
  return n;
}

static void put(sink *out, const char *s, size_t n) {
  if (out->full) return;
  if (n > out->cap - out->n) {
    n = cut_at_character(s, out->cap - out->n);
    out->full = true;
  }
  memcpy(out->p + out->n, s, n);
  out->n += n;
}

static void put_number(sink *out, unsigned long long v, unsigned base, bool negative) {
  char digits[24];
  size_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[v % base];
    v /= base;
  } while (v != 0);
  if (negative) digits[--at] = '-';
  put(out, digits + at, sizeof digits - at);
}

/* Formats one conversion; `f` is behind the '%'. Gives the place behind it. */
static const char *put_conversion(sink *out, const char *f, va_list *args) {
  if (f[0] == 's') {
    const char *s = va_arg(*args, const char *);
    if (s == NULL) s = "(null)";
    put(out, s, strlen(s));
    return f + 1;
  }
  if (f[0] == 'd') {
    long long v = va_arg(*args, int);
    put_number(out, v < 0 ? (unsigned long long)-v : (unsigned long long)v, 10, v < 0);
    return f + 1;
  }
  if (f[0] == 'u' || f[0] == 'x') {
    put_number(out, va_arg(*args, unsigned), f[0] == 'u' ? 10 : 16, false);
    return f + 1;
  }
  if (f[0] == 'z' && f[1] == 'u') {
    put_number(out, va_arg(*args, size_t), 10, false);
    return f + 2;
  }
  if (f[0] == 'l' && f[1] == 'l' && f[2] == 'u') {
    put_number(out, va_arg(*args, unsigned long long), 10, false);
    return f + 3;
  }
  assert(f[0] == '%' && "vs_fail: conversion not supported");
  put(out, "%", 1);
  return f[0] == '%' ? f + 1 : f;
}

static void format(sink *out, const char *fmt, va_list *args) {
  while (*fmt != '\0') {
    size_t plain = 0;
    while (fmt[plain] != '\0' && fmt[plain] != '%') plain++;
    put(out, fmt, plain);
    fmt += plain;
    if (*fmt == '%') fmt = put_conversion(out, fmt + 1, args);
  }
  out->p[out->n] = '\0';
}

static vs_status fail_with(vs_err *err, vs_status status, const char *file, const char *fmt, va_list *args) {
  assert(status > VS_OK && status < VS_STATUS_COUNT);
  if (err == NULL) return status;
  char msg[VS_ERR_MSG_BYTES], name[VS_ERR_FILE_BYTES];
  sink msg_out = {msg, 0, sizeof msg - 1, false}, name_out = {name, 0, sizeof name - 1, false};
  format(&msg_out, fmt, args);
  put(&name_out, file, strlen(file));
  name[name_out.n] = '\0';
  err->status = status;
  err->index = VS_ERR_NO_INDEX;
  memcpy(err->msg, msg, msg_out.n + 1);
  memcpy(err->file, name, name_out.n + 1);
  return status;
}

void vs_err_clear(vs_err *err) {
  if (err == NULL) return;
  err->status = VS_OK;
  err->index = VS_ERR_NO_INDEX;
  err->msg[0] = '\0';
  err->file[0] = '\0';
}

vs_status vs_fail(vs_err *err, vs_status status, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fail_with(err, status, "", fmt, &args);
  va_end(args);
  return status;
}

vs_status vs_fail_file(vs_err *err, vs_status status, const char *file, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fail_with(err, status, file, fmt, &args);
  va_end(args);
  return status;
}

const char *vs_status_name(vs_status status) {
  static const char *const names[VS_STATUS_COUNT] = {
      "OK",
      "INVALID_ARGUMENT",
      "DIMENSION_MISMATCH",
      "FILTER_SYNTAX",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "CORRUPT",
      "VERSION",
      "NO_SPACE",
      "OUT_OF_MEMORY",
      "LOCKED",
      "READ_ONLY",
      "SUSPENDED",
      "QUOTA_EXCEEDED",
      "CONFLICT",
      "SCHEMA",
      "UNSUPPORTED",
      "ABORTED",
      "POISONED",
      "WORKER_LOST",
      "CLOSED",
      "IO",
  };
  return (unsigned)status < VS_STATUS_COUNT ? names[status] : "UNKNOWN";
}
