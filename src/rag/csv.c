/* csv.c - rows as records: RFC 4180 with any of four delimiters.
 *
 * Layer: rag. The delimiter is the candidate that parts the first rows into
 * the most cells, all rows alike if there is such a one. The first row names
 * the columns, unless it cannot: it holds an empty cell, a number or a name twice. A
 * quote within an unquoted cell is itself; a quoted cell without an end goes
 * on to the end of the file. O(bytes).
 */
#include <string.h>

#include "extract.h"

enum { SNIFF_ROWS = 10, SNIFF_BYTES = 65536, MAX_COLUMNS = 4096 };

/* A cell: its source without the quotes, and what follows it. */
typedef struct {
  size_t start, stop;
  bool quoted, ends_row, complete;
} cell;

/* Reads the cell at `at`; *next = where the one after it begins. */
static cell read_cell(const vs_source *s, size_t at, uint8_t delimiter, size_t *next) {
  const uint8_t *p = s->p;
  cell c = {.start = at};
  size_t from = at;
  if (at < s->n && p[at] == '"') {
    c.quoted = true;
    c.start = ++at;
    while (at < s->n && !(p[at] == '"' && (at + 1 >= s->n || p[at + 1] != '"'))) at += p[at] == '"' ? 2 : 1;
    c.stop = vs_min_size(at, s->n);
    at = vs_min_size(at + 1, s->n);
  }
  bool plain = !c.quoted;
  for (; at < s->n && p[at] != delimiter && p[at] != '\n' && p[at] != '\r'; at++) plain = plain || !vs_is_blank(p[at]);
  /* Text behind the closing quote: then the quotes were text too. */
  if (plain) c = (cell){.start = from, .stop = at};
  c.ends_row = at == s->n || p[at] != delimiter;
  c.complete = at < s->n && !(p[at] == '\r' && at + 1 == s->n);
  if (at < s->n) at += p[at] == '\r' && at + 1 < s->n && p[at + 1] == '\n' ? 2 : 1;
  *next = at;
  return c;
}

/* ============ The delimiter ============ */

/* Cells in the row at *at; moves on to the next row. */
static uint32_t count_cells(const vs_source *s, uint8_t delimiter, size_t *at) {
  uint32_t n = 0;
  for (cell c = {0}; !c.ends_row; n++) c = read_cell(s, *at, delimiter, at);
  return n;
}

static uint8_t find_delimiter(vs_source s) {
  static const uint8_t candidates[] = {',', ';', '\t', '|'};
  uint8_t best = ',';
  uint32_t best_score = 0;
  s.n = vs_min_size(s.n, SNIFF_BYTES);
  for (size_t i = 0; i < sizeof candidates; i++) {
    size_t at = 0;
    uint32_t first = count_cells(&s, candidates[i], &at);
    bool alike = true;
    /* The last row may be cut off by the window. */
    for (uint32_t row = 1; row < SNIFF_ROWS && at < s.n && alike; row++) {
      uint32_t n = count_cells(&s, candidates[i], &at);
      alike = n == first || at == s.n;
    }
    uint32_t score = first > 1 ? (first > MAX_COLUMNS ? MAX_COLUMNS : first) + (alike ? 2 * MAX_COLUMNS : 0) : 0;
    if (score <= best_score) continue;
    best = candidates[i];
    best_score = score;
  }
  return best;
}

/* ============ Rows ============ */

/* Decodes a cell into d->values; gives where it begins there. */
static uint32_t decode_cell(vs_document *d, const vs_source *s, const cell *c) {
  uint32_t begin = vs_flow_at(&d->values);
  size_t at = c->start;
  while (at < c->stop) {
    const uint8_t *quote = c->quoted ? memchr(s->p + at, '"', c->stop - at) : NULL;
    size_t stop = quote ? (size_t)(quote - s->p) : c->stop;
    vs_flow_verbatim(&d->values, s->at + at, s->p + at, stop - at);
    at = stop;
    if (quote) {
      uint32_t n = at + 1 < c->stop && s->p[at + 1] == '"' ? 2 : 1;
      vs_flow_decoded(&d->values, s->at + at, n, "\"", 1);
      at += n;
    }
  }
  return begin;
}

