/* record.c - which members of a record are its title, its text and its fields (document.h says by what rule).
 *
 * Layer: rag. Members come decoded, one after the other, from JSON, CSV or
 * front matter. Repeated names make an array; finding them compares names pairwise within the first
 * VS_DOC_MAX_FIELDS fields, so a record is O(bytes).
 */
#include "extract.h"

#include <string.h>

static const char *const title_keys[] = {"title", "headline", "subject", "name", "key"};
static const char *const text_keys[] = {"text",    "body",        "content", "contents", "abstract",
                                        "summary", "description", "passage", "document", "page_content",
                                        "message", "question",    "answer"};

static vs_field *items_of(const vs_document *d) { return (vs_field *)(void *)d->items.p; }
static size_t n_items(const vs_document *d) { return d->items.n / sizeof(vs_field); }
static vs_slice key_of(const vs_document *d, const vs_field *f) {
  return f->key_n > 0 ? (vs_slice){d->keys.p + f->key, f->key_n} : (vs_slice){(const uint8_t *)"", 0};
}
static vs_slice value_of(const vs_document *d, const vs_field *f) {
  return vs_flow_slice(&d->values, f->value, f->value_end);
}

void vs_record_begin(vs_document *d) {
  vs_flow_reset(&d->values);
  vs_wr_reset(&d->keys);
  vs_wr_reset(&d->items);
}

void vs_record_add(vs_document *d, vs_slice key, vs_field_type type, uint32_t value, uint32_t value_end) {
  vs_field field = {(uint32_t)d->keys.n, (uint32_t)key.n, value, value_end, type};
  vs_wr_bytes(&d->keys, key.p, key.n);
  vs_wr_bytes(&d->items, &field, sizeof field);
  if (d->keys.failed || d->items.failed || d->values.failed) d->flow.failed = true;
}

/* ============ Roles ============ */

enum { TITLE_KEYS = sizeof title_keys / sizeof title_keys[0], TEXT_KEYS = sizeof text_keys / sizeof text_keys[0] };

/* Which of the n words the last part of a dotted name is; n when none. */
static size_t find_name(vs_slice key, const char *const *words, size_t n) {
  size_t from = key.n, i = 0;
  while (from > 0 && key.p[from - 1] != '.') from--;
  while (i < n && !vs_is_word(key.p + from, key.n - from, words[i])) i++;
  return i;
}

bool vs_record_names_text(vs_slice key) {
  return find_name(key, text_keys, TEXT_KEYS) < TEXT_KEYS || find_name(key, title_keys, TITLE_KEYS) < TITLE_KEYS;
}

static bool has_words(vs_slice text, uint32_t least) {
  uint32_t words = 0;
  for (size_t i = 0; i < text.n && words < least; i++)
    words += !vs_is_space(text.p[i]) && (i == 0 || vs_is_space(text.p[i - 1]));
  return words >= least;
}

static bool is_text(const vs_document *d, const vs_field *f, uint32_t least_words) {
  vs_slice value = value_of(d, f);
  if (f->type != VS_FIELD_STRING || !has_words(value, 1)) return false;
  if (least_words > 0) return has_words(value, least_words);
  return value.n > VS_DOC_LONG_BYTES || find_name(key_of(d, f), text_keys, TEXT_KEYS) < TEXT_KEYS;
}

/* The record's title: of the members named so the one with the likeliest name. */
static const vs_field *title_of(const vs_document *d) {
  const vs_field *best = NULL;
  size_t best_rank = TITLE_KEYS;
  for (size_t i = 0; i < n_items(d); i++) {
    const vs_field *f = &items_of(d)[i];
    if (f->type != VS_FIELD_STRING || !has_words(value_of(d, f), 1)) continue;
    size_t rank = find_name(key_of(d, f), title_keys, TITLE_KEYS);
    if (rank >= best_rank) continue;
    best = f;
    best_rank = rank;
  }
  return best;
}

/* ============ Fields ============ */

/* Reads digits into *mantissa (as many as fit) and counts those left over. */
static const uint8_t *read_digits(const uint8_t *p, const uint8_t *end, uint64_t *mantissa, int *dropped) {
  for (; p < end && vs_is_digit(*p); p++) {
    if (*mantissa >= UINT64_MAX / 10 - 9)
      (*dropped)++;
    else
      *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
  }
  return p;
}

static double scaled(double value, int exponent) {
  double power = 10;
  bool down = exponent < 0;
  for (unsigned left = (unsigned)(down ? -exponent : exponent); left > 0; left >>= 1, power *= power)
    if (left & 1) value = down ? value / power : value * power;
  return value;
}

