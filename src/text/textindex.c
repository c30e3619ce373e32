/* textindex.c - building and following (see textindex.h).
 *
 * Layer: text (L2). A record's tokens are gathered first, by term and field,
 * then each becomes a posting: O(tokens).
 */
#include "../base/crc32c.h"
#include "textindex_impl.h"

#include <string.h>

/* One term of the record at hand in one field. */
typedef struct {
  uint32_t head, tf, first, last; /* first, last: in `tokens` */
  uint8_t field;
  bool counted; /* first of its term: df counts it */
} gathered;

typedef struct {
  uint32_t position, next;
} place;

#define MOST_SCRATCH 65536u
#define STAMP_LAST (UINT32_MAX - 65536u)

/* ============ Configuration ============ */

void vs_textindex_init(vs_textindex *x, vs_alloc *a, const vs_texts *texts, uint64_t hash_seed) {
  memset(x, 0, sizeof *x);
  x->a = a;
  x->texts = *texts;
  x->hash_seed = hash_seed;
  vs_analyzer_init(&x->analyzer, a);
  vs_wr_init(&x->weights, a);
  vs_bitset_init(&x->changed, a);
  vs_blocks_init(&x->saved, a, 1);
}

void vs_textindex_unsave(vs_textindex *x) {
  vs_text_read_forget(x);
  vs_blocks_deinit(&x->saved);
  vs_blocks_init(&x->saved, x->a, 1);
  x->n_layers = 0;
  x->n_unsaved = x->n_docs;
}

void vs_textindex_give_up(vs_textindex *x) {
  x->epoch++;
  x->n_built = x->n_read = x->n_added = x->n_layers = x->n_unsaved = 0;
  vs_blocks_deinit(&x->saved);
  vs_blocks_init(&x->saved, x->a, 1);
  if (!x->begun) return;
  vs_vocabulary_deinit(&x->vocabulary);
  for (uint32_t i = 0; i < x->n_fields; i++) vs_blocks_deinit(&x->field[i].length);
  vs_free(x->a, x->field);
  vs_wr_deinit(&x->names);
  vs_blocks_deinit(&x->tokens);
  vs_blocks_deinit(&x->entries);
  x->begun = false;
  x->built_to = x->n_docs = x->n_fields = x->stamp = 0;
}

void vs_textindex_deinit(vs_textindex *x) {
  if (vs_textindex_exists(x)) vs_text_read_forget(x);
  vs_textindex_give_up(x);
  vs_analyzer_deinit(&x->analyzer);
  vs_wr_deinit(&x->weights);
}

static vs_status read_number(const vs_value *options, const char *key, double most, double *out, vs_err *err) {
  vs_value v;
  if (!vs_value_get(options, key, &v)) return VS_OK;
  bool is_number = v.tag == VS_VALUE_INT || v.tag == VS_VALUE_F64;
  double f = v.tag == VS_VALUE_INT ? (double)v.i : v.f;
  if (!is_number || !(f >= 0 && f <= most)) return vs_fail(err, VS_INVALID_ARGUMENT, "text.%s is out of range", key);
  *out = f;
  return VS_OK;
}

static vs_status check_weights(const vs_value *weights, vs_err *err) {
  vs_rd r = vs_rd_of(weights->bytes.p, weights->bytes.n);
  bool fine = weights->tag == VS_VALUE_OBJECT;
  for (uint32_t i = 0; fine && i < weights->count; i++) {
    vs_rd_slice(&r);
    vs_value v = vs_value_read(&r);
    double f = v.tag == VS_VALUE_INT ? (double)v.i : v.tag == VS_VALUE_F64 ? v.f : -1;
    fine = f > 0 && f <= 1000;
  }
  return fine ? VS_OK
              : vs_fail(err, VS_INVALID_ARGUMENT, "text.weights must be numbers above 0, at most 1000, by field");
}

