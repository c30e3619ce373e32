/* document.c - windows over a file's bytes, and what becomes of a finished flow (document.h).
 *
 * Layer: rag. A window is cut where a line, paragraph or record ends, at a
 * place that depends on the bytes alone: it is filled up to `wanted` before
 * anything is taken. When nothing could be taken `wanted` doubles, so that
 * a record is looked at O(log) times at most and the whole stays linear.
 */
#include "extract.h"

#include <string.h>

static const struct {
  const char *ending;
  vs_doc_kind kind;
} endings[] = {
    {"txt", VS_DOC_TXT},     {"text", VS_DOC_TXT},     {"md", VS_DOC_MD},      {"markdown", VS_DOC_MD},
    {"html", VS_DOC_HTML},   {"htm", VS_DOC_HTML},     {"xhtml", VS_DOC_HTML}, {"json", VS_DOC_JSON},
    {"jsonl", VS_DOC_JSONL}, {"ndjson", VS_DOC_JSONL}, {"csv", VS_DOC_CSV},    {"tsv", VS_DOC_CSV},
};

vs_doc_kind vs_doc_kind_of_name(vs_slice name) {
  size_t dot = name.n;
  while (dot > 0 && name.p[dot - 1] != '.' && name.p[dot - 1] != '/') dot--;
  if (dot == 0 || name.p[dot - 1] != '.') return VS_DOC_NONE;
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
    if (vs_is_word(name.p + dot, name.n - dot, endings[i].ending)) return endings[i].kind;
  return VS_DOC_NONE;
}

/* ============ Making and freeing ============ */

static void init_buffers(vs_document *d) {
  vs_wr *buffers[] = {&d->window, &d->file_title, &d->title, &d->fields, &d->keys, &d->items, &d->path, &d->csv.names};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) vs_wr_init(buffers[i], d->a);
  vs_flow_init(&d->flow, d->a);
  vs_flow_init(&d->values, d->a);
}

vs_status vs_document_create(vs_alloc *a, vs_doc_kind kind, vs_slice name, const vs_split_options *options,
                             vs_passage_fn fn, void *ctx, vs_document **out, vs_err *err) {
  if (kind <= VS_DOC_NONE || kind >= VS_DOC_KIND_COUNT)
    return vs_fail(err, VS_INVALID_ARGUMENT, "no such kind of document: %d", (int)kind);
  VS_TRY(vs_split_check(options, err));
  vs_document *d = vs_calloc(a, 1, sizeof *d);
  if (!d) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for reading a document");
  d->a = a;
  d->kind = kind;
  d->fn = fn;
  d->ctx = ctx;
  d->wanted = kind == VS_DOC_HTML || kind == VS_DOC_JSON ? SIZE_MAX : VS_DOC_WINDOW_BYTES;
  init_buffers(d);
  vs_splitter_init(&d->splitter, options);
  size_t from = name.n;
  while (from > 0 && name.p[from - 1] != '/') from--;
  if (name.n > from) vs_flow_verbatim(&d->flow, 0, name.p + from, name.n - from);
  vs_wr_bytes(&d->file_title, d->flow.text.p, d->flow.text.n);
  if (d->flow.failed || d->file_title.failed) {
    vs_document_destroy(d);
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for reading a document");
  }
  vs_flow_reset(&d->flow);
  *out = d;
  return VS_OK;
}

void vs_document_destroy(vs_document *d) {
  if (!d) return;
  vs_wr *buffers[] = {&d->window, &d->file_title, &d->title, &d->fields, &d->keys, &d->items, &d->path, &d->csv.names};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) vs_wr_deinit(buffers[i]);
  vs_flow_deinit(&d->flow);
  vs_flow_deinit(&d->values);
  vs_free(d->a, d);
}

/* ============ Giving passages ============ */

void vs_document_restart(vs_document *d) {
  vs_split_options options = d->splitter.options;
  vs_splitter_init(&d->splitter, &options);
  vs_wr_reset(&d->title);
  vs_wr_reset(&d->fields);
}

static vs_status give_piece(void *ctx, uint32_t start, uint32_t end, vs_slice section) {
  vs_document *d = ctx;
  vs_passage passage = {
      .n = d->n,
      .title = {d->title.p, d->title.n},
      .section = section,
      .text = {d->flow.text.p + start, end - start},
      .fields = {d->fields.p, d->fields.n},
      .start = vs_flow_source_start(&d->flow, start),
      .end = vs_flow_source_end(&d->flow, end),
  };
  d->n++;
  return d->fn(d->ctx, &passage);
}

/* Gives the document a title: its first heading of the first level, else the file's name. */
static void find_title(vs_document *d, bool numbered) {
  const vs_flow *f = &d->flow;
  for (uint32_t i = 0; i < vs_flow_n_blocks(f); i++) {
    vs_block b = vs_flow_block_at(f, i);
    if (b.type != VS_BLOCK_HEADING || b.level != 1 || b.name_end == b.name_start) continue;
    for (uint32_t at = b.name_start; at < b.name_end; at++)
      vs_wr_u8(&d->title, f->text.p[at] == '\n' ? ' ' : f->text.p[at]);
    return;
  }
  vs_wr_bytes(&d->title, d->file_title.p, d->file_title.n);
  if (!numbered) return;
  uint8_t digits[12];
  size_t n = sizeof digits;
  for (uint32_t number = d->record; n == sizeof digits || number > 0; number /= 10)
    digits[--n] = (uint8_t)('0' + number % 10);
  vs_wr_bytes(&d->title, " #", 2);
  vs_wr_bytes(&d->title, digits + n, sizeof digits - n);
}

