/* rag_fuzz.c - arbitrary bytes as a document of each kind.
 *
 * An input is a byte for the kind (modulo the number of kinds), one for the
 * size of a passage, one for the pieces it is fed in, and the document. It is
 * read twice, in such pieces and whole: the passages must be the same, well-formed,
 * no larger than asked for, numbered in order, and nothing may stay allocated.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DVS_LIBFUZZER
 * tests/fuzz/rag_fuzz.c src/rag and base, then run it on the corpus.
 * Without, this is a test program that replays the corpus folder.
 */
#include "../../src/rag/document.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/hashmap.h"
#include "../../src/base/utf8.h"
#include "../../src/base/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

typedef struct {
  uint32_t n, target;
  uint64_t hash; /* of all passages */
  size_t size;   /* of the document */
} reading;

static void mix(reading *r, vs_slice s) {
  CHECK(vs_utf8_valid(s.p, s.n));
  r->hash = vs_hash64(r->hash + s.n, s.p, s.n);
}

static vs_status look(void *ctx, const vs_passage *p) {
  reading *r = ctx;
  uint32_t characters = 0;
  CHECK(p->n == r->n++ && p->text.n > 0 && p->title.n > 0);
  for (size_t i = 0; i < p->text.n; i++) characters += (p->text.p[i] & 0xc0) != 0x80;
  CHECK(characters <= r->target && p->title.n <= VS_DOC_TITLE_BYTES && p->section.n <= 6 * 243);
  CHECK(p->start < p->end && p->end <= r->size);
  CHECK(p->fields.n == 0 || vs_value_check(p->fields.p, p->fields.n));
  mix(r, p->title);
  mix(r, p->section);
  mix(r, p->text);
  r->hash = vs_hash64(r->hash + p->start * 31 + p->end, p->fields.p, p->fields.n);
  return VS_OK;
}

static vs_status read_all(reading *r, vs_doc_kind kind, const uint8_t *p, size_t piece) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_document *d;
  vs_err err;
  vs_split_options options = {r->target, r->target / 4};
  CHECK(vs_document_create(&a, kind, (vs_slice){(const uint8_t *)"f\xffn", 3}, &options, look, r, &d, &err) == VS_OK);
  vs_status status = VS_OK;
  for (size_t at = 0; at < r->size && status == VS_OK; at += piece)
    status = vs_document_feed(d, p + at, vs_min_size(piece, r->size - at), &err);
  if (status == VS_OK) status = vs_document_finish(d, &err);
  CHECK(status == VS_OK || status == VS_UNSUPPORTED || status == VS_CORRUPT);
  vs_document_destroy(d);
  CHECK(a.used == 0);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  vs_doc_kind kind = (vs_doc_kind)(1 + data[0] % (VS_DOC_KIND_COUNT - 1));
  reading first = {.target = VS_SPLIT_MIN_TARGET + data[1] * 4u, .size = size - 3}, second = first;
  vs_status a = read_all(&first, kind, data + 3, data[2] + 1u), b = read_all(&second, kind, data + 3, size);
  CHECK(a == b && first.n == second.n && first.hash == second.hash);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/rag"); }

#endif