/* Sums of checksums, so that the order of the options does not matter. */
static uint32_t settings_of(const vs_value *options) {
  vs_rd r = vs_rd_of(options->bytes.p, options->bytes.n);
  uint32_t sum = 0;
  for (uint32_t i = 0; i < options->count; i++) {
    const uint8_t *from = r.p;
    vs_slice key = vs_rd_slice(&r);
    vs_value_read(&r);
    bool is_scoring = (key.n == 2 && memcmp(key.p, "k1", 2) == 0) || (key.n == 1 && key.p[0] == 'b') ||
                      (key.n == 7 && memcmp(key.p, "weights", 7) == 0);
    if (!is_scoring) sum += vs_crc32c(0, from, (size_t)(r.p - from)) * 2654435761u;
  }
  return sum;
}

/* Numbers first, so that what can be refused is refused before anything is taken over. */
static vs_status take_numbers(vs_textindex *x, const vs_value *options, vs_wr *weights, vs_err *err) {
  double k1 = 1.2, b = 0.75;
  vs_value v;
  VS_TRY(read_number(options, "k1", 100, &k1, err));
  VS_TRY(read_number(options, "b", 1, &b, err));
  if (vs_value_get(options, "weights", &v)) {
    VS_TRY(check_weights(&v, err));
    vs_slice bytes = vs_value_member(options, "weights");
    vs_wr_bytes(weights, bytes.p, bytes.n);
    if (weights->failed) return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the field weights");
  }
  x->k1 = k1;
  x->b = b;
  return VS_OK;
}

