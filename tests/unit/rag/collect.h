/* collect.h - reads a document for a test and keeps its passages. */
#ifndef TESTS_RAG_COLLECT_H
#define TESTS_RAG_COLLECT_H

#include <stdlib.h>
#include <string.h>

#include "../../../src/base/utf8.h"
#include "../../../src/base/value.h"
#include "../../../src/rag/document.h"
#include "../tap.h"

typedef struct {
  char *title, *section, *text; /* NUL-terminated copies */
  size_t text_n;
  vs_wr fields;
  uint64_t start, end;
} kept;

typedef struct {
  vs_alloc a;
  kept *p;
  uint32_t n;
  bool sound; /* numbered in order, well-formed */
  vs_status status;
  vs_err err;
} passages;

__attribute__((unused)) static char *copied(vs_slice s) {
  char *out = malloc(s.n + 1);
  if (s.n > 0) memcpy(out, s.p, s.n);
  out[s.n] = '\0';
  return out;
}

__attribute__((unused)) static vs_status keep(void *ctx, const vs_passage *p) {
  passages *all = ctx;
  all->p = realloc(all->p, (all->n + 1) * sizeof *all->p);
  kept *k = &all->p[all->n];
  *k = (kept){copied(p->title), copied(p->section), copied(p->text), p->text.n, .start = p->start, .end = p->end};
  vs_wr_init(&k->fields, &all->a);
  vs_wr_bytes(&k->fields, p->fields.p, p->fields.n);
  all->sound = all->sound && p->n == all->n && p->text.n > 0 && p->start < p->end &&
               vs_utf8_valid(p->text.p, p->text.n) && vs_utf8_valid(p->title.p, p->title.n) &&
               vs_utf8_valid(p->section.p, p->section.n) &&
               (p->fields.n == 0 || vs_value_check(p->fields.p, p->fields.n));
  all->n++;
  return VS_OK;
}

/* Reads n bytes in pieces of `piece`. */
__attribute__((unused)) static void read_bytes(passages *all, vs_doc_kind kind, const char *name, const void *bytes,
                                               size_t n, size_t piece, uint32_t target, uint32_t overlap) {
  memset(all, 0, sizeof *all);
  vs_alloc_init(&all->a);
  all->sound = true;
  vs_split_options options = {target, overlap};
  vs_document *d = NULL;
  vs_err_clear(&all->err);
  all->status = vs_document_create(&all->a, kind, (vs_slice){(const uint8_t *)name, strlen(name)}, &options, keep, all,
                                   &d, &all->err);
  for (size_t at = 0; at < n && all->status == VS_OK; at += piece)
    all->status = vs_document_feed(d, (const uint8_t *)bytes + at, vs_min_size(piece, n - at), &all->err);
  if (all->status == VS_OK) all->status = vs_document_finish(d, &all->err);
  vs_document_destroy(d);
}

__attribute__((unused)) static void read_text(passages *all, vs_doc_kind kind, const char *text) {
  read_bytes(all, kind, "folder/file.ext", text, strlen(text), 1000, 1000, 0);
}

__attribute__((unused)) static void forget(passages *all) {
  for (uint32_t i = 0; i < all->n; i++) {
    free(all->p[i].title);
    free(all->p[i].section);
    free(all->p[i].text);
    vs_wr_deinit(&all->p[i].fields);
  }
  free(all->p);
  ok(all->a.n_live == 0, "all memory is given back");
}

__attribute__((unused)) static const char *text_of(const passages *all, uint32_t i) {
  return i < all->n ? all->p[i].text : "(none)";
}
__attribute__((unused)) static const char *title_of(const passages *all, uint32_t i) {
  return i < all->n ? all->p[i].title : "(none)";
}
__attribute__((unused)) static const char *section_of(const passages *all, uint32_t i) {
  return i < all->n ? all->p[i].section : "(none)";
}

#define is(got, want) ok(strcmp(got, want) == 0, "'%s' is '%s'", got, want)

/* The member of a passage's fields as text: strings as they are, numbers in decimal, arrays as a count in brackets. */
__attribute__((unused)) static const char *field_of(const passages *all, uint32_t i, const char *key) {
  static char out[512];
  vs_value object, v;
  if (i >= all->n || all->p[i].fields.n == 0) return "(none)";
  vs_rd r = vs_rd_of(all->p[i].fields.p, all->p[i].fields.n);
  object = vs_value_read(&r);
  if (!vs_value_get(&object, key, &v)) return "(none)";
  if (v.tag == VS_VALUE_STRING)
    snprintf(out, sizeof out, "%.*s", (int)v.bytes.n, (const char *)v.bytes.p);
  else if (v.tag == VS_VALUE_INT)
    snprintf(out, sizeof out, "%lld", (long long)v.i);
  else if (v.tag == VS_VALUE_F64)
    snprintf(out, sizeof out, "%.17g", v.f);
  else if (v.tag == VS_VALUE_ARRAY)
    snprintf(out, sizeof out, "[%u]", v.count);
  else
    snprintf(out, sizeof out, "%s", v.tag == VS_VALUE_TRUE ? "true" : v.tag == VS_VALUE_FALSE ? "false" : "?");
  return out;
}

#endif
