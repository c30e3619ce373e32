/* filters.h - what the filter tests use: metadata from JSON-like text, filters compiled and asked.
 */
#ifndef FILTERS_H
#define FILTERS_H

#include "../../../src/base/rng.h"
#include "../../../src/filter/filter.h"
#include "../tap.h"

static vs_alloc filters_alloc;

static inline const char *filters_value(const char *s, vs_wr *w);

/* One [..] or {..}: members up to the closing character. */
static inline const char *filters_container(const char *s, vs_wr *w, bool object) {
  uint32_t count = 0;
  size_t mark = object ? vs_value_object_begin(w) : vs_value_array_begin(w);
  while (*s != (object ? '}' : ']')) {
    if (object) {
      must(*s == '\'');
      const char *end = strchr(s + 1, '\'');
      vs_wr_slice(w, s + 1, (size_t)(end - s - 1));
      s = end + 1;
      while (*s == ':' || *s == ' ') s++;
    }
    s = filters_value(s, w);
    while (*s == ',' || *s == ' ') s++;
    count++;
  }
  vs_value_end(w, mark, count);
  return s + 1;
}

/* Appends the value written at s, JSON with ' for " and without escapes; gives what follows. */
static inline const char *filters_value(const char *s, vs_wr *w) {
  if (*s == '{' || *s == '[') return filters_container(s + 1, w, *s == '{');
  if (*s == '\'') {
    const char *end = strchr(s + 1, '\'');
    vs_value_string(w, s + 1, (size_t)(end - s - 1));
    return end + 1;
  }
  if (strncmp(s, "null", 4) == 0) return vs_value_null(w), s + 4;
  if (strncmp(s, "true", 4) == 0) return vs_value_bool(w, true), s + 4;
  if (strncmp(s, "false", 5) == 0) return vs_value_bool(w, false), s + 5;
  char *end;
  size_t length = strcspn(s, ",]} ");
  bool is_float = memchr(s, '.', length) != NULL || memchr(s, 'e', length) != NULL;
  if (is_float) {
    vs_value_f64(w, strtod(s, &end));
  } else {
    vs_value_int(w, strtoll(s, &end, 10));
  }
  must(end > s);
  return end;
}

/* Metadata of that text; free with vs_wr_deinit. */
static inline vs_wr filters_encode(const char *text) {
  vs_wr w;
  vs_wr_init(&w, &filters_alloc);
  must(*filters_value(text, &w) == '\0' && !w.failed);
  must(vs_value_check(w.p, w.n));
  return w;
}

/* Compiles or stops the test. */
static inline vs_filter *filters_compile(const char *text) {
  vs_filter *f;
  vs_err err;
  vs_status status = vs_filter_compile_text(&filters_alloc, text, strlen(text), (vs_slice){NULL, 0}, NULL, &f, &err);
  if (status != VS_OK) printf("# %s: %s\n", text, err.msg);
  must(status == VS_OK);
  return f;
}

/* 'T', 'F' or 'U'. */
static inline char filters_ask(const char *text, const char *metadata) {
  vs_wr w = filters_encode(metadata);
  vs_filter *f = filters_compile(text);
  vs_slice bytes = {w.p, w.n};
  vs_truth truth = vs_filter_truth(f, bytes);
  must(vs_filter_match(f, bytes) == (truth == VS_TRUE));
  vs_filter_destroy(&filters_alloc, f);
  vs_wr_deinit(&w);
  return "FUT"[truth];
}

#endif