static float weight_of(const vs_textindex *x, vs_slice name) {
  vs_rd r = vs_rd_of(x->weights.p, x->weights.n);
  vs_value object = x->weights.n ? vs_value_read(&r) : (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
  r = vs_rd_of(object.bytes.p, object.bytes.n);
  for (uint32_t i = 0; i < object.count; i++) {
    vs_slice key = vs_rd_slice(&r);
    vs_value v = vs_value_read(&r);
    if (key.n == name.n && memcmp(key.p, name.p, name.n) == 0)
      return (float)(v.tag == VS_VALUE_INT ? (double)v.i : v.f);
  }
  return 1;
}

vs_status vs_textindex_configure(vs_textindex *x, vs_slice options, vs_err *err) {
  vs_rd r = vs_rd_of(options.p, options.n);
  vs_value object = options.n ? vs_value_read(&r) : (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
  if (object.tag != VS_VALUE_OBJECT) return vs_fail(err, VS_INVALID_ARGUMENT, "text must be an object");
  vs_analyzer fresh;
  vs_wr weights;
  vs_analyzer_init(&fresh, x->a);
  vs_wr_init(&weights, x->a);
  vs_status status = vs_analyzer_configure(&fresh, &object, err);
  if (status == VS_OK) status = take_numbers(x, &object, &weights, err);
  if (status != VS_OK) {
    vs_analyzer_deinit(&fresh);
    vs_wr_deinit(&weights);
    return status;
  }
  uint32_t settings = settings_of(&object);
  if (settings != x->settings) {
    vs_text_read_forget(x);
    vs_textindex_give_up(x);
  }
  x->settings = settings;
  vs_analyzer_deinit(&x->analyzer);
  vs_wr_deinit(&x->weights);
  x->analyzer = fresh;
  x->analyzer.is_stop.ctx = &x->analyzer;
  x->weights = weights;
  for (uint32_t i = 1; x->begun && i < x->n_fields; i++)
    x->field[i].weight = weight_of(x, (vs_slice){x->names.p + x->field[i].name, x->field[i].name_n});
  x->configured = true;
  return VS_OK;
}

/* ============ Fields ============ */

uint32_t vs_textindex_field(const vs_textindex *x, vs_slice name) {
  for (uint32_t i = 1; x->begun && i < x->n_fields; i++)
    if (x->field[i].name_n == name.n && memcmp(x->names.p + x->field[i].name, name.p, name.n) == 0) return i;
  return VS_TEXT_FIELDS;
}

vs_status vs_textindex_open_field(vs_textindex *x, vs_slice name, uint32_t *out) {
  *out = vs_textindex_field(x, name);
  if (*out != VS_TEXT_FIELDS) return VS_OK;
  if (x->n_fields == VS_TEXT_FIELDS) {
    *out = VS_TEXT_FIELDS - 1;
    return VS_OK;
  }
  vs_text_field *f = &x->field[x->n_fields];
  *f = (vs_text_field){.name = (uint32_t)x->names.n, .name_n = (uint32_t)name.n, .weight = weight_of(x, name)};
  vs_wr_bytes(&x->names, name.p, name.n);
  if (x->names.failed) return VS_OUT_OF_MEMORY;
  vs_blocks_init(&f->length, x->a, sizeof(uint32_t));
  *out = x->n_fields++;
  return VS_OK;
}

vs_status vs_textindex_begin(vs_textindex *x) {
  x->field = vs_calloc(x->a, VS_TEXT_FIELDS, sizeof *x->field);
  if (!x->field) return VS_OUT_OF_MEMORY;
  vs_vocabulary_init(&x->vocabulary, x->a, x->hash_seed);
  vs_wr_init(&x->names, x->a);
  vs_blocks_init(&x->tokens, x->a, sizeof(place));
  vs_blocks_init(&x->entries, x->a, sizeof(gathered));
  x->field[0] = (vs_text_field){.weight = 1};
  vs_blocks_init(&x->field[0].length, x->a, sizeof(uint32_t));
  x->n_fields = 1;
  x->begun = true;
  return VS_OK;
}

/* ============ One record ============ */

typedef struct {
  uint32_t n_tokens, n_entries;
  uint32_t first_stamp; /* terms stamped from here on are of this record */
  bool adds;
} record;

static gathered *entry_at(const vs_textindex *x, uint32_t i) { return vs_blocks_at(&x->entries, i); }

/* A new term of the record in this field. */
static vs_status new_entry(vs_textindex *x, record *rec, uint32_t head, uint8_t field) {
  vs_term *t = vs_term_at(&x->vocabulary, head);
  VS_TRY(vs_blocks_reserve(&x->entries, rec->n_entries + 1));
  *entry_at(x, rec->n_entries) = (gathered){head, 0, VS_NO_SLOT, VS_NO_SLOT, field, t->stamp < rec->first_stamp};
  t->stamp = x->stamp;
  t->mark = rec->n_entries++;
  return VS_OK;
}

/* Gathers one text; its number of words. */
static vs_status gather(vs_textindex *x, record *rec, vs_slice text, uint8_t field, uint32_t *n_words) {
  vs_tokens tokens;
  vs_token token;
  x->stamp++;
  *n_words = 0;
  vs_tokens_begin(&tokens, &x->analyzer, text);
  while (vs_tokens_next(&tokens, &token)) {
    uint32_t head;
    vs_slice key = {token.p, token.n};
    if (rec->adds)
      VS_TRY(vs_vocabulary_add(&x->vocabulary, key, &head));
    else if ((head = vs_vocabulary_find(&x->vocabulary, key)) == VS_NO_TERM)
      continue;
    if (vs_term_at(&x->vocabulary, head)->stamp != x->stamp) VS_TRY(new_entry(x, rec, head, field));
    gathered *e = entry_at(x, vs_term_at(&x->vocabulary, head)->mark);
    ++*n_words;
    if (++e->tf > VS_POSITIONS || !rec->adds) continue;
    VS_TRY(vs_blocks_reserve(&x->tokens, rec->n_tokens + 1));
    *(place *)vs_blocks_at(&x->tokens, rec->n_tokens) = (place){token.position, VS_NO_SLOT};
    if (e->first == VS_NO_SLOT)
      e->first = rec->n_tokens;
    else
      ((place *)vs_blocks_at(&x->tokens, e->last))->next = rec->n_tokens;
    e->last = rec->n_tokens++;
  }
  return VS_OK;
}

vs_status vs_textindex_count(vs_textindex *x, uint32_t slot, uint32_t field, uint32_t n_words, bool adds) {
  vs_text_field *f = &x->field[field];
  if (n_words == 0) return VS_OK;
  VS_TRY(vs_blocks_reserve(&f->length, slot + 1));
  uint32_t *length = vs_blocks_at(&f->length, slot);
  /* Several named texts may share the last field. */
  if (adds) {
    f->n_docs += *length == 0;
    f->n_words += n_words;
    *length += n_words;
  } else {
    *length -= n_words;
    f->n_words -= n_words;
    f->n_docs -= *length == 0;
  }
  return VS_OK;
}

/* Gathers all texts of a record. */
static vs_status gather_all(vs_textindex *x, record *rec, uint32_t slot, vs_slice text) {
  vs_rd r = vs_rd_of(text.p, text.n);
  vs_value value = vs_value_read(&r);
  uint32_t n_words;
  if (value.tag == VS_VALUE_STRING) {
    VS_TRY(gather(x, rec, value.bytes, 0, &n_words));
    return vs_textindex_count(x, slot, 0, n_words, rec->adds);
  }
  r = vs_rd_of(value.bytes.p, value.bytes.n);
  for (uint32_t i = 0; i < value.count; i++) {
    uint32_t field;
    vs_slice name = vs_rd_slice(&r);
    vs_value member = vs_value_read(&r);
    if (member.tag != VS_VALUE_STRING) continue;
    VS_TRY(vs_textindex_open_field(x, name, &field));
    VS_TRY(gather(x, rec, member.bytes, (uint8_t)field, &n_words));
    VS_TRY(vs_textindex_count(x, slot, field, n_words, rec->adds));
  }
  return VS_OK;
}

/* In the last field, which several names may share, a later text's posting of a term replaces an earlier one's. */
static vs_status add_entry(vs_textindex *x, uint32_t slot, const gathered *e) {
  uint32_t position[VS_POSITIONS], n = 0, entry;
  for (uint32_t at = e->first; at != VS_NO_SLOT; at = ((place *)vs_blocks_at(&x->tokens, at))->next)
    position[n++] = ((place *)vs_blocks_at(&x->tokens, at))->position;
  VS_TRY(vs_term_add_field(&x->vocabulary, e->head, e->field, &entry));
  vs_term *t = vs_term_at(&x->vocabulary, entry);
  vs_posting posting = {slot, e->tf, vs_text_length(&x->field[e->field], slot), position};
  bool there = false;
  if (e->field == VS_TEXT_FIELDS - 1) VS_TRY(vs_list_remove(&x->vocabulary.postings, &t->list, slot, &there));
  return vs_list_add(&x->vocabulary.postings, &t->list, &posting);
}

static void trim_scratch(vs_textindex *x) {
  if (x->tokens.n_items > MOST_SCRATCH) vs_blocks_deinit(&x->tokens);
  if (x->entries.n_items > MOST_SCRATCH) vs_blocks_deinit(&x->entries);
  if (x->tokens.n_items == 0) vs_blocks_init(&x->tokens, x->a, sizeof(place));
  if (x->entries.n_items == 0) vs_blocks_init(&x->entries, x->a, sizeof(gathered));
}

static vs_status add(vs_textindex *x, uint32_t slot, vs_slice text) {
  record rec = {0, 0, x->stamp + 1, true};
  if (text.n == 0) return VS_OK;
  if (x->stamp >= STAMP_LAST) return VS_OUT_OF_MEMORY; /* built anew, stamps begin anew */
  VS_TRY(gather_all(x, &rec, slot, text));
  for (uint32_t i = 0; i < rec.n_entries; i++) {
    const gathered *e = entry_at(x, i);
    VS_TRY(add_entry(x, slot, e));
    vs_term_at(&x->vocabulary, e->head)->df += e->counted;
  }
  x->n_docs += rec.n_entries > 0;
  trim_scratch(x);
  return VS_OK;
}

static vs_status take_out(vs_textindex *x, uint32_t slot, vs_slice text) {
  record rec = {0, 0, x->stamp + 1, false};
  bool found;
  if (text.n == 0) return VS_OK;
  VS_TRY(gather_all(x, &rec, slot, text));
  for (uint32_t i = 0; i < rec.n_entries; i++) {
    const gathered *e = entry_at(x, i);
    uint32_t entry = vs_term_in_field(&x->vocabulary, e->head, e->field);
    if (entry != VS_NO_TERM)
      VS_TRY(vs_list_remove(&x->vocabulary.postings, &vs_term_at(&x->vocabulary, entry)->list, slot, &found));
    vs_term_at(&x->vocabulary, e->head)->df -= e->counted;
  }
  for (uint32_t i = 0; i < rec.n_entries; i++) {
    const gathered *e = entry_at(x, i);
    if (e->counted && vs_term_at(&x->vocabulary, e->head)->df == 0) vs_vocabulary_drop(&x->vocabulary, e->head);
  }
  x->n_docs -= rec.n_entries > 0;
  trim_scratch(x);
  return VS_OK;
}

/* What is saved of the slot does not hold any more. */
static void note_change(vs_textindex *x, uint32_t slot) {
  x->epoch++;
  x->n_unsaved++;
  if (x->source.open) vs_text_read_changed(x, slot);
  uint8_t saved = vs_text_saved_in(x, slot);
  if (!vs_text_is_layer(saved)) return;
  x->layer[saved - 1].n_live--;
  *(uint8_t *)vs_blocks_at(&x->saved, slot) = VS_TEXT_STALE;
}

void vs_textindex_added(vs_textindex *x, uint32_t slot, vs_slice text) {
  note_change(x, slot);
  if (x->begun && slot < x->built_to && add(x, slot, text) != VS_OK) vs_textindex_give_up(x);
}

void vs_textindex_removing(vs_textindex *x, uint32_t slot, vs_slice text) {
  bool is_in = x->begun && (slot < x->built_to || (!x->reading && vs_text_is_layer(vs_text_saved_in(x, slot))));
  note_change(x, slot);
  if (is_in && take_out(x, slot, text) != VS_OK) vs_textindex_give_up(x);
}

/* ============ Building ============ */

void vs_textindex_offer(vs_textindex *x, const vs_text_source *source) {
  assert(!x->begun && !x->source.open);
  x->source = *source;
}

vs_status vs_textindex_build(vs_textindex *x, double bytes, bool *done) {
  *done = vs_textindex_ready(x);
  if (*done) return VS_OK;
  bool read = !x->source.open;
  while (!read && bytes > 0) vs_text_read_some(x, &bytes, &read);
  if (!read) return VS_OK;
  x->epoch++;
  vs_status status = x->begun ? VS_OK : vs_textindex_begin(x);
  uint32_t n = x->texts.n_slots(x->texts.ctx);
  for (; status == VS_OK && x->built_to < n && bytes > 0; x->built_to++) {
    vs_slice text;
    bytes -= 0.1;
    if (vs_text_is_layer(vs_text_saved_in(x, x->built_to))) continue;
    if (!x->texts.text(x->texts.ctx, x->built_to, &text)) continue;
    status = add(x, x->built_to, text);
    if (text.n == 0) continue;
    bytes -= (double)text.n + 16;
    x->n_unsaved++;
    if (x->n_read > 0)
      x->n_added++;
    else
      x->n_built++;
  }
  if (status != VS_OK) {
    vs_textindex_give_up(x);
    return status;
  }
  if (x->built_to >= n) x->built_to = UINT32_MAX;
  *done = x->built_to == UINT32_MAX;
  return VS_OK;
}

/* ============ Telling ============ */

size_t vs_textindex_bytes(const vs_textindex *x) {
  size_t n = x->weights.cap + x->analyzer.stops.cap + vs_hashmap_bytes(&x->analyzer.is_stop) +
             vs_blocks_bytes(&x->saved) + vs_blocks_bytes(&x->changed.words);
  if (!x->begun) return n;
  n += vs_vocabulary_bytes(&x->vocabulary) + VS_TEXT_FIELDS * sizeof *x->field + x->names.cap;
  for (uint32_t i = 0; i < x->n_fields; i++) n += vs_blocks_bytes(&x->field[i].length);
  return n + vs_blocks_bytes(&x->tokens) + vs_blocks_bytes(&x->entries);
}

void vs_textindex_describe(const vs_textindex *x, vs_wr *w) {
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "ready");
  vs_value_bool(w, vs_textindex_ready(x));
  vs_value_key(w, "records");
  vs_value_int(w, x->n_docs);
  vs_value_key(w, "terms");
  vs_value_int(w, x->begun ? x->vocabulary.map.n : 0);
  vs_value_key(w, "bytes");
  vs_value_int(w, (int64_t)vs_textindex_bytes(x));
  vs_value_key(w, "built");
  vs_value_int(w, x->n_built);
  vs_value_key(w, "read");
  vs_value_int(w, x->n_read);
  vs_value_key(w, "added");
  vs_value_int(w, x->n_added);
  vs_value_end(w, mark, 7);
}
