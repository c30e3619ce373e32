/* json.c - writes encoded values as JSON. Layer: cli.
 *
 * Containers are kept on a stack of VS_VALUE_MAX_DEPTH places instead of
 * recursing, as the bytes may come from a damaged file.
 */
#include "json.h"

#include <string.h>

#include "../filter/number.h"

typedef struct {
  vs_rd items;
  uint32_t left; /* members still to print */
  bool is_object;
} level;

typedef struct {
  FILE *to;
  bool compact;
} printer;

void cli_json_string(FILE *to, vs_slice s) {
  const unsigned char *text = s.p;
  putc('"', to);
  for (size_t i = 0; i < s.n; i++) {
    if (text[i] == '"' || text[i] == '\\') {
      fprintf(to, "\\%c", text[i]);
    } else if (text[i] < 0x20) {
      fprintf(to, "\\u%04x", text[i]);
    } else {
      putc(text[i], to);
    }
  }
  putc('"', to);
}

static void new_line(const printer *p, int depth) {
  if (!p->compact) fprintf(p->to, "\n%*s", depth * 2, "");
}

/* A double has a point or an exponent wherever a reader would else take it for an integer. */
static void print_number(const printer *p, const vs_value *v) {
  char text[VS_NUMBER_BYTES];
  size_t n = vs_number_format(v, text);
  bool negative_zero = v->tag == VS_VALUE_F64 && !(v->f < 0 || v->f > 0) && 1 / v->f < 0;
  if (negative_zero) putc('-', p->to);
  fwrite(text, 1, n, p->to);
  if (v->tag == VS_VALUE_F64 && !memchr(text, '.', n) && !memchr(text, 'e', n)) fputs(".0", p->to);
}

static void print_scalar(const printer *p, const vs_value *v) {
  switch (v->tag) {
  case VS_VALUE_FALSE: fputs("false", p->to); break;
  case VS_VALUE_TRUE: fputs("true", p->to); break;
  case VS_VALUE_INT:
  case VS_VALUE_F64: print_number(p, v); break;
  case VS_VALUE_STRING: cli_json_string(p->to, v->bytes); break;
  default: fputs("null", p->to);
  }
}

static bool print(const printer *p, const void *value, size_t n) {
  if (!vs_value_check(value, n)) return false;
  level stack[VS_VALUE_MAX_DEPTH + 1];
  stack[0] = (level){vs_rd_of(value, n), 1, false};
  for (int depth = 0; depth >= 0;) {
    level *here = &stack[depth];
    if (here->left == 0) {
      depth--;
      if (depth >= 0) {
        new_line(p, depth);
        putc(here->is_object ? '}' : ']', p->to);
        if (stack[depth].left > 0) putc(',', p->to);
      }
      continue;
    }
    here->left--;
    if (depth > 0) new_line(p, depth);
    if (here->is_object) {
      cli_json_string(p->to, vs_rd_slice(&here->items));
      fputs(p->compact ? ":" : ": ", p->to);
    }
    vs_value v = vs_value_read(&here->items);
    if ((v.tag == VS_VALUE_OBJECT || v.tag == VS_VALUE_ARRAY) && v.count > 0) {
      putc(v.tag == VS_VALUE_OBJECT ? '{' : '[', p->to);
      stack[++depth] = (level){vs_rd_of(v.bytes.p, v.bytes.n), v.count, v.tag == VS_VALUE_OBJECT};
      continue;
    }
    if (v.tag == VS_VALUE_OBJECT || v.tag == VS_VALUE_ARRAY) {
      fputs(v.tag == VS_VALUE_OBJECT ? "{}" : "[]", p->to);
    } else {
      print_scalar(p, &v);
    }
    if (here->left > 0) putc(',', p->to);
  }
  return true;
}

bool cli_json_print(const void *value, size_t n) {
  printer p = {stdout, false};
  if (!print(&p, value, n)) return false;
  putc('\n', stdout);
  return true;
}

bool cli_json_write(FILE *to, const void *value, size_t n) {
  printer p = {to, true};
  return print(&p, value, n);
}
