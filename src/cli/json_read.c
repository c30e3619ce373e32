/* json_read.c - JSON text to encoded values (json_read.h).
 *
 * Layer: cli. Knows no files and no stdio: tests/fuzz includes it as it is.
 * Containers are kept on a stack of VS_VALUE_MAX_DEPTH places instead of
 * recursing, as the text comes from anywhere. O(bytes).
 */
#include "json_read.h"

#include <string.h>

#include "../base/utf8.h"
#include "../filter/number.h"

/* Doubles count whole numbers exactly up to here. */
#define MAX_SAFE 9007199254740991.0

typedef struct {
  size_t mark; /* of the container in the output */
  uint32_t count;
  bool is_object;
} container;

typedef struct {
  const uint8_t *p;
  size_t n, at;
  vs_wr *out;
  const char *problem;
  uint64_t *n_rounded; /* or NULL */
  uint32_t depth;
  container stack[VS_VALUE_MAX_DEPTH];
} reader;

static bool fail(reader *r, const char *problem) {
  r->problem = problem;
  return false;
}

static void skip_space(reader *r) {
  while (r->at < r->n && (r->p[r->at] == ' ' || r->p[r->at] == '\t' || r->p[r->at] == '\r' || r->p[r->at] == '\n'))
    r->at++;
}

static bool take(reader *r, uint8_t c) {
  if (r->at >= r->n || r->p[r->at] != c) return false;
  r->at++;
  return true;
}

