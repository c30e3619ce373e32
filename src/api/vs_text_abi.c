/* vs_text_abi.c - the text module's flat C ABI: pointers and numbers in, the embedder and the reading of
 * documents behind.
 *
 * Layer: api (L5). No logic of its own; every function is documented in vs_text.def. All state lives in the vs_tm, so
 * that instances are independent. It must not reach the database: what is linked here is linked into
 * dist/vecstore.text.wasm.
 */
#include "vs_text.h"

#include "../base/value.h"
#include "../embed/embed.h"
#include "../rag/document.h"

_Static_assert(offsetof(vs_err, msg) == VS_TM_ERROR_MSG_OFFSET, "error layout");

struct vs_tm {
  vs_alloc alloc;
  vs_err err;
  vs_embedder *embedder; /* NULL without a model */
  vs_document *document; /* being read, or NULL */
  vs_wr passages;        /* u32 length, encoded array */
  size_t mark;           /* of the array while passages are added */
  uint32_t n_passages;
};

/* ============ Instance ============ */

uint32_t vs_tm_abi_version(void) { return VS_TM_ABI_VERSION; }

vs_tm *vs_tm_new(void) {
  vs_alloc first;
  vs_alloc_init(&first);
  vs_tm *tm = vs_calloc(&first, 1, sizeof *tm);
  if (!tm) return NULL;
  tm->alloc = first; /* it counts the instance itself */
  vs_wr_init(&tm->passages, &tm->alloc);
  return tm;
}

void vs_tm_free(vs_tm *tm) {
  if (!tm) return;
  vs_embedder_close(tm->embedder);
  vs_document_destroy(tm->document);
  vs_wr_deinit(&tm->passages);
  vs_alloc last = tm->alloc;
  vs_free(&last, tm);
}

const void *vs_tm_error(vs_tm *tm) { return &tm->err; }

void *vs_tm_alloc(vs_tm *tm, uint32_t n) { return vs_malloc(&tm->alloc, n ? n : 1); }

void vs_tm_release(vs_tm *tm, void *p) { vs_free(&tm->alloc, p); }

/* ============ Embedding ============ */

int32_t vs_tm_model_open(vs_tm *tm, const void *model, uint32_t n) {
  vs_embedder *opened;
  vs_err_clear(&tm->err);
  vs_status status = vs_embedder_open(&tm->alloc, model, n, &opened, &tm->err);
  if (status != VS_OK) return (int32_t)status;
  vs_embedder_close(tm->embedder);
  tm->embedder = opened;
  return VS_OK;
}

void vs_tm_model_close(vs_tm *tm) {
  vs_embedder_close(tm->embedder);
  tm->embedder = NULL;
}

uint32_t vs_tm_model_dimension(vs_tm *tm) { return tm->embedder ? vs_embedder_dimension(tm->embedder) : 0; }

const void *vs_tm_model_name(vs_tm *tm) { return tm->embedder ? vs_embedder_name(tm->embedder) : NULL; }

int32_t vs_tm_embed(vs_tm *tm, const void *utf8, const void *offsets, uint32_t count, void *vectors) {
  const uint8_t *text = utf8, *at = offsets;
  float *out = vectors;
  vs_err_clear(&tm->err);
  if (!tm->embedder) return -(int32_t)vs_fail(&tm->err, VS_INVALID_ARGUMENT, "no model is open");
  for (uint32_t i = 0; i < count; i++) {
    if (vs_load_u32(at + (size_t)4 * i) <= vs_load_u32(at + (size_t)4 * i + 4)) continue;
    vs_fail(&tm->err, VS_INVALID_ARGUMENT, "the offsets of text %u descend", i);
    tm->err.index = i;
    return -(int32_t)VS_INVALID_ARGUMENT;
  }
  uint64_t tokens = 0;
  uint32_t dimension = vs_embedder_dimension(tm->embedder);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t from = vs_load_u32(at + (size_t)4 * i), to = vs_load_u32(at + (size_t)4 * i + 4);
    tokens += vs_embedder_embed(tm->embedder, text + from, to - from, out + (size_t)i * dimension);
  }
  return tokens > INT32_MAX ? INT32_MAX : (int32_t)tokens;
}

