/* Every allocation while a document is read fails once: VS_OUT_OF_MEMORY, nothing leaks, and it ends well at last. */
#include "collect.h"

static vs_status count(void *ctx, const vs_passage *p) {
  *(uint32_t *)ctx += p->text.n > 0;
  return VS_OK;
}

static void try_all(vs_doc_kind kind, const char *text) {
  uint32_t attempts = 0, passages = 0;
  for (uint64_t at = 1;; at++) {
    vs_alloc a;
    vs_alloc_init(&a);
    a.fail_at = at;
    vs_document *d = NULL;
    vs_err err;
    vs_split_options options = {16, 4};
    passages = 0;
    vs_status status =
        vs_document_create(&a, kind, (vs_slice){(const uint8_t *)"n", 1}, &options, count, &passages, &d, &err);
    if (status == VS_OK) status = vs_document_feed(d, text, strlen(text), &err);
    if (status == VS_OK) status = vs_document_finish(d, &err);
    vs_document_destroy(d);
    if (a.n_live != 0) ok(false, "kind %d: attempt %u leaks", (int)kind, attempts);
    if (status == VS_OK) break;
    if (status != VS_OUT_OF_MEMORY)
      ok(false, "kind %d: attempt %u gives %s", (int)kind, attempts, vs_status_name(status));
    attempts++;
  }
  ok(attempts > 3 && passages > 1, "kind %d: %u allocations failed, then %u passages", (int)kind, attempts, passages);
}

int main(void) {
  try_all(VS_DOC_TXT, "Some plain text of several words.\n\nAnother paragraph.");
  try_all(VS_DOC_MD, "---\ntitle: T\ntags: [a, b]\n---\n# Head\n\nText below it, long enough.\n\n## Second\n\nMore.");
  try_all(VS_DOC_HTML,
          "<title>T &amp; t</title><h1>Head</h1><p>Some &eacute; text</p><pre>a\nb</pre><p>More of it</p>");
  try_all(
      VS_DOC_JSON,
      "[{\"title\": \"a\", \"text\": \"some words here\", \"n\": 1, \"t\": [\"x\", \"y\"]}, {\"text\": \"\\u00e4\"}]");
  try_all(VS_DOC_JSONL, "{\"text\": \"one two three\"}\n{\"text\": \"four\", \"k\": {\"l\": true}}\n");
  try_all(VS_DOC_CSV, "title,text,year\nA,\"b \"\"c\"\"\",1\nD,e f,2\n");
  return tap_done();
}