/* ============ Strings ============ */

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The four hex digits at `at`, or -1. */
static int32_t code_unit(const reader *r, size_t at) {
  int32_t unit = 0;
  if (r->n - at < 4) return -1;
  for (size_t i = at; i < at + 4; i++) {
    int digit = hex_digit(r->p[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

static void write_code_point(vs_wr *w, uint32_t c) {
  if (c < 0x80) {
    vs_wr_u8(w, (uint8_t)c);
    return;
  }
  if (c < 0x800) {
    vs_wr_u8(w, (uint8_t)(0xc0 | c >> 6));
  } else {
    if (c < 0x10000) {
      vs_wr_u8(w, (uint8_t)(0xe0 | c >> 12));
    } else {
      vs_wr_u8(w, (uint8_t)(0xf0 | c >> 18));
      vs_wr_u8(w, (uint8_t)(0x80 | (c >> 12 & 63)));
    }
    vs_wr_u8(w, (uint8_t)(0x80 | (c >> 6 & 63)));
  }
  vs_wr_u8(w, (uint8_t)(0x80 | (c & 63)));
}

/* Behind "\u": one character, of two escapes where it is beyond 16 bits. */
static bool read_unicode_escape(reader *r) {
  int32_t unit = code_unit(r, r->at);
  if (unit < 0) return fail(r, "\\u without four hexadecimal digits");
  r->at += 4;
  if (unit < 0xd800 || unit > 0xdfff) {
    write_code_point(r->out, (uint32_t)unit);
    return true;
  }
  bool pair = unit < 0xdc00 && r->n - r->at >= 6 && r->p[r->at] == '\\' && r->p[r->at + 1] == 'u';
  int32_t low = pair ? code_unit(r, r->at + 2) : -1;
  if (low < 0xdc00 || low > 0xdfff) return fail(r, "half of a surrogate pair");
  r->at += 6;
  write_code_point(r->out, 0x10000u + (((uint32_t)unit - 0xd800u) << 10) + ((uint32_t)low - 0xdc00u));
  return true;
}

static bool read_escape(reader *r) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (r->at >= r->n) return fail(r, "a string without an end");
  uint8_t c = r->p[r->at++];
  if (c == 'u') return read_unicode_escape(r);
  const char *known = c != 0 ? strchr(from, c) : NULL;
  if (!known) return fail(r, "an unknown escape in a string");
  vs_wr_u8(r->out, (uint8_t)to[known - from]);
  return true;
}

/* The length comes first but is known last: a padded varint of five bytes, as of containers, is no shortest form, so
 * the text is moved to where its length ends. */
static bool end_string(reader *r, size_t start) {
  vs_wr *w = r->out;
  size_t n = w->n - start;
  uint8_t length[10];
  size_t size = 0;
  if (w->failed) return fail(r, "no memory");
  for (uint64_t left = n; size == 0 || left > 0; left >>= 7)
    length[size++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
  if (!vs_wr_space(w, size)) return fail(r, "no memory");
  memmove(w->p + start + size, w->p + start, n);
  memcpy(w->p + start, length, size);
  return true;
}

/* Behind the opening quote: length and text, as keys are encoded. */
static bool read_string(reader *r) {
  size_t start = r->out->n;
  for (;;) {
    size_t from = r->at;
    while (r->at < r->n && r->p[r->at] != '"' && r->p[r->at] != '\\' && r->p[r->at] >= 0x20) r->at++;
    vs_wr_bytes(r->out, r->p + from, r->at - from);
    if (r->at >= r->n) return fail(r, "a string without an end");
    uint8_t c = r->p[r->at++];
    if (c == '"') return end_string(r, start);
    if (c != '\\') return fail(r, "a control character in a string");
    if (!read_escape(r)) return false;
  }
}

/* ============ Numbers and words ============ */

static size_t digits(reader *r) {
  size_t from = r->at;
  while (r->at < r->n && r->p[r->at] >= '0' && r->p[r->at] <= '9') r->at++;
  return r->at - from;
}

static bool read_number(reader *r) {
  size_t start = r->at;
  bool negative = take(r, '-'), whole = true;
  size_t first = r->at, n = digits(r);
  bool fine = n == 1 || (n > 1 && r->p[first] != '0');
  if (fine && take(r, '.')) {
    whole = false;
    fine = digits(r) > 0;
  }
  if (fine && r->at < r->n && (r->p[r->at] | 32) == 'e') {
    whole = false;
    r->at++;
    if (!take(r, '+')) take(r, '-');
    fine = digits(r) > 0;
  }
  vs_value v;
  if (!fine) return fail(r, "not a number");
  if (!vs_number_parse(r->p + start, r->at - start, &v)) return fail(r, "a number too large");
  if (whole && v.tag == VS_VALUE_F64) {
    if (!r->n_rounded) return fail(r, "a whole number beyond 64 bits");
    ++*r->n_rounded;
  }
  bool zero = v.tag == VS_VALUE_INT ? v.i == 0 : !(v.f < 0 || v.f > 0);
  if (negative && zero)
    vs_value_f64(r->out, -0.0);
  else if (v.tag == VS_VALUE_INT)
    vs_value_int(r->out, v.i);
  else if (v.f >= -MAX_SAFE && v.f <= MAX_SAFE && (double)(int64_t)v.f - v.f == 0)
    vs_value_int(r->out, (int64_t)v.f);
  else
    vs_value_f64(r->out, v.f);
  return true;
}

static bool read_word(reader *r) {
  static const char *const words[] = {"null", "false", "true"};
  for (uint8_t i = 0; i < 3; i++) {
    size_t n = strlen(words[i]);
    if (r->n - r->at < n || memcmp(r->p + r->at, words[i], n) != 0) continue;
    r->at += n;
    vs_wr_u8(r->out, i == 0 ? VS_VALUE_NULL : i == 1 ? VS_VALUE_FALSE : VS_VALUE_TRUE);
    return true;
  }
  return fail(r, r->at < r->n ? "not a value" : "it ends too early");
}

/* ============ Values ============ */

static bool open_container(reader *r, bool is_object) {
  if (r->depth == VS_VALUE_MAX_DEPTH) return fail(r, "nested too deep");
  container *l = &r->stack[r->depth++];
  *l = (container){.is_object = is_object};
  l->mark = is_object ? vs_value_object_begin(r->out) : vs_value_array_begin(r->out);
  return true;
}

/* A scalar, or the opening of a container. */
static bool read_value(reader *r) {
  skip_space(r);
  if (take(r, '{')) return open_container(r, true);
  if (take(r, '[')) return open_container(r, false);
  if (take(r, '"')) {
    vs_wr_u8(r->out, VS_VALUE_STRING);
    return read_string(r);
  }
  bool number = r->at < r->n && (r->p[r->at] == '-' || (r->p[r->at] >= '0' && r->p[r->at] <= '9'));
  return number ? read_number(r) : read_word(r);
}

/* The next member of the innermost container, or its end. */
static bool read_member(reader *r) {
  container *l = &r->stack[r->depth - 1];
  skip_space(r);
  if (take(r, l->is_object ? '}' : ']')) {
    vs_value_end(r->out, l->mark, l->count);
    r->depth--;
    return true;
  }
  if (l->count > 0 && !take(r, ',')) return fail(r, "neither a comma nor an end");
  if (l->is_object) {
    skip_space(r);
    if (!take(r, '"')) return fail(r, "no name where one is due");
    if (!read_string(r)) return false;
    skip_space(r);
    if (!take(r, ':')) return fail(r, "no colon after a name");
  }
  l->count++;
  return read_value(r);
}

bool cli_json_read(const void *p, size_t n, vs_wr *out, uint64_t *n_rounded, const char **problem) {
  reader r = {.p = p, .n = n, .out = out, .n_rounded = n_rounded};
  size_t start = out->n;
  bool fine = vs_utf8_valid(p, n) || fail(&r, "not valid UTF-8");
  fine = fine && read_value(&r);
  while (fine && r.depth > 0) fine = read_member(&r);
  if (fine) {
    skip_space(&r);
    if (r.at < n) fine = fail(&r, "something behind the value");
  }
  if (fine && out->failed) fine = fail(&r, "no memory");
  /* Everything else is right by construction. */
  if (fine && !vs_value_check(out->p + start, out->n - start)) fine = fail(&r, "a name occurs twice in an object");
  if (!fine) *problem = r.problem;
  return fine;
}

bool cli_json_f32(const vs_value *v, float *out) {
  if (v->tag != VS_VALUE_INT && v->tag != VS_VALUE_F64) return false;
  *out = (float)(v->tag == VS_VALUE_INT ? (double)v->i : v->f);
  return *out - *out == 0;
}

/* ============ Long arrays ============ */

bool cli_json_scan_value(cli_json_scan *scan, const uint8_t *p, size_t n) {
  for (; scan->at < n; scan->at++) {
    uint8_t c = p[scan->at];
    if (scan->in_string) {
      if (scan->escaped)
        scan->escaped = false;
      else if (c == '\\')
        scan->escaped = true;
      else if (c == '"')
        scan->in_string = false;
    } else if (c == '"') {
      scan->in_string = true;
    } else if (c == '{' || c == '[') {
      scan->depth++;
    } else if (scan->depth == 0 && (c == ',' || c == ']')) {
      return true;
    } else if (c == '}' || c == ']') {
      scan->depth -= scan->depth > 0;
    }
  }
  return false;
}