/* ============ Reading documents ============ */

_Static_assert(VS_TM_TXT == (int)VS_DOC_TXT && VS_TM_MD == (int)VS_DOC_MD && VS_TM_HTML == (int)VS_DOC_HTML &&
                   VS_TM_JSON == (int)VS_DOC_JSON && VS_TM_JSONL == (int)VS_DOC_JSONL && VS_TM_CSV == (int)VS_DOC_CSV,
               "kinds of documents");
_Static_assert(VS_TM_PASSAGE_CHARACTERS == VS_SPLIT_DEFAULT_TARGET, "size of a passage");

uint32_t vs_tm_kind_of_name(const void *utf8, uint32_t n) { return (uint32_t)vs_doc_kind_of_name((vs_slice){utf8, n}); }

static void member(vs_wr *w, const char *key, vs_slice text) {
  vs_value_key(w, key);
  vs_value_string(w, text.p, text.n);
}

static void member_int(vs_wr *w, const char *key, uint64_t number) {
  vs_value_key(w, key);
  vs_value_int(w, (int64_t)number);
}

static vs_status add_passage(void *ctx, const vs_passage *p) {
  vs_tm *tm = ctx;
  vs_wr *w = &tm->passages;
  size_t mark = vs_value_object_begin(w);
  member_int(w, "n", p->n);
  member(w, "title", p->title);
  member(w, "section", p->section);
  member(w, "text", p->text);
  member_int(w, "start", p->start);
  member_int(w, "end", p->end);
  if (p->fields.n > 0) {
    vs_value_key(w, "fields");
    vs_wr_bytes(w, p->fields.p, p->fields.n);
  }
  vs_value_end(w, mark, p->fields.n > 0 ? 7 : 6);
  tm->n_passages++;
  return w->failed ? vs_fail(&tm->err, VS_OUT_OF_MEMORY, "no memory for the passages") : VS_OK;
}

static void begin_passages(vs_tm *tm) {
  vs_err_clear(&tm->err);
  vs_wr_reset(&tm->passages);
  vs_wr_u32(&tm->passages, 0);
  tm->mark = vs_value_array_begin(&tm->passages);
  tm->n_passages = 0;
}

/* How many passages there are now, or what went wrong; `over`: the reading ends here. */
static int32_t end_passages(vs_tm *tm, vs_status status, bool over) {
  vs_wr *w = &tm->passages;
  vs_value_end(w, tm->mark, tm->n_passages);
  if (status == VS_OK && w->failed) status = vs_fail(&tm->err, VS_OUT_OF_MEMORY, "no memory for the passages");
  if (over || status != VS_OK) {
    vs_document_destroy(tm->document);
    tm->document = NULL;
  }
  if (status != VS_OK) return -(int32_t)status;
  vs_store_u32(w->p, (uint32_t)(w->n - 4));
  return (int32_t)tm->n_passages;
}

int32_t vs_tm_read_begin(vs_tm *tm, uint32_t kind, const void *name, uint32_t n, uint32_t characters,
                         uint32_t overlap) {
  vs_split_options options = {characters, overlap};
  vs_err_clear(&tm->err);
  vs_document_destroy(tm->document);
  tm->document = NULL;
  return (int32_t)vs_document_create(&tm->alloc, kind < VS_DOC_KIND_COUNT ? (vs_doc_kind)kind : VS_DOC_NONE,
                                     (vs_slice){name, n}, &options, add_passage, tm, &tm->document, &tm->err);
}

int32_t vs_tm_read_feed(vs_tm *tm, const void *p, uint32_t n) {
  begin_passages(tm);
  vs_status status = tm->document ? vs_document_feed(tm->document, p, n, &tm->err)
                                  : vs_fail(&tm->err, VS_INVALID_ARGUMENT, "no document is being read");
  return end_passages(tm, status, false);
}

int32_t vs_tm_read_finish(vs_tm *tm) {
  begin_passages(tm);
  vs_status status = tm->document ? vs_document_finish(tm->document, &tm->err)
                                  : vs_fail(&tm->err, VS_INVALID_ARGUMENT, "no document is being read");
  return end_passages(tm, status, true);
}

const void *vs_tm_passages(vs_tm *tm) { return tm->passages.p; }
