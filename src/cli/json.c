/* json.c - prints encoded values as JSON. Layer: cli.
 *
 * Containers are kept on a stack of VS_VALUE_MAX_DEPTH places instead of
 * recursing, as the bytes may come from a damaged file.
 */
#include "json.h"

#include <stdio.h>

typedef struct {
  vs_rd items;
  uint32_t left; /* members still to print */
  bool is_object;
} level;

static void print_string(vs_slice s) {
  const unsigned char *text = s.p;
  putchar('"');
  for (size_t i = 0; i < s.n; i++) {
    if (text[i] == '"' || text[i] == '\\') {
      printf("\\%c", text[i]);
    } else if (text[i] < 0x20) {
      printf("\\u%04x", text[i]);
    } else {
      putchar(text[i]);
    }
  }
  putchar('"');
}

static void new_line(int depth) { printf("\n%*s", depth * 2, ""); }

static void print_scalar(const vs_value *v) {
  switch (v->tag) {
  case VS_VALUE_FALSE: fputs("false", stdout); break;
  case VS_VALUE_TRUE: fputs("true", stdout); break;
  case VS_VALUE_INT: printf("%lld", (long long)v->i); break;
  case VS_VALUE_F64: printf("%.17g", v->f); break;
  case VS_VALUE_STRING: print_string(v->bytes); break;
  default: fputs("null", stdout);
  }
}

bool cli_json_print(const void *value, size_t n) {
  if (!vs_value_check(value, n)) return false;
  level stack[VS_VALUE_MAX_DEPTH + 1];
  stack[0] = (level){vs_rd_of(value, n), 1, false};
  for (int depth = 0; depth >= 0;) {
    level *here = &stack[depth];
    if (here->left == 0) {
      depth--;
      if (depth >= 0) {
        new_line(depth);
        putchar(here->is_object ? '}' : ']');
        if (stack[depth].left > 0) putchar(',');
      }
      continue;
    }
    here->left--;
    if (depth > 0) new_line(depth);
    if (here->is_object) {
      print_string(vs_rd_slice(&here->items));
      fputs(": ", stdout);
    }
    vs_value v = vs_value_read(&here->items);
    if ((v.tag == VS_VALUE_OBJECT || v.tag == VS_VALUE_ARRAY) && v.count > 0) {
      putchar(v.tag == VS_VALUE_OBJECT ? '{' : '[');
      stack[++depth] = (level){vs_rd_of(v.bytes.p, v.bytes.n), v.count, v.tag == VS_VALUE_OBJECT};
      continue;
    }
    if (v.tag == VS_VALUE_OBJECT || v.tag == VS_VALUE_ARRAY) {
      fputs(v.tag == VS_VALUE_OBJECT ? "{}" : "[]", stdout);
    } else {
      print_scalar(&v);
    }
    if (here->left > 0) putchar(',');
  }
  putchar('\n');
  return true;
}