/* Every passage has the title, so it must not be as long as the file. */
static void cut_title(vs_document *d) {
  size_t n = VS_DOC_TITLE_BYTES;
  if (d->title.n <= n || d->title.failed) return;
  while (n > 0 && (d->title.p[n] & 0xc0) == 0x80) n--;
  d->title.n = n;
}

vs_status vs_document_emit(vs_document *d, bool numbered) {
  if (d->title.n == 0 && vs_flow_n_blocks(&d->flow) > 0) find_title(d, numbered);
  cut_title(d);
  if (d->flow.failed || d->title.failed || d->fields.failed)
    return vs_fail(d->err, VS_OUT_OF_MEMORY, "no memory for a document's text");
  vs_status status = vs_split_flow(&d->splitter, &d->flow, give_piece, d);
  vs_flow_reset(&d->flow);
  return status;
}

/* ============ Windows ============ */

/* Forgets the window's first n bytes. */
static void drop(vs_document *d, size_t n) {
  if (n == 0) return;
  memmove(d->window.p, d->window.p + n, d->window.n - n);
  d->window.n -= n;
  d->at += n;
}

/* Where a full window of lines is cut: after the last blank line of its second half, else after
 * its last line, else before a character. */
static size_t cut_lines(const uint8_t *p, size_t n) {
  size_t line = 0;
  for (size_t at = n; at > n / 2; at--) {
    if (p[at - 1] != '\n') continue;
    if (line == 0) line = at;
    size_t before = at - 1;
    while (before > 0 && vs_is_blank(p[before - 1])) before--;
    if (before > 0 && p[before - 1] == '\n') return at;
  }
  if (line > 0) return line;
  size_t at = n;
  while (at > n - 3 && (p[at - 1] & 0xc0) == 0x80) at--;
  return p[at - 1] >= 0xc0 ? at - 1 : n;
}

static vs_status take_lines(vs_document *d, bool last, size_t *taken) {
  vs_source s = {d->window.p, last ? d->window.n : cut_lines(d->window.p, d->window.n), d->at};
  bool first = !d->begun;
  *taken = s.n;
  if (d->kind == VS_DOC_TXT)
    vs_extract_txt(d, s);
  else
    vs_extract_md(d, s, first);
  return vs_document_emit(d, false);
}

static vs_status take_json_lines(vs_document *d, bool last, size_t *taken) {
  const uint8_t *p = d->window.p;
  size_t from = 0;
  while (from < d->window.n) {
    const uint8_t *newline = memchr(p + from, '\n', d->window.n - from);
    if (!newline && !last) break;
    size_t end = newline ? (size_t)(newline - p) : d->window.n;
    VS_TRY(vs_extract_json_line(d, (vs_source){p + from, end - from, d->at + from}));
    from = newline ? end + 1 : end;
  }
  *taken = from;
  return VS_OK;
}

/* Takes from the window what is complete. */
static vs_status take(vs_document *d, bool last) {
  size_t taken = d->window.n, skipped = 0;
  if (!d->begun) {
    const uint8_t *p = d->window.p;
    if (d->window.n > 0 && memchr(p, '\0', vs_min_size(d->window.n, VS_DOC_SNIFF_BYTES)))
      return vs_fail(d->err, VS_UNSUPPORTED, "not a text file");
    if (d->window.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) skipped = 3;
    drop(d, skipped);
    taken = d->window.n;
  }
  vs_source whole = {d->window.p, d->window.n, d->at};
  switch (d->kind) {
  case VS_DOC_TXT:
  case VS_DOC_MD: VS_TRY(take_lines(d, last, &taken)); break;
  case VS_DOC_HTML:
    vs_extract_html(d, whole);
    VS_TRY(vs_document_emit(d, false));
    break;
  case VS_DOC_JSON: VS_TRY(vs_extract_json(d, whole)); break;
  case VS_DOC_JSONL: VS_TRY(take_json_lines(d, last, &taken)); break;
  default: VS_TRY(vs_extract_csv(d, whole, last, &taken));
  }
  d->begun = true;
  drop(d, taken);
  if (taken > 0)
    d->wanted = vs_max_size(VS_DOC_WINDOW_BYTES, 2 * d->window.n);
  else if (d->wanted >= VS_DOC_RECORD_BYTES)
    return vs_fail(d->err, VS_UNSUPPORTED, "a record is longer than %u MiB", (unsigned)(VS_DOC_RECORD_BYTES >> 20));
  else
    d->wanted *= 2;
  return VS_OK;
}

vs_status vs_document_feed(vs_document *d, const void *p, size_t n, vs_err *err) {
  const uint8_t *from = p;
  d->err = err;
  while (n > 0) {
    size_t part = vs_min_size(n, d->wanted - d->window.n);
    if (d->wanted == SIZE_MAX && part > VS_DOC_WHOLE_BYTES - d->window.n)
      return vs_fail(err, VS_UNSUPPORTED, "a file of this kind may have at most %u MiB",
                     (unsigned)(VS_DOC_WHOLE_BYTES >> 20));
    vs_wr_bytes(&d->window, from, part);
    if (d->window.failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a document's bytes");
    from += part;
    n -= part;
    if (d->window.n == d->wanted) VS_TRY(take(d, false));
  }
  return VS_OK;
}

vs_status vs_document_finish(vs_document *d, vs_err *err) {
  d->err = err;
  while (d->window.n > 0) {
    size_t before = d->window.n;
    VS_TRY(take(d, true));
    assert(d->window.n < before);
    (void)before;
  }
  return VS_OK;
}
