/* jsonl_command.c - records as JSON Lines: `vecstore export --format jsonl` and `vecstore import file.jsonl`.
 *
 * Layer: cli. One record a line, {"id", "vector", "text", "metadata", "sparse", "multivector"}, as js/src/jsonl.js
 * reads and writes them. Holds a batch of records and one line at a time.
 */
#include <stdio.h>
#include <string.h>

#include "extra.h"
#include "json.h"
#include "json_read.h"
#include "jsonl.h"
#include "records.h"

enum { PIECE_BYTES = 1 << 16, SCAN_RECORDS = 1024 };
#define MAX_LINE_BYTES ((size_t)64 << 20)

/* ============ Export ============ */

static void print_id(FILE *to, const vs_abi_record *record) {
  vs_slice key = {(const uint8_t *)record->id + 1, record->id_n - 1};
  if (*(const char *)record->id == 's')
    cli_json_string(to, key);
  else
    fprintf(to, "%llu", (unsigned long long)vs_load_u64(key.p));
}

static void print_record(FILE *to, const vs_abi_record *record) {
  fputs("{\"id\":", to);
  print_id(to, record);
  const float *vector = record->vector;
  for (uint32_t i = 0; i < record->dim; i++) {
    bool negative_zero = !(vector[i] < 0 || vector[i] > 0) && 1 / vector[i] < 0;
    fputs(i == 0 ? ",\"vector\":[" : ",", to);
    if (negative_zero)
      fputs("-0.0", to);
    else
      fprintf(to, "%.9g", (double)vector[i]);
  }
  if (record->dim > 0) putc(']', to);
  if (record->text_n > 0) {
    fputs(",\"text\":", to);
    cli_json_write(to, record->text, record->text_n);
  }
  fputs(",\"metadata\":", to);
  if (record->meta_n > 0)
    cli_json_write(to, record->meta, record->meta_n);
  else
    fputs("{}", to);
  cli_extra_print(to, record->extra, record->extra_n);
  fputs("}\n", to);
}

static bool print_all(cli_store *store, FILE *to) {
  double before = vs_next_sequence(store->db);
  for (uint32_t from = 0; from != UINT32_MAX; from = vs_scan_next(store->db)) {
    int32_t n = vs_scan(store->db, 0, from, before, SCAN_RECORDS);
    if (n < 0) {
      cli_store_complain(store);
      return false;
    }
    const uint32_t *slots = vs_scan_slots(store->db);
    for (int32_t i = 0; i < n; i++) print_record(to, vs_record(store->db, slots[i]));
    if (ferror(to)) return false;
  }
  return true;
}

bool cli_jsonl_export(cli_store *store, const char *path) {
  FILE *file = fopen(path, "wb");
  bool written = file && print_all(store, file);
  bool full = file && ferror(file);
  if (file && fclose(file) != 0) full = true;
  if (!file || full) perror(path);
  if (file && (!written || full)) remove(path);
  return written && !full;
}

/* ============ Import ============ */

typedef struct {
  FILE *file;
  const char *path;
  vs_wr window; /* from the line's first byte on */
  size_t taken; /* bytes of the lines already given */
  uint64_t line;
  bool ended;
  vs_wr value, extra;
  cli_records records;
} import;

/* Puts more of the file into the window; false on a failure, which has been said. */
static bool fill(import *m) {
  vs_wr *w = &m->window;
  m->ended = feof(m->file) != 0;
  if (m->ended) return true;
  memmove(w->p, w->p + m->taken, w->n - m->taken);
  w->n -= m->taken;
  m->taken = 0;
  uint8_t *room = vs_wr_space(w, PIECE_BYTES);
  if (!room) {
    fputs("vecstore: no memory\n", stderr);
    return false;
  }
  size_t got = fread(room, 1, PIECE_BYTES, m->file);
  w->n -= PIECE_BYTES - got;
  m->ended = got < PIECE_BYTES;
  if (ferror(m->file)) perror(m->path);
  return !ferror(m->file);
}

static bool complain(const import *m, const char *what) {
  fprintf(stderr, "vecstore: %s: line %llu: %s\n", m->path, (unsigned long long)m->line, what);
  return false;
}

/* The next line without its end: 1, at the end 0, on a failure -1. */
static int next_line(import *m, vs_slice *line) {
  size_t looked = 0;
  for (;;) {
    const uint8_t *start = m->window.p + m->taken;
    size_t n = m->window.n - m->taken;
    const uint8_t *end = n > looked ? memchr(start + looked, '\n', n - looked) : NULL;
    if (end || (m->ended && n > 0)) {
      *line = (vs_slice){start, end ? (size_t)(end - start) : n};
      m->taken += line->n + (end != NULL);
      m->line++;
      return 1;
    }
    if (m->ended) return 0;
    looked = n;
    if (n > MAX_LINE_BYTES) {
      m->line++;
      return complain(m, "the line is too long") ? 1 : -1;
    }
    if (!fill(m)) return -1;
  }
}

