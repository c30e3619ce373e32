/* front_matter.c - the block of settings that a Markdown file may begin with.
 *
 * Layer: rag. Between a first line "---" and a line "---" or "...": of YAML the part that such blocks use, that
 * is `key: value` at the margin with plain or quoted scalars, [lists, in brackets] and lists of "- item" lines below
 * their key. Deeper structure is passed over. A block that does not end is none. O(bytes).
 */
#include "extract.h"

#include <string.h>

static vs_slice trimmed(const uint8_t *p, size_t n) {
  while (n > 0 && vs_is_space(p[n - 1])) n--;
  while (n > 0 && vs_is_space(*p)) p++, n--;
  return (vs_slice){p, n};
}

static size_t line_length(const uint8_t *p, size_t n) {
  const uint8_t *newline = memchr(p, '\n', n);
  return newline ? (size_t)(newline - p) : n;
}

static bool is_rule(const uint8_t *p, size_t n, const char *rule) {
  while (n > 0 && vs_is_blank(p[n - 1])) n--;
  return n == 3 && memcmp(p, rule, 3) == 0;
}

static bool is(vs_slice s, const char *word) { return vs_is_word(s.p, s.n, word); }

/* One scalar as a member of the record. */
static void add_scalar(vs_document *d, const vs_source *s, vs_slice key, vs_slice value) {
  if (value.n == 0 || is(value, "null") || is(value, "~")) return;
  bool quoted = value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') && value.p[value.n - 1] == value.p[0];
  vs_field_type type = VS_FIELD_STRING;
  if (quoted)
    value = (vs_slice){value.p + 1, value.n - 2};
  else if (is(value, "true") || is(value, "false"))
    type = is(value, "true") ? VS_FIELD_TRUE : VS_FIELD_FALSE;
  else if (vs_record_is_number(value))
    type = VS_FIELD_NUMBER;
  uint32_t begin = vs_flow_at(&d->values);
  vs_flow_verbatim(&d->values, 0, key.p, key.n);
  uint32_t at = vs_flow_at(&d->values);
  vs_flow_verbatim(&d->values, s->at + (uint64_t)(value.p - s->p), value.p, value.n);
  vs_record_add(d, vs_flow_slice(&d->values, begin, at), type, at, vs_flow_at(&d->values));
}

static void add_value(vs_document *d, const vs_source *s, vs_slice key, vs_slice value) {
  if (value.n < 2 || value.p[0] != '[' || value.p[value.n - 1] != ']') {
    add_scalar(d, s, key, value);
    return;
  }
  const uint8_t *p = value.p + 1, *end = value.p + value.n - 1;
  while (p < end) {
    const uint8_t *comma = memchr(p, ',', (size_t)(end - p));
    const uint8_t *stop = comma ? comma : end;
    add_scalar(d, s, key, trimmed(p, (size_t)(stop - p)));
    p = stop + 1;
  }
}

static void read_line(vs_document *d, const vs_source *s, const uint8_t *p, size_t n, vs_slice *key) {
  vs_slice line = trimmed(p, n);
  if (line.n == 0 || line.p[0] == '#') return;
  if (key->n > 0 && line.n > 2 && line.p[0] == '-' && vs_is_blank(line.p[1])) {
    add_scalar(d, s, *key, trimmed(line.p + 1, line.n - 1));
    return;
  }
  const uint8_t *colon = memchr(p, ':', n);
  if (line.p != p || !colon || colon == p) return;
  /* It is copied for each item of its list. */
  *key = (vs_slice){NULL, 0};
  if ((size_t)(colon - p) > VS_DOC_LONG_BYTES) return;
  *key = trimmed(p, (size_t)(colon - p));
  add_value(d, s, *key, trimmed(colon + 1, (size_t)(p + n - colon - 1)));
}

size_t vs_extract_front_matter(vs_document *d, vs_source s) {
  size_t first = line_length(s.p, s.n), at = first + 1, end = 0;
  if (!is_rule(s.p, first, "---")) return 0;
  while (at < s.n && end == 0) {
    size_t n = line_length(s.p + at, s.n - at);
    if (is_rule(s.p + at, n, "---") || is_rule(s.p + at, n, "...")) end = at;
    at = vs_min_size(at + n + 1, s.n);
  }
  if (end == 0) return 0;
  vs_record_begin(d);
  vs_slice key = {NULL, 0};
  for (size_t line = first + 1; line < end;) {
    size_t n = line_length(s.p + line, end - line);
    read_line(d, &s, s.p + line, n, &key);
    line += n + 1;
  }
  vs_record_describe(d);
  return at;
}
