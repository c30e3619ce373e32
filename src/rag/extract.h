/* extract.h - what the extractors of this layer have in common.
 *
 * Layer: rag, internal to it. An extractor takes source bytes, fills the document's flow, and calls
 * vs_document_emit for each flow that is complete.
 */
#ifndef VS_RAG_EXTRACT_H
#define VS_RAG_EXTRACT_H

#include "../base/value.h"
#include "document.h"

/* Source bytes and the place of the first in the file. */
typedef struct {
  const uint8_t *p;
  size_t n;
  uint64_t at;
} vs_source;

/* What a line scanner remembers from window to window. */
typedef struct {
  uint8_t fence;        /* ` or ~ while in fenced code, else 0 */
  uint32_t fence_marks; /* how many opened it */
} vs_md_state;

/* What is known of a CSV file once its first rows were seen. */
typedef struct {
  uint8_t delimiter; /* 0: not found out yet */
  vs_wr names;       /* of the columns, each as a varint length and bytes */
  uint32_t row;      /* records so far */
} vs_csv_state;

struct vs_document {
  vs_alloc *a;
  vs_doc_kind kind;
  vs_splitter splitter;
  vs_passage_fn fn;
  void *ctx;
  vs_err *err;      /* of the call under way */
  vs_wr window;     /* source bytes not yet taken */
  uint64_t at;      /* place of the window's first byte in the file */
  size_t wanted;    /* how many the window holds before the next attempt */
  bool begun;       /* the first bytes were looked at */
  uint32_t n;       /* passages given */
  uint32_t record;  /* records seen */
  vs_wr file_title; /* the file's name without folders */
  vs_wr title;      /* of the document, where it has one of its own */
  vs_wr fields;     /* encoded object, or empty */
  vs_flow flow;     /* the text being made */
  vs_flow values;   /* scratch of records: the decoded values one after the other */
  vs_wr keys;       /* scratch of records: their names */
  vs_wr items;      /* scratch of records: vs_field */
  vs_wr path;       /* scratch of JSON: the dotted name in the making */
  vs_md_state md;
  vs_csv_state csv;
};

/* Splits the flow, gives its passages and empties it. `numbered`: a title in place of a missing one has the
 * record's number behind it. */
VS_MUST_USE vs_status vs_document_emit(vs_document *d, bool numbered);
/* Starts a document of its own within the file: no headings, title, fields. */
void vs_document_restart(vs_document *d);

/* ============ lines.c ============ */

/* Whole lines of plain text or Markdown into the flow. `first`: the file begins here. */
void vs_extract_txt(vs_document *d, vs_source s);
void vs_extract_md(vs_document *d, vs_source s, bool first);
/* Reads "---" front matter at the beginning of the source into title and fields; gives its length, 0 when none. */
size_t vs_extract_front_matter(vs_document *d, vs_source s);

/* ============ html.c ============ */

/* A whole page. */
void vs_extract_html(vs_document *d, vs_source s);

/* ============ record.c ============ */

typedef enum { VS_FIELD_STRING, VS_FIELD_NUMBER, VS_FIELD_TRUE, VS_FIELD_FALSE } vs_field_type;

/* A member of a record: its name in d->keys and, but for truth values, its value's text in d->values. */
typedef struct {
  uint32_t key, key_n;
  uint32_t value, value_end;
  uint32_t type; /* vs_field_type */
} vs_field;

/* Begins a record; then its members are added and it is finished, which gives its passages. */
void vs_record_begin(vs_document *d);
void vs_record_add(vs_document *d, vs_slice key, vs_field_type type, uint32_t value, uint32_t value_end);
VS_MUST_USE vs_status vs_record_finish(vs_document *d);
/* The name is one of those that stand for a title or a text. */
bool vs_record_names_text(vs_slice key);
/* For front matter: takes title and fields from the members, and their long texts into the flow. */
void vs_record_describe(vs_document *d);
/* Writes a number's text as INT, as F64 where that is exact to the last few bits, else as a string. */
void vs_record_number(vs_wr *w, vs_slice text);
/* The text is a plain decimal number without superfluous zeros, so that a CSV cell may be taken for one. */
bool vs_record_is_number(vs_slice text);

/* ============ json.c, csv.c ============ */

/* A whole JSON file. */
VS_MUST_USE vs_status vs_extract_json(vs_document *d, vs_source s);
/* One line that holds one value; blank lines are passed over. */
VS_MUST_USE vs_status vs_extract_json_line(vs_document *d, vs_source s);
/* As many whole CSV records as the source has, all when it is the `last`; *taken = their bytes. */
VS_MUST_USE vs_status vs_extract_csv(vs_document *d, vs_source s, bool last, size_t *taken);

#endif