void vs_record_number(vs_wr *w, vs_slice text) {
  const uint8_t *p = text.p, *end = text.p + text.n;
  uint64_t mantissa = 0;
  int dropped = 0, fraction = 0, written = 0, cut = 0;
  bool negative = p < end && *p == '-', whole = true;
  p = read_digits(p + negative, end, &mantissa, &dropped);
  if (p < end && *p == '.') {
    const uint8_t *from = ++p;
    p = read_digits(p, end, &mantissa, &cut);
    fraction = (int)(p - from) - cut;
    whole = false;
  }
  if (p < end && (*p | 32) == 'e') {
    uint64_t exponent = 0;
    p++;
    bool down = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    read_digits(p, end, &exponent, &cut);
    written = exponent > 10000 ? 10000 : (int)exponent;
    if (down) written = -written;
    whole = false;
  }
  if (whole && dropped == 0 && mantissa <= INT64_MAX) {
    vs_value_int(w, negative ? -(int64_t)mantissa : (int64_t)mantissa);
    return;
  }
  double value = scaled((double)mantissa, written + dropped - fraction);
  if (value - value == 0)
    vs_value_f64(w, negative ? -value : value);
  else
    vs_value_string(w, text.p, text.n);
}

bool vs_record_is_number(vs_slice text) {
  size_t at = text.n > 0 && text.p[0] == '-', from = at;
  while (at < text.n && vs_is_digit(text.p[at])) at++;
  if (at == from || at - from > 15 || (text.p[from] == '0' && at - from > 1)) return false;
  if (at == text.n) return true;
  if (text.p[at] != '.' || at + 1 == text.n || text.n - from > 16) return false;
  while (++at < text.n)
    if (!vs_is_digit(text.p[at])) return false;
  return true;
}

static void write_value(vs_document *d, const vs_field *f) {
  vs_slice value = value_of(d, f);
  switch (f->type) {
  case VS_FIELD_NUMBER: vs_record_number(&d->fields, value); break;
  case VS_FIELD_TRUE: vs_value_bool(&d->fields, true); break;
  case VS_FIELD_FALSE: vs_value_bool(&d->fields, false); break;
  default: vs_value_string(&d->fields, value.p, value.n);
  }
}

static bool same_key(const vs_document *d, const vs_field *a, const vs_field *b) {
  return a->key_n == b->key_n && memcmp(key_of(d, a).p, key_of(d, b).p, a->key_n) == 0;
}

/* Writes the n fields as an object, those of one name as one array. */
static void write_fields(vs_document *d, const vs_field *const *field, size_t n) {
  uint32_t members = 0;
  size_t object = vs_value_object_begin(&d->fields);
  for (size_t i = 0; i < n; i++) {
    uint32_t earlier = 0, later = 0;
    for (size_t j = 0; j < n; j++)
      if (j != i && same_key(d, field[i], field[j])) *(j < i ? &earlier : &later) += 1;
    if (earlier > 0) continue;
    vs_slice key = key_of(d, field[i]);
    vs_wr_slice(&d->fields, key.p, key.n);
    members++;
    if (later == 0) {
      write_value(d, field[i]);
      continue;
    }
    size_t array = vs_value_array_begin(&d->fields);
    for (size_t j = i; j < n; j++)
      if (same_key(d, field[i], field[j])) write_value(d, field[j]);
    vs_value_end(&d->fields, array, later + 1);
  }
  vs_value_end(&d->fields, object, members);
}

/* ============ A whole record ============ */

/* Every passage has the fields, so they must not be as long as the record. */
static bool is_short(const vs_field *f) {
  return f->key_n <= VS_DOC_LONG_BYTES && f->value_end - f->value <= VS_DOC_LONG_BYTES;
}

/* Sorts the members into title, text and fields. least_words as is_text takes it. */
static void sort_members(vs_document *d, const vs_field *title, uint32_t least_words, bool with_title) {
  const vs_field *field[VS_DOC_MAX_FIELDS];
  size_t n = 0;
  for (size_t i = 0; i < n_items(d); i++) {
    const vs_field *f = &items_of(d)[i];
    bool is_title = title != NULL && f == title, text = is_title ? with_title : is_text(d, f, least_words);
    if (text) {
      if (d->flow.text.n > 0) vs_flow_glue(&d->flow, "\n\n");
      uint32_t from = vs_flow_at(&d->flow);
      vs_flow_copy(&d->flow, &d->values, f->value, f->value_end);
      vs_flow_paragraphs(&d->flow, from, vs_flow_at(&d->flow));
    } else if (!is_title && n < VS_DOC_MAX_FIELDS && is_short(f)) {
      field[n++] = f;
    }
  }
  if (title) {
    vs_slice value = value_of(d, title);
    for (size_t i = 0; i < value.n; i++) vs_wr_u8(&d->title, value.p[i] == '\n' ? ' ' : value.p[i]);
  }
  if (n > 0) write_fields(d, field, n);
}

void vs_record_describe(vs_document *d) {
  if (d->flow.failed) return;
  sort_members(d, title_of(d), 0, false);
  if (d->flow.text.n > 0) vs_flow_glue(&d->flow, "\n\n");
}

vs_status vs_record_finish(vs_document *d) {
  vs_document_restart(d);
  d->record++;
  if (!d->flow.failed) {
    const vs_field *title = title_of(d);
    uint32_t least = 0;
    size_t texts = 0;
    /* Well-known names, else what reads like text, else any string. */
    for (uint32_t i = 0; i < 3 && texts == 0; i++) {
      least = (const uint32_t[]){0, 3, 1}[i];
      for (size_t j = 0; j < n_items(d); j++) texts += &items_of(d)[j] != title && is_text(d, &items_of(d)[j], least);
    }
    sort_members(d, title, least, true);
  }
  return vs_document_emit(d, true);
}