static bool is_blank(vs_slice line) {
  for (size_t i = 0; i < line.n; i++)
    if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') return false;
  return true;
}

/* Text is a string, or an object of strings. */
static bool is_text(const vs_value *v) {
  if (v->tag != VS_VALUE_OBJECT) return v->tag == VS_VALUE_STRING;
  vs_rd members = vs_rd_of(v->bytes.p, v->bytes.n);
  for (uint32_t i = 0; i < v->count; i++) {
    vs_rd_slice(&members);
    if (vs_value_read(&members).tag != VS_VALUE_STRING) return false;
  }
  return true;
}

static bool is_key(vs_slice key, const char *name) { return key.n == strlen(name) && memcmp(key.p, name, key.n) == 0; }

typedef struct {
  vs_value id, vector, sparse, multivector;
  vs_slice meta, text; /* encoded */
} members;

/* Sorts a record's members; gives what is wrong, or NULL. */
static const char *read_record(const vs_value *record, members *out) {
  *out = (members){.id.tag = VS_VALUE_NULL,
                   .vector.tag = VS_VALUE_NULL,
                   .sparse.tag = VS_VALUE_NULL,
                   .multivector.tag = VS_VALUE_NULL};
  if (record->tag != VS_VALUE_OBJECT) return "a record must be an object";
  vs_rd r = vs_rd_of(record->bytes.p, record->bytes.n);
  for (uint32_t i = 0; i < record->count; i++) {
    vs_slice key = vs_rd_slice(&r);
    const uint8_t *from = r.p;
    vs_value v = vs_value_read(&r);
    vs_slice encoded = {from, (size_t)(r.p - from)};
    bool absent = v.tag == VS_VALUE_NULL;
    if (is_key(key, "id")) {
      out->id = v;
    } else if (is_key(key, "vector")) {
      if (!absent && v.tag != VS_VALUE_ARRAY && v.tag != VS_VALUE_STRING) return "a vector is an array or base64";
      out->vector = v;
    } else if (is_key(key, "metadata")) {
      if (!absent && v.tag != VS_VALUE_OBJECT) return "metadata must be an object";
      if (!absent) out->meta = encoded;
    } else if (is_key(key, "text")) {
      if (!absent && !is_text(&v)) return "text must be a string or an object of strings";
      if (!absent) out->text = encoded;
    } else if (is_key(key, "sparse")) {
      out->sparse = v;
    } else if (is_key(key, "multivector")) {
      out->multivector = v;
    } else {
      return "a record has only id, vector, text, metadata, sparse and multivector";
    }
  }
  return NULL;
}

static bool import_line(import *m, vs_slice line) {
  const char *problem = NULL;
  members x;
  if (m->line == 1 && line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0) line = (vs_slice){line.p + 3, line.n - 3};
  if (is_blank(line)) return true;
  vs_wr_reset(&m->value);
  if (!cli_json_read(line.p, line.n, &m->value, NULL, &problem)) {
    fprintf(stderr, "vecstore: %s: line %llu: not valid JSON: %s\n", m->path, (unsigned long long)m->line, problem);
    return false;
  }
  vs_rd r = vs_rd_of(m->value.p, m->value.n);
  vs_value record = vs_value_read(&r);
  problem = read_record(&record, &x);
  vs_wr_reset(&m->extra);
  if (!problem) cli_extra_encode(&m->extra, &x.sparse, &x.multivector, &problem);
  if (!problem && m->extra.failed) problem = "no memory";
  if (problem) return complain(m, problem);
  if (cli_records_add(&m->records, &x.id, &x.vector, x.meta, x.text, (vs_slice){m->extra.p, m->extra.n}, &problem))
    return true;
  return problem ? complain(m, problem) : false;
}

static bool import_lines(import *m) {
  vs_slice line;
  int there;
  while ((there = next_line(m, &line)) > 0)
    if (!import_line(m, line)) return false;
  return there == 0 && cli_records_finish(&m->records);
}

bool cli_jsonl_import(cli_store *store, const char *path) {
  vs_alloc a;
import m = {.path = path, .file = fopen(path, "rb") };
  if (!m.file) {
    perror(path);
    return false;
  }
  vs_alloc_init(&a);
  vs_wr_init(&m.window, &a);
  vs_wr_init(&m.value, &a);
  vs_wr_init(&m.extra, &a);
  cli_records_init(&m.records, &a, store);
  bool done = import_lines(&m);
  if (done)
    printf("%llu inserted, %llu updated\n", (unsigned long long)m.records.inserted,
           (unsigned long long)m.records.updated);
  cli_records_deinit(&m.records);
  vs_wr_deinit(&m.value);
  vs_wr_deinit(&m.extra);
  vs_wr_deinit(&m.window);
  fclose(m.file);
  return done;
}