static vs_slice trimmed_value(const vs_document *d, uint32_t begin) {
  vs_slice v = vs_flow_slice(&d->values, begin, vs_flow_at(&d->values));
  while (v.n > 0 && vs_is_space(v.p[v.n - 1])) v.n--;
  while (v.n > 0 && vs_is_space(*v.p)) v.p++, v.n--;
  return v;
}

static bool has_name(const vs_wr *names, vs_slice name) {
  vs_rd r = vs_rd_of(names->p, names->n);
  while (vs_rd_left(&r) > 0) {
    vs_slice known = vs_rd_slice(&r);
    if (known.n == name.n && memcmp(known.p, name.p, name.n) == 0) return true;
  }
  return false;
}

static void write_column(vs_wr *names, uint32_t column) {
  uint8_t name[24] = "column";
  size_t n = 6, digits = 1;
  for (uint32_t x = column; x >= 10; x /= 10) digits++;
  for (size_t i = digits; i > 0; i--, column /= 10) name[n + i - 1] = (uint8_t)('0' + column % 10);
  vs_wr_slice(names, name, n + digits);
}

/* Names the columns after the row at the source's beginning; gives its length, 0 when it is no header. */
static size_t read_header(vs_document *d, const vs_source *s) {
  vs_wr *names = &d->csv.names;
  size_t at = 0;
  uint32_t n = 0;
  bool header = true;
  vs_flow_reset(&d->values);
  for (cell c = {0}; !c.ends_row; n++) {
    c = read_cell(s, at, d->csv.delimiter, &at);
    vs_slice name = trimmed_value(d, decode_cell(d, s, &c));
    header = header && n < MAX_COLUMNS && name.n > 0 && name.n <= VS_DOC_LONG_BYTES && !vs_record_is_number(name) &&
             !has_name(names, name);
    if (header) vs_wr_slice(names, name.p, name.n);
  }
  if (header) return at;
  vs_wr_reset(names);
  for (uint32_t i = 1; i <= n && i <= MAX_COLUMNS; i++) write_column(names, i);
  return 0;
}

/* The row at `at` as a record; false when it is not complete. */
static bool take_row(vs_document *d, const vs_source *s, bool last, size_t *at, vs_status *status) {
  vs_rd names = vs_rd_of(d->csv.names.p, d->csv.names.n);
  size_t next = *at;
  vs_record_begin(d);
  for (cell c = {0}; !c.ends_row;) {
    c = read_cell(s, next, d->csv.delimiter, &next);
    if (!c.complete && !last) return false;
    vs_slice name = vs_rd_slice(&names);
    if (names.failed) name = (vs_slice){(const uint8_t *)"more", 4};
    uint32_t begin = decode_cell(d, s, &c);
    vs_slice value = trimmed_value(d, begin);
    if (value.n == 0) continue;
    bool number = !c.quoted && vs_record_is_number(value);
    begin = (uint32_t)(value.p - d->values.text.p);
    vs_record_add(d, name, number ? VS_FIELD_NUMBER : VS_FIELD_STRING, begin, begin + (uint32_t)value.n);
  }
  *status = d->items.n > 0 ? vs_record_finish(d) : VS_OK;
  *at = next;
  return true;
}

vs_status vs_extract_csv(vs_document *d, vs_source s, bool last, size_t *taken) {
  size_t at = 0;
  *taken = 0;
  if (d->csv.delimiter == 0) {
    uint8_t delimiter = find_delimiter(s);
    size_t end = 0;
    cell c = {.complete = true};
    while (!c.ends_row) c = read_cell(&s, end, delimiter, &end);
    if (!c.complete && !last) return VS_OK;
    d->csv.delimiter = delimiter;
    at = read_header(d, &s);
  }
  vs_status status = VS_OK;
  while (at < s.n && status == VS_OK && take_row(d, &s, last, &at, &status)) continue;
  *taken = at;
  return status;
}
