/* texts.c - text queries on a database (see texts.h).
 *
 * Layer: db.
 */
#include "texts.h"

vs_status vs_texts_prepare(vs_db_state *db, double bytes, bool *done) {
  vs_textindex *x = &db->coll.text;
  *done = vs_textindex_ready(x);
  if (*done) return VS_OK;
  if (!x->configured) VS_TRY(vs_textindex_configure(x, (vs_slice){NULL, 0}, &db->err));
  if (vs_analyzer_lacks(&x->analyzer)) return vs_fail(&db->err, VS_CONFLICT, "the language of the texts is not loaded");
  vs_status status = vs_textindex_build(x, bytes, done);
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory for the text index");
}

/* Flags of the named fields; names that no record has are passed over. */
static vs_status read_fields(vs_db_state *db, vs_slice bytes, uint8_t *flags) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  vs_value list;
  if (!vs_value_check(bytes.p, bytes.n) || (list = vs_value_read(&r)).tag != VS_VALUE_ARRAY)
    return vs_fail(&db->err, VS_INVALID_ARGUMENT, "fields must be an array of names");
  r = vs_rd_of(list.bytes.p, list.bytes.n);
  for (uint32_t i = 0; i < list.count; i++) {
    vs_value name = vs_value_read(&r);
    if (name.tag != VS_VALUE_STRING) return vs_fail(&db->err, VS_INVALID_ARGUMENT, "a field's name must be a string");
    uint32_t field = vs_textindex_field(&db->coll.text, name.bytes);
    if (field < VS_TEXT_FIELDS) flags[field] = 1;
  }
  return VS_OK;
}

vs_status vs_texts_query(vs_db_state *db, vs_slice query, bool syntax, uint32_t k, int32_t filter, vs_slice fields) {
  uint8_t flags[VS_TEXT_FIELDS] = {0};
  vs_prepared *prepared;
  vs_textquery q;
  uint32_t n;
  db->search.n_hits = 0;
  if (!vs_textindex_ready(&db->coll.text))
    return vs_fail(&db->err, VS_CONFLICT, "the text index is not built: vs_text_prepare comes first");
  if (fields.n > 0) VS_TRY(read_fields(db, fields, flags));
  VS_TRY(vs_filters_get(&db->filters, filter, &prepared, &db->err));
  if (prepared) VS_TRY(vs_filters_count(&db->coll, prepared, &n, &db->err));
  vs_text_request r = {.k = k, .filter = prepared ? &prepared->matches : NULL, .fields = fields.n ? flags : NULL};
  vs_textquery_init(&q, &db->alloc);
  vs_status status = syntax ? vs_textquery_parse(&q, query, &db->err) : vs_textquery_plain(&q, query, &db->err);
  if (status == VS_OK) status = vs_textsearch_run(&db->search, &db->coll.text, &q, &r, &db->err);
  vs_textquery_deinit(&q);
  return status;
}

/* One text's places; false: there are none and nothing was written. */
static bool mark_text(vs_db_state *db, vs_slice name, bool named, vs_slice text, vs_wr *w) {
  const vs_textindex *x = &db->coll.text;
  vs_tokens tokens;
  vs_token token;
  size_t object = 0, list = 0;
  uint32_t n = 0;
  vs_tokens_begin(&tokens, &x->analyzer, text);
  while (vs_tokens_next(&tokens, &token)) {
    uint32_t term = vs_vocabulary_find(&x->vocabulary, (vs_slice){token.p, token.n});
    if (term == VS_NO_TERM || !vs_textsearch_has(&db->search, term)) continue;
    if (n == 0) {
      object = vs_value_object_begin(w);
      vs_value_key(w, "field");
      if (named)
        vs_value_string(w, name.p, name.n);
      else
        vs_value_null(w);
      vs_value_key(w, "at");
      list = vs_value_array_begin(w);
    }
    vs_value_int(w, token.start);
    vs_value_int(w, token.end);
    n += 2;
  }
  if (n == 0) return false;
  vs_value_end(w, list, n);
  vs_value_end(w, object, 2);
  return true;
}

vs_status vs_texts_marks(vs_db_state *db, uint32_t slot, vs_wr *w) {
  const vs_body *b = vs_coll_body(&db->coll, slot);
  if (!b) return vs_fail(&db->err, VS_NOT_FOUND, "there is no record at the slot");
  if (!vs_textindex_ready(&db->coll.text)) return vs_fail(&db->err, VS_CONFLICT, "there was no text query");
  vs_slice text = vs_body_text(b);
  size_t mark = vs_value_array_begin(w);
  uint32_t n = 0;
  vs_rd r = vs_rd_of(text.p, text.n);
  vs_value value = text.n ? vs_value_read(&r) : (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
  if (value.tag == VS_VALUE_STRING) n += mark_text(db, (vs_slice){NULL, 0}, false, value.bytes, w);
  r = vs_rd_of(value.bytes.p, value.bytes.n);
  for (uint32_t i = 0; value.tag == VS_VALUE_OBJECT && i < value.count; i++) {
    vs_slice name = vs_rd_slice(&r);
    n += mark_text(db, name, true, vs_value_read(&r).bytes, w);
  }
  vs_value_end(w, mark, n);
  return VS_OK;
}
