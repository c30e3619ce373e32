/* document.h - from the bytes of a file to passages of text: the entrance to this layer.
 *
 * Layer: rag (L2: base). Text extraction and splitting for the command line and for pages, which therefore get
 * the same passages from the same file. Knows no files, no storage, no vectors.
 *
 * Bytes are fed in pieces of any size and passages come out through a callback as soon as they are complete;
 * the result does not depend on the pieces. What is held meanwhile: for text and Markdown a window of
 * VS_DOC_WINDOW_BYTES, for JSON Lines and CSV also, or one record if that is larger; for HTML and JSON
 * the whole file.
 *
 * WHAT IS TAKEN FROM WHAT
 *   txt    paragraphs, parted by blank lines.
 *   md     the source as it is, with its marks. Headings (# and underlined) make sections, but not those in
 *          fenced code. Front matter gives the title and fields.
 *   html   text of the blocks; h1..h6 make sections; <title> is the title. Script, style, navigation and what is
 *          hidden is left out. The charset is UTF-8.
 *   json   an array of records, an object whose members are records or that holds arrays of them, or one record.
 *          A record's text are its string members of well-known names (text, body, content, abstract, ...) and
 *          those above VS_DOC_LONG_BYTES; when there is none, those of three words or more; else all. A title
 *          (title, headline, subject, name) is part of the text. The rest are fields, VS_DOC_MAX_FIELDS
 *          at most, members of members under dotted names.
 *   jsonl  one such record a line.
 *   csv    one such record a row, RFC 4180, the delimiter (comma, semicolon, tab, bar) and the header row found out.
 *
 * A byte order mark is dropped; ill-formed bytes become U+FFFD. A file with a NUL byte in its first
 * VS_DOC_SNIFF_BYTES is no text: VS_UNSUPPORTED. Malformed JSON is VS_CORRUPT with its place.
 */
#ifndef VS_RAG_DOCUMENT_H
#define VS_RAG_DOCUMENT_H

#include "split.h"

typedef enum {
  VS_DOC_NONE = 0,
  VS_DOC_TXT = 1,
  VS_DOC_MD = 2,
  VS_DOC_HTML = 3,
  VS_DOC_JSON = 4,
  VS_DOC_JSONL = 5,
  VS_DOC_CSV = 6,
  VS_DOC_KIND_COUNT
} vs_doc_kind;

#define VS_DOC_WINDOW_BYTES ((size_t)256 * 1024)
#define VS_DOC_RECORD_BYTES ((size_t)64 * 1024 * 1024) /* a line or row is shorter than this */
#define VS_DOC_WHOLE_BYTES ((size_t)512 * 1024 * 1024) /* so is a file of a kind that is held whole */
#define VS_DOC_SNIFF_BYTES 8192u
#define VS_DOC_LONG_BYTES 200u
#define VS_DOC_MAX_FIELDS 64u
#define VS_DOC_TITLE_BYTES 500u /* a longer title is cut */

/* The kind that a file's name stands for by its ending, or VS_DOC_NONE. */
vs_doc_kind vs_doc_kind_of_name(vs_slice name);

/* One passage; everything is borrowed for the call. */
typedef struct {
  uint32_t n;          /* 0, 1, 2, ... within the file */
  vs_slice title;      /* of its document; the file's name when it has none */
  vs_slice section;    /* the headings above, " > " between; may be empty */
  vs_slice text;       /* well-formed UTF-8, never empty */
  vs_slice fields;     /* encoded object of the record's or front matter's other fields; n = 0: none */
  uint64_t start, end; /* bytes of the source that the text came from */
} vs_passage;

/* A failing function ends the reading with its status; it says why itself. */
typedef vs_status (*vs_passage_fn)(void *ctx, const vs_passage *passage);

typedef struct vs_document vs_document;

/* `name`: the file's path or name, copied; its last part is the title where the file has none. */
VS_MUST_USE vs_status vs_document_create(vs_alloc *a, vs_doc_kind kind, vs_slice name, const vs_split_options *options,
                                         vs_passage_fn fn, void *ctx, vs_document **out, vs_err *err);
/* The next bytes. After a failure only vs_document_destroy is allowed. */
VS_MUST_USE vs_status vs_document_feed(vs_document *d, const void *p, size_t n, vs_err *err);
/* There are no more: gives what is left. */
VS_MUST_USE vs_status vs_document_finish(vs_document *d, vs_err *err);
void vs_document_destroy(vs_document *d); /* NULL is fine */

#endif
